"""The reference: the same fits by pPXF, one spectrum after the other, with our choices written out.

The one place that calls it.  It is slow, and free for non-commercial use only, so it is no dependency: whoever wants
the comparison installs it.  What both engines share (ranges, masks, templates, bounds, orders, lines, ratios) comes
from the settings of our own fits; what pPXF does in its own way stays its way: logarithmic steps, polynomials of the
logarithm, finite differences, and errors of fluxes that leave the kinematics' part out.  It is told to go on until the
fit is settled: by its own default it may stop where chi2 could still fall by a few tenths.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from processing.science.errors import Unmeasurable
from processing.science.fit_flags import FitFlag
from processing.science.lines import Group
from processing.science.log_grid import LogGrid, LogSpectrum
from processing.science.lsf import FWHM_PER_SIGMA, SPEED_OF_LIGHT
from processing.science.splines import sample
from processing.science.star_flags import StarFlag
from processing.science.star_model import FARTHEST
from processing.science.star_spectra import StarSettings, StarSpectra
from processing.science.stellar_templates import Library, Sight, prepare
from processing.science.tile import FitSettings, Tile

__all__ = ["NotInstalled", "ReferenceLines", "ReferenceStars", "fit_lines_by_ppxf", "fit_stars_by_ppxf"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Flags = NDArray[np.uint16]

SMALLEST_SIGMA: Final = 0.01
"""Of a pixel: pPXF convolves with no dispersion of zero."""

FALL: Final = 1e-7
"""Share of chi2 by which it must no longer fall."""

AT_BOUND: Final = 1e-3
"""Share of a bound that counts as the bound itself."""

MARGIN: Final = 100
"""Pixels by which templates of lines reach beyond the spectra."""


class NotInstalled(RuntimeError):
    """pPXF is not there."""


@dataclass(frozen=True)
class ReferenceStars:
    """What pPXF found of stars: km/s and reduced chi2, shape (n); NaN where it could not fit, or ended at a bound.

    ``flags`` say which, as ``StarFlag``.
    """

    velocity: Array
    velocity_error: Array
    sigma: Array
    sigma_error: Array
    weights: Array
    chi2: Array
    flags: Flags


@dataclass(frozen=True)
class ReferenceLines:
    """What pPXF found of lines: (n, lines) for fluxes, (n, groups) for kinematics, (n) for chi2; NaN without a fit.

    ``polynomial`` is that of ``LineFits``; ``group_flags`` say what ended at a bound, as ``FitFlag``, (n, groups).
    """

    flux: Array
    flux_error: Array
    velocity: Array
    velocity_error: Array
    sigma: Array
    sigma_error: Array
    chi2: Array
    polynomial: Array
    group_flags: Flags


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
    wide, templates = _star_templates(spectra, library, settings, grid)
    found = _star_room(len(spectra.flux), len(library.names))
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
        _note_stars(found, row, fit, log, settings)
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
    gas = _gas_templates(tile, settings, wide)
    present = gas.present
    component = np.concatenate(([0], 1 + np.searchsorted(present, gas.group)))
    smallest = SMALLEST_SIGMA * grid.velocity_scale
    found = _line_room(len(tile.flux), settings)
    for row in range(len(tile.flux)):
        good = tile.good[row] & np.isfinite(tile.continuum[row])
        log = grid.spectrum(tile.wavelength, tile.flux[row], tile.variance[row], good)
        begin = np.array([[tile.velocity[row, group], tile.sigma[row, group]] for group in present])
        if log.good.size <= settings.order + gas.spectra.shape[1] + 2 * len(present) or not np.isfinite(begin).all():
            continue
        begin[:, 1] = np.clip(begin[:, 1], smallest, settings.largest_sigma)
        reach = settings.velocity_range
        fit = ppxf(
            np.column_stack((_continuum(tile, row, wide) / log.unit, gas.spectra)),
            log.flux,
            log.noise,
            grid.velocity_scale,
            [[0.0, smallest], *begin.tolist()],
            bounds=[
                [[-1.0, 1.0], [smallest / 2, 1.0]],
                *([[v - reach, v + reach], [smallest, settings.largest_sigma]] for v, _ in begin),
            ],
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
        _note_lines(found, row, fit, log, gas, settings)
    return found


def _ppxf() -> Any:
    """Return pPXF's one function, which takes a second to import and may not be there."""
    try:
        from ppxf.ppxf import ppxf
    except ImportError as error:
        raise NotInstalled("the reference engine needs pPXF: pip install 'musevault[analysis]'") from error
    return ppxf


