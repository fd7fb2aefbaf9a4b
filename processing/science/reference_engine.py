"""The reference: the same fits by pPXF, one spectrum after the other, with our choices written out.

The one place that calls it.  It is slow, and free for non-commercial use only, so it is no dependency: whoever wants
the comparison installs it.  What both engines share (ranges, masks, templates, bounds, orders, lines, ratios) comes
from the settings of our own fits; what pPXF does in its own way stays its way: logarithmic steps, polynomials of the
logarithm, finite differences, and errors of fluxes that leave the kinematics' part out.  It is told to go on until the
fit is settled: by its own default it may stop where chi2 could still fall by a few tenths.  What of it holds is judged
by ``reference_fits``, with the rules of our own fits.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from processing.science.legendre import polynomials
from processing.science.lines import Group
from processing.science.log_grid import LogGrid, LogSpectrum
from processing.science.lsf import SPEED_OF_LIGHT
from processing.science.reference_templates import MARGIN, GasTemplates, continuum_on, gas_templates, star_templates
from processing.science.star_spectra import StarSettings, StarSpectra, pixel_edges
from processing.science.stellar_templates import Library
from processing.science.tile import FitSettings, Tile

__all__ = ["NotInstalled", "ReferenceLines", "ReferenceStars", "fit_lines_by_ppxf", "fit_stars_by_ppxf"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SMALLEST_SIGMA: Final = 0.01
"""Of a pixel: pPXF convolves with no dispersion of zero."""

FALL: Final = 1e-7
"""Share of chi2 by which it must no longer fall."""

NEAR: Final = 1e-5
"""Share of a range allowed: what is nearer to its end has run there."""


class NotInstalled(RuntimeError):
    """pPXF is not there."""


@dataclass(frozen=True)
class ReferenceStars:
    """Where pPXF ended, of stars: shape (n), km/s; NaN where it was not asked.

    What ended at a bound is that bound, a dispersion 0 at the lower one, and its error 0.  ``weights`` (n, templates)
    and ``polynomial`` (n, order + 1) are those of ``StarFits``; ``settled`` says where it ended of itself.
    """

    velocity: Array
    velocity_error: Array
    sigma: Array
    sigma_error: Array
    weights: Array
    polynomial: Array
    settled: Mask


@dataclass(frozen=True)
class ReferenceLines:
    """Where pPXF ended, of lines: free fluxes (n, free lines), kinematics (n, groups), NaN where it was not asked.

    What ended at a bound is as in ``ReferenceStars``, lines and groups that lie outside the spectra are without errors,
    too.  ``polynomial`` (n, order + 1) is that of ``LineFits``.
    """

    flux: Array
    flux_error: Array
    velocity: Array
    velocity_error: Array
    sigma: Array
    sigma_error: Array
    polynomial: Array
    settled: Mask


def fit_stars_by_ppxf(
    spectra: StarSpectra,
    library: Library,
    settings: StarSettings | None = None,
    *,
    velocity_scale: float | None = None,
    tolerance: float = FALL,
) -> ReferenceStars:
    """Fit stars with pPXF.

    Parameters
    ----------
    spectra, library, settings
        As ``fit_stars`` takes them.
    velocity_scale
        Of the logarithmic steps, km/s: as fine as the finest pixel by default.
    tolerance
        Share of chi2 by which a step must lower it for another to follow; pPXF's own default is 1e-4.

    Raises
    ------
    NotInstalled
        pPXF is not there.
    NoOverlap
        The library does not cover the range.
    """
    ppxf, settings = _ppxf(), settings or StarSettings()
    usable = settings.usable(spectra)
    ends = np.flatnonzero(usable)[[0, -1]]
    inside = slice(ends[0], ends[1] + 1)
    at_rest = spectra.at_rest[inside]
    grid = LogGrid.over(at_rest, velocity_scale)
    wide, templates = star_templates(spectra, library, settings, grid)
    basis = polynomials(grid.middles, (float(at_rest[0]), float(at_rest[-1])), settings.order)
    found = _star_room(len(spectra.flux), len(library.names), settings)
    bounds = [
        [-settings.velocity_range, settings.velocity_range],
        [SMALLEST_SIGMA * grid.velocity_scale, settings.largest_sigma],
    ]
    for row in range(len(spectra.flux)):
        good = usable[inside] & spectra.good[row, inside]
        log = grid.spectrum(at_rest, spectra.flux[row, inside], spectra.variance[row, inside], good)
        if log.good.size < settings.fewest:
            continue
        with np.errstate(invalid="ignore", divide="ignore"):  # a spectrum of nothing
            fit = ppxf(
                templates,
                log.flux,
                log.noise,
                grid.velocity_scale,
                [0.0, settings.start_sigma],
                bounds=bounds,
                goodpixels=log.good,
                lam=grid.middles,
                lam_temp=wide.middles,
                moments=2,
                degree=settings.order,
                mdegree=0,
                ftol=tolerance,
                quiet=True,
            )
        _note_stars(found, row, fit, log, bounds)
        found.polynomial[row] = _coefficients(basis, fit.apoly * log.unit)
    return found


def fit_lines_by_ppxf(
    tile: Tile,
    settings: FitSettings | None = None,
    *,
    velocity_scale: float | None = None,
    tolerance: float = FALL,
) -> ReferenceLines:
    """Fit lines with pPXF: the bin's stars times a polynomial, kinematics fixed, and Gaussians in groups.

    Parameters
    ----------
    tile, settings
        As ``fit_tile`` takes them.
    velocity_scale, tolerance
        As ``fit_stars_by_ppxf`` does.

    Raises
    ------
    NotInstalled
        pPXF is not there.
    """
    ppxf, settings = _ppxf(), settings or FitSettings()
    grid = LogGrid.over(tile.wavelength, velocity_scale)
    wide = grid.extended(MARGIN)
    gas = gas_templates(tile, settings, wide)
    present = gas.present
    component = np.concatenate(([0], 1 + np.searchsorted(present, gas.group)))
    smallest = SMALLEST_SIGMA * grid.velocity_scale
    edges = pixel_edges(tile.wavelength)
    basis = polynomials(grid.middles, (float(edges[0]), float(edges[-1])), settings.order)
    found = _line_room(len(tile.flux), settings)
    for row in range(len(tile.flux)):
        good = tile.good[row] & np.isfinite(tile.continuum[row])
        log = grid.spectrum(tile.wavelength, tile.flux[row], tile.variance[row], good)
        begin = np.array([[tile.velocity[row, group], tile.sigma[row, group]] for group in present])
        unknowns = settings.order + 1 + len(settings.free) + 2 * len(Group)
        if log.good.size <= unknowns or not np.isfinite([tile.velocity[row], tile.sigma[row]]).all():
            continue
        begin[:, 1] = np.clip(begin[:, 1], smallest, settings.largest_sigma)
        reach = settings.velocity_range
        bounds = [[[v - reach, v + reach], [smallest, settings.largest_sigma]] for v, _ in begin]
        fit = ppxf(
            np.column_stack((continuum_on(tile, row, wide) / log.unit, gas.spectra)),
            log.flux,
            log.noise,
            grid.velocity_scale,
            [[0.0, smallest], *begin.tolist()],
            bounds=[[[-1.0, 1.0], [smallest / 2, 1.0]], *bounds],
            fixed=[[True, True], *([[False, False]] * len(present))],
            component=component,
            gas_component=component > 0,
            gas_names=np.array(gas.names),
            goodpixels=log.good,
            lam=grid.middles,
            lam_temp=wide.middles,
            moments=[2] * (1 + len(present)),
            degree=-1,
            mdegree=settings.order,
            ftol=tolerance,
            quiet=True,
        )
        found.velocity[row], found.sigma[row] = tile.velocity[row], tile.sigma[row]
        _note_lines(found, row, fit, log, gas, bounds)
        factor = np.ones(grid.middles.size) if fit.mpoly is None else fit.mpoly
        found.polynomial[row] = _coefficients(basis, fit.weights[0] * factor)
    return found


def _ppxf() -> Any:
    """Return pPXF's one function, which takes a second to import and may not be there."""
    try:
        from ppxf.ppxf import ppxf
    except ImportError as error:
        raise NotInstalled("the reference engine needs pPXF: pip install 'musevault[analysis]'") from error
    return ppxf


