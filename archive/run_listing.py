"""The runs of ingests, and the files in quarantine, as the page of runs shows them.  Read-only.

The page is for everyone: of a file it tells the name, not the folder of the operator's disk that it is in.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from sqlalchemy import select

from archive.database import Database
from schema.intake import Intake, Run

__all__ = ["Quarantine", "RefusedFile", "latest", "quarantine"]


@dataclass(frozen=True)
class RefusedFile:
    """A file that was refused; ``kind`` is what it was offered as."""

    name: str
    kind: str
    seen: datetime
    reason: str


@dataclass(frozen=True)
class Quarantine:
    """Files that were refused, the latest first; ``more``: and there are others."""

    files: tuple[RefusedFile, ...]
    more: bool


def latest(database: Database, *, most: int = 100) -> list[Run]:
    """Return the latest runs, the last one first."""
    with database.reading() as session:
        return list(session.scalars(select(Run).order_by(Run.started.desc(), Run.run_id.desc()).limit(most)))


def quarantine(database: Database, *, most: int = 200) -> Quarantine:
    """Return the files that were refused and why."""
    query = select(Intake).where(Intake.product_id.is_(None), Intake.reason.is_not(None))
    with database.reading() as session:
        files = session.scalars(query.order_by(Intake.seen.desc(), Intake.path).limit(most + 1)).all()
    return Quarantine(tuple(_refused(file) for file in files[:most]), len(files) > most)


def _refused(file: Intake) -> RefusedFile:
    path = PurePath(file.path)
    reason = (file.reason or "").replace(file.path, path.name)
    return RefusedFile(path.name, file.kind, file.seen, reason.replace(f"{path.parent}/", ""))
