"""Emission lines as the detector sees them: Gaussians integrated over each pixel, with their derivatives.  Compiled.

A line has its velocity V in km/s, as the logarithm of a wavelength ratio, and its intrinsic variance u = sigma^2 in
(km/s)^2; the instrument's width at the observed wavelength adds in quadrature.  The variance and not the dispersion is
what is fitted, since a derivative by sigma vanishes where sigma does.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.science.compiled import compiled
from processing.science.lsf import FWHM_PER_SIGMA, SPEED_OF_LIGHT

__all__ = ["BY_FLUX", "BY_VARIANCE", "BY_VELOCITY", "REACH", "Lines", "Place", "fill_profile", "place"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

REACH: Final = 6.0
"""How many dispersions from its middle a line is followed: 2e-9 of its flux lie beyond, so that chi2 makes no
steps where a pixel enters or leaves."""

BY_FLUX: Final = 0
BY_VELOCITY: Final = 1
BY_VARIANCE: Final = 2

ROOT_HALF: Final = math.sqrt(0.5)
DENSITY: Final = 1 / math.sqrt(2 * math.pi)


class Lines(NamedTuple):
    """The lines of a fit as arrays, shape (lines).

    ``wavelength`` is where a line lies at V = 0; ``amplitude`` and ``group`` are the free flux and the group that it
    belongs to, ``ratio`` its flux in units of the free one.  ``lsf`` holds the three coefficients of the parabola.
    """

    wavelength: Array
    amplitude: Integers
    group: Integers
    ratio: Array
    lsf: Array


class Place(NamedTuple):
    """Where a line lies and how wide it is, in Angstrom, and how both change with V and u."""

    middle: float
    width: float
    middle_by_velocity: float
    width_by_velocity: float
    width_by_variance: float


@compiled
def place(lines: Lines, line: int, velocity: float, variance: float) -> Place:
    """Return where a line of this V and u lies."""
    middle = lines.wavelength[line] * math.exp(velocity / SPEED_OF_LIGHT)
    square, linear, constant = lines.lsf[0], lines.lsf[1], lines.lsf[2]
    instrument = ((square * middle + linear) * middle + constant) / FWHM_PER_SIGMA
    slope = (2 * square * middle + linear) / FWHM_PER_SIGMA
    own = variance / SPEED_OF_LIGHT**2
    width = math.sqrt(own * middle**2 + instrument**2)
    middle_by_velocity = middle / SPEED_OF_LIGHT
    width_by_velocity = (own * middle + instrument * slope) / width * middle_by_velocity
    return Place(middle, width, middle_by_velocity, width_by_velocity, middle_by_velocity**2 / (2 * width))


@compiled
def _pixel(edges: Array, wavelength: float) -> int:
    """Return the pixel that a wavelength falls into: -1 before the first, their number behind the last."""
    low, high = -1, edges.size
    while high - low > 1:
        middle = (low + high) // 2
        if edges[middle] <= wavelength:
            low = middle
        else:
            high = middle
    return low


@compiled
def fill_profile(where: Place, edges: Array, columns: Array) -> tuple[int, int]:
    """Write a line of flux one, and its derivatives by V and u, for the pixels within reach.

    Parameters
    ----------
    where
        The line.
    edges
        Of the pixels, increasing, shape (pixels + 1), Angstrom.
    columns
        Filled with the mean flux density in each pixel and its derivatives, shape (3, at least the pixels in reach).

    Returns
    -------
    first, count
        The first pixel in reach and how many there are: none if the line lies outside the grid.
    """
    first = max(_pixel(edges, where.middle - REACH * where.width), 0)
    stop = min(_pixel(edges, where.middle + REACH * where.width) + 1, edges.size - 1)
    count = min(stop - first, columns.shape[1])
    if count <= 0:
        return 0, 0
    z = (edges[first] - where.middle) / where.width
    below, density = 0.5 * math.erf(z * ROOT_HALF), DENSITY * math.exp(-0.5 * z * z)
    slope = z * density
    for pixel in range(count):
        z = (edges[first + pixel + 1] - where.middle) / where.width
        next_below, next_density = 0.5 * math.erf(z * ROOT_HALF), DENSITY * math.exp(-0.5 * z * z)
        next_slope = z * next_density
        per_angstrom = 1 / (edges[first + pixel + 1] - edges[first + pixel])
        by_middle = (density - next_density) / where.width * per_angstrom
        by_width = (slope - next_slope) / where.width * per_angstrom
        columns[BY_FLUX, pixel] = (next_below - below) * per_angstrom
        columns[BY_VELOCITY, pixel] = by_middle * where.middle_by_velocity + by_width * where.width_by_velocity
        columns[BY_VARIANCE, pixel] = by_width * where.width_by_variance
        below, density, slope = next_below, next_density, next_slope
    return first, count
