"""How dust reddens: O'Donnell's (1994) optical law with Cardelli et al.'s (1989) infrared one.  Pure."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["RV", "extinction", "transmission"]

Array = NDArray[np.float64]

RV: Final = 3.1
"""A(V) / E(B-V) of the Milky Way."""

OPTICAL_A: Final = (1.0, 0.104, -0.609, 0.701, 1.137, -1.718, -0.827, 1.647, -0.505)
OPTICAL_B: Final = (0.0, 1.952, 2.908, -3.989, -7.985, 11.102, 5.491, -10.805, 3.347)
INFRARED: Final = (0.574, -0.527)


def extinction(wavelength: Array) -> Array:
    """Return A(lambda) / A(V) for Rv 3.1 at wavelengths between 3030 and 33,000 Angstrom."""
    x = 1e4 / np.asarray(wavelength, dtype=np.float64)
    optical = np.polynomial.polynomial.polyval(x - 1.82, OPTICAL_A)
    optical += np.polynomial.polynomial.polyval(x - 1.82, OPTICAL_B) / RV
    infrared = (INFRARED[0] + INFRARED[1] / RV) * x**1.61
    return np.where(x < 1.1, infrared, optical)


def transmission(wavelength: Array, a_v: Array) -> Array:
    """Return what part of the light passes ``a_v`` magnitudes of dust: shape (n) by (m) gives (n, m)."""
    passed: Array = np.exp(np.multiply.outer(a_v, -0.4 * np.log(10.0) * extinction(wavelength)))
    return passed
