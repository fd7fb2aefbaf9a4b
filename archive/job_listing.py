"""Jobs as pages show them: the active first, then the latest that ended, a page at a time; one with all its facts.

Read-only, and for everyone: the archive's own work only.  What clients ask is theirs, and not shown to others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, case, exists, select, tuple_, union
from sqlalchemy.orm import InstrumentedAttribute, Session

from archive.database import Database
from archive.queues import QUERY_FAST, QUERY_SLOW
from schema.jobs import ACTIVE, ENDED, Event, Job, Phase, Tally
from schema.products import Product
from schema.provenance import Activity, Used, WasGeneratedBy
from schema.uws import UwsJob

__all__ = ["After", "JobLine", "JobPage", "JobRecord", "Made", "Wanted", "find", "known_products", "listing", "tasks"]

PAGE: Final = 50
MOST_PRODUCTS: Final = 200
OWN: Final = ~exists().where(UwsJob.job_id == Job.job_id)
TURN: Final = case({Phase.EXECUTING: 0, Phase.QUEUED: 1}, value=Job.phase, else_=2)


class JobLine(NamedTuple):
    """A job in a list: the columns of ``jobs.job`` that are shown there."""

    job_id: str
    task: str
    parameters: dict[str, Any]
    phase: str
    created: datetime
    started: datetime | None
    ended: datetime | None
    worker: str | None
    progress: float
    progress_text: str | None
    error: str | None


class After(NamedTuple):
    """Where a page of ended jobs begins: behind the one that ended then."""

    ended: datetime
    job_id: str


@dataclass(frozen=True)
class Wanted:
    """What jobs are asked for; None: any."""

    phase: Phase | None = None
    task: str | None = None


@dataclass(frozen=True)
class JobPage:
    """A page: the active jobs (on the first page), those that ended, and where the next page begins, if any does."""

    active: Sequence[JobLine]
    more_active: bool
    ended: Sequence[JobLine]
    next: After | None


class Made(NamedTuple):
    """A product in connection with a job; ``name`` is what it was known by, ``product_id`` what it is held as."""

    name: str
    product_id: str | None
    role: str


@dataclass(frozen=True)
class JobRecord:
    """A job with its story, the products that it made, and what it made them from."""

    job: Job
    story: Sequence[Event]
    made: Sequence[Made]
    used: Sequence[Made]


def listing(database: Database, wanted: Wanted, *, after: After | None = None) -> JobPage:
    """Return a page of jobs."""
    with database.reading() as session:
        active = [] if after is not None or wanted.phase in ENDED else _active(session, wanted)
        ended = [] if wanted.phase in ACTIVE else _ended(session, wanted, after)
    last = ended[PAGE - 1] if len(ended) > PAGE else None
    following = After(last.ended, last.job_id) if last is not None and last.ended is not None else None
    return JobPage(active[:PAGE], len(active) > PAGE, ended[:PAGE], following)


def tasks(database: Database) -> list[str]:
    """Return the tasks of which there were jobs."""
    ended = select(Tally.task).where(Tally.queue.not_in((QUERY_FAST, QUERY_SLOW)))
    own = union(select(Job.task).where(Job.phase.in_(ACTIVE), OWN), ended)
    with database.reading() as session:
        return sorted(session.scalars(own))


def find(database: Database, job_id: str) -> JobRecord | None:
    """Return a job, or None when there is none, or it is a client's."""
    with database.reading() as session:
        job = session.scalar(select(Job).where(Job.job_id == job_id, OWN))
        if job is None:
            return None
        story = session.scalars(select(Event).where(Event.job_id == job_id).order_by(Event.event_id)).all()
        return JobRecord(job, story, _made(session, job_id), _used(session, job_id))


def known_products(database: Database, names: Iterable[str]) -> set[str]:
    """Return those of some names that are products."""
    with database.reading() as session:
        return set(session.scalars(select(Product.product_id).where(Product.product_id.in_(set(names)))))


def _active(session: Session, wanted: Wanted) -> list[JobLine]:
    """What is being done, then what comes next, then what waits for others."""
    order = (TURN, Job.priority.desc(), Job.queued, Job.created, Job.job_id)
    phases = ACTIVE if wanted.phase is None else (wanted.phase,)
    query = _lines(wanted).where(Job.phase.in_(phases)).order_by(*order)
    return _read(session, query)


def _ended(session: Session, wanted: Wanted, after: After | None) -> list[JobLine]:
    query = _lines(wanted).where(Job.ended.is_not(None)).order_by(Job.ended.desc(), Job.job_id.desc())
    if wanted.phase is not None:
        query = query.where(Job.phase == wanted.phase)
    if after is not None:
        query = query.where(tuple_(Job.ended, Job.job_id) < tuple_(after.ended, after.job_id))
    return _read(session, query)


def _lines(wanted: Wanted) -> Select[Any]:
    columns: list[InstrumentedAttribute[Any]] = [getattr(Job, name) for name in JobLine._fields]
    conditions: list[ColumnElement[bool]] = [OWN] if wanted.task is None else [OWN, Job.task == wanted.task]
    return select(*columns).where(*conditions).limit(PAGE + 1)


def _read(session: Session, query: Select[Any]) -> list[JobLine]:
    return [JobLine(*row) for row in session.execute(query)]


def _made(session: Session, job_id: str) -> list[Made]:
    query = (
        select(WasGeneratedBy.product_id, WasGeneratedBy.product_id, Product.kind)
        .join(Activity, Activity.activity_id == WasGeneratedBy.activity_id)
        .join(Product, Product.product_id == WasGeneratedBy.product_id)
        .where(Activity.job_id == job_id)
        .order_by(WasGeneratedBy.product_id)
        .limit(MOST_PRODUCTS)
    )
    return [Made(*row) for row in session.execute(query)]


def _used(session: Session, job_id: str) -> list[Made]:
    query = (
        select(Used.entity, Used.product_id, Used.role)
        .join(Activity, Activity.activity_id == Used.activity_id)
        .where(Activity.job_id == job_id)
        .distinct()
        .order_by(Used.role, Used.entity)
        .limit(MOST_PRODUCTS)
    )
    return [Made(*row) for row in session.execute(query)]
