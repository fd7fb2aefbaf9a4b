"""One job on three hosts: a scheduler and Dask workers, and a host that dies or vanishes in the middle."""

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from archive import jobs
from archive.archive import Archive
from schema.jobs import Job, Phase
from tests.support import mosaics
from tests.support.hosts import Host, hosts

PORT = 8786
NO_PAGES = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")
DEAF_AFTER = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s"}
"""So that a host that vanished is missed soon; Dask takes no less than 11 s."""


def until(met: Callable[[], bool], *, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it does not come to pass"
        time.sleep(0.02)


def phase(archive: Archive, job: Job) -> str:
    found = jobs.find(archive.database, job.job_id)
    assert found is not None
    return found.phase


def schedule_on(host: Host) -> str:
    address = f"tcp://{host.address}:{PORT}"
    host.start("distributed.cli.dask_scheduler", "--host", address, *NO_PAGES, environment=DEAF_AFTER)
    return address


def compute_on(host: Host, scheduler: str, scratch: Path) -> None:
    words = ("--host", host.address, "--nthreads", "1", "--nworkers", "1", "--local-directory", str(scratch))
    host.start("distributed.cli.dask_worker", scheduler, *words, *NO_PAGES, environment=DEAF_AFTER)


def do_jobs_on(host: Host, archive: Archive, scheduler: str) -> None:
    told = archive.settings.model_dump(mode="json") | {"dask_scheduler": scheduler}
    host.start("tests.support.staff", json.dumps(told))


@pytest.mark.slow
@pytest.mark.parametrize("accident", [Host.kill, Host.cut_off])
def test_a_job_on_three_hosts_ends_whole_though_one_is_lost(
    archive: Archive, tmp_path: Path, accident: Callable[[Host], None]
) -> None:
    parameters = mosaics.order(archive, tmp_path, seconds=1.0)
    job = jobs.submit(archive.database, "mosaic", parameters)
    with hosts(3) as (first, second, third):
        scheduler = schedule_on(first)
        for host in (first, second, third):
            compute_on(host, scheduler, tmp_path / host.name)
        do_jobs_on(first, archive, scheduler)
        until(lambda: len({entry.network for entry in mosaics.diary(parameters)}) == 3)
        accident(third)
        finished, lost = mosaics.finished(archive, job), mosaics.diary(parameters)
        until(lambda: phase(archive, job) not in {Phase.QUEUED, Phase.EXECUTING})
        assert phase(archive, job) == Phase.COMPLETED
    np.testing.assert_array_equal(mosaics.made(archive, parameters), mosaics.expected(tmp_path))
    times = Counter(entry.tile for entry in mosaics.diary(parameters))
    assert set(times) == set(range(mosaics.TILES))
    assert all(times[tile] == 1 for tile in finished)
    assert len(finished) < mosaics.TILES - 3, "nothing was left to be lost"
    assert sum(times.values()) <= mosaics.TILES + 2, "more was done again than the lost host can have had"
    later = mosaics.diary(parameters)[len(lost) :]
    assert len({entry.network for entry in later if entry.tile not in finished}) >= 2
