"""Who observes what, and where: programmes, targets, pointings, observing blocks.

A pointing is one MUSE field of a target's mosaic; an observing block is one execution of a template (one TPL START)
on a pointing.  The raw frames are in ``exposures``, the nights in ``nights``, what is made of them in ``products``.
"""

from datetime import datetime

from sqlalchemy import Computed, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped

from schema.base import Base, SPoly, big_integer, column, hidden, region, table

__all__ = ["POSITION", "ObservingBlock", "Pointing", "Programme", "Target"]

FOOTPRINT_SPOLY = "sphere.polygon(footprint)"
POSITION = text("spoint(radians(ra), radians(dec))")


class Programme(Base):
    """An ESO observing programme."""

    __tablename__ = "programme"
    __table_args__ = (table("survey", "ESO observing programmes whose data the archive holds or expects."),)

    programme_id: Mapped[str] = column(
        primary_key=True, doc="ESO programme number without the run letter.", ucd="meta.id;obs.proposal", principal=True
    )
    name: Mapped[str | None] = column(doc="Name under which the programme is known.", ucd="meta.title;obs.proposal")
    pi_name: Mapped[str | None] = column(doc="Principal investigator.", ucd="meta.id.PI")
    role: Mapped[str | None] = column(
        doc="Part it plays in the survey: main, pilot or archival; empty for a foreign one.",
        ucd="meta.code",
        principal=True,
    )


class Target(Base):
    """A galaxy of the survey (Table 1 of its release description)."""

    __tablename__ = "target"
    __table_args__ = (
        Index("ix_target_position", POSITION, postgresql_using="gist"),
        table("survey", "The galaxies of the survey, with what the release says of each."),
    )

    name: Mapped[str] = column(
        primary_key=True, doc="Name of the galaxy, as used in file names.", ucd="meta.id;meta.main;src", principal=True
    )
    release_id: Mapped[str] = column(
        None, ForeignKey("survey.release.release_id"), doc="Release that describes the galaxy.", ucd="meta.id"
    )
    ra: Mapped[float | None] = column(
        doc="Right ascension of the centre, ICRS.", unit="deg", ucd="pos.eq.ra;meta.main", principal=True
    )
    dec: Mapped[float | None] = column(
        doc="Declination of the centre, ICRS.", unit="deg", ucd="pos.eq.dec;meta.main", principal=True
    )
    dist: Mapped[float] = column(doc="Distance.", unit="Mpc", ucd="pos.distance;src", principal=True)
    log_stellar_mass: Mapped[float] = column(
        doc="Decimal logarithm of the stellar mass in solar masses.", unit="log(solMass)", ucd="phys.mass;src"
    )
    log_sfr: Mapped[float] = column(
        doc="Decimal logarithm of the star formation rate in solar masses a year.",
        unit="log(solMass/yr)",
        ucd="phys.SFR;src",
    )
    ebv: Mapped[float] = column(
        doc="Foreground reddening E(B-V) of the Milky Way.", unit="mag", ucd="phys.absorption.gal"
    )
    scale: Mapped[float] = column(
        doc="Length at the galaxy that one arcsecond spans.", unit="pc/arcsec", ucd="instr.scale"
    )
    psf_fwhm: Mapped[float] = column(
        doc="FWHM of the Moffat PSF in the R band: mean over the pointings.",
        unit="arcsec",
        ucd="instr.obsty.seeing;stat.mean",
    )
    psf_fwhm_plus: Mapped[float] = column(
        doc="Largest FWHM among the pointings minus the mean.", unit="arcsec", ucd="instr.obsty.seeing;stat.max"
    )
    psf_fwhm_minus: Mapped[float] = column(
        doc="Mean minus the smallest FWHM among the pointings.", unit="arcsec", ucd="instr.obsty.seeing;stat.min"
    )
    copt_fwhm: Mapped[float] = column(
        doc="FWHM of the Gaussian PSF of the homogenised (copt) mosaic.",
        unit="arcsec",
        ucd="instr.det.psf",
        principal=True,
    )
    systemic_velocity: Mapped[float | None] = column(
        doc="Systemic velocity, radio local standard of rest.", unit="km/s", ucd="spect.dopplerVeloc"
    )
    position_angle: Mapped[float | None] = column(
        doc="Position angle of the receding side of the disk, east of north.", unit="deg", ucd="pos.posAng"
    )
    inclination: Mapped[float | None] = column(
        doc="Inclination of the disk.", unit="deg", ucd="src.orbital.inclination"
    )


