"""The spectra that line fits stand for: stars times polynomial, and lines, on the pixels fitted.  Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from processing.science.emission import LineFits
from processing.science.legendre import polynomials
from processing.science.lines import Group
from processing.science.lsf import SPEED_OF_LIGHT
from processing.science.star_spectra import pixel_edges
from processing.science.tile import FitSettings, Tile

__all__ = ["LineModel", "line_model"]

Array = NDArray[np.float64]

REACH: Final = 7.0
"""Widths beyond which a line is nothing: a part in 10^11."""


@dataclass(frozen=True)
class LineModel:
    """``stars`` and ``lines`` of each spectrum, shape (n, pixels) each; NaN where a spectrum was not fitted."""

    stars: Array
    lines: Array

    @property
    def total(self) -> Array:
        """Both together."""
        return self.stars + self.lines


def line_model(tile: Tile, fits: LineFits, settings: FitSettings | None = None) -> LineModel:
    """Return what fits made of the spectra of their tile."""
    settings = settings or FitSettings()
    edges = pixel_edges(tile.wavelength)
    factor = fits.polynomial @ polynomials(tile.wavelength, (float(edges[0]), float(edges[-1])), settings.order)
    lines = np.zeros(tile.flux.shape)
    groups = list(Group)
    for number, line in enumerate(settings.lines):
        flux, group = fits.flux[:, number], groups.index(line.group)
        held = np.flatnonzero(np.isfinite(flux) & np.isfinite(fits.velocity[:, group]) & (flux > 0))
        middle = line.wavelength * (1 + tile.systemic_velocity / SPEED_OF_LIGHT)
        middles = middle * np.exp(fits.velocity[held, group] / SPEED_OF_LIGHT)
        own = np.nan_to_num(fits.sigma[held, group])
        width = np.hypot(own, fits.instrument_sigma[held, number]) / SPEED_OF_LIGHT * middles
        _add(lines, held, edges, (flux[held], middles, width))
    lines[~np.isfinite(fits.chi2)] = np.nan
    return LineModel(tile.continuum * factor, lines)


def _add(lines: Array, rows: NDArray[np.intp], edges: Array, profile: tuple[Array, Array, Array]) -> None:
    """Add Gaussians of some flux, middle and width to rows of spectra, where they are more than nothing."""
    if rows.size == 0:
        return
    flux, middle, width = (each[:, np.newaxis] for each in profile)
    count = edges.size - 1
    half = int(REACH * width.max() / np.diff(edges).min()) + 1
    near = min(2 * half, count)
    first = np.clip(np.searchsorted(edges, middle) - half, 0, count - near)
    columns = first + np.arange(near + 1)
    below = ndtr((edges[columns] - middle) / width)
    lines[rows[:, np.newaxis], columns[:, :-1]] += flux * np.diff(below, axis=1) / np.diff(edges[columns], axis=1)
