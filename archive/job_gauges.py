"""How the work goes, in numbers for a monitoring system: what waits and is done, what failed, who works.

What is active is counted through an index of the active, what ended was counted at its end (``tally``): a million old
jobs cost nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive import attendance, tally
from archive.attendance import Attendant
from archive.database import Database
from archive.queues import PRIORITY
from archive.tally import Count
from schema.jobs import ACTIVE, Job, Phase

__all__ = ["Active", "JobGauges", "read"]

LATELY: Final = timedelta(hours=1)


class Active(NamedTuple):
    """Jobs of one queue in one phase; ``waits`` is how many seconds ago the oldest was put into the queue."""

    queue: str
    phase: str
    jobs: int
    waits: float


@dataclass(frozen=True)
class JobGauges:
    """The numbers; ``failed_lately`` by queue, in the last hour; ``workers`` by queue, ``alive`` or ``silent``."""

    active: Sequence[Active]
    ended: Sequence[Count]
    failed_lately: dict[str, int]
    workers: Sequence[tuple[str, str, int]]


def read(database: Database, *, timeout: float) -> JobGauges:
    """Read them; a worker is silent when it was not heard of for ``timeout`` seconds."""
    now = datetime.now(UTC).replace(tzinfo=None)
    with database.reading() as session:
        active, ended = _active(session, now), tally.counts(session)
        failed = _failed(session, now - LATELY)
    return JobGauges(active, ended, failed, _workers(attendance.present(database), timeout))


def _active(session: Session, now: datetime) -> list[Active]:
    """Count the active by queue and phase, also where there are none."""
    query = select(Job.queue, Job.phase, func.count(), func.min(Job.queued)).where(Job.phase.in_(ACTIVE))
    found = {(row[0], row[1]): row[2:] for row in session.execute(query.group_by(Job.queue, Job.phase))}
    places = sorted({(queue, phase.value) for queue in PRIORITY for phase in ACTIVE} | found.keys())
    counted = []
    for queue, phase in places:
        number, oldest = found.get((queue, phase), (0, None))
        counted.append(Active(queue, phase, number, max((now - oldest).total_seconds(), 0.0) if oldest else 0.0))
    return counted


def _failed(session: Session, since: datetime) -> dict[str, int]:
    query = select(Job.queue, func.count()).where(Job.phase == Phase.ERROR, Job.ended > since).group_by(Job.queue)
    return dict.fromkeys(PRIORITY, 0) | dict(session.execute(query).all())


def _workers(present: Sequence[Attendant], timeout: float) -> list[tuple[str, str, int]]:
    """One that takes from several queues counts in each."""
    counted = []
    for queue in PRIORITY:
        alive = [w.is_alive(timeout) for w in present if w.queues is None or queue in w.queues]
        counted += [(queue, "alive", sum(alive)), (queue, "silent", len(alive) - sum(alive))]
    return counted
