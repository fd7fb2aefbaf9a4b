"""What the archive noticed: corrections to what was printed, and things that disagree.

Never silently accepted nor dropped: both are published, and pages show them beside what they concern.
"""

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from schema.base import Base, column, table

__all__ = ["Erratum", "Finding"]


class Erratum(Base):
    """A printed value that is known to be wrong, and the value that the archive uses."""

    __tablename__ = "erratum"
    __table_args__ = (table("survey", "Printed values that are known to be wrong, and what is used instead."),)

    release_id: Mapped[str] = column(
        None, ForeignKey("survey.release.release_id"), primary_key=True, doc="Release.", ucd="meta.id"
    )
    table_name: Mapped[str] = column(
        primary_key=True, doc="Table of this archive that the value is in.", ucd="meta.id;meta.table"
    )
    row_key: Mapped[str] = column(primary_key=True, doc="Key of the row.", ucd="meta.id", principal=True)
    column_name: Mapped[str] = column(primary_key=True, doc="Column of the value.", ucd="meta.id")
    printed: Mapped[str] = column(doc="The value as printed.", ucd="meta.note", principal=True)
    corrected: Mapped[str] = column(doc="The value that the archive uses.", ucd="meta.note", principal=True)
    reason: Mapped[str] = column(doc="Why.", ucd="meta.note")


class Finding(Base):
    """Two sources, or two places of one source, that do not agree."""

    __tablename__ = "finding"
    __table_args__ = (
        UniqueConstraint("origin", "kind", "subject"),
        Index("ix_finding_subject", "subject"),
        table("survey", "Disagreements found on ingest, for people to judge."),
    )

    finding_id: Mapped[int] = column(primary_key=True, doc="Running number.", ucd="meta.id;meta.main")
    origin: Mapped[str] = column(
        doc="What was being ingested: release:<id>, product:<id>, exposures, nightlog:<report>, conflict ...",
        ucd="meta.id",
        principal=True,
    )
    kind: Mapped[str] = column(doc="Sort of disagreement.", ucd="meta.code.class", principal=True)
    subject: Mapped[str] = column(
        doc="What it concerns: a galaxy, a pointing, an observing block.", ucd="meta.id", principal=True
    )
    message: Mapped[str] = column(doc="The disagreement in words, with both values.", ucd="meta.note", principal=True)
