"""Where light falls on the detectors: slices, wavelengths, and the places on the sky that each pixel looks at.  Pure.

Every IFU has 48 slices of about 76 pixels beside each other, curved a little; wavelengths grow upwards, each slice a
little higher or lower than its neighbour and tilted.  The instrument is the same in every simulation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["COLUMNS", "IFUS", "ROWS", "SLICE_ORDER", "Ifu", "RawSlice", "ifu_of", "middle"]

Array = NDArray[np.float64]

COLUMNS: Final = 4096
ROWS: Final = 4112
IFUS: Final = 24
SLICE_ORDER: Final = (
    9, 8, 1, 10, 7, 2, 11, 6, 3, 12, 5, 4,
    21, 20, 13, 22, 19, 14, 23, 18, 15, 24, 17, 16,
    33, 32, 25, 34, 31, 26, 35, 30, 27, 36, 29, 28,
    45, 44, 37, 46, 43, 38, 47, 42, 39, 48, 41, 40,
)  # fmt: skip
"""Number on the sky of each slice on the detector, from left to right."""

PER_STACK: Final = 12
STACKS: Final = 4
LENGTH: Final = 75.0
"""Of a slice on the sky, spaxels."""

WIDTH: Final = 76.5
PITCH: Final = 84.3
FIRST_CENTRE: Final = 70.0
"""Of slices on the detector, pixels, as on all detectors of MUSE."""

BLUR: Final = 0.7
"""Of the edges of slices, pixels."""

DISPERSION: Final = (4590.0, 1.27, -5e-6)
"""Wavelength in Angstrom of row 0, a row, and a row squared."""

JITTER: Final = (0.4, 0.15)
"""Of slices on the sky, along and across, spaxels."""

TURN: Final = 0.1
STAGGER: Final = 12.0
THROUGHPUT: Final = 0.04
INSTRUMENT_SEED: Final = 24_49


@dataclass(frozen=True)
class RawSlice:
    """A slice: where its light falls, and where on the sky it looks.

    Parameters
    ----------
    number, sky
        From left to right on the detector, and on the sky.
    x, y, angle
        Of its middle on the sky, spaxels and degrees.
    centre
        Polynomial of its middle on the detector in ``(row - 2056) / 2056``, pixels from 1.
    stagger, tilt, bow
        By how many rows its wavelengths lie higher, at its ends against each other, and at its ends against its middle.
    throughput
        About 1.
    """

    number: int
    sky: int
    x: float
    y: float
    angle: float
    centre: tuple[float, float, float]
    stagger: float
    tilt: float
    bow: float
    throughput: float

    def middles(self) -> Array:
        """Return the middle on the detector at each row, shape (rows), pixels from 1."""
        run = (np.arange(1, ROWS + 1) - ROWS / 2) / (ROWS / 2)
        first, second, third = self.centre
        middles: Array = first + second * run + third * run**2
        return middles

    @cached_property
    def columns(self) -> slice:
        """The columns, from 0, on which any of its light falls."""
        middles, reach = self.middles(), WIDTH / 2 + 4 * BLUR
        return slice(int(middles.min() - reach) - 1, int(middles.max() + reach) + 1)

    def across(self) -> Array:
        """Return how far pixels are from the middle, to the right, shape (rows, columns), pixels."""
        columns = np.arange(self.columns.start + 1, self.columns.stop + 1)
        across: Array = columns - self.middles()[:, np.newaxis]
        return across

    def wavelengths(self, across: Array) -> Array:
        """Return the wavelength of pixels, shape (rows, columns), Angstrom in air."""
        place = across / (WIDTH / 2)
        rows = np.arange(1, ROWS + 1)[:, np.newaxis] + self.stagger + self.tilt * place + self.bow * place**2
        zero, first, second = DISPERSION
        wavelengths: Array = zero + first * rows + second * rows**2
        return wavelengths

    def sky_places(self, along: Array) -> tuple[Array, Array]:
        """Return where on the sky places along the slice look, spaxels: they run against the detector's columns."""
        turn = np.radians(self.angle)
        return self.x + along * np.cos(turn), self.y + along * np.sin(turn)


@dataclass(frozen=True)
class Ifu:
    """One of the 24 IFUs with its detector."""

    number: int
    slices: tuple[RawSlice, ...]

    @property
    def channel(self) -> str:
        """Its name in files."""
        return f"CHAN{self.number:02d}"


def ifu_of(number: int) -> Ifu:
    """Return an IFU, 1 to 24.

    Raises
    ------
    ValueError
        There is no such IFU.
    """
    if not 1 <= number <= IFUS:
        raise ValueError(f"there is no IFU {number}: there are {IFUS}")
    rng = np.random.default_rng([INSTRUMENT_SEED, number])
    shift = rng.uniform(-3, 3)
    throughputs = 1 + THROUGHPUT * rng.uniform(-1, 1, len(SLICE_ORDER))
    throughputs /= throughputs.mean()
    slices = tuple(
        _slice(number, place, throughput=float(throughput), shift=shift, rng=rng)
        for place, throughput in enumerate(throughputs)
    )
    return Ifu(number, slices)


def along(across: Array) -> Array:
    """Return how far along the slice on the sky pixels look that are so far to the right of its middle, spaxels."""
    return -across / WIDTH * LENGTH


def middle(ifus: Sequence[Ifu]) -> tuple[float, float]:
    """Return the middle of the box around all that the IFUs see, spaxels: there the RA and DEC of a header point."""
    reach = np.array([-1, 1]) * LENGTH / 2
    places = [each.sky_places(reach) for ifu in ifus for each in ifu.slices]
    x, y = (np.concatenate([place[axis] for place in places]) for axis in (0, 1))
    return float(x.min() + x.max()) / 2, float(y.min() + y.max()) / 2


def _slice(ifu: int, place: int, *, throughput: float, shift: float, rng: np.random.Generator) -> RawSlice:
    sky = SLICE_ORDER[place]
    stack, row = divmod(sky - 1, PER_STACK)
    spread = (place - 23.5) / 24
    return RawSlice(
        number=place + 1,
        sky=sky,
        x=(stack - (STACKS - 1) / 2) * LENGTH + JITTER[0] * rng.uniform(-1, 1),
        y=(ifu - 1) * PER_STACK + row - (IFUS * PER_STACK - 1) / 2 + JITTER[1] * rng.uniform(-1, 1),
        angle=TURN * rng.uniform(-1, 1),
        centre=(FIRST_CENTRE + shift + PITCH * place, 2.0 * spread + 0.3 * rng.uniform(-1, 1), 1.5 * spread),
        stagger=STAGGER * rng.uniform(-1, 1),
        tilt=rng.uniform(-1.5, 1.5),
        bow=rng.uniform(-0.6, 0.6),
        throughput=throughput,
    )
