"""Memory of what was offered: which files became products, and which were refused and why.

A file that was refused is in quarantine: it stays where it is and is not read again until it changes or somebody asks
for it.  What failed for another's sake, a full disk or a database that is away, is not remembered.
"""

import os
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import delete, select, text, update

from archive.bulk import among
from archive.database import Database
from schema.intake import Intake

__all__ = [
    "NOT_THERE",
    "Known",
    "Look",
    "Seen",
    "find_unchanged",
    "forget",
    "is_young",
    "look",
    "look_up",
    "reconsider",
    "refused",
    "remember_all",
    "unwritten",
    "written",
]

ESCAPE: Final = re.compile(rb"\\x([0-9a-f]{2})")
NEVER_SO: Final = -1
"""A time of modification that no file has."""


# One statement with a list a column: several times as fast as a list of rows.
REMEMBER: Final = text("""
    INSERT INTO archive.intake (path, size, modified_ns, seen, product_id, reason, kind)
    SELECT * FROM unnest(
      CAST(:path AS text[]), CAST(:size AS bigint[]), CAST(:modified_ns AS bigint[]), CAST(:seen AS timestamp[]),
      CAST(:product_id AS text[]), CAST(:reason AS text[]), CAST(:kind AS text[])
    )
    ON CONFLICT (path) DO UPDATE SET
      (size, modified_ns, seen, product_id, reason, kind) =
      (excluded.size, excluded.modified_ns, excluded.seen, excluded.product_id, excluded.reason, excluded.kind)
""")


@dataclass(frozen=True)
class Look:
    """By what a change of a file is noticed."""

    size: int
    modified_ns: int


NOT_THERE: Final = Look(0, 0)
"""What cannot be found looks like this."""


@dataclass(frozen=True)
class Known:
    """What became of a file when it was last read, and how it looked: a product, or a refusal with its reason."""

    look: Look
    product_id: str | None
    reason: str | None
    kind: str

    def counts_for(self, kind: str) -> bool:
        """Tell whether it answers an ingest of this kind: what one kind refused, another may well take."""
        return self.product_id is not None or self.kind == kind


@dataclass(frozen=True)
class Seen:
    """A file that was read: how it looked before, so that a later change is noticed, and what became of it."""

    path: Path
    look: Look
    product_id: str | None
    reason: str | None


def look(path: Path) -> Look:
    """Look at a file that is to be read; one that cannot be found looks like nothing."""
    try:
        status = path.stat()
    except OSError:
        return NOT_THERE
    return Look(status.st_size, status.st_mtime_ns)


def is_young(seen: Look, seconds: float) -> bool:
    """Tell whether a file was changed so recently that somebody may still be writing; times to come do not count."""
    return 0.0 <= time.time() - seen.modified_ns / 1e9 < seconds


def written(path: Path | str) -> str:
    """Write a path as text that every program takes: bytes of a name that are no UTF-8 are shown as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def unwritten(name: str) -> Path:
    """Return the file that was written so."""
    plain = Path(name)
    if os.path.lexists(plain):
        return plain
    return Path(os.fsdecode(ESCAPE.sub(lambda escape: bytes([int(escape[1], 16)]), name.encode())))


def find_unchanged(database: Database, path: Path, seen: Look, *, kind: str) -> Known | None:
    """Return what became of a file, if it still looks as it did then and that answers an ingest of this kind."""
    known = look_up(database, [path]).get(path)
    return known if known is not None and known.look == seen and known.counts_for(kind) else None


def look_up(database: Database, paths: Iterable[Path]) -> dict[Path, Known]:
    """Return what became of those of the files that were offered before."""
    names = {written(path.absolute()): path for path in paths}
    with database.reading() as session:
        rows = session.scalars(select(Intake).where(among(Intake.path, names)))
        return {names[r.path]: Known(Look(r.size, r.modified_ns), r.product_id, r.reason, r.kind) for r in rows}


def remember_all(database: Database, files: Sequence[Seen], *, kind: str) -> None:
    """Note what became of files, in one statement; the last word on a path counts.

    Of names that nothing bears, mistyped or gone meanwhile, nothing is noted; a link that leads nowhere is there.
    """
    rows = {str(row["path"]): row for row in (_row(file, kind) for file in files if _is_there(file))}
    if not rows:
        return
    # In order, so that two ingests of one tree never wait for each other in a circle.
    ordered = [rows[path] for path in sorted(rows)]
    with database.transaction() as session:
        session.execute(REMEMBER, {name: [row[name] for row in ordered] for name in ordered[0]})


def refused(database: Database, below: Iterable[Path] = ()) -> list[Intake]:
    """Return the files that were refused, the latest first: all, or those that are named or below what is named."""
    with database.reading() as session:
        query = select(Intake).where(Intake.product_id.is_(None), Intake.reason.is_not(None))
        rows = list(session.scalars(query.order_by(Intake.seen.desc(), Intake.path)))
    places = [written(path.absolute()) for path in below]
    if not places:
        return rows
    return [row for row in rows if any(row.path == place or row.path.startswith(f"{place}/") for place in places)]


def reconsider(database: Database, rows: Sequence[Intake]) -> None:
    """Let files that were refused be read again when they are next offered; until then they are still refused."""
    with database.transaction() as session:
        session.execute(
            update(Intake).where(among(Intake.path, (row.path for row in rows))).values(modified_ns=NEVER_SO)
        )


def forget(database: Database, rows: Sequence[Intake]) -> None:
    """Forget files that are no more."""
    with database.transaction() as session:
        session.execute(delete(Intake).where(among(Intake.path, (row.path for row in rows))))


def _is_there(file: Seen) -> bool:
    return file.look != NOT_THERE or os.path.lexists(file.path)


def _row(file: Seen, kind: str) -> dict[str, object]:
    return {
        "path": written(file.path.absolute()),
        "size": file.look.size,
        "modified_ns": file.look.modified_ns,
        "seen": datetime.now(UTC).replace(tzinfo=None),
        "product_id": file.product_id,
        "reason": None if file.reason is None else _storable(file.reason),
        "kind": kind,
    }


def _storable(reason: str) -> str:
    """A reason may quote what it found; the database takes neither NUL nor what is no character."""
    return reason.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
