"""A worker: takes jobs from the queues and has them done until it is told to stop or nothing is left.

Jobs are done in processes of their own (``work``, see ``hands``) or, where that is all they need, in threads
(``attend``).  A worker that loses the database drops what it does: somebody may be doing it already.
"""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from copy import copy
from dataclasses import dataclass
from typing import Any, Final

import procrastinate
import psycopg
import structlog
from procrastinate import retry
from psycopg.conninfo import make_conninfo
from sqlalchemy import exc

from archive import attendance, checkpoints, claims, execution, jobs, machine, maps_staging, old_jobs, queues
from archive.archive import Archive
from archive.attendance import Means, Registrar
from archive.budget import Budget
from archive.database import KEEPALIVE, KEEPALIVE_OPTIONS, SEARCH_PATH
from archive.errors import ArchiveError
from archive.execution import End, Outcome, Run
from archive.hands import Hands
from archive.needs import Needs
from archive.periodic import register, schedule
from schema.jobs import Phase

__all__ = ["DatabaseLost", "Lane", "attend", "drain", "work"]

log = structlog.get_logger()

Doer = Callable[[str, Needs], Awaitable[Outcome]]
"""Does a job, by its identifier and what it needs."""

HEARTBEAT_SECONDS: Final = 2.0
POLL_SECONDS: Final = 1.0
"""New jobs are told of at once; those that come back after a wait are looked for so often."""

SPARE_THREADS: Final = 2


class DatabaseLost(ArchiveError):
    """The database went away; a worker may begin anew when it is back.

    ``unsettled`` are the jobs that it could not give back.
    """

    def __init__(self, message: str, unsettled: Sequence[claims.Return] = ()) -> None:
        super().__init__(message)
        self.unsettled: Final = unsettled


