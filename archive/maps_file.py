"""A MAPS file read as rows: of its spaxels, a strip at a time, and of its bins.

The extensions are found by name, those that the release has and those that are ours; what a file lacks is not known.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area
from numpy.typing import NDArray

from archive.cube import corners_of
from archive.errors import Refused
from schema.maps import BIN, VALUES

__all__ = ["MUST_HAVE", "MapsFile", "Rows", "open_maps"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

ROWS_AT_ONCE: Final = 20_000
"""Spaxels, about, of one strip."""

MUST_HAVE: Final = ("BIN_ID", "V_STARS", "HA6562_FLUX")
OF_BINS: Final = tuple(c.name for c in BIN.columns if c.name in VALUES)
IS_FLAG: Final = "_flags"


@dataclass(frozen=True)
class Rows:
    """Some rows: arrays of shape (n) by column; NaN is null, and so is a whole number below zero."""

    whole: Mapping[str, NDArray[np.int32]]
    real: Mapping[str, Array]

    def __len__(self) -> int:
        """Count them."""
        return len(next(iter(self.whole.values())))


class MapsFile:
    """An open file; its images stay on disk until they are asked for."""

    def __init__(self, hdus: fits.HDUList) -> None:
        self._images: Final[dict[str, Any]] = {hdu.name.lower(): hdu for hdu in hdus[1:] if hdu.is_image}
        lacking = [name for name in MUST_HAVE if name.lower() not in self._images]
        if lacking:
            raise Refused(f"it is no file of maps: {', '.join(lacking)} is not in it")
        first = self._images["bin_id"]
        self.shape: Final = tuple(first.shape)
        if len(self.shape) != 2:
            raise Refused(f"it is no file of maps: BIN_ID has {len(self.shape)} axes")
        for name in (*VALUES, "bin_id"):
            shape = self.shape if name not in self._images else tuple(self._images[name].shape)
            if shape != self.shape:
                raise Refused(f"{name.upper()} has {shape} pixels, BIN_ID {self.shape}")
        self._wcs: Final = WCS(first.header)
        if not self._wcs.has_celestial:
            raise Refused("its maps have no place on the sky")

    def place(self) -> dict[str, Any]:
        """Return where on the sky the maps lie, as the fields of a product."""
        celestial, shape = self._wcs.celestial, (self.shape[0], self.shape[1])
        corners = corners_of(celestial, shape)
        ra, dec = celestial.all_pix2world((shape[1] - 1) / 2, (shape[0] - 1) / 2, 0)
        first, second, third, fourth = corners
        return {
            "ra": float(ra) % 360,
            "dec": float(dec),
            "footprint": [float(angle) for one in corners for angle in (one.ra.deg, one.dec.deg)],
            "field_of_view": float(max(first.separation(third).deg, second.separation(fourth).deg)),
            "pixel_scale": float(np.sqrt(proj_plane_pixel_area(celestial))) * 3600,
            "n_x": shape[1],
            "n_y": shape[0],
        }

    def spaxels(self, strip: tuple[int, int]) -> Iterator[Rows]:
        """Yield the spaxels of which there is a value or a bin, of the rows from one to before another, from 1 on."""
        depth, (first, end) = max(1, ROWS_AT_ONCE // self.shape[1]), strip
        for start in range(first - 1, end - 1, depth):
            rows = self._strip(slice(start, min(start + depth, end - 1)))
            if len(rows):
                yield rows

    def bins(self) -> Rows:
        """Return the bins, in the order of their numbers."""
        number = np.asarray(self._images["bin_id"].data, dtype=np.float64)
        y, x = np.nonzero(np.isfinite(number) & (number >= 0))
        which, first, inverse, counts = np.unique(
            number[y, x], return_index=True, return_inverse=True, return_counts=True
        )
        values = {name: self._one(name, y[first], x[first]) for name in OF_BINS}
        own = [self._one(name, y[first], x[first]) for name in ("bin_ra", "bin_dec")]
        middles = [np.bincount(inverse, axis, which.size) / counts for axis in (x, y)]
        sky = self._wcs.celestial.all_pix2world(*middles, 0) if which.size else middles
        ra, dec = (np.where(np.isfinite(told), told, seen) for told, seen in zip(own, sky, strict=True))
        real = {"ra": ra % 360, "dec": dec, **{n: v for n, v in values.items() if not n.endswith(IS_FLAG)}}
        whole = {"bin_id": which.astype(np.int32), "n_spaxels": counts.astype(np.int32)}
        whole |= {name: _integers(v) for name, v in values.items() if name.endswith(IS_FLAG)}
        return Rows(whole, real)

    def _strip(self, rows: slice) -> Rows:
        shape = rows.stop - rows.start, self.shape[1]
        values = {name: self._values(name, rows) for name in (*VALUES, "bin_id")}
        number = values.pop("bin_id")
        held = number >= 0
        for name, one in values.items():
            if not name.endswith((IS_FLAG, "snr")) and name != "stars_flux":
                held |= np.isfinite(one)
        y, x = np.nonzero(held.reshape(shape))
        ra, dec = self._wcs.celestial.all_pix2world(x, y + rows.start, 0) if x.size else (x, y)
        chosen = held.reshape(-1)
        whole = {"x": (x + 1).astype(np.int32), "y": (y + rows.start + 1).astype(np.int32)}
        whole["bin_id"] = _integers(number[chosen])
        whole |= {name: _integers(one[chosen]) for name, one in values.items() if name.endswith(IS_FLAG)}
        real = {"ra": np.asarray(ra) % 360, "dec": np.asarray(dec, dtype=np.float64)}
        real |= {name: one[chosen] for name, one in values.items() if not name.endswith(IS_FLAG)}
        return Rows(whole, real)

    def _values(self, name: str, rows: slice) -> Array:
        hdu = self._images.get(name)
        if hdu is None:
            return np.full((rows.stop - rows.start) * self.shape[1], np.nan)
        return np.asarray(hdu.data[rows], dtype=np.float64).reshape(-1)

    def _one(self, name: str, y: NDArray[np.intp], x: NDArray[np.intp]) -> Array:
        hdu = self._images.get(name)
        return np.full(y.size, np.nan) if hdu is None else np.asarray(hdu.data[y, x], dtype=np.float64)


@contextmanager
def open_maps(path: Path) -> Iterator[MapsFile]:
    """Open a file of maps while the block runs.

    Raises
    ------
    Refused
        It is none.
    """
    try:
        with fits.open(path, memmap=True) as hdus:
            yield MapsFile(hdus)
    except (OSError, ValueError, TypeError) as error:
        raise Refused(f"{path.name} cannot be read as maps: {error}") from error


def _integers(values: Array) -> NDArray[np.int32]:
    """Return whole numbers, below zero what is not known."""
    return np.where(np.isfinite(values) & (values >= 0), np.nan_to_num(values), -1).astype(np.int32)
