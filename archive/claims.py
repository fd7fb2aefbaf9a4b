"""How a worker gets hold of a job, gives it back, and what becomes of the jobs of the dead.

Whoever does a job holds an advisory lock meanwhile: PostgreSQL lets go of it the moment the process or its connection
dies, so no two ever do one job and nobody waits for the dead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import exc, select, text, update
from sqlalchemy.orm import Session

from archive import jobs
from archive.database import Database
from schema.jobs import ACTIVE, Job, Phase, What

__all__ = ["ATTEMPTS", "Return", "claimed", "give_back", "lose", "put_back", "requeue_lost", "taking_back"]

ATTEMPTS: Final = 5
"""How often a job may be begun: one that kills whoever does it is not begun a sixth time."""

TAKE_BACK_LOCK: Final = 0x6D757374
"""Key of the advisory lock of whoever returns jobs to the queue."""

WITHOUT_ENTRY: Final = text("""
    NOT EXISTS (SELECT FROM queue.procrastinate_jobs AS entry
                WHERE entry.id = job.queue_id AND entry.status IN ('todo', 'doing'))
""")


@contextmanager
def claimed(database: Database, job_id: str) -> Iterator[Job | None]:
    """Claim a job for as long as the block runs; yields None when it is not to be done, or somebody does it."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        lock = {"job": job_id}
        if not connection.execute(text("SELECT pg_try_advisory_lock(hashtextextended(:job, 0))"), lock).scalar():
            yield None
            return
        try:
            yield jobs.in_turn(database, lambda session: _begin(session, job_id))
        finally:
            try:
                connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:job, 0))"), lock)
            except exc.DBAPIError:  # the connection is gone, and the lock with it
                connection.invalidate()


@contextmanager
def taking_back(database: Database) -> Iterator[bool]:
    """Tell whether nobody else returns the jobs of the dead at this time, for as long as the block runs."""
    with database.transaction() as session:
        yield bool(session.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": TAKE_BACK_LOCK}))


def give_back(database: Database, job_id: str, what: What, words: str, worker: str | None = None) -> None:
    """Let a job that was begun wait again; it is not the job's fault, so this beginning does not count.

    Nothing happens when it is not EXECUTING any more in the process ``worker``, by default this one.
    """
    with database.transaction() as session:
        fault = {"faults": Job.faults + 1} if what is What.POSTPONED else {}
        mine = Job.worker == (worker or jobs.here())
        if jobs.move(session, job_id, Phase.QUEUED, mine, attempts=Job.attempts - 1, progress_text=words, **fault):
            jobs.record(session, job_id, what, words)


def lose(database: Database, job_id: str, words: str, worker: str) -> None:
    """Let a job wait again that died with the process ``worker``, which did it."""
    with database.transaction() as session:
        if jobs.move(session, job_id, Phase.QUEUED, Job.worker == worker, progress_text=words):
            jobs.record(session, job_id, What.LOST, words)


@dataclass(frozen=True)
class Return:
    """That a job is to wait again, which ``worker`` did: for when the database, too, is back."""

    job_id: str
    worker: str
    what: What
    words: str


def put_back(database: Database, job: Return) -> None:
    """Let a job wait again: given back, or lost, as was found when it could not be written down."""
    if job.what is What.LOST:
        lose(database, job.job_id, job.words, job.worker)
    else:
        give_back(database, job.job_id, job.what, job.words, job.worker)


def requeue_lost(database: Database) -> int:
    """Put jobs back whose queue entry ended without them (the server died under a worker); returns how many."""
    with database.transaction() as session:
        waiting = (Phase.QUEUED, Phase.EXECUTING)
        query = select(Job).where(Job.phase.in_(waiting), WITHOUT_ENTRY)
        lost = session.scalars(query.with_for_update(skip_locked=True)).all()
        for job in lost:
            jobs.record(session, job.job_id, What.LOST, "its entry in the queue had ended")
            jobs.enqueue(session, job)
    return len(lost)


def _begin(session: Session, job_id: str) -> Job | None:
    was = select(Job.job_id, Job.phase, Job.worker).where(Job.job_id == job_id).with_for_update().subquery("was")
    begin = (
        update(Job)
        .where(Job.job_id == was.c.job_id, Job.phase.in_(ACTIVE))
        .values(phase=Phase.EXECUTING, started=_now(), attempts=Job.attempts + 1, worker=jobs.here(), error=None)
        .returning(Job, was.c.phase, was.c.worker)
        .execution_options(synchronize_session=False)
    )
    begun = session.execute(begin).one_or_none()
    if begun is None:
        return None
    job: Job = begun[0]
    if begun[1] == Phase.EXECUTING:  # and nobody holds its lock: whoever did it could not say how it ended
        jobs.record(session, job_id, What.LOST, f"{begun[2]} died with it, or lost the database")
    if job.attempts > ATTEMPTS:
        reason = f"given up: {ATTEMPTS} times it died with the process that did it"
        jobs.move(session, job_id, Phase.ERROR, ended=_now(), error=reason, attempts=ATTEMPTS)
        jobs.record(session, job_id, What.FAILED, reason)
        return None
    jobs.record(session, job_id, What.BEGUN)
    jobs.tell(session, job_id, Phase.EXECUTING)
    return job


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
