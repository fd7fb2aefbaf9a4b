"""Jobs that wait for others begin when the last of them has completed, and are aborted when one fails."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from archive import claims, jobs
from archive.archive import Archive
from archive.batches import batch
from archive.errors import Refused
from archive.worker import drain
from schema.jobs import Job, Phase, What
from tests.support.staff import worker
from tests.support.tasks import table


def phase(archive: Archive, job: Job) -> str:
    found = jobs.find(archive.database, job.job_id)
    assert found is not None
    return found.phase


def chain(archive: Archive, *tasks: str) -> list[Job]:
    """Jobs one after the other."""
    found: list[Job] = []
    with batch(archive.database) as together:
        for number, task in enumerate(tasks):
            one = together.submit(task, {"n": number}, after=found[-1:])
            assert one is not None
            found.append(one.job)
    return found


def fan(archive: Archive) -> list[Job]:
    """Two jobs, and one that needs both."""
    with batch(archive.database) as together:
        first, second = (together.submit("nothing", {"n": n}) for n in range(2))
        assert first is not None
        assert second is not None
        last = together.submit("nothing", {"n": 2}, after=[first.job, second.job])
        assert last is not None
        return [first.job, second.job, last.job]


def test_a_job_waits_for_those_before_it(archive: Archive, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    before: list[Job] = []
    with batch(archive.database) as together:
        for name in ("one", "two", "three"):
            one = together.submit("note", {"name": name, "diary": str(diary)}, after=before)
            assert one is not None
            before = [one.job]
    drain(archive, table)
    assert [line.split()[0] for line in diary.read_text().splitlines()] == ["one", "two", "three"]


def test_a_job_that_needs_two_begins_after_both(archive: Archive) -> None:
    first, second, last = fan(archive)
    run(archive, first)
    assert phase(archive, last) == Phase.PENDING
    run(archive, second)
    assert phase(archive, last) == Phase.QUEUED


def run(archive: Archive, job: Job) -> None:
    with claims.claimed(archive.database, job.job_id) as mine:
        assert mine is not None
        jobs.finish(archive.database, job.job_id, Phase.COMPLETED)


def test_of_two_that_end_at_once_one_lets_the_third_go(archive: Archive) -> None:
    for _ in range(5):
        first, second, last = fan(archive)
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda job: run(archive, job), (first, second)))
        assert phase(archive, last) == Phase.QUEUED
        run(archive, last)


@pytest.mark.parametrize("phase_", [Phase.COMPLETED, Phase.ABORTED])
def test_who_ends_a_job_steps_aside_for_a_batch(archive: Archive, phase_: Phase) -> None:
    """The batch holds the second job and wants the first, whose end has the first and wants the second."""
    first, second = chain(archive, "nothing", "nothing")

    def end() -> None:
        if phase_ is Phase.COMPLETED:
            run(archive, first)
        else:
            jobs.cancel(archive.database, first.job_id)

    with ThreadPoolExecutor(1) as threads:
        with batch(archive.database) as together:
            one = together.submit("nothing", {"after": 2}, after=[second])
            ending = threads.submit(end)
            time.sleep(1.3)  # PostgreSQL looks for deadlocks a second after a wait begins: this end is not chosen
            other = together.submit("nothing", {"after": 1}, after=[first])
            assert one is not None
            assert other is not None
        ending.result()
    assert phase(archive, first) == phase_
    after = (Phase.QUEUED, Phase.PENDING, Phase.QUEUED) if phase_ is Phase.COMPLETED else (Phase.ABORTED,) * 3
    assert tuple(phase(archive, job) for job in (second, one.job, other.job)) == after


def test_jobs_with_the_same_ones_after_them_can_be_cancelled_at_once(archive: Archive) -> None:
    """Of a chain in which each needs all before it, the ends lock in all orders."""
    for _ in range(3):
        found: list[Job] = []
        with batch(archive.database) as together:
            for number in range(8):
                one = together.submit("nothing", {"n": number}, after=found)
                assert one is not None
                found.append(one.job)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda job: cancelled(archive, job), found))
        assert {phase(archive, job) for job in found} == {Phase.ABORTED}


def cancelled(archive: Archive, job: Job) -> None:
    with suppress(Refused):  # it was aborted with one that it needs
        jobs.cancel(archive.database, job.job_id)


def test_a_failure_aborts_all_that_needed_it(archive: Archive) -> None:
    good, bad, later, last = chain(archive, "nothing", "refuse", "nothing", "nothing")
    drain(archive, table)
    assert [phase(archive, job) for job in (good, bad, later, last)] == [
        Phase.COMPLETED, Phase.ERROR, Phase.ABORTED, Phase.ABORTED
    ]  # fmt: skip
    told = jobs.story(archive.database, later.job_id)[-1]
    assert (told.what, told.words) == (
        What.ABORTED,
        f"what it needs was not made: job {bad.job_id} ended with ERROR",
    )


def test_who_cancels_a_job_cancels_what_waits_for_it(archive: Archive) -> None:
    first, second, third = chain(archive, "nothing", "nothing", "nothing")
    jobs.cancel(archive.database, second.job_id)
    drain(archive, table)
    assert [phase(archive, job) for job in (first, second, third)] == [
        Phase.COMPLETED, Phase.ABORTED, Phase.ABORTED
    ]  # fmt: skip


def test_what_waits_goes_on_though_the_worker_died_before_it(archive: Archive) -> None:
    with batch(archive.database) as together:
        first = together.submit("sleep", {"seconds": 2})
        assert first is not None
        second = together.submit("nothing", {}, after=[first.job])
        assert second is not None
    with worker(archive, worker_timeout=3.0) as process:
        while phase(archive, first.job) != Phase.EXECUTING:
            time.sleep(0.02)
        process.kill()
        process.wait()
    assert phase(archive, second.job) == Phase.PENDING
    settings = archive.settings.model_copy(update={"worker_timeout": 3.0})
    drain(Archive(settings, archive.database, archive.store), table)
    assert [phase(archive, one.job) for one in (first, second)] == [Phase.COMPLETED, Phase.COMPLETED]


def test_a_batch_that_is_broken_off_submits_nothing(archive: Archive) -> None:
    def begin() -> None:
        with batch(archive.database) as together:
            together.submit("nothing", {})
            raise KeyError("x")

    with pytest.raises(KeyError):
        begin()
    assert jobs.latest(archive.database) == []


def test_work_that_ends_while_a_batch_is_made_is_not_submitted_again_nor_waited_for(archive: Archive) -> None:
    active = jobs.submit(archive.database, "nothing", {})
    with batch(archive.database) as together:
        run(archive, active)
        same = together.submit("nothing", {})
        assert same is not None
        assert (same.is_new, same.job.job_id) == (False, active.job_id)
        after = together.submit("nothing", {"n": 1}, after=[same.job])
    assert after is not None
    assert phase(archive, after.job) == Phase.QUEUED


def test_work_that_fails_while_a_batch_is_made_lets_nothing_follow(archive: Archive) -> None:
    active = jobs.submit(archive.database, "nothing", {})
    with batch(archive.database) as together:
        jobs.cancel(archive.database, active.job_id)
        assert together.submit("nothing", {"n": 1}, after=[active]) is None
