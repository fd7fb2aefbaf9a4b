"""The gap that the sodium lasers leave in a cube taken with adaptive optics, and a straight line to fill it in images.

Pure, and fed chunk by chunk as ``bands`` goes through the slabs: it keeps a few planes at both sides of the gap.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["AO_GAPS", "Gap", "GapFilling"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Gap:
    """The wavelengths, in Angstrom, that the notch filter keeps from the detector to spare it the sodium lasers.

    ``edge_planes`` planes at each side give the two medians between which the gap is filled with a straight line;
    a spaxel with fewer than ``fewest`` good ones at either side is left unfilled.
    """

    low: float
    high: float
    edge_planes: int = 21
    fewest: int = 5


AO_GAPS: Final[Mapping[str, Gap]] = {
    "WFM-AO-N": Gap(5805.0, 5966.0),
    "WFM-AO-E": Gap(5755.0, 6008.0),
}
"""By ``ESO INS MODE``, as Weilbacher et al.'s pipeline masks them; a mode without lasers has no entry."""


class _Edge:
    """The planes at one side of the gap: buffered in float32 until the last is in, then reduced to their median."""

    def __init__(self, planes: slice, weights: Array, wavelengths: Array, pixels: int) -> None:
        self._planes: Final = planes
        self._weights: Final = weights[:, planes]
        self._wavelengths: Final = wavelengths[planes]
        self._buffer: NDArray[np.float32] | None = None
        self.count: Final = np.zeros(pixels)
        self.wavelength: Array = np.zeros(pixels)
        self.variance: Final = np.zeros(pixels)
        self.weighted_variance: Final = np.zeros((len(weights), pixels))
        self.median: Array = np.full(pixels, np.nan)

    def add(self, planes: slice, pixels: slice, *, data: Array, variance: Array | None, good: Mask | None) -> None:
        first, last = max(planes.start, self._planes.start), min(planes.stop, self._planes.stop)
        if first >= last:
            return
        if self._buffer is None:
            self._buffer = np.full((self._planes.stop - self._planes.start, self.count.size), np.nan, dtype=np.float32)
        here = slice(first - planes.start, last - planes.start)
        there = slice(first - self._planes.start, last - self._planes.start)
        known = np.ones(data[here].shape, dtype=np.bool_) if good is None else good[here]
        self._buffer[there, pixels] = np.where(known, data[here], np.nan)
        self.count[pixels] += known.sum(axis=0)
        self.wavelength[pixels] += self._wavelengths[there] @ known.astype(np.float64)
        if variance is not None:
            self.variance[pixels] += variance[here].sum(axis=0)
            self.weighted_variance[:, pixels] += self._weights[:, there] @ variance[here]

    def settle(self, arrived: int) -> None:
        """Reduce and forget the buffer once all planes of the edge have arrived."""
        if self._buffer is None or arrived < self._planes.stop:
            return
        self._buffer.sort(axis=0)  # NaN goes last
        count = self.count.astype(np.intp)
        lower, upper = (count - 1).clip(0) // 2, np.minimum(count // 2, len(self._buffer) - 1)
        middle = [np.take_along_axis(self._buffer, index[np.newaxis], axis=0)[0] for index in (lower, upper)]
        self.median = (middle[0].astype(np.float64) + middle[1]) / 2
        self.wavelength /= np.maximum(self.count, 1)
        self._buffer = None


class GapFilling:
    """What it takes to add a straight line across the gap without keeping the gap's planes.

    Parameters
    ----------
    gap
        Where the gap is.
    weights
        Of the bands' planes, shape (bands, nz).
    wavelengths
        Of the planes, increasing, shape (nz), Angstrom.
    pixels
        Number of spaxels.

    Notes
    -----
    The planes in the gap that are masked get ``a + (b - a) (l - l_a) / (l_b - l_a)``, a and b the medians at both sides
    at mean wavelengths l_a and l_b.  Their weighted sum needs no plane of the gap, only sum(w) and sum(w l) over them.
    """

    def __init__(self, gap: Gap, weights: Array, wavelengths: Array, pixels: int) -> None:
        start = int(np.searchsorted(wavelengths, gap.low, side="left"))
        stop = int(np.searchsorted(wavelengths, gap.high, side="right"))
        self._planes: Final = slice(start, stop)
        self._fewest: Final = gap.fewest
        self._moments: Final = np.vstack([weights, weights * wavelengths, np.ones_like(wavelengths)])[:, start:stop]
        self._masked: Final = np.zeros((len(self._moments), pixels))
        self._blue: Final = _Edge(slice(max(0, start - gap.edge_planes), start), weights, wavelengths, pixels)
        self._red: Final = _Edge(
            slice(stop, min(wavelengths.size, stop + gap.edge_planes)), weights, wavelengths, pixels
        )

    def add(self, planes: slice, pixels: slice, *, data: Array, variance: Array | None, good: Mask | None) -> None:
        """Take from some spaxels of a slab what concerns the gap and its edges.

        Parameters
        ----------
        planes, pixels
            Which planes of the cube and which spaxels, laid flat, these are.
        data, variance, good
            Shape (n, pixels); data and variance are zero where they are bad, ``good`` is None when nothing is bad.
        """
        self._blue.add(planes, pixels, data=data, variance=variance, good=good)
        self._red.add(planes, pixels, data=data, variance=variance, good=good)
        first, last = max(planes.start, self._planes.start), min(planes.stop, self._planes.stop)
        if good is None or first >= last:
            return
        bad = ~good[first - planes.start : last - planes.start]
        moments = self._moments[:, first - self._planes.start : last - self._planes.start]
        self._masked[:, pixels] += moments @ bad.astype(np.float64)

    def settle(self, arrived: int) -> None:
        """Reduce the edges of which all planes have arrived."""
        self._blue.settle(arrived)
        self._red.settle(arrived)

    def fill(self, band: int, flux: Array, weight: Array, variance: Array | None) -> bool:
        """Add the line's share to the sums of one band, in place; return whether there was anything to add."""
        missing, missing_wavelength = self._masked[band], self._masked[len(self._masked) // 2 + band]
        filled = self._fillable() & (missing > 0)
        if not filled.any():
            return False
        blue, red = self._blue, self._red
        span = np.where(filled, red.wavelength - blue.wavelength, 1.0)
        from_red = (missing_wavelength - missing * blue.wavelength) / span
        from_blue = missing - from_red
        np.add(flux, from_blue * blue.median + from_red * red.median, out=flux, where=filled)
        np.add(weight, missing, out=weight, where=filled)
        if variance is not None:
            added = _edge_variance(blue, band, from_blue) + _edge_variance(red, band, from_red)
            np.add(variance, added, out=variance, where=filled)
        return True

    def _fillable(self) -> Mask:
        mostly_masked = self._masked[-1] * 2 >= max(1, self._planes.stop - self._planes.start)
        fillable: Mask = mostly_masked & (self._blue.count >= self._fewest) & (self._red.count >= self._fewest)
        return fillable


def _edge_variance(edge: _Edge, band: int, share: Array) -> Array:
    """Return what ``share`` times an edge's median adds to the variance of a weighted sum.

    Of n normal values with variance s^2 the median has pi/2 s^2/n; its covariance with each of them, which the sum
    holds already, is s^2/n.
    """
    count = np.maximum(edge.count, 1)
    of_median = np.pi / 2 * edge.variance / count**2
    with_sum = edge.weighted_variance[band] / count
    added: Array = share**2 * of_median + 2 * share * with_sum
    return added
