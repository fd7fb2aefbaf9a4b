"""How the noise of neighbouring spaxels is correlated in a plane, before and after a convolution.  Pure.

White noise that is convolved with K has the autocorrelation of K; noise that was correlated before has that of K
convolved with its own.  Sums over spaxels are noisier by what ``sum_factor`` tells.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from processing.science.drizzle_noise import neighbour_correlation

__all__ = ["WHITE", "Correlation", "convolved", "drizzled", "inflation"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Correlation:
    """Of two spaxels by their distance: shape (2 n + 1, 2 n + 1), 1 in the middle; farther ones are not correlated."""

    values: Array

    def __post_init__(self) -> None:
        rows, columns = self.values.shape
        if rows != columns or rows % 2 == 0 or not np.isclose(self.values[rows // 2, rows // 2], 1):
            raise ValueError("a correlation is 1 in the middle of a box of an odd size")

    def sum_factor(self, rows: int, columns: int) -> float:
        """Return by what the noise of a sum over a block exceeds the root of its summed variances."""
        half = len(self.values) // 2
        away = np.abs(np.arange(-half, half + 1))
        pairs = np.maximum(rows - away, 0)[:, np.newaxis] * np.maximum(columns - away, 0)
        return float(np.sqrt(max((pairs * self.values).sum(), 0.0) / (rows * columns)))

    @property
    def long_sum_factor(self) -> float:
        """The same for sums over many spaxels."""
        return float(np.sqrt(max(self.values.sum(), 0.0)))


WHITE: Final = Correlation(np.ones((1, 1)))
"""Of noise that is not correlated."""


def drizzled(pixfrac: float) -> Correlation:
    """Return that of a plane into which drops of so much of a spaxel fell."""
    beside = neighbour_correlation(pixfrac)
    along = np.array([beside, 1.0, beside])
    return Correlation(along[:, np.newaxis] * along)


def convolved(kernel: Array, before: Correlation = WHITE) -> Correlation:
    """Return the correlation of noise after a convolution.

    Parameters
    ----------
    kernel
        Shape (n, n), n odd, symmetric.
    before
        Of the noise that is convolved.
    """
    whole = signal.fftconvolve(signal.fftconvolve(kernel, kernel), before.values)
    middle = len(whole) // 2
    return Correlation(whole / whole[middle, middle])


def inflation(kernel: Array, before: Correlation = WHITE) -> float:
    """Return how much larger the variance after a convolution is than that of noise without correlation."""
    spread = signal.fftconvolve(kernel, before.values, mode="same")
    return float((kernel * spread).sum() / (kernel**2).sum())
