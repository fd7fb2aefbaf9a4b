"""Jobs of clients by the Universal Worker Service (UWS 1.1): made, started, watched, aborted, removed.

Whoever knows the identifier of an anonymous client's job may use the job; lists show a client its own.  The folder of a
job, below ``results``, is removed with it.
"""

import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import ColumnElement, and_, delete, exc, func, select, text, update
from sqlalchemy.orm import Session

from archive import jobs, old_jobs
from archive.archive import Archive
from archive.database import Database
from archive.errors import ArchiveError
from archive.queues import PRIORITY, QUERY_SLOW
from archive.settings import Settings
from schema.accounts import Account
from schema.jobs import Job, Phase, What
from schema.uws import UwsJob

__all__ = [
    "Caller",
    "NotNow",
    "QuotaExceeded",
    "Result",
    "Start",
    "abort",
    "change",
    "create",
    "destroy",
    "end_backends",
    "find",
    "folder",
    "listed",
    "record_result",
    "start",
    "sweep",
    "visible",
]

log = structlog.get_logger()

WORKING: Final = (Phase.QUEUED, Phase.EXECUTING)
COST_A_SECOND: Final = 250_000.0
"""What the planner's units are worth on the slower machines, for quotes only."""

ORPHAN_SECONDS: Final = 3600.0
END_BACKENDS: Final = text("""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = :job AND backend_type = 'client backend'
""")


class NotNow(ArchiveError):
    """What is asked for is not possible in the job's phase."""


class QuotaExceeded(ArchiveError):
    """The client has as many jobs as it may have."""


@dataclass(frozen=True)
class Caller:
    """Who asks: an account, or an anonymous client by the digest of its cookie; and from where."""

    account: str | None
    session: str | None
    address: str


@dataclass(frozen=True)
class Start:
    """How a job is started: from which queue, and what the planner expects."""

    queue: str
    cost: float | None


@dataclass(frozen=True)
class Result:
    """A result in the job's folder."""

    file: str
    media_type: str
    size: int
    sha256: str


def create(
    archive: Archive, task: str, parameters: dict[str, list[str]], *, caller: Caller, run_id: str | None
) -> UwsJob:
    """Make a job in phase PENDING.

    Raises
    ------
    NotNow
        The account was closed or removed since the request began.
    QuotaExceeded
        The client has too many jobs.
    """
    settings = archive.settings
    with archive.database.transaction() as session:
        if caller.account is not None:
            _hold(session, caller.account)
        _check_kept(session, caller, settings.async_kept_limit)
        job = jobs.add(session, task, {}, queue=QUERY_SLOW)
        made = UwsJob(
            job_id=job.job_id,
            owner=caller.account,
            session=caller.session if caller.account is None else None,
            address=caller.address,
            run_id=run_id,
            parameters=parameters,
            execution_duration=settings.async_duration_default,
            destruction=job.created + timedelta(days=settings.async_retention_default),
            job=job,
        )
        session.add(made)
    return made


def find(database: Database, job_id: str) -> UwsJob | None:
    """Return a job, or None."""
    with database.reading() as session:
        return session.get(UwsJob, job_id)


def visible(job: UwsJob, caller: Caller) -> bool:
    """Tell whether a client may know of a job: an account's job is its own, others are known by their identifier."""
    return job.owner is None or job.owner == caller.account


def listed(
    database: Database,
    caller: Caller,
    *,
    phases: Sequence[Phase] | None = None,
    after: datetime | None,
    last: int | None,
) -> list[UwsJob]:
    """Return a client's own jobs, the oldest first: in these phases, made after a time, the ``last`` youngest."""
    query = select(UwsJob).join(UwsJob.job).where(_own(caller)).order_by(Job.created.desc(), Job.job_id).limit(last)
    if phases is not None:
        query = query.where(Job.phase.in_(phases))
    if after is not None:
        query = query.where(Job.created > after)
    with database.reading() as session:
        return list(reversed(session.scalars(query).all()))


def start(database: Database, job_id: str, how: Start, *, most: int) -> None:
    """Queue a PENDING job.

    Raises
    ------
    NotNow
        It is not PENDING.
    QuotaExceeded
        Its client has ``most`` jobs queued or executing.
    """
    with database.transaction() as session:
        job = _locked(session, job_id)
        if job.job.phase != Phase.PENDING:
            raise NotNow(f"the job is {job.job.phase}; only a PENDING job can be run")
        _check_active(session, job, most)
        job.cost = how.cost
        job.job.queue, job.job.priority = how.queue, PRIORITY[how.queue]
        job.quote = _now() + timedelta(seconds=min((how.cost or 0.0) / COST_A_SECOND + 1.0, job.execution_duration))
        jobs.enqueue(session, job.job)


def change(database: Database, job_id: str, **values: Any) -> None:
    """Change ``destruction``, or, before the job is run, ``execution_duration``, ``run_id`` or ``parameters``.

    Parameters are laid over those that the job has.

    Raises
    ------
    NotNow
        The job is not PENDING any more.
    """
    with database.transaction() as session:
        job = _locked(session, job_id)
        if values.keys() - {"destruction"} and job.job.phase != Phase.PENDING:
            raise NotNow(f"the job is {job.job.phase}; this can be changed only while it is PENDING")
        if "parameters" in values:
            values["parameters"] = {**job.parameters, **values["parameters"]}
        for name, value in values.items():
            setattr(job, name, value)


