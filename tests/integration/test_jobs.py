"""Work is done once, whoever dies meanwhile, and its row tells how it went."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from archive import jobs
from archive.archive import Archive
from archive.errors import Refused
from archive.worker import Progress, work
from schema.jobs import Job, Phase

PATIENT_WORKER = """
import json, os, sys, time
from archive.archive import open_archive
from archive.settings import Settings
from archive.worker import work

def slow(archive, parameters, job_id, progress):
    progress(0.5, f"begun by {os.getpid()}")
    time.sleep(parameters["seconds"])

with open_archive(Settings.model_validate(json.loads(sys.argv[1]))) as archive:
    work(archive, {"slow": slow}, drain=sys.argv[2] == "drain")
"""


def get(archive: Archive, job: Job) -> Job:
    found = jobs.find(archive.database, job.job_id)
    assert found is not None
    return found


def ran(seen: list[str]) -> Mapping[str, Any]:
    def run(_archive: Archive, parameters: Mapping[str, Any], _job_id: str, progress: Progress) -> None:
        progress(0.5, "half way")
        seen.append(parameters["name"])

    return {"note": run}


def test_a_job_is_done_once_and_says_so(archive: Archive) -> None:
    seen: list[str] = []
    job = jobs.submit(archive.database, "note", {"name": "a"})
    assert jobs.submit(archive.database, "note", {"name": "a"}).job_id == job.job_id
    other = jobs.submit(archive.database, "note", {"name": "b"})
    work(archive, ran(seen), drain=True)
    assert sorted(seen) == ["a", "b"]
    for done in (get(archive, job), get(archive, other)):
        assert (done.phase, done.progress, done.progress_text, done.attempts) == (Phase.COMPLETED, 1.0, "half way", 1)
        assert done.started is not None
        assert done.ended is not None
    assert jobs.outstanding(archive.database) == 0


def test_work_that_was_done_may_be_submitted_again(archive: Archive) -> None:
    job = jobs.submit(archive.database, "note", {"name": "a"})
    work(archive, ran([]), drain=True)
    assert jobs.submit(archive.database, "note", {"name": "a"}).job_id != job.job_id


@pytest.mark.parametrize(
    ("error", "reason"), [(Refused("no such cube"), "no such cube"), (KeyError("x"), "KeyError: 'x'")]
)
def test_a_failure_ends_in_error_with_its_reason_and_stops_nothing_else(
    archive: Archive, error: Exception, reason: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    seen: list[str] = []
    bad = jobs.submit(archive.database, "fail", {})
    good = jobs.submit(archive.database, "note", {"name": "a"})
    work(archive, {"fail": fail, **ran(seen)}, drain=True)
    assert (get(archive, bad).phase, get(archive, bad).error) == (Phase.ERROR, reason)
    assert (get(archive, good).phase, seen) == (Phase.COMPLETED, ["a"])


def test_submitted_by_many_at_once_the_same_work_is_one_job(archive: Archive) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(jobs.submit(archive.database, "note", {"name": "a"}).job_id))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_claimed_job_cannot_be_claimed_again(archive: Archive) -> None:
    job = jobs.submit(archive.database, "note", {"name": "a"})
    with jobs.claimed(archive.database, job.job_id) as mine, jobs.claimed(archive.database, job.job_id) as theirs:
        assert mine is not None
        assert theirs is None


def test_a_job_whose_workers_always_die_is_given_up(archive: Archive) -> None:
    job = jobs.submit(archive.database, "note", {"name": "a"})
    for _ in range(jobs.ATTEMPTS):
        with jobs.claimed(archive.database, job.job_id) as claimed:
            assert claimed is not None
    work(archive, ran([]), drain=True)
    assert get(archive, job).phase == Phase.ERROR
    assert "given up" in (get(archive, job).error or "")


def started_worker(settings: dict[str, object], manner: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PATIENT_WORKER, json.dumps(settings), manner]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def test_a_worker_that_stays_takes_over_the_job_of_one_that_died(archive: Archive) -> None:
    job = jobs.submit(archive.database, "slow", {"seconds": 3})
    settings = archive.settings.model_dump(mode="json") | {"worker_timeout": 3.0}
    first = started_worker(settings, "stay")
    second = None
    try:
        while (get(archive, job).progress_text or "") != f"begun by {first.pid}":
            assert first.poll() is None
            time.sleep(0.05)
        second = started_worker(settings, "stay")
        os.kill(first.pid, signal.SIGKILL)
        for _ in range(600):
            if get(archive, job).phase == Phase.COMPLETED:
                break
            time.sleep(0.1)
        assert get(archive, job).progress_text == f"begun by {second.pid}"
        assert (get(archive, job).phase, get(archive, job).attempts) == (Phase.COMPLETED, 2)
        second.send_signal(signal.SIGTERM)
        assert second.wait(timeout=30) == 0
    finally:
        for worker in (first, second):
            if worker is not None:
                worker.kill()
                worker.wait()


def test_the_job_of_a_killed_worker_is_taken_over(archive: Archive) -> None:
    job = jobs.submit(archive.database, "slow", {"seconds": 600})
    settings = archive.settings.model_dump(mode="json")
    worker = started_worker(settings, "drain")
    try:
        while get(archive, job).progress_text != f"begun by {worker.pid}":
            assert worker.poll() is None
            time.sleep(0.05)
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    assert get(archive, job).phase == Phase.EXECUTING

    def quick(_archive: Archive, _parameters: Mapping[str, Any], _job_id: str, progress: Progress) -> None:
        progress(1.0, "done by another")

    impatient = Archive(archive.settings.model_copy(update={"worker_timeout": 3.0}), archive.database, archive.store)
    work(impatient, {"slow": quick}, drain=True)
    taken = get(archive, job)
    assert (taken.phase, taken.attempts, taken.progress_text) == (Phase.COMPLETED, 2, "done by another")


def test_a_job_without_a_queue_entry_is_queued_again(archive: Archive) -> None:
    job = jobs.submit(archive.database, "note", {"name": "a"})
    with archive.database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE queue.procrastinate_jobs SET status = 'failed'")
    seen: list[str] = []
    work(archive, ran(seen), drain=True)
    assert (get(archive, job).phase, seen) == (Phase.COMPLETED, ["a"])
