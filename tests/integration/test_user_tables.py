"""Tables that accounts keep, as pyvo makes, loads, indexes, reads and removes them."""

import gc
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pytest
import pyvo
import requests
from astropy.io.votable import from_table, writeto
from astropy.table import Table
from pyvo.utils.prototype import activate_features
from sqlalchemy import text

from archive import user_tables
from archive.archive import Archive
from schema.published import catalogue
from server.query import Queries
from tests.support import accounts, archives
from tests.support.workers import query_worker

Service = tuple[Archive, str]

pytestmark = pytest.mark.filterwarnings(  # pyvo reads no answer to its end, and leaves files open
    "ignore:.*unclosed", "ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"
)
DEFINITION: Final = """<?xml version="1.0" encoding="UTF-8"?>
<vosi:table xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0" xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" type="table">
  <name>stars</name>
  <description>Stars of mine.</description>
  <column><name>name</name><dataType xsi:type="vs:VOTableType" arraysize="*">char</dataType></column>
  <column><name>ra</name><unit>deg</unit><ucd>pos.eq.ra;meta.main</ucd>
    <dataType xsi:type="vs:VOTableType">double</dataType></column>
  <column><name>dec</name><unit>deg</unit><ucd>pos.eq.dec;meta.main</ucd>
    <dataType xsi:type="vs:VOTableType">double</dataType></column>
  <column><name>hits</name><dataType xsi:type="vs:TAPType">INTEGER</dataType></column>
  <column><name>seen</name><description>When.</description>
    <dataType xsi:type="vs:TAPType">TIMESTAMP</dataType></column>
</vosi:table>
"""
ROWS: Final = (
    "name\tra\tdec\thits\tseen\n007\t24.1740\t15.7834\t3\t2018-06-05T01:06:59.418\nx\t24.2\t15.8\t\t\n\t10\t-10\t5\t\n"
)


@pytest.fixture(autouse=True)
def user_tables_of_pyvo() -> Iterator[None]:
    """pyvo asks for this; what it leaves open goes here, not in another test."""
    activate_features("cadc-tb-upload")
    yield
    gc.collect()


@pytest.fixture
def alice(service: Service) -> pyvo.dal.TAPService:
    """An account's client."""
    accounts.made(service[0], "alice", "bob")
    return accounts.tap(service[1], "alice")


