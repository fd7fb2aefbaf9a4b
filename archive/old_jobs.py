"""Jobs that ended long ago are removed with their story, and what the queue keeps of jobs that have ended.

The jobs of clients are not touched: they have their own time of destruction (``uws``).
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from archive import tally
from archive.database import Database

__all__ = ["forget_entries", "remove"]

log = structlog.get_logger()

MOST_AT_ONCE: Final = 5_000
"""So that no one transaction is long; the next look takes the next ones."""

REMOVE: Final = text("""
    DELETE FROM jobs.job WHERE job_id IN (
        SELECT job_id FROM jobs.job
        WHERE ended < :before AND phase IN ('COMPLETED', 'ERROR', 'ABORTED')
          AND NOT EXISTS (SELECT FROM jobs.uws WHERE uws.job_id = job.job_id)
        ORDER BY ended LIMIT :most FOR UPDATE SKIP LOCKED)
""")
FORGET_ENTRIES: Final = text("""
    DELETE FROM queue.procrastinate_jobs AS entry
    WHERE status NOT IN ('todo', 'doing')
      AND NOT EXISTS (SELECT FROM jobs.job WHERE job.queue_id = entry.id AND job.ended IS NULL)
""")


def remove(database: Database, *, days: int) -> int:
    """Remove the archive's own jobs that ended more than so many days ago; returns how many."""
    before = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=days)
    with database.transaction() as session:
        removed = session.connection().execute(REMOVE, {"before": before, "most": MOST_AT_ONCE}).rowcount
        forget_entries(session)
        tally.sum_up(session)
    if removed:
        log.info("old jobs removed", count=removed)
    return removed


def forget_entries(session: Session) -> None:
    """Remove the entries of the queue that ended badly, once their jobs have ended or have others."""
    session.execute(FORGET_ENTRIES)