class Pointing(Base):
    """One MUSE field of a target's mosaic (a row of Table 2)."""

    __tablename__ = "pointing"
    __table_args__ = (
        UniqueConstraint("target", "number"),
        Index("ix_pointing_position", POSITION, postgresql_using="gist"),
        Index("ix_pointing_footprint", "footprint_spoly", postgresql_using="gist"),
        table("survey", "The pointings of the mosaics, one MUSE field of view each."),
    )

    pointing_id: Mapped[str] = column(
        primary_key=True, doc="Galaxy and pointing number, as in NGC0628-P03.", ucd="meta.id;meta.main", principal=True
    )
    target: Mapped[str] = column(
        None,
        ForeignKey("survey.target.name"),
        doc="Galaxy that the pointing belongs to.",
        ucd="meta.id;src",
        index=True,
    )
    number: Mapped[int] = column(doc="Number of the pointing within its galaxy.", ucd="meta.number", principal=True)
    ra: Mapped[float] = column(
        doc="Right ascension of the first exposure, ICRS.", unit="deg", ucd="pos.eq.ra;meta.main", principal=True
    )
    dec: Mapped[float] = column(
        doc="Declination of the first exposure, ICRS.", unit="deg", ucd="pos.eq.dec;meta.main", principal=True
    )
    psf_fwhm: Mapped[float] = column(
        doc="FWHM of the PSF on the combined data of the pointing.",
        unit="arcsec",
        ucd="instr.obsty.seeing",
        principal=True,
    )
    ao_mode: Mapped[str] = column(
        doc="AO where ground-layer adaptive optics was on, noAO elsewhere.", ucd="meta.code;instr.setup", principal=True
    )
    position_angle: Mapped[float | None] = column(
        doc="Position angle of the field modulo 90, east of north.", unit="deg", ucd="pos.posAng;instr.fov"
    )
    position_angle_origin: Mapped[str | None] = column(
        doc="How the angle is known: mosaic (inferred from the spacing of neighbours) or header.", ucd="meta.note"
    )
    footprint: Mapped[list[float] | None] = region(
        doc="Field of view on the sky, ICRS.", ucd="pos.outline;instr.fov", geometry="footprint_spoly"
    )
    footprint_spoly: Mapped[str | None] = hidden(
        SPoly(), Computed(FOOTPRINT_SPOLY, persisted=True), doc="The footprint as pgSphere searches it."
    )


class ObservingBlock(Base):
    """One execution of the observing template on a pointing: one TPL START."""

    __tablename__ = "observing_block"
    __table_args__ = (table("survey", "The observing blocks, one start of an observing template each."),)

    observing_block_id: Mapped[str] = column(
        primary_key=True, doc="TPL. followed by the template's start, UTC.", ucd="meta.id;meta.main", principal=True
    )
    pointing_id: Mapped[str] = column(
        None,
        ForeignKey("survey.pointing.pointing_id"),
        doc="Pointing that was observed.",
        ucd="meta.id",
        principal=True,
        index=True,
    )
    printed_pointing_id: Mapped[str] = column(
        doc="Pointing under which the description prints the block; see survey.erratum where it differs.",
        ucd="meta.id",
    )
    tpl_start: Mapped[datetime] = column(
        doc="Start of the template (ESO TPL START), UTC.",
        ucd="time.start;obs",
        xtype="timestamp",
        principal=True,
        index=True,
    )
    exposure_numbers: Mapped[str] = column(
        doc="Ranks, within the block and in order of time, of the exposures in the mosaic.", ucd="meta.id;obs.exposure"
    )
    exposures_used: Mapped[int] = column(
        doc="Number of exposures in the mosaic.", ucd="meta.number;obs.exposure", principal=True
    )
    programme_id: Mapped[str | None] = column(
        None,
        ForeignKey("survey.programme.programme_id"),
        doc="Programme, known once the raw headers are.",
        ucd="meta.id;obs.proposal",
    )
    eso_ob_id: Mapped[int | None] = column(
        big_integer(), doc="ESO OBS ID, known once the raw headers are.", ucd="meta.id;obs"
    )
