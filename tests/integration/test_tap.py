"""The table service as astronomers use it: pyvo and plain HTTP."""

import csv
import io
import time

import pytest
import pyvo
import requests
from astropy.io.votable import parse
from astropy.table import Table

from archive.archive import Archive
from server.portal import examples
from server.query import Queries, QueryTimedOut

Service = tuple[Archive, str]


def rows(url: str, query: str, **parameters: str) -> list[dict[str, str]]:
    answer = requests.post(f"{url}/tap/sync", {"QUERY": query, "RESPONSEFORMAT": "csv", **parameters}, timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv;header=present"
    return list(csv.DictReader(io.StringIO(answer.text)))


def status(document: bytes) -> tuple[str, str]:
    infos = parse(io.BytesIO(document)).resources[0].infos
    return infos[-1].value, infos[-1].content or ""


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("SELECT COUNT(*) AS n FROM survey.target", 19),
        ("SELECT COUNT(*) AS n FROM survey.pointing", 168),
        ("SELECT COUNT(*) AS n FROM survey.observing_block", 190),
        ("SELECT SUM(exposures_used) AS n FROM survey.observing_block", 676),
        ("SELECT COUNT(*) AS n FROM survey.pointing WHERE ao_mode = 'AO'", 81),
        ("SELECT COUNT(*) AS n FROM survey.naming_rule", 6),
        ("SELECT COUNT(DISTINCT target) AS n FROM survey.pointing NATURAL JOIN survey.observing_block", 19),
    ],
)
def test_the_survey_can_be_counted(full_service: Service, query: str, value: int) -> None:
    tap = pyvo.dal.TAPService(f"{full_service[1]}/tap")
    assert tap.search(query)["n"][0] == value


def test_a_cone_around_the_cube_finds_it_and_one_a_degree_away_does_not(full_service: Service) -> None:
    tap = pyvo.dal.TAPService(f"{full_service[1]}/tap")
    cone = (
        "SELECT * FROM ivoa.obscore WHERE dataproduct_type = 'cube'"
        " AND 1 = CONTAINS(POINT('ICRS', s_ra, s_dec), CIRCLE('ICRS', {}, 10.465, 0.01))"
    )
    (found,) = tap.search(cone.format(63.355))
    assert found["s_ra"] == pytest.approx(63.355, abs=0.01)
    assert found["s_dec"] == pytest.approx(10.465, abs=0.01)
    assert (found["em_min"], found["em_max"]) == pytest.approx((4.75e-7, 9.35e-7), rel=1e-4)
    assert found["dataproduct_type"] == "cube"
    assert found["obs_id"] == "1135706"
    assert found["proposal_id"] == "094.A-0859(A)"
    assert len(tap.search(cone.format(64.355))) == 0


def test_a_footprint_is_found_by_a_point_inside_it(full_service: Service) -> None:
    query = "SELECT pointing_id FROM survey.pointing WHERE CONTAINS(POINT(24.1797, 15.7548), footprint) = 1"
    assert [r["pointing_id"] for r in rows(full_service[1], query)] == ["NGC0628-P01"]


def test_metadata_lead_to_every_table_and_back(full_service: Service) -> None:
    tap = pyvo.dal.TAPService(f"{full_service[1]}/tap")
    described = {table.name: {c.name for c in table.columns} for table in tap.tables.values()}
    for name, columns in described.items():
        listed = rows(full_service[1], f"SELECT column_name FROM tap_schema.columns WHERE table_name = '{name}'")
        assert {r["column_name"] for r in listed} == columns
        selected = tap.search(f"SELECT * FROM {name}", maxrec=1)
        assert {f'"{f}"' if f == "size" else f for f in selected.fieldnames} == columns


def test_the_service_says_what_it_can(full_service: Service) -> None:
    tap = pyvo.dal.TAPService(f"{full_service[1]}/tap")
    assert (tap.maxrec, tap.hardlimit) == (1_000_000, 15_000_000)
    assert b"<available>true</available>" in requests.get(f"{full_service[1]}/tap/availability", timeout=30).content
    assert {f.mime for f in tap.get_tap_capability().outputformats} >= {"application/x-votable+xml"}


def test_units_and_ucds_arrive_in_an_astropy_table(full_service: Service) -> None:
    answer = requests.get(
        f"{full_service[1]}/tap/sync", {"QUERY": "SELECT ra AS a, dec, dist FROM survey.target"}, timeout=30
    )
    table = Table.read(io.BytesIO(answer.content), format="votable")
    assert table.colnames == ["a", "dec", "dist"]
    assert (str(table["a"].unit), table["a"].meta["ucd"], str(table["dist"].unit)) == (
        "deg",
        "pos.eq.ra;meta.main",
        "Mpc",
    )


