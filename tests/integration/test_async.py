"""Asynchronous queries as pyvo, astroquery and plain HTTP use them; what happens when something dies meanwhile."""

import gc
import hashlib
import io
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import pyvo
import requests
from astropy.io.votable import parse
from astroquery.utils.tap.core import TapPlus
from sqlalchemy import text

from archive import claims, jobs, uws
from archive.archive import Archive
from schema.jobs import Phase, What
from server.query import Queries, QueryTooLong
from server.tasks import TASK
from tests.support import archives
from tests.support.workers import query_worker

Service = tuple[Archive, str]

QUICK = "SELECT name, ra FROM survey.target"
LONG = (
    "SELECT COUNT(*) AS n FROM survey.pointing AS a, survey.pointing AS b, survey.pointing AS c, survey.pointing AS d"
    " WHERE a.ra + b.ra > c.ra + d.ra"
)


pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pyvo reads no answer to its end


@pytest.fixture(autouse=True)
def left_sockets() -> Iterator[None]:
    """Let what pyvo leaves open go here, not in another test."""
    yield
    gc.collect()


@pytest.fixture
def working(service: Service) -> Iterator[Service]:
    """The services and the worker for queries."""
    with query_worker(service[0]):
        yield service


def submitted(url: str, query: str = QUICK, **parameters: str) -> str:
    """Make a job; return its address."""
    answer = requests.post(
        f"{url}/tap/async", {"LANG": "ADQL", "QUERY": query, **parameters}, allow_redirects=False, timeout=30
    )
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def phase(job: str) -> str:
    return requests.get(f"{job}/phase", timeout=30).text


def ended(job: str) -> str:
    """Wait for a job's last phase and return it."""
    for _ in range(20):
        for active in ("QUEUED", "EXECUTING"):
            requests.get(job, {"WAIT": "20", "PHASE": active}, timeout=60)
        if (now := phase(job)) not in {"QUEUED", "EXECUTING"}:
            return now
    raise AssertionError(f"{job} does not end")


def until(met: Callable[[], bool]) -> None:
    for _ in range(400):
        if met():
            return
        time.sleep(0.05)
    raise AssertionError("it does not come to pass")


def backends(archive: Archive, job: str) -> int:
    """Count what is done for a job in the database."""
    name = job.rpartition("/")[2]
    query = f"SELECT COUNT(*) FROM pg_stat_activity WHERE state = 'active' AND application_name = '{name}'"
    with archive.database.reading() as session:
        return int(session.connection().exec_driver_sql(query).scalar_one())


def test_pyvo_runs_a_query_and_leaves_nothing_behind(working: Service) -> None:
    archive, url = working
    tap = pyvo.dal.TAPService(f"{url}/tap")
    assert len(tap.run_async(QUICK)) == 19
    assert tap.get_job_list() == []
    assert list((archive.settings.root / "results").iterdir()) == []


def test_pyvo_controls_a_job_from_birth_to_death(working: Service) -> None:
    session = requests.Session()
    tap = pyvo.dal.TAPService(f"{working[1]}/tap", session=session)
    job = tap.submit_job("SELECT 1 AS one FROM survey.target", runid="mine")
    assert (job.phase, job.owner, job.uws_version) == ("PENDING", None, "1.1")
    job.query = QUICK
    job.execution_duration = 60
    job.destruction = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)
    assert job.execution_duration.sec == 60
    job.run().wait(phases={"COMPLETED"})
    assert len(job.fetch_result()) == 19
    (listed,) = tap.get_job_list()
    assert (listed.jobid, listed.phase, listed.runid) == (job.job_id, "COMPLETED", "mine")
    assert tap.get_job_list(phases=["ERROR"]) == []
    assert listed.jobid not in requests.get(f"{working[1]}/tap/async", timeout=30).text, "others do not see it"
    address = job.url
    job.delete()
    assert requests.get(address, timeout=30).status_code == 404
    session.close()


def test_pyvo_tells_what_was_wrong(working: Service) -> None:
    tap = pyvo.dal.TAPService(f"{working[1]}/tap")
    with pytest.raises(pyvo.dal.DALQueryError, match="unknown column 'nme'"):
        tap.run_async("SELECT nme FROM survey.target")


def test_an_abort_ends_the_query_in_the_database(working: Service) -> None:
    archive, url = working
    job = submitted(url, LONG, PHASE="RUN")
    until(lambda: backends(archive, job) > 0)
    assert phase(job) == "EXECUTING"
    requests.post(f"{job}/phase", {"PHASE": "ABORT"}, timeout=30).raise_for_status()
    assert phase(job) == "ABORTED"
    until(lambda: backends(archive, job) == 0)
    assert requests.get(f"{job}/results/result", timeout=30).status_code == 404
    assert phase(job) == "ABORTED"


