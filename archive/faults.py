"""Whose fault a failure was: decided here, once.

A fault that may pass (the database restarted, the disk was full, the network file system went away) lets a job be done
again after a while; every other is the end of it.
"""

import errno
from pathlib import Path
from typing import Final

import psycopg
from sqlalchemy import exc

from archive.errors import SchedulerAway, StoreAway

__all__ = ["FAULTS", "Interrupted", "is_passing", "misses_file_below", "reason", "wait_seconds"]

FAULTS: Final = 6
"""How often a job may fail for reasons that may pass: with the waits between, after about a minute and a half."""

FIRST_WAIT_SECONDS: Final = 1.5
LONGEST_WAIT_SECONDS: Final = 300.0

PASSING: Final = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ETIMEDOUT,
    errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ECONNREFUSED, errno.ECONNRESET, errno.EMFILE,
    errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EBUSY, errno.EROFS,
})  # fmt: skip


class Interrupted(Exception):
    """A task could not go on for reasons that are not its own: it is to be done again."""


def is_passing(error: BaseException) -> bool:
    """Tell whether what failed may go well another time: by the error itself or what it came from."""
    return any(_is_passing(e) for e in _causes(error))


def misses_file_below(folder: Path, error: BaseException) -> bool:
    """Tell whether what failed did not find a file somewhere in a folder."""
    return any(
        isinstance(e, FileNotFoundError) and e.filename is not None and Path(str(e.filename)).is_relative_to(folder)
        for e in _causes(error)
    )


def reason(error: BaseException) -> str:
    """Return what a person should read of an error, in one line."""
    message = getattr(error, "message", None)  # of the archive's own errors
    if isinstance(error, exc.DBAPIError):
        message = f"the database: {str(error.orig).strip()}"
    text = message if isinstance(message, str) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:1000]


def wait_seconds(faults: int) -> float:
    """Return how long a job waits after so many faults, the last included: twice as long each time."""
    wait: float = FIRST_WAIT_SECONDS * 2 ** (faults - 1)
    return min(wait, LONGEST_WAIT_SECONDS)


def _is_passing(error: BaseException) -> bool:
    match error:
        case exc.OperationalError() | exc.InterfaceError() | psycopg.OperationalError():
            return True
        case Interrupted() | StoreAway() | SchedulerAway():
            return True
        case exc.DBAPIError():
            return error.connection_invalidated
        case OSError():
            return error.errno in PASSING
        case _:
            return False


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
