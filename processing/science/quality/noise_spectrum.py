"""The noise of a cube by wavelength: what its variances tell, and what its data show.

Pure, and fed slab by slab.  What a cube shows is not flat on the sky, but smooth along wavelength: the second
difference of a spectrum, d[i-2] - 2 d[i] + d[i+2], leaves hardly more than noise.  In units of its own variance it has
a scatter of 1 over the spaxels of a plane, if variances tell the truth.  Planes two apart share no pixel of the
detector (see ``drizzle_noise``), so correlation does not enter.  Emission lines do: planes that a galaxy's lines reach
are to be left out by whoever averages, ``line_free`` tells which are not.
"""

from math import gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.lines import LINES
from processing.science.noise import mad_std

__all__ = ["NoiseSpectrum", "line_free"]

Floats = NDArray[np.float32]
Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LAG: Final = 2
SAMPLE: Final = 40_000
"""Spaxels that are looked at, spread over the field: they know the scatter of a plane to half a percent."""

LEAST: Final = 30
"""Spaxels with values below which a plane tells nothing."""

SPEED_OF_LIGHT: Final = 299792.458
REACH: Final = 600.0
"""Kilometres a second on either side of a line: rotation, dispersion, the instrument, and two planes."""


class NoiseSpectrum:
    """Noise told and noise seen of a cube whose planes pass in order.

    Parameters
    ----------
    shape
        (nz, ny, nx) of the cube.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self._step: Final = _step(shape)
        self._told: Final = np.full(shape[0], np.nan)
        self._ratio: Final = np.full(shape[0], np.nan)
        self._planes: list[tuple[Array, Array]] = []
        self._next = 0

    def add(self, start: int, data: Floats, variance: Floats, mask: Mask | None) -> None:
        """Add planes, shape (n, ny, nx), each slab once and in order; what the mask has True is left out.

        Raises
        ------
        ValueError
            They do not follow those before.
        """
        if start != self._next:
            raise ValueError(f"plane {start} does not follow plane {self._next - 1}")
        for plane in range(len(data)):
            bad = None if mask is None else mask[plane]
            self._add(*self._sampled(data[plane], variance[plane], bad))

    @property
    def told(self) -> Array:
        """The median of the roots of variances of each plane, shape (nz), in the cube's unit; NaN where none is."""
        return self._told

    @property
    def ratio(self) -> Array:
        """The noise seen in units of the noise told, shape (nz); NaN for the two planes at each end."""
        return self._ratio

    def _sampled(self, data: Floats, variance: Floats, bad: Mask | None) -> tuple[Array, Array]:
        part = slice(None, None, self._step)
        values = data.reshape(-1)[part].astype(np.float64)
        its_variance = variance.reshape(-1)[part].astype(np.float64)
        good = np.isfinite(values) & np.isfinite(its_variance) & (its_variance > 0)
        if bad is not None:
            good &= ~bad.reshape(-1)[part]
        return np.where(good, values, np.nan), np.where(good, its_variance, np.nan)

    def _add(self, data: Array, variance: Array) -> None:
        self._planes.append((data, variance))
        known = variance[np.isfinite(variance)]
        if known.size >= LEAST:
            self._told[self._next] = float(np.median(np.sqrt(known)))
        if len(self._planes) > 2 * LAG:
            (before, v0), (here, v1), (after, v2) = self._planes[0], self._planes[LAG], self._planes[-1]
            differences = (before - 2 * here + after) / np.sqrt(v0 + 4 * v1 + v2)
            differences = differences[np.isfinite(differences)]
            if differences.size >= LEAST:
                self._ratio[self._next - LAG] = mad_std(differences)
            self._planes.pop(0)
        self._next += 1


def line_free(wavelengths: Array, velocity: float) -> Mask:
    """Tell which wavelengths, Angstrom in air, no emission line of gas near a velocity, km/s, can reach."""
    free = np.ones(wavelengths.shape, dtype=np.bool_)
    for line in LINES:
        at = line.wavelength * (1 + velocity / SPEED_OF_LIGHT)
        free &= np.abs(wavelengths / at - 1) * SPEED_OF_LIGHT > REACH
    return free


def _step(shape: tuple[int, int, int]) -> int:
    """Return every how many spaxels are taken: no divisor of the rows' length, or whole columns would be left out."""
    _, ny, nx = shape
    step = max(1, ny * nx // SAMPLE)
    while gcd(step, nx) > 1:
        step += 1
    return step
