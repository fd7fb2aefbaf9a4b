"""Planes of an exposure convolved to one PSF: data, variance, and what is masked.

Pure.  What is masked has no weight: a plane becomes K * (m d) / K * m, m being 1 where it is good, so a flat field
stays flat up to its edge and a bright pixel that was masked leaves no hole around it.  The variance becomes
f K^2 * (m v) / (K * m)^2; f, which ``correlated_noise`` tells, is what the correlation of the noise before adds.
What was masked stays so; what has less than a fifth of the kernel on good pixels is masked, too.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from processing.science.correlated_noise import WHITE, Correlation, inflation
from processing.science.kernels import Kernels

__all__ = ["Convolver"]

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Spectrum = NDArray[np.complex128]

LEAST: Final = 0.2
"""Part of the kernel that must fall on good pixels."""


class _Knots(NamedTuple):
    """Of the kernels at two knots, A and B: the transforms of both, of A^2, AB and B^2, and f of both."""

    low: Array
    high: Array
    low_squared: Array
    mixed: Array
    high_squared: Array
    low_inflation: float
    high_inflation: float

    def between(self, part: float) -> tuple[Array, Array]:
        """Return the transforms of the kernel K and of f K^2 so far on the way from A to B."""
        rest = 1 - part
        factor = rest * self.low_inflation + part * self.high_inflation
        squared = self.low_squared * (factor * rest**2)
        squared += self.mixed * (factor * 2 * rest * part)
        squared += self.high_squared * (factor * part**2)
        kernel: Array = self.low + part * (self.high - self.low)
        return kernel, squared


class Convolver:
    """Convolves planes of one shape; those of neighbouring wavelengths are best given one after the other.

    It remembers the kernels around the last wavelength and the last mask: to be used by one thread at a time.

    Parameters
    ----------
    kernels
        Of the PSF that the planes have.
    shape
        (ny, nx) of the planes.
    before
        Correlation of the noise of the planes.
    """

    def __init__(self, kernels: Kernels, shape: tuple[int, int], before: Correlation = WHITE) -> None:
        self._kernels: Final = kernels
        self._before: Final = before
        self._shape: Final = shape
        # what is carried over the edge of the transform falls into the room of half a kernel, and is dropped
        room = [fft.next_fast_len(size + kernels.size // 2, real=True) for size in shape]
        self._room: Final = (room[0], room[1])
        self._knot = -1
        self._knots: _Knots | None = None
        self._mask: Mask | None = None
        self._shares: tuple[Array, Array] | None = None
        self._buffer: Final = np.zeros(self._room)

    def convolve(self, wavelength: float, data: Floats, variance: Floats, good: Mask) -> tuple[Floats, Floats, Mask]:
        """Return data, variance, and which pixels are good, of a plane; the others are NaN.

        Parameters
        ----------
        wavelength
            Of the plane, Angstrom.
        data, variance, good
            Of the shape; values that are not finite must not be good.

        Raises
        ------
        ValueError
            The target is narrower than the PSF.
        """
        if not good.any():
            nothing = np.full(self._shape, np.nan, np.float32)
            return nothing, nothing, good
        number, part = self._kernels.around(wavelength)
        if self._knots is None or number != self._knot:
            self._knots, self._knot, self._shares = self._around(number), number, None
        smooth, squared = self._knots.between(part)
        share = self._share(self._knots, good, part)
        kept = good & (share > LEAST)
        light, noise = self._through(data, good, smooth), self._through(variance, good, squared)
        mean, spread = (np.full(self._shape, np.nan, np.float32) for _ in range(2))
        np.divide(light, share, out=mean, where=kept, casting="unsafe")
        np.divide(noise, share * share, out=spread, where=kept, casting="unsafe")
        np.maximum(spread, 0, out=spread)  # rounding leaves tiny negative values beside a very noisy pixel
        return mean, spread, kept

    def _through(self, plane: Floats, good: Mask, transform: Array) -> Array:
        """Return the good values of a plane convolved with what has this transform."""
        rows, columns = self._shape
        self._buffer[:] = 0.0
        np.copyto(self._buffer[:rows, :columns], plane, where=good)
        return self._back(fft.rfft2(self._buffer) * transform)

    def _share(self, knots: _Knots, good: Mask, part: float) -> Array:
        """Return which part of the kernel falls on good pixels; kernels and masks change rarely."""
        if self._shares is None or self._mask is None or not np.array_equal(self._mask, good):
            ones = np.ones(self._shape, np.float32)
            low, high = (self._through(ones, good, each) for each in (knots.low, knots.high))
            self._mask, self._shares = good.copy(), (low.copy(), high.copy())
        low, high = self._shares
        share: Array = low + part * (high - low)
        return share

    def _around(self, number: int) -> _Knots:
        low, high = self._kernels.knot(number), self._kernels.knot(number + 1)
        return _Knots(
            self._of_kernel(low),
            self._of_kernel(high),
            self._of_kernel(low**2),
            self._of_kernel(low * high),
            self._of_kernel(high**2),
            inflation(low, self._before),
            inflation(high, self._before),
        )

    def _of_kernel(self, kernel: Array) -> Array:
        """Return the transform of a kernel, real since it is symmetric, about the first pixel of the room."""
        half = self._kernels.size // 2
        rows, columns = self._room
        placed = np.zeros(self._room)
        indices = np.arange(-half, half + 1)
        # a kernel larger than the room is folded, which is what a circular convolution does with it anyway
        np.add.at(placed, np.ix_(indices % rows, indices % columns), kernel)
        return np.ascontiguousarray(fft.rfft2(placed).real)

    def _back(self, spectrum: Spectrum) -> Array:
        rows, columns = self._shape
        plane: Array = fft.irfft2(spectrum, s=self._room, overwrite_x=True)[:rows, :columns]
        return plane
