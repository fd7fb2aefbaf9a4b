"""The record that every run of an ingest leaves, and that no two runs of one kind are at work at once.

A run holds an advisory lock of PostgreSQL on a connection of its own.  The lock goes with the process: a record that
is still open and whose lock nobody holds is that of a run that was killed.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import exc, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from archive.database import Database
from archive.errors import ArchiveError
from schema.intake import Run

__all__ = [
    "TEMPORARY",
    "AtWork",
    "Tally",
    "alone",
    "at_work",
    "bury",
    "last_of_each_kind",
    "last_success",
    "recorded",
]

TEMPORARY: Final = 75
"""Exit status of what may be tried again later (EX_TEMPFAIL of sysexits.h)."""

KEPT: Final = frozenset({"new", "changed", "refused", "postponed"})
UPDATE_SECONDS: Final = 1.0
FOLDERS: Final = re.compile(r"""(?<![\w.:/])/(?:[^\s/:'"]+/)*(?=[^\s/])""")
"""What stands before the last name of an absolute path."""

DIED: Final = "ended before its time: the process died"
LOCK: Final = text("SELECT pg_try_advisory_lock(hashtextextended('ingest run of ' || :kind, 0))")
BURY: Final = text("""
    UPDATE survey.ingest_run AS run SET error = :words
    WHERE ended IS NULL AND error IS NULL AND NOT EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1 AND granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND (classid::bigint << 32) | objid::bigint = hashtextextended('ingest run of ' || run.kind, 0))
""")
"""A lock of one bigint is listed as its two halves; looking at locks, other than trying them, disturbs nobody."""


class AtWork(ArchiveError):
    """Another run of the same kind is at work; this one has done nothing."""

    exit_code = TEMPORARY


def at_work(kind: str) -> str:
    """Say that a run is kept out."""
    return f"another run of {kind} is at work"


@dataclass
class Tally:
    """What a run has seen so far; told to its record every second at most."""

    database: Database
    run_id: int
    seen: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(sorted(KEPT), 0))
    told: float = field(default_factory=time.monotonic)

    def count(self, became: str, number: int = 1) -> None:
        """Count files or rows that became ``new``, ``known``, ``changed``, ``refused`` or ``postponed``."""
        self.seen += number
        if became in KEPT:
            self.counts[became] += number
        if time.monotonic() - self.told >= UPDATE_SECONDS:
            self.told = time.monotonic()
            _write(self)


@contextmanager
def recorded(database: Database, kind: str, source: str) -> Iterator[Tally]:
    """Be the one run of a kind while the block runs, and leave a record of it.

    Parameters
    ----------
    kind
        What is taken in: exposures, products, eso ...
    source
        Folders or programmes that are looked at, in words.

    Raises
    ------
    AtWork
        Another run of this kind is at work; nothing is recorded.
    """
    bury(database)
    with alone(database, kind):
        began = time.monotonic()
        tally = Tally(database, _begin(database, kind, source))
        try:
            yield tally
        except BaseException as error:
            with suppress(exc.OperationalError):  # the database may be what failed: a later run will see that we died
                _write(tally, ended=_now(), seconds=time.monotonic() - began, error=_words(error))
            raise
        _write(tally, ended=_now(), seconds=time.monotonic() - began)


@contextmanager
def alone(database: Database, kind: str) -> Iterator[None]:
    """Keep other runs of a kind out while the block runs.

    Raises
    ------
    AtWork
        Another one is at work.
    """
    with database.engine.connect() as connection:
        got = connection.execute(LOCK, {"kind": kind}).scalar()
        connection.commit()
        if not got:
            raise AtWork(at_work(kind))
        connection.detach()  # closed for good at the end: so the lock goes, also when the server is gone
        yield


def bury(database: Database) -> None:
    """Say of the runs that were killed that they ended before their time."""
    with database.transaction() as session:
        session.execute(BURY, {"words": DIED})


def last_of_each_kind(session: Session) -> list[Run]:
    """Return the latest run of each kind, in the order of the kinds."""
    query = select(Run).ext(distinct_on(Run.kind)).order_by(Run.kind, Run.started.desc(), Run.run_id.desc())
    return list(session.scalars(query))


def last_success(session: Session) -> dict[str, datetime]:
    """Return when the latest run of each kind that ended well did so, UTC."""
    query = (
        select(Run.kind, Run.ended)
        .ext(distinct_on(Run.kind))
        .where(Run.ended.is_not(None), Run.error.is_(None))
        .order_by(Run.kind, Run.ended.desc())
    )
    return {kind: ended for kind, ended in session.execute(query) if ended is not None}


def _begin(database: Database, kind: str, source: str) -> int:
    run = Run(kind=kind, source=source, started=_now(), seen=0, **dict.fromkeys(KEPT, 0))
    with database.transaction() as session:
        session.add(run)
        session.flush()
        return run.run_id


def _write(tally: Tally, **ending: object) -> None:
    values = {"seen": tally.seen, **tally.counts, **ending}
    with tally.database.transaction() as session:
        session.execute(update(Run).where(Run.run_id == tally.run_id).values(values))


def _words(error: BaseException) -> str:
    """Say why a run ended; everyone may read it, so files are named without the folders of the operator's disk."""
    if isinstance(error, SystemExit | KeyboardInterrupt | GeneratorExit):
        return "stopped before its end"
    if isinstance(error, ArchiveError):
        words = error.message
    else:
        words = " ".join(f"a fault of ours: {type(error).__name__}: {error}".split()).replace("\0", "")
    return FOLDERS.sub("", words)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
