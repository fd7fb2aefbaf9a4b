"""Fit the stars of one spectrum by variable projection: only velocity and variance are searched for.

At each of these the best polynomial and weights of templates follow from linear equations, weights never negative, so
that chi2 is a function of the kinematics alone.  It is minimised by Levenberg and Marquardt's method with Kaufman's
approximation to the projected Jacobian, whose derivatives are exact: by the variance in Fourier space, by the velocity
along the spline.  ``stars`` is what others call.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.cholesky import Equations, Factor
from processing.science.lsf import SPEED_OF_LIGHT
from processing.science.positive import improve
from processing.science.splines import sample, sample_slope
from processing.science.star_spectra import StarSettings
from processing.science.star_sums import (
    dot,
    explained,
    fill_equations,
    fill_hessian,
    leave_residual,
    orthonormalise,
    subtract_model,
    unmix,
)
from processing.science.stellar_templates import Templates

__all__ = ["WIDTH", "Minimum", "Weighed", "minimise", "weigh"]

Array = NDArray[np.float64]

WIDTH: Final = 60.0
"""What templates have of their own, km/s: a step that changes the whole width by more would lose its way."""

LONGEST_STEP: Final = 150.0
LEAST_DAMPING: Final = 1e-6
LARGEST_DAMPING: Final = 1e9
SCAN_STEP: Final = 100.0
"""Between the velocities that are looked at before a fit begins, km/s."""


@dataclass(frozen=True)
class Weighed:
    """The good pixels of a spectrum, everything over its noise.

    ``place`` is the pixels' along the templates at no velocity, ``weight`` one over the noise, both of shape (n);
    ``basis`` the polynomials made orthonormal, shape (order + 1, n), by the triangle ``mixing``; ``along`` the flux's
    part along these, shape (order + 1), and ``left`` the flux without it, shape (n).
    """

    place: Array
    weight: Array
    basis: Array
    mixing: Array
    along: Array
    left: Array


@dataclass(frozen=True)
class State:
    """Where a fit stands: kinematics (km/s, (km/s)^2), and what the linear equations make of them."""

    velocity: float
    variance: float
    columns: Array
    shadow: Array
    factor: Factor
    weights: Array
    residual: Array
    chi2: float


@dataclass(frozen=True)
class Slopes:
    """Half the fall of chi2 by velocity and variance, shape (2), and half its second derivatives, shape (2, 2)."""

    gradient: Array
    hessian: Array


@dataclass(frozen=True)
class Minimum:
    """What was found: kinematics, half the second derivatives of chi2 by them, weights, the polynomial's coefficients.

    ``decrement`` is how far chi2 would still fall by the next step.
    """

    velocity: float
    variance: float
    hessian: Array
    weights: Array
    polynomial: Array
    chi2: float
    decrement: float
    trials: int


def weigh(place: Array, flux: Array, variance: Array, polynomials: Array) -> Weighed:
    """Divide a spectrum by its noise and take out what polynomials explain; all pixels must be good."""
    weight = 1 / np.sqrt(variance)
    basis, left = np.ascontiguousarray(polynomials * weight), flux * weight
    mixing, along = np.zeros((len(basis), len(basis))), np.zeros(len(basis))
    orthonormalise(basis, mixing)
    leave_residual(basis, along, left)
    return Weighed(np.ascontiguousarray(place), weight, basis, mixing, along, left)


def minimise(templates: Templates, weighed: Weighed, settings: StarSettings) -> Minimum:
    """Fit one spectrum."""
    start = settings.start_sigma**2
    weights = np.zeros(len(templates.spectra))
    now = _evaluate(templates, weighed, _scan(templates, weighed, settings), start, weights)
    slopes = _slopes(templates, weighed, now)
    damping, trials = LEAST_DAMPING, 0
    while True:
        decrement = float(np.abs(slopes.gradient * _step(slopes, now, settings, 0.0)).sum())
        if decrement < settings.tolerance or trials == settings.trials or damping > LARGEST_DAMPING:
            break
        trials += 1
        velocity, variance = _moved(now, _step(slopes, now, settings, damping), settings)
        trial = _evaluate(templates, weighed, velocity, variance, now.weights)
        if trial.chi2 < now.chi2:
            now, damping = trial, max(damping * 0.1, LEAST_DAMPING)
            slopes = _slopes(templates, weighed, now)
        else:
            damping = max(damping * 10, 0.1)
    polynomial = np.zeros(weighed.along.size)
    unmix(weighed.mixing, weighed.along - now.weights @ now.shadow, polynomial)
    return Minimum(now.velocity, now.variance, slopes.hessian, now.weights, polynomial, now.chi2, decrement, trials)


def _scan(templates: Templates, weighed: Weighed, settings: StarSettings) -> float:
    """Return the velocity at which the mean of all templates explains most."""
    mean = templates.broadened(templates.spectra.mean(axis=0, keepdims=True), settings.start_sigma**2)
    count = 2 * int(settings.velocity_range / SCAN_STEP) + 1
    velocities = np.linspace(-1, 1, count) * (count // 2) * SCAN_STEP
    column, gains = np.empty((1, weighed.place.size)), []
    for velocity in velocities:
        sample(mean, _places(templates, weighed, velocity), weighed.weight, column)
        gains.append(explained(column[0], weighed.basis, weighed.left))
    return float(velocities[int(np.argmax(gains))])


def _places(templates: Templates, weighed: Weighed, velocity: float) -> Array:
    places: Array = weighed.place - velocity / SPEED_OF_LIGHT / templates.step
    return places


def _evaluate(templates: Templates, weighed: Weighed, velocity: float, variance: float, guess: Array) -> State:
    """Solve for the weights at given kinematics."""
    count, pixels = len(templates.spectra), weighed.place.size
    columns, shadow = np.empty((count, pixels)), np.empty((count, len(weighed.basis)))
    coefficients = templates.broadened(templates.spectra, variance)
    sample(coefficients, _places(templates, weighed, velocity), weighed.weight, columns)
    equations = Equations(np.empty((count, count)), np.empty(count))
    fill_equations(columns, weighed.basis, weighed.left, shadow, equations)
    factor = Factor(np.zeros((count, count)), np.zeros(count), np.zeros(count, dtype=np.bool_))
    weights = guess.copy()
    improve(equations, factor, weights)
    residual = weighed.left.copy()
    chi2 = subtract_model(columns, weighed.basis, shadow, weights, residual)
    return State(velocity, variance, columns, shadow, factor, weights, residual, chi2)


def _slopes(templates: Templates, weighed: Weighed, now: State) -> Slopes:
    """Return the derivatives of chi2, weights and polynomial following along."""
    taking_part = now.weights > 0
    mixed = (now.weights[taking_part, np.newaxis] * templates.spectra[taking_part]).sum(axis=0)
    coefficients = templates.broadened(np.vstack((mixed, -templates.square / 2 * mixed)), now.variance)
    places = _places(templates, weighed, now.velocity)
    slopes = np.empty((2, places.size))
    sample_slope(coefficients[0], places, weighed.weight, slopes[0])
    slopes[0] *= -1 / SPEED_OF_LIGHT / templates.step
    sample(coefficients[1:], places, weighed.weight, slopes[1:])
    hessian = np.empty((2, 2))
    fill_hessian(slopes, now.columns, weighed.basis, now.shadow, now.factor, hessian)
    return Slopes(np.array([dot(slope, now.residual) for slope in slopes]), hessian)


def _step(slopes: Slopes, now: State, settings: StarSettings, damping: float) -> Array:
    """Return the next step; what presses against its bound stays."""
    here = np.array([now.velocity, now.variance])
    low, high = np.array([[-settings.velocity_range, 0.0], [settings.velocity_range, settings.largest_sigma**2]])
    gradient = slopes.gradient
    free = ~((here <= low) & (gradient <= 0)) & ~((here >= high) & (gradient >= 0)) & (np.diag(slopes.hessian) > 0)
    step = np.zeros(2)
    if free.any():
        damped = slopes.hessian + np.diag(np.diag(slopes.hessian) * damping)
        step[free] = np.linalg.lstsq(damped[np.ix_(free, free)], gradient[free], rcond=None)[0]
    return step


def _moved(now: State, step: Array, settings: StarSettings) -> tuple[float, float]:
    """Take a step within the bounds that loses sight of nothing."""
    whole = now.variance + WIDTH**2
    velocity = now.velocity + np.clip(step[0], -LONGEST_STEP, LONGEST_STEP)
    variance = now.variance + np.clip(step[1], -0.75 * whole, 3 * whole)
    reach = settings.velocity_range
    return float(np.clip(velocity, -reach, reach)), float(np.clip(variance, 0.0, settings.largest_sigma**2))
