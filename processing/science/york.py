"""The straight line through points with errors on both axes, by York's iteration (Am. J. Phys. 72, 367, 2004).

Pure.  Errors on x and y are taken as independent of one another.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Line", "york"]

Array = NDArray[np.float64]

MOST_ROUNDS: Final = 200
PRECISION: Final = 1e-12


@dataclass(frozen=True)
class Line:
    """``y = slope * x + intercept`` and the errors and covariance of the two, one sigma."""

    slope: float
    intercept: float
    slope_error: float
    intercept_error: float
    covariance: float


def york(x: Array, y: Array, x_error: Array, y_error: Array) -> Line:
    """Fit a line that is as far from the points, in units of both their errors, as the points allow.

    Parameters
    ----------
    x, y, x_error, y_error
        Shape (n), at least two different x; errors one sigma, those of y positive.
    """
    of_x, of_y = x_error**2, 1 / y_error**2
    slope = float(np.polyfit(x, y, 1, w=1 / y_error)[0])
    for _ in range(MOST_ROUNDS):
        before = slope
        weights, places, middle = _adjusted(slope, x, y, of_x, of_y)
        right, up = x - middle[0], y - middle[1]
        slope = float((weights * places * up).sum() / (weights * places * right).sum())
        if abs(slope - before) <= PRECISION * abs(slope):
            break
    weights, places, middle = _adjusted(slope, x, y, of_x, of_y)
    adjusted = middle[0] + places
    centre = float((weights * adjusted).sum() / weights.sum())
    variance = 1 / float((weights * (adjusted - centre) ** 2).sum())
    return Line(
        slope=slope,
        intercept=middle[1] - slope * middle[0],
        slope_error=float(np.sqrt(variance)),
        intercept_error=float(np.sqrt(1 / weights.sum() + centre**2 * variance)),
        covariance=-centre * variance,
    )


def _adjusted(
    slope: float, x: Array, y: Array, x_variance: Array, y_weight: Array
) -> tuple[Array, Array, tuple[float, float]]:
    """Return the weights for a slope, where along x the line meets each point, and the point's middle."""
    weights = y_weight / (1 + slope**2 * x_variance * y_weight)
    total = weights.sum()
    middle = float((weights * x).sum() / total), float((weights * y).sum() / total)
    right, up = x - middle[0], y - middle[1]
    places: Array = weights * (right / y_weight + slope * up * x_variance)
    return weights, places, middle
