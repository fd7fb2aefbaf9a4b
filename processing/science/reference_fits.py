"""What the reference found, judged with the rules of our own fits, so that values and flags of both mean the same."""

import numpy as np
from numpy.typing import NDArray

from processing.science.emission import LineFits, line_fits, line_room
from processing.science.fit_flags import flags_of
from processing.science.measured import measure
from processing.science.profiles import BY_FLUX, fill_profile, place
from processing.science.reference_engine import (
    FALL,
    ReferenceLines,
    ReferenceStars,
    fit_lines_by_ppxf,
    fit_stars_by_ppxf,
)
from processing.science.spaxel_loop import Found, Spectra
from processing.science.star_fit import Minimum
from processing.science.star_model import StarModel, continuum_of, model_of
from processing.science.star_spectra import StarSettings, StarSpectra
from processing.science.stars import StarFits, judge_stars
from processing.science.stellar_templates import Library
from processing.science.tile import FitSettings, Tile, problem_of, spectra_of, widest_window
from processing.science.variable_projection import Problem

__all__ = ["lines_by_ppxf", "stars_by_ppxf"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def stars_by_ppxf(
    spectra: StarSpectra,
    library: Library,
    settings: StarSettings | None = None,
    *,
    velocity_scale: float | None = None,
    tolerance: float = FALL,
) -> StarFits:
    """Return pPXF's fits of stars as ``fit_stars`` does ours; errors are pPXF's.

    Parameters and errors are those of ``fit_stars_by_ppxf``.
    """
    settings = settings or StarSettings()
    found = fit_stars_by_ppxf(spectra, library, settings, velocity_scale=velocity_scale, tolerance=tolerance)
    model = model_of(spectra, library, settings)
    return judge_stars(spectra, library, settings, model, lambda row, good: _minimum(found, row, spectra, model, good))


def _minimum(found: ReferenceStars, row: int, spectra: StarSpectra, model: StarModel, good: Mask) -> Minimum:
    """Return one fit as ours are; its errors stand for the second derivatives of chi2."""
    velocity, sigma = float(found.velocity[row]), float(found.sigma[row])
    light = continuum_of(model, found.weights[row], velocity, sigma**2) + found.polynomial[row] @ model.polynomials
    square = (spectra.flux[row].astype(np.float64) - light) ** 2
    errors = np.array([found.velocity_error[row], 2 * sigma * found.sigma_error[row]])
    return Minimum(
        velocity,
        sigma**2,
        np.diag(np.divide(1.0, errors**2, out=np.zeros(2), where=errors > 0)),
        found.weights[row],
        found.polynomial[row],
        chi2=float((square[good] / spectra.variance[row, good]).sum()),
        decrement=0.0 if found.settled[row] else np.inf,
        trials=0,
    )


def lines_by_ppxf(
    tile: Tile,
    settings: FitSettings | None = None,
    *,
    velocity_scale: float | None = None,
    tolerance: float = FALL,
) -> LineFits:
    """Return pPXF's fits of lines as ``fit_tile`` does ours; errors are pPXF's, which tells no other covariance.

    Parameters and errors are those of ``fit_lines_by_ppxf``.
    """
    settings = settings or FitSettings()
    reference = fit_lines_by_ppxf(tile, settings, velocity_scale=velocity_scale, tolerance=tolerance)
    problem, spectra = problem_of(tile, settings), spectra_of(tile, settings)
    found = _found(problem, spectra, reference, widest_window(tile, settings))
    measured = measure(problem, found, settings.lsf)
    return line_fits(
        settings, problem, found, measured, flags_of(problem, spectra, found, measured, settings.lowest_an)
    )


def _found(problem: Problem, spectra: Spectra, reference: ReferenceLines, widest: int) -> Found:
    """Return the fits of a tile as the loop over its spectra does."""
    found, sizes = line_room(len(spectra.flux), problem), problem.sizes
    called_good = spectra.good & np.isfinite(spectra.flux) & np.isfinite(spectra.continuum)
    used = called_good & np.isfinite(spectra.variance) & (spectra.variance > 0)
    found.pixels[:], found.zero_variance[:] = used.sum(axis=1), (called_good & ~used).sum(axis=1)
    rows = np.isfinite(reference.flux).all(axis=1) & (found.pixels > sizes.total)
    sigma = reference.sigma[rows]
    kinematics = reference.velocity[rows], sigma**2
    found.unknowns[rows] = np.hstack((reference.polynomial[rows], reference.flux[rows], *kinematics))
    of_kinematics = reference.velocity_error[rows], 2 * sigma * reference.sigma_error[rows]
    errors = np.hstack((reference.flux_error[rows], *of_kinematics))
    found.covariance[rows] = np.where(np.eye(errors.shape[1]) > 0, errors[:, np.newaxis] ** 2, np.nan)
    linear, moving = found.unknowns[rows, : sizes.linear] != 0, errors[:, -2 * sizes.groups :] > 0
    found.active[rows] = np.hstack((linear, moving))
    found.decrement[rows] = np.where(reference.settled[rows, np.newaxis], 0.0, np.inf)
    columns = np.zeros((3, widest))
    for row in np.flatnonzero(rows):
        _look(problem, spectra, found, int(row), used[row], columns)
    return found


def _look(problem: Problem, spectra: Spectra, found: Found, row: int, used: Mask, columns: Array) -> None:
    """Note chi2 of one fit, and of every line which share falls on pixels that are used, and the noise there."""
    lines, sizes, edges = problem.lines, problem.sizes, problem.grid.edges
    polynomial, fluxes, velocity, variance = np.split(
        found.unknowns[row], (sizes.polynomial, sizes.linear, sizes.linear + sizes.groups)
    )
    light = spectra.continuum[row] * (polynomial @ problem.grid.legendre)
    for line, group in enumerate(lines.group):
        first, count = fill_profile(place(lines, line, velocity[group], variance[group]), edges, columns)
        under, profile = slice(first, first + count), columns[BY_FLUX, :count]
        light[under] += fluxes[lines.amplitude[line]] * lines.ratio[line] * profile
        seen = used[under]
        found.coverage[row, line] = (profile * np.diff(edges[first : first + count + 1]))[seen].sum()
        found.noise[row, line] = np.sqrt(spectra.variance[row, under][seen].mean()) if seen.any() else np.nan
    found.chi2[row] = ((spectra.flux[row] - light)[used] ** 2 / spectra.variance[row, used]).sum()
