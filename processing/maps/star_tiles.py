"""What tiles of the stellar fits compute: some bins each, by either engine, a few of them by both."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archive.checkpoints import Arrays, Checkpoints
from processing.maps.engines import Engine, drawn, has_ppxf
from processing.science.engine_comparison import star_differences
from processing.science.monte_carlo import stars_with_scatter
from processing.science.reddening import stellar_reddening
from processing.science.reference_fits import stars_by_ppxf
from processing.science.stars import StarFits, StarSettings, StarSpectra, fit_stars
from processing.science.stellar_templates import Library
from processing.stellar_library import current_library
from processing.tiles import Tiling

__all__ = ["StarTiles", "bin_tiles"]

BINS_A_TILE: Final = 128
LEAST_TILES: Final = 8
"""So that few bins are shared out, too."""

KEPT: Final = (
    "velocity",
    "velocity_error",
    "sigma",
    "sigma_error",
    "weights",
    "polynomial",
    "continuum",
    "chi2",
    "flags",
)


@dataclass(frozen=True)
class StarTiles:
    """Fits the bins of a tile; it travels to whoever computes it.

    ``binned`` has the spectra of all bins as its part 0, ``folder`` the templates; ``realisations`` asks for errors
    by as many.
    """

    binned: Checkpoints
    folder: Path
    settings: StarSettings
    engine: Engine
    realisations: int = 0

    def __call__(self, number: int) -> Arrays:
        """Return what was found of a tile's bins."""
        binned = _binned(self.binned)
        columns = bin_tiles(len(binned["spaxels"])).window(number)[1]
        spectra, library = _spectra(binned, columns), current_library(self.folder)
        if self.engine is Engine.PPXF:
            fits = stars_by_ppxf(spectra, library, self.settings)
        else:
            fits = fit_stars(spectra, library, self.settings)
        told = fits
        if self.realisations and self.engine is Engine.BATCH:
            told = stars_with_scatter(
                spectra, library, fits, self.settings, realisations=self.realisations, seed=number
            )
        found: dict[str, NDArray[Any]] = {name: getattr(told, name) for name in KEPT}
        found["continuum"] = fits.continuum.astype(np.float32)
        found["ebv_stars"] = stellar_reddening(spectra, library, fits, self.settings)
        if self.engine is Engine.BATCH and has_ppxf():
            found |= self._compared(fits, spectra, library, number)
        return found

    def _compared(self, fits: StarFits, spectra: StarSpectra, library: Library, number: int) -> Arrays:
        """Fit some by the other engine, too, and return by how many errors they differ."""
        rows = drawn(len(spectra.flux), number)
        some = StarSpectra(
            spectra.wavelength,
            spectra.flux[rows],
            spectra.variance[rows],
            spectra.good[rows],
            spectra.systemic_velocity,
        )
        reference = stars_by_ppxf(some, library, self.settings)
        return {f"differ_{name}": values for name, values in star_differences(fits, reference, rows).items()}


def bin_tiles(count: int) -> Tiling:
    """Cut so many bins, in one row, into tiles."""
    return Tiling((1, count), (1, min(BINS_A_TILE, -(-count // LEAST_TILES))))


def _spectra(binned: Mapping[str, NDArray[Any]], rows: slice) -> StarSpectra:
    return StarSpectra(
        binned["wavelength"],
        binned["flux"][rows],
        binned["variance"][rows],
        binned["good"][rows],
        float(binned["velocity"]),
    )


@cache
def _binned(kept: Checkpoints) -> Mapping[str, NDArray[Any]]:
    return kept.read(0)
