"""Tables of accounts under attack: other accounts, anonymous clients, names and files made for harm, kills."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import quote

import psycopg
import pytest
import requests
from sqlalchemy import text

from archive import user_rows, user_tables
from archive.archive import Archive
from archive.user_rows import Layout, Quota
from schema.published import PublishedColumn
from tests.support import accounts, archives
from tests.support.workers import query_worker

Service = tuple[Archive, str]
SECRET: Final = b"id,word\n1,secret\n2,hidden\n"


@pytest.fixture(scope="module")
def kept(server: str, survey_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a table of an account's, which no test may change."""
    root = tmp_path_factory.mktemp("kept")
    with archives.fresh_database(server, template=survey_template) as url, archives.served(url, root) as served:
        accounts.made(served[0], "alice", "bob")
        made = accounts.Client("alice").put(f"{served[1]}/tap/tables/diary", data=SECRET)
        assert made.status_code == 201, made.text
        yield served
        (table,) = user_tables.listed(served[0].database, "alice")
        assert (table.name, table.rows) == ("diary", 2)


@pytest.fixture(scope="module")
def shared(server: str, survey_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with an account for tests that remove what they make."""
    root = tmp_path_factory.mktemp("shared")
    with archives.fresh_database(server, template=survey_template) as url, archives.served(url, root) as served:
        accounts.made(served[0], "carol")
        yield served


@pytest.fixture
def carol(shared: Service) -> Iterator[accounts.Client]:
    """The account's client; its tables go after the test."""
    client = accounts.Client("carol")
    yield client
    for table in user_tables.listed(shared[0].database, "carol"):
        user_tables.drop(shared[0].database, "carol", table.name)


def client(who: str) -> accounts.Client:
    return accounts.Client(None) if who == "anonymous" else accounts.Client(who)


def ask(service: Service, who: str, query: str) -> requests.Response:
    given = {"QUERY": query, "LANG": "ADQL", "RESPONSEFORMAT": "csv"}
    answer = client(who).post(f"{service[1]}/tap/sync", given)
    answer.encoding = "utf-8"
    return answer


@pytest.mark.parametrize("who", ["bob", "anonymous"])
@pytest.mark.parametrize(
    "table",
    [
        "alice.diary",
        "diary",
        '"alice"."diary"',
        "user_tables.t1",
        '"user_tables"."t1"',
        "accounts.user_table",
        "accounts.account",
        "user_tables.columns",
        "tap_upload.diary",
        "survey.target, alice.diary",
        "survey.target WHERE EXISTS (SELECT * FROM alice.diary)",
        "(SELECT * FROM alice.diary) AS d",
    ],
)
def test_others_cannot_read_a_table_however_they_call_it(kept: Service, who: str, table: str) -> None:
    answer = ask(kept, who, f"SELECT * FROM {table}")
    assert answer.status_code == 400
    assert "unknown table" in answer.text
    assert "secret" not in answer.text
    assert "did you mean 'alice" not in answer.text


@pytest.mark.parametrize("who", ["bob", "anonymous"])
def test_others_cannot_see_that_there_is_one(kept: Service, who: str) -> None:
    for path in ("/tap/tables", "/tap/tables?detail=min"):
        assert "alice" not in client(who).get(kept[1] + path).text
    assert client(who).get(f"{kept[1]}/tap/tables/alice.diary").status_code == 404
    for table in ("schemas", "tables", "columns"):
        answer = ask(kept, who, f"SELECT * FROM tap_schema.{table}")
        assert answer.status_code == 200
        assert "alice" not in answer.text
        assert "diary" not in answer.text
    assert "alice.diary" in ask(kept, "alice", "SELECT * FROM tap_schema.tables").text


@pytest.mark.parametrize("name", ["alice.diary", "ALICE.diary", "alice.nothing", "survey.target", "tap_schema.tables"])
def test_others_cannot_change_it_nor_learn_whether_it_is_there(kept: Service, name: str) -> None:
    for who, status in (("bob", 403), ("anonymous", 401)):
        url = f"{kept[1]}/tap"
        answers = [
            client(who).put(f"{url}/tables/{name}", data=SECRET),
            client(who).delete(f"{url}/tables/{name}"),
            client(who).post(f"{url}/load/{name}", data=SECRET),
            client(who).post(f"{url}/table-update", {"table": name, "index": "id"}),
        ]
        assert [answer.status_code for answer in answers] == [status] * 4
        assert len({answer.text for answer in answers}) == 1
        assert ("WWW-Authenticate" in answers[0].headers) is (who == "anonymous")


def test_a_job_for_an_index_reaches_the_tables_of_its_own_account_only(service: Service) -> None:
    accounts.made(service[0], "alice", "bob")
    for who in ("alice", "bob"):
        assert client(who).put(f"{service[1]}/tap/tables/diary", data=SECRET).status_code == 201
    asked = {"table": "diary", "index": "id"}
    made = client("bob").post(f"{service[1]}/tap/table-update", asked, allow_redirects=False)
    job = made.headers["Location"]
    client("bob").post(f"{job}/parameters", {"TABLE": "alice.diary"}, allow_redirects=False)
    with query_worker(service[0]):
        client("bob").post(f"{job}/phase", {"PHASE": "RUN"}, allow_redirects=False)
        for _ in range(100):
            if client("bob").get(f"{job}/phase").text in {"ERROR", "COMPLETED"}:
                break
            time.sleep(0.1)
    assert "your tables are called bob." in client("bob").get(f"{job}/error").text


@pytest.mark.parametrize(
    "name",
    [
        'x"; DROP TABLE survey.target; --',
        "x'y",
        "alice.x.y",
        "alice.",
        ".x",
        "alice..x",
        "1x",
        "_x",
        "é",
        "x y",
        "x\0y",
        "select",
        "alice.Table",
        "size",
        "x" * 64,
        "x" * 5000,
        "%s",
        "{x}",
        "x\ny",
        "..",
    ],
)
def test_names_that_are_none_are_refused_with_one_line(kept: Service, name: str) -> None:
    url = f"{kept[1]}/tap"
    written = quote(name, safe="").replace("..", "%2e%2e")
    alice = client("alice")
    for answer in (
        alice.put(f"{url}/tables/{written}", data=SECRET),
        alice.delete(f"{url}/tables/{written}"),
        alice.post(f"{url}/load/{written}", data=SECRET),
    ):
        assert answer.status_code in {400, 403, 404, 405}, answer.text
        assert answer.status_code != 200
    index = alice.post(f"{url}/table-update", {"table": name, "index": "id"})
    assert index.status_code in {400, 403}
    assert index.text.count("\n") == 1


@pytest.mark.parametrize("name", ["t1", "tables", "columns", "target", "obscore", "diary_", "ra", "x" * 63])
def test_names_of_other_tables_hide_nothing(shared: Service, carol: accounts.Client, name: str) -> None:
    counts = {t: ask(shared, "carol", f"SELECT COUNT(*) AS n FROM {t}").text for t in ("target", "obscore")}
    assert carol.put(f"{shared[1]}/tap/tables/{name}", data=SECRET).status_code == 201
    assert ask(shared, "carol", f"SELECT word FROM carol.{name} WHERE id = 1").text.split() == ["word", '"secret"']
    assert "survey.target" in ask(shared, "carol", "SELECT table_name FROM tables").text
    for table, count in counts.items():
        assert ask(shared, "carol", f"SELECT COUNT(*) AS n FROM {table}").text == count


@pytest.mark.parametrize(
    "names",
    [
        'a"b,c;--',
        "select,from",
        "ctid,xmin",
        "c2,c1",
        "x'y,$1",
        "%s,{0}",
        "é ü,日本",
    ],
)
def test_columns_may_be_called_anything_and_harm_nothing(shared: Service, carol: accounts.Client, names: str) -> None:
    header = ",".join('"' + name.replace('"', '""') + '"' for name in names.split(","))
    made = carol.put(f"{shared[1]}/tap/tables/odd", data=f"{header}\n1,x\n".encode())
    assert made.status_code == 201, made.text
    assert carol.post(f"{shared[1]}/tap/load/odd", data=f"{header}\n2,y\n".encode()).status_code == 200
    answer = ask(shared, "carol", f"SELECT {header} FROM carol.odd ORDER BY 1")
    assert answer.text.splitlines()[1:] == ['1,"x"', '2,"y"']
    told = ask(shared, "carol", "SELECT column_name FROM TAP_SCHEMA.columns WHERE table_name = 'carol.odd'")
    asked = ",".join(_unquoted(line) for line in told.text.splitlines()[1:])
    assert ask(shared, "carol", f"SELECT {asked} FROM carol.odd").status_code == 200
    assert carol.get(f"{shared[1]}/tap/tables/carol.odd").status_code == 200


def _unquoted(cell: str) -> str:
    """Return what a cell of CSV holds."""
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0" * 1000,
        b"<a/>",
        b"<table/>",
        b"<table><column><name>a</name></column></table>",
        b"<table><column><name>a</name><dataType>doubleComplex</dataType></column></table>",
        b"<table><column><dataType>int</dataType></column></table>",
        b"<table>%b%b</table>" % (2 * (b"<column><name>a</name><dataType>int</dataType></column>",)),
        b"<table><column><name>a</name><dataType arraysize='x'>int</dataType></column></table>",
        b"<table>" + b"<column><name>a</name><dataType>int</dataType></column>" * 1001 + b"</table>",
        b"<table><column><name>" + b"a" * 20_000 + b"</name><dataType>int</dataType></column></table>",
        b'<!DOCTYPE t [<!ENTITY x "y">]><table><column><name>&x;</name></column></table>',
        b'<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]><table><description>&x;</description></table>',
        b"<table>" * 100,
        b"<table><column><name>a</name>",
        b"\x1f\x8b\x08rubbish",
        b"PAR1rubbish",
        b"SIMPLE  =                    T",
        b"id,word\n" + b"1,x\n" * 20_000 + b"2\n",
    ],
)
def test_bodies_that_are_no_table_are_refused_and_leave_nothing(kept: Service, body: bytes) -> None:
    answer = client("alice").put(f"{kept[1]}/tap/tables/fresh", data=body)
    assert answer.status_code == 400, answer.text
    assert answer.text.count("\n") == 1
    assert "Traceback" not in answer.text
    assert user_tables.find(kept[0].database, "alice", "fresh") is None
    with kept[0].database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'user_tables'")) == 1


