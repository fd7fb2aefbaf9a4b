"""Who works is known while they do; what was done long ago is forgotten, and nothing else."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable

import procrastinate
import pytest
from sqlalchemy import text

from archive import attendance, claims, jobs, old_jobs, queues, uws
from archive.archive import Archive
from archive.budget import Budget
from archive.database import SEARCH_PATH
from archive.execution import End
from archive.hands import Hands
from archive.jobs_cli import jobs as command
from archive.needs import Needs
from archive.worker import drain
from schema.jobs import Phase, What, Worker
from tests.support.commands import typing
from tests.support.staff import worker
from tests.support.tasks import table
from tests.support.workers import query_worker

OLD = "UPDATE jobs.job SET ended = ended - interval '100 days' WHERE job_id = :job"


def until(met: Callable[[], bool], *, seconds: float = 40.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it does not come to pass"
        time.sleep(0.05)


def rows(archive: Archive, statement: str) -> int:
    with archive.database.reading() as session:
        return int(session.connection().exec_driver_sql(statement).scalar_one())


def test_a_worker_is_listed_with_what_it_does_until_it_ends(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs.submit(archive.database, "sleep", {"seconds": 600})
    with typing(archive, monkeypatch, command) as types:
        assert types("workers").stdout == ""
        with worker(archive, worker_cores=3, worker_memory=2 << 30, worker_grace=0.1) as process:
            until(lambda: [w.doing for w in attendance.present(archive.database)] == [1])
            (line,) = types("workers").stdout.splitlines()
            assert f":{process.pid}  alive, does 1  3 cores, 2048 MB  " in line
            told = json.loads(types("workers", "--json").stdout)
            assert (told["pid"], told["alive"], told["doing"]) == (process.pid, True, 1)
        assert types("workers").stdout == ""
    assert rows(archive, "SELECT count(*) FROM jobs.worker") == 0


def test_the_lines_for_queries_are_workers_each_with_its_queue(archive: Archive) -> None:
    with query_worker(archive):
        until(lambda: len(attendance.present(archive.database)) == 2)
        found = {tuple(w.queues or ()): w for w in attendance.present(archive.database)}
        assert set(found) == {("query-fast",), ("query-slow",)}
        assert all(w.pid == os.getpid() and w.memory is None and w.is_alive(10) for w in found.values())
    assert attendance.present(archive.database) == []


def test_a_worker_that_died_is_told_as_silent_and_vanishes(archive: Archive) -> None:
    with worker(archive, worker_timeout=3.0) as process:
        until(lambda: len(attendance.present(archive.database)) == 1)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        until(lambda: not attendance.present(archive.database)[0].is_alive(1.0))
        with worker(archive, worker_timeout=3.0) as other:
            until(lambda: [w.pid for w in attendance.present(archive.database)] == [other.pid])
            until(lambda: rows(archive, f"SELECT count(*) FROM jobs.worker WHERE pid = {process.pid}") == 0)


def test_a_worker_that_was_taken_for_dead_comes_back_under_its_number(archive: Archive) -> None:
    """A long stop of its host, and the others dropped its number: its next heartbeat brings both rows back."""
    with worker(archive) as process:
        until(lambda: len(attendance.present(archive.database)) == 1)
        (before,) = attendance.present(archive.database)
        with archive.database.transaction() as session:
            session.execute(text("DELETE FROM jobs.worker"))
            session.execute(text("DELETE FROM queue.procrastinate_workers"))
        until(lambda: len(attendance.present(archive.database)) == 1)
        (after,) = attendance.present(archive.database)
        assert (after.worker_id, after.pid) == (before.worker_id, process.pid)
        job = jobs.submit(archive.database, "nothing", {"number": 1})
        until(lambda: jobs.named(archive.database, job.job_id).phase == Phase.COMPLETED)


def test_a_worker_that_was_taken_for_dead_takes_a_job_and_goes_on_with_what_it_does(archive: Archive) -> None:
    """The next job comes before the next heartbeat: its number is gone from the table that the queue refers to."""
    with worker(archive, worker_cores=2, worker_timeout=60.0):
        long = jobs.submit(archive.database, "sleep", {"seconds": 3})
        until(lambda: (jobs.named(archive.database, long.job_id).progress_text or "").startswith("begun by"))
        (before,) = attendance.present(archive.database)
        for number in range(3):
            with archive.database.transaction() as session:
                session.execute(text("DELETE FROM jobs.worker"))
                session.execute(text("DELETE FROM queue.procrastinate_workers"))
            job = jobs.submit(archive.database, "nothing", {"number": number})
            until(lambda job=job: jobs.named(archive.database, job.job_id).phase == Phase.COMPLETED)  # type: ignore[misc]
        until(lambda: jobs.named(archive.database, long.job_id).phase == Phase.COMPLETED)
        assert [one.worker_id for one in attendance.present(archive.database)] == [before.worker_id]
    story = [event.what for event in jobs.story(archive.database, long.job_id)]
    assert story == [What.SUBMITTED, What.BEGUN, What.COMPLETED]


def test_a_heartbeat_that_comes_after_the_end_brings_no_worker_back(archive: Archive) -> None:
    async def story() -> None:
        connector = procrastinate.PsycopgConnector(
            conninfo=archive.database.url, kwargs={"options": f"-c search_path={SEARCH_PATH}"}
        )
        async with queues.application(connector).open_async():
            registrar = attendance.Registrar(connector, archive.database, attendance.Means(1, None, None))
            number = await registrar.register_worker()
            await registrar.unregister_worker(number)
            await registrar.update_heartbeat(number)

    asyncio.run(story())
    assert attendance.present(archive.database) == []
    assert rows(archive, "SELECT count(*) FROM queue.procrastinate_workers") == 0


def test_a_job_that_comes_twice_to_a_worker_is_done_once(archive: Archive) -> None:
    job = jobs.submit(archive.database, "sleep", {"seconds": 0.2})

    async def story() -> None:
        hands = Hands(archive, table, Budget(1, 1 << 30))
        first, second = await asyncio.gather(*(hands.do(job.job_id, Needs()) for _ in range(2)))
        assert (first.end, second.end) == (End.OVER, End.AGAIN)
        assert (await hands.do(job.job_id, Needs())).end is End.OVER
        await hands.end()

    asyncio.run(story())
    assert jobs.named(archive.database, job.job_id).attempts == 1


def test_why_a_job_was_ended_is_told_though_its_worker_stops_meanwhile(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process does not hear the first signal, so that the stop comes before its end."""
    monkeypatch.setattr("archive.hands.GRACE_SECONDS", 2.5)
    job = jobs.submit(archive.database, "deaf", {"seconds": 600})

    async def story() -> None:
        hands = Hands(archive, table, Budget(1, 1 << 30))
        doing = asyncio.create_task(hands.do(job.job_id, Needs(timeout=2.0)))
        await asyncio.to_thread(until, lambda: jobs.named(archive.database, job.job_id).progress_text == "deaf")
        await asyncio.sleep(2.1)
        doing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await doing
        await hands.end()

    asyncio.run(story())
    known = jobs.named(archive.database, job.job_id)
    assert (known.phase, known.error) == (Phase.ERROR, "it took longer than 2 s")


