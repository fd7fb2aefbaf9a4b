"""How many jobs ended how and how long they took, counted as they end: nobody has to count a million of them later."""

from typing import Final, NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from schema.jobs import Tally

__all__ = ["Count", "count", "counts", "sum_up"]

MOST_ROWS: Final = 1_000
"""So many rows are added up at every look; beyond that they are summed up first."""

COUNT: Final = text("""
    INSERT INTO jobs.tally (queue, task, phase, jobs, seconds)
    SELECT queue, task, phase, 1, coalesce(greatest(extract(epoch FROM ended - started), 0), 0)
    FROM jobs.job WHERE job_id = :job
""")
SUM_UP: Final = text("""
    WITH gone AS (
        DELETE FROM jobs.tally
        WHERE tally_id IN (SELECT tally_id FROM jobs.tally FOR UPDATE SKIP LOCKED)
          AND (SELECT count(*) FROM jobs.tally) > :most
        RETURNING *)
    INSERT INTO jobs.tally (queue, task, phase, jobs, seconds)
    SELECT queue, task, phase, sum(jobs), sum(seconds) FROM gone GROUP BY queue, task, phase
""")


class Count(NamedTuple):
    """Jobs of one task that ended alike."""

    queue: str
    task: str
    phase: str
    jobs: int
    seconds: float


def count(session: Session, job_id: str) -> None:
    """Count a job that ends, in the transaction in which it does."""
    session.execute(COUNT, {"job": job_id})


def counts(session: Session) -> list[Count]:
    """Return what was counted since the archive was made."""
    alike = (Tally.queue, Tally.task, Tally.phase)
    sums = (func.sum(Tally.jobs), func.sum(Tally.seconds))
    return [Count(*row) for row in session.execute(select(*alike, *sums).group_by(*alike).order_by(*alike))]


def sum_up(session: Session) -> None:
    """Let few rows stand for the many that were added; of two who do this at once one leaves it to the other."""
    session.execute(SUM_UP, {"most": MOST_ROWS})
