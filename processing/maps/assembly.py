"""The maps of a cube put together from its bins and the tiles of its line fits, held on disk while they fill."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from archive.checkpoints import Checkpoints
from archive.cube import Cube
from processing.derived_header import axes_of
from processing.maps.layout import MAPS, MapKind
from processing.maps.stars_file import BinnedStars
from processing.science.star_flags import StarFlag

__all__ = ["Maps"]

Array = NDArray[np.float64]

NO_BIN: Final = -1
UNFITTED: Final = 1
"""NO_DATA of both kinds of flags."""


class Maps:
    """All maps of a cube, each of shape (ny, nx), filled once.

    Parameters
    ----------
    binned
        Its bins and their stars.
    fitted, tiles
        The line fits, and how many tiles there are.
    folder
        Where they may lie meanwhile.
    noisier
        By what errors of the lines grow, since neighbouring wavelengths share noise.
    """

    def __init__(
        self, binned: BinnedStars, fitted: Checkpoints, tiles: int, *, folder: Path, noisier: float = 1.0
    ) -> None:
        self.shape: Final = binned.number.shape
        self._held: Final = np.lib.format.open_memmap(
            folder / "maps.npy", mode="w+", dtype=np.float64, shape=(len(MAPS), binned.number.size)
        )
        self._noisier: Final = noisier
        self._held[:] = np.nan
        self._fill_bins(binned)
        for number in range(tiles):
            self._fill_fits(fitted.read(number))

    def __getitem__(self, name: str) -> Array:
        """Return a map by the name of its extension."""
        values: Array = np.asarray(self._held[[kind.name for kind in MAPS].index(name)]).reshape(self.shape)
        return values

    def hdus(self, cube: Cube, target: str) -> Iterator[fits.ImageHDU]:
        """Yield the extensions in their order."""
        for kind in MAPS:
            header = axes_of(cube)
            header["HDUCLAS2"] = "QUALITY" if kind.whole else "DATA"
            header["OBJECT"] = target
            if kind.unit is not None:
                header["BUNIT"] = (kind.unit, "unit of the pixels")
            values = self[kind.name]
            yield fits.ImageHDU(values.astype(np.int32) if kind.whole else values, header, name=kind.name)

    def _fill_bins(self, binned: BinnedStars) -> None:
        number, snr = binned.number, binned.signal / binned.noise
        there, inside = np.isfinite(binned.signal), number >= 0
        unbinned = np.where(there, StarFlag.LOW_SN, UNFITTED)
        own = {
            "number": np.where(inside, number, np.where(there, NO_BIN, np.nan)),
            "signal": binned.signal,
            "snr": snr,
        }
        for row, kind in enumerate(MAPS):
            if kind.source == "spaxel":
                self._held[row] = own[kind.values].reshape(-1)
            elif kind.source == "bin":
                values = binned.table[kind.values].astype(np.float64)
                without = unbinned if kind.whole else np.nan
                taken = np.where(inside, values[np.maximum(number, 0)], without)
                self._held[row] = taken.reshape(-1)
            elif kind.whole:
                self._held[row] = UNFITTED

    def _fill_fits(self, found: dict[str, NDArray[Any]]) -> None:
        place = found["place"]
        if place.size == 0:
            return
        for row, kind in enumerate(MAPS):
            if kind.source in {"line", "fit"}:
                grown = self._noisier if kind.values.endswith("_error") else 1.0
                self._held[row, place] = grown * _values(found, kind)


def _values(found: dict[str, NDArray[Any]], kind: MapKind) -> NDArray[Any]:
    values = found[kind.values]
    return values if kind.source == "fit" else values[:, kind.line]
