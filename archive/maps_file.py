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
Places = tuple[NDArray[np.intp], NDArray[np.intp]]

ROWS_AT_ONCE: Final = 20_000
"""Spaxels, about, of one strip."""

MUST_HAVE: Final = ("BIN_ID", "V_STARS", "HA6562_FLUX")
OF_BINS: Final = tuple(c.name for c in BIN.columns if c.name in VALUES)
IS_FLAG: Final = "_flags"
MOST: Final = 2**31 - 1
"""That a whole number of the database can be."""


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
        if not self._wcs.has_celestial or (self._wcs.wcs.lng, self._wcs.wcs.lat) != (0, 1):
            raise Refused("its maps have no place on the sky in right ascension and declination, in this order")
        if self._wcs.wcs.lngtyp != "RA":
            raise Refused(f"its maps lie in {self._wcs.wcs.lngtyp} and {self._wcs.wcs.lattyp}, not in RA and DEC")

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
        which, inverse, counts = np.unique(_whole(number[y, x], "BIN_ID"), return_inverse=True, return_counts=True)
        values = {name: self._of_bins(name, (y, x), inverse) for name in OF_BINS}
        own = [self._of_bins(name, (y, x), inverse) for name in ("bin_ra", "bin_dec")]
        middles = [np.bincount(inverse, axis, which.size) / counts for axis in (x, y)]
        sky = self._wcs.celestial.all_pix2world(*middles, 0) if which.size else middles
        ra, dec = (np.where(np.isfinite(told), told, seen) for told, seen in zip(own, sky, strict=True))
        real = {"ra": ra % 360, "dec": dec, **{n: v for n, v in values.items() if not n.endswith(IS_FLAG)}}
        whole = {"bin_id": which.astype(np.int32), "n_spaxels": counts.astype(np.int32)}
        whole |= {name: _integers(v, name) for name, v in values.items() if name.endswith(IS_FLAG)}
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
        whole["bin_id"] = _integers(number[chosen], "bin_id")
        whole |= {name: _integers(one[chosen], name) for name, one in values.items() if name.endswith(IS_FLAG)}
        real = {"ra": np.asarray(ra) % 360, "dec": np.asarray(dec, dtype=np.float64)}
        real |= {name: one[chosen] for name, one in values.items() if not name.endswith(IS_FLAG)}
        return Rows(whole, real)

    def _values(self, name: str, rows: slice) -> Array:
        hdu = self._images.get(name)
        if hdu is None:
            return np.full((rows.stop - rows.start) * self.shape[1], np.nan)
        return np.asarray(hdu.data[rows], dtype=np.float64).reshape(-1)

    def _of_bins(
        self, name: str, places: tuple[NDArray[np.intp], NDArray[np.intp]], inverse: NDArray[np.intp]
    ) -> Array:
        """Return of each bin the first value that a spaxel of it has; ``places`` are those of all its spaxels."""
        found = np.full(int(inverse.max(initial=-1)) + 1, np.nan)
        hdu = self._images.get(name)
        if hdu is not None:
            values = np.asarray(hdu.data[places], dtype=np.float64)
            known = np.isfinite(values)
            bins, first = np.unique(inverse[known], return_index=True)
            found[bins] = values[known][first]
        return found


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


def _integers(values: Array, name: str) -> NDArray[np.int32]:
    """Return whole numbers, below zero what is not known."""
    known = np.isfinite(values) & (values >= 0)
    return _whole(np.where(known, values, -1.0), name).astype(np.int32)


def _whole(values: Array, name: str) -> Array:
    if (odd := values[(values > MOST) | (values != np.floor(values))]).size:
        raise Refused(f"{name.upper()} has {odd[0]:g}, which is no whole number that the database can hold")
    return values
