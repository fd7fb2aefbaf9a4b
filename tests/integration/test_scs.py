"""Simple Cone Search with pyvo: tables of the catalogue, asked by position."""

import io

import pytest
import pyvo
import requests
from astropy.io.votable import parse

from archive.archive import Archive
from server.encoders import FORMATS, Format
from server.scs_query import searchable

Service = tuple[Archive, str]
HERE = (24.17, 15.75)


@pytest.fixture
def pointings(full_service: Service) -> pyvo.dal.SCSService:
    return pyvo.dal.SCSService(f"{full_service[1]}/scs/survey.pointing")


def got(service: Service, table: str, **parameters: object) -> requests.Response:
    given = {name.upper(): str(value) for name, value in parameters.items()}
    return requests.get(f"{service[1]}/scs/{table}", given, timeout=30)


def test_pyvo_finds_names_and_positions(pointings: pyvo.dal.SCSService) -> None:
    found = pointings.search(pos=HERE, radius=0.02)
    assert [record.id for record in found] == ["NGC0628-P01", "NGC0628-P02"]
    assert all(abs(record.pos.ra.deg - HERE[0]) < 0.02 for record in found)
    assert len(pointings.search(pos=(0.0, 89.0), radius=0.02)) == 0


def test_verbosity_says_how_many_columns_come(pointings: pyvo.dal.SCSService) -> None:
    few, some, all_ = (pointings.search(pos=HERE, radius=0.02, verbosity=n).fieldnames for n in (1, 2, 3))
    assert few == ("pointing_id", "ra", "dec")
    assert set(few) < set(some) < set(all_)


@pytest.mark.parametrize("table", searchable())
def test_a_radius_of_zero_tells_the_columns_of_every_table(full_service: Service, table: str) -> None:
    document = parse(io.BytesIO(got(full_service, table, ra=0, dec=0, sr=0, verb=3).content))
    fields = document.get_first_table().fields
    assert [info.value for info in document.resources[0].infos] == ["OK"]
    found = {ucd: [f.datatype for f in fields if f.ucd == ucd] for ucd in ("POS_EQ_RA_MAIN", "POS_EQ_DEC_MAIN")}
    assert found == {"POS_EQ_RA_MAIN": ["double"], "POS_EQ_DEC_MAIN": ["double"]}
    assert [f.datatype for f in fields if f.ucd == "ID_MAIN"] == ["char"]


def test_a_limit_that_cut_is_told(full_service: Service) -> None:
    document = parse(io.BytesIO(got(full_service, "survey.pointing", ra=0, dec=0, sr=180, maxrec=5).content))
    assert len(document.get_first_table().array) == 5
    assert document.resources[0].infos[-1].value == "OVERFLOW"
    assert len(got(full_service, "Survey.Pointing", ra=0, dec=0, sr=180, responseformat="csv").text.split()) == 169


@pytest.mark.parametrize("format_", FORMATS, ids=lambda f: f.aliases[0])
def test_answers_come_in_every_format(full_service: Service, format_: Format) -> None:
    name = format_.aliases[0]
    answer = got(full_service, "survey.target", ra=24.17, dec=15.75, sr=1, responseformat=name)
    assert (answer.status_code, len(answer.content) > 20) == (200, True)


def test_a_mistake_stands_where_clients_of_cone_searches_look(
    full_service: Service, pointings: pyvo.dal.SCSService
) -> None:
    answer = got(full_service, "survey.pointing", ra="as3f", dec=0, sr=1)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/x-votable+xml")
    (told,) = parse(io.BytesIO(answer.content)).infos
    assert (told.ID, told.name) == ("Error", "Error")
    assert told.value == "RA must be a number of degrees from 0 to 360, not 'as3f'"
    with pytest.raises(pyvo.dal.DALQueryError, match="SR must be a number of degrees from 0 to 180"):
        pointings.search(pos=HERE, radius=200)


def test_a_table_without_positions_is_not_there(full_service: Service) -> None:
    for path in ("tap_schema.columns", "survey.nothing", "tap_schema.columns/capabilities"):
        assert requests.get(f"{full_service[1]}/scs/{path}", timeout=30).status_code == 404
    assert "try survey." in got(full_service, "survey.nothing").text


def test_each_table_describes_its_service(full_service: Service) -> None:
    base = f"{full_service[1]}/scs/survey.target"
    capabilities = pyvo.io.vosi.parse_capabilities(io.BytesIO(requests.get(f"{base}/capabilities", timeout=30).content))
    (found,) = [c for c in capabilities if c.standardid == "ivo://ivoa.net/std/ConeSearch"]
    assert found.interfaces[0].accessurls[0].content == base
    assert b"true" in requests.get(f"{base}/availability", timeout=30).content
