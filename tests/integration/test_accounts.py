"""Accounts as an operator makes them and as clients log in."""

import gc
import json
import re
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import requests
from click.testing import CliRunner, Result
from sqlalchemy import text, update

from archive import account_removal, accounts, logins, uws
from archive.accounts_cli import account
from archive.archive import Archive
from archive.errors import ArchiveError
from archive.logins import Logins
from schema.accounts import Token
from server.attempts import FREE, Attempts
from server.tasks import TASK
from tests.support import accounts as clients

Service = tuple[Archive, str]


def typed(archive: Archive, monkeypatch: pytest.MonkeyPatch, *words: str, given: str = "") -> Result:
    import structlog

    monkeypatch.setenv("MUSEVAULT_ROOT", str(archive.settings.root))
    monkeypatch.setenv("MUSEVAULT_DATABASE_URL", archive.database.url)
    result = CliRunner().invoke(account, list(words), input=given)
    structlog.reset_defaults()
    return result


def get(service: Service, header: str | None = None) -> requests.Response:
    headers = {} if header is None else {"Authorization": header}
    query = {"QUERY": "SELECT TOP 1 name FROM survey.target", "RESPONSEFORMAT": "csv"}
    return requests.get(f"{service[1]}/tap/sync", query, headers=headers, timeout=30)


def basic(name: str, password: str) -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


def test_an_operator_makes_changes_closes_and_removes_accounts(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert typed(archive, monkeypatch, "add", "alice", given="eight chars or more\n").stdout == "made alice\n"
    again = typed(archive, monkeypatch, "add", "alice", given="eight chars or more\n")
    assert (again.exit_code, again.stderr) == (1, "Error: there is an account 'alice' already\n")
    token = typed(archive, monkeypatch, "token", "alice", "--label", "nightly", "--days", "30").stdout.strip()
    login = Logins(archive.database)
    assert login.by_token(token) == "alice"
    assert login.by_password("alice", "eight chars or more") == "alice"
    typed(archive, monkeypatch, "password", "alice", given="another one, longer\n")
    assert login.by_password("alice", "eight chars or more") is None
    assert login.by_password("alice", "another one, longer") == "alice"
    (told,) = [json.loads(line) for line in typed(archive, monkeypatch, "list", "--json").stdout.splitlines()]
    assert (told["name"], told["active"], told["tables"], told["rows"]) == ("alice", True, 0, 0)
    assert (told["tokens"][0]["label"], token[3:] in json.dumps(told)) == ("nightly", False)
    typed(archive, monkeypatch, "close", "alice")
    assert login.by_password("alice", "another one, longer") is None
    assert login.by_token(token) is None
    assert "closed" in typed(archive, monkeypatch, "list").stdout
    typed(archive, monkeypatch, "open", "alice")
    assert login.by_token(token) == "alice"
    typed(archive, monkeypatch, "revoke", told["tokens"][0]["token"])
    assert login.by_token(token) is None
    removed = typed(archive, monkeypatch, "remove", "alice", "--yes")
    assert removed.stdout == "removed alice, 0 tables and 0 jobs\n"
    assert typed(archive, monkeypatch, "list").stdout == ""


@pytest.mark.parametrize(
    "name",
    ["survey", "tap_schema", "tap_upload", "select", "user", "pg_x", "Alice", "a.b", 'a"b', "a b", "1a", "", "é"],
)
def test_a_name_that_means_something_else_in_queries_is_no_account(archive: Archive, name: str) -> None:
    with pytest.raises(ArchiveError, match="account"):
        accounts.create(archive.database, name, clients.PASSWORD)


def test_passwords_and_tokens_are_kept_as_digests_only(archive: Archive) -> None:
    clients.made(archive, "alice", "bob")
    token = accounts.make_token(archive.database, "alice", label="x", days=None)
    with archive.database.reading() as session:
        kept = str(session.execute(text("SELECT a, t FROM accounts.account AS a, accounts.token AS t")).all())
    assert clients.PASSWORD not in kept
    assert token[3:] not in kept
    alice, bob = accounts.listed(archive.database)
    assert alice.password != bob.password  # the same password, each with its salt


def test_a_token_ends_when_its_time_is_over_and_tells_when_it_was_used(archive: Archive) -> None:
    clients.made(archive, "alice")
    token = accounts.make_token(archive.database, "alice", label="", days=1)
    login = Logins(archive.database)
    assert login.by_token(token) == "alice"
    (kept,) = accounts.tokens(archive.database, "alice")
    assert kept.last_used is not None
    with archive.database.transaction() as session:
        past = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=1)
        session.execute(update(Token).values(expires=past))
    assert login.by_token(token) is None


