"""What was written down at night: reports of observation blocks, weather, and the site's monitors.

A night bears the date, UTC, of twelve hours before: from noon to noon.  ``conditions`` shows every exposure together
with what is here.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped

from schema.base import Base, big_integer, column, hidden, table

__all__ = ["Ambient", "BlockReport", "Constraint", "Night", "ReportedExposure", "Weather"]


class Night(Base):
    """One night, as ESO's reports describe it."""

    __tablename__ = "night"
    __table_args__ = (table("survey", "The nights that reports are there of, with their weather in general."),)

    night: Mapped[str] = column(
        primary_key=True,
        doc="Date, UTC, of twelve hours before: YYYY-MM-DD.",
        ucd="time.epoch;meta.main",
        principal=True,
    )
    seeing_min: Mapped[float | None] = column(
        doc="Best seeing of the night.", unit="arcsec", ucd="instr.obsty.seeing;stat.min", principal=True
    )
    seeing_max: Mapped[float | None] = column(
        doc="Worst seeing of the night.", unit="arcsec", ucd="instr.obsty.seeing;stat.max", principal=True
    )
    humidity_min: Mapped[float | None] = column(
        doc="Lowest relative humidity, per cent.", ucd="obs.atmos.humidity;stat.min"
    )
    humidity_max: Mapped[float | None] = column(
        doc="Highest relative humidity, per cent.", ucd="obs.atmos.humidity;stat.max"
    )
    wind_min: Mapped[float | None] = column(doc="Lowest wind speed.", unit="m/s", ucd="phys.veloc;obs.atmos;stat.min")
    wind_max: Mapped[float | None] = column(doc="Highest wind speed.", unit="m/s", ucd="phys.veloc;obs.atmos;stat.max")
    temperature_min: Mapped[float | None] = column(
        doc="Lowest air temperature, Celsius.", ucd="phys.temperature;obs.atmos;stat.min"
    )
    temperature_max: Mapped[float | None] = column(
        doc="Highest air temperature, Celsius.", ucd="phys.temperature;obs.atmos;stat.max"
    )
    comment: Mapped[str | None] = column(doc="What the reports say of the night in general.", ucd="meta.note")


class Weather(Base):
    """What an observer saw of the sky at one moment."""

    __tablename__ = "weather"
    __table_args__ = (table("survey", "What the observers wrote of the sky, from the reports of the nights."),)

    night: Mapped[str] = column(
        None, ForeignKey("survey.night.night"), primary_key=True, doc="Night.", ucd="time.epoch", principal=True
    )
    observed: Mapped[datetime] = column(
        primary_key=True, doc="When, UTC.", ucd="time.epoch;obs", xtype="timestamp", principal=True
    )
    conditions: Mapped[str] = column(
        doc="Conditions in the observer's word: Photometric, Clear, ThinCirrus ...",
        ucd="meta.code;obs.atmos",
        principal=True,
    )
    comment: Mapped[str | None] = column(doc="What was written beside.", ucd="meta.note")


class BlockReport(Base):
    """ESO's report on one execution of an observation block."""

    __tablename__ = "block_report"
    __table_args__ = (
        Index("ix_block_report_ob", "eso_ob_id"),
        table("survey", "Reports on executions of observation blocks, with the grade that the observers gave."),
    )

    report_id: Mapped[str] = column(
        primary_key=True,
        doc="ESO OBS ID and OBS START; the first frame's where the report does not say them.",
        ucd="meta.id;meta.main",
        principal=True,
    )
    night: Mapped[str | None] = column(
        None, ForeignKey("survey.night.night"), doc="Night.", ucd="time.epoch", principal=True, index=True
    )
    eso_ob_id: Mapped[int | None] = column(big_integer(), doc="ESO OBS ID.", ucd="meta.id;obs", principal=True)
    ob_start: Mapped[datetime | None] = column(
        doc="Start of the execution (ESO OBS START), UTC.", ucd="time.start;obs", xtype="timestamp"
    )
    ob_name: Mapped[str | None] = column(doc="Name of the observation block.", ucd="meta.title;obs")
    target_name: Mapped[str | None] = column(doc="Target as the report has it.", ucd="meta.id;src", principal=True)
    run_id: Mapped[str | None] = column(doc="Programme with run letter.", ucd="meta.id;obs.proposal")
    instrument: Mapped[str | None] = column(doc="Instrument.", ucd="meta.id;instr")
    container: Mapped[str | None] = column(doc="Scheduling container.", ucd="meta.id")
    grade: Mapped[str | None] = column(
        doc="A within constraints, B mostly, C out of them, D out but accepted, X uncertain; none: empty.",
        ucd="meta.code.qual",
        principal=True,
    )
    completed: Mapped[int | None] = column(
        doc="1 when the grade completes the block (A, B, D), 0 when not.", ucd="meta.code.qual"
    )
    within_constraints: Mapped[int | None] = column(
        doc="1 when the grade says that the constraints were kept (A, B), 0 when not.", ucd="meta.code.qual"
    )
    comment: Mapped[str | None] = column(doc="What the observers wrote.", ucd="meta.note")
    source_sha256: Mapped[str] = column(doc="SHA-256 of the report.", ucd="meta.checksum")
    text: Mapped[str] = hidden(doc="The report, whole.")


