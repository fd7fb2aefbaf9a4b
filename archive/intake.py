"""Memory of what was offered: which files became products, and which were refused and why."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from archive.database import Database
from schema.intake import Intake

__all__ = ["Look", "find_unchanged", "look", "refused", "remember", "written"]


@dataclass(frozen=True)
class Look:
    """By what a change of a file is noticed."""

    size: int
    modified_ns: int


def look(path: Path) -> Look:
    """Look at a file that is to be read; one that cannot be found looks like nothing."""
    try:
        status = path.stat()
    except OSError:
        return Look(0, 0)
    return Look(status.st_size, status.st_mtime_ns)


def written(path: Path | str) -> str:
    """Write a path as text that every program takes: bytes of a name that are no UTF-8 are shown as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def find_unchanged(database: Database, path: Path, seen: Look) -> str | None:
    """Return the product that a file became, if it still looks as it did then."""
    with database.reading() as session:
        known = session.get(Intake, written(path.absolute()))
    if known is None or Look(known.size, known.modified_ns) != seen:
        return None
    return known.product_id


def remember(database: Database, path: Path, seen: Look, *, product_id: str | None, reason: str | None) -> None:
    """Note what became of a file; ``seen`` is how it looked before it was read, so that a later change is noticed."""
    row = Intake(
        path=written(path.absolute()),
        size=seen.size,
        modified_ns=seen.modified_ns,
        seen=datetime.now(UTC).replace(tzinfo=None),
        product_id=product_id,
        reason=None if reason is None else _storable(reason),
    )
    with database.transaction() as session:
        session.merge(row)


def refused(database: Database) -> list[Intake]:
    """Return the files that were refused, the latest first."""
    with database.reading() as session:
        return list(session.scalars(select(Intake).where(Intake.product_id.is_(None)).order_by(Intake.seen.desc())))


def _storable(reason: str) -> str:
    """A reason may quote what it found; the database takes neither NUL nor what is no character."""
    return reason.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
