"""Master calibrations that the archive holds, and which calibrations belong to which frame.

The rules of the pipeline's cascade, and how they are applied, are in ``archive.association``.
"""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped

from schema.base import Base, column, table

__all__ = ["Association", "AssociationMember", "MasterCalibration"]


class MasterCalibration(Base):
    """One processed or static calibration: the product of the same identifier is its file."""

    __tablename__ = "master_calibration"
    __table_args__ = (
        Index("ix_master_calibration_tag", "tag", "mjd_obs"),
        table("survey", "Master and static calibrations of the MUSE pipeline that the archive holds."),
    )

    dp_id: Mapped[str] = column(
        None,
        ForeignKey("survey.product.product_id"),
        primary_key=True,
        doc="Identifier of the calibration.",
        ucd="meta.id;meta.main",
        principal=True,
    )
    tag: Mapped[str] = column(
        doc="What the pipeline calls it (ESO PRO CATG): MASTER_BIAS ...", ucd="meta.code.class", principal=True
    )
    origfile: Mapped[str | None] = column(doc="Name that the file had.", ucd="meta.id;meta.file")
    mjd_obs: Mapped[float | None] = column(
        doc="Start of the first raw frame, modified Julian date, UTC.", unit="d", ucd="time.start", principal=True
    )
    ins_mode: Mapped[str | None] = column(doc="Instrument mode.", ucd="instr.setup", principal=True)
    ins_field: Mapped[str | None] = column(doc="WFM or NFM.", ucd="instr.setup")
    detector_read_name: Mapped[str | None] = column(doc="Read-out mode.", ucd="meta.id;instr.det")


class Association(Base):
    """Whether all calibrations that a frame needs are there."""

    __tablename__ = "association"
    __table_args__ = (table("survey", "Per frame: whether the calibrations that it needs are there."),)

    dp_id: Mapped[str] = column(
        None,
        ForeignKey("survey.exposure.dp_id"),
        primary_key=True,
        doc="Frame.",
        ucd="meta.id;meta.main",
        principal=True,
    )
    mode: Mapped[str] = column(
        primary_key=True,
        doc="Raw2Raw for raw calibrations, Raw2Master for processed ones.",
        ucd="meta.code",
        principal=True,
    )
    complete: Mapped[int] = column(doc="1 when everything that is needed is there.", ucd="meta.code", principal=True)
    certified: Mapped[int] = column(
        doc="1 when it is complete and everything lies within the time that the rules allow.",
        ucd="meta.code",
        principal=True,
    )
    lacking: Mapped[str | None] = column(
        doc="What is missing, or too old, in words, separated by semicolons.", ucd="meta.note", principal=True
    )


class AssociationMember(Base):
    """A calibration file that belongs to a frame."""

    __tablename__ = "association_member"
    __table_args__ = (
        Index("ix_association_member_file_id", "file_id"),
        table("survey", "The calibrations that belong to each frame."),
    )

    dp_id: Mapped[str] = column(
        None,
        ForeignKey("survey.exposure.dp_id"),
        primary_key=True,
        doc="Frame that needs the calibration.",
        ucd="meta.id;meta.main",
        principal=True,
    )
    mode: Mapped[str] = column(primary_key=True, doc="Raw2Raw or Raw2Master.", ucd="meta.code", principal=True)
    tag: Mapped[str] = column(
        primary_key=True, doc="What the pipeline calls the file.", ucd="meta.code.class", principal=True
    )
    file_id: Mapped[str] = column(
        primary_key=True, doc="Raw frame or master calibration.", ucd="meta.id", principal=True
    )
    delta_mjd: Mapped[float | None] = column(
        doc="Start of the calibration minus start of the frame.", unit="d", ucd="time.interval", principal=True
    )
    within_rules: Mapped[int] = column(doc="1 when it lies within the time that the rules allow.", ucd="meta.code")
