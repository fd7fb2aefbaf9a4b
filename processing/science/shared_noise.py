"""By how much sums over neighbouring spaxels are noisier than their variances say: by place, and by wavelength.

Pure.  In a mosaic of pointings whose PSFs were brought to one, neighbours share the more noise the more a pointing was
convolved, and where pointings overlap it is a mean of theirs.  ``kinds`` are the mixtures that there are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.drizzle_noise import Drops

__all__ = ["NOTHING", "SharedNoise", "SumNoise", "mixtures"]

Array = NDArray[np.float64]
Numbers = NDArray[np.int16]

WIDTHS: Final = (1, 2, 3, 5, 9, 15, 30, 100)
"""Of the squares for which drizzled noise is computed."""

NOTHING: Final = -1
"""In place of the number of a mixture: nothing was exposed there."""

SHARES: Final = 10
"""Into so many parts shares of the light are rounded: fewer mixtures, and factors that are right to a percent."""


@dataclass(frozen=True)
class SumNoise:
    """By what the noise of a sum over spaxels exceeds the root of its summed variances, at one wavelength.

    Parameters
    ----------
    widths
        Of squares of spaxels, increasing, the first 1; shape (w).
    factors
        Of sums over such, of each kind of place, shape (kinds, w).
    kind
        Of each spaxel, shape (ny, nx), below zero where there is nothing; None where there is but one.
    """

    widths: Array
    factors: Array
    kind: Numbers | None = None

    @classmethod
    def none(cls) -> "SumNoise":
        """Return that of noise which no two spaxels share."""
        return cls(np.array([1.0, 2.0]), np.ones((1, 2)))

    @classmethod
    def of_drops(cls, pixfrac: float) -> "SumNoise":
        """Return that of a cube into which drops of so much of a spaxel fell."""
        drops = Drops(pixfrac, pixfrac)
        return cls.of_squares({float(n): drops.sum_factor((1, n, n)) for n in WIDTHS})

    @classmethod
    def of_squares(cls, factors: Mapping[float, float]) -> "SumNoise":
        """Return what is known of squares of several widths, the same everywhere."""
        known = dict(sorted({1.0: 1.0, **factors}.items()))
        return cls(np.array(list(known)), np.array([list(known.values())]))

    def kinds(self, shape: tuple[int, ...]) -> NDArray[np.intp]:
        """Return the kind of each spaxel, shape (ny, nx), as a row of ``factors``."""
        if self.kind is None:
            return np.zeros(shape, dtype=np.intp)
        if self.kind.shape != shape:
            raise ValueError(f"noise is told of {self.kind.shape} spaxels, there are {shape}")
        return np.maximum(self.kind, 0).astype(np.intp)

    def squared(self, kinds: NDArray[np.intp], spaxels: NDArray[np.integer] | int) -> Array:
        """Return the square of the factor: what a spaxel of a kind adds to a sum of so many, per unit of variance.

        Parameters
        ----------
        kinds
            Rows of ``factors``, shape (n).
        spaxels
            In the sum to which each belongs, shape (n), or in the one sum; whatever the outline.
        """
        width = np.sqrt(spaxels)
        upper = np.clip(np.searchsorted(self.widths, width), 1, len(self.widths) - 1)
        low, high = self.widths[upper - 1], self.widths[upper]
        part = np.clip((width - low) / (high - low), 0.0, 1.0)
        factor = self.factors[kinds, upper - 1] * (1 - part) + self.factors[kinds, upper] * part
        squared: Array = factor**2
        return squared


@dataclass(frozen=True)
class SharedNoise:
    """The same at several wavelengths.

    Parameters
    ----------
    wavelengths
        Angstrom, increasing, shape (m).
    widths, kind
        As of ``SumNoise``.
    factors
        Shape (m, kinds, w).
    """

    wavelengths: Array
    widths: Array
    factors: Array
    kind: Numbers | None = None

    @classmethod
    def everywhere(cls, noise: SumNoise) -> "SharedNoise":
        """Return what is the same at all wavelengths."""
        return cls(np.zeros(1), noise.widths, noise.factors[np.newaxis], noise.kind)

    def at(self, wavelength: float) -> SumNoise:
        """Return that of a wavelength, Angstrom: between two it is interpolated, beyond the last it is theirs."""
        if len(self.wavelengths) == 1:
            return SumNoise(self.widths, self.factors[0], self.kind)
        upper = int(np.clip(np.searchsorted(self.wavelengths, wavelength), 1, len(self.wavelengths) - 1))
        low, high = self.wavelengths[upper - 1 : upper + 1]
        part = float(np.clip((wavelength - low) / (high - low), 0.0, 1.0))
        return SumNoise(self.widths, (1 - part) * self.factors[upper - 1] + part * self.factors[upper], self.kind)


def mixtures(
    seconds: NDArray[np.float32], wavelengths: Array, widths: Array, factors: Array, variances: Array
) -> SharedNoise:
    """Return the noise of a mosaic of several pointings.

    Parameters
    ----------
    seconds
        Exposure of each pointing, shape (pointings, ny, nx).
    wavelengths, widths
        Angstrom; spaxels, the first 1; shapes (m) and (w).
    factors
        Of sums within each pointing, shape (m, pointings, w).
    variances
        Of a pointing alone, up to its exposure time and to a factor that all have in common, as far as it counts in the
        mean; shape (m, pointings).
    """
    total = seconds.sum(axis=0)
    exposed = total > 0
    shares = np.rint(SHARES * seconds[:, exposed] / total[exposed]).astype(np.uint8).T
    found, number = np.unique(shares, axis=0, return_inverse=True)
    kind = np.full(total.shape, NOTHING, np.int16)
    kind[exposed] = number.reshape(-1)
    weights = found[np.newaxis].astype(np.float64) * variances[:, np.newaxis]
    weights /= weights.sum(axis=2, keepdims=True)
    return SharedNoise(wavelengths, widths, np.sqrt(np.einsum("mkp,mpw->mkw", weights, factors**2)), kind)
