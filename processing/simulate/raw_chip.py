"""How a detector is read out: four quadrants, each with its bias, gain and noise, and overscan around them.  Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.simulate.raw_geometry import COLUMNS, ROWS

__all__ = ["QUADRANTS", "RAW_COLUMNS", "RAW_ROWS", "Quadrant", "read_out"]

Image = NDArray[np.float32]

SCAN: Final = 32
"""Pixels of prescan and of overscan of each quadrant, along and across."""

RAW_COLUMNS: Final = COLUMNS + 4 * SCAN
RAW_ROWS: Final = ROWS + 4 * SCAN
SATURATED: Final = 65500
HIT: Final = 1500.0
"""Electrons of a cosmic ray, on average."""

HITS_A_SECOND: Final = 0.5
LONGEST: Final = 6


@dataclass(frozen=True)
class Quadrant:
    """A quarter of a detector: its place from left and below, bias in adu, electrons an adu, noise in electrons."""

    x: int
    y: int
    bias: float
    gain: float
    noise: float

    @property
    def rows(self) -> slice:
        """Its rows in the raw frame, with prescan and overscan."""
        return slice(self.y * RAW_ROWS // 2, (self.y + 1) * RAW_ROWS // 2)

    @property
    def columns(self) -> slice:
        """Its columns in the raw frame."""
        return slice(self.x * RAW_COLUMNS // 2, (self.x + 1) * RAW_COLUMNS // 2)

    @property
    def output(self) -> tuple[int, int]:
        """The corner at which it is read out, pixels of the detector from 1."""
        return (COLUMNS if self.x else 1), (ROWS if self.y else 1)


QUADRANTS: Final = (
    Quadrant(0, 0, bias=1003.0, gain=1.11, noise=2.8),
    Quadrant(1, 0, bias=997.0, gain=1.09, noise=2.7),
    Quadrant(1, 1, bias=1008.0, gain=1.13, noise=2.9),
    Quadrant(0, 1, bias=994.0, gain=1.10, noise=2.8),
)
"""In the order of their numbers in headers."""


def read_out(electrons: Image, rng: np.random.Generator, *, exptime: float = 0.0) -> NDArray[np.uint16]:
    """Read a detector out: noise of photons and of the read-out, bias, overscan; cosmic rays in long exposures.

    Parameters
    ----------
    electrons
        Expected, shape (rows, columns).
    exptime
        Seconds in which cosmic rays can hit it.
    """
    noise = rng.standard_normal(electrons.shape, np.float32)
    noise *= np.sqrt(np.maximum(electrons, 0.0))  # interpolation may fall a little below zero
    seen = electrons + noise
    _strike(seen, rng, exptime)
    raw = np.empty((RAW_ROWS, RAW_COLUMNS), np.uint16)
    for quadrant in QUADRANTS:
        _read_quadrant(raw[quadrant.rows, quadrant.columns], seen, quadrant, rng)
    return raw


def _read_quadrant(raw: NDArray[np.uint16], seen: Image, quadrant: Quadrant, rng: np.random.Generator) -> None:
    adu = rng.standard_normal(raw.shape, np.float32)
    adu *= quadrant.noise / quadrant.gain
    adu += quadrant.bias
    half = (ROWS // 2, COLUMNS // 2)
    part = seen[quadrant.y * half[0] :, quadrant.x * half[1] :][: half[0], : half[1]]
    adu[SCAN : SCAN + half[0], SCAN : SCAN + half[1]] += part / quadrant.gain
    np.clip(np.rint(adu), 0, SATURATED, out=adu)
    raw[:] = adu


def _strike(seen: Image, rng: np.random.Generator, exptime: float) -> None:
    for _ in range(rng.poisson(HITS_A_SECOND * exptime)):
        row, column = rng.integers(ROWS), rng.integers(COLUMNS - LONGEST)
        seen[row, column : column + rng.integers(1, LONGEST)] += np.float32(200.0 + rng.exponential(HIT))
