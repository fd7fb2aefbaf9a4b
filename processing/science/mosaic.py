"""A mosaic of exposures on one grid: for each voxel the clipped, weighted mean of the exposures that see it.

Pure: arrays in, arrays out, a few planes of memory at any depth of cube.  Nothing is resampled: exposures lie whole
pixels apart.  The mean is sum(w d) / sum(w) over the values that survive clipping, its variance sum(w^2 v) / sum(w)^2,
that of a single voxel; ``drizzle_noise`` tells what neighbours add when voxels are summed.  Who wants to know whether
exposures agree asks ``overlaps``; files and grids are the business of others.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.mosaic_stack import BY_EXPOSURE_TIME, BY_NOTHING, BY_VARIANCE, Made, Part, Rule, Stack

__all__ = ["SURVEY", "Clipping", "Combination", "Coverage", "Footprint", "Planes", "Share", "Tally", "Weighting"]

Floats = NDArray[np.float32]

BANDS: Final = 16
"""Parts into which the rows of a mosaic are divided for threads: several for each, since some have fewer exposures."""


class Weighting(StrEnum):
    """By what exposures are weighted.

    Exposure time leaves fluxes as they are whatever the noise.  Inverse variance has the lowest noise in emptiness, but
    where the light itself is the noise, a value that came out low has a low variance too: means are drawn down.
    """

    EXPOSURE_TIME = "exposure time"
    INVERSE_VARIANCE = "inverse variance"
    NONE = "none"


@dataclass(frozen=True)
class Clipping:
    """Which values on a voxel are left out as outliers.

    Parameters
    ----------
    rounds
        Times that median and spread are taken and values left out; 0 for no clipping.
    limit
        Distance from the median from which on a value is left out, in spreads: 1.4826 times the median deviation.
    least
        Values that must be left: a round that would leave fewer is not done.
    noise
        A value nearer to the median than so many of its own sigmas stays, whatever the spread.  The spread of three or
        four values is often small by chance alone: without this 7 and 3 percent of good ones are lost, and the noise is
        10 and 4 percent higher than it had to be, 4 and 2 percent higher than its variance says.
    """

    rounds: int
    limit: float
    least: int
    noise: float = 0.0

    def __post_init__(self) -> None:
        if self.rounds < 0 or self.least < 0 or not self.limit > 0 or not self.noise >= 0:
            raise ValueError(f"no way of clipping: {self}")


SURVEY: Final = Clipping(rounds=2, limit=5.0, least=2)
"""What the survey's mosaics were made with: nmax, nclip and nstop of mpdaf's pycombine, with mad."""


@dataclass(frozen=True)
class Footprint:
    """Where an exposure lies in the mosaic: pixel of its first column and row, and how many it has of each."""

    x: int
    y: int
    nx: int
    ny: int

    def shared_with(self, other: "Footprint") -> "Footprint | None":
        """Return the part that both have, None if there is none."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        right, top = min(self.x + self.nx, other.x + other.nx), min(self.y + self.ny, other.y + other.ny)
        return Footprint(x, y, right - x, top - y) if right > x and top > y else None

    def window(self, part: "Footprint") -> tuple[slice, slice]:
        """Return the rows and columns of a part, counted from the first of this one."""
        y, x = part.y - self.y, part.x - self.x
        return slice(y, y + part.ny), slice(x, x + part.nx)


@dataclass(frozen=True)
class Planes:
    """Planes of the mosaic, shape (n, ny, nx): NaN and mask 1 where no exposure has a value.

    They are valid until the next ones are made.
    """

    start: int
    data: Floats
    variance: Floats
    mask: NDArray[np.uint8]


@dataclass(frozen=True)
class Share:
    """What an exposure gave: its good values inside the mosaic, and which part of them was left out as outliers."""

    good: int
    rejected: float


@dataclass(frozen=True)
class Tally:
    """What exposures gave to some planes: in how many each pixel of theirs was used; planes and values they had.

    ``used`` are the pixels of all exposures, one after the other; ``seen`` is of shape (2, exposures).
    """

    used: NDArray[np.uint16]
    seen: NDArray[np.int64]


