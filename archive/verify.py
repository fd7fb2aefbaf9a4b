"""Is everything that the catalogue promises on disk, and is it still what it was?"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from archive.archive import Archive
from archive.errors import StoreError
from schema.products import Artifact

__all__ = ["Fault", "Kind", "faults"]


class Kind(StrEnum):
    """What can be wrong with a file."""

    MISSING = "missing"
    DAMAGED = "damaged"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Fault:
    """One file that is not as it should be; an unknown one is in the store, but no product has it."""

    kind: Kind
    sha256: str
    artifact_id: str | None = None


def faults(archive: Archive) -> Iterator[Fault]:
    """Read every file of the store through and compare it with the catalogue."""
    with archive.database.reading() as session:
        promised = {a.sha256: a.artifact_id for a in session.scalars(select(Artifact).order_by(Artifact.artifact_id))}
    for sha256, artifact_id in promised.items():
        try:
            if not archive.store.is_whole(sha256):
                yield Fault(Kind.DAMAGED, sha256, artifact_id)
        except StoreError:
            yield Fault(Kind.MISSING, sha256, artifact_id)
    for sha256 in archive.store.names():
        if sha256 not in promised:
            yield Fault(Kind.UNKNOWN, sha256)
