"""The width of the PSF at several wavelengths, from a star in images at these wavelengths; and a line through it.

Pure.  The exponent of the Moffat profile is given: with the light that one star has, it cannot be told from the width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from processing.science.psf import PIVOT, Psf

__all__ = ["MeasuredPsf", "Width", "fit_moffat", "line_through"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

HALF_WINDOW: Final = 2.5
"""Of the pixels that are fitted, in FWHM."""

LARGEST_ERROR: Final = 0.1
"""Of a width that counts, relative."""

FLOOR: Final = 0.01
"""Arcsec: how well widths of stars agree at best."""

LEAST_LIGHT: Final = 5


@dataclass(frozen=True)
class Width:
    """FWHM of a star and its error, arcsec, at a wavelength, Angstrom."""

    wavelength: float
    fwhm: float
    error: float


@dataclass(frozen=True)
class MeasuredPsf:
    """A PSF with the errors of its FWHM, arcsec, and slope, arcsec an Angstrom, from so many stars."""

    psf: Psf
    fwhm_error: float
    slope_error: float
    stars: int


def fit_moffat(
    image: Array, good: Mask, place: tuple[float, float], *, fwhm: float, beta: float
) -> tuple[float, float] | None:
    """Return the FWHM of a star and its error in pixels, or None where no Moffat profile fits.

    Parameters
    ----------
    image, good
        Shape (ny, nx), and which pixels to use.
    place
        Of the star: column and row, counted from 0.
    fwhm
        Expected, pixels.
    """
    half = max(LEAST_LIGHT, round(HALF_WINDOW * fwhm))
    column, row = round(place[0]), round(place[1])
    if not (half <= column < image.shape[1] - half and half <= row < image.shape[0] - half):
        return None
    window = (slice(row - half, row + half + 1), slice(column - half, column + half + 1))
    if not good[window].all():
        return None
    pixels = image[window]
    level = float(np.median(pixels))
    height = float(pixels[half, half]) - level
    if not height > 0:
        return None
    along = np.arange(-half, half + 1)
    ys, xs = np.meshgrid(along, along, indexing="ij")
    factor = 2 * np.sqrt(2 ** (1 / beta) - 1)

    def residuals(unknown: Array) -> Array:
        top, x, y, width, ground, across, up = unknown
        shape = (1 + ((xs - x) ** 2 + (ys - y) ** 2) * (factor / width) ** 2) ** -beta
        left: Array = (top * shape + ground + across * xs + up * ys - (pixels - level) / height).ravel()
        return left

    start = np.array([1.0, place[0] - column, place[1] - row, fwhm, 0.0, 0.0, 0.0])
    low = [0.0, -1.5, -1.5, 0.3 * fwhm, -np.inf, -np.inf, -np.inf]
    high = [np.inf, 1.5, 1.5, 3 * fwhm, np.inf, np.inf, np.inf]
    found = optimize.least_squares(residuals, start, bounds=(low, high))
    if not found.success:
        return None
    scatter = np.sqrt(2 * found.cost / (pixels.size - start.size))
    error = float(scatter * np.sqrt(np.linalg.pinv(found.jac.T @ found.jac)[3, 3]))
    width = float(found.x[3])
    return (width, error) if error < LARGEST_ERROR * width else None


def line_through(stars: Sequence[Sequence[Width]], beta: float) -> MeasuredPsf | None:
    """Return the PSF of a pointing from the widths of its stars, or None if there are too few.

    The slope is fitted where the widths reach over 1000 Angstrom, else the survey's is taken.

    Parameters
    ----------
    stars
        Widths of each star.
    beta
        With which they were fitted.
    """
    widths = [width for star in stars for width in star]
    if not widths:
        return None
    wavelengths = np.array([one.wavelength for one in widths]) - PIVOT
    values, errors = (np.array([getattr(one, name) for one in widths]) for name in ("fwhm", "error"))
    usual = Psf(float(np.median(values)), beta)
    weights = 1 / np.hypot(errors, FLOOR) ** 2
    if np.ptp(wavelengths) > 1000:
        matrix = np.stack([np.ones_like(wavelengths), wavelengths])
        inverse = np.linalg.inv((matrix * weights) @ matrix.T)
        fwhm, slope = inverse @ (matrix @ (weights * values))
        left = values - fwhm - slope * wavelengths
    else:
        slope = usual.slope
        inverse = np.diag([1 / weights.sum(), 0.0])
        fwhm = float(np.average(values - slope * wavelengths, weights=weights))
        left = values - fwhm - slope * wavelengths
    # where stars differ by more than their errors, that is the error; what one star tells is not told anew by each
    # wavelength, so stars count, not widths
    freedom = max(1, len(values) - 2)
    excess = max(1.0, float((weights * left**2).sum()) / freedom)
    fwhm_error, slope_error = np.sqrt(np.diag(inverse) * excess * len(values) / len(stars))
    if not fwhm > 0:
        return None
    return MeasuredPsf(Psf(float(fwhm), beta, float(slope)), float(fwhm_error), float(slope_error), len(stars))
