"""The database restarts and the store goes away under a worker that stays: it waits, and no job comes to harm."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive import jobs
from archive.archive import Archive, open_archive
from archive.cli import verify
from archive.cluster import Cluster
from archive.errors import StoreAway, StoreError
from archive.queues import PROCESSING
from archive.settings import Settings
from archive.verify import faults
from schema.jobs import Phase, What
from tests.integration.test_jobs import get, has_begun, has_ended, told, wait_for
from tests.support.archives import short_folder
from tests.support.calibrations import publish_file
from tests.support.commands import typing
from tests.support.staff import hire, worker


@pytest.fixture
def alone() -> Iterator[Archive]:
    """An archive with a server of its own, which may be stopped."""
    with short_folder() as root, open_archive(Settings.model_validate({"root": root})) as archive:
        yield archive


def restart(cluster: Cluster) -> None:
    """Stop a server as a power cut does, and start it."""
    pid = (cluster.data / "postmaster.pid").read_text().split()[0]
    subprocess.run(["kill", "-QUIT", pid], check=True)
    while cluster.is_healthy():
        pass
    cluster.start()


def test_a_database_that_restarts_costs_a_job_nothing_but_time(alone: Archive) -> None:
    job = jobs.submit(alone.database, "sleep", {"seconds": 1.5})
    with worker(alone, worker_timeout=2.0) as process:
        wait_for(alone, job, has_begun)
        restart(Cluster(alone.settings.root))
        done = wait_for(alone, job, has_ended)
        later = jobs.submit(alone.database, "nothing", {})
        assert wait_for(alone, later, has_ended).phase == Phase.COMPLETED
        assert process.poll() is None
    assert (done.phase, done.attempts) == (Phase.COMPLETED, 1)
    assert told(alone, job) == [What.SUBMITTED, What.BEGUN, What.INTERRUPTED, What.BEGUN, What.COMPLETED]


def product(archive: Archive, name: str) -> None:
    publish_file(archive, name, f"{name}.fits", kind="image")


def test_a_job_waits_for_a_store_that_is_away_and_is_not_begun(archive: Archive, tmp_path: Path) -> None:
    product(archive, "before")
    with worker(archive):
        early = jobs.submit(archive.database, "nothing", {})
        wait_for(archive, early, has_ended)
        away = archive.store.folder.rename(tmp_path / "elsewhere")
        job = jobs.submit(archive.database, "make", {"name": "a", "bytes": 1000})
        waiting = wait_for(archive, job, lambda known: known.progress_text is not None)
        assert (waiting.phase, waiting.progress_text) == (Phase.QUEUED, "waits: the store is away")
        away.rename(archive.store.folder)
        assert wait_for(archive, job, has_ended).phase == Phase.COMPLETED
    assert told(archive, job) == [What.SUBMITTED, What.BEGUN, What.COMPLETED]


def test_a_store_that_goes_away_under_a_job_lets_it_be_done_again(archive: Archive, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job = jobs.submit(archive.database, "make", {"name": "a", "bytes": 1000, "gate": str(gate)})
    with worker(archive):
        wait_for(archive, job, lambda known: known.progress_text == "writing")
        away = archive.store.folder.rename(tmp_path / "elsewhere")
        gate.touch()
        known = wait_for(archive, job, lambda known: known.faults == 1)
        assert (known.phase, archive.store.folder.exists()) == (Phase.QUEUED, False)
        away.rename(archive.store.folder)
        assert wait_for(archive, job, has_ended).phase == Phase.COMPLETED
    words = [event.words for event in jobs.story(archive.database, job.job_id) if event.what == What.POSTPONED]
    assert len(words) == 1
    assert "the store is away" in (words[0] or "")
    assert get(archive, job).attempts == 1
    assert archive.store.sweep() == 1
    assert list((archive.store.folder / "incoming").iterdir()) == []
    assert [fault for fault in faults(archive) if fault.artifact_id is not None] == []


def test_an_archive_with_files_is_not_opened_without_its_store(archive: Archive, tmp_path: Path) -> None:
    product(archive, "a")
    away = archive.store.folder.rename(tmp_path / "elsewhere")
    archive.store.folder.mkdir()
    with pytest.raises(StoreAway, match="is away: mount it, or bring it back"), open_archive(archive.settings):
        pass
    assert list(archive.store.folder.iterdir()) == []
    archive.store.folder.rmdir()
    away.rename(archive.store.folder)
    with open_archive(archive.settings):
        pass


def test_a_worker_waits_for_a_store_that_is_away_when_it_begins(archive: Archive, tmp_path: Path) -> None:
    product(archive, "a")
    away = archive.store.folder.rename(tmp_path / "elsewhere")
    job = jobs.submit(archive.database, "nothing", {}, queue=PROCESSING)
    process = hire(archive)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=3)
        away.rename(archive.store.folder)
        assert wait_for(archive, job, has_ended).phase == Phase.COMPLETED
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def test_files_that_are_away_with_their_store_are_not_lost(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    product(archive, "a")
    away = archive.store.folder.rename(tmp_path / "elsewhere")
    with pytest.raises(StoreAway):
        list(faults(archive))
    with typing(archive, monkeypatch, verify) as types:
        told = types()
    assert told.exit_code == 1
    assert "is away: mount it" in told.output
    away.rename(archive.store.folder)
    assert list(faults(archive)) == []


def test_a_file_that_is_missing_from_a_store_that_is_here_is_lost(archive: Archive) -> None:
    product(archive, "a")
    (sha256,) = archive.store.names()
    archive.store.remove(sha256)
    with pytest.raises(StoreError, match="is missing from the store"):
        archive.store.get(sha256)
    assert [fault.kind for fault in faults(archive)] == ["missing"]