def test_who_logs_in_wrongly_is_told_so_and_never_taken_for_anonymous(service: Service) -> None:
    clients.made(service[0], "alice")
    assert get(service).status_code == 200
    assert get(service, basic("alice", clients.PASSWORD)).status_code == 200
    wrong = [
        basic("alice", "wrong"),
        basic("nobody", clients.PASSWORD),
        basic("a\0b", "x"),
        "Basic ???",
        "Basic \xe9",
        "Basic",
        "Basic " + b64encode(b"no colon").decode(),
        "Basic " + b64encode(b"\xff:\xff").decode(),
        "Bearer nothing",
        "Bearer",
        "Digest x",
        "Basic " + "A" * 5000,
    ]
    for header in wrong:
        answer = get(service, header)
        assert answer.status_code == 401, header
        assert answer.text.count("\n") == 1
        assert answer.headers["WWW-Authenticate"].startswith('Basic realm="musevault"')
        assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_every_route_of_tap_checks_who_asks(service: Service) -> None:
    reads = ("capabilities", "availability", "examples", "tables", "tables/survey.target", "sync", "async", "async/x")
    writes = (
        ("POST", "async"),
        ("PUT", "tables/x"),
        ("DELETE", "tables/x"),
        ("POST", "load/x"),
        ("POST", "table-update"),
    )
    for method, path in (*(("GET", path) for path in reads), *writes):
        header = {"Authorization": "Bearer x"}
        answer = requests.request(method, f"{service[1]}/tap/{path}", headers=header, timeout=30)
        assert answer.status_code == 401, path


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pyvo reads no answer to its end
def test_pyvo_logs_in_by_password_and_by_token(service: Service) -> None:
    clients.made(service[0], "alice")
    token = accounts.make_token(service[0].database, "alice", label="", days=None)
    for tap in (clients.tap(service[1], "alice"), clients.tap_by_token(service[1], token)):
        job = tap.submit_job("SELECT TOP 1 * FROM survey.target")
        assert job.owner == "alice"
        job.delete()
        assert tap.run_sync("SELECT TOP 2 name FROM survey.target").to_table()["name"][1]
        assert "survey.target" in tap.tables
    del tap, job
    gc.collect()


def test_capabilities_offer_both_ways_and_none(service: Service) -> None:
    document = requests.get(f"{service[1]}/tap/capabilities", timeout=30).text
    for part in re.findall(r"<capability[^>]*(?:std/TAP|VOSI#tables).*?</capability>", document, re.DOTALL):
        interfaces = re.findall(r"<interface.*?</interface>", part, re.DOTALL)
        assert [re.findall(r'securityMethod standardID="([^"]*)"', one) for one in interfaces] == [
            [],
            ["ivo://ivoa.net/sso#BasicAA", "ivo://ivoa.net/sso#token"],
        ]
    assert document.count("securityMethod") == 4


def test_trying_passwords_out_takes_longer_and_longer_for_that_name_from_there(service: Service) -> None:
    clients.made(service[0], "alice", "bob")
    for _ in range(FREE):
        assert get(service, basic("alice", "wrong")).status_code == 401
    slowed = get(service, basic("alice", clients.PASSWORD))
    assert slowed.status_code == 429
    assert int(slowed.headers["Retry-After"]) >= 1
    assert get(service, basic("bob", clients.PASSWORD)).status_code == 200
    time.sleep(1.1)
    assert get(service, basic("alice", clients.PASSWORD)).status_code == 200
    assert get(service, basic("alice", "wrong")).status_code == 401  # and all is forgiven


