"""What a job that a client of the Virtual Observatory made has beside its phase: parameters, limits, owner, result.

The phase itself, and when it began and ended, stand in ``jobs.job``, as for all work.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, relationship

from schema.base import Base, big_integer, hidden, table
from schema.jobs import Job

__all__ = ["UwsJob"]


class UwsJob(Base):
    """A job by the Universal Worker Service (UWS 1.1)."""

    __tablename__ = "uws"
    __table_args__ = (table("jobs", "Jobs of clients, by the Universal Worker Service.", published=False),)

    job_id: Mapped[str] = hidden(None, ForeignKey(Job.job_id, ondelete="CASCADE"), primary_key=True, doc="Identifier.")
    owner: Mapped[str | None] = hidden(doc="Account that made it; empty for anonymous clients.", index=True)
    session: Mapped[str | None] = hidden(doc="Digest of an anonymous client's cookie: it sees its own.", index=True)
    address: Mapped[str] = hidden(doc="Network address that it was made from, for quotas.", index=True)
    run_id: Mapped[str | None] = hidden(doc="What the client calls it.")
    parameters: Mapped[dict[str, Any]] = hidden(doc="Parameters, name in capitals to list of values.")
    execution_duration: Mapped[int] = hidden(doc="Seconds that it may run.")
    destruction: Mapped[datetime] = hidden(doc="When job and result are removed, UTC.", index=True)
    quote: Mapped[datetime | None] = hidden(doc="When it is expected to end, UTC.")
    cost: Mapped[float | None] = hidden(doc="The planner's estimate of its cost, PostgreSQL's units.")
    result_file: Mapped[str | None] = hidden(doc="Name of the result's file in the job's folder.")
    result_type: Mapped[str | None] = hidden(doc="Media type of the result.")
    result_size: Mapped[int | None] = hidden(big_integer(), doc="Length of the result in bytes.")
    result_sha256: Mapped[str | None] = hidden(doc="Checksum of the result, hexadecimal.")

    job: Mapped[Job] = relationship(lazy="joined", innerjoin=True)
