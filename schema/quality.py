"""What was measured of the quality of products: one row a figure, and a figure a part where it differs within one."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped

from schema.base import Base, column, table

__all__ = ["LABELS", "Figure", "Quality"]


class Figure(StrEnum):
    """The figures of a mosaic, in the order in which they are told."""

    NOISE = "noise"
    NOISE_RATIO = "noise_ratio"
    SIGNAL = "signal_to_noise"
    ABOVE_12 = "signal_above_12"
    OVERLAP_BIAS = "overlap_bias"
    OVERLAP_MOST_BIAS = "overlap_most_bias"
    OVERLAP_SCATTER = "overlap_scatter"
    OVERLAP_WIDE = "overlap_955"
    OVERLAP_WIDEST = "overlap_997"
    REPEAT_BIAS = "repeat_bias"
    REPEAT_MOST_BIAS = "repeat_most_bias"
    REPEAT_SCATTER = "repeat_scatter"
    REPEAT_WIDE = "repeat_955"
    REPEAT_WIDEST = "repeat_997"
    PHOTOMETRY = "photometry_offset"
    PHOTOMETRY_SCATTER = "photometry_scatter"
    ASTROMETRY_RA = "astrometry_ra"
    ASTROMETRY_RA_SCATTER = "astrometry_ra_scatter"
    ASTROMETRY_DEC = "astrometry_dec"
    ASTROMETRY_DEC_SCATTER = "astrometry_dec_scatter"
    STAR_FWHM = "star_fwhm"
    STAR_RA = "star_ra"
    STAR_DEC = "star_dec"
    PSF_TARGET = "psf_target"
    PSF_FWHM = "psf_fwhm"
    PSF_ENCIRCLED = "psf_encircled"
    PSF_PEAK = "psf_peak"
    NOISE_GAIN = "noise_gain"
    NOISE_OF_SUMS = "noise_of_sums"
    ENGINE_MEDIAN = "engines_median"
    ENGINE_MOST = "engines_99"
    ENGINE_LARGEST = "engines_largest"


LABELS: Final[Mapping[Figure, str]] = {
    Figure.NOISE: "Noise of a voxel, as STAT tells it",
    Figure.NOISE_RATIO: "Noise seen, in units of what STAT tells",
    Figure.SIGNAL: "Signal to noise of the continuum, median",
    Figure.ABOVE_12: "Part of the spaxels with signal to noise above 12",
    Figure.OVERLAP_BIAS: "Neighbouring pointings: bias, median of the pairs",
    Figure.OVERLAP_MOST_BIAS: "Neighbouring pointings: bias, nine tenths have less",
    Figure.OVERLAP_SCATTER: "Neighbouring pointings: scatter of differences",
    Figure.OVERLAP_WIDE: "Neighbouring pointings: half width of 95.5 percent of differences",
    Figure.OVERLAP_WIDEST: "Neighbouring pointings: half width of 99.7 percent of differences",
    Figure.REPEAT_BIAS: "Exposures of one pointing: bias, median of the pairs",
    Figure.REPEAT_MOST_BIAS: "Exposures of one pointing: bias, nine tenths have less",
    Figure.REPEAT_SCATTER: "Exposures of one pointing: scatter of differences",
    Figure.REPEAT_WIDE: "Exposures of one pointing: half width of 95.5 percent of differences",
    Figure.REPEAT_WIDEST: "Exposures of one pointing: half width of 99.7 percent of differences",
    Figure.PHOTOMETRY: "Magnitudes against the reference: offset",
    Figure.PHOTOMETRY_SCATTER: "Magnitudes against the reference: scatter",
    Figure.ASTROMETRY_RA: "Stars against the reference: right ascension",
    Figure.ASTROMETRY_RA_SCATTER: "Stars against the reference: scatter in right ascension",
    Figure.ASTROMETRY_DEC: "Stars against the reference: declination",
    Figure.ASTROMETRY_DEC_SCATTER: "Stars against the reference: scatter in declination",
    Figure.STAR_FWHM: "FWHM of stars, median",
    Figure.STAR_RA: "Star against the reference: right ascension",
    Figure.STAR_DEC: "Star against the reference: declination",
    Figure.PSF_TARGET: "FWHM of the Gaussian to which the mosaic was homogenised",
    Figure.PSF_FWHM: "FWHM of a star of the pointing, homogenised",
    Figure.PSF_ENCIRCLED: "Light within 1 arcsec, in units of the Gaussian's",
    Figure.PSF_PEAK: "Peak of a star, in units of the Gaussian's",
    Figure.NOISE_GAIN: "Noise of a spaxel after the convolution, in units of that before",
    Figure.NOISE_OF_SUMS: "Noise of sums of spaxels, in units of what STAT tells",
    Figure.ENGINE_MEDIAN: "Our fits against pPXF: difference, median",
    Figure.ENGINE_MOST: "Our fits against pPXF: difference, 99 percent have less",
    Figure.ENGINE_LARGEST: "Our fits against pPXF: largest difference",
}
"""What they are, for readers."""


class Quality(Base):
    """One figure of one product."""

    __tablename__ = "quality"
    __table_args__ = (table("survey", "Measured quality of products: noise, agreement in overlaps, with references."),)

    product_id: Mapped[str] = column(
        None,
        ForeignKey("survey.product.product_id"),
        primary_key=True,
        doc="Product that the figure is about.",
        ucd="meta.id",
        principal=True,
    )
    figure: Mapped[str] = column(primary_key=True, doc="Name of the figure.", ucd="meta.code", principal=True)
    part: Mapped[str] = column(
        primary_key=True,
        doc="Wavelengths, exposures or star that it is of; empty where it is of the whole product.",
        ucd="meta.id",
        principal=True,
    )
    measured: Mapped[float] = column(doc="Its value.", ucd="meta.number", principal=True)
    error: Mapped[float | None] = column(doc="Error of what was measured, one sigma.", ucd="stat.error", principal=True)
    unit: Mapped[str | None] = column(doc="Unit of both.", ucd="meta.unit", principal=True)
    n: Mapped[int | None] = column(doc="Measurements that it comes from.", ucd="meta.number")
