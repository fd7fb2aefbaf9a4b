"""One job, done in this process: claimed, run, and brought to the phase that says how it went.

What it does is a function from a table that the caller brings.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import structlog
from sqlalchemy import exc

from archive import claims, faults, jobs
from archive.archive import Archive
from archive.errors import ArchiveError
from schema.jobs import Job, Phase, What

__all__ = ["End", "Outcome", "Progress", "Run", "do"]

log = structlog.get_logger()

Progress = Callable[[float, str], None]
"""Told how far the work is: a fraction and words."""

Run = Callable[[Archive, Mapping[str, Any], str, Progress], None]
"""What a task does: archive, parameters, job id, progress."""

AGAIN_SECONDS: Final = 1.0


class End(StrEnum):
    """How an attempt at a job ended, for the worker that made it."""

    OVER = "over"
    AGAIN = "again"
    DROPPED = "dropped"
    """The database was lost meanwhile: how it ended could not be written down."""


@dataclass(frozen=True)
class Outcome:
    """The end of an attempt; ``wait`` is how many seconds the next one should wait."""

    end: End
    wait: float = 0.0


def do(archive: Archive, tasks: Mapping[str, Run], job_id: str) -> Outcome:
    """Do a job, unless it is over or somebody else does it.

    Whatever happens to it is recorded; what this raises is about the database, not about the job.
    """
    with claims.claimed(archive.database, job_id) as job:
        if job is not None:
            return _run(archive, tasks, job)
    known = jobs.find(archive.database, job_id)
    if known is not None and known.phase == Phase.EXECUTING:  # somebody does it; if they die it is ours
        return Outcome(End.AGAIN, AGAIN_SECONDS)
    return Outcome(End.OVER)


def _run(archive: Archive, tasks: Mapping[str, Run], job: Job) -> Outcome:
    begin = time.monotonic()
    if job.task not in tasks:
        reason = f"no task is called {job.task}"
        jobs.finish(archive.database, job.job_id, Phase.ERROR, error=reason, worker=jobs.here())
        return Outcome(End.OVER)

    def progress(fraction: float, words: str) -> None:
        jobs.progress(archive.database, job.job_id, fraction, words, worker=jobs.here())

    try:
        tasks[job.task](archive, job.parameters, job.job_id, progress)
    except faults.Interrupted as error:
        claims.give_back(archive.database, job.job_id, What.INTERRUPTED, str(error))
        log.warning("job interrupted, it will be done again", job=job.job_id, task=job.task, reason=str(error))
        return Outcome(End.AGAIN, AGAIN_SECONDS)
    except Exception as error:  # noqa: BLE001  whatever a task raises is recorded with its job
        return _failed(archive, job, error)
    jobs.finish(archive.database, job.job_id, Phase.COMPLETED, worker=jobs.here())
    log.info("job done", job=job.job_id, task=job.task, seconds=round(time.monotonic() - begin, 2))
    return Outcome(End.OVER)


def _failed(archive: Archive, job: Job, error: Exception) -> Outcome:
    reason = faults.reason(error)
    may_pass = _may_pass(archive, error)
    if may_pass and job.faults + 1 < faults.FAULTS:
        wait = faults.wait_seconds(job.faults + 1)
        words = f"{reason}; it will be tried again in {wait:.0f} s"
        claims.give_back(archive.database, job.job_id, What.POSTPONED, words)
        log.warning("job failed for a while", job=job.job_id, task=job.task, reason=reason, wait=wait)
        return Outcome(End.AGAIN, wait)
    if may_pass:
        reason = f"{reason}; given up after {job.faults + 1} times"
    jobs.finish(archive.database, job.job_id, Phase.ERROR, error=reason, worker=jobs.here())
    if isinstance(error, (ArchiveError, exc.OperationalError, OSError)):
        log.warning("job failed", job=job.job_id, task=job.task, reason=reason)
    else:
        log.error("job failed by a fault of ours", job=job.job_id, task=job.task, exc_info=error)
    return Outcome(End.OVER)


def _may_pass(archive: Archive, error: Exception) -> bool:
    """Tell whether it may go well another time; the store may have gone away after a file was found in it."""
    away = not archive.store.is_here() or faults.misses_file_below(archive.store.folder, error)
    return away or faults.is_passing(error)
