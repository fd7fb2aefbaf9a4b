"""Magnitudes in square apertures against those of another image, as in Figure 3 of the release description.

Pure.  Apertures cover the field side by side; those that are too faint for a magnitude, or reach over an edge, are left
out.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.quality.typical import Typical, typical

__all__ = ["Apertures", "compare"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FULL: Final = 0.98
"""Part of an aperture's pixels that must be good."""

BRIGHT: Final = 30.0
"""Times its error that the flux in an aperture must be: 0.04 mag."""

CORRELATED: Final = 1.6
"""By how much noise that was resampled exceeds the sum of its variances in a large aperture (see ``drizzle_noise``)."""


@dataclass(frozen=True)
class Apertures:
    """Mean fluxes per pixel of two images in the same apertures, shape (n)."""

    image: Array
    reference: Array

    @property
    def differences(self) -> Array:
        """Magnitude in the image minus that in the reference."""
        return -2.5 * np.log10(self.image / self.reference)

    @property
    def offset(self) -> Typical:
        """What is typical of the differences, mag."""
        return typical(self.differences)


def compare(image: Array, reference: Array, *, good: Mask, noise: tuple[float, float], side: int) -> Apertures:
    """Measure two images in apertures.

    Parameters
    ----------
    image, reference
        Shape (ny, nx), in the same unit on the same pixels.
    good
        Pixels to use, same shape.
    noise
        Of a pixel in each of them.
    side
        Of an aperture, pixels.

    Raises
    ------
    ValueError
        Apertures without a pixel.
    """
    if side < 1:
        raise ValueError(f"an aperture has at least one pixel, not {side}")
    parts = _cut(good & np.isfinite(image) & np.isfinite(reference), side).astype(np.bool_)
    count = parts.sum(axis=1)
    full = count >= FULL * side**2
    fluxes = []
    bright = full.copy()
    for each, its_noise in zip((image, reference), noise, strict=True):
        flux = np.where(parts, _cut(each, side), 0.0).sum(axis=1) / np.maximum(count, 1)
        bright &= flux > BRIGHT * CORRELATED * its_noise / np.sqrt(np.maximum(count, 1))
        fluxes.append(flux)
    return Apertures(fluxes[0][bright], fluxes[1][bright])


def _cut(image: NDArray[np.generic], side: int) -> Array:
    """Return the apertures as rows of pixels; the remainder at the far edges is left out."""
    rows, columns = image.shape[0] // side, image.shape[1] // side
    whole = image[: rows * side, : columns * side].reshape(rows, side, columns, side)
    cut: Array = whole.swapaxes(1, 2).reshape(rows * columns, side * side).astype(np.float64)
    return cut