def test_a_row_limit_is_told(full_service: Service) -> None:
    url = full_service[1]
    query = {"QUERY": "SELECT * FROM survey.pointing", "MAXREC": "5"}
    answer = requests.get(f"{url}/tap/sync", query, timeout=30)
    assert status(answer.content)[0] == "OVERFLOW"
    table = requests.get(f"{url}/tap/sync", {**query, "RESPONSEFORMAT": "csv"}, timeout=30).text.splitlines()
    assert len(table) == 7
    assert table[-1].startswith("# OVERFLOW")
    assert len(rows(url, query["QUERY"], MAXREC="168")) == 168
    assert status(requests.get(f"{url}/tap/sync", {**query, "MAXREC": "0"}, timeout=30).content)[0] == "OVERFLOW"
    assert len(rows(url, "SELECT TOP 3 * FROM survey.pointing", MAXREC="9" * 5000)) == 3


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"QUERY": "SELECT nme FROM survey.target"}, "line 1, column 8: unknown column 'nme'"),
        ({"QUERY": "SELECT *\nFROM survey.targets"}, "line 2, column 6"),
        ({"QUERY": "DROP TABLE survey.target"}, "line 1, column 1"),
        ({"QUERY": "SELECT * FROM jobs.job"}, "jobs.job"),
        ({"QUERY": "SELECT pg_sleep(10) FROM survey.target"}, "unknown function 'PG_SLEEP'"),
        ({"QUERY": "SELECT * FROM survey.target; DELETE FROM survey.target"}, "line 1"),
        ({"QUERY": ""}, "QUERY is missing"),
        ({"QUERY": "SELECT 1 FROM survey.target", "LANG": "SQL"}, "LANG"),
        ({"QUERY": "SELECT 1 FROM survey.target", "REQUEST": "undo"}, "REQUEST"),
        ({"QUERY": "SELECT 1 FROM survey.target", "MAXREC": "many"}, "MAXREC"),
        ({"QUERY": "SELECT 1 FROM survey.target", "MAXREC": "\u00b2"}, "MAXREC"),
        ({"QUERY": "SELECT 1 FROM survey.target", "UPLOAD": "t,param:t"}, "no part 't'"),
        ({"QUERY": "SELECT '\x00' AS x FROM survey.target"}, "line 1"),
        ({"QUERY": "SELECT 1 FROM survey.target", "FORMAT": "application/pdf"}, "application/pdf"),
        ({"QUERY": "SELECT 1 / (number - number) AS x FROM survey.pointing"}, "division by zero"),
        ({"QUERY": "SELECT SQRT(-ebv) AS x FROM survey.target"}, "square root"),
    ],
)
def test_an_error_is_a_votable_that_says_what_and_where(
    full_service: Service, parameters: dict[str, str], words: str
) -> None:
    answer = requests.post(f"{full_service[1]}/tap/sync", parameters, timeout=30)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/x-votable+xml"
    kind, message = status(answer.content)
    assert kind == "ERROR"
    assert words in message


def test_pyvo_shows_the_error_to_its_user(full_service: Service) -> None:
    tap = pyvo.dal.TAPService(f"{full_service[1]}/tap")
    with pytest.raises(pyvo.dal.DALQueryError, match="unknown column 'nme'"):
        tap.search("SELECT nme FROM survey.target")


def test_a_query_that_takes_too_long_is_stopped(service: Service) -> None:
    archive, url = service
    with archive.database.transaction() as session:  # make the view slow, as a huge table would be
        session.connection().exec_driver_sql(
            "CREATE OR REPLACE FUNCTION sphere.polygon(vertices double precision[]) RETURNS spoly"
            " LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END'"
        )
    shape = "POLYGON(ra, dec, ra + 1, dec, ra, dec + 1)"
    query = f"SELECT COUNT(*) AS n FROM survey.pointing WHERE CONTAINS(POINT(ra, dec), {shape}) = 1"
    impatient = archive.settings.model_copy(update={"query_timeout": 0.5})
    queries = Queries(Archive(impatient, archive.database, archive.store))
    with pytest.raises(QueryTimedOut, match=r"longer than 0\.5 s"):
        queries.run(query)
    queries.close()
    assert requests.get(f"{url}/healthz", timeout=10).ok


def test_the_examples_of_the_portal_run(full_service: Service) -> None:
    for example in examples.queries(None):
        assert rows(full_service[1], example.adql) is not None


def test_parameters_are_named_in_any_case_and_unknown_ones_ignored(full_service: Service) -> None:
    answer = requests.get(
        f"{full_service[1]}/tap/sync",
        {"query": "SELECT name FROM survey.target", "format": "csv", "lang": "adql-2.1".upper(), "x": "y"},
        timeout=30,
    )
    assert len(answer.text.splitlines()) == 20


BIG = "SELECT a.*, b.ra AS b_ra FROM survey.pointing AS a, survey.pointing AS b, survey.target AS c"


def backends(archive: Archive) -> int:
    query = (
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%AS answer LIMIT%'"
    )
    with archive.database.reading() as session:
        return int(session.connection().exec_driver_sql(query.replace("%", "%%")).scalar_one()) - 1


def test_clients_that_leave_in_the_middle_leave_no_query_behind(service: Service) -> None:
    archive, url = service
    for _ in range(12):
        with requests.get(f"{url}/tap/sync", {"QUERY": BIG}, stream=True, timeout=30) as answer:
            assert next(answer.iter_content(1000))
    assert len(rows(url, "SELECT name FROM survey.target")) == 19
    for _ in range(100):
        if backends(archive) <= 1:
            break
        time.sleep(0.1)
    assert backends(archive) <= 1


def test_a_connection_serves_one_query_after_the_other_and_is_replaced_when_it_broke(service: Service) -> None:
    archive, url = service
    for _ in range(5):
        assert len(rows(url, "SELECT name FROM survey.target")) == 19
    assert backends(archive) == 1
    with archive.database.transaction() as session:
        ended = session.connection().exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        )
        assert ended.all()
    assert len(rows(url, "SELECT name FROM survey.target")) == 19
