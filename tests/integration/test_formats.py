"""Every format over HTTP, as clients ask for it and read it."""

import io
import json

import pyarrow as pa
import pytest
import pyvo
import requests
from astropy.io.votable import parse
from astropy.table import Table
from pyarrow import ipc
from pyarrow import parquet as pq

from archive.archive import Archive
from server.encoders import FORMATS, Format

Service = tuple[Archive, str]
VOTABLE = "application/x-votable+xml"
QUERY = "SELECT pointing_id, ra, dec, number, footprint FROM survey.pointing ORDER BY pointing_id"
FAILS_LATE = (
    "SELECT a.pointing_id, a.footprint, b.footprint AS other, SQRT(CASE WHEN a.pointing_id > 'NGC7'"
    " AND b.pointing_id > 'NGC7' THEN -1 ELSE 1 END * a.ra) AS x FROM survey.pointing AS a, survey.pointing AS b"
)
"""Several batches come before the one that fails."""


def ask(service: Service, query: str = QUERY, accept: str | None = None, **parameters: str) -> requests.Response:
    headers = {"Accept": accept} if accept else {}
    return requests.get(f"{service[1]}/tap/sync", {"QUERY": query, **parameters}, headers=headers, timeout=60)


@pytest.mark.parametrize("format_", FORMATS, ids=lambda f: f.aliases[0])
def test_a_format_is_sent_as_what_it_is_under_a_name_to_save_it_by(full_service: Service, format_: Format) -> None:
    for name in (format_.media_type, *format_.aliases):
        answer = ask(full_service, RESPONSEFORMAT=name)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, format_.media_type)
        assert answer.headers["Content-Disposition"] == f'inline; filename="result.{format_.suffix}"'
        assert answer.headers["Vary"] == "Accept, Accept-Encoding"
        assert ("Content-Encoding" in answer.headers) is not format_.packed


@pytest.mark.parametrize("name", ["votable", "votable/td", "votable/b", "votable/b2"])
def test_pyvo_reads_every_serialization(full_service: Service, name: str) -> None:
    tap = pyvo.dal.TAPService(f"{full_service[1]}/tap")
    known = tap.search(QUERY).to_table()
    found = tap.search(QUERY, responseformat=name)
    assert found.to_table().colnames == known.colnames
    assert len(found) == 168
    assert [str(n) for n in found["pointing_id"]] == [str(n) for n in known["pointing_id"]]
    assert list(found["ra"]) == list(known["ra"])
    assert all((a == b).all() for a, b in zip(found["footprint"], known["footprint"], strict=True))
    assert str(found.to_table()["ra"].unit) == "deg"


def test_all_formats_say_the_same(full_service: Service) -> None:
    known = list(Table.read(io.BytesIO(ask(full_service).content), format="votable")["ra"])
    assert list(Table.read(io.BytesIO(ask(full_service, RESPONSEFORMAT="fits").content))["ra"]) == known
    rows = json.loads(ask(full_service, RESPONSEFORMAT="json").content)["data"]
    assert [row[1] for row in rows] == known
    parquet = pq.read_table(io.BytesIO(ask(full_service, RESPONSEFORMAT="parquet").content))
    assert parquet.column("ra").to_pylist() == known
    arrow = ipc.open_stream(ask(full_service, RESPONSEFORMAT="arrow").content).read_all()
    assert arrow.column("ra").to_pylist() == known
    lines = ask(full_service, RESPONSEFORMAT="tsv").text.splitlines()
    assert [float(line.split("\t")[1]) for line in lines[1:]] == known


@pytest.mark.filterwarnings("ignore::astropy.units.UnitsWarning")  # log(solMass) is fine with VOUnits and FITS
def test_every_published_table_is_written_in_every_format(full_service: Service) -> None:
    tables = json.loads(ask(full_service, "SELECT table_name FROM tap_schema.tables", RESPONSEFORMAT="json").content)
    for (table,) in tables["data"]:
        counts = set()
        for name in ("votable", "votable/b", "votable/b2"):
            written = ask(full_service, f"SELECT TOP 50 * FROM {table}", RESPONSEFORMAT=name).content
            counts.add(len(parse(io.BytesIO(written)).get_first_table().array))
        for name in ("fits", "json", "parquet", "arrow", "tsv"):
            answer = ask(full_service, f"SELECT TOP 50 * FROM {table}", RESPONSEFORMAT=name)
            assert answer.status_code == 200, (table, name)
            if name == "parquet":
                counts.add(pq.read_metadata(io.BytesIO(answer.content)).num_rows)
            if name == "fits":
                counts.add(len(Table.read(io.BytesIO(answer.content))))
        assert len(counts) == 1, table


