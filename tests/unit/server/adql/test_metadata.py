"""What is said of output columns: everything of a plain column, and what stays true of an expression."""

from collections.abc import Callable

import pytest
from astropy.units import Unit

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
        "SELECT DISTINCT ra AS Alpha FROM survey.target ORDER BY ra",
        "SELECT ra AS Alpha, COUNT(*) FROM survey.target GROUP BY ra",
        "SELECT Alpha FROM (SELECT x.* FROM (SELECT ra AS Alpha FROM survey.target) x) y",
        "SELECT p.ra AS Alpha FROM survey.target p NATURAL JOIN survey.exposure",
        "SELECT ra AS Alpha FROM (survey.target t JOIN survey.exposure e USING (galaxy))",
        "(SELECT ra AS Alpha FROM survey.target) ORDER BY 1 OFFSET 3",
        (
            "SELECT ra AS Alpha FROM survey.target INTERSECT (SELECT ra FROM"
            " survey.target EXCEPT SELECT ra FROM survey.target)"
        ),
        (
            "WITH a AS (SELECT ra AS Alpha FROM survey.target), b AS (SELECT q.* FROM a q)"
            " SELECT Alpha FROM b UNION ALL SELECT * FROM b"
        ),
        "WITH q AS (SELECT RA AS Alpha FROM survey.target) SELECT * FROM q",
        "SELECT t.ra AS Alpha FROM survey.target t LEFT JOIN survey.exposure USING (id)",
        "SELECT ra AS Alpha FROM survey.target UNION SELECT ra FROM survey.target",
        "SELECT (ra) AS Alpha FROM survey.target",
    ],
)
def test_a_plain_column_keeps_everything_wherever_it_goes(translated: Translated, text: str) -> None:
    assert translated(text).columns[0] == RA


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
        ("t.velocity / t.distance_mpc", "float", "km.Mpc**-1.s**-1", None),
        ("e.counts / e.exptime", "double", "count.s**-1", None),
        ("e.exptime * t.velocity", "double", "km", None),
        ("1 / e.exptime", "double", "s**-1", None),
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
        ("t.ra * 2", "double", "deg", "pos.eq.ra"),
        ("t.ra / 15", "double", "deg", "pos.eq.ra"),
        ("t.ra - t.ra", "double", "deg", "pos.eq.ra"),
        ("(t.ra + t.dec) / 2", "double", "deg", None),
        ("AVG(t.ra + t.dec)", "double", "deg", "stat.mean"),
        ("MAX(t.ra) - MIN(t.ra)", "double", "deg", None),
        ("SUM(e.exptime) / 3600", "double", "s", "time.duration;obs.exposure"),
        ("e.exptime * e.counts", "double", "count.s", None),
        ("FLOOR(t.velocity)", "double", "km/s", "spect.dopplerVeloc"),
        ("SQRT(t.ra)", "double", None, None),
        ("(SELECT MAX(o.s_ra) FROM ivoa.obscore o)", "double", "deg", "pos.eq.ra;stat.max"),
        ("CASE t.rank WHEN 1 THEN t.velocity ELSE NULL END", "float", "km/s", "spect.dopplerVeloc"),
        ("COALESCE(NULL, t.ra)", "double", "deg", "pos.eq.ra"),
        ("IN_UNIT(t.ra + t.dec, 'arcsec')", "double", "arcsec", None),
        ("IN_UNIT(t.velocity * e.exptime, 'km')", "double", "km", None),
        ("gavo_specconv(t.radius, 'm', 'Hz')", "double", "Hz", "em.freq"),
        ("gavo_specconv(e.counts, 'nm', 'keV')", "double", "keV", "em.energy"),
        ("ivo_healpix_index(5, t.ra, t.dec)", "long", None, "pos.healpix"),
        ("ivo_to_jd(t.observed)", "double", "d", "time.epoch"),
        ("ivo_string_agg(t.notes, ',')", "unicodeChar", None, None),
        ("ivo_nocasematch(t.galaxy, 'x')", "int", None, None),
    ],
)
def test_an_expression_keeps_what_stays_true(
    translated: Translated, expression: str, datatype: str, unit: str | None, ucd: str | None
) -> None:
    found = column(translated, expression)

    assert (found.datatype, found.unit, found.ucd) == (datatype, unit, ucd)


@pytest.mark.parametrize(
    "expression",
    [
        "t.velocity / t.distance_mpc",
        "1 / e.exptime",
        "e.counts * t.ra / e.exptime",
        "t.ra * t.ra",
        "AREA(CIRCLE(1, 2, 3))",
    ],
)
def test_the_unit_of_a_product_can_be_read_by_clients(translated: Translated, expression: str) -> None:
    assert Unit(column(translated, expression).unit, format="vounit", parse_strict="raise")


@pytest.mark.parametrize(
    ("expression", "arraysize", "xtype"),
    [
        ("POINT(t.ra, t.dec)", "2", "point"),
        ("CIRCLE(t.ra, t.dec, 1)", "3", "circle"),
        ("POLYGON(t.ra, t.dec, 1, 2, 3, 4)", "*", "polygon"),
        ("CENTROID(BOX(1, 2, 3, 4))", "2", "point"),
        ("ivo_healpix_center(3, 5)", "2", "point"),
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


@pytest.mark.parametrize(
    "text",
    [
        "SELECT galaxy FROM survey.target JOIN survey.exposure USING (galaxy)",
        "SELECT * FROM survey.exposure e NATURAL JOIN (SELECT galaxy FROM survey.target) t",
    ],
)
def test_a_merged_column_is_that_of_the_left_side(translated: Translated, text: str) -> None:
    assert translated(text).columns[0].ucd == "meta.id"


def test_a_region_in_words_and_a_moc_say_what_they_are(translated: Translated) -> None:
    region, moc, counts = translated(
        "SELECT MIN(calib_level), s_words, MOC(5, s_words), ivo_histogram(em_min, 0, 1, 4)"
        " FROM ivoa.obscore GROUP BY s_words"
    ).columns[1:]

    assert (region.datatype, region.arraysize, region.xtype) == ("char", "*", "adql:REGION")
    assert (moc.datatype, moc.arraysize, moc.xtype, moc.unit) == ("char", "*", "moc", None)
    assert (counts.datatype, counts.arraysize, counts.ucd) == ("long", "6", "meta.number")


def test_a_spectral_limit_that_turns_round_says_so(translated: Translated) -> None:
    converted = ", ".join(f"gavo_specconv({one})" for one in ("em_min, 'eV'", "em_min, 'nm'", "em_max, 'm**-1'"))
    assert [one.ucd for one in translated(f"SELECT {converted} FROM ivoa.obscore").columns] == [
        "em.energy;stat.max", "em.wl;stat.min", "em.wavenumber;stat.min",
    ]  # fmt: skip
