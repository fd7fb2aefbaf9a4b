"""Images of a cube in broad bands: white light and filters, many in one pass, with variance and the AO gap filled.

Pure: arrays in, arrays out, a few planes of memory at any depth of cube.  An image is the weighted mean of Bacon et
al.'s cubes, sum(w d) / sum(w) over the good voxels, each weight the integral of the filter curve over the voxel's width
in wavelength; its variance is sum(w^2 v) / sum(w)^2.  The line across the gap is the business of ``gap``, zero
points and files that of others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.gap import Gap, GapFilling

__all__ = ["BandImage", "BandImages", "Filter", "filter_fraction", "plane_weights", "white"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

CHUNK_VOXELS: Final = 2**17
"""Voxels turned to float64 at a time: 1 MB, so that they stay in the processor's cache."""


@dataclass(frozen=True)
class Filter:
    """The throughput of a filter against wavelength in Angstrom: straight lines between the points, zero outside.

    Raises
    ------
    ValueError
        Fewer than two points, wavelengths that do not increase, or values that are not finite.
    """

    name: str
    wavelength: Array
    throughput: Array

    def __post_init__(self) -> None:
        if self.wavelength.ndim != 1 or self.wavelength.shape != self.throughput.shape or self.wavelength.size < 2:
            raise ValueError(f"filter {self.name}: needs two columns of at least two points")
        if not (np.isfinite(self.wavelength).all() and np.isfinite(self.throughput).all()):
            raise ValueError(f"filter {self.name}: has values that are not finite")
        if (np.diff(self.wavelength) <= 0).any():
            raise ValueError(f"filter {self.name}: its wavelengths do not increase")

    def integral_to(self, wavelengths: Array) -> Array:
        """Integrate the curve from its beginning up to each wavelength, exactly; same shape, in Angstrom."""
        x, y = self.wavelength.astype(np.float64), self.throughput.astype(np.float64)
        whole = np.concatenate(([0.0], np.cumsum(np.diff(x) * (y[1:] + y[:-1]) / 2)))
        ends = np.clip(wavelengths, x[0], x[-1])
        piece = np.clip(np.searchsorted(x, ends, side="right") - 1, 0, x.size - 2)
        integral: Array = whole[piece] + (ends - x[piece]) * (y[piece] + np.interp(ends, x, y)) / 2
        return integral


@dataclass(frozen=True)
class BandImage:
    """One image in one band.

    ``image`` is float64, shape (ny, nx), in the cube's unit, NaN where nothing contributed; ``variance`` is in the unit
    squared, None when the cube has none; ``mask`` is True where nothing contributed.  ``gap_filled`` tells whether a
    straight line stands for the masked AO gap in any spaxel.
    """

    image: Array
    variance: Array | None
    mask: Mask
    gap_filled: bool


def plane_weights(band: Filter, wavelengths: Array) -> Array:
    """Integrate the throughput over each spectral pixel: the weights of a cube's planes.

    Parameters
    ----------
    band
        The filter.
    wavelengths
        Of the planes, increasing, shape (nz), Angstrom; a pixel reaches half-way to its neighbours.

    Returns
    -------
    Weights, shape (nz), in Angstrom, exact for the curve's straight pieces; all zero when the filter lies elsewhere.
    """
    weights: Array = np.diff(band.integral_to(_pixel_edges(wavelengths)))
    return weights


def white(wavelengths: Array) -> Array:
    """Return the weights of white light, all 1: the image is the MEAN over the planes, in the cube's unit, no sum."""
    return np.ones(wavelengths.shape, dtype=np.float64)


def filter_fraction(band: Filter, wavelengths: Array) -> float:
    """Return how much of the filter's integral lies inside the cube, 0 to 1: 0.496 for SDSS g and 4750-9350 Angstrom.

    Raises
    ------
    ValueError
        The filter lets no light pass at all.
    """
    whole = float(band.integral_to(band.wavelength[-1:])[0])
    if whole <= 0:
        raise ValueError(f"filter {band.name}: lets no light pass")
    return float(plane_weights(band, wavelengths).sum()) / whole


