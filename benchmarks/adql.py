"""How long a query takes from ADQL to SQL, against cutting the same text into tokens and doing nothing with them.

The reference is one pass of a plain regular expression: what any translator written in Python must spend.  A common SQL
translator in pure Python, which resolves no name and knows no geometry, takes 35 to 40 times that for the short
queries and 40 to 100 times for the long ones: not to be slower than that is the target.
"""

import re
from collections.abc import Callable
from timeit import Timer
from typing import Final

from benchmarks.report import report
from schema.published import catalogue
from server.adql import AdqlError, translate

CONE: Final = "SELECT target, ra, dec FROM survey.pointing WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(185.7, 15.8, 0.5))"
JOIN: Final = (
    "SELECT p.pointing_id, t.name, t.dist, p.psf_fwhm FROM survey.pointing AS p JOIN survey.target AS t"
    " ON p.target = t.name WHERE t.dist < 15 AND p.psf_fwhm < (SELECT AVG(psf_fwhm) FROM survey.pointing)"
    " ORDER BY t.dist, p.number"
)
LONGEST: Final = 100_000
TARGETS: Final = "SELECT name FROM survey.target WHERE "
POINTINGS: Final = "SELECT pointing_id FROM survey.pointing WHERE "
HURTFUL: Final = (
    (TARGETS, "dist = 1", " OR "),
    (TARGETS, "1=CONTAINS(POINT(ra,dec),CIRCLE(1,2,3))", " OR "),
    (TARGETS, "1=CONTAINS(BOX(CENTROID(BOX(POINT(ra,dec),1,1)),1,1),CIRCLE(1,2,3))", " OR "),
    (TARGETS, "EXISTS(SELECT * FROM survey.pointing)", " AND "),
    (TARGETS, "ivo_healpix_index(3,ivo_healpix_center(3,ivo_healpix_index(3,ra,dec)))=1", " OR "),
    (TARGETS, "1=CONTAINS(POINT(ra,dec),gavo_mocunion(MOC(9,BOX(1,2,3,4)),MOC('4/1-9')))", " AND "),
    (POINTINGS, "1=INTERSECTS(footprint,BOX(POINT(ra,dec),1,2))", " OR "),
    ("SELECT DISTINCT dist+1 FROM survey.target ORDER BY ", "dist+1", ","),
    ("SELECT dist FROM survey.target GROUP BY ", "dist", ","),
)
"""A beginning, what is repeated and what stands between, up to the longest text: translated or refused, but soon."""

TOKEN: Final = re.compile(r"\s+|[A-Za-z_]\w*|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|'(?:[^']|'')*'|<>|<=|>=|\|\||.")


def main() -> None:
    """Measure and report."""
    translated(CONE)
    for title, text in {"a cone": CONE, "a two-table join": JOIN}.items():
        ours, reference = (milliseconds(work, text, number=100) for work in (translated, tokenised))
        report(f"adql, ms to translate {title} against its tokens", ours, reference, 40, more_is_better=False)
    worst = max(map(filled, HURTFUL), key=lambda text: milliseconds(translated, text))
    ours, reference = (milliseconds(work, worst) for work in (translated, tokenised))
    report("adql, ms for the worst 100 kB text against its tokens", ours, reference, 100, more_is_better=False)


def filled(parts: tuple[str, str, str]) -> str:
    """Repeat the middle part as often as it fits into the longest text."""
    head, item, between = parts
    return head + between.join([item] * ((LONGEST - len(head)) // len(item + between)))


def translated(text: str) -> None:
    """Translate, or refuse."""
    try:
        translate(text, catalogue())
    except AdqlError:
        return


def tokenised(text: str) -> None:
    """Cut into tokens and keep them."""
    _ = [(match.start(), match.group()) for match in TOKEN.finditer(text)]


def milliseconds(work: Callable[[str], None], text: str, *, number: int = 1) -> float:
    """Return the shortest of three times, each the mean of ``number`` runs."""
    return min(Timer(lambda: work(text)).repeat(repeat=3, number=number)) / number * 1000
