"""The fitted spectra of all spaxels as a cube, for whoever asked for it: written plane by plane from the tiles."""

import tempfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from astropy.io import fits

from archive.checkpoints import Checkpoints
from archive.cube import Cube
from processing.derived_header import axes_of
from processing.maps.stars_file import BinnedStars

__all__ = ["write_model"]


def write_model(
    cube: Cube, binned: BinnedStars, fitted: Checkpoints, tiles: int, primary: fits.Header, target: BinaryIO
) -> None:
    """Write stars and lines as fitted, behind the Milky Way's dust as the cube is, on the planes that were fitted."""
    shape = binned.wavelength.size, *binned.number.shape
    with tempfile.TemporaryDirectory(dir=fitted.folder.parent.parent) as folder:
        held: Any = np.lib.format.open_memmap(Path(folder) / "model.npy", mode="w+", dtype=np.float32, shape=shape)
        held[:] = np.nan
        flat = held.reshape(shape[0], -1)
        for number in range(tiles):
            part = fitted.read(number)
            if part["place"].size:
                flat[:, part["place"]] = part["model"].T
        header = axes_of(cube)
        header["BUNIT"] = "1e-20 erg/s/cm2/Angstrom"
        header["CTYPE3"], header["CUNIT3"] = "AWAV", "Angstrom"
        header["CRPIX3"], header["CRVAL3"] = 1.0, float(binned.wavelength[0])
        header["CD3_3"] = float(np.diff(binned.wavelength).mean())
        hdus = fits.HDUList([fits.PrimaryHDU(header=primary), fits.ImageHDU(held, header, name="MODEL")])
        hdus.writeto(target, checksum=True)
        del held, flat
