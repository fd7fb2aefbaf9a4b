"""Exposure cubes of one galaxy opened together: where each lies on the common grid, and its planes, block by block."""

from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from archive.cube import Cube, NotACube
from archive.errors import Refused
from processing.science.convolution import Convolver
from processing.science.mosaic import Combination, Footprint

__all__ = ["ExposureCube", "ExposureStack"]

Floats = NDArray[np.float32]

SAME: Final = ("CTYPE1", "CTYPE2", "CTYPE3", "CRVAL1", "CRVAL2", "CD1_1", "CD1_2", "CD2_1", "CD2_2", "CD3_3")
"""Keywords that cubes on one grid have in common."""

TOLERANCE: Final = 1e-9
WHOLE: Final = 1e-4
"""Pixels by which a cube may miss the grid."""

BLOCK_BYTES: Final = 384 * 2**20
VOXEL_BYTES: Final = 20
"""Of an exposure's voxel while a block is read and combined."""

CONVOLVED_BYTES: Final = 18
"""Beside these while it is convolved, too."""


@dataclass(frozen=True)
class ExposureCube:
    """A cube and how many seconds it was exposed."""

    name: str
    path: Path
    exptime: float


@dataclass(frozen=True)
class _Place:
    """First plane, row and column of a cube on the mosaic."""

    plane: int
    y: int
    x: int


