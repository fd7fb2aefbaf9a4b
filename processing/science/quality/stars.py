"""Point sources of an image, and their places to a fraction of a pixel, with errors.

Pure.  Sources stand out of what is twice as smooth; each is then fitted by a Gaussian on an inclined plane.  What is
elongated, or wider or narrower than most, is no star.  In a galaxy some compact cluster passes: it is a place on the
sky like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from processing.science.noise import blur_good, mad_std

__all__ = ["Star", "centred", "find_stars"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SIGMA_TO_FWHM: Final = 2.3548200450309493
DETECTION: Final = 8.0
"""Sigmas above its surroundings."""

HALF_WINDOW: Final = 1.75
"""Of the pixels that are fitted, in FWHM."""

ROUND: Final = 1.35
"""Greatest ratio of the widths along the axes."""

ALIKE: Final = 1.5
"""By how much a star's width may differ from the middle one."""

PLAIN: Final = 0.15
"""Greatest scatter of the pixels about the fit, as part of the height."""

TRIED: Final = 4
"""Candidates fitted for each star that is asked for."""


@dataclass(frozen=True)
class Star:
    """A point source: place in pixels counted from 0, its error along either axis, FWHM in pixels, flux."""

    x: float
    y: float
    error: float
    fwhm: float
    flux: float


def find_stars(image: Array, good: Mask, *, fwhm: float, most: int = 100) -> tuple[Star, ...]:
    """Return the brightest stars of an image.

    Parameters
    ----------
    image, good
        Shape (ny, nx), and which pixels to use.
    fwhm
        Of stars, pixels; it need not be exact.
    most
        How many at most.
    """
    values = np.where(good, image, 0.0)
    sigma = fwhm / SIGMA_TO_FWHM
    sharp, near = blur_good(values, good, sigma)
    smooth, _ = blur_good(values, good, 2 * sigma)
    contrast = np.where(good & (near > 0.9), sharp - smooth, 0.0)
    noise = mad_std(contrast[contrast != 0])
    size = 2 * round(fwhm) + 1
    peaks = (contrast == ndimage.maximum_filter(contrast, size)) & (contrast > DETECTION * noise) & (contrast > 0)
    rows, columns = np.nonzero(peaks)
    order = np.argsort(contrast[rows, columns])[::-1][: TRIED * most]
    fitted = (centred(image, good, float(columns[n]), float(rows[n]), fwhm=fwhm) for n in order)
    stars = [star for star in fitted if star is not None]
    if not stars:
        return ()
    middle = float(np.median([star.fwhm for star in stars]))
    alike = [star for star in stars if middle / ALIKE < star.fwhm < middle * ALIKE]
    return tuple(_apart(sorted(alike, key=lambda star: -star.flux), fwhm)[:most])


def centred(image: Array, good: Mask, x: float, y: float, *, fwhm: float) -> Star | None:
    """Return the star near a place, or None where there is no round one, or an edge.

    Parameters
    ----------
    x, y
        Where it should be, pixels counted from 0; it may lie one FWHM off.
    """
    half = max(3, round(HALF_WINDOW * fwhm))
    if not (np.isfinite(x) and np.isfinite(y)):
        return None
    column, row = round(x), round(y)
    ny, nx = image.shape
    if not (half <= column < nx - half and half <= row < ny - half):
        return None
    window = (slice(row - half, row + half + 1), slice(column - half, column + half + 1))
    if not good[window].all():
        return None
    return _fitted(image[window], row - half, column - half, fwhm)


def _apart(stars: Sequence[Star], fwhm: float) -> list[Star]:
    """Leave out what lies on a star before it: two peaks may lead to one."""
    kept: list[Star] = []
    for star in stars:
        if all(np.hypot(star.x - other.x, star.y - other.y) > fwhm for other in kept):
            kept.append(star)
    return kept


def _fitted(pixels: Array, row: int, column: int, fwhm: float) -> Star | None:
    ys, xs = np.indices(pixels.shape, dtype=np.float64)
    middle = (pixels.shape[0] - 1) / 2
    level = float(np.median(pixels))
    height = float(pixels.max()) - level
    if not height > 0:
        return None

    def residuals(unknown: Array) -> Array:
        top, x, y, wide, high, ground, across, up = unknown
        shape = np.exp(-(((xs - x) / wide) ** 2 + ((ys - y) / high) ** 2) / 2)
        model = top * shape + ground + across * (xs - middle) + up * (ys - middle)
        left: Array = (model - (pixels - level) / height).ravel()
        return left

    sigma = fwhm / SIGMA_TO_FWHM
    start = np.array([1.0, middle, middle, sigma, sigma, 0.0, 0.0, 0.0])
    low = [0, -0.5, -0.5, 0.3 * sigma, 0.3 * sigma, -np.inf, -np.inf, -np.inf]
    high = [np.inf, 2 * middle + 0.5, 2 * middle + 0.5, 3 * sigma, 3 * sigma, np.inf, np.inf, np.inf]
    found = optimize.least_squares(residuals, start, bounds=(low, high))
    top, x, y, wide, tall = found.x[:5]
    scatter = float(np.sqrt(2 * found.cost / (pixels.size - start.size)))
    distance = float(np.hypot(x - middle, y - middle))
    if not found.success or distance > fwhm or scatter > PLAIN * top or max(wide / tall, tall / wide) > ROUND:
        return None
    error = _error(found.jac, scatter)
    return Star(
        x=column + float(x),
        y=row + float(y),
        error=error,
        fwhm=SIGMA_TO_FWHM * float(np.sqrt(wide * tall)),
        flux=2 * np.pi * float(top * wide * tall) * height,
    )


def _error(jacobian: Array, scatter: float) -> float:
    """Return the error of a place, the larger of the two axes; the noise is what the fit leaves."""
    inverse = np.linalg.pinv(jacobian.T @ jacobian)
    return scatter * float(np.sqrt(max(inverse[1, 1], inverse[2, 2])))
