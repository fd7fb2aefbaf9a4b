"""The process in which a worker's jobs are done, one after the other: ``python -m archive.hand DESCRIPTOR``.

A job that is cancelled, takes too long or too much memory, or crashes, takes this process with it and nothing else.
It talks with its worker through one socket: a greeting (see ``Start``), then a job's identifier a line, answered by a
line when the job is over.  It dies when the worker dies, with all that it started.
"""

import base64
import json
import os
import pickle
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import FrameType
from typing import NoReturn

import structlog
from sqlalchemy import exc

from archive import faults
from archive.archive import Archive
from archive.database import Database
from archive.dying import die_with_parent_and_children
from archive.execution import End, Outcome, Run, do
from archive.log import configure
from archive.settings import Settings
from archive.store import Store

__all__ = ["READY", "Start", "main"]

log = structlog.get_logger()

READY = b"ready\n"


@dataclass(frozen=True)
class Start:
    """What a hand is told first: the archive, and the function that knows the tasks."""

    settings: Settings
    database_url: str
    tasks: Callable[[], Mapping[str, Run]]

    def line(self) -> bytes:
        """Return it as the first line on the socket."""
        return base64.b64encode(pickle.dumps(self)) + b"\n"


def main() -> int:
    """Do jobs until the socket is closed."""
    die_with_parent_and_children()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the worker says what is to be done
    signal.signal(signal.SIGTERM, _leave)
    configure()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print belongs to the log
    with socket.socket(fileno=int(sys.argv[1])) as channel, channel.makefile("rwb", buffering=0) as lines:
        start = pickle.loads(base64.b64decode(lines.readline()))  # noqa: S301  from the worker that started us
        database = Database(start.database_url)
        archive = Archive(start.settings, database, Store(start.settings.root / "store"))
        tasks = start.tasks()
        lines.write(READY)
        while line := lines.readline():
            outcome = _outcome(archive, tasks, line.decode().strip())
            lines.write(json.dumps(asdict(outcome)).encode() + b"\n")
    return 0


def _outcome(archive: Archive, tasks: Mapping[str, Run], job_id: str) -> Outcome:
    try:
        return do(archive, tasks, job_id)
    except exc.DBAPIError as error:
        if not faults.is_passing(error):
            raise
        log.warning("the database was lost under a job", job=job_id, reason=faults.reason(error))
        return Outcome(End.DROPPED)


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """Leave by an exception, so that what was opened is closed and unfinished files go."""
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
