"""The typical one of many measurements: median, scatter, and how well the median is known."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.noise import mad_std

__all__ = ["Typical", "Window", "typical", "windows"]

Array = NDArray[np.float64]

MEDIAN_TO_MEAN: Final = 1.2533141373155001
"""By how much the error of a median exceeds that of a mean of Gaussian values: the root of pi / 2."""

WIDTHS: Final = (5, 10, 25, 50, 100, 200, 500, 1000)
MOST_WINDOWS: Final = 25


@dataclass(frozen=True)
class Typical:
    """Median, robust standard deviation (1.4826 times the median deviation) and number of finite values."""

    median: float
    scatter: float
    n: int

    @property
    def error(self) -> float:
        """Error of the median; NaN of a single value, whose scatter tells nothing."""
        return MEDIAN_TO_MEAN * self.scatter / self.n**0.5 if self.n > 1 else float("nan")

    @property
    def scatter_error(self) -> float:
        """Error of the scatter, were the values Gaussian: a median deviation knows 1.17 / sqrt(n) of itself."""
        return 1.17 * self.scatter / self.n**0.5 if self.n > 1 else float("nan")


def typical(values: Array) -> Typical:
    """Return what is typical of the finite values; NaN of none."""
    finite = values[np.isfinite(values)]
    return Typical(float(np.median(finite)) if finite.size else float("nan"), mad_std(finite), int(finite.size))


@dataclass(frozen=True)
class Window:
    """Wavelengths from ``low`` up to before ``high``, Angstrom."""

    low: float
    high: float

    def __str__(self) -> str:
        """Write it as the database has it."""
        return f"{self.low:g}-{self.high:g}"

    @property
    def middle(self) -> float:
        """Half-way."""
        return (self.low + self.high) / 2

    def of(self, wavelengths: Array) -> NDArray[np.bool_]:
        """Tell which wavelengths lie inside."""
        inside: NDArray[np.bool_] = (wavelengths >= self.low) & (wavelengths < self.high)
        return inside


def windows(wavelengths: Array) -> tuple[Window, ...]:
    """Return windows of one width, 25 at most, with limits at round numbers, that together hold all wavelengths."""
    first, last = float(wavelengths[0]), float(wavelengths[-1])
    for width in WIDTHS:
        limits = np.arange(width * (first // width), last + width, width)
        limits = limits[: int(np.searchsorted(limits, last, side="right")) + 1]
        if limits.size <= MOST_WINDOWS + 1:
            break
    return tuple(Window(float(low), float(high)) for low, high in pairwise(limits))
