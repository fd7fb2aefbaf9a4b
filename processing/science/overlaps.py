"""Whether exposures agree where they overlap: differences in units of what their variances let expect.

Pure.  Some planes are enough; each pair keeps a histogram only, so memory is flat.  Differences of exposures that agree
have a median of 0 and, were variances all of the noise, a scatter of 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.mosaic import Footprint

__all__ = ["Overlap", "Overlaps"]

Floats = NDArray[np.float32]

REACH: Final = 10.0
BINS: Final = 2000
"""Of 0.01: what lies further away than ``REACH`` sigmas is counted there, where it moves no percentile."""

SIGMAS: Final = (0.8413447460685429, 0.9772498680518208, 0.9986501019683699)
"""Parts of a Gaussian below plus one, two and three sigmas."""


@dataclass(frozen=True)
class Overlap:
    """How two exposures differ where both have good values, of the first minus the second.

    Parameters
    ----------
    first, second
        Their numbers.
    values
        How many voxels were compared.
    median, scatter
        Of the normalised differences; the scatter is half the distance between those that have 15.9 and 84.1 percent
        below them, the standard deviation of a Gaussian without its outliers.
    wide, widest
        Half the distances between those that have 95.5 and 99.7 percent between them: 2 and 3 of a Gaussian of 1.
    """

    first: int
    second: int
    values: int
    median: float
    scatter: float
    wide: float
    widest: float


class Overlaps:
    """All pairs of exposures that overlap, and how they differ."""

    def __init__(self, footprints: Sequence[Footprint]) -> None:
        self._pairs: Final[dict[tuple[int, int], tuple[Footprint, NDArray[np.int64]]]] = {}
        self._footprints: Final = tuple(footprints)
        for first, second in combinations(range(len(footprints)), 2):
            shared = footprints[first].shared_with(footprints[second])
            if shared is not None:
                self._pairs[first, second] = shared, np.zeros(BINS, np.int64)

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The numbers of those that overlap."""
        return tuple(self._pairs)

    def add(self, pair: tuple[int, int], first: tuple[Floats, Floats], second: tuple[Floats, Floats]) -> None:
        """Compare one plane of a pair, each given whole as data and variance; threads may do so for several pairs."""
        from processing.science.mosaic_loop import count_differences  # who compares nothing needs no compiler

        shared, histogram = self._pairs[pair]
        mine, others = (self._footprints[number].window(shared) for number in pair)
        count_differences(first[0][mine], first[1][mine], second[0][others], second[1][others], REACH, histogram)

    def results(self) -> tuple[Overlap, ...]:
        """Return the pairs that had values to compare."""
        found = []
        for (first, second), (_, histogram) in self._pairs.items():
            values = int(histogram.sum())
            if values:
                median = _percentile(histogram, 0.5)
                halves = [_half_distance(histogram, part) for part in SIGMAS]
                found.append(Overlap(first, second, values, median, *halves))
        return tuple(found)


def _half_distance(histogram: NDArray[np.int64], part: float) -> float:
    return (_percentile(histogram, part) - _percentile(histogram, 1 - part)) / 2


def _percentile(histogram: NDArray[np.int64], part: float) -> float:
    """Return below which difference a part of all lies, as if they were spread evenly within a bin."""
    below = np.concatenate(([0], np.cumsum(histogram)))
    edges = np.linspace(-REACH, REACH, BINS + 1)
    return float(np.interp(part * below[-1], below, edges))