def _star_templates(
    spectra: StarSpectra, library: Library, settings: StarSettings, grid: LogGrid
) -> tuple[LogGrid, Array]:
    """Return a wider grid, and on it the templates as the instrument shows them, of mean 1 as ours: (places, n)."""
    margin = settings.velocity_range + FARTHEST * settings.largest_sigma
    wide = grid.extended(int(margin / grid.velocity_scale))
    redshift = spectra.systemic_velocity / SPEED_OF_LIGHT
    sight = Sight(settings.lsf, float(np.median(np.diff(spectra.wavelength))), redshift)
    ends = float(grid.middles[0]), float(grid.middles[-1])
    step = settings.velocity_scale
    templates = prepare(library, sight, ends, step=step, margin=margin + step)
    seen = np.empty((len(library.names), wide.middles.size))
    place = templates.place(wide.middles)
    sample(templates.broadened(templates.spectra, 0.0), place, np.ones(place.size), seen)
    return wide, seen.T


@dataclass(frozen=True)
class GasTemplates:
    """Lines of unit flux, those that are tied in one: ``spectra`` (pixels, free lines), their names and groups."""

    spectra: Array
    names: tuple[str, ...]
    group: NDArray[np.int64]

    @property
    def present(self) -> list[int]:
        """The groups that have lines here."""
        return sorted({int(group) for group in self.group})


def _gas_templates(tile: Tile, settings: FitSettings, wide: LogGrid) -> GasTemplates:
    """Return what the instrument and its pixels make of lines without a width of their own."""
    half = np.interp(wide.middles, tile.wavelength, np.gradient(tile.wavelength)) / 2
    groups, redshift = list(Group), tile.systemic_velocity / SPEED_OF_LIGHT
    kept, spectra = [], []
    for free in settings.free:
        total = np.zeros(wide.middles.size)
        for line in settings.lines:
            if free.name in {line.name, line.tied_to}:
                middle = line.wavelength * (1 + redshift)
                width = float(settings.lsf.fwhm(np.array(middle))) / FWHM_PER_SIGMA
                off = wide.middles - middle
                total += line.ratio * (ndtr((off + half) / width) - ndtr((off - half) / width)) / (2 * half)
        if tile.wavelength[0] < free.wavelength * (1 + redshift) < tile.wavelength[-1]:
            kept.append(free)
            spectra.append(total)
    group = np.array([groups.index(line.group) for line in kept], dtype=np.int64)
    if not kept:
        raise Unmeasurable("none of the lines lies within the spectra")
    return GasTemplates(np.column_stack(spectra), tuple(line.name for line in kept), group)


def _continuum(tile: Tile, row: int, wide: LogGrid) -> Array:
    """Return a spectrum's stars on the wide grid; where they are not known they are none."""
    return wide.values(tile.wavelength, np.nan_to_num(tile.continuum[row].astype(np.float64)))


def _star_room(count: int, templates: int) -> ReferenceStars:
    velocity, velocity_error, sigma, sigma_error, chi2 = np.full((5, count), np.nan)
    flags = np.full(count, StarFlag.NO_DATA, dtype=np.uint16)
    return ReferenceStars(
        velocity, velocity_error, sigma, sigma_error, np.full((count, templates), np.nan), chi2, flags
    )


def _line_room(count: int, settings: FitSettings) -> ReferenceLines:
    flux, flux_error = np.full((2, count, len(settings.lines)), np.nan)
    velocity, velocity_error, sigma, sigma_error = np.full((4, count, len(Group)), np.nan)
    return ReferenceLines(
        flux,
        flux_error,
        velocity,
        velocity_error,
        sigma,
        sigma_error,
        chi2=np.full(count, np.nan),
        polynomial=np.full((count, settings.order + 1), np.nan),
        group_flags=np.full((count, len(Group)), FitFlag.NO_DATA, dtype=np.uint16),
    )


