"""What the workers do by the clock: jobs that come again and again, as the settings ask for them.

A worker that is up submits them when they are due; of several workers one does, and work that is still going on is
not submitted a second time.  The times are in UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import procrastinate

from archive import jobs
from archive.database import Database
from archive.queues import INGEST
from archive.settings import Settings

__all__ = ["Periodic", "register", "schedule"]


@dataclass(frozen=True)
class Periodic:
    """A job that is due by a rule of cron."""

    cron: str
    task: str
    parameters: dict[str, Any]


def schedule(settings: Settings) -> tuple[Periodic, ...]:
    """Return what the settings ask for."""
    found = []
    if settings.watch_cron and settings.watch_folders:
        folders = [str(folder) for folder in settings.watch_folders]
        manner = {"link": settings.watch_link, "settle": settings.watch_settle}
        found.append(Periodic(settings.watch_cron, "ingest.watch", {"folders": folders, **manner}))
    if settings.sync_cron and settings.sync_programmes:
        what = {"programmes": list(settings.sync_programmes), "download": settings.sync_download}
        found.append(Periodic(settings.sync_cron, "ingest.eso", what))
    return tuple(found)


def register(app: procrastinate.App, database: Database, due: Sequence[Periodic]) -> None:
    """Let procrastinate submit these jobs when they are due, as long as a worker of the app runs."""
    for periodic in due:
        _register(app, database, periodic)


def _register(app: procrastinate.App, database: Database, periodic: Periodic) -> None:
    name = f"musevault.periodic.{periodic.task}"

    @app.periodic(cron=periodic.cron, periodic_id=periodic.task)
    @app.task(name=name, queueing_lock=name, queue=INGEST)
    def submit(timestamp: int) -> None:
        del timestamp
        jobs.submit(database, periodic.task, periodic.parameters, queue=INGEST)