class Again(Exception):
    """The entry of a job is to come back from the queue, after some seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"again in {wait:g} s")
        self.wait: Final = wait


class Retry(retry.BaseRetryStrategy):
    """Lets procrastinate give an entry back when the job is to be done again, or the worker stops."""

    def get_retry_decision(
        self, *, exception: BaseException, job: procrastinate.jobs.Job
    ) -> procrastinate.RetryDecision | None:
        """Tell when the entry is due."""
        del job
        match exception:
            case Again(wait=wait):
                return procrastinate.RetryDecision(retry_in={"milliseconds": int(wait * 1000)})
            case asyncio.CancelledError():
                return procrastinate.RetryDecision()
            case _:
                return None


@dataclass(frozen=True)
class Lane:
    """Queues that a worker takes jobs from, None for all, how many it does at once, in how many bytes if counted."""

    queues: tuple[str, ...] | None = None
    at_once: int = 1
    memory: int | None = None


def work(archive: Archive, tasks: Callable[[], Mapping[str, Run]], *, queues: Sequence[str] | None = None) -> None:
    """Do jobs, each in a process of its own, until stopped by a signal.

    What is due by the clock is submitted meanwhile.  At the signal nothing new is begun; what is not done within the
    setting ``worker_grace`` goes back to the queue.

    Parameters
    ----------
    archive, queues
        Where the jobs are; of which queues, by default of all.
    tasks
        Called in the processes: returns what can be done, by name.  It is known by where it is defined.

    Raises
    ------
    DatabaseLost
        The database went away.
    """
    asyncio.run(_work(archive, tasks, Lane(None if queues is None else tuple(queues)), stay=True))


def drain(archive: Archive, tasks: Callable[[], Mapping[str, Run]], *, queues: Sequence[str] | None = None) -> None:
    """Do jobs as ``work`` does, until none is outstanding."""
    asyncio.run(_work(archive, tasks, Lane(None if queues is None else tuple(queues)), stay=False))


async def attend(
    archive: Archive, tasks: Mapping[str, Run], lanes: Sequence[Lane], stop: Awaitable[Any], *, halt: Callable[[], None]
) -> None:
    """Do jobs in threads, in several lanes, none of which waits for another, until ``stop`` comes.

    Parameters
    ----------
    archive
        Where the jobs are.
    tasks
        What can be done, by name.
    lanes
        What is taken from which queues.
    stop
        Awaited: the end of the work.
    halt
        Called then, to break off what is being done.
    """

    async def do(job_id: str, needs: Needs) -> Outcome:
        del needs
        return await asyncio.to_thread(execution.do, archive, tasks, job_id)

    threads = ThreadPoolExecutor(sum(lane.at_once for lane in lanes) + SPARE_THREADS, "job")
    asyncio.get_running_loop().set_default_executor(threads)
    app = _application(archive, do)
    async with app.open_async():
        await _take_back(app, archive)
        stopped = asyncio.ensure_future(stop)
        running = [asyncio.create_task(_run(app, archive, lane, wait=True)) for lane in lanes]
        async with _beside(_care(app, archive)):
            try:
                await asyncio.wait([stopped, *running], return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopped.cancel()
                for task in running:
                    task.cancel()
                halt()
                ended = await asyncio.gather(*running, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error


async def _work(archive: Archive, tasks: Callable[[], Mapping[str, Run]], lane: Lane, *, stay: bool) -> None:
    settings = archive.settings
    cores, memory = settings.worker_cores or machine.cores(), settings.worker_memory or machine.memory()
    hands = Hands(archive, tasks, Budget(cores, memory))
    app = _application(archive, hands.do)
    lane = Lane(lane.queues, hands.at_once, memory)
    if stay:
        register(app, archive.database, schedule(settings))
    told = asyncio.Event()
    try:
        with _signals(told):
            async with app.open_async(), _beside(_care(app, archive)):
                await _take_back(app, archive)
                working = _run(app, archive, lane, wait=True) if stay else _drain(app, archive, lane)
                await _unless_lost(hands, _until(told, working), _hear(archive, hands), hands.watch())
        if stay and not told.is_set():  # something beside the jobs failed, such as a heartbeat
            raise DatabaseLost("the worker ended by itself", hands.unsettled)
    except (procrastinate.exceptions.ConnectorException, psycopg.OperationalError, exc.OperationalError) as error:
        raise DatabaseLost(f"the database was lost: {' '.join(str(error).split())}", hands.unsettled) from error
    finally:
        await hands.end()


async def _drain(app: procrastinate.App, archive: Archive, lane: Lane) -> None:
    while await asyncio.to_thread(jobs.outstanding, archive.database, lane.queues):
        await _run(app, archive, lane, wait=False)
        await asyncio.sleep(0.2)
        await _take_back(app, archive)


@contextmanager
def _signals(told: asyncio.Event) -> Iterator[None]:
    """Set an event at the signals that end a worker; a second one while it ends changes nothing."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT) if threading.current_thread() is threading.main_thread() else ()
    for number in numbers:
        loop.add_signal_handler(number, told.set)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def _until(told: asyncio.Event, working: Awaitable[None]) -> None:
    """Work until the end or until told to stop: then nothing new is begun, and what is not done is given back."""
    work = asyncio.ensure_future(working)
    waiting = asyncio.ensure_future(told.wait())
    try:
        await asyncio.wait([work, waiting], return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        if not work.done():
            work.cancel()
        (ended,) = await asyncio.gather(work, return_exceptions=True)
    if isinstance(ended, Exception):
        raise ended


async def _unless_lost(hands: Hands, *together: Awaitable[None]) -> None:
    """Work for as long as the database is heard and memory is looked after; whichever fails ends the others."""
    tasks = [asyncio.ensure_future(one) for one in together]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    hands.drop()  # somebody may be doing the jobs already
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended


async def _hear(archive: Archive, hands: Hands) -> None:
    """Hear which jobs are aborted; the connection tells, too, at once, when the database goes away."""
    connection = await psycopg.AsyncConnection.connect(
        make_conninfo(archive.database.url, **KEEPALIVE), autocommit=True
    )
    async with connection:
        await connection.execute(f"LISTEN {jobs.CHANNEL}")
        async for notification in connection.notifies():
            job_id, _, phase = notification.payload.partition(" ")
            if phase == Phase.ABORTED:
                hands.cancelled(job_id)


def _application(archive: Archive, do: Doer) -> procrastinate.App:
    connector = procrastinate.PsycopgConnector(
        conninfo=archive.database.url,
        kwargs={"options": f"-c search_path={SEARCH_PATH} {KEEPALIVE_OPTIONS}", **KEEPALIVE},
        min_size=1,
        max_size=8,
    )
    app = queues.application(connector)

    @app.task(name=queues.TASK, retry=Retry())
    async def run(job_id: str, **needs: Any) -> None:
        outcome = await do(job_id, Needs(**needs))
        if outcome.end is End.AGAIN:
            raise Again(outcome.wait)

    return app


async def _run(app: procrastinate.App, archive: Archive, lane: Lane, *, wait: bool) -> None:
    app = copy(app)  # lanes share everything but how they are written down
    app.job_manager = Registrar(app.connector, archive.database, Means(lane.at_once, lane.memory, lane.queues))
    await app.run_worker_async(
        queues=None if lane.queues is None else list(lane.queues),  # type: ignore[arg-type]  # None is its default: all
        concurrency=lane.at_once,
        fetch_job_polling_interval=POLL_SECONDS,
        wait=wait,
        install_signal_handlers=False,
        shutdown_graceful_timeout=archive.settings.worker_grace,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=archive.settings.worker_timeout,
        delete_jobs="successful",
    )


@asynccontextmanager
async def _beside(work: Awaitable[None]) -> Any:
    """Do something beside the block, until its end."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _care(app: procrastinate.App, archive: Archive) -> None:
    """Look after the jobs of the dead, what they left in the store, and what is old, while this worker lives."""
    while True:
        await asyncio.sleep(archive.settings.worker_timeout)
        try:
            await _take_back(app, archive)
            await asyncio.to_thread(archive.store.sweep)
            await asyncio.to_thread(maps_staging.sweep, archive.database)
            await asyncio.to_thread(old_jobs.remove, archive.database, days=archive.settings.job_retention)
            days = archive.settings.checkpoint_retention
            await asyncio.to_thread(checkpoints.sweep, archive.settings.root, days=days)
        except Exception as error:  # noqa: BLE001  whatever failed is tried again: without this, jobs of the dead lie still
            log.warning("cannot look for dead workers", reason=" ".join(str(error).split()))


async def _take_back(app: procrastinate.App, archive: Archive) -> None:
    """Return the jobs of dead workers to the queue, one worker at a time: two would return a job twice."""
    with ExitStack() as held:
        if not await asyncio.to_thread(held.enter_context, claims.taking_back(archive.database)):
            return
        timeout = archive.settings.worker_timeout
        await app.job_manager.prune_stalled_workers(timeout)
        for entry in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=timeout):
            job_id = entry.task_kwargs.get("job_id")
            log.warning("worker died, its job goes back to the queue", job=job_id)
            try:
                await app.job_manager.retry_job(entry)
            except procrastinate.exceptions.ConnectorException as error:  # it ended just now, others need it still
                log.warning("its entry cannot go back", job=job_id, reason=str(error))
        await asyncio.to_thread(attendance.forget_gone, archive.database)
        if lost := await asyncio.to_thread(claims.requeue_lost, archive.database):
            log.warning("jobs without a queue entry queued again", count=lost)