class ExposureStack:
    """Cubes that differ by whole pixels and planes; to be used as a context manager.

    Raises
    ------
    Refused
        One is no cube, or not on the grid of the first; the text names it.
    """

    def __init__(self, cubes: Sequence[ExposureCube]) -> None:
        if not cubes:
            raise Refused("there is no exposure to combine")
        self._stack: Final = ExitStack()
        try:
            self._cubes: Final = [self._open(one) for one in cubes]
            self._exptimes: Final = [one.exptime for one in cubes]
            corners = [_corner(cube, self._cubes[0], one.name) for cube, one in zip(self._cubes, cubes, strict=True)]
        except BaseException:
            self._stack.close()
            raise
        first = np.min(corners, axis=0)
        last = np.max(
            [corner + np.array(cube.shape) for corner, cube in zip(corners, self._cubes, strict=True)], axis=0
        )
        planes, rows, columns = (int(size) for size in last - first)
        self.shape: Final = (planes, rows, columns)
        self._places: Final = [_Place(*map(int, corner - first)) for corner in corners]
        self._convolvers: Sequence[Convolver] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def first(self) -> Cube:
        """The cube of the first exposure, whose headers stand for what all have in common."""
        return self._cubes[0]

    @property
    def primaries(self) -> list[fits.Header]:
        """The primary headers of all exposures."""
        return [cube.primary for cube in self._cubes]

    def axes(self) -> fits.Header:
        """Return the axes of the mosaic."""
        header, place = self.first.header, self._places[0]
        kept = (*SAME, "CUNIT1", "CUNIT2", "CUNIT3", "CD1_3", "CD2_3", "CD3_1", "CD3_2", "BUNIT")
        axes = fits.Header([header.cards[keyword] for keyword in kept if keyword in header])
        axes["CRVAL3"] = float(self.first.wavelengths[0]) - place.plane * header["CD3_3"]
        axes["CRPIX3"] = 1.0
        axes["CRPIX1"] = float(header["CRPIX1"]) + place.x
        axes["CRPIX2"] = float(header["CRPIX2"]) + place.y
        return axes

    def wavelengths(self) -> NDArray[np.float64]:
        """Return those of the planes of the mosaic, Angstrom."""
        axes = self.axes()
        first, step = float(axes["CRVAL3"]), float(axes["CD3_3"])
        return first + step * np.arange(self.shape[0], dtype=np.float64)

    def footprints(self) -> list[Footprint]:
        """Return where the exposures lie on the mosaic."""
        return [
            Footprint(place.x, place.y, cube.shape[2], cube.shape[1])
            for cube, place in zip(self._cubes, self._places, strict=True)
        ]

    def depth(self) -> int:
        """Return how many planes fit into a block of memory."""
        voxel = VOXEL_BYTES + (CONVOLVED_BYTES if self._convolvers else 0)
        fitting = BLOCK_BYTES // (voxel * sum(cube.shape[1] * cube.shape[2] for cube in self._cubes))
        return max(1, min(fitting, self.shape[0]))

    def convolve_by(self, convolvers: Sequence[Convolver]) -> None:
        """From here on give the planes of every exposure as its convolver makes them."""
        self._convolvers = convolvers

    def put(self, combination: Combination, start: int, stop: int, pool: Executor) -> None:
        """Put the planes of all exposures from ``start`` up to before ``stop`` into a mosaic in the making."""
        list(pool.map(lambda n: combination.put(n, *self._block(n, start, stop)), range(len(self._cubes))))

    def values(self, n: int, start: int, stop: int) -> tuple[Floats, Floats]:
        """Return data and variance of an exposure in planes of the mosaic; data are NaN where it has no value."""
        data, variance, mask = self._block(n, start, stop)
        if mask is not None:
            np.copyto(data, np.nan, where=mask)
        return data, variance

    def _block(self, n: int, start: int, stop: int) -> tuple[Floats, Floats, NDArray[np.bool_] | None]:
        """Return what an exposure gives to some planes."""
        data, variance, mask = self._planes(n, start, stop)
        if not self._convolvers:
            return data, variance, mask
        good = np.isfinite(data) & np.isfinite(variance)
        if mask is not None:
            good &= ~mask
        made = np.empty((2, *data.shape), np.float32)
        for plane, wavelength in enumerate(self.wavelengths()[start:stop]):
            made[0, plane], made[1, plane], _ = self._convolvers[n].convolve(
                float(wavelength), data[plane], variance[plane], good[plane]
            )
        return made[0], made[1], None

    def _planes(self, n: int, start: int, stop: int) -> tuple[Floats, Floats, NDArray[np.bool_] | None]:
        """Return what an exposure has of some planes; NaN where it does not reach."""
        cube, place = self._cubes[n], self._places[n]
        first, last = max(0, start - place.plane), min(cube.shape[0], stop - place.plane)
        nothing = np.full((stop - start, *cube.shape[1:]), np.nan, np.float32)
        if first >= last:
            return nothing, nothing, None
        slab = cube.slab(first, last)
        if slab.variance is None:
            raise Refused(f"{cube.path.name} has no variance")
        if last - first == stop - start:
            return slab.data, slab.variance, slab.mask
        data, variance, part = nothing, nothing.copy(), slice(place.plane + first - start, place.plane + last - start)
        data[part], variance[part] = slab.data, slab.variance
        if slab.mask is not None:
            np.copyto(data[part], np.nan, where=slab.mask)
        return data, variance, None

    def _open(self, one: ExposureCube) -> Cube:
        try:
            return self._stack.enter_context(Cube(one.path))
        except NotACube as error:
            raise Refused(f"{one.name} is no cube: {error}") from error


def _corner(cube: Cube, first: Cube, name: str) -> NDArray[np.int64]:
    """Return plane, row and column of a cube's first voxel, counted from that of the first cube."""
    for keyword in SAME:
        mine, its = cube.header.get(keyword), first.header.get(keyword)
        if mine is None:
            raise Refused(f"{name} has no {keyword}, which all cubes on a galaxy's grid have")
        is_same = abs(mine - its) <= TOLERANCE if isinstance(mine, float) and isinstance(its, float) else mine == its
        if not is_same:
            raise Refused(f"{name} is on another grid: {keyword} is {mine}, elsewhere {its}")
    if cube.unit != first.unit:
        raise Refused(f"{name} is in {cube.unit}, the others in {first.unit}")
    step = first.header["CD3_3"]
    exact = np.array(
        [
            (cube.wavelengths[0] - first.wavelengths[0]) / step,
            first.header["CRPIX2"] - cube.header["CRPIX2"],
            first.header["CRPIX1"] - cube.header["CRPIX1"],
        ]
    )
    whole = np.rint(exact)
    if np.abs(exact - whole).max() > WHOLE:
        raise Refused(f"{name} misses the grid by {np.abs(exact - whole).max():.3f} pixels")
    corner: NDArray[np.int64] = whole.astype(np.int64)
    return corner
