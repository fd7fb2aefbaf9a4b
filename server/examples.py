"""Queries to begin with, as IVOA DALI 1.1 has them: an XHTML page with RDFa that TOPCAT and pyvo read.

The first are those of the portal; the others show what astronomers ask a survey of cubes.  Each names its tables, and
all are ADQL 2.0, so that clients that know no other can take them up.
"""

import re
from typing import Final
from xml.sax.saxutils import escape

from archive import survey
from archive.database import Database
from schema.published import catalogue
from server.adql import translate
from server.portal.examples import Example, queries

__all__ = ["MEDIA_TYPE", "examples", "page"]

MEDIA_TYPE: Final = "application/xhtml+xml"
MORE: Final = (
    Example(
        "Pointings whose field holds a position",
        "SELECT pointing_id, psf_fwhm\nFROM survey.pointing\n"
        "WHERE 1 = CONTAINS(POINT('ICRS', 24.1797, 15.7548), footprint)",
    ),
    Example(
        "Observing blocks of one year that overlap a circle",
        "SELECT obs_id, target_name, t_min, t_exptime\n"
        "FROM ivoa.obsplan\n"
        "WHERE t_min BETWEEN 58119 AND 58484\n"
        "  AND 1 = INTERSECTS(s_region, CIRCLE('ICRS', 184.7, 14.42, 0.1))\n"
        "ORDER BY t_min",
    ),
    Example(
        "Exposures on the galaxies with the seeing and the weather they had",
        "SELECT TOP 100 e.dp_id, e.target, e.exptime, c.dimm_seeing, c.weather, e.mjd_obs\n"
        "FROM survey.exposure AS e\n"
        "JOIN survey.exposure_conditions AS c ON c.dp_id = e.dp_id\n"
        "WHERE e.target IS NOT NULL\n"
        "ORDER BY mjd_obs",
    ),
    Example(
        "What every product was made from",
        "SELECT g.product_id, g.activity_id, u.entity\n"
        "FROM provenance.was_generated_by AS g\n"
        "JOIN provenance.used AS u ON u.activity_id = g.activity_id",
    ),
    Example(
        "Columns that hold positions, in all tables",
        "SELECT table_name, column_name, unit, description\nFROM tap_schema.columns\nWHERE ucd LIKE 'pos.eq%'",
    ),
)
PAGE: Final = """<?xml version="1.0" encoding="UTF-8"?>
<html xmlns="http://www.w3.org/1999/xhtml">
<head><title>Examples of queries</title></head>
<body vocab="http://www.ivoa.net/rdf/examples#">
<h1>Examples of queries</h1>
{examples}
</body>
</html>
"""
EXAMPLE: Final = """<div id="{name}" resource="#{name}" typeof="example">
<h2 property="name">{title}</h2>
<pre property="query">{query}</pre>
<p>Tables: {tables}</p>
</div>"""


def examples(database: Database) -> list[Example]:
    """Return the examples; a cone is around a galaxy of which the archive holds something, if there is one."""
    targets = sorted(survey.targets(database), key=lambda t: t.products == 0)
    return [*queries(targets[0].target if targets else None), *MORE]


def page(shown: list[Example]) -> str:
    """Return the document."""
    return PAGE.format(examples="\n".join(_written(example) for example in shown))


def _written(example: Example) -> str:
    tables = sorted(translate(example.adql, catalogue()).tables)
    return EXAMPLE.format(
        name=re.sub(r"[^a-z0-9]+", "-", example.says.lower()),
        title=escape(example.says),
        query=escape(example.adql),
        tables=", ".join(f'<code property="table">{escape(table)}</code>' for table in tables),
    )
