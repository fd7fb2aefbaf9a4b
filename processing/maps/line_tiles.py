"""What tiles of the line fits compute: rows of spaxels with the stars of their bins, a few of them by both engines."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archive.checkpoints import Arrays
from archive.cube import Cube
from archive.errors import Refused
from processing.maps.engines import Engine, drawn, has_ppxf
from processing.maps.sources import fitted_planes
from processing.maps.stars_file import BinnedStars, read_stars
from processing.science.bins import NOTHING
from processing.science.emission import FitSettings, LineFits, Tile
from processing.science.engine_comparison import line_differences
from processing.science.extinction import correction
from processing.science.fit_flags import FitFlag
from processing.science.line_model import line_model
from processing.science.lines import Group
from processing.science.missed_lines import fit_lines, some_of
from processing.science.monte_carlo import lines_with_scatter
from processing.science.reference_fits import lines_by_ppxf
from processing.tiles import Tiling

__all__ = ["LineTiles", "tiling"]

SPAXELS_A_TILE: Final = 2000
LEAST_TILES: Final = 8
"""So that small fields are shared out, too, where they have the rows."""

START_SIGMA: Final = 50.0
"""Dispersion of the gas that fits begin with, km/s."""

HYDROGEN: Final = "HA6562"


def tiling(shape: tuple[int, int]) -> Tiling:
    """Cut a field into tiles of whole rows: reading these costs no more than reading parts of them."""
    rows, columns = shape
    size = min(SPAXELS_A_TILE // columns, -(-rows // LEAST_TILES))
    return Tiling(shape, (max(1, size), columns))


@dataclass(frozen=True)
class LineTiles:
    """Fits the lines of a tile's spaxels; it travels to whoever computes it.

    ``cube`` and ``stars`` are files; ``model`` asks for the fitted spectra, too, which are as observed;
    ``realisations`` for errors by as many.
    """

    cube: Path
    stars: Path
    wavelengths: tuple[float, float]
    settings: FitSettings
    engine: Engine
    model: bool
    realisations: int = 0

    def __call__(self, number: int) -> Arrays:
        """Return what was found of a tile's spaxels, and which these are."""
        binned = _binned(self.stars)
        rows, columns = tiling(binned.nearest.shape).window(number)
        places = np.flatnonzero(binned.number[rows, columns].reshape(-1) != NOTHING)
        tile = self._tile(binned, rows, columns, places)
        if tile is None:
            return {"place": places}
        fits, tile = fit_lines(tile, self.settings)
        if self.engine is Engine.PPXF:  # begun where lines were found
            fits = lines_by_ppxf(tile, self.settings)
        told = self._with_errors(tile, fits, number)
        found: dict[str, NDArray[Any]] = {"place": places + rows.start * binned.nearest.shape[1]}
        found |= _published(told, self.settings)
        found["flags"][_has_other_stars(binned, rows, columns, places)] |= np.uint16(FitFlag.OTHER_STARS)
        if self.engine is Engine.BATCH and has_ppxf():
            chosen = drawn(len(places), number)
            reference = lines_by_ppxf(some_of(tile, chosen), self.settings)
            differences = line_differences(fits, reference, chosen, settings=self.settings)
            found |= {f"differ_{name}": values for name, values in differences.items()}
        model = line_model(tile, fits, self.settings)
        found |= _shown(tile, fits, model.total, self.settings)
        if self.model:
            dimmed = model.total / correction(tile.wavelength, binned.ebv)
            found["model"] = dimmed.astype(np.float32)
        return found

    def _with_errors(self, tile: Tile, fits: LineFits, seed: int) -> LineFits:
        if not self.realisations or self.engine is Engine.PPXF:
            return fits
        return lines_with_scatter(tile, fits, self.settings, realisations=self.realisations, seed=seed)

    def _tile(self, binned: BinnedStars, rows: slice, columns: slice, places: NDArray[np.int64]) -> Tile | None:
        if places.size == 0:
            return None
        with Cube(self.cube) as cube:
            planes = fitted_planes(cube, binned.velocity, self.wavelengths)
            slab, wavelength = cube.spectra(rows, columns, planes), cube.wavelengths[planes]
        if slab.variance is None:
            raise Refused("the cube has no variance (STAT)")
        flux, variance = (each.reshape(len(each), -1)[:, places].T for each in (slab.data, slab.variance))
        good = np.isfinite(flux) & np.isfinite(variance)
        if slab.mask is not None:
            good &= ~slab.mask.reshape(len(slab.mask), -1)[:, places].T
        bright = correction(wavelength, binned.ebv)
        which = binned.nearest[rows, columns].reshape(-1)[places]
        velocity = np.where(which >= 0, np.nan_to_num(binned.table["V"][np.maximum(which, 0)]), 0.0)
        groups = len(Group)
        return Tile(
            wavelength=wavelength,
            flux=flux * bright,
            variance=variance * bright**2,
            good=good,
            continuum=_continuum(binned, which),
            velocity=np.repeat(velocity[:, np.newaxis], groups, axis=1),
            sigma=np.full((places.size, groups), START_SIGMA),
            systemic_velocity=binned.velocity,
        )


