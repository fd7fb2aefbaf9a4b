"""The point spread function: a round Moffat profile whose width shrinks with wavelength.  Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["AO_BETA", "NO_AO_BETA", "SLOPE", "Psf"]

Array = NDArray[np.float64]

NO_AO_BETA: Final = 2.8
AO_BETA: Final = 2.3
SLOPE: Final = -3e-5
"""Change of the FWHM with wavelength, arcsec an Angstrom."""

PIVOT: Final = 6483.58
"""Angstrom, where the FWHM is what the survey's log says."""


@dataclass(frozen=True)
class Psf:
    """A Moffat profile; ``fwhm`` in arcsec at ``pivot``, ``slope`` in arcsec an Angstrom."""

    fwhm: float
    beta: float
    slope: float = SLOPE
    pivot: float = PIVOT

    def fwhm_at(self, wavelength: Array) -> Array:
        """Return the FWHM in arcsec."""
        return self.fwhm + self.slope * (wavelength - self.pivot)

    def density(self, radius: Array, wavelength: float) -> Array:
        """Return the part of a point's light that falls on a square arcsec, at radii in arcsec; its integral is 1."""
        width = float(self.fwhm_at(np.array(wavelength))) / (2 * np.sqrt(2 ** (1 / self.beta) - 1))
        density: Array = (self.beta - 1) / (np.pi * width**2) * (1 + (radius / width) ** 2) ** -self.beta
        return density