@dataclass(frozen=True)
class Coverage:
    """What lies behind each spaxel, both shape (ny, nx): seconds of exposure, 0 where none, and number of exposures."""

    seconds: Floats
    count: NDArray[np.int16]

    @property
    def typical(self) -> float:
        """The median of the seconds where there are any, which is EXPTIME of a mosaic; NaN without any."""
        exposed = self.seconds[self.seconds > 0]
        return float(np.median(exposed)) if exposed.size else float("nan")


class Combination:
    """A mosaic in the making, some planes at a time: ``put`` those of every exposure, then ``combine``.

    Parameters
    ----------
    footprints
        Of the exposures; what lies outside the mosaic is left out.
    seconds
        Their exposure times.
    shape
        (ny, nx) of the mosaic.
    depth
        How many planes at most are combined at a time.
    weighting, clipping
        By default exposure time, and as the survey did.

    Raises
    ------
    ValueError
        No exposure, an empty one, an exposure time that is none.
    """

    def __init__(
        self,
        footprints: Sequence[Footprint],
        seconds: Sequence[float],
        shape: tuple[int, int],
        *,
        depth: int,
        weighting: Weighting = Weighting.EXPOSURE_TIME,
        clipping: Clipping = SURVEY,
    ) -> None:
        if not footprints or len(footprints) != len(seconds) or min(*shape, depth) < 1:
            raise ValueError("a mosaic needs pixels, and at least one exposure with its exposure time")
        if not all(np.isfinite(each) and each > 0 for each in seconds):
            raise ValueError(f"exposure times are above 0, not {list(seconds)}")
        if any(min(each.nx, each.ny) < 1 for each in footprints):
            raise ValueError("an exposure without pixels")
        self.footprints: Final = tuple(footprints)
        self.weighting: Final = weighting
        self.clipping: Final = clipping
        sizes = np.array([each.nx * each.ny for each in footprints], dtype=np.int64)
        self._stack: Final = _stack(self.footprints, seconds, sizes, depth)
        self._rule: Final = Rule(_CODES[weighting], clipping.rounds, clipping.limit, clipping.least, clipping.noise)
        self._made: Final = Made(
            data=np.empty((depth, *shape), np.float32),
            variance=np.empty((depth, *shape), np.float32),
            mask=np.empty((depth, *shape), np.uint8),
            planes_used=np.zeros(int(sizes.sum()), np.uint16),
            present=np.zeros((len(footprints), depth), np.bool_),
        )
        self._planes_present: Final = np.zeros(len(footprints), np.int64)
        self._good: Final = np.zeros(len(footprints), np.int64)
        self._used: Final = np.zeros(len(footprints), np.int64)
        self._put: Final = np.zeros(len(footprints), np.int64)
        self._next = 0

    @property
    def depth(self) -> int:
        """How many planes at most are combined at a time."""
        return self._stack.depth

    def put(self, number: int, data: Floats, variance: Floats, mask: NDArray[np.bool_] | None = None) -> None:
        """Put in the next planes of an exposure; several threads may do so for several exposures.

        Parameters
        ----------
        number
            Of the exposure, in the order of the footprints.
        data, variance
            Shape (n, ny, nx) of the exposure.  A value counts where both are finite and the variance is above 0.
        mask
            True where a voxel is bad.

        Raises
        ------
        ValueError
            The shape is another.
        """
        footprint = self.footprints[number]
        shape = (len(data), footprint.ny, footprint.nx)
        if not (data.shape == variance.shape == shape) or len(data) > self.depth:
            raise ValueError(f"exposure {number}: planes of shape {data.shape} and {variance.shape}, not {shape}")
        mine, its_variance = self.planes_of(number, len(data))
        mine[...], its_variance[...] = data, variance
        if mask is not None:
            np.copyto(mine, np.nan, where=mask)
        self._put[number] = len(data)

    def planes_of(self, number: int, count: int) -> tuple[Floats, Floats]:
        """Return data and variance of an exposure as they were put in: shape (count, ny, nx), NaN where masked."""
        footprint = self.footprints[number]
        size, start = footprint.nx * footprint.ny, int(self._stack.start[number]) * self.depth
        part, shape = slice(start, start + count * size), (count, footprint.ny, footprint.nx)
        return self._stack.data[part].reshape(shape), self._stack.variance[part].reshape(shape)

    def combine(self, count: int, pool: Executor | None = None) -> Planes:
        """Combine the ``count`` planes that all exposures have put in, by the threads of a pool if one is given.

        Raises
        ------
        ValueError
            An exposure has put in another number of planes since the last ones were combined.
        """
        from processing.science.mosaic_loop import combine_part  # a command that combines nothing needs no compiler

        if (self._put != count).any():
            raise ValueError(f"{count} planes cannot be combined when exposures have put in {self._put.tolist()}")
        self._put[:] = 0
        made, rows = self._made, self._made.data.shape[1]
        made.present[:] = False
        edges = np.linspace(0, rows, min(BANDS, rows) + 1).astype(int)
        good = np.zeros((len(edges) - 1, len(self.footprints)), np.int64)

        def combine_band(band: int) -> None:
            first, last = int(edges[band]), int(edges[band + 1])
            combine_part(self._stack, self._rule, Part(count, first, last), made, good[band])

        bands = range(len(good))
        for _ in (map if pool is None else pool.map)(combine_band, bands):
            pass
        self._good[:] += good.sum(axis=0)
        self._planes_present[:] += made.present[:, :count].sum(axis=1)
        start, self._next = self._next, self._next + count
        return Planes(start, made.data[:count], made.variance[:count], made.mask[:count])

    def tally(self) -> Tally:
        """Return what the exposures have given so far."""
        return Tally(self._made.planes_used.copy(), np.stack([self._planes_present, self._good]))

    def add(self, tally: Tally) -> None:
        """Count what was given to planes that were combined elsewhere."""
        self._made.planes_used[:] += tally.used
        self._planes_present[:] += tally.seen[0]
        self._good[:] += tally.seen[1]

    def shares(self) -> tuple[Share, ...]:
        """Return what each exposure has given so far."""
        shares = []
        for number, good in enumerate(self._good.tolist()):
            used = int(self._counts_of(number).sum(dtype=np.int64))
            shares.append(Share(good, (good - used) / good if good else 0.0))
        return tuple(shares)

    def coverage(self) -> Coverage:
        """Return what lies behind each spaxel.

        An exposure counts where it gave more than half of the planes in which it gave anything at all: the sum of those
        is the median over the planes of what each is made of, untouched by single outliers, by the gap of the laser and
        by the ends of the wavelengths.
        """
        return self._covered_by(range(len(self.footprints)))

    def coverage_of(self, groups: Sequence[str]) -> dict[str, Coverage]:
        """Return what each group of exposures gave; ``groups`` names that of each exposure."""
        return {name: self._covered_by([n for n, one in enumerate(groups) if one == name]) for name in set(groups)}

    def _covered_by(self, numbers: Iterable[int]) -> Coverage:
        _, ny, nx = self._made.data.shape
        frame = Footprint(0, 0, nx, ny)
        seconds, count = np.zeros((ny, nx), np.float32), np.zeros((ny, nx), np.int16)
        for number in numbers:
            footprint = self.footprints[number]
            inside = footprint.shared_with(frame)
            if inside is None:
                continue
            counted = self._counts_of(number)[footprint.window(inside)] * 2.0 > self._planes_present[number]
            seconds[frame.window(inside)] += np.float32(self._stack.seconds[number]) * counted
            count[frame.window(inside)] += counted
        return Coverage(seconds, count)

    def _counts_of(self, number: int) -> NDArray[np.uint16]:
        footprint, start = self.footprints[number], int(self._stack.start[number])
        counts = self._made.planes_used[start : start + footprint.nx * footprint.ny]
        return counts.reshape(footprint.ny, footprint.nx)


_CODES: Final = {
    Weighting.EXPOSURE_TIME: BY_EXPOSURE_TIME,
    Weighting.INVERSE_VARIANCE: BY_VARIANCE,
    Weighting.NONE: BY_NOTHING,
}


def _stack(footprints: Sequence[Footprint], seconds: Sequence[float], sizes: NDArray[np.int64], depth: int) -> Stack:
    voxels = int(sizes.sum()) * depth
    return Stack(
        data=np.empty(voxels, np.float32),
        variance=np.empty(voxels, np.float32),
        depth=depth,
        start=np.concatenate(([0], np.cumsum(sizes)[:-1])),
        x0=np.array([each.x for each in footprints], dtype=np.int64),
        y0=np.array([each.y for each in footprints], dtype=np.int64),
        columns=np.array([each.nx for each in footprints], dtype=np.int64),
        rows=np.array([each.ny for each in footprints], dtype=np.int64),
        seconds=np.array(seconds, dtype=np.float64),
    )
