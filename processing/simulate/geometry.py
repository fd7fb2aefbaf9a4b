"""Where on the sky a spaxel of a slice of an IFU looks: MUSE's layout of 24 x 48 slices, whole or a part of it.

Pure.  An IFU has 12 rows of spaxels, one above the other, each of four slices side by side; the IFUs lie above each
other.  A small field has fewer IFUs and shorter slices.  Slices lie a little off their places, as real ones do: without
that, drizzled exposures would all have the same phase.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["FULL_SIZE", "SPAXEL", "Field", "Layout", "Slice", "from_plane", "layout", "plane"]

Array = NDArray[np.float64]

SPAXEL: Final = 0.2
FULL_SIZE: Final = 60.0
"""Side of the whole field, arcsec."""

IFUS: Final = 24
ROWS: Final = 12
STACKS: Final = 4
SMALLEST: Final = 4.0
ARCSEC: Final = 1 / 3600
JITTER: Final = (0.5, 0.2)
"""Of the slices, along and across, spaxels."""

INSTRUMENT_SEED: Final = 24_48
"""The instrument is the same in every simulation."""


@dataclass(frozen=True)
class Slice:
    """A slice: its spaxels' places, shape (n), in spaxels; ``phase`` is that of its wavelengths, -0.5 to 0.5 steps."""

    ifu: int
    number: int
    x: Array
    y: Array
    phase: float
    offset: int


@dataclass(frozen=True)
class Layout:
    """The slices of a field and the limits of their spaxels."""

    slices: tuple[Slice, ...]
    x_limits: tuple[float, float]
    y_limits: tuple[float, float]

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of the limits: that is where RA and DEC of a header point."""
        return sum(self.x_limits) / 2, sum(self.y_limits) / 2

    @property
    def ifus(self) -> tuple[int, ...]:
        """The IFUs that there are."""
        return tuple(dict.fromkeys(each.ifu for each in self.slices))


@dataclass(frozen=True)
class Field:
    """Where a field looks: its middle in degrees, and the position angle of its columns."""

    ra: float
    dec: float
    position_angle: float

    def native(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return the native longitude and latitude, radians, of places in spaxels from the middle."""
        sine, cosine = np.sin(np.radians(self.position_angle)), np.cos(np.radians(self.position_angle))
        east = np.radians((-cosine * x + sine * y) * SPAXEL * ARCSEC)
        north = np.radians((sine * x + cosine * y) * SPAXEL * ARCSEC)
        return np.arctan2(east, -north) % (2 * np.pi), np.pi / 2 - np.arctan(np.hypot(east, north))

    def sky(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return right ascension and declination, degrees, of places in spaxels from the middle."""
        phi, theta = self.native(x, y)
        pole = np.radians(self.dec)
        ra = np.radians(self.ra) + np.arctan2(
            np.cos(theta) * np.sin(phi), np.sin(theta) * np.cos(pole) + np.cos(theta) * np.sin(pole) * np.cos(phi)
        )
        dec = np.arcsin(np.sin(theta) * np.sin(pole) - np.cos(theta) * np.cos(pole) * np.cos(phi))
        return np.degrees(ra) % 360, np.degrees(dec)

    def spaxels(self, ra: Array, dec: Array) -> tuple[Array, Array]:
        """Return the places in spaxels from the middle of points of the sky: the inverse of ``sky``."""
        east, north = plane(ra, dec, self.ra, self.dec)
        sine, cosine = np.sin(np.radians(self.position_angle)), np.cos(np.radians(self.position_angle))
        return (-cosine * east + sine * north) / SPAXEL, (sine * east + cosine * north) / SPAXEL


def layout(size: float, *, jitter: bool = True) -> Layout:
    """Lay a field out.

    Parameters
    ----------
    size
        Its side, arcsec, 4 to 60.
    jitter
        Whether slices lie a little off their places.

    Raises
    ------
    ValueError
        There is no such field.
    """
    if not SMALLEST <= size <= FULL_SIZE:
        raise ValueError(f"a field is {SMALLEST:g} to {FULL_SIZE:g} arcsec wide, not {size:g}")
    ifus = max(1, round(size / FULL_SIZE * IFUS))
    length = round(size / SPAXEL / STACKS)
    pitch = size / SPAXEL / (ifus * ROWS)
    first = (IFUS - ifus) // 2 + 1
    rng = np.random.default_rng(INSTRUMENT_SEED)
    offs = rng.uniform(-1, 1, (IFUS, ROWS * STACKS, 3)) * (1.0 if jitter else 0.0)
    slices = tuple(
        Slice(
            ifu=first + ifu,
            number=row + 1 + ROWS * stack,
            x=stack * length + np.arange(length) + 1 + JITTER[0] * offs[ifu, row + ROWS * stack, 0],
            y=np.full(length, (ifu * ROWS + row) * pitch + 1 + JITTER[1] * offs[ifu, row + ROWS * stack, 1]),
            phase=0.5 * float(offs[ifu, row + ROWS * stack, 2]),
            offset=12 + 84 * (row + ROWS * stack),
        )
        for ifu in range(ifus)
        for stack in range(STACKS)
        for row in range(ROWS)
    )
    x, y = (np.concatenate([getattr(each, axis) for each in slices]) for axis in "xy")
    # The pipeline finds the limits in single precision.
    x_limits, y_limits = ((float(np.float32(a.min())), float(np.float32(a.max()))) for a in (x, y))
    return Layout(slices, x_limits, y_limits)


def plane(ra: Array, dec: Array, ra_centre: float, dec_centre: float) -> tuple[Array, Array]:
    """Return arcsec east and north of a centre, in the plane that touches the sky there."""
    across, up, middle = np.radians(ra - ra_centre), np.radians(dec), np.radians(dec_centre)
    depth = np.sin(middle) * np.sin(up) + np.cos(middle) * np.cos(up) * np.cos(across)
    east = np.cos(up) * np.sin(across) / depth
    north = (np.cos(middle) * np.sin(up) - np.sin(middle) * np.cos(up) * np.cos(across)) / depth
    return np.degrees(east) / ARCSEC, np.degrees(north) / ARCSEC


def from_plane(east: Array, north: Array, ra_centre: float, dec_centre: float) -> tuple[Array, Array]:
    """Return right ascension and declination, degrees: the inverse of ``plane``."""
    across, up, middle = np.radians(east * ARCSEC), np.radians(north * ARCSEC), np.radians(dec_centre)
    ra = np.radians(ra_centre) + np.arctan2(across, np.cos(middle) - up * np.sin(middle))
    depth = np.sqrt(1 + across**2 + up**2)
    dec = np.arcsin((np.sin(middle) + up * np.cos(middle)) / depth)
    return np.degrees(ra) % 360, np.degrees(dec)