@pytest.fixture(scope="module")
def loaded(server: str, survey_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a table of one row, which no test changes."""
    root = tmp_path_factory.mktemp("loaded")
    with archives.fresh_database(server, template=survey_template) as url, archives.served(url, root) as served:
        accounts.made(served[0], "alice")
        made = accounts.Client("alice").put(f"{served[1]}/tap/tables/stars", data=DEFINITION.encode())
        assert made.status_code == 201, made.text
        assert load(served, b"name\nfirst\n").text == "1 rows added\n"
        yield served


def make_stars(tap: pyvo.dal.TAPService, rows: str = ROWS) -> None:
    tap.create_table("alice.stars", io.BytesIO(DEFINITION.encode()), format="VOSITable")
    tap.load_table("alice.stars", io.BytesIO(rows.encode()), format="tsv")


def test_pyvo_makes_a_table_loads_it_and_joins_it_with_ours(alice: pyvo.dal.TAPService) -> None:
    make_stars(alice)
    found = alice.run_sync(
        "SELECT s.name, t.name AS galaxy FROM alice.stars AS s JOIN survey.target AS t"
        " ON DISTANCE(s.ra, s.dec, t.ra, t.dec) < 0.01"
    ).to_table()
    assert [tuple(row) for row in found] == [("007", "NGC0628")]
    whole = alice.run_sync("SELECT * FROM stars ORDER BY ra").to_table()
    assert list(whole["name"]) == ["", "007", "x"]
    assert list(whole["hits"].mask) == [False, False, True]
    assert str(whole["ra"].unit) == "deg"
    assert whole["seen"][1] == "2018-06-05T01:06:59.418"


def test_a_table_of_the_request_is_joined_with_one_that_is_kept(alice: pyvo.dal.TAPService) -> None:
    make_stars(alice)
    mine = Table({"name": ["x", "nobody"], "note": ["seen", "not seen"]})
    query = "SELECT s.name, u.note FROM alice.stars AS s JOIN tap_upload.mine AS u ON s.name = u.name"
    assert [tuple(row) for row in alice.run_sync(query, uploads={"mine": mine}).to_table()] == [("x", "seen")]


def test_further_loads_add_rows_by_the_names_of_columns(alice: pyvo.dal.TAPService, tmp_path: Path) -> None:
    make_stars(alice)
    alice.load_table("stars", io.BytesIO(b"HITS,name\n12,y\n"), format="csv")
    table = Table({"dec": np.array([1.5, -1.5], "f4"), "hits": np.array([7, 8], "i8"), "name": ["p", "q"]})
    table.write(tmp_path / "more.fits")
    with (tmp_path / "more.fits").open("rb") as file:
        alice.load_table("alice.stars", file, format="FITSTable")
    found = alice.run_sync("SELECT name, ra, dec, hits FROM alice.stars WHERE hits > 6 ORDER BY hits").to_table()
    assert [(row["name"], row["hits"]) for row in found] == [("p", 7), ("q", 8), ("y", 12)]
    assert all(found["ra"].mask)
    assert list(found["dec"][:2]) == [1.5, -1.5]


def test_a_votable_makes_a_table_with_its_rows_units_and_types(alice: pyvo.dal.TAPService) -> None:
    table = Table({"id": np.arange(3), "flux": np.array([1.0, np.nan, 3.0], "f4"), "B-V": ["a", "", "ö"]})
    table["flux"].unit = "mJy"
    document = from_table(table)
    document.get_first_table().get_field_by_id("flux").ucd = "phot.flux"
    file = io.BytesIO()
    writeto(document, file, tabledata_format="binary2")
    alice.create_table("alice.catalogue_1", io.BytesIO(file.getvalue()), format="VOTable")
    found = alice.run_sync('SELECT id, flux, "B-V" AS colour FROM alice.catalogue_1 ORDER BY id')
    assert found.getdesc("flux").ucd == "phot.flux"
    assert str(found.to_table()["flux"].unit) == "mJy"
    assert found.to_table()["flux"].dtype == np.float32
    assert list(found.to_table()["colour"])[::2] == ["a", "ö"]


def test_its_owner_sees_it_in_both_descriptions_of_the_service(alice: pyvo.dal.TAPService) -> None:
    make_stars(alice)
    assert "alice.stars" in alice.tables
    described = alice.tables["alice.stars"]
    assert described.description == "Stars of mine."
    assert [column.name for column in described.columns] == ["name", "ra", "dec", "hits", "seen"]
    columns = alice.run_sync(
        "SELECT column_name, datatype, unit, xtype, indexed, column_index FROM TAP_SCHEMA.columns"
        " WHERE table_name = 'alice.stars' ORDER BY column_index"
    ).to_table()
    assert list(columns["column_name"]) == ["name", "ra", "dec", "hits", "seen"]
    assert list(columns["datatype"]) == ["char", "double", "double", "int", "char"]
    assert list(columns["indexed"]) == [0, 1, 1, 0, 0]
    assert columns["xtype"][4] == "timestamp"
    tables = alice.run_sync(
        "SELECT s.schema_name, t.table_name, t.description FROM tap_schema.schemas AS s"
        " JOIN tap_schema.tables AS t ON s.schema_name = t.schema_name WHERE s.schema_name = 'alice'"
    ).to_table()
    assert [tuple(row) for row in tables] == [("alice", "alice.stars", "Stars of mine.")]
    assert len(alice.run_sync("SELECT table_name FROM tables")) == len(catalogue()) + 1


def test_removed_is_gone_and_the_name_free(service: Service, alice: pyvo.dal.TAPService) -> None:
    make_stars(alice)
    alice.remove_table("alice.stars")
    with pytest.raises(pyvo.dal.DALQueryError, match="unknown table"):
        alice.run_sync("SELECT * FROM alice.stars")
    with pytest.raises(requests.HTTPError, match="404"):
        alice.remove_table("alice.stars")
    with service[0].database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'user_tables'")) == 0
    make_stars(alice)
    assert len(alice.run_sync("SELECT * FROM alice.stars")) == 3


def test_asynchronous_queries_read_them_and_each_account_lists_its_own_jobs(
    service: Service, alice: pyvo.dal.TAPService
) -> None:
    make_stars(alice)
    with query_worker(service[0]):
        job = alice.submit_job("SELECT COUNT(*) AS n FROM alice.stars")
        job.run().wait(timeout=60.0)
        assert job.phase == "COMPLETED"
        assert job.fetch_result().to_table()["n"][0] == 3
        assert job.owner == "alice"
        assert [listed.jobid for listed in alice.get_job_list()] == [job.job_id]
        bob = accounts.tap(service[1], "bob")
        assert bob.get_job_list() == []
        for stranger in (accounts.Client("bob"), accounts.Client(None)):
            assert stranger.get(job.url).status_code == 404
            assert stranger.delete(job.url).status_code == 404
        assert accounts.Client("alice").get(job.url).status_code == 200
        failed = bob.submit_job("SELECT COUNT(*) AS n FROM alice.stars").run().wait(timeout=60.0)
        assert failed.phase == "ERROR"


def test_an_index_that_cannot_be_is_told_why(service: Service, alice: pyvo.dal.TAPService) -> None:
    make_stars(alice)
    client = accounts.Client("alice")
    asked = {"table": "alice.stars", "index": "dec"}
    late = client.post(f"{service[1]}/tap/table-update", asked, allow_redirects=False)
    with query_worker(service[0]):
        with pytest.raises(pyvo.dal.DALQueryError, match="no column 'nix'"):
            alice.create_index("alice.stars", "nix")
        alice.remove_table("alice.stars")
        job = pyvo.dal.AsyncTAPJob(late.headers["Location"], session=alice._session).run().wait(timeout=60.0)
        with pytest.raises(pyvo.dal.DALQueryError, match="there is no table alice.stars"):
            job.raise_if_error()


def test_an_index_is_told_and_what_is_unique_stays_so(service: Service, alice: pyvo.dal.TAPService) -> None:
    make_stars(alice)
    with query_worker(service[0]):
        alice.create_index("alice.stars", "hits", unique=True)
        alice.create_index("alice.stars", "hits", unique=True)
    with service[0].database.reading() as session:
        made = session.scalars(text("SELECT indexname FROM pg_indexes WHERE schemaname = 'user_tables' ORDER BY 1"))
        assert [name.partition("_")[2] for name in made] == ["4_unique", "position_1"]
    told = alice.run_sync("SELECT column_name FROM TAP_SCHEMA.columns WHERE table_name = 'alice.stars' AND indexed = 1")
    assert sorted(told.to_table()["column_name"]) == ["dec", "hits", "ra"]
    answer = load(service, b"hits\n99\n5\n")
    assert answer.status_code == 400
    assert "duplicate key" in answer.text
    assert len(alice.run_sync("SELECT hits FROM alice.stars WHERE hits = 99")) == 0


def test_an_index_may_take_as_long_as_its_job_was_granted(service: Service, alice: pyvo.dal.TAPService) -> None:
    make_stars(alice)
    archive, url = service
    client = accounts.Client("alice")
    asked = {"table": "alice.stars", "index": "hits"}
    job = client.post(f"{url}/tap/table-update", asked, allow_redirects=False).headers["Location"]
    (table,) = user_tables.listed(archive.database, "alice")
    with query_worker(archive), archive.database.engine.connect() as loader:
        loader.execute(text('LOCK TABLE "{}"."{}" IN ROW EXCLUSIVE MODE'.format(*user_tables.stored(table.table_id))))
        client.post(f"{job}/executionduration", {"EXECUTIONDURATION": "1"})
        client.post(f"{job}/phase", {"PHASE": "RUN"})
        for active in ("QUEUED", "EXECUTING"):
            client.get(job, params={"WAIT": "20", "PHASE": active})
        assert client.get(f"{job}/phase").text == "ABORTED"
    assert "longer than 1 s, its execution duration" in client.get(f"{job}/error").text


def load(service: Service, content: bytes, name: str = "alice.stars") -> requests.Response:
    return accounts.Client("alice").post(f"{service[1]}/tap/load/{name}", data=content)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"name\tra\ngood\t1\nbad\tnorth\n", "upload 'stars': row 2, column 'ra'"),
        (b"name\thits\ngood\t1\nbad\t99999999999\n", "column 'hits'"),
        (b"name\tcolour\nx\t1\n", "no column 'colour'; it has name, ra, dec, hits, seen"),
        (b"name\tra\nx\t1\t2\n", "no CSV"),
        (b"", "it is empty"),
        (b"<VOTABLE><RESOURCE>", "not well-formed"),
        (b"PAR1rubbish", "Parquet"),
        (b"name,ra\n" + b"of 12 letters,1\n" * 400_000 + b"bad,x\n", "row 400001, column 'ra'"),
    ],
)
def test_a_load_that_fails_leaves_nothing_and_says_why(loaded: Service, content: bytes, told: str) -> None:
    answer = load(loaded, content)
    assert answer.status_code == 400, answer.text
    assert told in answer.text
    assert answer.text.count("\n") == 1
    (kept,) = user_tables.listed(loaded[0].database, "alice")
    assert kept.rows == 1
    with loaded[0].database.reading() as session:
        assert session.scalar(text(f"SELECT count(*) FROM user_tables.t{kept.table_id}")) == 1


def test_quotas_of_tables_rows_and_bytes_are_kept(server: str, survey_template: str, tmp_path: Path) -> None:
    limits: dict[str, object] = {"user_tables": 2, "user_rows": 1000, "user_bytes": 1 << 20}
    with (
        archives.fresh_database(server, template=survey_template) as url,
        archives.served(url, tmp_path, **limits) as service,
    ):
        accounts.made(service[0], "alice", "bob")
        client = accounts.Client("alice")
        for name in ("one", "two"):
            assert client.put(f"{service[1]}/tap/tables/{name}", data=b"a,b\n1,x\n").status_code == 201
        third = client.put(f"{service[1]}/tap/tables/three", data=b"a,b\n1,x\n")
        assert (third.status_code, third.text) == (413, "this account may keep 2 tables: remove one first\n")
        many = load(service, b"a\n" + b"1\n" * 999, "one")
        assert (many.status_code, many.text) == (413, "this account may keep 1000 rows, and would have 1001\n")
        assert load(service, b"a\n" + b"1\n" * 990, "two").status_code == 200
        noise = np.random.default_rng(1)
        large = load(service, b"b\n" + b"".join(noise.bytes(100_000).hex().encode() + b"\n" for _ in range(8)), "one")
        assert large.status_code == 413
        assert "this account may keep 1 MB" in large.text
        assert client.delete(f"{service[1]}/tap/tables/two").status_code == 200
        assert client.put(f"{service[1]}/tap/tables/three", data=b"a,b\n1,x\n").status_code == 201
        other = accounts.Client("bob").put(f"{service[1]}/tap/tables/one", data=b"a\n1\n")
        assert other.status_code == 201


def test_a_position_of_a_kept_table_is_searched_by_index(service: Service, alice: pyvo.dal.TAPService) -> None:
    random = np.random.default_rng(5)
    rows = "\n".join(f"{ra},{dec}" for ra, dec in random.uniform((0, -89), (360, 89), (20_000, 2)))
    alice.create_table("alice.stars", io.BytesIO(DEFINITION.encode()), format="VOSITable")
    alice.load_table("alice.stars", io.BytesIO(f"ra,dec\n{rows}\n".encode()), format="csv")
    queries = Queries(service[0])
    try:
        near = "SELECT * FROM alice.stars WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(10, 10, 0.1))"
        cost, whole = (queries.cost(q, account="alice") for q in (near, "SELECT * FROM alice.stars"))
        assert cost is not None
        assert whole is not None
        assert cost < whole / 5
        with pytest.raises(ValueError, match="unknown table"):
            queries.cost(near, account="bob")
    finally:
        queries.close()
