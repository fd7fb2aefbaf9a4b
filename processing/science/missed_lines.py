"""Lines that a fit missed, since it begins where the stars are and the gas moves otherwise.

A fit follows a line from some 250 km/s away, not farther.  So what it left of a spectrum is searched for the lines at
other velocities, and where two of them or more stand out together the fit is begun there once more.  Pure.
"""

from dataclasses import fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from processing.science.emission import LineFits, fit_tile
from processing.science.line_model import line_model
from processing.science.lines import Group
from processing.science.lsf import SPEED_OF_LIGHT
from processing.science.tile import FitSettings, Tile

__all__ = ["fit_lines", "some_of"]

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

STEP: Final = 50.0
"""Between the velocities that are looked at, km/s: less than a pixel."""

FAR: Final = 150.0
"""From where a fit found its lines, km/s: what is nearer is a line of another shape."""

LEAST: Final = 3.0
"""Signal to noise of a line that stands out."""

LINES_TOGETHER: Final = 2
"""That stand out, as one alone may be a cosmic ray."""

GAIN: Final = 30.0
"""By which chi2 must fall for another fit to be believed."""


def fit_lines(tile: Tile, settings: FitSettings | None = None) -> tuple[LineFits, Tile]:
    """Fit a tile as ``fit_tile`` does, and again where lines were missed; returns the tile as it was begun, too."""
    settings = settings or FitSettings()
    fits = fit_tile(tile, settings)
    rows, velocity = _missed(tile, fits, settings)
    if rows.size == 0:
        return fits, tile
    begun = replace(some_of(tile, rows), velocity=tile.velocity[rows] + velocity[:, np.newaxis])
    again = fit_tile(begun, settings)
    moved = np.abs(np.nan_to_num(again.velocity - tile.velocity[rows])).max(axis=1)
    better = (again.chi2 < fits.chi2[rows] - GAIN) & (moved < settings.velocity_range)
    start = tile.velocity.copy()
    start[rows[better]] = begun.velocity[better]
    return _replaced(fits, again, rows, better), replace(tile, velocity=start)


def some_of(tile: Tile, rows: Rows) -> Tile:
    """Return some spectra of a tile."""
    names = ("flux", "variance", "good", "continuum", "velocity", "sigma")
    return replace(tile, **{name: getattr(tile, name)[rows] for name in names})


def _missed(tile: Tile, fits: LineFits, settings: FitSettings) -> tuple[Rows, Array]:
    """Return spectra in which lines were missed, and by how much they move from the start, km/s."""
    significance = _significance(tile, fits, settings)
    count = int(settings.velocity_range / STEP)
    velocities = STEP * np.arange(-count, count + 1)
    moved = fits.velocity - tile.velocity
    gains = np.stack(
        [_gain(tile, significance, velocity, ~(np.abs(moved - velocity) < FAR), settings) for velocity in velocities]
    )
    rows = np.flatnonzero(gains.max(axis=0) > GAIN)
    return rows, velocities[np.argmax(gains[:, rows], axis=0)]


def _significance(tile: Tile, fits: LineFits, settings: FitSettings) -> Array:
    """Return how far a line in the middle of each pixel would stand above the noise of what the fit left."""
    left = tile.flux - line_model(tile, fits, settings).total
    good = tile.good & np.isfinite(left) & np.isfinite(tile.variance) & (tile.variance > 0)
    weight = np.divide(1.0, tile.variance, out=np.zeros(left.shape), where=good)
    width = _width(tile, settings)
    sums = gaussian_filter1d(np.where(good, left, 0.0) * weight, width, axis=1, mode="constant")
    square = gaussian_filter1d(weight, width / np.sqrt(2), axis=1, mode="constant") / (2 * width * np.sqrt(np.pi))
    significance: Array = np.divide(sums, np.sqrt(square), out=np.zeros(sums.shape), where=square > 0)
    return significance


def _width(tile: Tile, settings: FitSettings) -> float:
    """Return the standard deviation of a line as wide as fits begin with, in pixels."""
    middle = tile.wavelength[[tile.wavelength.size // 2]]
    speed = np.hypot(settings.lsf.sigma(middle)[0], float(np.nanmedian(tile.sigma)))
    return float(speed / SPEED_OF_LIGHT * middle[0] / np.median(np.diff(tile.wavelength)))


def _gain(tile: Tile, significance: Array, velocity: float, away: NDArray[np.bool_], settings: FitSettings) -> Array:
    """Return by how much chi2 might fall with lines at a velocity from the start, shape (n).

    ``away`` are groups, (n, groups), that were not found about there.
    """
    groups, middles = list(Group), (tile.wavelength[1:] + tile.wavelength[:-1]) / 2
    total, together = np.zeros(len(significance)), np.zeros(len(significance), dtype=np.int64)
    each = np.arange(len(significance))
    for line in settings.free:
        group = groups.index(line.group)
        at = line.wavelength * (1 + tile.systemic_velocity / SPEED_OF_LIGHT)
        moved = at * np.exp((tile.velocity[:, group] + velocity) / SPEED_OF_LIGHT)
        inside = (moved > tile.wavelength[0]) & (moved < tile.wavelength[-1])
        seen = np.where(inside, significance[each, np.searchsorted(middles, moved)], 0.0)
        stands_out = (seen > LEAST) & away[:, group]
        total += np.where(stands_out, seen**2, 0.0)
        together += stands_out
    gain: Array = np.where(together >= LINES_TOGETHER, total, 0.0)
    return gain


def _replaced(fits: LineFits, again: LineFits, rows: Rows, better: NDArray[np.bool_]) -> LineFits:
    """Return the fits with the better ones in the place of those that missed something."""
    changed: dict[str, Any] = {}
    for field in fields(LineFits):
        values = getattr(fits, field.name)
        if isinstance(values, np.ndarray):
            changed[field.name] = values.copy()
            changed[field.name][rows[better]] = getattr(again, field.name)[better]
    return replace(fits, **changed)
