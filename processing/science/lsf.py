"""The line spread function: how wide the instrument makes a line that has no width of its own."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["FWHM_PER_SIGMA", "MUSE_LSF", "SPEED_OF_LIGHT", "Lsf"]

Array = NDArray[np.float64]

SPEED_OF_LIGHT: Final = 299792.458
"""In km/s."""

FWHM_PER_SIGMA: Final = 2.3548200450309493
"""Of a Gaussian: 2 sqrt(2 ln 2)."""


@dataclass(frozen=True)
class Lsf:
    """A Gaussian whose full width at half maximum, in Angstrom, is a parabola in the observed wavelength.

    ``coefficients`` are those of the square, of the wavelength itself, and of one.
    """

    coefficients: tuple[float, float, float]

    def fwhm(self, wavelength: Array) -> Array:
        """Return the full width at half maximum in Angstrom at wavelengths in Angstrom."""
        square, linear, constant = self.coefficients
        return (square * wavelength + linear) * wavelength + constant

    def sigma(self, wavelength: Array) -> Array:
        """Return the instrumental dispersion in km/s at wavelengths in Angstrom."""
        return self.fwhm(wavelength) / FWHM_PER_SIGMA / wavelength * SPEED_OF_LIGHT


MUSE_LSF: Final = Lsf((5.866e-8, -9.187e-4, 6.040))
"""Of the combined exposures of the Hubble Ultra Deep Field: Bacon et al. 2017, equation 8."""
