"""The PSF of a pointing from the stars in its exposures: images in some windows of wavelength, a width from each."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.exposure_stack import ExposureStack
from processing.science.psf import PIVOT, Psf
from processing.science.quality.stars import find_stars
from processing.science.star_psf import MeasuredPsf, Width, fit_moffat, line_through

__all__ = ["measure"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

WINDOWS: Final = (5000.0, 5500.0, PIVOT, 7500.0, 8500.0, 9200.0)
"""Middles, Angstrom, between lines that galaxies near by have, and off the notch of the lasers."""

WIDTH: Final = 40.0
MOST_STARS: Final = 20
SEEN: Final = 0.5
"""Of the planes of a window that a pixel must have."""

AGREE: Final = 0.25
"""Relative, by which a star's width may differ from the middle one: clusters are wider."""


def measure(stack: ExposureStack, exposures: Sequence[int], expected: Psf) -> MeasuredPsf | None:
    """Return the PSF that the stars of a pointing's exposures have, or None where there are none.

    Parameters
    ----------
    exposures
        Their numbers in the stack.
    expected
        Where the search begins; its beta is kept.
    """
    stars: list[list[Width]] = []
    for exposure in exposures:
        stars += _widths(stack, exposure, expected)
    middle = float(np.median([_at_pivot(star) for star in stars])) if stars else 0.0
    alike = [star for star in stars if abs(_at_pivot(star) / middle - 1) < AGREE]
    return line_through(alike, expected.beta)


def _widths(stack: ExposureStack, exposure: int, expected: Psf) -> list[list[Width]]:
    """Return the widths of the stars of an exposure, which are found in the middle window."""
    pixel = stack.first.pixel_scale()
    seen_in = {middle: _image(stack, exposure, middle) for middle in WINDOWS}
    images = {middle: found for middle, found in seen_in.items() if found is not None}
    if PIVOT not in images:
        return []
    image, good = images[PIVOT]
    found = find_stars(image, good, fwhm=expected.fwhm / pixel, most=MOST_STARS)
    stars = []
    for star in found:
        widths = []
        for middle, (at, seen) in images.items():
            guess = float(expected.fwhm_at(np.array(middle))) / pixel
            fitted = fit_moffat(at, seen, (star.x, star.y), fwhm=guess, beta=expected.beta)
            if fitted is not None:
                widths.append(Width(middle, fitted[0] * pixel, fitted[1] * pixel))
        if any(width.wavelength == PIVOT for width in widths):
            stars.append(widths)
    return stars


def _image(stack: ExposureStack, exposure: int, middle: float) -> tuple[Array, Mask] | None:
    """Return the mean of an exposure in a window, and where it is good; None where it has no such planes."""
    wavelengths = stack.wavelengths()
    planes = np.flatnonzero(np.abs(wavelengths - middle) < WIDTH / 2)
    if not planes.size:
        return None
    data, _ = stack.values(exposure, int(planes[0]), int(planes[-1]) + 1)
    good = np.isfinite(data)
    count = good.sum(axis=0)
    mean = np.where(good, data, 0.0).sum(axis=0, dtype=np.float64) / np.maximum(count, 1)
    return mean, count > SEEN * planes.size


def _at_pivot(star: Sequence[Width]) -> float:
    return next(width.fwhm for width in star if width.wavelength == PIVOT)
