"""What is finished of a long job stays finished, however it ended: who goes on with it computes the rest only."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from archive import jobs
from archive.archive import Archive
from archive.checkpoints import folder_of, open_checkpoints
from archive.needs import Needs
from schema.jobs import Job, Phase, What
from tests.support import mosaics
from tests.support.staff import worker

SLOWLY = 0.15
"""Seconds a tile takes, so that there is a middle to be killed in."""


def until(met: Callable[[], bool], *, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it does not come to pass"
        time.sleep(0.01)


def get(archive: Archive, job: Job) -> Job:
    found = jobs.find(archive.database, job.job_id)
    assert found is not None
    return found


def has_ended(archive: Archive, job: Job) -> bool:
    return get(archive, job).phase in {Phase.COMPLETED, Phase.ERROR, Phase.ABORTED}


def lives(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def is_in_the_middle(archive: Archive, job: Job) -> bool:
    return 3 <= len(mosaics.finished(archive, job)) < mosaics.TILES


def hand_of(archive: Archive, job: Job) -> int:
    return int((get(archive, job).worker or "").rpartition(":")[2])


def assert_only_the_lost_were_done_again(folder: Path, parameters: dict[str, object], finished: set[int]) -> None:
    times = Counter(entry.tile for entry in mosaics.diary(parameters))
    assert set(times) == set(range(mosaics.TILES))
    assert all(times[tile] == 1 for tile in finished)
    assert folder.exists()


def assert_made(archive: Archive, folder: Path, job: Job, parameters: dict[str, object]) -> None:
    known = get(archive, job)
    assert (known.phase, known.error) == (Phase.COMPLETED, None)
    np.testing.assert_array_equal(mosaics.made(archive, parameters), mosaics.expected(folder))
    assert not folder_of(archive.settings.root, job.work_key).exists()


def submit(archive: Archive, parameters: dict[str, object], *, cores: int = 1) -> Job:
    return jobs.submit(archive.database, "mosaic", parameters, needs=Needs(cores=cores, memory=cores << 30))


@pytest.mark.parametrize("cores", [1, 2])
def test_many_tiles_make_one_image_in_one_process_or_several(archive: Archive, tmp_path: Path, cores: int) -> None:
    parameters = mosaics.order(archive, tmp_path)
    job = submit(archive, parameters, cores=cores)
    with worker(archive, worker_cores=2):
        until(lambda: has_ended(archive, job))
    assert_made(archive, tmp_path, job, parameters)
    entries = mosaics.diary(parameters)
    assert sorted(entry.tile for entry in entries) == list(range(mosaics.TILES))
    assert len({entry.pid for entry in entries}) == cores
    assert get(archive, job).progress_text == f"{mosaics.TILES} of {mosaics.TILES} tiles"
    assert not any(lives(entry.pid) for entry in entries)


@pytest.mark.parametrize("cores", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_killed_process_loses_only_the_tiles_it_was_at(archive: Archive, tmp_path: Path, cores: int) -> None:
    parameters = mosaics.order(archive, tmp_path, seconds=SLOWLY)
    job = submit(archive, parameters, cores=cores)
    with worker(archive, worker_cores=2):
        until(lambda: is_in_the_middle(archive, job))
        os.kill(hand_of(archive, job), signal.SIGKILL)
        finished = mosaics.finished(archive, job)
        until(lambda: has_ended(archive, job))
    assert What.LOST in [event.what for event in jobs.story(archive.database, job.job_id)]
    assert_only_the_lost_were_done_again(tmp_path, parameters, finished)
    assert_made(archive, tmp_path, job, parameters)


@pytest.mark.slow
def test_a_killed_worker_takes_its_processes_along_and_another_goes_on(archive: Archive, tmp_path: Path) -> None:
    parameters = mosaics.order(archive, tmp_path, seconds=SLOWLY)
    job = submit(archive, parameters, cores=2)
    with worker(archive, worker_cores=2, worker_timeout=3.0) as first:
        until(lambda: is_in_the_middle(archive, job))
        first.kill()
        first.wait()
        pids = {hand_of(archive, job), *(entry.pid for entry in mosaics.diary(parameters))}
        until(lambda: not any(lives(pid) for pid in pids))
    finished = mosaics.finished(archive, job)
    with worker(archive, worker_cores=2, worker_timeout=3.0):
        until(lambda: has_ended(archive, job))
    assert_only_the_lost_were_done_again(tmp_path, parameters, finished)
    assert_made(archive, tmp_path, job, parameters)


@pytest.mark.slow
def test_a_killed_process_of_several_is_replaced_and_its_tile_done_by_others(archive: Archive, tmp_path: Path) -> None:
    parameters = mosaics.order(archive, tmp_path, seconds=SLOWLY)
    job = submit(archive, parameters, cores=2)
    with worker(archive, worker_cores=2):
        until(lambda: is_in_the_middle(archive, job))
        os.kill(mosaics.diary(parameters)[0].pid, signal.SIGKILL)
        finished = mosaics.finished(archive, job)
        until(lambda: has_ended(archive, job))
    assert get(archive, job).attempts == 1
    assert_only_the_lost_were_done_again(tmp_path, parameters, finished)
    assert_made(archive, tmp_path, job, parameters)


def test_work_that_was_cancelled_goes_on_where_it_stopped_when_it_is_submitted_again(
    archive: Archive, tmp_path: Path
) -> None:
    parameters = mosaics.order(archive, tmp_path, seconds=SLOWLY)
    job = submit(archive, parameters, cores=2)
    with worker(archive, worker_cores=2):
        until(lambda: is_in_the_middle(archive, job))
        pids = {entry.pid for entry in mosaics.diary(parameters)}
        jobs.cancel(archive.database, job.job_id)
        until(lambda: not any(lives(pid) for pid in pids))
        finished = mosaics.finished(archive, job)
        assert finished
        again = submit(archive, parameters)
        until(lambda: has_ended(archive, again))
    assert again.job_id != job.job_id
    assert_only_the_lost_were_done_again(tmp_path, parameters, finished)
    assert_made(archive, tmp_path, again, parameters)


@pytest.mark.parametrize("cores", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_tile_that_cannot_be_computed_ends_the_job_and_the_others_stay(
    archive: Archive, tmp_path: Path, cores: int
) -> None:
    fault = tmp_path / "fault"
    fault.touch()
    parameters = mosaics.order(archive, tmp_path, bad=7, fault=str(fault))
    job = submit(archive, parameters, cores=cores)
    with worker(archive, worker_cores=2):
        until(lambda: has_ended(archive, job))
        assert (get(archive, job).phase, get(archive, job).error) == (
            Phase.ERROR,
            "tile 7: ValueError: no light at all",
        )
        finished = mosaics.finished(archive, job)
        assert finished
        fault.unlink()
        again = submit(archive, parameters)
        until(lambda: has_ended(archive, again))
    assert_only_the_lost_were_done_again(tmp_path, parameters, finished)
    assert_made(archive, tmp_path, again, parameters)


def test_a_worker_sweeps_away_what_nobody_goes_on_with(archive: Archive) -> None:
    root, then = archive.settings.root, time.time() - 20 * 86400
    for key in ("old", "young"):
        open_checkpoints(root, key, 1).keep(0, {"a": np.zeros(3)})
    for path in (*folder_of(root, "old").rglob("*"), folder_of(root, "old")):
        os.utime(path, (then, then))
    with worker(archive, worker_timeout=0.5):
        until(lambda: not folder_of(root, "old").exists())
    assert folder_of(root, "young").exists()