def _star_room(count: int, templates: int, settings: StarSettings) -> ReferenceStars:
    velocity, velocity_error, sigma, sigma_error = np.full((4, count), np.nan)
    return ReferenceStars(
        velocity,
        velocity_error,
        sigma,
        sigma_error,
        weights=np.full((count, templates), np.nan),
        polynomial=np.full((count, settings.order + 1), np.nan),
        settled=np.zeros(count, dtype=np.bool_),
    )


def _line_room(count: int, settings: FitSettings) -> ReferenceLines:
    flux, flux_error = np.full((2, count, len(settings.free)), np.nan)
    velocity, velocity_error, sigma, sigma_error = np.full((4, count, len(Group)), np.nan)
    return ReferenceLines(
        flux,
        flux_error,
        velocity,
        velocity_error,
        sigma,
        sigma_error,
        polynomial=np.full((count, settings.order + 1), np.nan),
        settled=np.zeros(count, dtype=np.bool_),
    )


def _note_stars(found: ReferenceStars, row: int, fit: Any, log: LogSpectrum, bounds: list[list[float]]) -> None:
    found.settled[row] = fit.status > 0
    found.weights[row] = fit.weights * log.unit
    found.velocity[row], found.velocity_error[row] = _ended(fit.sol[0], fit.error[0], bounds[0])
    found.sigma[row], found.sigma_error[row] = _ended_sigma(fit.sol[1], fit.error[1], bounds[1])


