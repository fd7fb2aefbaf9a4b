"""Filter curves: read from the list that MUSE's tools share, by name."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits

from archive.errors import Refused
from processing.science.bands import Filter

__all__ = ["FILTER_LIST", "Curve", "read_curve"]

FILTER_LIST: Final = Path("mpdaf/obj/filters/filter_list.fits")
"""Where the list is within the folder of the data packages."""


@dataclass(frozen=True)
class Curve:
    """A filter with its AB zero point for fluxes in 1e-20 erg/s/cm2/Angstrom, and the file that it was read from."""

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
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    return Curve(Filter(name, wavelength, throughput), zero_point, md5)
