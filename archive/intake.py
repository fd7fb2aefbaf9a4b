"""Memory of what was offered: which files became products, and which were refused and why."""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from archive.database import Database
from schema.intake import Intake

__all__ = ["find_unchanged", "refused", "remember"]


def find_unchanged(database: Database, path: Path) -> str | None:
    """Return the product that a file became, if it has not changed since."""
    try:
        status = path.stat()
    except OSError:
        return None
    with database.reading() as session:
        known = session.get(Intake, str(path.absolute()))
    if known is None or (known.size, known.modified_ns) != (status.st_size, status.st_mtime_ns):
        return None
    return known.product_id


def remember(database: Database, path: Path, *, product_id: str | None, reason: str | None) -> None:
    """Note what became of a file."""
    try:
        status = path.stat()
        size, modified = status.st_size, status.st_mtime_ns
    except OSError:
        size, modified = 0, 0
    row = Intake(
        path=str(path.absolute()),
        size=size,
        modified_ns=modified,
        seen=datetime.now(UTC).replace(tzinfo=None),
        product_id=product_id,
        reason=reason,
    )
    with database.transaction() as session:
        session.merge(row)


def refused(database: Database) -> list[Intake]:
    """Return the files that were refused, the latest first."""
    with database.reading() as session:
        return list(session.scalars(select(Intake).where(Intake.product_id.is_(None)).order_by(Intake.seen.desc())))
