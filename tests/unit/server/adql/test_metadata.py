"""What is said of output columns: everything of a plain column, and what stays true of an expression."""

from collections.abc import Callable

import pytest

from server.adql import OutputColumn, Translation

Translated = Callable[[str], Translation]


def column(translated: Translated, expression: str) -> OutputColumn:
    """Return what is said of an expression over target and exposure."""
    text = f"SELECT {expression} AS x FROM survey.target t JOIN survey.exposure e ON t.id = e.target_id"
    return translated(text).columns[0]


RA = OutputColumn(
    name="Alpha",
    datatype="double",
    arraysize=None,
    xtype=None,
    unit="deg",
    ucd="pos.eq.ra;meta.main",
    utype=None,
    description="Right ascension",
    sql_name="c1",
)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT ra AS Alpha FROM survey.target",
        'SELECT q.Alpha FROM (SELECT ra AS "Alpha" FROM survey.target) q',
        "WITH q AS (SELECT RA AS Alpha FROM survey.target) SELECT * FROM q",
        "SELECT t.ra AS Alpha FROM survey.target t LEFT JOIN survey.exposure USING (id)",
        "SELECT ra AS Alpha FROM survey.target UNION SELECT ra FROM survey.target",
        "SELECT (ra) AS Alpha FROM survey.target",
    ],
)
def test_a_plain_column_keeps_everything_wherever_it_goes(translated: Translated, text: str) -> None:
    assert translated(text).columns == (RA,)


def test_a_column_is_called_as_the_query_spells_it(translated: Translated) -> None:
    text = 'SELECT RA, "dec", t.Galaxy, ra AS "My RA", ABS(ra), ABS(dec) FROM survey.target t'
    columns = translated(text).columns

    assert [one.name for one in columns] == ["RA", "dec", "Galaxy", "My RA", "abs", "abs_2"]
    assert [one.sql_name for one in columns] == ["c1", "c2", "c3", "c4", "c5", "c6"]


def test_an_expression_never_takes_the_name_of_a_column(translated: Translated) -> None:
    columns = translated('SELECT ra + 1, dec AS col1, ABS(ra), dec AS "ABS" FROM survey.target').columns

    assert [one.name for one in columns] == ["col1_2", "col1", "abs_2", "ABS"]


