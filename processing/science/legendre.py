"""The polynomials that stand for what no model of stars explains: Legendre's, of the logarithm of the wavelength.

Pure.  pPXF, and so the release, has them on logarithmic steps.  At high orders the polynomials of the wavelength
itself are others: over 4850 to 7000 Angstrom of order 8, lines near the ends would differ by a fifth of their errors.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["polynomials"]

Array = NDArray[np.float64]


def polynomials(wavelength: Array, ends: tuple[float, float], order: int) -> Array:
    """Return the polynomials up to an order between two wavelengths, shape (order + 1, pixels); constant beyond."""
    logarithms = np.log(wavelength)
    span = np.interp(logarithms, np.log(ends), (-1.0, 1.0))
    return np.ascontiguousarray(np.polynomial.legendre.legvander(span, order).T, dtype=np.float64)