def test_a_job_may_take_as_long_as_it_was_granted(working: Service) -> None:
    archive, url = working
    job = submitted(url, LONG, PHASE="RUN", EXECUTIONDURATION="1")
    assert ended(job) == "ABORTED"
    assert b"took longer than 1 s, its execution duration" in requests.get(job, timeout=30).content
    assert backends(archive, job) == 0


def test_short_queries_do_not_wait_for_long_ones(working: Service) -> None:
    long = [submitted(working[1], f"{LONG} AND a.ra > {n}", PHASE="RUN") for n in range(3)]
    until(lambda: "EXECUTING" in [phase(job) for job in long])
    assert ended(submitted(working[1], PHASE="RUN")) == "COMPLETED"
    assert "QUEUED" in [phase(job) for job in long]
    for job in long:
        requests.delete(job, timeout=30)


def test_waiting_ends_when_the_phase_changes(service: Service) -> None:
    job = submitted(service[1], PHASE="RUN")
    seen: list[tuple[float, bytes]] = []

    def wait() -> None:
        seen.append((0.0, requests.get(job, {"WAIT": "-1"}, timeout=60).content))

    assert requests.get(job, {"WAIT": "10", "PHASE": "PENDING"}, timeout=5).ok, "it is not PENDING: nothing to wait for"
    waiter = threading.Thread(target=wait)
    waiter.start()
    waiter.join(0.5)
    assert waiter.is_alive()
    requests.post(f"{job}/phase", {"PHASE": "ABORT"}, timeout=30)
    waiter.join(40)
    assert not waiter.is_alive()
    assert b"<uws:phase>ABORTED</uws:phase>" in seen[0][1]


def test_progress_is_told_and_ends_no_waiting(service: Service) -> None:
    archive, url = service
    job = submitted(url, PHASE="RUN")
    job_id = job.rpartition("/")[2]
    seen: list[bytes] = []
    with claims.claimed(archive.database, job_id):
        assert b"jobInfo" not in requests.get(job, timeout=30).content
        waiter = threading.Thread(target=lambda: seen.append(requests.get(job, {"WAIT": "-1"}, timeout=60).content))
        waiter.start()
        for part in range(1, 6):
            jobs.progress(archive.database, job_id, part / 10, f"{part} of 10 parts & more")
            waiter.join(0.2)
            assert waiter.is_alive(), "it is EXECUTING as before"
        told = requests.get(job, timeout=30).content
        (progress,) = ET.fromstring(told).iter("{urn:musevault:uws}progress")  # noqa: S314  our own
        assert (progress.get("fraction"), progress.text) == ("0.5", "5 of 10 parts & more")
        assert pyvo.dal.AsyncTAPJob(job).phase == "EXECUTING"
        jobs.finish(archive.database, job_id, Phase.COMPLETED)
        waiter.join(40)
    assert not waiter.is_alive()
    assert b"<uws:phase>COMPLETED</uws:phase>" in seen[0]
    assert b"jobInfo" not in seen[0]


