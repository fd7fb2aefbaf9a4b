"""Filter curves, by name: from the list that MUSE's tools share, and those of the survey's reference images.

An AB zero point Z is meant as the list has it: AB = 50 - 2.5 log10(F) - Z for a flux F in 1e-20 erg/s/cm2/Angstrom.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits

from archive.errors import Refused
from processing.science.bands import Filter

__all__ = ["FILTER_LIST", "TABLES", "Curve", "pivot", "read_curve"]

FILTER_LIST: Final = Path("mpdaf/obj/filters/filter_list.fits")
"""Where the list is within the folder of the data packages."""

TABLES: Final = {
    "WFI_BB": Path("pymusepipe/data/Filters/LaSilla_WFI_ESO844p.txt"),
    "DUPONT_R": Path("pymusepipe/data/Filters/LCO_SITe3_rp.txt"),
}
"""Likewise, of the bands of the survey's images: R of the Wide Field Imager, and r of the du Pont telescope."""

LIGHT: Final = 2.99792458e18
"""Angstrom a second."""

AB: Final = 48.6


@dataclass(frozen=True)
class Curve:
    """A filter with its AB zero point, as the module means it, and the checksum of the file that it was read from."""

    band: Filter
    zero_point: float
    md5: str


def read_curve(data: Path, name: str) -> Curve:
    """Read a filter.

    Raises
    ------
    Refused
        The list is not there, or has no filter of that name.
    """
    if name in TABLES:
        return _read_table(data / TABLES[name], name)
    path = data / FILTER_LIST
    if not path.is_file():
        raise Refused(f"no filter curves at {path}: set MUSEVAULT_DATA to the folder of the data packages")
    with fits.open(path, memmap=False) as hdus:
        if name not in hdus:
            raise Refused(f"no filter {name!r} in {path}")
        table = hdus[name]
        wavelength = np.asarray(table.data["lambda"], dtype=np.float64)
        throughput = np.asarray(table.data["throughput"], dtype=np.float64)
        zero_point = float(table.header["ZP_AB"])
    return Curve(Filter(name, wavelength, throughput), zero_point, _md5(path))


def pivot(band: Filter) -> float:
    """Return the pivot wavelength of a filter, Angstrom: that of photon counters (Koornneef et al. 1986)."""
    wavelength, throughput = band.wavelength, band.throughput
    above = np.trapezoid(throughput * wavelength, wavelength)
    return float(np.sqrt(above / np.trapezoid(throughput / wavelength, wavelength)))


def _read_table(path: Path, name: str) -> Curve:
    """Read a table of wavelength, Angstrom, and throughput; its zero point is that of its pivot wavelength."""
    try:
        wavelength, throughput = np.loadtxt(path, dtype=np.float64, unpack=True)
    except (OSError, ValueError) as error:
        raise Refused(f"no filter curve {name!r} at {path}: set MUSEVAULT_DATA to the data packages") from error
    band = Filter(name, wavelength, throughput)
    return Curve(band, AB + 2.5 * float(np.log10(pivot(band) ** 2 / LIGHT)), _md5(path))


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