def test_one_at_a_time_returns_the_jobs_of_the_dead(archive: Archive) -> None:
    with claims.taking_back(archive.database) as first, claims.taking_back(archive.database) as second:
        assert (first, second) == (True, False)
    with claims.taking_back(archive.database) as again:
        assert again


def test_whoever_lost_a_job_neither_ends_it_nor_tells_how_far_it_is(archive: Archive) -> None:
    job = jobs.submit(archive.database, "nothing", {"number": 1})
    with claims.claimed(archive.database, job.job_id) as mine:
        assert mine is not None
        jobs.finish(archive.database, job.job_id, Phase.ERROR, error="late", worker="elsewhere:1")
        assert jobs.named(archive.database, job.job_id).phase == Phase.EXECUTING
        jobs.progress(archive.database, job.job_id, 0.2, "late", worker="elsewhere:1")
        assert jobs.named(archive.database, job.job_id).progress == 0
        jobs.finish(archive.database, job.job_id, Phase.COMPLETED, worker=jobs.here())
    jobs.progress(archive.database, job.job_id, 0.2, "late")
    ended = jobs.named(archive.database, job.job_id)
    assert (ended.phase, ended.progress) == (Phase.COMPLETED, 1.0)


def test_jobs_that_ended_long_ago_are_forgotten_with_their_story(archive: Archive) -> None:
    old, young = (jobs.submit(archive.database, "nothing", {"n": n}) for n in range(2))
    drain(archive, table)
    waiting = jobs.submit(archive.database, "nothing", {})
    client = uws.create(archive, "tap.query", {}, caller=uws.Caller(None, None, "127.0.0.1"), run_id=None)
    jobs.cancel(archive.database, client.job_id)
    with archive.database.transaction() as session:
        for job in (old, client):
            session.execute(text(OLD), {"job": job.job_id})
    assert old_jobs.remove(archive.database, days=90) == 1
    assert old_jobs.remove(archive.database, days=90) == 0
    assert jobs.find(archive.database, old.job_id) is None
    assert jobs.story(archive.database, old.job_id) == []
    for job in (young, waiting, client):
        assert jobs.find(archive.database, job.job_id) is not None


def test_a_worker_forgets_old_jobs_by_itself(archive: Archive) -> None:
    old = jobs.submit(archive.database, "nothing", {})
    drain(archive, table)
    with archive.database.transaction() as session:
        session.execute(text(OLD), {"job": old.job_id})
    with worker(archive, worker_timeout=1.0, job_retention=200):
        until(lambda: len(attendance.present(archive.database)) == 1)
        time.sleep(2.5)
        assert jobs.find(archive.database, old.job_id) is not None
    with worker(archive, worker_timeout=1.0):
        until(lambda: jobs.find(archive.database, old.job_id) is None)


def test_what_the_queue_keeps_of_failures_goes_when_the_job_has_ended(archive: Archive) -> None:
    ended, waiting = (jobs.submit(archive.database, "nothing", {"n": n}) for n in range(2))
    with archive.database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE queue.procrastinate_jobs SET status = 'failed'")
    jobs.cancel(archive.database, ended.job_id)
    old_jobs.remove(archive.database, days=90)
    assert rows(archive, "SELECT count(*) FROM queue.procrastinate_jobs") == 1
    assert claims.requeue_lost(archive.database) == 1
    old_jobs.remove(archive.database, days=90)
    assert rows(archive, "SELECT count(*) FROM queue.procrastinate_jobs WHERE status = 'failed'") == 0
    drain(archive, table)
    known = jobs.find(archive.database, waiting.job_id)
    assert known is not None
    assert known.phase == Phase.COMPLETED


def test_a_worker_whose_number_is_gone_is_forgotten(archive: Archive) -> None:
    with archive.database.transaction() as session:
        session.execute(
            text("INSERT INTO jobs.worker (worker_id, host, pid, cores, started) VALUES (999, 'gone', 1, 1, now())")
        )
    assert attendance.present(archive.database) == []
    attendance.forget_gone(archive.database)
    with archive.database.reading() as session:
        assert session.get(Worker, 999) is None
