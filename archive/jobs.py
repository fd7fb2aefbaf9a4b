"""Jobs: work is submitted once, claimed by one worker at a time, and ends in a phase that says how it went.

The row here is what people see; procrastinate's entry is what wakes a worker.  Both are written in one transaction.
A worker holds an advisory lock while it works: PostgreSQL lets go of it the moment the worker dies, so no two workers
ever do one job and nobody waits for the dead.
"""

import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import procrastinate
import structlog
from sqlalchemy import BigInteger, column, exc, func, select, text, update
from sqlalchemy.orm import Session

from archive.database import Database
from schema.jobs import ACTIVE, TRANSITIONS, Job, Phase

__all__ = ["TASK", "claimed", "find", "finish", "latest", "outstanding", "progress", "queue", "requeue_lost", "submit"]

log = structlog.get_logger()

TASK: Final = "musevault.run"
"""The one task that procrastinate knows; what is to be done stands in the job's row."""

ATTEMPTS: Final = 5
"""How often a job may be begun: one that kills its worker every time is not begun a sixth time."""

ENDED_ENTRIES: Final = (
    text("SELECT id FROM queue.procrastinate_jobs WHERE status NOT IN ('todo', 'doing')")
    .columns(column("id", BigInteger))
    .subquery("ended")
)


def queue(connector: procrastinate.BaseConnector) -> procrastinate.App:
    """Return procrastinate's face of the queue."""
    return procrastinate.App(connector=connector)


def submit(database: Database, task: str, parameters: dict[str, Any]) -> Job:
    """Submit work, or return the active job that does the same already."""
    key = _work_key(task, parameters)
    try:
        with database.transaction() as session:
            known = _active(session, key)
            return known if known is not None else _insert(session, task, parameters, key)
    except exc.IntegrityError:  # somebody submitted the same between our look and our insert
        with database.reading() as session:
            known = _active(session, key)
            if known is None:
                raise
            return known


@contextmanager
def claimed(database: Database, job_id: str) -> Iterator[Job | None]:
    """Claim a job for as long as the block runs; yields None when it is not to be done, or somebody does it."""
    with database.engine.connect() as connection:
        got = connection.execute(
            text("SELECT pg_try_advisory_lock(hashtextextended(:job, 0))"), {"job": job_id}
        ).scalar()
        connection.commit()
        if not got:
            yield None
            return
        try:
            yield _begin(database, job_id)
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:job, 0))"), {"job": job_id})
            connection.commit()


def requeue_lost(database: Database) -> int:
    """Put jobs back whose queue entry ended without them (the server died under a worker); returns how many."""
    with database.transaction() as session:
        lost = session.scalars(
            select(Job).where(Job.phase.in_(ACTIVE), Job.queue_id.in_(select(ENDED_ENTRIES.c.id))).with_for_update()
        ).all()
        for job in lost:
            job.phase = Phase.QUEUED
            _enqueue(session, job)
    return len(lost)


def finish(database: Database, job_id: str, phase: Phase, *, error: str | None = None) -> None:
    """Bring a job to its last phase."""
    done = {"progress": 1.0} if phase is Phase.COMPLETED else {}
    _move(database, job_id, phase, ended=_now(), error=error, **done)


def progress(database: Database, job_id: str, fraction: float, words: str) -> None:
    """Say how far a job is."""
    with database.transaction() as session:
        session.execute(update(Job).where(Job.job_id == job_id).values(progress=fraction, progress_text=words))


def find(database: Database, job_id: str) -> Job | None:
    """Return a job, or None."""
    with database.reading() as session:
        return session.get(Job, job_id)


def latest(database: Database, *, limit: int = 50) -> list[Job]:
    """Return the youngest jobs, the newest first."""
    with database.reading() as session:
        return list(session.scalars(select(Job).order_by(Job.created.desc()).limit(limit)))


def outstanding(database: Database) -> int:
    """Count the jobs that are not in a last phase."""
    with database.reading() as session:
        return session.scalar(select(func.count()).where(Job.phase.in_(ACTIVE))) or 0


def _insert(session: Session, task: str, parameters: dict[str, Any], key: str) -> Job:
    job = Job(
        job_id=uuid.uuid4().hex,
        task=task,
        parameters=parameters,
        work_key=key,
        phase=Phase.QUEUED,
        created=_now(),
        attempts=0,
        progress=0.0,
    )
    session.add(job)
    session.flush()
    _enqueue(session, job)
    log.info("job submitted", job=job.job_id, task=task)
    return job


def _enqueue(session: Session, job: Job) -> None:
    """Make the entry that wakes a worker, in the transaction of the job's row."""
    connection = session.connection().connection.driver_connection
    app = queue(procrastinate.SyncPsycopgConnector())
    job.queue_id = app.configure_task(TASK, connection=connection).defer(job_id=job.job_id)


def _active(session: Session, key: str) -> Job | None:
    return session.scalar(select(Job).where(Job.work_key == key, Job.phase.in_(ACTIVE)))


def _begin(database: Database, job_id: str) -> Job | None:
    with database.transaction() as session:
        job = session.get(Job, job_id, with_for_update=True)
        if job is None or Phase(job.phase) not in ACTIVE:
            return None
        if job.attempts >= ATTEMPTS:
            job.phase, job.ended = Phase.ERROR, _now()
            job.error = f"given up: {job.attempts} workers died doing it"
            return None
        job.phase = Phase.EXECUTING
        job.started = _now()
        job.attempts += 1
        job.error = None
        return job


def _move(database: Database, job_id: str, phase: Phase, **values: Any) -> None:
    allowed = [earlier for earlier in Phase if phase in TRANSITIONS[earlier]]
    with database.transaction() as session:
        session.execute(update(Job).where(Job.job_id == job_id, Job.phase.in_(allowed)).values(phase=phase, **values))


def _work_key(task: str, parameters: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([task, parameters], sort_keys=True).encode()).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
