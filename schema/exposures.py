"""Raw frames: what the telescope wrote, from its own headers, one row a frame of science, sky, standard or calibration.

Modelled on what ESO publishes of MUSE (``ist.MUSE``).  The file of a frame that the archive holds is the product of the
same identifier; frames that are only heard of, from the headers of products or from ESO's listings, have a row too.
What the log says of the night is in ``nights``; which calibrations belong to a frame in ``calibrations``.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index
from sqlalchemy.orm import Mapped

from schema.base import Base, SPoly, big_integer, column, hidden, region, table
from schema.observations import POSITION

__all__ = ["Exposure", "KnownFrom"]


class KnownFrom(StrEnum):
    """Where the facts of a frame come from, the best last."""

    PRODUCT = "product"
    ESO = "eso"
    HEADER = "header"


class Exposure(Base):
    """One raw frame, known from its own header, from ESO's listing, or from the header of a product made from it."""

    __tablename__ = "exposure"
    __table_args__ = (
        CheckConstraint("known_from IN ('product', 'eso', 'header')", name="known_from"),
        Index("ix_exposure_position", POSITION, postgresql_using="gist"),
        Index("ix_exposure_footprint", "footprint_spoly", postgresql_using="gist"),
        Index("ix_exposure_calibration", "raw_tag", "mjd_obs"),
        Index("ix_exposure_night", "night", "mjd_obs"),
        Index("ix_exposure_target", "target", "mjd_obs"),
        Index("ix_exposure_programme", "programme_id", "mjd_obs"),
        Index("ix_exposure_programme_tag", "programme_id", "raw_tag", "mjd_obs"),
        Index("ix_exposure_ob", "eso_ob_id", "ob_start"),
        Index("ix_exposure_run", "run_id", postgresql_ops={"run_id": "text_pattern_ops"}),
        table("survey", "Raw exposures that the archive knows of: science, sky, standards and calibrations."),
    )

    dp_id: Mapped[str] = column(
        primary_key=True, doc="ESO data product identifier of the raw frame.", ucd="meta.id;meta.main", principal=True
    )
    known_from: Mapped[str] = column(
        doc="header where the frame's own was read, eso for ESO's listing, product for a product's header.",
        ucd="meta.note",
        server_default=KnownFrom.PRODUCT,
    )
    origfile: Mapped[str | None] = column(doc="Name that the instrument gave the file.", ucd="meta.id;meta.file")
    instrument: Mapped[str | None] = column(doc="Instrument.", ucd="meta.id;instr")
    telescope: Mapped[str | None] = column(doc="Telescope.", ucd="meta.id;instr.tel")

    # What sort of frame it is.
    dp_cat: Mapped[str | None] = column(
        doc="Category: SCIENCE, CALIB and so on (ESO DPR CATG).", ucd="meta.code.class", principal=True
    )
    dp_type: Mapped[str | None] = column(
        doc="Type: OBJECT, SKY, STD, BIAS and so on (ESO DPR TYPE).", ucd="meta.code.class", principal=True
    )
    dp_tech: Mapped[str | None] = column(doc="Technique (ESO DPR TECH).", ucd="meta.code.class")
    raw_tag: Mapped[str | None] = column(
        doc="What the MUSE pipeline calls such a frame: OBJECT, SKY, STD, BIAS, FLAT, ARC ...", ucd="meta.code.class"
    )

    # What the archive ties it to.
    night: Mapped[str | None] = column(
        doc="Night: the date, UTC, of twelve hours before the start.", ucd="time.epoch", principal=True
    )
    observing_block_id: Mapped[str | None] = column(
        None,
        ForeignKey("survey.observing_block.observing_block_id"),
        doc="Observing block of the survey's log, where it is one of its exposures.",
        ucd="meta.id",
        index=True,
    )
    pointing_id: Mapped[str | None] = column(
        None,
        ForeignKey("survey.pointing.pointing_id"),
        doc="Pointing of the survey that was observed.",
        ucd="meta.id",
        index=True,
    )
    target: Mapped[str | None] = column(
        None, ForeignKey("survey.target.name"), doc="Galaxy of the survey that was observed.", ucd="meta.id;src"
    )
    rank: Mapped[int | None] = column(
        doc="Rank in time among the OBJECT frames of its template: the exposure number of the survey's log.",
        ucd="meta.number",
    )
    in_mosaic: Mapped[int | None] = column(
        doc="1 when the survey's log has the exposure in its mosaic, 0 when the log left it out.", ucd="meta.code"
    )

    # Programme, observation block, template.
    programme_id: Mapped[str | None] = column(
        None,
        ForeignKey("survey.programme.programme_id"),
        doc="Observing programme.",
        ucd="meta.id;obs.proposal",
    )
    run_id: Mapped[str | None] = column(doc="Programme with run letter (ESO OBS PROG ID).", ucd="meta.id;obs.proposal")
    pi_name: Mapped[str | None] = column(doc="Principal investigator.", ucd="meta.id.PI")
    eso_ob_id: Mapped[int | None] = column(big_integer(), doc="ESO OBS ID.", ucd="meta.id;obs")
    ob_name: Mapped[str | None] = column(doc="Name of the observation block.", ucd="meta.title;obs")
    ob_target: Mapped[str | None] = column(doc="Target that the observation block names.", ucd="meta.id;src")
    ob_start: Mapped[datetime | None] = column(
        doc="Start of the observation block, UTC.", ucd="time.start;obs", xtype="timestamp"
    )
    ob_tplno: Mapped[int | None] = column(doc="Number of the template in the block.", ucd="meta.number")
    ob_container_id: Mapped[int | None] = column(big_integer(), doc="Scheduling container.", ucd="meta.id")
    ob_container_type: Mapped[str | None] = column(doc="Type of the container.", ucd="meta.code")
    object: Mapped[str | None] = column(doc="Designation of what was observed.", ucd="meta.id;src", principal=True)
    tpl_id: Mapped[str | None] = column(doc="Signature of the observing template.", ucd="meta.id;obs.param")
    tpl_name: Mapped[str | None] = column(doc="Name of the observing template.", ucd="meta.title;obs.param")
    tpl_start: Mapped[datetime | None] = column(
        doc="Start of the template, UTC.", ucd="time.start;obs", xtype="timestamp", index=True
    )
    tpl_expno: Mapped[int | None] = column(doc="Number of the exposure within its template.", ucd="meta.number")
    tpl_nexp: Mapped[int | None] = column(doc="Number of exposures that the template takes.", ucd="meta.number")

    # Instrument and detectors.
    ins_mode: Mapped[str | None] = column(doc="Instrument mode.", ucd="instr.setup", principal=True)
    ao_mode: Mapped[str | None] = column(
        doc="AO where the mode uses adaptive optics, noAO elsewhere.", ucd="meta.code;instr.setup"
    )
    ins_filter: Mapped[str | None] = column(
        doc="Name in the filter wheel (INS OPTI1 NAME).", ucd="meta.id;instr.filter"
    )
    ins_field: Mapped[str | None] = column(doc="WFM or NFM (INS OPTI2 NAME).", ucd="instr.setup")
    rotator_mode: Mapped[str | None] = column(doc="Mode of the derotator.", ucd="instr.setup")
    rotator_angle: Mapped[float | None] = column(
        doc="Position angle of the derotator (INS DROT POSANG).", unit="deg", ucd="pos.posAng;instr"
    )
    ifu_temperature: Mapped[float | None] = column(
        doc="Temperature beside the IFUs (INS TEMP11), Celsius.", ucd="phys.temperature;instr"
    )
    detector_read_id: Mapped[int | None] = column(doc="Number of the read-out mode.", ucd="meta.id;instr.det")
    detector_read_name: Mapped[str | None] = column(doc="Read-out mode (DET READ CURNAME).", ucd="meta.id;instr.det")
    detector_binning_x: Mapped[int | None] = column(doc="Binning along x.", ucd="instr.setup")
    detector_binning_y: Mapped[int | None] = column(doc="Binning along y.", ucd="instr.setup")
    channels_present: Mapped[int | None] = column(doc="IFUs of 24 that the file has.", ucd="meta.number;instr.det")
    channels_live: Mapped[int | None] = column(doc="IFUs of 24 whose detector was live.", ucd="meta.number;instr.det")
    sparta_tables: Mapped[int | None] = column(
        doc="1 when the file has the tables of the adaptive optics (SPARTA), 0 when not.", ucd="meta.code;instr.setup"
    )

    # Where and when.
    ra: Mapped[float | None] = column(
        doc="Right ascension of the pointing.", unit="deg", ucd="pos.eq.ra;meta.main", principal=True
    )
    dec: Mapped[float | None] = column(
        doc="Declination of the pointing.", unit="deg", ucd="pos.eq.dec;meta.main", principal=True
    )
    footprint: Mapped[list[float] | None] = region(
        doc="Field of view on the sky, ICRS: from pointing, derotator and size of the field.",
        ucd="pos.outline;instr.fov",
        geometry="footprint_spoly",
    )
    footprint_spoly: Mapped[str | None] = hidden(
        SPoly(),
        Computed("sphere.polygon(footprint)", persisted=True),
        doc="The footprint as pgSphere searches it.",
    )
    mjd_obs: Mapped[float | None] = column(
        doc="Start of the exposure, modified Julian date, UTC.", unit="d", ucd="time.start;obs.exposure", index=True
    )
    exp_start: Mapped[datetime | None] = column(
        doc="Start of the exposure, UTC.", ucd="time.start;obs.exposure", xtype="timestamp", index=True
    )
    date_obs: Mapped[datetime | None] = column(
        doc="DATE-OBS as the header has it, often rounded to seconds.", ucd="time.start;obs", xtype="timestamp"
    )
    utc: Mapped[float | None] = column(doc="Start, seconds after midnight UTC.", unit="s", ucd="time.start;obs")
    lst: Mapped[float | None] = column(doc="Local sidereal time at the start.", unit="s", ucd="time.start;obs")
    exptime: Mapped[float | None] = column(
        doc="Integration time.", unit="s", ucd="time.duration;obs.exposure", principal=True
    )
    tel_alt: Mapped[float | None] = column(doc="Altitude at the start.", unit="deg", ucd="pos.az.alt")
    tel_az: Mapped[float | None] = column(doc="Azimuth at the start, south 0, west 90.", unit="deg", ucd="pos.az.azi")
    airmass_start: Mapped[float | None] = column(doc="Airmass at the start.", ucd="obs.airMass")
    airmass_end: Mapped[float | None] = column(doc="Airmass at the end.", ucd="obs.airMass")
    parallactic_start: Mapped[float | None] = column(
        doc="Parallactic angle at the start.", unit="deg", ucd="pos.posAng"
    )
    parallactic_end: Mapped[float | None] = column(doc="Parallactic angle at the end.", unit="deg", ucd="pos.posAng")

    # Seeing, as four instruments saw it.
    dimm_fwhm_start: Mapped[float | None] = column(
        doc="Seeing of the site monitor at the start.", unit="arcsec", ucd="instr.obsty.seeing"
    )
    dimm_fwhm_end: Mapped[float | None] = column(
        doc="Seeing of the site monitor at the end.", unit="arcsec", ucd="instr.obsty.seeing"
    )
    sgs_fwhm: Mapped[float | None] = column(
        doc="Seeing of the slow guiding system: median.", unit="arcsec", ucd="instr.obsty.seeing;stat.median"
    )
    sgs_fwhm_rms: Mapped[float | None] = column(
        doc="Scatter of the seeing of the slow guiding system.", unit="arcsec", ucd="instr.obsty.seeing;stat.stdev"
    )
    autoguider_fwhm_x: Mapped[float | None] = column(
        doc="Seeing of the autoguider along x: mean.", unit="arcsec", ucd="instr.obsty.seeing;stat.mean"
    )
    autoguider_fwhm_y: Mapped[float | None] = column(
        doc="Seeing of the autoguider along y: mean.", unit="arcsec", ucd="instr.obsty.seeing;stat.mean"
    )
    ia_fwhm: Mapped[float | None] = column(
        doc="Seeing of the active optics' guide star, at zenith (TEL IA FWHM).", unit="arcsec", ucd="instr.obsty.seeing"
    )
    ia_fwhm_linear: Mapped[float | None] = column(
        doc="The same by a linear fit (TEL IA FWHMLIN).", unit="arcsec", ucd="instr.obsty.seeing"
    )

    # Air and Moon.
    coherence_time: Mapped[float | None] = column(
        doc="Coherence time of the atmosphere.", unit="s", ucd="time.duration;obs.atmos"
    )
    pressure_start: Mapped[float | None] = column(
        doc="Air pressure at the start.", unit="hPa", ucd="phys.pressure;obs.atmos"
    )
    pressure_end: Mapped[float | None] = column(
        doc="Air pressure at the end.", unit="hPa", ucd="phys.pressure;obs.atmos"
    )
    humidity: Mapped[float | None] = column(doc="Relative humidity, per cent.", ucd="obs.atmos.humidity")
    air_temperature: Mapped[float | None] = column(
        doc="Temperature of the air, Celsius.", ucd="phys.temperature;obs.atmos"
    )
    wind_direction: Mapped[float | None] = column(doc="Direction of the wind.", unit="deg", ucd="pos.posAng;obs.atmos")
    wind_speed: Mapped[float | None] = column(doc="Speed of the wind.", unit="m/s", ucd="phys.veloc;obs.atmos")
    water_vapour: Mapped[float | None] = column(doc="Integrated water vapour.", unit="mm", ucd="obs.atmos.water")
    moon_distance: Mapped[float | None] = column(
        doc="Distance between pointing and Moon.", unit="deg", ucd="pos.angDistance"
    )
    moon_illumination: Mapped[float | None] = column(doc="Illuminated part of the Moon, 0 to 1.", ucd="instr.skyLevel")

    # When it may be seen, and when the archive learnt of it.
    public_from: Mapped[datetime | None] = column(
        doc="When the frame becomes public, UTC; empty when it is or nobody said.",
        ucd="time.release",
        xtype="timestamp",
    )
    modified: Mapped[datetime | None] = column(
        doc="When the archive last learnt something of the frame, UTC.",
        ucd="time.processing",
        xtype="timestamp",
        index=True,
    )
    access_estsize: Mapped[int | None] = column(
        big_integer(), doc="Size of the file as ESO has it.", unit="kbyte", ucd="phys.size;meta.file"
    )
