"""Jobs: work is submitted once, has a phase that says how it goes, and a story that says what happened.

The row here is what people see; procrastinate's entry is what wakes a worker.  Both are written in one transaction.
How a worker gets hold of a job is told in ``claims``, how jobs that wait for others are submitted in ``batches``.
"""

import hashlib
import json
import os
import random
import socket
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import procrastinate
import psycopg
import structlog
from sqlalchemy import ColumnElement, exc, func, insert, literal, select, text, update
from sqlalchemy.orm import Session

from archive import tally
from archive.database import Database
from archive.errors import Refused
from archive.needs import Needs
from archive.queues import PRIORITY, PROCESSING, TASK, application
from schema.jobs import ACTIVE, ENDED, TRANSITIONS, Event, Job, Phase, What

__all__ = [
    "CHANNEL",
    "add",
    "cancel",
    "enqueue",
    "explain",
    "find",
    "finish",
    "here",
    "in_turn",
    "latest",
    "move",
    "named",
    "outstanding",
    "progress",
    "record",
    "story",
    "submit",
    "tell",
    "work_key",
]

log = structlog.get_logger()

T = TypeVar("T")

CHANNEL: Final = "musevault_phase"
"""Where PostgreSQL notifies of every change of a phase; the payload is the job's identifier, a blank, the phase."""

STEP_ASIDE: Final = text("SET LOCAL lock_timeout = '400ms'")
"""Shorter than what PostgreSQL waits before it looks for deadlocks (1 s) and chooses somebody to fail."""

LAST_WORD: Final = {Phase.COMPLETED: What.COMPLETED, Phase.ERROR: What.FAILED, Phase.ABORTED: What.ABORTED}


def submit(
    database: Database,
    task: str,
    parameters: dict[str, Any],
    *,
    queue: str = PROCESSING,
    needs: Needs | None = None,
    priority: int | None = None,
) -> Job:
    """Submit work, or return the active job that does the same already.

    Parameters
    ----------
    task, parameters
        What is to be done: the same task with the same parameters is the same work.
    queue, priority
        Who takes it, and how soon: the higher first, by default as the queue has it.
    needs
        What it takes of a machine.
    """
    key = work_key(task, parameters)
    try:
        with database.transaction() as session:
            known = _active(session, key)
            if known is not None:
                return known
            job = add(session, task, parameters, key=key, queue=queue, needs=needs, priority=priority)
            enqueue(session, job)
            return job
    except exc.IntegrityError:  # somebody submitted the same between our look and our insert
        with database.reading() as session:
            known = _active(session, key)
            if known is None:
                raise
            return known


def cancel(database: Database, job_id: str, *, reason: str | None = None) -> None:
    """Abort a job; the worker that does it hears of it and ends the work, whatever it has started.

    Raises
    ------
    Refused
        There is no such job, or it has ended.
    """

    def end(session: Session) -> None:
        if move(session, job_id, Phase.ABORTED, ended=_now(), error=reason):
            record(session, job_id, What.ABORTED, reason)
            return
        phase = session.scalar(select(Job.phase).where(Job.job_id == job_id))
        raise Refused(f"there is no job {job_id}" if phase is None else f"the job is {phase}; it cannot be cancelled")

    in_turn(database, end)


def finish(
    database: Database, job_id: str, phase: Phase, *, error: str | None = None, worker: str | None = None
) -> None:
    """Bring a job to its last phase; nothing happens when it is another's than the process ``worker``, if given."""
    done = {"progress": 1.0} if phase is Phase.COMPLETED else {}
    mine = [] if worker is None else [Job.worker == worker]

    def end(session: Session) -> None:
        if move(session, job_id, phase, *mine, ended=_now(), error=error, **done):
            record(session, job_id, LAST_WORD[phase], error)

    in_turn(database, end)


