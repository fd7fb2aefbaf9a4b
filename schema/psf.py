"""Which point spread function each pointing of a homogenised mosaic was taken to have, and what else is known of it."""

from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped

from schema.base import Base, column, table

__all__ = ["PsfOrigin", "PsfRow"]


class PsfOrigin(StrEnum):
    """Who says how wide it is."""

    LOG = "log"
    HEADER = "header"
    STARS = "stars"


class PsfRow(Base):
    """The Moffat profile of one pointing as one origin has it."""

    __tablename__ = "psf"
    __table_args__ = (
        table("survey", "Point spread functions of pointings, by origin, and which of them homogenised mosaics used."),
    )

    product_id: Mapped[str] = column(
        None,
        ForeignKey("survey.product.product_id"),
        primary_key=True,
        doc="Homogenised mosaic.",
        ucd="meta.id",
        principal=True,
    )
    pointing_id: Mapped[str] = column(
        None,
        ForeignKey("survey.pointing.pointing_id"),
        primary_key=True,
        doc="Pointing.",
        ucd="meta.id",
        principal=True,
    )
    origin: Mapped[str] = column(
        primary_key=True,
        doc="log of the survey, header of the exposures, or stars in them.",
        ucd="meta.code",
        principal=True,
    )
    used: Mapped[int] = column(
        doc="1 for the one that the mosaic was homogenised with, else 0.", ucd="meta.code", principal=True
    )
    fwhm: Mapped[float] = column(
        doc="FWHM at the wavelength of reference.", unit="arcsec", ucd="instr.det.psf", principal=True
    )
    fwhm_error: Mapped[float | None] = column(
        doc="Its error, where it was measured.", unit="arcsec", ucd="stat.error;instr.det.psf", principal=True
    )
    slope: Mapped[float] = column(
        doc="Change of the FWHM with wavelength.", unit="arcsec/nm", ucd="arith.rate;instr.det.psf"
    )
    slope_error: Mapped[float | None] = column(
        doc="Its error, where it was measured.", unit="arcsec/nm", ucd="stat.error"
    )
    wavelength: Mapped[float] = column(doc="Wavelength of reference, air.", unit="nm", ucd="em.wl")
    beta: Mapped[float] = column(doc="Exponent of the Moffat profile.", ucd="stat.param")
    n_stars: Mapped[int | None] = column(doc="Stars that were measured.", ucd="meta.number")
