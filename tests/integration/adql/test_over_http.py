"""The survey asked over HTTP as people would: the answers are counted in its own tables."""

import csv
import io

import pytest
import pyvo
import requests

from archive.archive import Archive
from tests.integration.adql.lab import explained

Service = tuple[Archive, str]

ASKED = [
    ("SELECT COUNT(*) FROM survey.target", ["19"]),
    ("SELECT COUNT(DISTINCT target) FROM survey.pointing", ["19"]),
    ("SELECT target, COUNT(*) FROM survey.pointing GROUP BY target HAVING COUNT(*) > 14 ORDER BY 2 DESC, 1", None),
    ("SELECT TOP 1 name FROM survey.target ORDER BY dist", ["NGC5068"]),
    ("SELECT name FROM survey.target WHERE name ILIKE 'ic%'", ["IC5332"]),
    ("SELECT COUNT(*) FROM survey.pointing WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(24.17, 15.78, 0.5))", ["12"]),
    ("SELECT COUNT(*) FROM survey.pointing WHERE DISTANCE(ra, dec, 24.17, 15.78) < 0.5", ["12"]),
    ("SELECT COUNT(*) FROM survey.pointing WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), BOX('ICRS', 24.17, 15.78, 1, 1))",
     ["12"]),
    ("SELECT COUNT(*) FROM survey.pointing WHERE INTERSECTS(footprint, CIRCLE(24.17, 15.78, 0.5)) = 1", ["12"]),
    ("SELECT COUNT(*) FROM survey.pointing WHERE 1 = CONTAINS(footprint, CIRCLE(24.17, 15.78, 0.5))", ["12"]),
    ("SELECT COUNT(*) FROM survey.pointing WHERE 1 = CONTAINS(POINT(ra, dec), MOC(8, CIRCLE(24.17, 15.78, 0.1)))",
     ["12"]),
    ("SELECT COUNT(*) FROM survey.pointing WHERE 0 = CONTAINS(POINT(ra, dec), CIRCLE(24.17, 15.78, 150))", None),
    ("SELECT COUNT(*) FROM survey.pointing NATURAL JOIN survey.observing_block", ["190"]),
    ("SELECT COUNT(*) FROM survey.pointing JOIN survey.observing_block USING (pointing_id)", ["190"]),
    ("SELECT COUNT(*) FROM survey.target t LEFT JOIN survey.pointing p ON t.name = p.target AND p.number = 1", ["19"]),
    ("SELECT COUNT(*) FROM survey.target WHERE name NOT IN (SELECT target FROM survey.pointing)", ["0"]),
    ("SELECT COUNT(*) FROM survey.target t WHERE EXISTS (SELECT 1 FROM survey.pointing p WHERE p.target = t.name)",
     ["19"]),
    ("WITH many AS (SELECT target, COUNT(*) AS n FROM survey.pointing GROUP BY target) SELECT SUM(n) FROM many",
     ["168"]),
    ("SELECT COUNT(*) FROM (SELECT name FROM survey.target UNION SELECT target FROM survey.pointing) AS q", ["19"]),
    ("SELECT name FROM survey.target EXCEPT SELECT target FROM survey.pointing", []),
    ("SELECT COUNT(*) FROM (SELECT name FROM survey.target INTERSECT SELECT target FROM survey.pointing) AS q", ["19"]),
    ("SELECT TOP 2 name FROM survey.target ORDER BY name OFFSET 1", ["NGC0628", "NGC1087"]),
    ("SELECT DISTINCT ao_mode FROM survey.pointing ORDER BY ao_mode", None),
    ("SELECT CASE WHEN ao_mode = 'AO' THEN 1 ELSE 0 END AS ao, COUNT(*) FROM survey.pointing GROUP BY ao ORDER BY ao",
     ["0,87", "1,81"]),
    ("SELECT COALESCE(MAX(ra), -1) FROM survey.pointing WHERE ra > 400", ["-1"]),
    ("SELECT TOP 1 CAST(number AS VARCHAR) || '!' FROM survey.pointing WHERE number = 1", ["1!"]),
    ("SELECT TOP 1 IN_UNIT(dist, 'kpc') / dist FROM survey.target", ["1000"]),
    ("SELECT COUNT(*) FROM survey.target WHERE MOD(FLOOR(ra), 2) IN (0, 1)", ["19"]),
    ("SELECT TOP 1 ivo_healpix_index(3, 10, 20) FROM survey.target", ["310"]),
    ("SELECT COUNT(*) FROM tap_schema.tables WHERE schema_name = 'ivoa' AND table_name = 'ivoa.obscore'", ["1"]),
    ("SELECT xtype FROM TAP_SCHEMA.columns WHERE table_name = 'ivoa.obscore' AND column_name = 's_region'",
     ["adql:REGION"]),
    ('SELECT COUNT("size") FROM tap_schema.columns WHERE principal & 1 = 1', None),
    ("SELECT calib_level FROM ivoa.ObsCore WHERE CONTAINS(POINT(63.355, 10.465), s_region) = 1 AND em_xel > 99", ["2"]),
    ("SELECT COUNT(*) FROM ivoa.ObsCore WHERE INTERSECTS(s_region, CIRCLE('ICRS', 63.355, 10.465, 0.01)) = 1", ["6"]),
    ("SELECT COUNT(*) FROM ivoa.ObsCore WHERE DISTANCE(CENTROID(s_region), POINT(s_ra, s_dec)) < 0.001", ["6"]),
    ("SELECT COUNT(*) FROM ivoa.ObsCore WHERE AREA(s_region) BETWEEN 1e-7 AND 1e-4", ["6"]),
    ("SELECT COUNT(*) FROM ivoa.ObsCore WHERE gavo_specconv(em_min, 'eV') BETWEEN 2.6 AND 2.62", None),
    ("SELECT ivo_histogram(em_min, 0, 1e-6, 2) FROM ivoa.ObsCore", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ASKED)
def test_a_question_about_the_survey_is_answered(full_service: Service, text: str, expected: list[str] | None) -> None:
    answer = requests.get(f"{full_service[1]}/tap/sync", {"QUERY": text, "RESPONSEFORMAT": "csv"}, timeout=30)
    assert answer.status_code == 200, answer.text
    rows = [",".join(row) for row in csv.reader(io.StringIO(answer.text))][1:]
    assert rows == expected if expected is not None else rows


@pytest.mark.parametrize("form", ["votable", "votable/td", "votable/b2", "fits", "csv", "json", "parquet", "arrow"])
def test_arrays_mocs_and_regions_are_in_every_format(full_service: Service, form: str) -> None:
    text = (
        "SELECT s_region, MOC(12, s_region) AS moc, ivo_healpix_center(3, 5) AS centre, h"
        " FROM ivoa.obscore, (SELECT ivo_histogram(ra, 0, 360, 3) AS h FROM survey.pointing) AS q"
    )
    answer = requests.get(f"{full_service[1]}/tap/sync", {"QUERY": text, "RESPONSEFORMAT": form}, timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.content


def test_pyvo_gets_a_region_as_the_text_that_obscore_has(full_service: Service) -> None:
    found = pyvo.dal.TAPService(f"{full_service[1]}/tap").search("SELECT * FROM ivoa.obscore")
    field = found.fielddescs[found.fieldnames.index("s_region")]
    assert (field.datatype, field.arraysize, field.xtype) == ("char", "*", "adql:REGION")
    words = str(found["s_region"][0]).split()
    assert words[:2] == ["POLYGON", "ICRS"]
    assert len([float(word) for word in words[2:]]) == 8


@pytest.mark.parametrize(
    "condition",
    [
        "INTERSECTS(s_region, CIRCLE(63.355, 10.465, 0.01)) = 1",
        "1 = CONTAINS(POINT(63.355, 10.465), s_region)",
        "CONTAINS(s_region, POLYGON(63, 10, 64, 10, 64, 11, 63, 11)) = 1",
    ],
)
def test_a_region_is_searched_by_index(full_service: Service, condition: str) -> None:
    url = full_service[0].settings.database_url
    assert url is not None
    plain = explained(url, f"SELECT dp_id, s_region FROM ivoa.obscore WHERE {condition}")
    derived = explained(url, f"SELECT * FROM (SELECT * FROM ivoa.obscore) AS q WHERE {condition}")
    assert "footprint_spoly" in plain.partition("Index Cond")[2]
    assert "footprint_spoly" in derived.partition("Index Cond")[2]
