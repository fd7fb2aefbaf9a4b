"""Fit the lines of one spectrum by variable projection: only velocities and widths are searched for.  Compiled.

At each set of velocities and variances the best polynomial and fluxes follow from linear equations, so that chi2 is a
function of the kinematics alone.  It is minimised by Levenberg and Marquardt's method, with Kaufman's approximation to
the projected Jacobian, exact at the minimum.  ``emission`` is what others call.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.science.cholesky import Equations, Factor, factorise, inverse, solve_from, solve_positive, to_half
from processing.science.compiled import compiled
from processing.science.lsf import SPEED_OF_LIGHT
from processing.science.normal_equations import (
    Grid,
    Sizes,
    Spectrum,
    Sums,
    fill_continuum,
    fill_derivatives,
    fill_fluxes,
    sum_lines,
)
from processing.science.profiles import Lines, place

__all__ = ["Control", "Minimum", "Problem", "Start", "fill_covariance", "minimise", "new_minimum"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST_DAMPING: Final = 1e-6
LARGEST_DAMPING: Final = 1e9
LONGEST_STEP: Final = 150.0
"""In km/s: a line is about twice as wide, and a longer step would leave it."""


class Control(NamedTuple):
    """When to stop (a fall of chi2 that is not worth a step; trials), and whether fluxes must not be negative."""

    tolerance: float
    trials: int
    non_negative: bool


class Problem(NamedTuple):
    """What all spectra of a tile share."""

    lines: Lines
    grid: Grid
    sizes: Sizes
    control: Control


class Start(NamedTuple):
    """Kinematics to begin with and their bounds, shape (2 groups), and the linear unknowns that may take part."""

    kinematics: Array
    low: Array
    high: Array
    usable: Mask


class Minimum(NamedTuple):
    """Where a fit stands: the unknowns (total), kinematics last, and the equations and sums they come from.

    ``falls`` holds chi2 and, for each group, how far it would still fall by the next step, shape (1 + groups).
    """

    unknowns: Array
    falls: Array
    equations: Equations
    factor: Factor
    sums: Sums


@compiled
def new_minimum(sizes: Sizes, lines: int, widest: int) -> Minimum:
    """Make room for a fit of lines whose windows have up to ``widest`` pixels."""
    total = sizes.total
    return Minimum(
        np.zeros(total),
        np.zeros(1 + sizes.groups),
        Equations(np.zeros((total, total)), np.zeros(total)),
        Factor(np.zeros((total, total)), np.zeros(total), np.zeros(total, dtype=np.bool_)),
        Sums(
            np.zeros((lines, 3), dtype=np.int64),
            np.zeros((lines, 3, widest)),
            np.zeros((lines, 3, sizes.polynomial + 1)),
            np.zeros((lines, lines, 3, 3)),
        ),
    )


@compiled
def minimise(problem: Problem, spectrum: Spectrum, start: Start, now: Minimum, trial: Minimum) -> tuple[Minimum, int]:
    """Fit one spectrum; return the minimum, which is one of the two that were lent as room, and the trials it took."""
    sizes, count = problem.sizes, 2 * problem.sizes.groups
    hessian, gradient, step = np.zeros((count, count)), np.zeros(count), np.zeros(count)
    fill_continuum(spectrum, problem.grid, now.equations)
    for row in range(sizes.polynomial):
        trial.equations.vector[row] = now.equations.vector[row]
        for column in range(sizes.polynomial):
            trial.equations.matrix[row, column] = now.equations.matrix[row, column]
    for row in range(count):
        trial.unknowns[sizes.linear + row] = start.kinematics[row]
    now.falls[0] = np.inf
    damping, trials = LEAST_DAMPING, 0
    while True:
        _evaluate(problem, spectrum, start, trial)
        better = trial.falls[0] < now.falls[0]
        excess = _excess_curvature(problem.sizes, now, trial, hessian, gradient) if trials > 0 else 0.0
        damping = max(excess, LEAST_DAMPING, damping * 0.1 if better else damping * 10)
        if better:
            now, trial = trial, now
            _project(problem, now, hessian, gradient)
            if _remaining_fall(problem, now, start, hessian, gradient, step) < problem.control.tolerance:
                break
        if trials == problem.control.trials or damping > LARGEST_DAMPING:
            break
        trials += 1
        _newton_step(hessian, gradient, now.unknowns[sizes.linear :], start, damping, step)
        _move(problem, now.unknowns[sizes.linear :], step, start, trial.unknowns[sizes.linear :])
    return now, trials


@compiled
def _evaluate(problem: Problem, spectrum: Spectrum, start: Start, here: Minimum) -> None:
    """Solve for the linear unknowns at the kinematics of ``here`` and note chi2."""
    sizes = problem.sizes
    sum_lines(problem.lines, here.unknowns[sizes.linear :], spectrum, problem.grid, here.sums)
    fill_fluxes(problem.lines, here.sums, sizes, here.equations)
    free = sizes.polynomial if problem.control.non_negative else sizes.linear
    solve_positive(here.equations, here.factor, here.unknowns, start.usable, free, sizes.linear)
    chi2 = spectrum.square
    for row in range(sizes.linear):
        chi2 -= here.unknowns[row] * here.equations.vector[row]
    here.falls[0] = chi2


@compiled
def _project(problem: Problem, here: Minimum, hessian: Array, gradient: Array) -> None:
    """Fill half the second derivatives and half the fall of chi2 by the kinematics, linear unknowns following along."""
    sizes = problem.sizes
    fill_derivatives(problem.lines, here.sums, sizes, here.unknowns, here.equations)
    halves = np.zeros((gradient.size, sizes.linear))
    for row in range(gradient.size):
        column = sizes.linear + row
        to_half(here.factor, here.equations.matrix[column], halves[row], sizes.linear)
        gradient[row] = here.equations.vector[column]
        for k in range(sizes.linear):
            gradient[row] -= here.equations.matrix[column, k] * here.unknowns[k]
        for other in range(row + 1):
            value = here.equations.matrix[column, sizes.linear + other]
            for k in range(sizes.linear):
                value -= halves[row, k] * halves[other, k]
            hessian[row, other] = hessian[other, row] = value


@compiled
def _remaining_fall(
    problem: Problem, here: Minimum, start: Start, hessian: Array, gradient: Array, step: Array
) -> float:
    """Note how far each group's next step would lower chi2; return the sum."""
    linear, groups = problem.sizes.linear, problem.sizes.groups
    _newton_step(hessian, gradient, here.unknowns[linear:], start, 0.0, step)
    total = 0.0
    for group in range(groups):
        fall = abs(gradient[group] * step[group]) + abs(gradient[groups + group] * step[groups + group])
        here.falls[1 + group] = fall
        total += fall
    return total