def _continuum(binned: BinnedStars, which: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the stars of the bins, a spaxel's share; a level that the polynomial bends where none are known."""
    bins, inverse = np.unique(which, return_inverse=True)
    continuum = np.ones((bins.size, binned.wavelength.size))
    for row, number in enumerate(bins):
        if number >= 0:
            share = np.asarray(binned.continuum[number], dtype=np.float64) / binned.table["SPAXELS"][number]
            continuum[row] = np.nan_to_num(share)
    return continuum[inverse]


def _has_other_stars(binned: BinnedStars, rows: slice, columns: slice, places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say of which spaxels the stars are not those of their own bin."""
    own, taken = (each[rows, columns].reshape(-1)[places] for each in (binned.number, binned.nearest))
    return np.asarray(own != taken)


def _published(fits: LineFits, settings: FitSettings) -> dict[str, NDArray[Any]]:
    """Return what maps show: of the lines that are published, and of the groups."""
    lines = [number for number, line in enumerate(settings.lines) if line.published]
    groups = [list(Group).index(settings.lines[number].group) for number in lines]
    return {
        "flux": fits.flux[:, lines],
        "flux_error": fits.flux_error[:, lines],
        "velocity": fits.velocity[:, groups],
        "velocity_error": fits.velocity_error[:, groups],
        "sigma": fits.observed_sigma[:, lines],
        "sigma_error": fits.observed_sigma_error[:, lines],
        "instrument_sigma": fits.instrument_sigma[:, lines],
        "amplitude_to_noise": fits.amplitude_to_noise[:, lines],
        "flags": fits.flags[:, lines],
        "chi2": fits.chi2 / np.maximum(fits.degrees_of_freedom, 1),
    }


def _shown(tile: Tile, fits: LineFits, model: NDArray[np.float64], settings: FitSettings) -> dict[str, NDArray[Any]]:
    """Return spectra to be shown with their fits: where hydrogen stands out most, middling and least."""
    line = [each.name for each in settings.lines].index(HYDROGEN)
    height = fits.amplitude_to_noise[:, line]
    order = np.flatnonzero(height >= settings.lowest_an)
    order = order[np.argsort(height[order])]
    rows = np.unique(order[[0, order.size // 2, -1]]) if order.size else order
    return {
        "shown_row": rows,
        "shown_height": height[rows],
        "shown_flux": np.where(tile.good[rows], tile.flux[rows], np.nan),
        "shown_model": model[rows],
        "shown_wavelength": tile.wavelength,
    }


@cache
def _binned(path: Path) -> BinnedStars:
    return read_stars(path)
