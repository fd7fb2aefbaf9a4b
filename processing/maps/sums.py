"""The spectra of bins: sums over their spaxels, made in one pass over the planes of a cube."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archive.cube import Cube
from archive.errors import Refused
from processing.science.bins import Bins
from processing.science.shared_noise import SharedNoise

__all__ = ["Sums", "sum_bins"]

MOST_MISSING: Final = 0.5
"""Part of a bin's spaxels that may lack a wavelength: what others have then stands for the whole bin."""

DEPTH: Final = 16


@dataclass(frozen=True)
class Sums:
    """Flux and variance of bins, float32, and whether they are good; shape (bins, planes)."""

    flux: NDArray[np.float32]
    variance: NDArray[np.float32]
    good: NDArray[np.bool_]


def sum_bins(cube: Cube, planes: slice, bins: Bins, shared: SharedNoise) -> Sums:
    """Sum the spectra of the bins; variances with the noise that neighbours share.

    Memory is that of the result: 12 kB a bin at the survey's wavelengths.
    """
    places = np.flatnonzero(bins.number >= 0)
    which = bins.number.reshape(-1)[places]
    shape = len(bins), planes.stop - planes.start
    sums = Sums(np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.zeros(shape, np.bool_))
    for start in range(planes.start, planes.stop, DEPTH):
        slab = cube.slab(start, min(start + DEPTH, planes.stop))
        if slab.variance is None:
            raise Refused("the cube has no variance (STAT)")
        noise = shared.at(float(cube.wavelengths[start : start + len(slab.data)].mean()))
        noisier = noise.squared(noise.kinds(bins.number.shape).reshape(-1)[places], bins.spaxels[which])
        for place in range(len(slab.data)):
            flux, variance = (each[place].reshape(-1)[places] for each in (slab.data, slab.variance))
            good = np.isfinite(flux) & np.isfinite(variance) & (variance > 0)
            if slab.mask is not None:
                good &= ~slab.mask[place].reshape(-1)[places]
            held = which[good]
            count = np.bincount(held, minlength=len(bins))
            whole = np.divide(bins.spaxels, count, out=np.zeros(len(bins)), where=count > 0)
            column = start + place - planes.start
            sums.flux[:, column] = np.bincount(held, flux[good], len(bins)) * whole
            sums.variance[:, column] = np.bincount(held, (variance * noisier)[good], len(bins)) * whole**2
            sums.good[:, column] = count >= (1 - MOST_MISSING) * bins.spaxels
    return sums