def test_a_body_that_is_too_large_is_refused(
    server: str, survey_template: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("small")
    with (
        archives.fresh_database(server, template=survey_template) as url,
        archives.served(url, root, upload_bytes=100_000, upload_rows=50) as served,
    ):
        accounts.made(served[0], "alice")
        long = client("alice").put(f"{served[1]}/tap/tables/x", data=b"a\n" + b"1\n" * 60)
        assert (long.status_code, "more than 50 rows" in long.text) == (400, True)
        large = client("alice").put(f"{served[1]}/tap/tables/x", data=b"x" * 100_001)
        assert (large.status_code, "larger than" in large.text) == (400, True)
        chunks = (b"x" * 10_000 for _ in range(20))
        large = client("alice").put(f"{served[1]}/tap/tables/x", data=chunks)
        assert (large.status_code, "larger than" in large.text) == (400, True)


def test_a_form_is_no_table(shared: Service, carol: accounts.Client) -> None:
    sent = carol.put(f"{shared[1]}/tap/tables/form", files={"file": ("t.csv", b"a\n1\n")})
    assert (sent.status_code, "must be the body of the request" in sent.text) == (400, True)
    assert carol.get(f"{shared[1]}/tap/tables/carol.form").status_code == 404


@pytest.mark.parametrize("part", [{"index": "a\0"}, {"unique": "\0"}, {"extra\x01": "1"}])
def test_what_is_asked_of_an_index_has_no_control_characters(
    shared: Service, carol: accounts.Client, part: dict[str, str]
) -> None:
    assert carol.put(f"{shared[1]}/tap/tables/plain", data=b"a\n1\n").status_code == 201
    answer = carol.post(f"{shared[1]}/tap/table-update", {"table": "plain", "index": "a"} | part)
    assert (answer.status_code, "control character" in answer.text) == (400, True)


def test_a_query_whose_table_is_removed_meanwhile_tells_no_more_than_that(
    shared: Service, carol: accounts.Client
) -> None:
    archive, url = shared
    assert carol.put(f"{url}/tap/tables/short", data=b"a\n1\n").status_code == 201
    (table,) = user_tables.listed(archive.database, "carol")
    place = '"{}"."{}"'.format(*user_tables.stored(table.table_id))
    with ThreadPoolExecutor(1) as others, archive.database.engine.connect() as remover:
        remover.execute(text(f"DROP TABLE {place}"))
        asking = others.submit(ask, shared, "carol", "SELECT * FROM carol.short")
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'relation' AND NOT granted")
        while not remover.scalar(waiting):
            time.sleep(0.02)
        remover.commit()
        answer = asking.result(30)
    assert (answer.status_code, "a table of the query was removed meanwhile" in answer.text) == (400, True)
    assert "user_tables" not in answer.text


def test_another_page_cannot_use_a_browser_that_has_logged_in(kept: Service) -> None:
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    answer = client("alice").post(f"{kept[1]}/tap/load/diary", data=SECRET, headers=elsewhere)
    assert answer.status_code == 403


def test_the_role_of_the_queries_cannot_list_accounts_or_tables(kept: Service) -> None:
    options = kept[0].database.reader_options(timeout=5, base_url="", authority="")
    for statement in (
        "SELECT * FROM accounts.account",
        "SELECT * FROM accounts.user_table",
        "DROP TABLE user_tables.t1",
    ):
        with (
            psycopg.connect(kept[0].database.url, options=options) as connection,
            pytest.raises(psycopg.Error, match="permission denied|must be owner|read-only"),
        ):
            connection.execute(statement.encode())


KILLED: Final = """
import itertools, json, sys
import pyarrow as pa
from archive import user_rows, user_tables
from archive.database import Database
from archive.user_rows import Quota

def batches():
    for number in itertools.count():
        yield pa.record_batch({"c1": pa.array(range(50_000), pa.int64())})
        print(number, flush=True)

database = Database(sys.argv[1])
table = user_tables.get(database, "alice", "numbers")
user_rows.append(database, table, batches(), (), quota=Quota(10, 10**9, 10**12))
"""


def test_a_load_that_is_killed_leaves_the_table_as_it_was(archive: Archive) -> None:
    accounts.made(archive, "alice")
    layout = Layout((PublishedColumn("n", "long", stored="c1"),), ("bigint",), ())
    quota = Quota.of(archive.settings)
    user_rows.create(archive.database, "alice", "numbers", layout, iter(()), quota=quota)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, archive.database.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    for _ in range(5):
        assert process.stdout.readline().strip().isdigit()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    process.stderr.close()
    table = user_tables.get(archive.database, "alice", "numbers")
    assert table.rows == 0
    with archive.database.reading() as session:
        assert session.scalar(text(f"SELECT count(*) FROM user_tables.t{table.table_id}")) == 0
    for _ in range(50):  # until PostgreSQL has noticed
        try:
            user_tables.drop(archive.database, "alice", "numbers")
            break
        except user_tables.TableInUse:
            time.sleep(0.1)
    assert user_tables.listed(archive.database, "alice") == []


def test_two_loads_at_once_cannot_exceed_the_quota_together(
    server: str, survey_template: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("tight")
    with (
        archives.fresh_database(server, template=survey_template) as url,
        archives.served(url, root, user_rows=5000) as served,
    ):
        accounts.made(served[0], "alice")
        for name in ("one", "two"):
            assert client("alice").put(f"{served[1]}/tap/tables/{name}", data=b"a\n1\n").status_code == 201
        found: list[int] = []

        def load(name: str) -> None:
            body = b"a\n" + b"7\n" * 1000
            for _ in range(4):
                answer = client("alice").post(f"{served[1]}/tap/load/{name}", data=body)
                found.append(answer.status_code)

        threads = [threading.Thread(target=load, args=(name,)) for name in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == [200] * 4 + [413] * 4
        assert sum(table.rows for table in user_tables.listed(served[0].database, "alice")) == 4002
