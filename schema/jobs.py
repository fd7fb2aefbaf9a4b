"""Work to be done, with the phases of the Universal Worker Service (UWS 1.1), whatever the work is."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped

from schema.base import Base, big_integer, hidden, table

__all__ = ["ACTIVE", "Job", "Phase"]


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
ACTIVE_SQL: Final = text("phase IN ('PENDING', 'QUEUED', 'EXECUTING')")


class Job(Base):
    """One piece of work.  At most one active job exists for the same work (``work_key``)."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("phase IN ('PENDING', 'QUEUED', 'EXECUTING', 'COMPLETED', 'ERROR', 'ABORTED')", name="phase"),
        Index("ix_job_active_work", "work_key", unique=True, postgresql_where=ACTIVE_SQL),
        table("jobs", "Work to be done and work that was done.", published=False),
    )

    job_id: Mapped[str] = hidden(primary_key=True, doc="Identifier.")
    task: Mapped[str] = hidden(doc="Task of the cascade.")
    parameters: Mapped[dict[str, Any]] = hidden(doc="What the task is called with.")
    work_key: Mapped[str] = hidden(doc="Digest of task and parameters: the same work has the same key.")
    phase: Mapped[str] = hidden(doc="UWS phase.", index=True)
    created: Mapped[datetime] = hidden(doc="When it was submitted, UTC.")
    started: Mapped[datetime | None] = hidden(doc="When a worker last began it, UTC.")
    ended: Mapped[datetime | None] = hidden(doc="When it reached its last phase, UTC.")
    queue: Mapped[str] = hidden(doc="Queue that workers take it from.", server_default="default")
    attempts: Mapped[int] = hidden(doc="How often a worker began it.", server_default="0")
    progress: Mapped[float] = hidden(doc="Part done, 0 to 1.", server_default="0")
    progress_text: Mapped[str | None] = hidden(doc="What it is doing, in words.")
    error: Mapped[str | None] = hidden(doc="Why it failed, for people.")
    queue_id: Mapped[int | None] = hidden(big_integer(), doc="Number of the entry in the queue.")
