"""One exposure against the reference: offset, rotation, flux scale, sky factor, trails.  Pure: images in, numbers out.

The steps are those of ``science``: where it lies (``alignment``), what the reference would look like through its PSF
(``templates``), what is brighter on a straight line (``trails``), how fluxes compare (``photometry``), what that says
of the sky (``sky``).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from processing.reference import Reference
from processing.science import templates
from processing.science.alignment import Alignment, align
from processing.science.drawn_masks import mask_of
from processing.science.errors import NoMatch
from processing.science.motion import Motion, SkyOffset, on_grid, sky_offset
from processing.science.photometry import FluxScale, flux_scale
from processing.science.sky import SkyFactor, sky_factor
from processing.science.trails import Trail, propose_trails

__all__ = ["Aligned", "Band", "align_exposure", "sky_line"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

ALIKE: Final = 0.3
"""Least correlation of an image and the model fitted to it: noise reaches 0.16, the faintest match has 0.6."""


@dataclass(frozen=True)
class Band:
    """A straight band on the sky: its ends, degrees, its full width, arcsec, and how sure the program is of it."""

    start: tuple[float, float]
    stop: tuple[float, float]
    width: float
    significance: float | None = None


@dataclass(frozen=True)
class Aligned:
    """What was found of one exposure; ``offset`` is what to add to its pointing."""

    offset: SkyOffset
    alignment: Alignment
    scale: FluxScale
    sky: SkyFactor
    trails: tuple[Band, ...]
    pixel_scale: float

    @property
    def offset_error(self) -> float:
        """Error of the offset in arcsec, the larger of the two axes."""
        return max(self.alignment.dx_error, self.alignment.dy_error) * self.pixel_scale

    @property
    def quality(self) -> str:
        """``good``, or what is uncertain."""
        certain = {"offset": self.alignment.certain, "flux": self.scale.certain, "sky": self.sky.certain}
        return " ".join(name for name, is_so in certain.items() if not is_so) or "good"


def align_exposure(
    image: Array, wcs: WCS, reference: Reference, *, good: Mask, sky_level: float, pointing: tuple[float, float]
) -> Aligned:
    """Measure an exposure.

    Parameters
    ----------
    image
        Shape (ny, nx), in 1e-20 erg/s/cm2/Angstrom, in the reference's band.
    wcs
        Celestial, as its header points it.
    good
        Pixels to use, same shape.
    sky_level
        Of the sky continuum that was taken off, through the same band, in the image's unit.
    pointing
        Right ascension and declination of the header, degrees: the field is turned about this place, so the offset is
        that of this place.

    Raises
    ------
    TooFewPixels, NoOverlap, NoMatch
        There is too little to go by; see ``science.alignment`` and ``science.photometry``.  Or the two do not look
        alike where they fit best, their fluxes do not rise together, or no sky was taken off.
    """
    if not sky_level > 0:
        raise NoMatch(f"the sky taken off is {sky_level:g} in this band: no factor of it is a background")
    there = on_grid(reference.image, reference.wcs, grid=wcs, shape=image.shape)
    found, scale, residual = _compared(image, there, good)
    trails = propose_trails(residual, good=np.isfinite(residual))
    if trails:
        masked = mask_of(image.shape, proposed=[trail.line for trail in trails])
        found, scale, _ = _compared(image, there, good & ~masked)
    if found.correlation < ALIKE:
        raise NoMatch(f"the two are not alike where they fit best: their correlation is {found.correlation:.2f}")
    if not scale.a > 0:
        raise NoMatch(f"what is brighter in the image is fainter in the reference: the flux scale is {scale.a:.3g}")
    pixel = float(np.sqrt(np.abs(np.linalg.det(wcs.pixel_scale_matrix)))) * 3600
    return Aligned(
        offset=sky_offset(_about(found.motion, wcs, pointing), wcs),
        alignment=found,
        scale=scale,
        sky=sky_factor(scale, sky_level),
        trails=tuple(sky_line(trail, wcs, found.motion, pixel) for trail in trails),
        pixel_scale=pixel,
    )


def sky_line(trail: Trail, wcs: WCS, motion: Motion, pixel: float) -> Band:
    """Return a trail on the sky as it is after the exposure was moved and turned."""
    ends = np.array([trail.line.start, trail.line.stop], dtype=np.float64)
    ra, dec = wcs.pixel_to_world_values(*motion.to_reference(ends[:, 0], ends[:, 1]))
    start, stop = ((float(ra[n]), float(dec[n])) for n in (0, 1))
    return Band(start, stop, trail.line.width * pixel, trail.significance)


def _compared(image: Array, reference: Array, good: Mask) -> tuple[Alignment, FluxScale, Array]:
    """Return how an image lies, how its flux compares, and what it has more than the reference, NaN where unknown."""
    found = align(image, reference, good=good)
    matched = templates.match(image, reference, found.motion, good=good)
    scale = flux_scale(matched.image, matched.reference, good=matched.good, noise=matched.noise)
    return found, scale, np.where(matched.good, scale.apply(matched.image) - matched.reference, np.nan)


def _about(motion: Motion, wcs: WCS, place: tuple[float, float]) -> Motion:
    """Return the same motion as a turn about another place of the sky."""
    x, y = (np.asarray(each, dtype=np.float64) for each in wcs.world_to_pixel_values(*place))
    to_x, to_y = motion.to_reference(x, y)
    return Motion(float(to_x - x), float(to_y - y), motion.rotation, (float(x), float(y)))
