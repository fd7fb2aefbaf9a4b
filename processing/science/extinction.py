"""Take the Milky Way's dust off spectra: O'Donnell's (1994) law at the Rv of the diffuse medium.  Pure."""

from functools import cache
from typing import Any, Final

import numpy as np
from astropy import units
from numpy.typing import NDArray

__all__ = ["RV", "correction"]

Array = NDArray[np.float64]

RV: Final = 3.1
"""A(V) / E(B-V)."""

SHORTEST, LONGEST = 3030.0, 33333.0
"""Angstrom: where the law is O'Donnell's, and the infrared one that he keeps."""


def correction(wavelength: Array, ebv: float) -> Array:
    """Return the factor that flux is multiplied by, and variance by its square, so that no dust is left.

    Parameters
    ----------
    wavelength
        As observed, in air, Angstrom: the dust is the Milky Way's own.
    ebv
        E(B-V) of the direction, magnitudes.

    Raises
    ------
    ValueError
        A reddening that is none, or wavelengths that the law does not reach.
    """
    if not 0 <= ebv < np.inf:
        raise ValueError(f"E(B-V) of {ebv} is no reddening")
    if not (np.isfinite(wavelength) & (wavelength >= SHORTEST) & (wavelength <= LONGEST)).all():
        raise ValueError(f"the law of extinction reaches from {SHORTEST:g} to {LONGEST:g} Angstrom")
    ratio = np.asarray(_law()(1e4 / wavelength / units.micron), dtype=np.float64)
    factor: Array = 10 ** (0.4 * ratio * RV * ebv)
    return factor


@cache
def _law() -> Any:
    """Return A(wavelength) / A(V) as a function of the wave number in 1/micrometre."""
    from dust_extinction.parameter_averages import O94  # half a second to import, and few need it

    return O94(Rv=RV)
