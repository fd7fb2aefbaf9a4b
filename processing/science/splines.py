"""Values and slopes of cubic splines, given as the coefficients of B-splines at whole steps.  Compiled."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.compiled import compiled

__all__ = ["sample", "sample_slope"]

Array = NDArray[np.float64]

SIXTH: Final = 1 / 6


@compiled
def sample(coefficients: Array, place: Array, weight: Array, values: Array) -> None:
    """Fill the values of splines (k, size) at places (n), times a weight (n): shape (k, n)."""
    for pixel in range(place.size):
        first = int(place[pixel])
        x = place[pixel] - first
        y = 1 - x
        scale = weight[pixel] * SIXTH
        one, four = y * y * y * scale, x * x * x * scale
        two, three = (4 - 3 * x * x * (2 - x)) * scale, (4 - 3 * y * y * (2 - y)) * scale
        for row in range(coefficients.shape[0]):
            values[row, pixel] = (
                one * coefficients[row, first - 1]
                + two * coefficients[row, first]
                + three * coefficients[row, first + 1]
                + four * coefficients[row, first + 2]
            )


@compiled
def sample_slope(coefficients: Array, place: Array, weight: Array, values: Array) -> None:
    """Fill the slope of one spline (size), per step, at places (n), times a weight (n): shape (n)."""
    for pixel in range(place.size):
        first = int(place[pixel])
        x = place[pixel] - first
        y = 1 - x
        rise = (
            -y * y * coefficients[first - 1]
            + x * (3 * x - 4) * coefficients[first]
            + y * (4 - 3 * y) * coefficients[first + 1]
            + x * x * coefficients[first + 2]
        )
        values[pixel] = rise * weight[pixel] / 2
