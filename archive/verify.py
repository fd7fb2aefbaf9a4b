"""Is everything that the catalogue promises on disk, and is it still what it was?

A file that has vanished is marked as lost in the catalogue, with the time at which that was found; when it is there
again, the mark goes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import select, update

from archive.archive import Archive
from archive.database import Database
from archive.errors import StoreAway, StoreError
from schema.products import Artifact

__all__ = ["Fault", "Kind", "faults", "found_again"]


class Kind(StrEnum):
    """What can be wrong with a file, or be right again."""

    MISSING = "missing"
    DAMAGED = "damaged"
    UNKNOWN = "unknown"
    FOUND = "found"

    @property
    def is_bad(self) -> bool:
        """Whether somebody should do something."""
        return self in {Kind.MISSING, Kind.DAMAGED}


@dataclass(frozen=True)
class Fault:
    """One file that is not as it should be.

    An unknown one is in the store, but no product has it; a found one was lost and is whole again.  ``lost`` says
    since when a missing one is known to be missing, UTC.
    """

    kind: Kind
    sha256: str
    artifact_id: str | None = None
    lost: datetime | None = None


@dataclass(frozen=True)
class _Promise:
    """A file as the catalogue has it; with a ``location`` it lies there, outside the store."""

    artifact_id: str
    sha256: str
    location: str | None
    lost: datetime | None


def faults(archive: Archive) -> Iterator[Fault]:
    """Read every file through, compare it with the catalogue, and mark there what is lost.

    Raises
    ------
    StoreAway
        The store went away meanwhile: that is no file's loss, and nothing is marked.
    """
    promises = _promises(archive.database)
    for promise in promises:
        fault = _fault(archive, promise)
        if fault is not None:
            yield fault
    known = {promise.sha256 for promise in promises}
    for sha256 in archive.store.names():
        if sha256 not in known:
            yield Fault(Kind.UNKNOWN, sha256)


def found_again(database: Database, sha256: str) -> None:
    """Take it back that files of the store with this content are lost."""
    with database.transaction() as session:
        there = (Artifact.sha256 == sha256, Artifact.location.is_(None), Artifact.lost.is_not(None))
        session.execute(update(Artifact).where(*there).values(lost=None))


def _promises(database: Database) -> list[_Promise]:
    query = select(Artifact.artifact_id, Artifact.sha256, Artifact.location, Artifact.lost)
    with database.reading() as session:
        return [_Promise(*row) for row in session.execute(query.order_by(Artifact.artifact_id))]


def _fault(archive: Archive, promise: _Promise) -> Fault | None:
    try:
        whole = archive.store.is_whole(promise.sha256, promise.location)
    except StoreAway:
        raise
    except (StoreError, FileNotFoundError):  # the second: it went while we looked
        _check_store(archive, promise)
        lost = promise.lost or datetime.now(UTC).replace(tzinfo=None)
        _mark(archive.database, promise, lost)
        return Fault(Kind.MISSING, promise.sha256, promise.artifact_id, lost)
    except OSError:  # a bad sector: the other files are to be looked at all the same
        _check_store(archive, promise)
        whole = False
    if not whole:
        return Fault(Kind.DAMAGED, promise.sha256, promise.artifact_id)
    if promise.lost is None:
        return None
    _mark(archive.database, promise, None)
    return Fault(Kind.FOUND, promise.sha256, promise.artifact_id)


def _check_store(archive: Archive, promise: _Promise) -> None:
    if promise.location is None:
        archive.store.check()


def _mark(database: Database, promise: _Promise, lost: datetime | None) -> None:
    if lost == promise.lost:
        return
    with database.transaction() as session:
        session.execute(update(Artifact).where(Artifact.artifact_id == promise.artifact_id).values(lost=lost))