def test_without_a_responseformat_the_accept_header_chooses(full_service: Service) -> None:
    assert ask(full_service, accept="text/csv, */*;q=0.1").headers["Content-Type"] == "text/csv;header=present"
    assert ask(full_service, accept="text/html,*/*;q=0.8").headers["Content-Type"] == VOTABLE
    assert ask(full_service, accept="text/csv", RESPONSEFORMAT="json").headers["Content-Type"] == "application/json"
    url = f"{full_service[1]}/sia2/query"
    answer = requests.get(url, {"POS": "CIRCLE 63.355 10.465 0.01"}, headers={"Accept": "text/csv"}, timeout=30)
    assert answer.headers["Content-Type"] == "text/csv;header=present"


def test_nothing_is_packed_for_who_does_not_want_it(full_service: Service) -> None:
    url = f"{full_service[1]}/tap/sync"
    plain = requests.get(url, {"QUERY": QUERY}, headers={"Accept-Encoding": "identity"}, timeout=30)
    assert "Content-Encoding" not in plain.headers
    packed = ask(full_service)
    assert packed.headers["Content-Encoding"] in {"gzip", "zstd"}
    assert packed.content == plain.content


def test_columns_of_one_name_are_numbered_where_they_must_be(full_service: Service) -> None:
    query = "SELECT TOP 1 ra, dec AS ra FROM survey.pointing"
    assert ask(full_service, query, RESPONSEFORMAT="csv").text.startswith("ra,ra\r\n")
    for name in ("parquet", "arrow", "fits"):
        content = ask(full_service, query, RESPONSEFORMAT=name).content
        assert b"ra_2" in content


@pytest.mark.parametrize("name", [f.aliases[0] for f in FORMATS])
def test_a_query_without_rows_is_an_answer(full_service: Service, name: str) -> None:
    answer = ask(full_service, "SELECT * FROM survey.pointing WHERE ra < 0", RESPONSEFORMAT=name)
    assert answer.status_code == 200
    assert ask(full_service, RESPONSEFORMAT=name, MAXREC="0").status_code == 200


def test_a_limit_is_told_in_each_format(full_service: Service) -> None:
    cut = {
        name: ask(full_service, RESPONSEFORMAT=name, MAXREC="3").content
        for name in ("json", "fits", "parquet", "arrow")
    }
    assert json.loads(cut["json"])["status"] == "OVERFLOW"
    assert Table.read(io.BytesIO(cut["fits"])).meta["QSTATUS"] == "OVERFLOW"
    assert b"OVERFLOW" in pq.read_metadata(io.BytesIO(cut["parquet"])).metadata[b"IVOA.VOTable-Parquet.content"]
    assert b"OVERFLOW" in cut["arrow"]
    for name in ("votable/b", "votable/b2"):
        content = ask(full_service, RESPONSEFORMAT=name, MAXREC="3").content
        assert [i.value for i in parse(io.BytesIO(content)).resources[0].infos] == ["OK", "OVERFLOW"]


def test_a_query_that_fails_late_is_no_answer(full_service: Service) -> None:
    document = parse(io.BytesIO(ask(full_service, FAILS_LATE, RESPONSEFORMAT="votable/b2").content))
    assert [i.value for i in document.resources[0].infos] == ["OK", "ERROR"]
    readers = (("json", json.loads), ("parquet", parquet_table), ("arrow", arrow_table), ("fits", fits_table))
    for name, reader in readers:
        with pytest.raises((ValueError, OSError, pa.ArrowException)):
            reader(ask(full_service, FAILS_LATE, RESPONSEFORMAT=name).content)


def test_a_query_that_fails_in_its_first_rows_is_an_error_in_every_format(full_service: Service) -> None:
    for format_ in FORMATS:
        answer = ask(full_service, "SELECT SQRT(-ra) AS x FROM survey.pointing", RESPONSEFORMAT=format_.aliases[0])
        assert (answer.status_code, answer.headers["Content-Type"]) == (400, VOTABLE)
        assert b"ERROR" in answer.content


def parquet_table(content: bytes) -> pa.Table:
    return pq.read_table(io.BytesIO(content))


def arrow_table(content: bytes) -> pa.Table:
    return ipc.open_stream(content).read_all()


def fits_table(content: bytes) -> Table:
    return Table.read(io.BytesIO(content), format="fits")