class BandImages:
    """Images in several bands, summed up in float64 while a cube passes slab by slab.

    Parameters
    ----------
    weights
        Weights of the planes by the band's name, each of shape (nz).
    wavelengths
        Of the planes, increasing, shape (nz), Angstrom.
    shape
        (ny, nx) of a plane.
    gap
        Where the cube has its AO gap: the entry of ``AO_GAPS`` for its mode.  A spaxel is filled where at least half
        of the gap's planes are masked, so that a stray bad voxel of an unharmed cube is left out as anywhere else.
    """

    def __init__(
        self, weights: Mapping[str, Array], wavelengths: Array, shape: tuple[int, int], *, gap: Gap | None = None
    ) -> None:
        if any(each.shape != wavelengths.shape for each in weights.values()):
            raise ValueError("each band needs one weight for each wavelength")
        self._names: Final = tuple(weights)
        self._weights: Final = np.array([weights[name] for name in self._names], dtype=np.float64)
        self._shape: Final = shape
        bands, pixels = len(weights), shape[0] * shape[1]
        self._flux: Final = np.zeros((bands, pixels))
        self._weight: Final = np.zeros((bands, pixels))
        self._variance: Array | None = None
        self._gap: Final = None if gap is None else GapFilling(gap, self._weights, wavelengths, pixels)
        self._next = 0

    def add(
        self,
        start: int,
        data: NDArray[np.floating],
        variance: NDArray[np.floating] | None = None,
        mask: Mask | None = None,
    ) -> None:
        """Add the planes from ``start`` on, each slab once and in order.

        Parameters
        ----------
        start
            Number of the first plane.
        data, variance
            Shape (n, ny, nx), in the cube's unit and its square.  A voxel whose variance is not finite is left out.
        mask
            Shape (n, ny, nx), True where a voxel is bad; without it all data must be finite.

        Raises
        ------
        ValueError
            Planes out of order or of another shape, or variance in some slabs only.
        """
        depth = self._check(start, data, variance)
        planes = slice(start, start + depth)
        spaxels = _Spaxels(
            data.reshape(depth, -1),
            None if variance is None else variance.reshape(depth, -1),
            None if mask is None else mask.reshape(depth, -1),
        )
        step = max(1, CHUNK_VOXELS // depth)
        for first in range(0, self._flux.shape[1], step):
            pixels = slice(first, first + step)
            chunk = spaxels.chunk(pixels)
            self._add_chunk(planes, pixels, chunk)
            if self._gap is not None:
                self._gap.add(planes, pixels, data=chunk.data, variance=chunk.variance, good=chunk.good)
        self._next = start + depth
        if self._gap is not None:
            self._gap.settle(self._next)

    def images(self) -> dict[str, BandImage]:
        """Return the images by the names of their bands, once all planes are in.

        Raises
        ------
        ValueError
            Planes are missing.
        """
        if self._next != self._weights.shape[1]:
            raise ValueError(f"{self._next} of {self._weights.shape[1]} planes were added")
        return {name: self._image(band) for band, name in enumerate(self._names)}

    def _check(self, start: int, data: NDArray[np.floating], variance: NDArray[np.floating] | None) -> int:
        if start != self._next or start + len(data) > self._weights.shape[1]:
            raise ValueError(f"planes {start} to {start + len(data)} do not follow plane {self._next}")
        if data.shape[1:] != self._shape:
            raise ValueError(f"planes of shape {data.shape[1:]} cannot be added to images of shape {self._shape}")
        if start == 0 and variance is not None:
            self._variance = np.zeros_like(self._flux)
        if (variance is None) != (self._variance is None):
            raise ValueError("some slabs have variance and some have none")
        return len(data)

    def _add_chunk(self, planes: slice, pixels: slice, chunk: "_Chunk") -> None:
        weights = self._weights[:, planes]
        used = weights.any(axis=1)
        bands = slice(None) if used.all() else np.flatnonzero(used)  # a slice adds in place
        weights = weights[used]
        self._flux[bands, pixels] += weights @ chunk.data
        self._weight[bands, pixels] += chunk.total(weights)
        if self._variance is not None and chunk.variance is not None:
            self._variance[bands, pixels] += weights**2 @ chunk.variance

    def _image(self, band: int) -> BandImage:
        flux, weight = self._flux[band].copy(), self._weight[band].copy()
        variance = None if self._variance is None else self._variance[band].copy()
        filled = False if self._gap is None else self._gap.fill(band, flux, weight, variance)
        empty = weight <= 0
        weight[empty] = np.nan
        return BandImage(
            image=(flux / weight).reshape(self._shape),
            variance=None if variance is None else (variance / weight**2).reshape(self._shape),
            mask=empty.reshape(self._shape),
            gap_filled=filled,
        )


@dataclass(frozen=True)
class _Chunk:
    """Some spaxels of a slab in float64, shape (n, pixels), zero where bad; ``good`` is None when nothing is bad."""

    data: Array
    variance: Array | None
    good: Mask | None

    def total(self, weights: Array) -> Array:
        """Sum the weights, shape (bands, n), over the good voxels: shape (bands, pixels), or (bands, 1) if all are."""
        if self.good is None:
            total: Array = weights.sum(axis=1, keepdims=True)
        else:
            total = weights @ self.good.astype(np.float64)
        return total


@dataclass(frozen=True)
class _Spaxels:
    """A slab as it was given, its planes laid flat: shape (n, ny * nx)."""

    data: NDArray[np.floating]
    variance: NDArray[np.floating] | None
    mask: Mask | None

    def chunk(self, pixels: slice) -> _Chunk:
        """Return some spaxels in float64 with their bad voxels found."""
        data = self.data[:, pixels]
        variance = None if self.variance is None else self.variance[:, pixels]
        bad = None if self.mask is None else self.mask[:, pixels]
        if variance is not None and not (known := np.isfinite(variance)).all():
            bad = ~known if bad is None else bad | ~known
        if bad is not None and not bad.any():
            bad = None
        return _Chunk(
            data=_float64(data, bad),
            variance=None if variance is None else _float64(variance, bad),
            good=None if bad is None else ~bad,
        )


def _float64(values: NDArray[np.floating], bad: Mask | None) -> Array:
    copy = values.astype(np.float64)
    if bad is not None:
        np.copyto(copy, 0.0, where=bad)
    return copy


def _pixel_edges(wavelengths: Array) -> Array:
    """Return the nz + 1 limits of the spectral pixels."""
    if wavelengths.ndim != 1 or wavelengths.size < 2 or (np.diff(wavelengths) <= 0).any():
        raise ValueError("the wavelengths of a cube's planes are at least two and increase")
    middles = (wavelengths[1:] + wavelengths[:-1]) / 2
    first, last = 2 * wavelengths[0] - middles[0], 2 * wavelengths[-1] - middles[-1]
    return np.concatenate(([first], middles, [last]))
