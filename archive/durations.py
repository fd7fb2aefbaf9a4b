"""How long the jobs of a task took: what estimates of the next ones are calibrated by."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select

from archive.database import Database
from schema.jobs import Job, Phase

__all__ = ["Duration", "durations"]

LATEST: Final = 30


@dataclass(frozen=True)
class Duration:
    """A job that completed: what it was told, and the seconds that it took."""

    parameters: dict[str, Any]
    seconds: float


def durations(database: Database, task: str, *, most: int = LATEST) -> list[Duration]:
    """Return those of the jobs of a task that completed last."""
    query = (
        select(Job)
        .where(Job.task == task, Job.phase == Phase.COMPLETED, Job.started.is_not(None), Job.ended.is_not(None))
        .order_by(Job.ended.desc())
        .limit(most)
    )
    with database.reading() as session:
        return [
            Duration(job.parameters, (job.ended - job.started).total_seconds())
            for job in session.scalars(query)
            if job.started is not None and job.ended is not None
        ]
