"""Maps of noise and of signal to noise of the continuum, as in Figure 2 of the release description.

Pure, and fed slab by slab.  Flux and noise of single voxels are averaged over a window of wavelengths, their quotient
is the signal to noise of a voxel there.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.quality.typical import Window

__all__ = ["SURVEY_WINDOW", "Continuum", "window_within"]

Floats = NDArray[np.float32]
Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SURVEY_WINDOW: Final = Window(5300.0, 5500.0)
"""Where the survey measures; without strong lines of galaxy or sky."""


def window_within(wavelengths: Array, wanted: Window = SURVEY_WINDOW) -> Window:
    """Return the window that is wanted, or the nearest one of its width that a cube has, or all that it has."""
    first, last = float(wavelengths[0]), float(wavelengths[-1])
    width = min(wanted.high - wanted.low, last - first)
    low = min(max(wanted.low, first), last - width)
    return Window(low, low + width)


class Continuum:
    """Averages of flux and noise within a window, of a cube whose planes pass slab by slab."""

    def __init__(self, wavelengths: Array, shape: tuple[int, int], window: Window) -> None:
        self.window: Final = window
        self._inside: Final = window.of(wavelengths)
        self._flux: Final = np.zeros(shape)
        self._noise: Final = np.zeros(shape)
        self._count: Final = np.zeros(shape, dtype=np.int32)

    def add(self, start: int, data: Floats, variance: Floats, mask: Mask | None) -> None:
        """Add planes, shape (n, ny, nx), from number ``start`` on; what the mask has True is left out."""
        for plane in np.flatnonzero(self._inside[start : start + len(data)]):
            good = np.isfinite(data[plane]) & np.isfinite(variance[plane]) & (variance[plane] > 0)
            if mask is not None:
                good &= ~mask[plane]
            self._flux[good] += data[plane][good]
            self._noise[good] += np.sqrt(variance[plane][good])
            self._count[good] += 1

    @property
    def flux(self) -> Array:
        """Mean flux, shape (ny, nx), NaN where there is none."""
        return self._mean(self._flux)

    @property
    def noise(self) -> Array:
        """Mean noise of a voxel, shape (ny, nx), NaN where there is none."""
        return self._mean(self._noise)

    @property
    def signal_to_noise(self) -> Array:
        """Of a voxel, shape (ny, nx), NaN where there is none."""
        return self.flux / self.noise

    def _mean(self, total: Array) -> Array:
        mean: Array = np.divide(total, self._count, out=np.full(total.shape, np.nan), where=self._count > 0)
        return mean
