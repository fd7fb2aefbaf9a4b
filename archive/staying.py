"""A worker that stays: when the database goes away, it drops its work, and begins anew when the database is back.

It waits for a store that is away, too.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog

from archive import claims
from archive.archive import open_archive
from archive.errors import ArchiveError, StoreAway
from archive.execution import Run
from archive.settings import Settings
from archive.tasks import installed
from archive.worker import DatabaseLost, work

__all__ = ["stay"]

log = structlog.get_logger()

FIRST_WAIT_SECONDS: Final = 0.5
LONGEST_WAIT_SECONDS: Final = 15.0


def stay(
    settings: Settings, *, queues: Sequence[str] | None, tasks: Callable[[], Mapping[str, Run]] = installed
) -> None:
    """Do jobs until a signal comes; queues and tasks are as ``worker.work`` has them.

    Raises
    ------
    ArchiveError
        The archive cannot be opened at all: at the first try something is wrong that waiting will not mend.
    """
    wait = FIRST_WAIT_SECONDS
    worked = False
    unsettled: list[claims.Return] = []
    while True:
        try:
            with open_archive(settings) as archive:
                worked, wait = True, FIRST_WAIT_SECONDS
                while unsettled:
                    claims.put_back(archive.database, unsettled[-1])
                    unsettled.pop()
                work(archive, tasks, queues=queues)
                return
        except DatabaseLost as error:
            unsettled += error.unsettled
            log.warning("work dropped", reason=error.message)
        except StoreAway as error:
            log.warning("the store is waited for", reason=error.message)
        except ArchiveError as error:
            if not worked:
                raise
            log.warning("the archive cannot be opened", reason=error.message)
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)
