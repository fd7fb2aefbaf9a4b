"""Work to be done, with the phases of the Universal Worker Service (UWS 1.1), whatever the work is; and its story."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped

from schema.base import Base, big_integer, hidden, table

__all__ = ["ACTIVE", "ENDED", "Event", "Job", "Phase", "Tally", "What", "Worker"]


class Phase(StrEnum):
    """UWS execution phases."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    EXECUTING = "EXECUTING"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    ABORTED = "ABORTED"


TRANSITIONS: Final[dict[Phase, frozenset[Phase]]] = {  # a job whose worker died goes back from EXECUTING to QUEUED
    Phase.PENDING: frozenset({Phase.QUEUED, Phase.ABORTED}),
    Phase.QUEUED: frozenset({Phase.EXECUTING, Phase.ABORTED, Phase.ERROR}),
    Phase.EXECUTING: frozenset({Phase.QUEUED, Phase.COMPLETED, Phase.ERROR, Phase.ABORTED}),
    Phase.COMPLETED: frozenset(),
    Phase.ERROR: frozenset(),
    Phase.ABORTED: frozenset(),
}

ACTIVE: Final = (Phase.PENDING, Phase.QUEUED, Phase.EXECUTING)
ENDED: Final = (Phase.COMPLETED, Phase.ERROR, Phase.ABORTED)
ACTIVE_SQL: Final = text("phase IN ('PENDING', 'QUEUED', 'EXECUTING')")


class Job(Base):
    """One piece of work.  At most one active job exists for the same work (``work_key``)."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("phase IN ('PENDING', 'QUEUED', 'EXECUTING', 'COMPLETED', 'ERROR', 'ABORTED')", name="phase"),
        Index("ix_job_active_work", "work_key", unique=True, postgresql_where=ACTIVE_SQL),
        Index("ix_job_active", "queue", "phase", "queued", postgresql_where=ACTIVE_SQL),
        Index("ix_job_phase_ended", "phase", "ended"),
        Index("ix_job_task_ended", "task", "ended"),
        Index("ix_job_after", "after", postgresql_using="gin", postgresql_where=text("after IS NOT NULL")),
        table("jobs", "Work to be done and work that was done.", published=False),
    )

    job_id: Mapped[str] = hidden(primary_key=True, doc="Identifier.")
    task: Mapped[str] = hidden(doc="Task of the cascade.")
    parameters: Mapped[dict[str, Any]] = hidden(doc="What the task is called with.")
    work_key: Mapped[str] = hidden(doc="Digest of task and parameters: the same work has the same key.")
    phase: Mapped[str] = hidden(doc="UWS phase.")
    created: Mapped[datetime] = hidden(doc="When it was submitted, UTC.", index=True)
    queued: Mapped[datetime | None] = hidden(doc="When it was put into the queue, UTC.")
    started: Mapped[datetime | None] = hidden(doc="When a worker last began it, UTC.")
    ended: Mapped[datetime | None] = hidden(doc="When it reached its last phase, UTC.", index=True)
    after: Mapped[list[str] | None] = hidden(doc="Jobs that must complete before it is queued.")
    queue: Mapped[str] = hidden(doc="Queue that workers take it from.", server_default="processing")
    priority: Mapped[int] = hidden(doc="The higher is taken first.", server_default="0")
    cores: Mapped[int] = hidden(doc="Processors that it keeps busy.", server_default="1")
    memory: Mapped[int] = hidden(big_integer(), doc="Bytes of memory that it may take, 0: any.", server_default="0")
    timeout: Mapped[float | None] = hidden(doc="Seconds after which it is ended; empty: never.")
    worker: Mapped[str | None] = hidden(doc="Who began it last: host and process.")
    attempts: Mapped[int] = hidden(doc="How often a worker began it and did not give it back.", server_default="0")
    faults: Mapped[int] = hidden(doc="How often it failed for reasons that may pass.", server_default="0")
    progress: Mapped[float] = hidden(doc="Part done, 0 to 1.", server_default="0")
    progress_text: Mapped[str | None] = hidden(doc="What it is doing, in words.")
    error: Mapped[str | None] = hidden(doc="Why it failed, for people.")
    queue_id: Mapped[int | None] = hidden(big_integer(), doc="Number of the entry in the queue.", index=True)


class What(StrEnum):
    """What can happen to a job."""

    SUBMITTED = "submitted"
    BEGUN = "begun"
    POSTPONED = "postponed"
    INTERRUPTED = "interrupted"
    LOST = "lost"
    COMPLETED = "completed"
    FAILED = "failed"
    ABORTED = "aborted"


class Event(Base):
    """Something that happened to a job: together they tell its story, whoever died meanwhile."""

    __tablename__ = "event"
    __table_args__ = (table("jobs", "What happened to the jobs.", published=False),)

    event_id: Mapped[int] = hidden(big_integer(), primary_key=True, doc="Running number.")
    job_id: Mapped[str] = hidden(None, ForeignKey(Job.job_id, ondelete="CASCADE"), doc="Job.", index=True)
    at: Mapped[datetime] = hidden(doc="When, UTC.")
    what: Mapped[str] = hidden(doc="What happened, in one word.")
    worker: Mapped[str | None] = hidden(doc="Who says so: host and process.")
    words: Mapped[str | None] = hidden(doc="More of it, for people.")


class Worker(Base):
    """A worker that takes jobs, for as long as it does; whether it lives, the queue's own table of workers tells."""

    __tablename__ = "worker"
    __table_args__ = (table("jobs", "Workers that take jobs from the queues.", published=False),)

    worker_id: Mapped[int] = hidden(
        big_integer(), primary_key=True, autoincrement=False, doc="Number that the queue gave it."
    )
    host: Mapped[str] = hidden(doc="Host that it runs on.")
    pid: Mapped[int] = hidden(doc="Its process there.")
    cores: Mapped[int] = hidden(doc="Processors that it keeps busy: so many jobs of one core at once.")
    memory: Mapped[int | None] = hidden(big_integer(), doc="Bytes of memory for its jobs; empty: not counted.")
    queues: Mapped[list[str] | None] = hidden(doc="Queues that it takes jobs from; empty: all.")
    started: Mapped[datetime] = hidden(doc="When it began to take jobs, UTC.")


class Tally(Base):
    """How many jobs ended how, and how long they took: it still knows when the jobs themselves are removed.

    A row is added at the end of each job, so that nobody waits for anybody; now and then all are summed up to few.
    """

    __tablename__ = "tally"
    __table_args__ = (table("jobs", "Jobs that ended, counted.", published=False),)

    tally_id: Mapped[int] = hidden(big_integer(), primary_key=True, doc="Running number.")
    queue: Mapped[str] = hidden(doc="Queue that they were taken from.")
    task: Mapped[str] = hidden(doc="Task.")
    phase: Mapped[str] = hidden(doc="Last phase.")
    jobs: Mapped[int] = hidden(big_integer(), doc="How many.")
    seconds: Mapped[float] = hidden(doc="Seconds that they took in all, each from its last beginning.")