@pytest.mark.parametrize(
    ("expression", "datatype", "unit", "ucd"),
    [
        ("MIN(t.ra)", "double", "deg", "pos.eq.ra;stat.min"),
        ("MAX(t.velocity)", "float", "km/s", "spect.dopplerVeloc;stat.max"),
        ("MAX(t.galaxy)", "char", None, "meta.id;stat.max"),
        ("AVG(e.counts)", "double", "ct", "stat.mean"),
        ("SUM(e.exptime)", "double", "s", "time.duration;obs.exposure"),
        ("SUM(e.counts)", "long", "ct", None),
        ("COUNT(t.ra)", "long", None, "meta.number"),
        ("COUNT(*)", "long", None, "meta.number"),
        ("t.ra + t.dec", "double", "deg", None),
        ("t.ra + 180", "double", "deg", "pos.eq.ra"),
        ("t.ra + e.exptime", "double", None, None),
        ("2 * t.velocity", "double", "km/s", "spect.dopplerVeloc"),
        ("t.velocity / t.velocity", "float", None, None),
        ("t.velocity / t.distance_mpc", "float", "(km/s)/Mpc", None),
        ("e.counts / e.exptime", "double", "ct/s", None),
        ("e.exptime * t.velocity", "double", "s.(km/s)", None),
        ("1 / e.exptime", "double", "(s)**-1", None),
        ("t.ra * t.rank", "double", None, None),
        ("-t.ra", "double", "deg", "pos.eq.ra"),
        ("ABS(t.rank)", "short", None, None),
        ("ROUND(t.ra, 2)", "double", "deg", "pos.eq.ra"),
        ("RADIANS(t.ra)", "double", "rad", None),
        ("COALESCE(t.radius, 0)", "double", "deg", "phys.angSize"),
        ("NULLIF(t.radius, 0)", "double", "deg", "phys.angSize"),
        ("CASE WHEN t.ra > 1 THEN t.ra END", "double", "deg", "pos.eq.ra"),
        ("CASE WHEN t.ra > 1 THEN t.ra ELSE e.exptime END", "double", None, None),
        ("IN_UNIT(t.distance_mpc, 'kpc')", "double", "kpc", "pos.distance"),
        ("CAST(t.ra AS REAL)", "float", "deg", "pos.eq.ra;meta.main"),
        ("DISTANCE(t.ra, t.dec, 1, 2)", "double", "deg", "pos.angDistance"),
        ("AREA(CIRCLE(t.ra, t.dec, 1))", "double", "deg**2", "phys.angArea"),
        ("COORD1(POINT(t.ra, t.dec))", "double", "deg", "pos.eq.ra"),
        ("CONTAINS(POINT(t.ra, t.dec), CIRCLE(1, 2, 3))", "int", None, None),
        ("t.rank + 1", "int", None, None),
        ("t.rank + t.rank", "short", None, None),
        ("t.rank + e.counts + t.id", "long", None, None),
        ("t.rank / 2.0", "double", None, None),
        ("t.rank & 3000000000", "long", None, None),
        ("t.galaxy || 1", "char", None, None),
        ("t.galaxy || t.notes", "unicodeChar", None, None),
        ("UPPER(t.notes)", "unicodeChar", None, None),
        ("gavo_to_mjd(t.observed)", "double", "d", "time.epoch"),
        ("NULL", "char", None, None),
        ("'Angstr\N{LATIN SMALL LETTER O WITH DIAERESIS}m'", "unicodeChar", None, None),
        ("t.is_barred", "boolean", None, None),
    ],
)
def test_an_expression_keeps_what_stays_true(
    translated: Translated, expression: str, datatype: str, unit: str | None, ucd: str | None
) -> None:
    found = column(translated, expression)

    assert (found.datatype, found.unit, found.ucd) == (datatype, unit, ucd)


@pytest.mark.parametrize(
    ("expression", "arraysize", "xtype"),
    [
        ("POINT(t.ra, t.dec)", "2", "point"),
        ("CIRCLE(t.ra, t.dec, 1)", "3", "circle"),
        ("POLYGON(t.ra, t.dec, 1, 2, 3, 4)", "*", "polygon"),
        ("CENTROID(BOX(1, 2, 3, 4))", "2", "point"),
    ],
)
def test_a_geometry_is_described_as_dali_has_it(
    translated: Translated, expression: str, arraysize: str, xtype: str
) -> None:
    found = column(translated, expression)

    assert (found.datatype, found.arraysize, found.xtype, found.unit) == ("double", arraysize, xtype, "deg")


def test_a_timestamp_stays_one(translated: Translated) -> None:
    for expression in ("t.observed", "MAX(t.observed)", "COALESCE(t.observed, '2019-01-01')"):
        found = column(translated, expression)
        assert (found.datatype, found.arraysize, found.xtype) == ("char", "*", "timestamp")


def test_a_string_cut_to_a_length_says_so(translated: Translated) -> None:
    assert column(translated, "CAST(t.galaxy AS VARCHAR(5))").arraysize == "5*"


def test_a_set_operation_keeps_what_both_sides_share(translated: Translated) -> None:
    (found,) = translated("SELECT rank AS n FROM survey.target UNION SELECT counts FROM survey.exposure").columns

    assert (found.name, found.datatype, found.unit, found.description) == ("n", "int", None, None)


def test_a_region_keeps_its_description(translated: Translated) -> None:
    (found,) = translated("SELECT s_region FROM ivoa.obscore").columns

    assert (found.datatype, found.arraysize, found.xtype, found.ucd) == (
        "double", "*", "polygon", "pos.outline;obs.field",
    )  # fmt: skip
