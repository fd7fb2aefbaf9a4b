"""The reference image of a galaxy as the alignment takes it: flux per pixel in MUSE's unit, with its coordinates."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

from archive.errors import Refused
from processing.filters import pivot
from processing.science.bands import Filter

__all__ = ["Reference", "read_reference"]

Array = NDArray[np.float64]

FLUX_UNITS: Final = frozenset({
    "10**(-20)*erg/s/cm**2/Angstrom",
    "10**(-20)erg.s**(-1).cm**(-2).angstrom**(-1)",
    "1e-20 erg/s/cm2/Angstrom",
})  # fmt: skip
JANSKYS: Final = {"Jy": 1.0, "mJy": 1e-3, "uJy": 1e-6, "microJy": 1e-6, "nmgy": 3.631e-6, "nanomaggy": 3.631e-6}
SPEED_OF_LIGHT: Final = 2.99792458e18
"""Angstrom a second."""

JANSKY: Final = 1e-23 / 1e-20
"""In 1e-20 erg/s/cm2/Hz."""


@dataclass(frozen=True)
class Reference:
    """An image of shape (ny, nx) in 1e-20 erg/s/cm2/Angstrom per pixel, NaN where it is bad."""

    image: Array
    wcs: WCS


def read_reference(path: Path, band: Filter) -> Reference:
    """Read a reference image.

    Parameters
    ----------
    band
        Its filter: flux densities per frequency become those per wavelength at the filter's own pivot.

    Raises
    ------
    Refused
        It has no image, no unit of flux per pixel that is known, or no value.
    """
    with fits.open(path, memmap=False) as hdus:
        hdu = next((one for one in hdus if one.is_image and one.header.get("NAXIS") == 2), None)
        if hdu is None:
            raise Refused("the reference has no image of two axes")
        header, data = hdu.header, np.asarray(hdu.data, dtype=np.float64)
        unit = str(header.get("BUNIT", hdus[0].header.get("BUNIT", ""))).strip()
    if not np.isfinite(data).any():
        raise Refused("the reference image has no value at all")
    return Reference(data * _scale(unit, band), WCS(header).celestial)


def _scale(unit: str, band: Filter) -> float:
    if unit in FLUX_UNITS:
        return 1.0
    if unit in JANSKYS:
        return JANSKYS[unit] * JANSKY * SPEED_OF_LIGHT / pivot(band) ** 2
    raise Refused(f"BUNIT {unit!r} of the reference image is no flux per pixel: uJy is, or {min(FLUX_UNITS, key=len)}")