def _note_lines(
    found: ReferenceLines, row: int, fit: Any, log: LogSpectrum, gas: GasTemplates, bounds: list[list[list[float]]]
) -> None:
    """Note one fit; a Gaussian that moves on log wavelengths keeps its height and grows as its wavelength does."""
    found.settled[row] = fit.status > 0
    for error in (found.flux_error, found.velocity_error, found.sigma_error):
        error[row] = 0.0
    for place, group in enumerate(gas.present):
        (velocity, sigma), (velocity_error, sigma_error) = fit.sol[1 + place], fit.error[1 + place]
        velocities, sigmas = bounds[place]
        found.velocity[row, group], found.velocity_error[row, group] = _ended(velocity, velocity_error, velocities)
        found.sigma[row, group], found.sigma_error[row, group] = _ended_sigma(sigma, sigma_error, sigmas)
    growth = log.unit * np.exp(found.velocity[row, gas.group] / SPEED_OF_LIGHT)
    seen = np.abs(fit.matrix[:, 1:].sum(axis=0))
    found.flux[row] = 0.0
    found.flux[row, gas.free] = fit.weights[1:] * growth
    found.flux_error[row, gas.free] = np.divide(fit.gas_flux_error, seen, out=np.zeros(seen.size), where=seen > 0)
    found.flux_error[row, gas.free] *= growth


def _ended(value: float, error: float, bounds: list[float]) -> tuple[float, float]:
    """Return a value and its error; what ended at a bound is that bound, without an error."""
    low, high = bounds
    near = NEAR * (high - low)
    if low + near < value < high - near:
        return value, error if np.isfinite(error) else 0.0
    return (low if value <= low + near else high), 0.0


def _ended_sigma(value: float, error: float, bounds: list[float]) -> tuple[float, float]:
    """Return the same of a dispersion, which is none at the lower bound."""
    sigma, its_error = _ended(value, error, bounds)
    return (0.0 if sigma <= bounds[0] else sigma), its_error


def _coefficients(basis: Array, values: Array) -> Array:
    """Return what to multiply polynomials with, shape (order + 1, places), so that they sum up to values."""
    return np.asarray(np.linalg.lstsq(basis.T, values, rcond=None)[0], dtype=np.float64)
