"""The point spread function: a round Moffat profile whose width shrinks with wavelength.  Pure.

It is sampled at the middles of the pixels, as the widths of the survey's log were measured.  ``kernels`` turns it into
a Gaussian, ``fsf_cards`` writes it into headers.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["AO_BETA", "BETAS", "NO_AO_BETA", "SIGMA_TO_FWHM", "SLOPE", "Gaussian", "Psf"]

Array = NDArray[np.float64]

NO_AO_BETA: Final = 2.8
AO_BETA: Final = 2.3
BETAS: Final = {"noAO": NO_AO_BETA, "AO": AO_BETA}
"""By the mode of the log."""

SLOPE: Final = -3e-5
"""Change of the FWHM with wavelength, arcsec an Angstrom."""

PIVOT: Final = 6483.58
"""Angstrom, where the FWHM is what the survey's log says."""

SIGMA_TO_FWHM: Final = 2.3548200450309493


@dataclass(frozen=True)
class Psf:
    """A Moffat profile; ``fwhm`` in arcsec at ``pivot``, ``slope`` in arcsec an Angstrom.

    Raises
    ------
    ValueError
        A width that is none, or a beta of 1 or less, with which there is no light to normalise.
    """

    fwhm: float
    beta: float
    slope: float = SLOPE
    pivot: float = PIVOT

    def __post_init__(self) -> None:
        if not self.fwhm > 0 or not self.beta > 1:
            raise ValueError(f"no point spread function has a FWHM of {self.fwhm} arcsec and a beta of {self.beta}")

    def fwhm_at(self, wavelength: Array) -> Array:
        """Return the FWHM in arcsec."""
        return self.fwhm + self.slope * (wavelength - self.pivot)

    def density(self, radius: Array, wavelength: float) -> Array:
        """Return the part of a point's light that falls on a square arcsec, at radii in arcsec; its integral is 1."""
        width = float(self.fwhm_at(np.array(wavelength))) / (2 * np.sqrt(2 ** (1 / self.beta) - 1))
        density: Array = (self.beta - 1) / (np.pi * width**2) * (1 + (radius / width) ** 2) ** -self.beta
        return density

    def image(self, wavelength: float, *, size: int, pixel: float) -> Array:
        """Return its image, shape (size, size), on the middle of the box; pixels in arcsec.  The sum is 1."""
        return _normalised(self.density(_radii(size, pixel), wavelength))


@dataclass(frozen=True)
class Gaussian:
    """A round Gaussian; ``fwhm`` in arcsec."""

    fwhm: float

    def image(self, *, size: int, pixel: float) -> Array:
        """Return its image, as ``Psf.image`` does."""
        return _normalised(np.exp(-((_radii(size, pixel) * SIGMA_TO_FWHM / self.fwhm) ** 2) / 2))


def _radii(size: int, pixel: float) -> Array:
    """Return the distances from the middle pixel, arcsec."""
    along = (np.arange(size) - size // 2) * pixel
    radii: Array = np.hypot(along[:, np.newaxis], along)
    return radii


def _normalised(image: Array) -> Array:
    normalised: Array = image / image.sum()
    return normalised
