"""Jobs that wait for each other, submitted together: all of them or none, and by one submitter at a time.

A job that is to come after others stays PENDING until the last of them completes (``jobs.move`` sees to it in the
transaction of that end, so that nothing is lost whoever dies); when one of them fails it is ABORTED with the reason.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive import jobs
from archive.database import Database
from archive.needs import Needs
from archive.queues import PROCESSING
from schema.jobs import ACTIVE, Job, Phase

__all__ = ["Batch", "Submitted", "batch"]

BATCH_LOCK: Final = 0x6D757362
"""Key of the advisory lock under which one submitter looks at what is to be done and submits it."""


@dataclass(frozen=True)
class Submitted:
    """A job of a batch; ``is_new`` tells whether this batch brought it, or it was on its way already."""

    job: Job
    is_new: bool


class Batch:
    """What one submitter submits."""

    def __init__(self, session: Session) -> None:
        self._session: Final = session
        known = select(Job).where(Job.phase.in_(ACTIVE), Job.queue == PROCESSING)
        self._active: Final = {job.work_key: job for job in session.scalars(known)}

    def submit(
        self,
        task: str,
        parameters: dict[str, Any],
        *,
        needs: Needs | None = None,
        priority: int | None = None,
        after: Sequence[Job] = (),
    ) -> Submitted | None:
        """Submit work that is to be done after other jobs of the batch.

        Work that was on its way when the batch was begun is not submitted again, even if it has ended since.  Returns
        None when a job that it needs has failed meanwhile.
        """
        key = jobs.work_key(task, parameters)
        if (known := self._active.get(key)) is not None:
            return Submitted(known, is_new=False)
        phases = [self._settled(job) for job in after]
        if Phase.ERROR in phases or Phase.ABORTED in phases:
            return None
        earlier = [job.job_id for job, phase in zip(after, phases, strict=True) if phase is not Phase.COMPLETED]
        job = jobs.add(self._session, task, parameters, key=key, needs=needs, priority=priority, after=earlier)
        if earlier:
            job.progress_text = f"waits for {len(earlier)} other job{'s' if len(earlier) > 1 else ''}"
            jobs.tell(self._session, job.job_id, Phase.PENDING)
        else:
            jobs.enqueue(self._session, job)
        self._active[key] = job
        return Submitted(job, is_new=True)

    def _settled(self, job: Job) -> Phase:
        """Return the phase of a job, which cannot end before this batch is in."""
        query = select(Job.phase).where(Job.job_id == job.job_id).with_for_update(read=True)
        return Phase(self._session.scalars(query).one())


@contextmanager
def batch(database: Database) -> Iterator[Batch]:
    """Begin a batch; what is to be done is to be looked for inside the block, so that nothing is submitted twice."""
    with database.transaction() as session:
        session.execute(select(func.pg_advisory_xact_lock(BATCH_LOCK)))
        yield Batch(session)
