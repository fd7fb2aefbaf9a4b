"""Jobs whose worker is killed, or whose database goes away, in the middle of a query: done again, and done whole."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from archive import jobs
from archive.archive import Archive
from archive.cluster import Cluster
from schema.jobs import Phase
from server.companion import Companion
from tests.integration.test_async import backends, ended, phase, submitted, until
from tests.integration.test_cluster import kill, postmaster
from tests.support import archives

ROWS = 500_000
WORKER_SECONDS = 2.0
LONG = (
    f"SELECT TOP {ROWS} a.pointing_id, b.ra, c.dec"
    " FROM survey.pointing AS a, survey.pointing AS b, survey.pointing AS c"
)
"""Rows come at once, and go on coming for seconds."""


COMMAND = [sys.executable, "-m", "server.query_worker"]


def environment(archive: Archive, address: str) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("MUSEVAULT_")}
    return {
        **others,
        "MUSEVAULT_ROOT": str(archive.settings.root),
        "MUSEVAULT_DATABASE_URL": archive.database.url,
        "MUSEVAULT_BASE_URL": address,
        "MUSEVAULT_WORKER_TIMEOUT": str(WORKER_SECONDS),
    }


@contextmanager
def worker(archive: Archive, address: str) -> Iterator[subprocess.Popen[bytes]]:
    """One worker for queries, as a process."""
    process = subprocess.Popen(COMMAND, env=environment(archive, address), stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def kept_worker(archive: Archive, address: str) -> Iterator[None]:
    """The worker for queries as the service keeps it: one that gives up is followed by another."""
    companion, over = Companion(COMMAND, environment(archive, address)), threading.Event()

    def keep() -> None:
        while not over.wait(0.1):
            companion.keep()

    keeper = threading.Thread(target=keep)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()
        companion.ask_to_end()
        companion.await_end()


def writing(archive: Archive, job: str) -> bool:
    """Whether a part of the job's result, but not all of it, is on the disk."""
    parts = list((archive.settings.root / "results" / job.rpartition("/")[2]).glob("*.part"))
    return any(part.stat().st_size > 0 for part in parts)


def submit(address: str) -> str:
    return submitted(address, LONG, PHASE="RUN", RESPONSEFORMAT="csv", MAXREC=str(ROWS))


def check_whole(archive: Archive, job: str, *, attempts: int) -> None:
    lines = requests.get(f"{job}/results/result", timeout=60).text.splitlines()
    assert lines[0] == "pointing_id,ra,dec"
    assert len(lines) == 1 + ROWS
    known = jobs.find(archive.database, job.rpartition("/")[2])
    assert known is not None
    assert (known.phase, known.attempts) == (Phase.COMPLETED, attempts)
    assert not writing(archive, job)


@pytest.mark.slow
def test_a_job_whose_worker_is_killed_is_done_by_the_next(service: tuple[Archive, str]) -> None:
    archive, address = service
    job = submit(address)
    with worker(archive, address) as first:
        until(lambda: writing(archive, job))
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert phase(job) == "EXECUTING", "nobody could say otherwise"
    with worker(archive, address):
        assert ended(job) == "COMPLETED"
    check_whole(archive, job, attempts=2)
    until(lambda: backends(archive, job) == 0)


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[tuple[Cluster, Archive, str]]:
    """Services over an embedded PostgreSQL of their own, which may be stopped."""
    with archives.short_folder() as folder:
        cluster = Cluster(folder)
        with cluster.running() as url, archives.served(url, tmp_path) as (archive, address):
            archives.take_in_the_survey(archive)
            yield cluster, archive, address


def stop_at_once(cluster: Cluster) -> None:
    """Stop PostgreSQL as ``pg_ctl -m immediate`` does: without a word to anybody, to be recovered at the next start."""
    pid = postmaster(cluster)
    os.kill(pid, signal.SIGQUIT)
    while Path(f"/proc/{pid}/cwd").exists():
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("end", [stop_at_once, lambda cluster: kill(postmaster(cluster))], ids=["stopped", "killed"])
def test_a_job_outlives_a_restart_of_the_database(
    own_cluster: tuple[Cluster, Archive, str], end: Callable[[Cluster], None]
) -> None:
    cluster, archive, address = own_cluster
    job = submit(address)
    with kept_worker(archive, address):
        until(lambda: writing(archive, job))
        end(cluster)
        assert requests.get(job, timeout=30).status_code == 503
        cluster.start()
        assert ended(job) == "COMPLETED"
        check_whole(archive, job, attempts=2)