def abort(database: Database, job_id: str, *, reason: str | None = None) -> None:
    """Abort a job: what it does in the database ends, too.

    The backend is ended, not only its query, so that none slips through that is about to begin.

    Raises
    ------
    NotNow
        It has ended already, and not so.
    """
    with database.transaction() as session:
        moved = jobs.move(session, job_id, Phase.ABORTED, ended=_now(), error=reason)
        if moved:
            jobs.record(session, job_id, What.ABORTED, reason)
        elif (phase := session.scalar(select(Job.phase).where(Job.job_id == job_id))) != Phase.ABORTED:
            raise NotNow(f"the job is {phase}; it cannot be aborted")
    end_backends(database, job_id)
    log.info("job aborted", job=job_id)


def end_backends(database: Database, job_id: str) -> None:
    """End what a job does in the database; its connections there carry its identifier as their name."""
    with database.transaction() as session:
        session.execute(END_BACKENDS, {"job": job_id})


def destroy(archive: Archive, job_id: str) -> None:
    """Remove a job with its result; one that is at work is aborted first."""
    with suppress(NotNow):  # it has ended
        abort(archive.database, job_id)
    with archive.database.transaction() as session:
        session.execute(delete(Job).where(Job.job_id == job_id))
        jobs.tell(session, job_id, Phase.ABORTED)
    shutil.rmtree(folder(archive.settings, job_id), ignore_errors=True)


def record_result(database: Database, job_id: str, result: Result) -> None:
    """Record what a job made."""
    with database.transaction() as session:
        session.execute(
            update(UwsJob)
            .where(UwsJob.job_id == job_id)
            .values(
                result_file=result.file,
                result_type=result.media_type,
                result_size=result.size,
                result_sha256=result.sha256,
            )
        )


def folder(settings: Settings, job_id: str) -> Path:
    """Return the folder for a job's files; it need not exist."""
    return settings.root / "results" / job_id


def sweep(archive: Archive) -> int:
    """Remove the jobs whose time is over, and what nobody owns any more; returns how many jobs."""
    with archive.database.reading() as session:
        over = session.scalars(select(UwsJob.job_id).where(UwsJob.destruction <= _now())).all()
    for job_id in over:
        destroy(archive, job_id)
        log.info("job destroyed", job=job_id)
    with archive.database.transaction() as session:
        old_jobs.forget_entries(session)
    _sweep_folders(archive)
    return len(over)


def _sweep_folders(archive: Archive) -> None:
    """Remove folders without a job: a kill came between the one and the other."""
    kept = folder(archive.settings, "")
    young = time.time() - ORPHAN_SECONDS
    for found in list(kept.iterdir()) if kept.is_dir() else ():
        try:
            if found.stat().st_mtime < young and find(archive.database, found.name) is None:
                shutil.rmtree(found, ignore_errors=True)
        except FileNotFoundError:  # somebody else did
            continue


def _locked(session: Session, job_id: str) -> UwsJob:
    """Lock the job's row, then that of UWS, in the order in which a removal takes them: so neither waits for ever."""
    session.execute(select(Job.job_id).where(Job.job_id == job_id).with_for_update())
    try:
        return session.scalars(select(UwsJob).where(UwsJob.job_id == job_id).with_for_update(of=UwsJob)).unique().one()
    except exc.NoResultFound as error:
        raise NotNow("the job has been destroyed") from error


def _own(caller: Caller) -> ColumnElement[bool]:
    if caller.account is not None:
        return UwsJob.owner == caller.account
    return and_(UwsJob.owner.is_(None), UwsJob.session == caller.session)


def _of_client(owner: str | None, address: str) -> ColumnElement[bool]:
    return UwsJob.owner == owner if owner is not None else and_(UwsJob.owner.is_(None), UwsJob.address == address)


def _hold(session: Session, account: str) -> None:
    """Let an account not be closed before the transaction ends, so that who removes it finds all of its jobs."""
    query = select(Account.name).where(Account.name == account, Account.active).with_for_update(read=True)
    if session.scalar(query) is None:
        raise NotNow("the account has been closed")


def _check_kept(session: Session, caller: Caller, most: int) -> None:
    """Of two requests at once one waits here for the other, so that they cannot exceed the limit together."""
    _one_at_a_time(session, caller.account or caller.address)
    counted = session.scalar(select(func.count()).where(_of_client(caller.account, caller.address))) or 0
    if counted >= most:
        whose = "this account has" if caller.account else f"clients at {caller.address} have"
        raise QuotaExceeded(f"{whose} {counted} jobs, of at most {most}: delete some of them, or let them expire")


def _check_active(session: Session, job: UwsJob, most: int) -> None:
    _one_at_a_time(session, job.owner or job.address)
    query = select(func.count()).select_from(UwsJob).join(UwsJob.job)
    counted = session.scalar(query.where(_of_client(job.owner, job.address), Job.phase.in_(WORKING))) or 0
    if counted >= most:
        whose = "this account has" if job.owner else f"clients at {job.address} have"
        raise QuotaExceeded(f"{whose} {counted} jobs queued or executing, of at most {most}: wait for one, or abort it")


def _one_at_a_time(session: Session, whose: str) -> None:
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"quota {whose}", 0))))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