def _note_stars(found: ReferenceStars, row: int, fit: Any, log: LogSpectrum, settings: StarSettings) -> None:
    """Note one fit; what ended at a bound, or has no template to tell it, comes without a value."""
    (velocity, sigma), (velocity_error, sigma_error) = fit.sol, fit.error
    found.flags[row] = _star_flags(fit, settings)
    if found.flags[row] & ~np.uint16(StarFlag.SIGMA_AT_ZERO):
        return
    found.weights[row], found.chi2[row] = fit.weights * log.unit, fit.chi2 / log.expected
    scale = np.sqrt(max(found.chi2[row], 1.0)) if settings.scaled_errors else 1.0
    found.velocity[row], found.velocity_error[row] = velocity, velocity_error * scale
    if not found.flags[row]:
        found.sigma[row], found.sigma_error[row] = sigma, sigma_error * scale


def _star_flags(fit: Any, settings: StarSettings) -> int:
    """Return why values of a fit do not hold; one at a bound has no error."""
    if not np.sum(fit.weights) > 0:
        return StarFlag.NO_STARS
    flags = StarFlag(0)
    if abs(fit.sol[0]) >= settings.velocity_range * (1 - AT_BOUND):
        flags |= StarFlag.VELOCITY_AT_BOUND
    elif not fit.error[0] > 0:
        flags |= StarFlag.UNCONSTRAINED
    if fit.sol[1] >= settings.largest_sigma * (1 - AT_BOUND):
        flags |= StarFlag.SIGMA_AT_BOUND
    elif not fit.error[1] > 0:
        flags |= StarFlag.SIGMA_AT_ZERO
    return flags


def _note_lines(
    found: ReferenceLines, row: int, fit: Any, log: LogSpectrum, gas: GasTemplates, settings: FitSettings
) -> None:
    """Note one fit; a Gaussian that moves on log wavelengths keeps its height and grows as its wavelength does.

    A group at a bound of its velocity, or of the largest width, did not hold, and its fluxes neither.
    """
    found.chi2[row] = fit.chi2 / log.expected
    found.polynomial[row] = fit.weights[0] * np.concatenate(([1.0], fit.mpolyweights))
    for place, group in enumerate(gas.present, start=1):
        (velocity, sigma), (velocity_error, sigma_error) = fit.sol[place], fit.error[place]
        has_flux = bool((fit.weights[1:][gas.group == group] > 0).any())
        flags = _group_flags(fit, place, settings, has_flux=has_flux)
        found.group_flags[row, group] = flags
        if not flags & ~FitFlag.SIGMA_AT_ZERO:
            found.velocity[row, group], found.velocity_error[row, group] = velocity, velocity_error
        if not flags:
            found.sigma[row, group], found.sigma_error[row, group] = sigma, sigma_error
    weights, errors = np.asarray(fit.gas_flux), np.asarray(fit.gas_flux_error)
    scale = fit.weights[1:] / np.where(weights > 0, weights, 1.0)
    for place, line in enumerate(settings.lines):
        if (line.tied_to or line.name) in gas.names:
            free = gas.names.index(line.tied_to or line.name)
            growth = np.exp(found.velocity[row, gas.group[free]] / SPEED_OF_LIGHT)
            found.flux[row, place] = fit.weights[1 + free] * log.unit * line.ratio * growth
            found.flux_error[row, place] = errors[free] * scale[free] * log.unit * line.ratio * growth


def _group_flags(fit: Any, place: int, settings: FitSettings, *, has_flux: bool) -> FitFlag:
    """Return why values of a group do not hold; what ended at a bound, or is told by no flux, has no error."""
    sigma, (velocity_error, sigma_error) = fit.sol[place][1], fit.error[place]
    flags = FitFlag(0)
    if not velocity_error > 0:
        flags |= FitFlag.VELOCITY_AT_BOUND if has_flux else FitFlag.UNCONSTRAINED
    if sigma >= settings.largest_sigma * (1 - AT_BOUND):
        flags |= FitFlag.SIGMA_AT_BOUND
    elif not sigma_error > 0 or sigma <= SMALLEST_SIGMA * fit.velscale * (1 + AT_BOUND):
        flags |= FitFlag.SIGMA_AT_ZERO
    return flags
