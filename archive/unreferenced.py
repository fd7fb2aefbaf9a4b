"""Files of the store that no product has: earlier editions of what was made again, and what failed ingests left.

They are removed when asked for, once nobody has stored them for a day: whoever writes a file may still be about to
publish it.
"""

from typing import Final

import structlog
from sqlalchemy import select

from archive.archive import Archive
from archive.products import lock_publishing
from schema.products import Artifact

__all__ = ["DAY_SECONDS", "sweep"]

log = structlog.get_logger()

DAY_SECONDS: Final = 86400.0


def sweep(archive: Archive, *, older: float = DAY_SECONDS) -> list[str]:
    """Remove the files that no product has and that were last stored so many seconds ago; returns which."""
    swept = [sha256 for sha256 in archive.store.names() if _remove(archive, sha256, older)]
    if swept:
        log.info("removed files that no product has", count=len(swept))
    return swept


def _remove(archive: Archive, sha256: str, older: float) -> bool:
    """Nobody publishes meanwhile: what is published later finds out that its file has gone, and is not published."""
    if _is_used(archive, sha256) or archive.store.age(sha256) < older:
        return False
    with archive.database.transaction() as session:
        lock_publishing(session)
        if _is_used(archive, sha256) or archive.store.age(sha256) < older:
            return False
        archive.store.remove(sha256)
    return True


def _is_used(archive: Archive, sha256: str) -> bool:
    with archive.database.reading() as session:
        return session.scalar(select(Artifact.artifact_id).where(Artifact.sha256 == sha256).limit(1)) is not None
