"""What is due by the clock is submitted once, whoever of the workers does it, and done as a job."""

import asyncio
import time
from pathlib import Path

import procrastinate
import pytest
from procrastinate.periodic import PeriodicDeferrer
from sqlalchemy import text

from archive import jobs, run_listing
from archive.archive import Archive
from archive.database import SEARCH_PATH
from archive.errors import ArchiveError
from archive.periodic import Periodic, register, schedule
from archive.queues import application
from archive.runs import recorded
from archive.settings import Settings, load
from archive.tasks import installed
from archive.worker import drain
from ingest import tasks
from schema.jobs import Phase
from tests.support.cubes import write_cube
from tests.support.raw_frames import write_raw


def asked_for(**settings: object) -> tuple[Periodic, ...]:
    return schedule(Settings.model_validate({"root": "/vault", **settings}))


def test_the_settings_say_what_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked_for() == asked_for(watch_cron="*/10 * * * *") == asked_for(watch_folders="/in") == ()
    watch, sync = asked_for(
        watch_cron="*/10 * * * *", watch_folders="/in:/more", sync_cron="0 8 * * *", sync_programmes=["1100.B-0651"]
    )
    assert watch == Periodic(
        "*/10 * * * *", "ingest.watch", {"folders": ["/in", "/more"], "link": False, "settle": 60.0}
    )
    assert sync == Periodic("0 8 * * *", "ingest.eso", {"programmes": ["1100.B-0651"], "download": False})
    monkeypatch.setenv("MUSEVAULT_WATCH_FOLDERS", "/in")
    assert load().watch_folders == (Path("/in"),)


@pytest.mark.parametrize("cron", ["every day", "61 * * * *", "* * * * * *"])
def test_a_rule_that_cron_would_not_take_is_told(monkeypatch: pytest.MonkeyPatch, cron: str) -> None:
    monkeypatch.setenv("MUSEVAULT_WATCH_CRON", cron)
    with pytest.raises(ArchiveError, match="watch_cron: .*not five fields as cron has them"):
        load()


async def fire(archive: Archive, due: list[Periodic], at: float) -> None:
    """Let procrastinate's own clock stand at a time, and a worker do what is due then and nothing else."""
    connector = procrastinate.PsycopgConnector(
        conninfo=archive.database.url, kwargs={"options": f"-c search_path={SEARCH_PATH}"}, min_size=1, max_size=2
    )
    app = application(connector)
    register(app, archive.database, due)
    async with app.open_async():
        deferrer = PeriodicDeferrer(app.periodic_registry)
        await deferrer.defer_jobs(list(deferrer.get_previous_tasks(at=at)))
        app.periodic_registry.periodic_tasks.clear()
        await app.run_worker_async(wait=False, install_signal_handlers=False, delete_jobs="never")


def test_what_is_due_is_submitted_once_and_done(archive: Archive, tmp_path: Path) -> None:
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    write_raw(incoming)
    write_cube(incoming / "cube.fits")
    what = {"folders": [str(incoming)], "link": False, "settle": 60.0}
    due = [Periodic("*/10 * * * *", "ingest.watch", what)]
    at = time.time() // 600 * 600 + 5
    for _ in range(2):  # as two workers would
        asyncio.run(fire(archive, due, at))
    (job,) = jobs.latest(archive.database)
    assert (job.task, job.parameters, job.phase) == ("ingest.watch", what, Phase.QUEUED)
    with archive.database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM queue.procrastinate_periodic_defers")) == 1
    drain(archive, installed)
    (job,) = jobs.latest(archive.database)
    assert (job.phase, job.error, job.progress_text) == (Phase.COMPLETED, None, "2 new")
    (run,) = run_listing.latest(archive.database)
    assert (run.kind, run.new, run.source) == ("watch", 2, str(incoming))


def test_a_job_that_finds_another_run_at_work_leaves_it_to_it(archive: Archive, tmp_path: Path) -> None:
    what = {"folders": [str(tmp_path)], "link": False, "settle": 60.0}
    jobs.submit(archive.database, "ingest.watch", what)
    with recorded(archive.database, "watch", str(tmp_path)):
        drain(archive, installed)
    (job,) = jobs.latest(archive.database)
    assert (job.phase, job.progress_text) == (Phase.COMPLETED, "another run of watch is at work")


def test_the_worker_finds_the_tasks_of_ingest() -> None:
    from importlib.metadata import entry_points

    found = {entry.name: entry.load() for entry in entry_points(group="musevault.tasks")}
    assert found.items() >= {"ingest.watch": tasks.watch, "ingest.eso": tasks.eso}.items()
