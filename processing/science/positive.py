"""Least squares whose unknowns must not be negative, from normal equations and a guess.  Compiled.

The method of Lawson and Hanson on normal equations, begun at an earlier solution: while kinematics move a little, the
templates that take part hardly change.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.cholesky import Equations, Factor, factorise, solve_from
from processing.science.compiled import compiled

__all__ = ["improve"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

STEEPEST: Final = 1e-6
"""In units of an unknown's own error: below it a gradient is rounding."""


@compiled
def improve(equations: Equations, factor: Factor, solution: Array) -> None:
    """Turn a guess without negative unknowns into the solution; what is not zero there is active in the factor.

    Notes
    -----
    A set of unknowns is solved for freely; on the way there from where it stands, whatever reaches zero leaves the
    set.  Then the one joins whose growth would lower chi2 most.  An unknown that leaves the moment it has joined,
    since rounding hides what it would add, joins no more.
    """
    size = solution.size
    wanted, barred = np.zeros(size), np.zeros(size, dtype=np.bool_)
    for row in range(size):
        factor.active[row] = solution[row] > 0
    joined = -1
    for _ in range(10 * size):
        _settle(equations, factor, solution, wanted)
        if joined >= 0 and not factor.active[joined]:
            barred[joined] = True
        joined = _steepest(equations, factor, solution, barred)
        if joined < 0:
            break
        factor.active[joined] = True


@compiled
def _settle(equations: Equations, factor: Factor, solution: Array, wanted: Array) -> None:
    """Solve for the active unknowns; those that would be negative leave one after the other."""
    size = solution.size
    while True:
        factorise(equations.matrix, factor, size)
        solve_from(factor, equations.vector, wanted, size)
        share, first = 1.0, -1
        for row in range(size):
            if not factor.active[row]:
                solution[row] = 0.0
            elif wanted[row] <= 0 and solution[row] <= share * (solution[row] - wanted[row]):
                share, first = solution[row] / (solution[row] - wanted[row]) if wanted[row] < 0 else 0.0, row
        for row in range(size):
            solution[row] += share * (wanted[row] - solution[row])
        if first < 0:
            return
        solution[first] = 0.0
        factor.active[first] = False


@compiled
def _steepest(equations: Equations, factor: Factor, solution: Array, barred: Mask) -> int:
    """Return the unknown at zero whose growth would lower chi2 most, -1 if there is none."""
    best, steepest = -1, STEEPEST
    for row in range(solution.size):
        if not factor.active[row] and not barred[row] and equations.matrix[row, row] > 0:
            gradient = equations.vector[row]
            for k in range(solution.size):
                gradient -= equations.matrix[row, k] * solution[k]
            gradient /= math.sqrt(equations.matrix[row, row])
            if gradient > steepest:
                best, steepest = row, gradient
    return best
