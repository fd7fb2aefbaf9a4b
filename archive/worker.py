"""A worker: takes jobs from the queue and does them, one at a time, until it is told to stop or nothing is left.

What a job does is a function from a table that the caller brings; whose fault a failure was is decided here.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import procrastinate
import structlog
from sqlalchemy import exc

from archive import jobs
from archive.archive import Archive
from archive.database import SEARCH_PATH
from archive.errors import ArchiveError
from archive.periodic import register, schedule
from schema.jobs import Job, Phase

__all__ = ["Progress", "Run", "work"]

log = structlog.get_logger()

Progress = Callable[[float, str], None]
"""Told how far the work is: a fraction and words."""

Run = Callable[[Archive, Mapping[str, Any], str, Progress], None]
"""What a task does: archive, parameters, job id, progress."""

HEARTBEAT_SECONDS = 2.0


class StillRunning(Exception):
    """Another worker does this job; its entry comes back to the queue."""


def work(archive: Archive, tasks: Mapping[str, Run], *, drain: bool) -> None:
    """Do jobs until stopped by a signal or, when draining, until none is outstanding.

    What is due by the clock is done by workers that stay only.
    """
    asyncio.run(_work(archive, tasks, drain=drain))


async def _work(archive: Archive, tasks: Mapping[str, Run], *, drain: bool) -> None:
    connector = procrastinate.PsycopgConnector(
        conninfo=archive.database.url, kwargs={"options": f"-c search_path={SEARCH_PATH}"}, min_size=1, max_size=4
    )
    app = jobs.queue(connector)

    @app.task(name=jobs.TASK, retry=procrastinate.RetryStrategy(wait=1, retry_exceptions=[StillRunning]))
    def run(job_id: str) -> None:
        _do(archive, tasks, job_id)

    if not drain:
        register(app, archive.database, schedule(archive.settings))
    async with app.open_async():
        await _take_back(app, archive)
        if not drain:
            caring = asyncio.create_task(_care(app, archive))
            try:
                await _run(app, archive, wait=True)
            finally:
                caring.cancel()
        while drain and jobs.outstanding(archive.database):
            await _run(app, archive, wait=False)
            await asyncio.sleep(0.2)
            await _take_back(app, archive)


async def _run(app: procrastinate.App, archive: Archive, *, wait: bool) -> None:
    await app.run_worker_async(
        wait=wait,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=archive.settings.worker_timeout,
        delete_jobs="never",
    )


async def _care(app: procrastinate.App, archive: Archive) -> None:
    """Look after the jobs of the dead for as long as this worker lives."""
    while True:
        await asyncio.sleep(archive.settings.worker_timeout)
        try:
            await _take_back(app, archive)
        except (procrastinate.exceptions.ConnectorException, exc.OperationalError) as error:
            log.warning("cannot look for dead workers", reason=str(error))


async def _take_back(app: procrastinate.App, archive: Archive) -> None:
    """Return the jobs of dead workers to the queue."""
    await app.job_manager.prune_stalled_workers(archive.settings.worker_timeout)
    for entry in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=archive.settings.worker_timeout):
        log.warning("worker died, its job goes back to the queue", job=entry.task_kwargs.get("job_id"))
        await app.job_manager.retry_job(entry)
    if lost := await asyncio.to_thread(jobs.requeue_lost, archive.database):
        log.warning("jobs without a queue entry queued again", count=lost)


def _do(archive: Archive, tasks: Mapping[str, Run], job_id: str) -> None:
    with jobs.claimed(archive.database, job_id) as job:
        if job is not None:
            _execute(archive, tasks, job)
            return
    known = jobs.find(archive.database, job_id)
    if known is not None and known.phase == Phase.EXECUTING:
        raise StillRunning(job_id)


def _execute(archive: Archive, tasks: Mapping[str, Run], job: Job) -> None:
    begin = time.monotonic()
    try:
        tasks[job.task](
            archive, job.parameters, job.job_id, lambda f, words: jobs.progress(archive.database, job.job_id, f, words)
        )
    except ArchiveError as error:
        jobs.finish(archive.database, job.job_id, Phase.ERROR, error=error.message)
        log.warning("job failed", job=job.job_id, task=job.task, reason=error.message)
    except Exception as error:
        jobs.finish(archive.database, job.job_id, Phase.ERROR, error=f"{type(error).__name__}: {error}")
        log.exception("job failed by a fault of ours", job=job.job_id, task=job.task)
    else:
        jobs.finish(archive.database, job.job_id, Phase.COMPLETED)
        log.info("job done", job=job.job_id, task=job.task, seconds=round(time.monotonic() - begin, 2))
