"""Signal and noise of every spaxel of a cube, as the survey takes them: means over some wavelengths at rest."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archive.cube import Cube
from archive.errors import Refused
from processing.maps.sources import fitted_planes
from processing.science.extinction import correction

__all__ = ["Field", "measure_field"]

Array = NDArray[np.float64]

WHOLE: Final = 0.5
"""Part of the planes of a spaxel that must be good."""

DEPTH: Final = 16


@dataclass(frozen=True)
class Field:
    """Mean flux and mean noise a pixel of wavelength, without the dust; shape (ny, nx), NaN without a spectrum."""

    signal: Array
    noise: Array


def measure_field(cube: Cube, velocity: float, ebv: float, window: tuple[float, float]) -> Field:
    """Measure a cube between two wavelengths at rest, and take the Milky Way's dust of E(B-V) off.

    Raises
    ------
    Refused
        The cube does not have the wavelengths, or no good value with a variance above zero.
    """
    planes = fitted_planes(cube, velocity, window)
    flux, noise, count = (np.zeros(cube.shape[1:]) for _ in range(3))
    for start in range(planes.start, planes.stop, DEPTH):
        slab = cube.slab(start, min(start + DEPTH, planes.stop))
        variance = slab.variance
        if variance is None:
            raise Refused("the cube has no variance (STAT)")
        good = np.isfinite(slab.data) & np.isfinite(variance) & (variance > 0)
        if slab.mask is not None:
            good &= ~slab.mask
        flux += np.where(good, slab.data, 0.0).sum(axis=0, dtype=np.float64)
        noise += np.sqrt(np.where(good, variance, 0.0)).sum(axis=0, dtype=np.float64)
        count += good.sum(axis=0)
    seen = count >= WHOLE * (planes.stop - planes.start)
    if not seen.any():
        low, high = window
        raise Refused(f"no spaxel has good values with a variance above zero between {low:g} and {high:g} at rest")
    bright = correction(np.array([cube.wavelengths[planes].mean()]), ebv)[0]
    return Field(
        *(np.divide(each * bright, count, out=np.full(each.shape, np.nan), where=seen) for each in (flux, noise))
    )
