"""Errors by Monte Carlo: what was fitted, drawn again with noise and fitted again, and how the values scatter.

Slower than the errors of the fits by the number of realisations, and blind to none of their assumptions: bounds,
several minima, lines that vanish.  Pure.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from processing.science.emission import FitSettings, LineFits, Tile, fit_tile
from processing.science.line_model import line_model
from processing.science.lines import Group
from processing.science.star_model import model_of
from processing.science.stars import StarFits, StarSettings, StarSpectra, fit_stars
from processing.science.stellar_templates import Library

__all__ = ["lines_with_scatter", "stars_with_scatter"]

Array = NDArray[np.float64]


def lines_with_scatter(tile: Tile, fits: LineFits, settings: FitSettings, *, realisations: int, seed: int) -> LineFits:
    """Return the fits with the scatter of so many realisations as their errors.

    A value that fewer than half of the realisations have gets no error.  The error of a flux that was not found, a
    limit, stays that of the fit.
    """
    drawn = _drawn(line_model(tile, fits, settings).total, tile.variance, realisations, seed)
    again = [fit_tile(replace(tile, flux=flux), settings) for flux in drawn]
    sigma_error = _scatter([one.sigma for one in again], fits.sigma)
    group = [list(Group).index(line.group) for line in settings.lines]
    return replace(
        fits,
        flux_error=np.where(np.isfinite(fits.flux), _scatter([one.flux for one in again], fits.flux), fits.flux_error),
        velocity_error=_scatter([one.velocity for one in again], fits.velocity),
        sigma_error=sigma_error,
        observed_sigma_error=fits.sigma[:, group] * sigma_error[:, group] / fits.observed_sigma,
    )


def stars_with_scatter(
    spectra: StarSpectra, library: Library, fits: StarFits, settings: StarSettings, *, realisations: int, seed: int
) -> StarFits:
    """Return the fits with the scatter of so many realisations as their errors.

    Where the settings say that errors are scaled, the noise is so: it is what chi2 says, if that is more.

    Raises
    ------
    NoOverlap
        As ``fit_stars``.
    """
    model = fits.continuum + fits.polynomial @ model_of(spectra, library, settings).polynomials
    scale = np.maximum(np.nan_to_num(fits.chi2), 1.0) if settings.scaled_errors else np.ones(len(model))
    drawn = _drawn(model, spectra.variance * scale[:, np.newaxis], realisations, seed)
    again = [fit_stars(replace(spectra, flux=flux), library, settings) for flux in drawn]
    return replace(
        fits,
        velocity_error=_scatter([one.velocity for one in again], fits.velocity),
        sigma_error=_scatter([one.sigma for one in again], fits.sigma),
    )


def _drawn(model: Array, variance: NDArray[np.floating], realisations: int, seed: int) -> Iterator[Array]:
    """Yield what might have been seen of spectra, shape (n, pixels) each."""
    if realisations < 2:
        raise ValueError("one realisation does not scatter")
    noise, rng = np.sqrt(np.maximum(variance, 0).astype(np.float64)), np.random.default_rng(seed)
    for _ in range(realisations):
        yield model + noise * rng.normal(size=model.shape)


def _scatter(values: list[Array], fitted: Array) -> Array:
    """Return the standard deviation of what realisations have, about their mean; NaN where there is no fitted value."""
    many = np.array(values)
    known = np.isfinite(many)
    count = known.sum(axis=0)
    enough = (2 * count >= len(values)) & (count > 1) & np.isfinite(fitted)
    total = np.where(known, many, 0.0).sum(axis=0)
    mean = np.divide(total, count, out=np.zeros(fitted.shape), where=count > 0)
    square = np.where(known, (many - mean) ** 2, 0.0).sum(axis=0)
    found: Array = np.sqrt(np.divide(square, count - 1, out=np.full(fitted.shape, np.nan), where=enough))
    return found
