"""How a product came to be, in the shape of the IVOA Provenance Data Model: activities, what they used and made.

The utypes are those of the model (``voprov``).  An entity of the model is a product of ``survey.product``, or a name.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped

from schema.base import Base, big_integer, column, hidden, table

__all__ = ["INPUT", "Activity", "Used", "WasGeneratedBy", "WasInformedBy"]

INPUT = "coalesce(product_id, entity)"
"""SQL for what an input is known by: the product, or the name of what was not held when it was used."""


class Activity(Base):
    """One run of one task: by this archive, or by the pipeline that made an ingested file."""

    __tablename__ = "activity"
    __table_args__ = (table("provenance", "Runs of tasks that made products.", utype="voprov:Activity"),)

    activity_id: Mapped[str] = column(
        primary_key=True, doc="Identifier.", ucd="meta.id;meta.main", utype="voprov:Activity.id", principal=True
    )
    name: Mapped[str] = column(
        doc="Name of the task or recipe.", ucd="meta.title", utype="voprov:Activity.name", principal=True
    )
    task_version: Mapped[int | None] = column(
        doc="Version of the task, where it is one of this archive: what it made is out of date when that is raised.",
        ucd="meta.version",
    )
    software: Mapped[str | None] = column(doc="Program and version.", ucd="meta.id;meta.software", principal=True)
    started: Mapped[datetime | None] = column(
        doc="Start, UTC.", ucd="time.start", utype="voprov:Activity.startTime", xtype="timestamp"
    )
    ended: Mapped[datetime | None] = column(
        doc="End, UTC.", ucd="time.end", utype="voprov:Activity.endTime", xtype="timestamp"
    )
    host: Mapped[str | None] = column(doc="Host that ran it.", ucd="meta.id;meta.software")
    job_id: Mapped[str | None] = column(doc="Job of this archive that ran it.", ucd="meta.id", index=True)
    parameters: Mapped[dict[str, Any]] = hidden(doc="Parameters by name.")


class Used(Base):
    """An input of an activity: a product of the archive, or the name of something that it does not hold."""

    __tablename__ = "used"
    __table_args__ = (
        Index("ix_used_input", text(INPUT)),
        table("provenance", "Inputs of activities.", utype="voprov:Used"),
    )

    used_id: Mapped[int] = column(big_integer(), primary_key=True, doc="Running number.", ucd="meta.id;meta.main")
    activity_id: Mapped[str] = column(
        None,
        ForeignKey("provenance.activity.activity_id"),
        doc="Activity.",
        ucd="meta.id",
        utype="voprov:Used.activity",
        principal=True,
        index=True,
    )
    entity: Mapped[str] = column(
        doc="Product identifier, or file name where the archive does not hold it.",
        ucd="meta.id",
        utype="voprov:Used.entity",
        principal=True,
        index=True,
    )
    role: Mapped[str] = column(
        doc="What it was used as, in ESO's tags.", ucd="meta.code.class", utype="voprov:Used.role", principal=True
    )
    product_id: Mapped[str | None] = column(
        None,
        ForeignKey("survey.product.product_id"),
        doc="Product, where the archive holds it.",
        ucd="meta.id",
        index=True,
    )
    md5: Mapped[str | None] = column(doc="MD5 of its data, where the header gives it.", ucd="meta.checksum")
    sha256: Mapped[str | None] = column(
        doc="SHA-256 of the file that was read, where this archive read it.", ucd="meta.checksum"
    )


class WasGeneratedBy(Base):
    """Which activity made a product."""

    __tablename__ = "was_generated_by"
    __table_args__ = (table("provenance", "Which activity made which product.", utype="voprov:WasGeneratedBy"),)

    product_id: Mapped[str] = column(
        None,
        ForeignKey("survey.product.product_id"),
        primary_key=True,
        doc="Product.",
        ucd="meta.id",
        utype="voprov:WasGeneratedBy.entity",
        principal=True,
    )
    activity_id: Mapped[str] = column(
        None,
        ForeignKey("provenance.activity.activity_id"),
        doc="Activity that made it.",
        ucd="meta.id",
        utype="voprov:WasGeneratedBy.activity",
        principal=True,
        index=True,
    )


class WasInformedBy(Base):
    """Which activity used what another one made, where what passed between them was not kept."""

    __tablename__ = "was_informed_by"
    __table_args__ = (table("provenance", "Which activity built on which earlier one.", utype="voprov:WasInformedBy"),)

    activity_id: Mapped[str] = column(
        None,
        ForeignKey("provenance.activity.activity_id"),
        primary_key=True,
        doc="The later activity.",
        ucd="meta.id",
        utype="voprov:WasInformedBy.informed",
        principal=True,
    )
    informant_id: Mapped[str] = column(
        None,
        ForeignKey("provenance.activity.activity_id"),
        primary_key=True,
        doc="The earlier activity.",
        ucd="meta.id",
        utype="voprov:WasInformedBy.informant",
        principal=True,
        index=True,
    )
