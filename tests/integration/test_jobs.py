"""Work is done once, whoever dies meanwhile; it can be ended; and its row and story tell how it went."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from archive import claims, faults, jobs
from archive.archive import Archive
from archive.errors import Refused
from archive.jobs_cli import jobs as command
from archive.needs import Needs
from archive.queues import INGEST, PROCESSING
from archive.worker import drain
from schema.jobs import Job, Phase, What
from tests.support.commands import typing
from tests.support.staff import worker
from tests.support.tasks import table


def get(archive: Archive, job: Job) -> Job:
    found = jobs.find(archive.database, job.job_id)
    assert found is not None
    return found


def told(archive: Archive, job: Job) -> list[str]:
    return [event.what for event in jobs.story(archive.database, job.job_id)]


def wait_for(archive: Archive, job: Job, is_so: Callable[[Job], bool], *, seconds: float = 40.0) -> Job:
    end = time.monotonic() + seconds
    while not is_so(known := get(archive, job)):
        assert time.monotonic() < end, (known.phase, known.progress_text, known.error, told(archive, job))
        time.sleep(0.02)
    return known


def has_begun(job: Job) -> bool:
    return job.phase == Phase.EXECUTING and (job.progress_text or "").startswith("begun by")


def has_ended(job: Job) -> bool:
    return job.phase in {Phase.COMPLETED, Phase.ERROR, Phase.ABORTED}


def lives(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def await_end(pid: int) -> None:
    end = time.monotonic() + 10
    while lives(pid):
        assert time.monotonic() < end, f"process {pid} lives on"
        time.sleep(0.02)


def test_a_job_is_done_once_and_says_so(archive: Archive, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    job = jobs.submit(archive.database, "note", {"name": "a", "diary": str(diary)})
    assert jobs.submit(archive.database, "note", {"name": "a", "diary": str(diary)}).job_id == job.job_id
    other = jobs.submit(archive.database, "note", {"name": "b", "diary": str(diary)})
    drain(archive, table)
    lines = [line.split() for line in diary.read_text().splitlines()]
    assert sorted(line[:2] for line in lines) == [["a", job.job_id], ["b", other.job_id]]
    assert str(os.getpid()) not in {line[2] for line in lines}
    for done in (get(archive, job), get(archive, other)):
        assert (done.phase, done.progress, done.progress_text, done.attempts) == (Phase.COMPLETED, 1.0, "half way", 1)
        assert done.started is not None
        assert done.ended is not None
        assert told(archive, done) == [What.SUBMITTED, What.BEGUN, What.COMPLETED]
    assert jobs.outstanding(archive.database) == 0


def test_work_that_was_done_may_be_submitted_again(archive: Archive) -> None:
    job = jobs.submit(archive.database, "nothing", {})
    drain(archive, table)
    assert jobs.submit(archive.database, "nothing", {}).job_id != job.job_id


@pytest.mark.parametrize(
    ("task", "reason"),
    [("refuse", "no such cube"), ("stumble", "KeyError: 'x'"), ("unheard", "no task is called unheard")],
)
def test_a_failure_ends_in_error_with_its_reason_and_stops_nothing_else(
    archive: Archive, task: str, reason: str
) -> None:
    bad = jobs.submit(archive.database, task, {})
    good = jobs.submit(archive.database, "nothing", {})
    drain(archive, table)
    assert (get(archive, bad).phase, get(archive, bad).error) == (Phase.ERROR, reason)
    assert told(archive, bad)[-1] == What.FAILED
    assert get(archive, good).phase == Phase.COMPLETED


def test_submitted_by_many_at_once_the_same_work_is_one_job(archive: Archive) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(jobs.submit(archive.database, "nothing", {}).job_id))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_claimed_job_cannot_be_claimed_again(archive: Archive) -> None:
    job = jobs.submit(archive.database, "nothing", {})
    with claims.claimed(archive.database, job.job_id) as mine, claims.claimed(archive.database, job.job_id) as theirs:
        assert mine is not None
        assert theirs is None


def test_a_fault_that_passes_is_tried_again_and_again_after_longer_waits(archive: Archive, tmp_path: Path) -> None:
    job = jobs.submit(archive.database, "hiccup", {"times": 2, "counter": str(tmp_path / "counter")})
    drain(archive, table)
    known = get(archive, job)
    assert (known.phase, known.faults, known.attempts) == (Phase.COMPLETED, 2, 1)
    waits = [e.words for e in jobs.story(archive.database, job.job_id) if e.what == What.POSTPONED]
    assert len(waits) == 2
    assert all("No space left" in (words or "") for words in waits)
    assert faults.wait_seconds(2) == 2 * faults.wait_seconds(1)


def test_a_fault_that_does_not_pass_is_given_up(archive: Archive, tmp_path: Path) -> None:
    with archive.database.transaction() as session:
        job = jobs.add(session, "hiccup", {"times": 99, "counter": str(tmp_path / "counter")})
        job.faults = faults.FAULTS - 1
        jobs.enqueue(session, job)
    drain(archive, table)
    known = get(archive, job)
    assert known.phase == Phase.ERROR
    assert "No space left" in (known.error or "")
    assert f"given up after {faults.FAULTS} times" in (known.error or "")


def test_an_interrupted_job_is_done_again(archive: Archive, tmp_path: Path) -> None:
    job = jobs.submit(archive.database, "interrupt", {"counter": str(tmp_path / "counter")})
    drain(archive, table)
    assert get(archive, job).phase == Phase.COMPLETED
    assert What.INTERRUPTED in told(archive, job)


def test_a_job_that_kills_its_process_takes_nothing_with_it_and_is_given_up(archive: Archive) -> None:
    bad = jobs.submit(archive.database, "crash", {})
    good = jobs.submit(archive.database, "nothing", {})
    with archive.database.transaction() as session:  # it died before, all but once
        jobs.move(session, bad.job_id, Phase.EXECUTING, attempts=claims.ATTEMPTS - 1)
    drain(archive, table)
    assert get(archive, good).phase == Phase.COMPLETED
    assert get(archive, bad).phase == Phase.ERROR
    assert "given up" in (get(archive, bad).error or "")
    lost = [e.words for e in jobs.story(archive.database, bad.job_id) if e.what == What.LOST]
    assert lost[-1] == "its process ended by SIGSEGV"


def test_a_cancelled_job_ends_with_all_that_it_started(archive: Archive) -> None:
    job = jobs.submit(archive.database, "sleep", {"seconds": 600, "child": True})
    with worker(archive):
        begun = wait_for(archive, job, has_begun)
        words = (begun.progress_text or "").split()
        pids = [int(words[2]), int(words[4])]
        assert all(lives(pid) for pid in pids)
        jobs.cancel(archive.database, job.job_id, reason="not wanted")
        for pid in pids:
            await_end(pid)
        after = jobs.submit(archive.database, "nothing", {})
        assert wait_for(archive, after, has_ended).phase == Phase.COMPLETED
    assert (get(archive, job).phase, get(archive, job).error) == (Phase.ABORTED, "not wanted")
    assert told(archive, job) == [What.SUBMITTED, What.BEGUN, What.ABORTED]


def test_what_a_job_leaves_behind_ends_with_it(archive: Archive) -> None:
    job = jobs.submit(archive.database, "litter", {"seconds": 600})
    with worker(archive, worker_cores=1):
        done = wait_for(archive, job, has_ended)
        await_end(int((done.progress_text or "").split()[-1]))
        other = jobs.submit(archive.database, "nothing", {})
        assert wait_for(archive, other, has_ended).phase == Phase.COMPLETED
    assert done.phase == Phase.COMPLETED


def test_a_job_that_waits_can_be_cancelled_and_one_that_ended_cannot(archive: Archive) -> None:
    job = jobs.submit(archive.database, "nothing", {})
    jobs.cancel(archive.database, job.job_id)
    drain(archive, table)
    assert get(archive, job).phase == Phase.ABORTED
    with pytest.raises(Refused, match="ABORTED"):
        jobs.cancel(archive.database, job.job_id)
    with pytest.raises(Refused, match="no job"):
        jobs.cancel(archive.database, "unknown")


def test_a_job_that_takes_too_long_is_ended(archive: Archive) -> None:
    job = jobs.submit(archive.database, "sleep", {"seconds": 600}, needs=Needs(timeout=0.5))
    drain(archive, table)
    assert get(archive, job).phase == Phase.ERROR
    assert get(archive, job).error == "it took longer than 0.5 s"


def test_a_job_that_takes_more_memory_than_it_said_is_ended(archive: Archive) -> None:
    modest = jobs.submit(archive.database, "swell", {"bytes": 300 << 20, "seconds": 600}, needs=Needs(memory=200 << 20))
    honest = jobs.submit(archive.database, "swell", {"bytes": 50 << 20, "seconds": 1.5}, needs=Needs(memory=400 << 20))
    drain(archive, table)
    assert get(archive, modest).phase == Phase.ERROR
    assert "had said 200 MB" in (get(archive, modest).error or "")
    assert get(archive, honest).phase == Phase.COMPLETED


def test_a_job_does_not_answer_for_the_memory_that_an_earlier_one_left(archive: Archive) -> None:
    with worker(archive, worker_cores=1):
        first = jobs.submit(archive.database, "hoard", {"bytes": 400 << 20}, needs=Needs(memory=800 << 20))
        assert wait_for(archive, first, has_ended).phase == Phase.COMPLETED
        modest = {"bytes": 50 << 20, "seconds": 1.5}
        second = jobs.submit(archive.database, "swell", modest, needs=Needs(memory=350 << 20))
        assert wait_for(archive, second, has_ended).phase == Phase.COMPLETED


def test_a_worker_never_takes_more_than_its_machine_has(archive: Archive) -> None:
    big = [
        jobs.submit(archive.database, "sleep", {"seconds": 0.6, "n": n}, needs=Needs(memory=600 << 20))
        for n in range(2)
    ]
    vast = jobs.submit(archive.database, "nothing", {}, needs=Needs(memory=4 << 30))
    with worker(archive, worker_cores=2, worker_memory=1 << 30):
        ended = [wait_for(archive, job, has_ended) for job in big]
        wait_for(archive, vast, lambda job: "4096 MB" in (job.progress_text or ""))
    first, second = sorted((job.started, job.ended) for job in ended if job.started and job.ended)
    assert second[0] >= first[1]
    assert get(archive, vast).phase == Phase.QUEUED


def test_what_is_urgent_is_done_first(archive: Archive, tmp_path: Path) -> None:
    diary = str(tmp_path / "diary")
    for name, priority in (("later", 0), ("sooner", 7), ("last", -1)):
        jobs.submit(archive.database, "note", {"name": name, "diary": diary}, priority=priority)
    jobs.submit(archive.database, "note", {"name": "arrival", "diary": diary}, queue=INGEST)
    with worker(archive, worker_cores=1):
        while jobs.outstanding(archive.database):
            time.sleep(0.05)
    assert [line.split()[0] for line in Path(diary).read_text().splitlines()] == ["sooner", "arrival", "later", "last"]


def test_a_worker_takes_from_its_own_queues_only(archive: Archive) -> None:
    mine = jobs.submit(archive.database, "nothing", {}, queue=INGEST)
    other = jobs.submit(archive.database, "nothing", {"n": 1}, queue=PROCESSING)
    drain(archive, table, queues=[INGEST])
    assert (get(archive, mine).phase, get(archive, other).phase) == (Phase.COMPLETED, Phase.QUEUED)


def test_a_worker_that_is_told_to_stop_lets_its_job_end(archive: Archive) -> None:
    job = jobs.submit(archive.database, "sleep", {"seconds": 1.5})
    with worker(archive) as process:
        wait_for(archive, job, has_begun)
        waiting = jobs.submit(archive.database, "nothing", {})
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert get(archive, job).phase == Phase.COMPLETED
    assert get(archive, waiting).phase in {Phase.QUEUED, Phase.COMPLETED}


def test_a_worker_that_is_told_to_stop_gives_a_long_job_back(archive: Archive) -> None:
    job = jobs.submit(archive.database, "sleep", {"seconds": 600})
    with worker(archive, worker_grace=0.3) as process:
        pid = int((wait_for(archive, job, has_begun).progress_text or "").split()[2])
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        await_end(pid)
    known = get(archive, job)
    assert (known.phase, known.attempts) == (Phase.QUEUED, 0)
    assert told(archive, job) == [What.SUBMITTED, What.BEGUN, What.INTERRUPTED]
    with worker(archive):
        wait_for(archive, job, has_begun)
        jobs.cancel(archive.database, job.job_id)


def test_a_worker_that_stays_takes_over_the_job_of_one_that_died(archive: Archive) -> None:
    job = jobs.submit(archive.database, "sleep", {"seconds": 3, "child": True})
    with worker(archive, worker_timeout=3.0) as first:
        begun = wait_for(archive, job, has_begun)
        words = (begun.progress_text or "").split()
        with worker(archive, worker_timeout=3.0):
            os.kill(first.pid, signal.SIGKILL)
            await_end(int(words[2]))
            await_end(int(words[4]))
            done = wait_for(archive, job, has_ended)
    assert (done.phase, done.attempts) == (Phase.COMPLETED, 2)
    assert done.progress_text != begun.progress_text
    assert told(archive, job) == [What.SUBMITTED, What.BEGUN, What.LOST, What.BEGUN, What.COMPLETED]


def test_a_draining_worker_takes_over_the_job_of_one_that_died(archive: Archive) -> None:
    job = jobs.submit(archive.database, "sleep", {"seconds": 2})
    with worker(archive, worker_timeout=3.0) as first:
        wait_for(archive, job, has_begun)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    assert get(archive, job).phase == Phase.EXECUTING
    settings = archive.settings.model_copy(update={"worker_timeout": 3.0})
    drain(Archive(settings, archive.database, archive.store), table)
    assert (get(archive, job).phase, get(archive, job).attempts) == (Phase.COMPLETED, 2)


def test_a_process_that_is_killed_is_replaced_and_its_job_done_again(archive: Archive) -> None:
    job = jobs.submit(archive.database, "sleep", {"seconds": 2, "child": True})
    with worker(archive):
        words = (wait_for(archive, job, has_begun).progress_text or "").split()
        os.kill(int(words[2]), signal.SIGKILL)
        await_end(int(words[4]))
        assert wait_for(archive, job, has_ended).phase == Phase.COMPLETED
    assert told(archive, job) == [What.SUBMITTED, What.BEGUN, What.LOST, What.BEGUN, What.COMPLETED]


def test_a_job_without_a_queue_entry_is_queued_again(archive: Archive) -> None:
    job = jobs.submit(archive.database, "nothing", {})
    with archive.database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE queue.procrastinate_jobs SET status = 'failed'")
    drain(archive, table)
    assert get(archive, job).phase == Phase.COMPLETED
    assert What.LOST in told(archive, job)


def test_progress_is_heard_by_those_who_listen(archive: Archive) -> None:
    with psycopg.connect(archive.database.url, autocommit=True) as connection:
        connection.execute(f"LISTEN {jobs.CHANNEL}")
        job = jobs.submit(archive.database, "sleep", {"seconds": 0})
        drain(archive, table)
        heard = [n.payload for n in connection.notifies(timeout=0.5)]
    assert heard[0] == f"{job.job_id} QUEUED"
    assert heard[-1] == f"{job.job_id} COMPLETED"
    assert heard.count(f"{job.job_id} EXECUTING") == 2


def test_the_command_lists_follows_shows_and_cancels(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    with typing(archive, monkeypatch, command) as types:
        job = jobs.submit(archive.database, "sleep", {"seconds": 600})
        assert f"{job.job_id}  QUEUED" in types().stdout
        with worker(archive):
            wait_for(archive, job, has_begun)
            ending = threading.Timer(1.0, lambda: jobs.cancel(archive.database, job.job_id, reason="enough"))
            ending.start()
            followed = types("show", job.job_id[:12], "--follow")
            ending.join()
        assert followed.exit_code == 1
        assert [line.split()[0] for line in followed.stderr.splitlines()] == ["EXECUTING", "ABORTED"]
        told = types("show", job.job_id, "--json")
        assert [event["what"] for event in json.loads(told.stdout)["events"]] == ["submitted", "begun", "aborted"]
        waiting = jobs.submit(archive.database, "nothing", {})
        assert "ABORTED" in types("cancel", waiting.job_id).stdout
        assert "cannot be cancelled" in types("cancel", waiting.job_id).stderr
        assert "no job begins with 'zzz'" in types("show", "zzz").stderr