def test_a_query_says_how_much_it_has_written(working: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    archive, url = working
    monkeypatch.setattr("server.tasks.TELL_SECONDS", 0.0)
    job = submitted(url, PHASE="RUN")
    assert ended(job) == "COMPLETED"
    known = jobs.find(archive.database, job.rpartition("/")[2])
    assert known is not None
    assert re.fullmatch("[0-9,]+ bytes of the result are written", known.progress_text or "")


def test_waiting_has_an_end(service: Service) -> None:
    job = submitted(service[1])
    begin = time.monotonic()
    assert b"PENDING" in requests.get(job, {"WAIT": "1"}, timeout=30).content
    assert time.monotonic() - begin > 0.9


def test_a_result_comes_in_parts_with_its_checksum_and_name(working: Service) -> None:
    job = submitted(working[1], PHASE="RUN", RESPONSEFORMAT="csv")
    assert ended(job) == "COMPLETED"
    whole = requests.get(f"{job}/results/result", timeout=30)
    digest = hashlib.sha256(whole.content).hexdigest()
    assert (whole.headers["ETag"], whole.headers["Content-Type"]) == (f'"{digest}"', "text/csv;header=present")
    assert "result.csv" in whole.headers["Content-Disposition"]
    part = requests.get(f"{job}/results/result", headers={"Range": "bytes=5-9"}, timeout=30)
    assert (part.status_code, part.content) == (206, whole.content[5:10])
    known = requests.get(f"{job}/results/result", headers={"If-None-Match": whole.headers["ETag"]}, timeout=30)
    assert known.status_code == 304
    assert f'size="{len(whole.content)}"' in requests.get(f"{job}/results", timeout=30).text


def test_a_row_limit_is_told_as_in_sync(working: Service) -> None:
    job = submitted(working[1], PHASE="RUN", MAXREC="5")
    assert ended(job) == "COMPLETED"
    document = parse(io.BytesIO(requests.get(f"{job}/results/result", timeout=30).content))
    assert (len(document.get_first_table().array), document.resources[0].infos[-1].value) == (5, "OVERFLOW")


def test_every_resource_of_a_job_answers(working: Service) -> None:
    job = submitted(working[1], "SELECT nme FROM survey.target", RUNID="a")
    assert requests.get(f"{job}/quote", timeout=30).text == ""
    assert requests.get(f"{job}/owner", timeout=30).text == ""
    assert requests.get(f"{job}/executionduration", timeout=30).text == "3600"
    assert requests.get(f"{job}/error", timeout=30).text == ""
    assert "SELECT nme" in requests.get(f"{job}/parameters", timeout=30).text
    assert "<uws:result " not in requests.get(f"{job}/results", timeout=30).text
    far = requests.post(f"{job}/destruction", {"DESTRUCTION": "2999-01-01T00:00:00Z"}, timeout=30)
    assert far.history[0].status_code == 303
    assert not requests.get(f"{job}/destruction", timeout=30).text.startswith("2999")
    requests.post(f"{job}/executionduration", {"EXECUTIONDURATION": "0"}, timeout=30)
    assert requests.get(f"{job}/executionduration", timeout=30).text == "21600"
    requests.post(f"{job}/phase", {"PHASE": "RUN"}, timeout=30)
    assert ended(job) == "ERROR"
    error = requests.get(f"{job}/error", timeout=30)
    assert parse(io.BytesIO(error.content)).resources[0].infos[0].value == "ERROR"
    assert requests.post(job, {"ACTION": "DELETE"}, timeout=30).history[0].status_code == 303
    assert requests.get(f"{job}/phase", timeout=30).status_code == 404


@pytest.mark.parametrize(
    ("part", "parameters", "words"),
    [
        ("phase", {"PHASE": "GO"}, "PHASE must be RUN or ABORT"),
        ("executionduration", {"EXECUTIONDURATION": "long"}, "number of seconds"),
        ("destruction", {"DESTRUCTION": "soon"}, "must be a time"),
        ("destruction", {"DESTRUCTION": "0001-01-01T00:00:00+14:00"}, "must be a time"),
        ("destruction", {"DESTRUCTION": "9999-12-31T23:59:59-14:00"}, "must be a time"),
        ("parameters", {"QUERY": "SELECT '\0'"}, "control character"),
        ("parameters", {"QUERY": "SELECT '\x01'"}, "control character"),
        ("parameters", {"RUNID": "\ufffe"}, "control character"),
        ("parameters", {"NAME\x02": "value"}, "control character"),
    ],
)
def test_a_mistake_is_told(service: Service, part: str, parameters: dict[str, str], words: str) -> None:
    job = submitted(service[1])
    answer = requests.post(f"{job}/{part}", parameters, timeout=30)
    assert (answer.status_code, words in answer.text) == (400, True)
    assert phase(job) == "PENDING"


def test_a_list_of_jobs_after_a_time_that_is_none_is_refused(service: Service) -> None:
    answer = requests.get(f"{service[1]}/tap/async", {"AFTER": "0001-01-01T00:00:00+14:00"}, timeout=30)
    assert (answer.status_code, "must be a time" in answer.text) == (400, True)


def test_an_error_that_quotes_a_control_character_is_told_in_the_documents(working: Service) -> None:
    url = working[1]
    parts = {"t": ("t.csv", b"id,word\n1,a\x01b\n")}
    query = {"LANG": "ADQL", "QUERY": "SELECT CAST(word AS INTEGER) FROM tap_upload.t", "UPLOAD": "t,param:t"}
    made = requests.post(f"{url}/tap/async", query | {"PHASE": "RUN"}, files=parts, allow_redirects=False, timeout=30)
    job = made.headers["Location"]
    assert ended(job) == "ERROR"
    for address in (job, f"{job}/error"):
        answer = requests.get(address, timeout=30)
        assert answer.status_code == 200
        assert "invalid input syntax" in "".join(ET.fromstring(answer.content).itertext())  # noqa: S314  our own


def test_whoever_changes_a_job_locks_it_in_the_order_of_whoever_removes_it(service: Service) -> None:
    archive, url = service
    job_id = submitted(url).rpartition("/")[2]
    with ThreadPoolExecutor(1) as others, archive.database.engine.connect() as remover:
        remover.execute(text("SELECT 1 FROM jobs.job WHERE job_id = :job FOR UPDATE"), {"job": job_id})
        changing = others.submit(uws.change, archive.database, job_id, run_id="mine")
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted")
        while not remover.scalar(waiting):
            time.sleep(0.02)
        remover.execute(text("SELECT 1 FROM jobs.uws WHERE job_id = :job FOR UPDATE NOWAIT"), {"job": job_id})
        remover.commit()
        changing.result(30)


def test_a_job_that_runs_is_not_changed(service: Service) -> None:
    job = submitted(service[1], PHASE="RUN")
    for part, parameters in (("parameters", {"QUERY": "SELECT 1"}), ("phase", {"PHASE": "RUN"})):
        answer = requests.post(f"{job}/{part}", parameters, timeout=30)
        assert (answer.status_code, "the job is QUEUED" in answer.text) == (400, True)
    assert requests.get(f"{service[1]}/tap/async/nosuchjob", timeout=30).status_code == 404


def test_a_client_has_so_many_jobs_and_is_told_how_many(service: Service) -> None:
    archive, url = service
    first = submitted(url, PHASE="RUN")
    who = uws.Caller(None, None, "127.0.0.1")
    job = uws.create(archive, TASK, {"QUERY": [QUICK]}, caller=who, run_id=None)
    with pytest.raises(uws.QuotaExceeded, match="1 jobs queued or executing, of at most 1"):
        uws.start(archive.database, job.job_id, uws.Start("query-fast", None), most=1)
    requests.delete(first, timeout=30)
    uws.start(archive.database, job.job_id, uws.Start("query-fast", None), most=1)


def test_what_is_over_is_swept_away(working: Service) -> None:
    archive, url = working
    job = submitted(url, PHASE="RUN", DESTRUCTION="2020-01-01T00:00:00Z")
    assert ended(job) == "COMPLETED"
    assert uws.sweep(archive) == 1
    assert requests.get(job, timeout=30).status_code == 404
    assert list((archive.settings.root / "results").iterdir()) == []


def test_a_job_outlives_the_worker_that_stops_in_the_middle(service: Service) -> None:
    archive, url = service
    job = submitted(url, LONG.replace(", survey.pointing AS d", "").replace(" + d.ra", ""), PHASE="RUN")
    with query_worker(archive):
        until(lambda: backends(archive, job) > 0)
    assert phase(job) == "QUEUED"
    assert backends(archive, job) == 0
    with query_worker(archive):
        assert ended(job) == "COMPLETED"


def test_a_job_outlives_a_lost_connection(working: Service) -> None:
    archive, url = working
    job = submitted(url, LONG.replace(", survey.pointing AS d", "").replace(" + d.ra", ""), PHASE="RUN")
    until(lambda: backends(archive, job) > 0)
    uws.end_backends(archive.database, job.rpartition("/")[2])
    assert ended(job) == "COMPLETED"
    known = jobs.find(archive.database, job.rpartition("/")[2])
    assert known is not None
    assert known.phase == Phase.COMPLETED
    assert [e.what for e in jobs.story(archive.database, known.job_id)].count(What.BEGUN) == 2


def test_astroquery_gets_its_rows(working: Service) -> None:
    tap = TapPlus(url=f"{working[1]}/tap", verbose=False)
    job = tap.launch_job_async(QUICK)
    assert len(job.get_results()) == 19


def test_a_query_without_hope_is_refused_at_once_with_the_way_out(
    server: str, survey_template: str, tmp_path: Path
) -> None:
    # The planner knows little of a database that nobody has analysed: the limit is low, that it may be wrong.
    with (
        archives.fresh_database(server, template=survey_template) as database,
        archives.served(database, tmp_path, sync_cost_limit=1000.0) as service,
    ):
        _refused_with_the_way_out(service)


def _refused_with_the_way_out(service: Service) -> None:
    archive, url = service
    answer = requests.post(f"{url}/tap/sync", {"QUERY": LONG, "LANG": "ADQL"}, timeout=60)
    assert answer.status_code == 408
    assert f"<{url}/tap/async>" in answer.headers["Link"]
    infos = {info.name: info for info in parse(io.BytesIO(answer.content)).resources[0].infos}
    assert infos["QUERY_STATUS"].value == "ERROR"
    assert (infos["REASON"].value, infos["ASYNC"].value) == ("COST", f"{url}/tap/async")
    assert float(infos["ESTIMATED_COST"].value) > float(infos["COST_LIMIT"].value)
    queries = Queries(archive)
    with pytest.raises(QueryTooLong):
        queries.run(LONG)
    quick = queries.run(QUICK)
    assert len(list(quick.batches())) == 1
    quick.close()
    queries.close()