def test_failures_are_remembered_for_a_bounded_number_of_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.attempts.MOST", 100)
    attempts = Attempts()
    for number in range(1000):
        attempts.failed(("192.0.2.1", str(number)))
    assert len(attempts._failures) == 100
    for _ in range(40):
        attempts.failed(("192.0.2.1", "alice"))
    assert 59 < attempts.wait(("192.0.2.1", "alice")) <= 60


def test_a_password_that_was_right_costs_little_the_next_time(archive: Archive) -> None:
    clients.made(archive, "alice")
    login = Logins(archive.database)
    begin = time.perf_counter()
    assert login.by_password("alice", clients.PASSWORD) == "alice"
    first = time.perf_counter() - begin
    begin = time.perf_counter()
    for _ in range(5):
        assert login.by_password("alice", clients.PASSWORD) == "alice"
    assert (time.perf_counter() - begin) / 5 < first
    assert login.by_password("alice", clients.PASSWORD + "x") is None
    assert len(login._right) == 1
    assert logins.MOST_REMEMBERED >= 1


def test_an_account_that_is_removed_leaves_nothing_to_its_name(service: Service) -> None:
    archive, url = service
    clients.made(archive, "alice")
    client = clients.Client("alice")
    assert client.put(f"{url}/tap/tables/stars", data=b"a,b\n1,2\n").status_code == 201
    query = {"QUERY": "SELECT * FROM alice.stars", "LANG": "ADQL"}
    job = client.post(f"{url}/tap/async", query, allow_redirects=False).headers["Location"]
    accounts.make_token(archive.database, "alice", label="", days=None)
    assert account_removal.remove(archive, "alice") == account_removal.Gone(1, 1)
    assert client.get(job).status_code == 401
    clients.made(archive, "alice")
    assert client.get(job).status_code == 404
    assert client.get(f"{url}/tap/tables/alice.stars").status_code == 404
    assert accounts.tokens(archive.database) == []
    with archive.database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'user_tables'")) == 0


def test_guesses_made_at_once_are_told_nothing_more_than_those_made_in_turn(service: Service) -> None:
    clients.made(service[0], "alice")
    headers = [basic("alice", f"wrong {number}") for number in range(20)]
    with ThreadPoolExecutor(20) as guessers:
        told = [answer.status_code for answer in guessers.map(lambda header: get(service, header), headers)]
    assert set(told) == {401, 429}
    assert told.count(401) <= FREE + logins.AT_ONCE


def test_a_request_that_outlives_its_account_makes_no_job(archive: Archive) -> None:
    clients.made(archive, "alice")
    caller = uws.Caller("alice", None, "192.0.2.1")
    uws.create(archive, TASK, {}, caller=caller, run_id=None)
    account_removal.remove(archive, "alice")
    with pytest.raises(uws.NotNow, match="closed"):
        uws.create(archive, TASK, {}, caller=caller, run_id=None)
    clients.made(archive, "alice")
    assert uws.listed(archive.database, caller, after=None, last=None) == []


def test_who_removes_an_account_waits_for_the_job_that_it_makes(archive: Archive) -> None:
    clients.made(archive, "alice")
    caller = uws.Caller("alice", None, "192.0.2.1")
    waiting = text("SELECT count(*) FROM pg_locks JOIN pg_database AS d ON d.oid = database WHERE NOT granted")
    with ThreadPoolExecutor(2) as others, archive.database.engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('quota alice', 0))"))
        making = others.submit(uws.create, archive, TASK, {}, caller=caller, run_id=None)
        while not connection.scalar(waiting):
            time.sleep(0.02)
        removal = others.submit(account_removal.remove, archive, "alice")
        time.sleep(0.3)
        assert not removal.done()
        connection.commit()
        making.result(30)
        assert removal.result(30).jobs == 1
