"""Where stars of an image lie in another one: offsets on the sky, each measured on its own image's pixels.  Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area
from numpy.typing import NDArray

from processing.science.quality.stars import Star, centred, find_stars
from processing.science.quality.typical import Typical, typical

__all__ = ["Astrometry", "Placed", "compare"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FARTHEST: Final = 1.0
"""Arcsec from which on it is another star."""

USUAL_FWHM: Final = 0.8
"""Of MUSE's stars, arcsec: where the search begins."""


@dataclass(frozen=True)
class Placed:
    """A star in both images.

    Parameters
    ----------
    ra, dec
        In the image, degrees.
    east, north
        Image minus reference, arcsec on the sky.
    error
        Of either, arcsec.
    x, y
        In the image, pixels counted from 0.
    flux
        In the image's unit.
    """

    ra: float
    dec: float
    east: float
    north: float
    error: float
    x: float
    y: float
    flux: float


@dataclass(frozen=True)
class Astrometry:
    """All stars in both, and the width of the image's, arcsec; NaN without any."""

    stars: tuple[Placed, ...]
    fwhm: float

    @property
    def east(self) -> Typical:
        """Along right ascension, arcsec."""
        return typical(np.array([one.east for one in self.stars], dtype=np.float64))

    @property
    def north(self) -> Typical:
        """Along declination, arcsec."""
        return typical(np.array([one.north for one in self.stars], dtype=np.float64))


def compare(image: Array, wcs: WCS, reference: Array, reference_wcs: WCS, *, good: Mask, most: int = 100) -> Astrometry:
    """Find stars in an image and again in a reference.

    Parameters
    ----------
    image, reference
        Each of its own shape, NaN where bad.
    wcs, reference_wcs
        Celestial, of each.
    good
        Pixels of the image to use.
    most
        How many stars at most.
    """
    scale, reference_scale = (float(np.sqrt(proj_plane_pixel_area(each))) * 3600 for each in (wcs, reference_wcs))
    stars = find_stars(image, good & np.isfinite(image), fwhm=USUAL_FWHM / scale, most=most)
    if not stars:
        return Astrometry((), float("nan"))
    fwhm = float(np.median([star.fwhm for star in stars])) * scale
    finite = np.isfinite(reference)
    ra, dec = _sky(wcs, stars)
    placed = []
    for star, its_ra, its_dec in zip(stars, ra, dec, strict=True):
        x, y = (float(each) for each in reference_wcs.world_to_pixel_values(its_ra, its_dec))
        found = centred(reference, finite, x, y, fwhm=fwhm / reference_scale)
        if found is not None:
            (other_ra,), (other_dec,) = _sky(reference_wcs, (found,))
            turn = (its_ra - other_ra + 180) % 360 - 180
            east, north = turn * np.cos(np.radians(its_dec)) * 3600, (its_dec - other_dec) * 3600
            error = float(np.hypot(star.error * scale, found.error * reference_scale))
            if np.hypot(east, north) < FARTHEST:
                placed.append(Placed(its_ra, its_dec, float(east), float(north), error, star.x, star.y, star.flux))
    return Astrometry(tuple(placed), fwhm)


def _sky(wcs: WCS, stars: tuple[Star, ...]) -> tuple[list[float], list[float]]:
    ra, dec = wcs.pixel_to_world_values([star.x for star in stars], [star.y for star in stars])
    return [float(each) for each in ra], [float(each) for each in dec]
