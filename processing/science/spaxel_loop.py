"""The loop over the spectra of a tile: weigh one, fit it, write what was found.  Compiled.

It judges nothing: which values held is decided from its results by ``fit_flags``.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.science.compiled import compiled
from processing.science.normal_equations import COUNT, FIRST, Spectrum, add_lines
from processing.science.profiles import BY_FLUX, place
from processing.science.variable_projection import Minimum, Problem, Start, fill_covariance, minimise, new_minimum

__all__ = ["Found", "Spectra", "fit_spectra"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

LEAST_COVERAGE: Final = 0.3
"""Share of a free flux that must fall on good pixels at the start, or it takes no part in the fit."""


class Spectra(NamedTuple):
    """The tile: spectra (n, pixels); starts and bounds of velocities and variances (n, 2 groups)."""

    flux: Array
    variance: Array
    good: Mask
    continuum: Array
    start: Array
    low: Array
    high: Array


class Found(NamedTuple):
    """What the loop fills, row by row; the shapes are those of ``Minimum`` behind a leading n.

    ``covariance`` begins at the free fluxes.  ``active`` tells which unknowns took part, ``coverage`` (n, lines) which
    share of a line fell on good pixels, ``noise`` (n, lines) is the root of the mean variance under it; ``pixels`` and
    ``zero_variance`` count pixels used, and pixels called good whose variance is not above zero.
    """

    unknowns: Array
    active: Mask
    covariance: Array
    decrement: Array
    chi2: Array
    coverage: Array
    noise: Array
    pixels: Integers
    zero_variance: Integers
    trials: Integers


@compiled
def fit_spectra(problem: Problem, spectra: Spectra, widest: int, found: Found) -> None:
    """Fit every spectrum that has more good pixels than there are unknowns; the others keep what ``found`` held."""
    lines, pixels = problem.lines.wavelength.size, spectra.flux.shape[1]
    one = new_minimum(problem.sizes, lines, widest)
    other = new_minimum(problem.sizes, lines, widest)
    room = np.zeros((4, pixels))
    for row in range(spectra.flux.shape[0]):
        spectrum, used, zero = _weigh(spectra, row, room)
        found.pixels[row], found.zero_variance[row] = used, zero
        if used > problem.sizes.total and np.isfinite(spectra.start[row].sum()):
            usable = _usable(problem, spectrum, spectra.start[row])
            start = Start(spectra.start[row], spectra.low[row], spectra.high[row], usable)
            best, trials = minimise(problem, spectrum, start, one, other)
            found.trials[row] = trials
            _write(problem, spectrum, start, best, found, row)


@compiled
def _weigh(spectra: Spectra, row: int, room: Array) -> tuple[Spectrum, int, int]:
    """Return one spectrum with its weights, the pixels used, and those without a variance."""
    weight, continuum, weighted_continuum, weighted_flux = room[0], room[1], room[2], room[3]
    used, zero, square = 0, 0, 0.0
    for pixel in range(weight.size):
        flux, variance, model = spectra.flux[row, pixel], spectra.variance[row, pixel], spectra.continuum[row, pixel]
        weight[pixel] = continuum[pixel] = weighted_continuum[pixel] = weighted_flux[pixel] = 0.0
        if spectra.good[row, pixel] and np.isfinite(flux) and np.isfinite(model):
            if variance > 0 and np.isfinite(variance):
                used += 1
                weight[pixel] = 1 / variance
                continuum[pixel] = model
                weighted_continuum[pixel] = model / variance
                weighted_flux[pixel] = flux / variance
                square += flux * flux / variance
            else:
                zero += 1
    return Spectrum(weight, continuum, weighted_continuum, weighted_flux, square), used, zero


@compiled
def _usable(problem: Problem, spectrum: Spectrum, kinematics: Array) -> Mask:
    """Tell which linear unknowns may take part: all polynomials, and fluxes of lines that lie on good pixels."""
    sizes, lines, edges = problem.sizes, problem.lines, problem.grid.edges
    covered, whole = np.zeros(sizes.amplitudes), np.zeros(sizes.amplitudes)
    for line in range(lines.wavelength.size):
        group = lines.group[line]
        where = place(lines, line, kinematics[group], kinematics[sizes.groups + group])
        within = 0.0
        for pixel in range(spectrum.weight.size):
            near = edges[pixel + 1] > where.middle - where.width and edges[pixel] < where.middle + where.width
            if near and spectrum.weight[pixel] > 0:
                within += edges[pixel + 1] - edges[pixel]
        covered[lines.amplitude[line]] += lines.ratio[line] * within / (2 * where.width)
        whole[lines.amplitude[line]] += lines.ratio[line]
    usable = np.ones(sizes.linear, dtype=np.bool_)
    for amplitude in range(sizes.amplitudes):
        usable[sizes.polynomial + amplitude] = covered[amplitude] > LEAST_COVERAGE * whole[amplitude]
    return usable


@compiled
def _write(problem: Problem, spectrum: Spectrum, start: Start, best: Minimum, found: Found, row: int) -> None:
    sizes = problem.sizes
    for k in range(sizes.linear):
        found.active[row, k] = best.unknowns[k] != 0
    covariance = np.zeros((sizes.total, sizes.total))
    fill_covariance(problem, start, best, covariance)
    for k in range(sizes.total):
        found.unknowns[row, k] = best.unknowns[k]
        if k >= sizes.linear:
            found.active[row, k] = best.factor.active[k]
    for k in range(sizes.polynomial, sizes.total):
        for m in range(sizes.polynomial, sizes.total):
            found.covariance[row, k - sizes.polynomial, m - sizes.polynomial] = covariance[k, m]
    for group in range(sizes.groups):
        found.decrement[row, group] = best.falls[1 + group]
    found.chi2[row] = _chi2(problem, spectrum, best)
    for line in range(problem.lines.wavelength.size):
        _look_under(problem, spectrum, best, line, found, row)


@compiled
def _look_under(problem: Problem, spectrum: Spectrum, best: Minimum, line: int, found: Found, row: int) -> None:
    """Note which share of a line falls on pixels that are used, and the root of the mean variance there."""
    covered, variance, used, edges = 0.0, 0.0, 0, problem.grid.edges
    for k in range(best.sums.windows[line, COUNT]):
        pixel = best.sums.windows[line, FIRST] + k
        if spectrum.weight[pixel] > 0:
            covered += best.sums.columns[line, BY_FLUX, k] * (edges[pixel + 1] - edges[pixel])
            variance += 1 / spectrum.weight[pixel]
            used += 1
    found.coverage[row, line] = covered
    found.noise[row, line] = np.sqrt(variance / used) if used else np.nan


@compiled
def _chi2(problem: Problem, spectrum: Spectrum, best: Minimum) -> float:
    """Return chi2 from the residuals themselves: the fit's own is a difference of large numbers."""
    sizes, legendre = problem.sizes, problem.grid.legendre
    model = np.zeros(spectrum.weight.size)
    for power in range(sizes.polynomial):
        for pixel in range(model.size):
            model[pixel] += best.unknowns[power] * spectrum.continuum[pixel] * legendre[power, pixel]
    add_lines(problem.lines, best.sums, sizes, best.unknowns, model)
    chi2 = 0.0
    for pixel in range(model.size):
        weight = spectrum.weight[pixel]
        if weight > 0:
            chi2 += (spectrum.weighted_flux[pixel] / weight - model[pixel]) ** 2 * weight
    return chi2
