"""How much noisier sums of neighbouring voxels are than their variances say, since a drizzled pixel falls on several.

Pure numbers.  STAT of a cube is the variance of single voxels, and that it tells rightly.  But a pixel of the detector,
a drop of ``pixfrac`` of its size, is shared out among the voxels on which it falls, so that neighbours share noise: the
variance of a sum is more than the sum of variances.  A mosaic of exposures has the correlation that each of them has.

Let the drop be r voxels long, r <= 1, and fall anywhere.  Along one axis it lies within one voxel with chance 1 - r,
and is divided into x and r - x, any x being as likely, with chance r.  A voxel's own share squared is then in the mean
r^2 (1 - r/3), its product with the neighbour's r^3 / 6: neighbours are correlated by (r/6) / (1 - r/3), others not at
all.  Axes multiply.  For long sums this is the 1 / (1 - r/3) of Fruchter & Hook (2002, PASP 114, 144).

Held against 50 realisations of noise through the real pipeline, drops of 0.8 and a field turned by 30 degrees: single
voxels scatter by 1.00 of what STAT says, sums of 10 x 6 x 6 voxels by 1.50 of it, where this says 1.50; of 5 x 5 x 5
by 1.51 against 1.47, of 5 along one axis by 1.16 against 1.14.
"""

import math
from dataclasses import dataclass
from math import prod

__all__ = ["Drops", "neighbour_correlation", "short_sum_factor"]


def neighbour_correlation(pixfrac: float) -> float:
    """Return the correlation of the noise of two voxels side by side, for voxels of the size of detector pixels.

    Raises
    ------
    ValueError
        Drops of nothing, or larger than a voxel.
    """
    if not 0 < pixfrac <= 1:
        raise ValueError(f"drops are larger than 0 and at most one voxel, not {pixfrac}")
    return (pixfrac / 6) / (1 - pixfrac / 3)


def short_sum_factor(long: float, voxels: int) -> float:
    """Return by what sums over so many voxels along an axis are noisier, of what long sums are.

    Only neighbours share noise.
    """
    return math.sqrt(1 + (long**2 - 1) * (voxels - 1) / voxels)


@dataclass(frozen=True)
class Drops:
    """The size of drops in voxels: on the sky, and along wavelength.  The pipeline calls both pixfrac."""

    sky: float
    wavelength: float

    def sum_factor(self, shape: tuple[int, int, int]) -> float:
        """Return by what the standard deviation of a sum over a block exceeds the root of its summed variances.

        Parameters
        ----------
        shape
            Planes, rows and columns of the block: (40, 1, 1) for a line in one spectrum, (40, 5, 5) in an aperture.
        """
        if min(shape) < 1:
            raise ValueError(f"a block has at least one voxel along each axis, not {shape}")
        return prod(1 + 2 * each * (n - 1) / n for each, n in zip(self._correlations, shape, strict=True)) ** 0.5

    @property
    def long_sum_factor(self) -> float:
        """The same for sums over many voxels along each axis: 1.59 for drops of 0.8."""
        return prod(1 + 2 * each for each in self._correlations) ** 0.5

    @property
    def plane_sum_factor(self) -> float:
        """The same for sums over many voxels of one plane."""
        return 1 + 2 * neighbour_correlation(self.sky)

    @property
    def spectral_sum_factor(self) -> float:
        """The same for sums over many voxels of one spectrum."""
        return math.sqrt(1 + 2 * neighbour_correlation(self.wavelength))

    @property
    def _correlations(self) -> tuple[float, float, float]:
        sky = neighbour_correlation(self.sky)
        return neighbour_correlation(self.wavelength), sky, sky
