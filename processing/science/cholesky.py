"""Normal equations of a few dozen unknowns: factors, solutions, inverses, and solutions that stay positive.  Compiled.

Every matrix is scaled to a diagonal of one first, so that units do not matter.  A column that adds nothing to those
before it (a line without data, a polynomial that the mask makes equal to others) becomes inactive: its unknown is 0.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.science.compiled import compiled

__all__ = ["Equations", "Factor", "factorise", "inverse", "solve_from", "solve_positive", "to_half"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SMALLEST_PIVOT: Final = 1e-12
"""Share of a column's square that must be its own."""


class Equations(NamedTuple):
    """``matrix @ unknowns = vector``: shapes (n, n), (n)."""

    matrix: Array
    vector: Array


class Factor(NamedTuple):
    """The lower triangle L of the scaled matrix, its scales, and which columns take part; shapes (n, n), (n), (n)."""

    lower: Array
    scale: Array
    active: Mask


@compiled
def factorise(matrix: Array, factor: Factor, size: int) -> None:
    """Factorise the first ``size`` rows and columns among those active; drop what adds nothing from these."""
    lower, scale, active = factor
    for row in range(size):
        active[row] = active[row] and matrix[row, row] > 0
        scale[row] = 1 / math.sqrt(matrix[row, row]) if active[row] else 0.0
    for row in range(size):
        left = 1.0
        for column in range(row):
            lower[row, column] = 0.0
            if active[row] and active[column]:
                value = matrix[row, column] * scale[row] * scale[column]
                for k in range(column):
                    value -= lower[row, k] * lower[column, k]
                lower[row, column] = value / lower[column, column]
                left -= lower[row, column] ** 2
        if left < SMALLEST_PIVOT or not active[row]:
            active[row] = False
            scale[row] = 0.0
            lower[row, :row] = 0.0
            left = 1.0
        lower[row, row] = math.sqrt(left)


@compiled
def to_half(factor: Factor, vector: Array, half: Array, size: int) -> None:
    """Solve L half = scaled vector."""
    for row in range(size):
        value = vector[row] * factor.scale[row]
        for k in range(row):
            value -= factor.lower[row, k] * half[k]
        half[row] = value / factor.lower[row, row]


@compiled
def solve_from(factor: Factor, vector: Array, solution: Array, size: int) -> None:
    """Solve for the unknowns; those of inactive columns are 0."""
    to_half(factor, vector, solution, size)
    for row in range(size - 1, -1, -1):
        solution[row] /= factor.lower[row, row]
        for k in range(row):
            solution[k] -= factor.lower[row, k] * solution[row]
    for row in range(size):
        solution[row] *= factor.scale[row]


@compiled
def inverse(factor: Factor, result: Array, size: int) -> None:
    """Write the inverse of the factorised matrix; rows and columns of what is inactive are 0."""
    unit = np.zeros(size)
    for column in range(size):
        unit[column] = 1.0
        solve_from(factor, unit, result[column], size)
        unit[column] = 0.0


@compiled
def solve_positive(equations: Equations, factor: Factor, solution: Array, usable: Mask, free: int, size: int) -> None:
    """Solve with all unknowns but the first ``free`` kept from going below zero.

    Parameters
    ----------
    equations
        Their first ``size`` rows and columns.
    factor, solution
        Filled; what is at zero, or not usable, is inactive in the factor.
    usable
        Columns that may take part.
    free, size
        How many unknowns may have any sign, how many there are.

    Notes
    -----
    The most negative one is fixed at zero, and one whose gradient asks for it is let go again, until neither is left.
    Each is let go once at most: no round can go on for ever.
    """
    allowed = np.zeros(size, dtype=np.bool_)
    for row in range(size):
        factor.active[row] = allowed[row] = usable[row]
    changed = 0
    while changed >= 0:
        factorise(equations.matrix, factor, size)
        solve_from(factor, equations.vector, solution, size)
        changed = _lowest(solution, free, size)
        if changed >= 0:
            factor.active[changed] = False
        else:
            changed = _wanted(equations, factor, solution, allowed)
            if changed >= 0:
                allowed[changed] = False
                factor.active[changed] = True


@compiled
def _lowest(solution: Array, free: int, size: int) -> int:
    """Return the most negative unknown of those that must not be, -1 if there is none."""
    lowest, value = -1, 0.0
    for row in range(free, size):
        if solution[row] < value:
            lowest, value = row, solution[row]
    return lowest


@compiled
def _wanted(equations: Equations, factor: Factor, solution: Array, allowed: Mask) -> int:
    """Return the unknown at zero whose growth would lower chi2 most, -1 if there is none."""
    wanted, steepest = -1, 1e-6  # in units of its error: below it a gradient is rounding
    for row in range(allowed.size):
        if allowed[row] and not factor.active[row]:
            gradient = equations.vector[row]
            for k in range(allowed.size):
                gradient -= equations.matrix[row, k] * solution[k]
            gradient /= math.sqrt(equations.matrix[row, row])
            if gradient > steepest:
                wanted, steepest = row, gradient
    return wanted
