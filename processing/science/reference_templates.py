"""What the reference fits with: stars, lines and the bin's stars on logarithmic steps wider than the spectra.  Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from processing.science.errors import Unmeasurable
from processing.science.lines import Group
from processing.science.log_grid import LogGrid
from processing.science.lsf import FWHM_PER_SIGMA, SPEED_OF_LIGHT
from processing.science.splines import sample
from processing.science.star_model import FARTHEST
from processing.science.star_spectra import StarSettings, StarSpectra
from processing.science.stellar_templates import Library, Sight, prepare
from processing.science.tile import FitSettings, Tile

__all__ = ["MARGIN", "GasTemplates", "continuum_on", "gas_templates", "star_templates"]

Array = NDArray[np.float64]

MARGIN: Final = 100
"""Pixels by which templates of lines reach beyond the spectra."""


def star_templates(
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
    """Lines of unit flux, those that are tied in one: ``spectra`` (pixels, lines), their names and groups.

    ``free`` says which of the settings' free lines they are.
    """

    spectra: Array
    names: tuple[str, ...]
    group: NDArray[np.int64]
    free: NDArray[np.int64]

    @property
    def present(self) -> list[int]:
        """The groups that have lines here."""
        return sorted({int(group) for group in self.group})


def gas_templates(tile: Tile, settings: FitSettings, wide: LogGrid) -> GasTemplates:
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
    which = np.array([settings.free.index(line) for line in kept], dtype=np.int64)
    return GasTemplates(np.column_stack(spectra), tuple(line.name for line in kept), group, which)


def continuum_on(tile: Tile, row: int, wide: LogGrid) -> Array:
    """Return a spectrum's stars on the wide grid; where they are not known they are none."""
    return wide.values(tile.wavelength, np.nan_to_num(tile.continuum[row].astype(np.float64)))
