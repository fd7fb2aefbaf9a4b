"""Jobs: work is submitted once, claimed by one worker at a time, and ends in a phase that says how it went.

The row here is what people see; procrastinate's entry is what wakes a worker.  Both are written in one transaction.
A worker holds an advisory lock while it works: PostgreSQL lets go of it the moment the worker dies, so no two workers
ever do one job and nobody waits for the dead.
"""

import hashlib
import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import procrastinate
import structlog
from sqlalchemy import BigInteger, column, exc, func, select, text, update
from sqlalchemy.orm import Session

from archive.database import Database
from schema.jobs import ACTIVE, TRANSITIONS, Job, Phase

__all__ = [
    "CHANNEL",
    "DEFAULT_QUEUE",
    "FAST_QUEUE",
    "SLOW_QUEUE",
    "TASK",
    "add",
    "claimed",
    "enqueue",
    "find",
    "finish",
    "latest",
    "move",
    "outstanding",
    "progress",
    "queue",
    "requeue_lost",
    "submit",
    "tell",
]

log = structlog.get_logger()

TASK: Final = "musevault.run"
"""The one task that procrastinate knows; what is to be done stands in the job's row."""

DEFAULT_QUEUE: Final = "default"
FAST_QUEUE: Final = "fast"
SLOW_QUEUE: Final = "slow"
"""Queries of clients that are short, and those that are not: the short never wait for the others."""

PRIORITY: Final = {DEFAULT_QUEUE: 0, SLOW_QUEUE: 10, FAST_QUEUE: 20}
"""Somebody waits for a query; a worker that takes all takes the higher number first."""

CHANNEL: Final = "musevault_phase"
"""Where PostgreSQL notifies of every change of a phase; the payload is the job's identifier."""

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
            if known is not None:
                return known
            job = add(session, task, parameters, key=key)
            enqueue(session, job)
            return job
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
            enqueue(session, job)
    return len(lost)


def finish(database: Database, job_id: str, phase: Phase, *, error: str | None = None) -> None:
    """Bring a job to its last phase."""
    done = {"progress": 1.0} if phase is Phase.COMPLETED else {}
    with database.transaction() as session:
        move(session, job_id, phase, ended=_now(), error=error, **done)


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


def outstanding(database: Database, queues: Sequence[str] | None = None) -> int:
    """Count the jobs that wait for a worker or are being done; in some queues or in all."""
    counted = select(func.count()).where(Job.phase.in_((Phase.QUEUED, Phase.EXECUTING)))
    with database.reading() as session:
        return session.scalar(counted if queues is None else counted.where(Job.queue.in_(queues))) or 0


def add(session: Session, task: str, parameters: dict[str, Any], *, key: str | None = None) -> Job:
    """Add a job's row in phase PENDING; without a key its work is like no other's."""
    job_id = uuid.uuid4().hex
    job = Job(
        job_id=job_id,
        task=task,
        parameters=parameters,
        work_key=key or job_id,
        phase=Phase.PENDING,
        created=_now(),
        queue=DEFAULT_QUEUE,
        attempts=0,
        progress=0.0,
    )
    session.add(job)
    session.flush()
    return job


def enqueue(session: Session, job: Job) -> None:
    """Let a job be QUEUED with the entry that wakes a worker, in the transaction of the job's row."""
    connection = session.connection().connection.driver_connection
    app = queue(procrastinate.SyncPsycopgConnector())
    deferrer = app.configure_task(TASK, connection=connection, queue=job.queue, priority=PRIORITY[job.queue])
    job.phase = Phase.QUEUED
    job.queue_id = deferrer.defer(job_id=job.job_id)
    tell(session, job.job_id)
    log.info("job submitted", job=job.job_id, task=job.task)


def move(session: Session, job_id: str, phase: Phase, **values: Any) -> bool:
    """Bring a job to a phase, if there is a way from its own; tells whether it was."""
    allowed = [earlier for earlier in Phase if phase in TRANSITIONS[earlier]]
    done = session.execute(
        update(Job)
        .where(Job.job_id == job_id, Job.phase.in_(allowed))
        .values(phase=phase, **values)
        .returning(Job.job_id)
    ).scalar()
    if done is not None:
        tell(session, job_id)
    return done is not None


def tell(session: Session, job_id: str) -> None:
    """Notify those who wait for a change of the job's phase, once the transaction is committed."""
    session.execute(select(func.pg_notify(CHANNEL, job_id)))


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
            tell(session, job_id)
            return None
        job.phase = Phase.EXECUTING
        job.started = _now()
        job.attempts += 1
        job.error = None
        tell(session, job_id)
        return job


def _work_key(task: str, parameters: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([task, parameters], sort_keys=True).encode()).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
