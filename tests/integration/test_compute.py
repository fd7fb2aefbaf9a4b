"""Tiles are computed by whoever is there: in this process, beside it, by a cluster that comes and goes."""

import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from archive import jobs
from archive.archive import Archive
from archive.errors import Refused, SchedulerAway
from archive.settings import Settings
from processing.compute import AHEAD, DaskWorkers, ThisProcess, TileFailed, pool
from schema.jobs import Phase, What
from tests.support import mosaics
from tests.support.schedulers import cluster, free_port
from tests.support.staff import worker


def until(met: Callable[[], bool], *, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it does not come to pass"
        time.sleep(0.02)


def test_one_core_is_this_process_and_no_cluster(tmp_path: Path) -> None:
    with pool(Settings.model_validate({}), cores=1, memory=0, folder=tmp_path) as here:
        assert isinstance(here, ThisProcess)
        assert list(here.each(partial(mosaics.touch, tmp_path), range(3))) == [0, 1, 2]


def test_several_cores_are_as_many_processes_and_few_tiles_in_flight(tmp_path: Path) -> None:
    with pool(Settings.model_validate({}), cores=2, memory=2 << 30, folder=tmp_path / "scratch") as beside:
        assert isinstance(beside, DaskWorkers)
        done = []
        for number in beside.each(partial(mosaics.touch, tmp_path), range(100)):
            waiting = [one for one in list(beside._client.futures.values()) if one.status == "pending"]
            assert len(waiting) <= 2 * AHEAD  # finished ones are forgotten a moment later
            done.append(number)
    assert sorted(filter(None, done)) == list(range(1, 100))
    assert len({path.read_text() for path in tmp_path.glob("tile-*")}) == 2


def test_they_listen_to_this_machine_only(tmp_path: Path) -> None:
    before = listening()
    with pool(Settings.model_validate({}), cores=2, memory=0, folder=tmp_path / "scratch") as beside:
        assert isinstance(beside, DaskWorkers)
        workers = beside._client.scheduler_info()["workers"]
        assert len(workers) == 2
        assert all(address.startswith("tcp://127.0.0.1:") for address in workers)
        assert {address for address, owner in (listening() - before) if owner} <= {"0100007F"}


def listening() -> set[tuple[str, bool]]:
    """Addresses that sockets of this process listen on."""
    mine = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            mine.add(str(descriptor.readlink()))
        except FileNotFoundError:
            continue
    found = set()
    for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A":
            found.add((fields[1].partition(":")[0], f"socket:[{fields[9]}]" in mine))
    return found


def test_a_failure_tells_the_tile(tmp_path: Path) -> None:
    with (
        pool(Settings.model_validate({}), cores=1, memory=0, folder=tmp_path) as here,
        pytest.raises(TileFailed, match=r"^tile 4: FileNotFoundError"),
    ):
        list(here.each(partial(mosaics.touch, tmp_path / "nowhere"), [4]))


def test_a_scheduler_that_does_not_answer_is_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("processing.compute.CONNECT_SECONDS", 0.5)
    settings = Settings.model_validate({"dask_scheduler": f"tcp://127.0.0.1:{free_port()}"})
    with (
        pytest.raises(SchedulerAway, match="does not answer"),
        pool(settings, cores=1, memory=0, folder=tmp_path),
    ):
        pass


def test_a_worker_of_another_version_is_refused_with_both_versions(tmp_path: Path) -> None:
    older = "import numpy\nfrom processing import compute\ncompute.versions()['numpy'] = '1.0'"
    with (
        cluster(free_port(), as_if=older) as settings,
        pool(settings, cores=1, memory=0, folder=tmp_path) as workers,
        pytest.raises(Refused, match=rf"has numpy 1\.0, this program {re.escape(np.__version__)}"),
    ):
        list(workers.each(partial(mosaics.touch, tmp_path), range(2)))
    assert list(tmp_path.glob("tile-*")) == []


@pytest.mark.slow
def test_a_tile_that_nobody_survives_is_named_and_the_others_are_done(tmp_path: Path) -> None:
    finished: list[int | None] = []
    with (
        pool(Settings.model_validate({}), cores=2, memory=0, folder=tmp_path / "scratch") as beside,
        pytest.raises(TileFailed, match="^tile 5: .*dies"),
    ):
        finished.extend(beside.each(partial(mosaics.touch_but_die_of, 5, tmp_path), range(12)))
    assert sorted(n for n in finished if n is not None) == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]


@pytest.mark.slow
def test_a_job_whose_scheduler_is_away_is_postponed_and_done_when_it_is_back(archive: Archive, tmp_path: Path) -> None:
    parameters, port = mosaics.order(archive, tmp_path), free_port()
    job = jobs.submit(archive.database, "mosaic", parameters)
    with worker(archive, dask_scheduler=f"tcp://127.0.0.1:{port}"):
        until(lambda: any(event.what == What.POSTPONED for event in jobs.story(archive.database, job.job_id)))
        with cluster(port):
            until(lambda: jobs.named(archive.database, job.job_id).phase == Phase.COMPLETED)
    words = [event.words or "" for event in jobs.story(archive.database, job.job_id) if event.what == What.POSTPONED]
    assert all(text.startswith(f"the Dask scheduler tcp://127.0.0.1:{port} does not answer") for text in words)
    np.testing.assert_array_equal(mosaics.made(archive, parameters), mosaics.expected(tmp_path))


@pytest.mark.slow
def test_a_scheduler_that_dies_under_a_job_is_away(tmp_path: Path) -> None:
    with cluster(free_port()) as settings:
        entered = pool(settings, cores=1, memory=0, folder=tmp_path)
        workers = entered.__enter__()
        numbers = workers.each(partial(mosaics.touch_slowly, tmp_path), range(1000))
        assert next(number for number in numbers if number is not None) is not None
    with pytest.raises(SchedulerAway, match="was lost"):
        list(numbers)
    entered.__exit__(None, None, None)
