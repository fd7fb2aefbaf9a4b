"""What the table service says of itself, as clients and validators read it."""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import pyvo
import requests
from pyvo.io.vosi.tapregext import TableAccess

from archive.archive import Archive
from schema.published import catalogue
from server.encoders import FORMATS
from server.vosi import FEATURES
from tests.support import archives
from tests.support.stilts import stilts
from tests.support.workers import query_worker

Service = tuple[Archive, str]
STAGES = "TMV TME TMS TMC CPV CAP AVV QGE QPO QAS UWS MDQ OBS LOC UPL EXA"
"""All that the validator knows."""

EXPLAINED = ("W-CAP-CPI2-", "W-CAP-CPSM-")
"""Warnings that docs/querying.md explains."""


def get(service: Service, path: str, status: int = 200) -> bytes:
    answer = requests.get(f"{service[1]}/tap/{path}", timeout=30)
    assert answer.status_code == status
    return answer.content


def described(service: Service) -> TableAccess:
    return pyvo.dal.TAPService(f"{service[1]}/tap").get_tap_capability()


@pytest.fixture
def working(server: str, survey_template: str, tmp_path: Path) -> Iterator[str]:
    """The address of services that hold something of everything, with the worker for queries."""
    with (
        archives.fresh_database(server, template=survey_template) as url,
        archives.served(url, tmp_path) as (archive, address),
        query_worker(archive),
    ):
        archives.take_in_the_cube(archive)
        yield address


def test_the_validator_of_stilts_finds_nothing_wrong_and_nothing_unexplained(working: str) -> None:
    said = stilts("taplint", f"tapurl={working}/tap", f"stages={STAGES}", "report=EWF")
    assert re.findall(r"^Section (\w+):", said, re.MULTILINE) == STAGES.split()
    told = [line for line in said.splitlines() if re.match("[EWF]-", line)]
    assert [line for line in told if not line.startswith(EXPLAINED)] == []
    assert re.search(r"^Totals: Errors: 0; Warnings: \d+; Failures: 0$", said, re.MULTILINE)


def test_every_format_is_declared_with_all_its_names(full_service: Service) -> None:
    declared = {f.mime: (set(f.aliases), f.ivo_id) for f in described(full_service).outputformats}
    assert set(declared) == {f.media_type for f in FORMATS}
    for format_ in FORMATS:
        assert declared[format_.media_type][0] == set(format_.aliases)
    assert declared["application/x-votable+xml"][1] == "ivo://ivoa.net/std/TAPRegExt#output-votable-td"
    binary2 = declared["application/x-votable+xml;serialization=BINARY2"]
    assert binary2[1] == "ivo://ivoa.net/std/TAPRegExt#output-votable-binary2"


def test_data_models_are_declared_by_their_standard_names(full_service: Service) -> None:
    found = {m.ivo_id for m in described(full_service).datamodels}
    assert found == {"ivo://ivoa.net/std/ObsCore#core-1.1", "ivo://ivoa.net/std/ObsLocTAP#table-1.0"}


OPERATORS = {
    "ILIKE": "name ILIKE 'ngc%'",
    "CAST": "CAST(dist AS INTEGER) > 0",
    "IN_UNIT": "IN_UNIT(dist, 'kpc') > 0",
    "LOWER": "LOWER(name) = 'x'",
    "UPPER": "UPPER(name) = 'x'",
}
CLAUSES = {
    "WITH": "WITH w AS (SELECT name FROM survey.target) SELECT * FROM w",
    "OFFSET": "SELECT name FROM survey.target ORDER BY name OFFSET 3",
    **{
        word: f"SELECT name FROM survey.target {word} SELECT target FROM survey.pointing"
        for word in ("UNION", "EXCEPT", "INTERSECT")
    },
}


def test_what_is_declared_of_adql_can_be_used(full_service: Service) -> None:
    (language,) = described(full_service).languages
    features = {f.form for listed in language.languagefeaturelists for f in listed}
    assert {form for forms in FEATURES.values() for form in forms} <= features
    queries = {**CLAUSES, **{n: f"SELECT name FROM survey.target WHERE {c}" for n, c in OPERATORS.items()}}
    optional = {form for kind, forms in FEATURES.items() if kind != "adqlgeo" for form in forms}
    assert set(queries) == optional
    for query in queries.values():
        answer = requests.get(f"{full_service[1]}/tap/sync", {"QUERY": query}, timeout=30)
        assert answer.status_code == 200, answer.text


def test_functions_are_declared_as_validators_read_them(full_service: Service) -> None:
    (language,) = described(full_service).languages
    forms = [f.form for listed in language.languagefeaturelists if listed.type.endswith("features-udf") for f in listed]
    assert forms
    assert all(re.fullmatch(r"[A-Za-z]\w*\s*\(.*\)\s*->\s*\w+", form) for form in forms), forms


@pytest.mark.parametrize("name", ["detail", "DETAIL"])
def test_a_short_listing_has_all_tables_and_no_columns(full_service: Service, name: str) -> None:
    names = {t.qualified for t in catalogue()}
    brief = ET.fromstring(get(full_service, f"tables?{name}=min"))  # noqa: S314  our own
    assert {e.text for e in brief.findall("schema/table/name")} == names
    assert brief.findall(".//column") == []
    whole = ET.fromstring(get(full_service, "tables"))  # noqa: S314  our own
    assert {e.text for e in whole.findall("schema/table/name")} == names
    assert len(whole.findall(".//column")) == sum(len(t.columns) for t in catalogue())


def test_a_table_can_be_asked_for_alone(full_service: Service) -> None:
    one = ET.fromstring(get(full_service, "tables/ivoa.ObsPlan"))  # noqa: S314  our own
    assert one.findtext("name") == "ivoa.obsplan"
    assert one.findtext("utype") == "ivo://ivoa.net/std/obsloctap#table-1.0"
    assert len(one.findall("column")) == 26
    assert b"there is no table" in get(full_service, "tables/ivoa.nothing", 404)


def test_the_service_is_available_since_it_started(full_service: Service) -> None:
    said = ET.fromstring(get(full_service, "availability"))  # noqa: S314  our own
    name = "{http://www.ivoa.net/xml/VOSIAvailability/v1.0}"
    assert said.findtext(f"{name}available") == "true"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", said.findtext(f"{name}upSince") or "")
