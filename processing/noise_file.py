"""The file that tells, by place and wavelength, by how much sums over spaxels of a mosaic are noisier than STAT says.

KIND numbers the mixtures of pointings, -1 where nothing was exposed; FACTORS has a row for each of them at each
wavelength: the factors of sums over squares of spaxels.
"""

from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits

from archive.errors import Refused
from processing.science.shared_noise import SharedNoise

__all__ = ["NOISE_FILE", "noise_hdus", "read_noise"]

NOISE_FILE: Final = "_NOISE.fits"
"""How names of such files end."""

SQUARE: Final = "SQUARE"


def noise_hdus(noise: SharedNoise, axes: fits.Header, name: str) -> fits.HDUList:
    """Return the file about a mosaic.

    Parameters
    ----------
    axes
        The celestial ones of the mosaic, as cards.
    name
        Of its file.
    """
    primary = fits.PrimaryHDU()
    primary.header["ASSON1"] = name  # a comment would not fit
    kind = fits.ImageHDU(noise.kind, axes, name="KIND")
    count, kinds, _ = noise.factors.shape
    columns = [
        fits.Column("KIND", "I", array=np.tile(np.arange(kinds), count)),
        fits.Column("WAVELENGTH", "D", unit="Angstrom", array=np.repeat(noise.wavelengths, kinds)),
        *(
            fits.Column(f"{SQUARE}{width:g}", "D", array=noise.factors[:, :, n].ravel())
            for n, width in enumerate(noise.widths)
        ),
    ]
    return fits.HDUList([primary, kind, fits.BinTableHDU.from_columns(columns, name="FACTORS")])


def read_noise(path: Path) -> SharedNoise:
    """Read such a file.

    Raises
    ------
    Refused
        It is none.
    """
    try:
        with fits.open(path, memmap=False) as hdus:
            kind, table = np.asarray(hdus["KIND"].data, dtype=np.int16), hdus["FACTORS"].data
            names = [one for one in table.names if one.startswith(SQUARE)]
            wavelengths = np.unique(table["WAVELENGTH"])
            factors = np.array([table[one] for one in names], dtype=np.float64).T
            widths = np.array([float(one.removeprefix(SQUARE)) for one in names])
            return SharedNoise(wavelengths, widths, factors.reshape(len(wavelengths), -1, len(names)), kind)
    except (OSError, KeyError, ValueError) as error:
        raise Refused(f"{path.name} does not tell the noise of sums: {error}") from error
