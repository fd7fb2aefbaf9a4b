"""What the reference found, as the values and flags that our own fits have, so that maps are made of either.  Pure."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from processing.science.emission import LineFits
from processing.science.fit_flags import FLUX_LOST, LEAST_COVERAGE, WHOLE_COVERAGE, FitFlag
from processing.science.lines import Group
from processing.science.lsf import SPEED_OF_LIGHT
from processing.science.reference_engine import ReferenceLines, fit_lines_by_ppxf, fit_stars_by_ppxf
from processing.science.star_flags import StarFlag
from processing.science.star_model import continuum_of, model_of
from processing.science.star_spectra import pixel_edges
from processing.science.stars import StarFits, StarSettings, StarSpectra, signal_to_noise
from processing.science.stellar_templates import Library
from processing.science.tile import FitSettings, Tile

__all__ = ["lines_by_ppxf", "stars_by_ppxf"]

Array = NDArray[np.float64]
Flags = NDArray[np.uint16]


def stars_by_ppxf(spectra: StarSpectra, library: Library, settings: StarSettings) -> StarFits:
    """Fit stars by pPXF.

    Raises
    ------
    NotInstalled, NoOverlap
        As ``fit_stars_by_ppxf``.
    """
    found, model = fit_stars_by_ppxf(spectra, library, settings), model_of(spectra, library, settings)
    held = np.isfinite(found.velocity)
    continuum = np.full(spectra.flux.shape, np.nan)
    for row in np.flatnonzero(held):
        variance = float(np.nan_to_num(found.sigma[row])) ** 2
        continuum[row] = continuum_of(model, found.weights[row], found.velocity[row], variance)
    ratio = signal_to_noise(spectra, settings)
    flags = found.flags.copy()
    flags[~(ratio >= settings.lowest_sn)] |= np.uint16(StarFlag.LOW_SN)
    flags[(spectra.good & model.broader).any(axis=1) & held] |= np.uint16(StarFlag.TEMPLATES_BROADER)
    return StarFits(
        found.velocity,
        found.velocity_error,
        found.sigma,
        found.sigma_error,
        weights=found.weights,
        polynomial=np.full((len(held), settings.order + 1), np.nan),
        continuum=continuum,
        chi2=found.chi2,
        signal_to_noise=ratio,
        trials=np.zeros(len(held), dtype=np.int64),
        flags=flags,
        broader=model.broader,
    )


def lines_by_ppxf(tile: Tile, settings: FitSettings) -> LineFits:
    """Fit lines by pPXF; it tells no covariance.

    Raises
    ------
    NotInstalled
        As ``fit_lines_by_ppxf``.
    """
    found = fit_lines_by_ppxf(tile, settings)
    groups = [list(Group).index(line.group) for line in settings.lines]
    velocity, sigma = found.velocity[:, groups], found.sigma[:, groups]
    at = np.array([line.wavelength for line in settings.lines]) * (1 + tile.systemic_velocity / SPEED_OF_LIGHT)
    middle = at * np.exp(velocity / SPEED_OF_LIGHT)
    instrument = settings.lsf.sigma(middle)
    width = np.hypot(np.nan_to_num(sigma), instrument) / SPEED_OF_LIGHT * middle
    coverage, noise = _under(tile, middle, width)
    peak = found.flux / np.sqrt(2 * np.pi) / width / noise
    group_flags, flags = _flags(found, groups, (coverage, peak), settings)
    lost, at_zero = flags & FLUX_LOST != 0, flags & FitFlag.FLUX_AT_ZERO != 0
    degrees = tile.good.sum(axis=1) - settings.order - 1 - len(settings.free) - 2 * len(Group)
    observed = np.where(np.isfinite(sigma), np.hypot(sigma, instrument), np.nan)
    return LineFits(
        flux=np.where(lost, np.nan, found.flux),
        flux_error=np.where((lost & ~at_zero) | ~(found.flux_error > 0), np.nan, found.flux_error),
        velocity=found.velocity,
        velocity_error=found.velocity_error,
        sigma=found.sigma,
        sigma_error=found.sigma_error,
        instrument_sigma=instrument,
        observed_sigma=observed,
        observed_sigma_error=sigma * found.sigma_error[:, groups] / observed,
        amplitude_to_noise=np.where(lost, np.nan, peak),
        parameters=(),
        covariance=np.empty((len(tile.flux), 0, 0)),
        polynomial=found.polynomial,
        chi2=found.chi2 * degrees,
        degrees_of_freedom=degrees,
        trials=np.zeros(len(tile.flux), dtype=np.int64),
        flags=flags,
        group_flags=group_flags,
    )


def _under(tile: Tile, middle: Array, width: Array) -> tuple[Array, Array]:
    """Return which share of each line falls on good pixels, and the root of the mean variance there; (n, lines)."""
    edges = pixel_edges(tile.wavelength)
    good = tile.good & np.isfinite(tile.flux) & np.isfinite(tile.variance) & (tile.variance > 0)
    coverage, noise = np.zeros(middle.shape), np.full(middle.shape, np.nan)
    for row, line in zip(*np.nonzero(np.isfinite(middle)), strict=True):
        share = np.diff(ndtr((edges - middle[row, line]) / width[row, line]))
        near = good[row] & (np.abs(tile.wavelength - middle[row, line]) < 3 * width[row, line])
        coverage[row, line] = share[good[row]].sum()
        if near.any():
            noise[row, line] = np.sqrt(tile.variance[row, near].mean())
    return coverage, noise


def _flags(
    found: ReferenceLines, groups: list[int], seen: tuple[Array, Array], settings: FitSettings
) -> tuple[Flags, Flags]:
    """Return the flags of groups and of lines, which have those of their group."""
    coverage, peak = seen
    was_fitted = np.isfinite(found.chi2)[:, np.newaxis]
    own = np.zeros(found.flux.shape, dtype=np.uint16)
    known = np.isfinite(found.velocity[:, groups])
    for flag, where in (
        (FitFlag.NO_DATA, ~was_fitted | (known & (coverage < LEAST_COVERAGE))),
        (FitFlag.MASKED_WINGS, was_fitted & known & (coverage < WHOLE_COVERAGE)),
        (FitFlag.LOW_AN, was_fitted & ~(peak >= settings.lowest_an)),
        (FitFlag.FLUX_AT_ZERO, was_fitted & ~(found.flux > 0)),
    ):
        own[where] |= np.uint16(flag)
    of_groups = found.group_flags.copy()
    for group in range(len(Group)):
        faint = (own[:, [each == group for each in groups]] & FitFlag.LOW_AN != 0).all(axis=1)
        of_groups[faint, group] |= np.uint16(FitFlag.LOW_AN)
    return of_groups, own | (of_groups[:, groups] & ~np.uint16(FitFlag.LOW_AN))
