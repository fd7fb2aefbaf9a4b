"""The worker that does asynchronous queries beside the web processes: ``python -m server.query_worker``.

Short queries have a lane of their own, so they never wait for long ones.  It looks after the end of jobs, too: those
whose time is over are removed.  The service starts it, starts it again should it die, and takes it along at its end.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable
from typing import Any, Final

import procrastinate
import structlog
from sqlalchemy import exc

from archive import uws
from archive.archive import Archive, open_archive
from archive.dying import die_with_parent
from archive.errors import ArchiveError
from archive.log import configure
from archive.queues import QUERY_FAST, QUERY_SLOW
from archive.settings import load
from archive.worker import Lane, attend
from server.tasks import TASK, QueryRuns
from server.user_tables import indexing

__all__ = ["do_queries", "main"]

log = structlog.get_logger()

SWEEP_SECONDS: Final = 30.0


async def do_queries(archive: Archive, stop: Awaitable[Any]) -> None:
    """Do queries until ``stop`` comes; what is not done then goes back to the queue."""
    runs = QueryRuns()
    settings = archive.settings
    lanes = (Lane((QUERY_FAST,), settings.async_fast_at_once), Lane((QUERY_SLOW,), settings.async_slow_at_once))
    sweeping = asyncio.create_task(_sweep(archive))
    try:
        await attend(archive, {TASK: runs.run, indexing.TASK: indexing.index}, lanes, stop, halt=runs.halt)
    finally:
        sweeping.cancel()


def main() -> int:
    """Work until a signal comes or the service is gone."""
    configure()
    die_with_parent()
    try:
        with open_archive(load()) as archive:
            asyncio.run(_until_signalled(archive))
    except (ArchiveError, exc.OperationalError, procrastinate.exceptions.ConnectorException) as error:
        log.warning("the worker for queries ends", reason=str(error))
        return 1
    return 0


async def _until_signalled(archive: Archive) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await do_queries(archive, stop.wait())


async def _sweep(archive: Archive) -> None:
    while True:
        try:
            await asyncio.to_thread(uws.sweep, archive)
        except exc.OperationalError as error:
            log.warning("cannot remove old jobs", reason=str(error.orig))
        await asyncio.sleep(SWEEP_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