class Constraint(Base):
    """One constraint of an observation block, and whether it was kept."""

    __tablename__ = "block_constraint"
    __table_args__ = (table("survey", "The constraints of observation blocks, asked for and kept or not."),)

    report_id: Mapped[str] = column(
        None,
        ForeignKey("survey.block_report.report_id", ondelete="CASCADE"),
        primary_key=True,
        doc="Report.",
        ucd="meta.id",
        principal=True,
    )
    name: Mapped[str] = column(
        primary_key=True,
        doc="What is constrained: Seeing, Sky transparency, Airmass ...",
        ucd="meta.id",
        principal=True,
    )
    fulfilled: Mapped[int | None] = column(
        doc="1 kept, 0 not kept, empty where the report does not judge.", ucd="meta.code.qual", principal=True
    )
    requested: Mapped[str | None] = column(doc="What was asked for, as written.", ucd="meta.note", principal=True)


class ReportedExposure(Base):
    """A frame that a report says was taken in its block."""

    __tablename__ = "reported_exposure"
    __table_args__ = (
        Index("ix_reported_exposure_dp_id", "dp_id"),
        table("survey", "The frames that the reports on observation blocks list."),
    )

    report_id: Mapped[str] = column(
        None,
        ForeignKey("survey.block_report.report_id", ondelete="CASCADE"),
        primary_key=True,
        doc="Report.",
        ucd="meta.id",
    )
    dp_id: Mapped[str] = column(primary_key=True, doc="Frame.", ucd="meta.id", principal=True)
    origfile: Mapped[str | None] = column(doc="Name that the instrument gave the file.", ucd="meta.id;meta.file")
    template: Mapped[str | None] = column(doc="Template that took it.", ucd="meta.id;obs.param")
    data_product: Mapped[str | None] = column(doc="Category, type and technique.", ucd="meta.code.class")
    ins_mode: Mapped[str | None] = column(doc="Instrument mode.", ucd="instr.setup")
    tpl_expno: Mapped[int | None] = column(doc="Number within the template.", ucd="meta.number")
    tpl_nexp: Mapped[int | None] = column(doc="Number of exposures that the template takes.", ucd="meta.number")
    exptime: Mapped[float | None] = column(doc="Integration time.", unit="s", ucd="time.duration;obs.exposure")
    airmass: Mapped[float | None] = column(doc="Airmass.", ucd="obs.airMass")
    dimm_fwhm: Mapped[float | None] = column(doc="Seeing of the site monitor.", unit="arcsec", ucd="instr.obsty.seeing")


class Ambient(Base):
    """One reading of one of the site's monitors."""

    __tablename__ = "ambient"
    __table_args__ = (
        Index("ix_ambient_observed", "observed"),
        table("survey", "Readings of the site's monitors of seeing, air and wind."),
    )

    quantity: Mapped[str] = column(
        primary_key=True,
        doc="What was read: dimm_seeing, coherence_time, humidity, wind_speed ...",
        ucd="meta.id",
        principal=True,
    )
    observed: Mapped[datetime] = column(
        primary_key=True, doc="When, UTC.", ucd="time.epoch;obs", xtype="timestamp", principal=True
    )
    reading: Mapped[float] = column(
        doc="What it showed, in the unit beside it.", ucd="stat.value;obs.atmos", principal=True
    )
    unit: Mapped[str] = column(doc="Its unit.", ucd="meta.unit", principal=True)
