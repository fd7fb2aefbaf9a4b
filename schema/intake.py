"""What was offered to the archive and what became of it: nothing that was refused is forgotten.

A file that was refused is in quarantine: it stays where it is, is not read again unless it changes or somebody asks
for it, and is listed with the reason.  Every run of an ingest leaves a record.
"""

from datetime import datetime

from sqlalchemy.orm import Mapped

from schema.base import Base, big_integer, column, hidden, table

__all__ = ["Intake", "Run"]


class Intake(Base):
    """One file on an operator's disk, as it was when it was last looked at."""

    __tablename__ = "intake"
    __table_args__ = (table("archive", "Files offered for ingest and what became of them.", published=False),)

    path: Mapped[str] = hidden(primary_key=True, doc="Where the file was.")
    size: Mapped[int] = hidden(big_integer(), doc="Its length in bytes.")
    modified_ns: Mapped[int] = hidden(big_integer(), doc="Its time of modification, nanoseconds since 1970.")
    seen: Mapped[datetime] = hidden(doc="When it was last offered, UTC.")
    product_id: Mapped[str | None] = hidden(doc="Product that it became; empty when it was refused.", index=True)
    reason: Mapped[str | None] = hidden(doc="Why it was refused.")
    kind: Mapped[str] = hidden(
        doc="What it was offered as: products, exposures, nightlog ...", server_default="products"
    )


class Run(Base):
    """One run of an ingest: what it saw and what became of it."""

    __tablename__ = "ingest_run"
    __table_args__ = (table("survey", "The runs of ingests: what each saw, took and refused."),)

    run_id: Mapped[int] = column(primary_key=True, doc="Running number.", ucd="meta.id;meta.main", principal=True)
    kind: Mapped[str] = column(doc="What was taken in: exposures, products, eso ...", ucd="meta.code", principal=True)
    source: Mapped[str] = hidden(doc="Folders or programmes that were looked at.")
    started: Mapped[datetime] = column(
        doc="When it began, UTC.", ucd="time.start", xtype="timestamp", principal=True, index=True
    )
    ended: Mapped[datetime | None] = column(
        doc="When it ended, UTC; empty while it runs or when it was killed.", ucd="time.end", xtype="timestamp"
    )
    seconds: Mapped[float | None] = column(doc="How long it took.", unit="s", ucd="time.duration", principal=True)
    seen: Mapped[int] = column(doc="Files or rows that it looked at.", ucd="meta.number", principal=True)
    new: Mapped[int] = column(doc="Taken in.", ucd="meta.number", principal=True)
    changed: Mapped[int] = column(doc="Known, and brought up to date.", ucd="meta.number", principal=True)
    refused: Mapped[int] = column(doc="Refused, conflicts included.", ucd="meta.number", principal=True)
    postponed: Mapped[int] = column(doc="Left for the next run: still being written.", ucd="meta.number")
    error: Mapped[str | None] = column(doc="Why the run ended before its time.", ucd="meta.note", principal=True)
