"""A worker: takes jobs from the queue and does them until it is told to stop or nothing is left.

What a job does is a function from a table that the caller brings; whose fault a failure was is decided here.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import procrastinate
import structlog
from sqlalchemy import exc

from archive import jobs
from archive.archive import Archive
from archive.database import SEARCH_PATH
from archive.errors import ArchiveError
from archive.periodic import register, schedule
from schema.jobs import Job, Phase

__all__ = ["Interrupted", "Lane", "Progress", "Run", "attend", "work"]

log = structlog.get_logger()

Progress = Callable[[float, str], None]
"""Told how far the work is: a fraction and words."""

Run = Callable[[Archive, Mapping[str, Any], str, Progress], None]
"""What a task does: archive, parameters, job id, progress."""

HEARTBEAT_SECONDS: Final = 2.0
SPARE_THREADS: Final = 2


class StillRunning(Exception):
    """Another worker does this job; its entry comes back to the queue."""


class Interrupted(Exception):
    """A task could not go on for reasons that are not its own: it is to be done again."""


@dataclass(frozen=True)
class Lane:
    """Queues that a worker takes jobs from, None for all, and how many of them it does at once."""

    queues: tuple[str, ...] | None = None
    at_once: int = 1


def work(archive: Archive, tasks: Mapping[str, Run], *, drain: bool, queues: Sequence[str] | None = None) -> None:
    """Do jobs, one at a time, until stopped by a signal or, when draining, until none is outstanding.

    Of all queues or of some.  What is due by the clock is done by workers that stay only.
    """
    asyncio.run(_work(archive, tasks, drain=drain, queues=queues))


async def attend(
    archive: Archive, tasks: Mapping[str, Run], lanes: Sequence[Lane], stop: Awaitable[Any], *, halt: Callable[[], None]
) -> None:
    """Do jobs in several lanes, none of which waits for another, until ``stop`` comes.

    Parameters
    ----------
    archive, tasks
        As for ``work``.
    lanes
        What is taken from which queues.
    stop
        Awaited: the end of the work.
    halt
        Called then, to break off what is being done.
    """
    threads = ThreadPoolExecutor(sum(lane.at_once for lane in lanes) + SPARE_THREADS, "job")
    asyncio.get_running_loop().set_default_executor(threads)
    app = _application(archive, tasks)
    async with app.open_async():
        await _take_back(app, archive)
        stopped = asyncio.ensure_future(stop)
        running = [asyncio.create_task(_run(app, archive, lane, wait=True, signals=False)) for lane in lanes]
        caring = asyncio.create_task(_care(app, archive))
        try:
            await asyncio.wait([stopped, *running], return_when=asyncio.FIRST_COMPLETED)
        finally:
            caring.cancel()
            stopped.cancel()
            for task in running:
                task.cancel()
            halt()
            ended = await asyncio.gather(*running, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error


async def _work(archive: Archive, tasks: Mapping[str, Run], *, drain: bool, queues: Sequence[str] | None) -> None:
    app = _application(archive, tasks)
    lane = Lane(None if queues is None else tuple(queues))
    if not drain:
        register(app, archive.database, schedule(archive.settings))
    async with app.open_async():
        await _take_back(app, archive)
        if not drain:
            caring = asyncio.create_task(_care(app, archive))
            try:
                await _run(app, archive, lane, wait=True)
            finally:
                caring.cancel()
        while drain and jobs.outstanding(archive.database, queues):
            await _run(app, archive, lane, wait=False)
            await asyncio.sleep(0.2)
            await _take_back(app, archive)


def _application(archive: Archive, tasks: Mapping[str, Run]) -> procrastinate.App:
    connector = procrastinate.PsycopgConnector(
        conninfo=archive.database.url, kwargs={"options": f"-c search_path={SEARCH_PATH}"}, min_size=1, max_size=8
    )
    app = jobs.queue(connector)

    @app.task(name=jobs.TASK, retry=procrastinate.RetryStrategy(wait=1, retry_exceptions=[StillRunning, Interrupted]))
    def run(job_id: str) -> None:
        _do(archive, tasks, job_id)

    return app


async def _run(app: procrastinate.App, archive: Archive, lane: Lane, *, wait: bool, signals: bool = True) -> None:
    await app.run_worker_async(
        queues=None if lane.queues is None else list(lane.queues),  # type: ignore[arg-type]  # None is its default: all
        concurrency=lane.at_once,
        wait=wait,
        install_signal_handlers=signals,
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
    except Interrupted as error:
        log.warning("job interrupted, it will be done again", job=job.job_id, task=job.task, reason=str(error))
        with archive.database.transaction() as session:
            jobs.move(session, job.job_id, Phase.QUEUED)
        raise
    except ArchiveError as error:
        jobs.finish(archive.database, job.job_id, Phase.ERROR, error=error.message)
        log.warning("job failed", job=job.job_id, task=job.task, reason=error.message)
    except Exception as error:
        jobs.finish(archive.database, job.job_id, Phase.ERROR, error=f"{type(error).__name__}: {error}")
        log.exception("job failed by a fault of ours", job=job.job_id, task=job.task)
    else:
        jobs.finish(archive.database, job.job_id, Phase.COMPLETED)
        log.info("job done", job=job.job_id, task=job.task, seconds=round(time.monotonic() - begin, 2))