def in_turn(database: Database, end: Callable[[Session], T]) -> T:
    """Do in one transaction what may end a job, and anew as long as it stands in another's way.

    It locks the job's row and then those of the jobs after it.  A batch locks in the other order and cannot be made
    anew, so it is who ends a job that steps aside; so do two that end jobs with the same ones after both.
    """
    while True:
        try:
            with database.transaction() as session:
                session.execute(STEP_ASIDE)
                return end(session)
        except exc.OperationalError as problem:
            if not isinstance(problem.orig, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
                raise
        time.sleep(random.uniform(0.01, 0.1))  # noqa: S311  nothing to be kept secret


def progress(database: Database, job_id: str, fraction: float, words: str, *, worker: str | None = None) -> None:
    """Say how far a job is; nothing happens when it has ended or is another's than the process ``worker``, if given."""
    with database.transaction() as session:
        its = [Job.job_id == job_id, Job.phase == Phase.EXECUTING]
        if worker is not None:
            its.append(Job.worker == worker)
        told = update(Job).where(*its).values(progress=fraction, progress_text=words).returning(Job.job_id)
        if session.scalar(told) is not None:
            tell(session, job_id, Phase.EXECUTING)


def explain(database: Database, job_id: str, words: str) -> None:
    """Say why a job that is QUEUED waits."""
    with database.transaction() as session:
        session.execute(update(Job).where(Job.job_id == job_id, Job.phase == Phase.QUEUED).values(progress_text=words))


def find(database: Database, job_id: str) -> Job | None:
    """Return a job, or None."""
    with database.reading() as session:
        return session.get(Job, job_id)


def named(database: Database, beginning: str) -> Job:
    """Return the one job whose identifier begins so.

    Raises
    ------
    Refused
        There is none, or more than one.
    """
    with database.reading() as session:
        query = select(Job).where(Job.job_id.startswith(beginning, autoescape=True)).limit(2)
        found = session.scalars(query).all() if beginning else []
    if len(found) != 1:
        raise Refused(f"{'more than one' if found else 'no'} job begins with {beginning!r}")
    return found[0]


def story(database: Database, job_id: str) -> list[Event]:
    """Return what happened to a job, in order."""
    with database.reading() as session:
        return list(session.scalars(select(Event).where(Event.job_id == job_id).order_by(Event.event_id)))


def latest(database: Database, *, limit: int = 50, phases: Sequence[Phase] | None = None) -> list[Job]:
    """Return the youngest jobs, the newest first; of some phases or of all."""
    query = select(Job).order_by(Job.created.desc()).limit(limit)
    with database.reading() as session:
        return list(session.scalars(query if phases is None else query.where(Job.phase.in_(phases))))


def outstanding(database: Database, queues: Sequence[str] | None = None) -> int:
    """Count the jobs that wait for a worker or are being done; in some queues or in all."""
    counted = select(func.count()).where(Job.phase.in_((Phase.QUEUED, Phase.EXECUTING)))
    with database.reading() as session:
        return session.scalar(counted if queues is None else counted.where(Job.queue.in_(queues))) or 0


def add(
    session: Session,
    task: str,
    parameters: dict[str, Any],
    *,
    key: str | None = None,
    queue: str = PROCESSING,
    needs: Needs | None = None,
    priority: int | None = None,
    after: Sequence[str] = (),
) -> Job:
    """Add a job's row in phase PENDING; without a key its work is like no other's.

    One that is to come ``after`` others is queued by ``move``, when the last of them completes.
    """
    job_id = uuid.uuid4().hex
    needs = needs or Needs()
    job = Job(
        job_id=job_id,
        task=task,
        parameters=parameters,
        work_key=key or job_id,
        phase=Phase.PENDING,
        created=_now(),
        after=list(after) or None,
        queue=queue,
        priority=PRIORITY[queue] if priority is None else priority,
        cores=needs.cores,
        memory=needs.memory,
        timeout=needs.timeout,
        attempts=0,
        faults=0,
        progress=0.0,
    )
    session.add(job)
    session.flush()
    return job


def enqueue(session: Session, job: Job) -> None:
    """Let a job be QUEUED with the entry that wakes a worker, in the transaction of the job's row."""
    connection = session.connection().connection.driver_connection
    app = application(procrastinate.SyncPsycopgConnector())
    deferrer = app.configure_task(TASK, connection=connection, queue=job.queue, priority=job.priority)
    job.phase, job.queued = Phase.QUEUED, _now()
    job.queue_id = deferrer.defer(job_id=job.job_id, cores=job.cores, memory=job.memory, timeout=job.timeout)
    record(session, job.job_id, What.SUBMITTED)
    tell(session, job.job_id, Phase.QUEUED)
    log.info("job submitted", job=job.job_id, task=job.task)


def move(session: Session, job_id: str, phase: Phase, *conditions: ColumnElement[bool], **values: Any) -> bool:
    """Bring a job to a phase, if there is a way from its own and the conditions hold; tells whether it was.

    With its end those are let go that waited for it: queued when it was the last, aborted when it was not COMPLETED.
    """
    allowed = [earlier for earlier in Phase if phase in TRANSITIONS[earlier]]
    done = session.execute(
        update(Job)
        .where(Job.job_id == job_id, Job.phase.in_(allowed), *conditions)
        .values(phase=phase, **values)
        .returning(Job.job_id)
    ).scalar()
    if done is not None:
        tell(session, job_id, phase)
        if phase in ENDED:
            tally.count(session, job_id)
        if phase not in ACTIVE:
            _let_go(session, job_id, phase)
    return done is not None


def record(session: Session, job_id: str, what: What, words: str | None = None) -> None:
    """Add to a job's story."""
    session.execute(insert(Event).values(job_id=job_id, at=_now(), what=what, worker=here(), words=words))


def tell(session: Session, job_id: str, phase: Phase) -> None:
    """Notify those who wait for a change of the job, once the transaction is committed."""
    session.execute(select(func.pg_notify(CHANNEL, f"{job_id} {phase}")))


def here() -> str:
    """Return what this process is called in the stories of jobs: its host and number."""
    return f"{socket.gethostname()}:{os.getpid()}"


def work_key(task: str, parameters: dict[str, Any]) -> str:
    """Return the digest by which the same work is known."""
    return hashlib.sha256(json.dumps([task, parameters], sort_keys=True).encode()).hexdigest()


def _let_go(session: Session, job_id: str, phase: Phase) -> None:
    """Each is locked: of two jobs that end at once, one sees that the other has."""
    waits = Job.after.bool_op("@>")(literal([job_id], Job.__table__.c.after.type))
    waiting = select(Job).where(waits, Job.phase == Phase.PENDING).order_by(Job.job_id)
    for job in session.scalars(waiting.with_for_update()).all():
        if phase is not Phase.COMPLETED:
            reason = f"what it needs was not made: job {job_id} ended with {phase}"
            move(session, job.job_id, Phase.ABORTED, ended=_now(), error=reason)
            record(session, job.job_id, What.ABORTED, reason)
        elif not _outstanding_of(session, job.after or ()):
            enqueue(session, job)


def _outstanding_of(session: Session, job_ids: Sequence[str]) -> int:
    query = select(func.count()).where(Job.job_id.in_(job_ids), Job.phase != Phase.COMPLETED)
    return session.scalar(query) or 0


def _active(session: Session, key: str) -> Job | None:
    return session.scalar(select(Job).where(Job.work_key == key, Job.phase.in_(ACTIVE)))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
