"""How each exposure lies on the reference image of its galaxy, what it is scaled by, and what of it is masked."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped

from schema.base import Base, column, table

__all__ = ["Alignment", "Origin", "TrailMask"]


class Origin(StrEnum):
    """Who said so."""

    MEASURED = "measured"
    BY_HAND = "by hand"


class Alignment(Base):
    """The offset, rotation, flux scale and sky factor of one exposure; its product is the same as a file."""

    __tablename__ = "alignment"
    __table_args__ = (
        table("survey", "Per exposure: offset, rotation, flux scale and sky factor against the reference image."),
    )

    dp_id: Mapped[str] = column(
        None,
        ForeignKey("survey.exposure.dp_id"),
        primary_key=True,
        doc="Exposure.",
        ucd="meta.id;meta.main",
        principal=True,
    )
    product_id: Mapped[str] = column(
        None,
        ForeignKey("survey.product.product_id"),
        doc="Product that has the alignment as a file.",
        ucd="meta.id",
        unique=True,
    )
    reference_id: Mapped[str] = column(
        None, ForeignKey("survey.product.product_id"), doc="Reference image.", ucd="meta.id"
    )
    filter: Mapped[str] = column(doc="Band in which both were compared.", ucd="meta.id;instr.filter")
    ra_offset: Mapped[float] = column(
        doc="To be taken from the right ascension in the header; in coordinate, without cos(dec).",
        unit="deg",
        ucd="pos.eq.ra;arith.diff",
        principal=True,
    )
    dec_offset: Mapped[float] = column(
        doc="To be taken from the declination in the header.", unit="deg", ucd="pos.eq.dec;arith.diff", principal=True
    )
    offset_error: Mapped[float | None] = column(
        doc="Error of the offset, the larger of the two axes.", unit="arcsec", ucd="stat.error;pos"
    )
    rotation: Mapped[float] = column(
        doc="To be added to the angle of the derotator (INS DROT POSANG).",
        unit="deg",
        ucd="pos.posAng;arith.diff",
        principal=True,
    )
    rotation_error: Mapped[float | None] = column(doc="Error of the rotation.", unit="deg", ucd="stat.error;pos.posAng")
    flux_scale: Mapped[float] = column(
        doc="Flux scale a: reference = a x MUSE + b.", ucd="arith.factor;phot.flux.density", principal=True
    )
    flux_scale_error: Mapped[float | None] = column(doc="Error of the flux scale.", ucd="stat.error")
    background: Mapped[float] = column(
        doc="Background b of that line; the unit is 1e-20 erg/s/cm2/Angstrom.",
        unit="1e-13W.m**-3",
        ucd="phot.flux.density;instr.background",
        principal=True,
    )
    background_error: Mapped[float | None] = column(
        doc="Error of the background.",
        unit="1e-13W.m**-3",
        ucd="stat.error;instr.background",
    )
    sky_level: Mapped[float] = column(
        doc="Sky continuum that was taken off, through the band.",
        unit="1e-13W.m**-3",
        ucd="instr.skyLevel",
    )
    sky_factor: Mapped[float] = column(
        doc="Factor alpha of the sky continuum, 1 - b / (a sky_level).",
        ucd="arith.factor;instr.skyLevel",
        principal=True,
    )
    sky_factor_error: Mapped[float | None] = column(doc="Error of the sky factor.", ucd="stat.error")
    correlation: Mapped[float | None] = column(
        doc="Of the image and the model fitted to it, 0 to 1.", ucd="stat.correlation"
    )
    significance: Mapped[float | None] = column(doc="Sigmas of the first guess.", ucd="stat.snr")
    n_chunks: Mapped[int | None] = column(doc="Chunks of the images that the line is fitted to.", ucd="meta.number")
    n_rejected: Mapped[int | None] = column(doc="Chunks left out as outliers.", ucd="meta.number")
    chi2: Mapped[float | None] = column(doc="Chi-square of the line a degree of freedom.", ucd="stat.fit.chi2")
    quality: Mapped[str] = column(
        doc="good, or what is uncertain: offset, flux, sky, with blanks between.", ucd="meta.code.qual", principal=True
    )
    origin: Mapped[str] = column(doc="measured, or by hand.", ucd="meta.code", principal=True)
    note: Mapped[str | None] = column(doc="What whoever set it by hand says.", ucd="meta.note")
    made: Mapped[datetime] = column(doc="When it was measured or set, UTC.", ucd="time.creation", xtype="timestamp")


class TrailMask(Base):
    """A straight band across an exposure that is left out: the trail of a satellite."""

    __tablename__ = "trail_mask"
    __table_args__ = (table("survey", "Straight bands that are left out of exposures: trails of satellites."),)

    dp_id: Mapped[str] = column(
        None, ForeignKey("survey.exposure.dp_id"), primary_key=True, doc="Exposure.", ucd="meta.id", principal=True
    )
    number: Mapped[int] = column(
        primary_key=True, doc="Number within the exposure.", ucd="meta.number", autoincrement=False
    )
    product_id: Mapped[str] = column(
        None,
        ForeignKey("survey.product.product_id"),
        doc="Product that has the alignment as a file.",
        ucd="meta.id",
        index=True,
    )
    ra_start: Mapped[float] = column(doc="Right ascension of one end.", unit="deg", ucd="pos.eq.ra", principal=True)
    dec_start: Mapped[float] = column(doc="Declination of one end.", unit="deg", ucd="pos.eq.dec", principal=True)
    ra_stop: Mapped[float] = column(doc="Right ascension of the other end.", unit="deg", ucd="pos.eq.ra")
    dec_stop: Mapped[float] = column(doc="Declination of the other end.", unit="deg", ucd="pos.eq.dec")
    width: Mapped[float] = column(doc="Full width of the band.", unit="arcsec", ucd="phys.angSize", principal=True)
    significance: Mapped[float | None] = column(
        doc="Sigmas of the sum along it, where it was found by the program.", ucd="stat.snr"
    )
    origin: Mapped[str] = column(doc="measured, or by hand.", ucd="meta.code", principal=True)