@compiled
def _excess_curvature(sizes: Sizes, now: Minimum, trial: Minimum, hessian: Array, gradient: Array) -> float:
    """Return by which share chi2 was found to bend more along the last step than the approximate Hessian has it.

    Under faint lines the noise bends chi2 as much as the line does; damped by this share, the steps do not overshoot.
    """
    slope, bend = 0.0, 0.0
    for row in range(gradient.size):
        moved = trial.unknowns[sizes.linear + row] - now.unknowns[sizes.linear + row]
        slope += 2 * gradient[row] * moved
        for column in range(gradient.size):
            other = trial.unknowns[sizes.linear + column] - now.unknowns[sizes.linear + column]
            bend += moved * hessian[row, column] * other
    return (slope - now.falls[0] + trial.falls[0]) / bend - 1 if bend > 0 else 0.0


@compiled
def _newton_step(hessian: Array, gradient: Array, kinematics: Array, start: Start, damping: float, step: Array) -> None:
    """Solve for the next step; what presses against its bound stays."""
    size = gradient.size
    damped = np.zeros((size, size))
    factor = Factor(np.zeros((size, size)), np.zeros(size), np.zeros(size, dtype=np.bool_))
    for row in range(size):
        at_low = kinematics[row] <= start.low[row] and gradient[row] <= 0
        at_high = kinematics[row] >= start.high[row] and gradient[row] >= 0
        factor.active[row] = not (at_low or at_high)
        for column in range(size):
            damped[row, column] = hessian[row, column]
        damped[row, row] *= 1 + damping
    factorise(damped, factor, size)
    solve_from(factor, gradient, step, size)


@compiled
def _move(problem: Problem, kinematics: Array, step: Array, start: Start, moved: Array) -> None:
    """Take a step within the bounds that makes no line move by more than its width or much wider or narrower."""
    lines, groups = problem.lines, problem.sizes.groups
    for row in range(2 * groups):
        moved[row] = kinematics[row] + (min(max(step[row], -LONGEST_STEP), LONGEST_STEP) if row < groups else step[row])
    for line in range(lines.wavelength.size):
        row = groups + lines.group[line]
        where = place(lines, line, kinematics[row - groups], kinematics[row])
        whole = (where.width / where.middle * SPEED_OF_LIGHT) ** 2
        moved[row] = min(max(moved[row], kinematics[row] - 0.75 * whole), kinematics[row] + 3 * whole)
    for row in range(2 * groups):
        moved[row] = min(max(moved[row], start.low[row]), start.high[row])


@compiled
def fill_covariance(problem: Problem, start: Start, here: Minimum, covariance: Array) -> None:
    """Invert the equations of all unknowns, fluxes at zero among them; kinematics at a bound are held there."""
    sizes = problem.sizes
    for row in range(sizes.linear):
        here.factor.active[row] = start.usable[row]
    for row in range(2 * sizes.groups):
        value = here.unknowns[sizes.linear + row]
        here.factor.active[sizes.linear + row] = start.low[row] < value < start.high[row]
    factorise(here.equations.matrix, here.factor, sizes.total)
    inverse(here.factor, covariance, sizes.total)
