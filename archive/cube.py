"""A FITS cube opened lazily: what its headers say at once, its voxels as slabs of whole planes.

Memory is flat at any cube size: voxels are read at their offset in the file, a few planes at a time, never mapped.
It does no science and changes no file.  How the file is built is ``archive.fits_structure``'s to find out;
``processing.science.bands`` is fed with the slabs.
"""

import math
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area
from numpy.typing import NDArray

from archive.fits_structure import BrokenFits, Hdu, Scaling, number, structure_of, text

__all__ = ["Cube", "NotACube", "Slab", "WaveKind", "corners_of"]

SLAB_BYTES: Final = 64 * 2**20  # at most, unless one plane is more
QUICK_SLAB_BYTES: Final = 8 * 2**20  # what the allocator takes from memory it has: larger slabs are slower
QUICK_SLAB_PLANES: Final = 8  # but sums over few planes are slower still
VOXEL_BYTES: Final = 10  # of a slab while it is read: data, variance, two masks
PIECE_BYTES: Final = 256 * 1024
ANGSTROMS: Final = {"angstrom": 1.0, "angstroms": 1.0, "nm": 10.0, "um": 1e4, "m": 1e10}
CELESTIAL_KEYWORD: Final = re.compile(
    r"(CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA)[12]|(CD|PC)[12]_[12]|PV[12]_\d+|LONPOLE|LATPOLE|EQUINOX"
)


class NotACube(ValueError):
    """The file holds no cube that the archive can place on the sky and in wavelength."""


class WaveKind(StrEnum):
    """What the wavelengths are, in the words of FITS paper III."""

    AIR = "AWAV"
    VACUUM = "WAVE"


@dataclass(frozen=True)
class Slab:
    """Whole neighbouring planes of a cube, from plane ``start`` on.

    ``data`` and ``variance`` are float32 of shape (n, ny, nx) in native byte order, in the cube's unit and its square;
    ``mask`` is True where a voxel is bad (DQ not 0, or data not finite), and None when no voxel of the slab is.
    """

    start: int
    data: NDArray[np.float32]
    variance: NDArray[np.float32] | None
    mask: NDArray[np.bool_] | None


class Cube:
    """A spectral cube in a FITS file: DATA (by name, else the first image of three axes), STAT and DQ if there.

    To be used as a context manager, or closed; several threads may read from one cube.

    Raises
    ------
    NotACube
        With the one reason: no FITS, truncated, empty, no image of three axes, no usable celestial or spectral axes.
    """

    def __init__(self, path: Path | str) -> None:
        self.path: Final = Path(path)
        self._file: Final = self.path.open("rb")
        try:
            self._hdus: Final = structure_of(self._file)
            self._data: Final = _find_data(self._hdus)
            self._variance: Final = self._find_companion("STAT")
            self._quality: Final = self._find_companion("DQ")
            for hdu in filter(None, (self._data, self._variance, self._quality)):
                Scaling.of(hdu.header)  # a card that cannot be used is refused now, not half-way through the slabs
            self.wavelengths: Final = _wavelengths(self.header, planes=self.shape[0])
            self.celestial: Final = _celestial_wcs(self.header, self.primary)
            self._corners: Final = corners_of(self.celestial, self.shape[1:])
        except BrokenFits as error:
            self._file.close()
            raise NotACube(str(error)) from error
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what the headers said stays available."""
        self._file.close()

    @property
    def primary(self) -> fits.Header:
        """The header of the primary HDU: instrument, programme, provenance."""
        return self._hdus[0].header

    @property
    def header(self) -> fits.Header:
        """The header of the HDU that holds the data: axes and unit."""
        return self._data.header

    @property
    def shape(self) -> tuple[int, int, int]:
        """(nz, ny, nx): planes, rows, columns."""
        nz, ny, nx = self._data.shape
        return nz, ny, nx

    @property
    def unit(self) -> str | None:
        """BUNIT as written, which for ESO's cubes no units library can parse."""
        return text(self.header, "BUNIT") or None

    @property
    def has_variance(self) -> bool:
        """Whether there is a variance, STAT, beside the data."""
        return self._variance is not None

    @property
    def wave_kind(self) -> WaveKind:
        """Whether the wavelengths are in air or in vacuum."""
        return WaveKind(text(self.header, "CTYPE3"))

    def footprint(self) -> list[float]:
        """Return the four outer corners as ra, dec, ra, dec ... in degrees, ICRS, counter-clockwise on the sky."""
        return [float(angle) for corner in self._corners for angle in (corner.ra.deg, corner.dec.deg)]

    def centre(self) -> tuple[float, float]:
        """Return right ascension and declination of the centre of the field, degrees, ICRS."""
        _, ny, nx = self.shape
        centre = _to_sky(self.celestial, [(nx - 1) / 2], [(ny - 1) / 2])[0]
        return float(centre.ra.deg), float(centre.dec.deg)

    def pixel_scale(self) -> float:
        """Return the side of a pixel in arcsec: the square root of its area."""
        return math.sqrt(float(proj_plane_pixel_area(self.celestial))) * 3600

    def field_of_view(self) -> float:
        """Return the diagonal of the field in degrees: ObsCore's s_fov."""
        first, second, third, fourth = self._corners
        return float(max(first.separation(third).deg, second.separation(fourth).deg))

    def slabs(self, depth: int | None = None) -> Iterator[Slab]:
        """Yield the whole cube as slabs of ``depth`` planes, first plane first.

        By default a slab has the depth that is read and summed fastest, within 64 MB of arrays or else one plane.

        Raises
        ------
        OSError
            The file became shorter, or unreadable, since the cube was opened.
        """
        nz, ny, nx = self.shape
        step = depth if depth is not None else _slab_depth(ny * nx * VOXEL_BYTES)
        if step < 1:
            raise ValueError(f"a slab has at least one plane, not {step}")
        os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        with ThreadPoolExecutor(1) as reader:  # the disk is not idle while a slab is worked on
            ahead = reader.submit(self.slab, 0, min(step, nz))
            for start in range(step, nz + step, step):
                slab = ahead.result()
                if start < nz:
                    ahead = reader.submit(self.slab, start, min(start + step, nz))
                yield slab

    def spectra(self, rows: slice, columns: slice, planes: slice | None = None) -> Slab:
        """Return planes, all by default, of a rectangle of spaxels, given as slices of plain bounds inside the cube.

        Its rows are read whole, one plane at a time: a rectangle as wide as the field costs no more than a narrow one.

        Raises
        ------
        OSError
            The file became shorter, or unreadable, since the cube was opened.
        """
        where = planes or slice(0, self.shape[0]), rows, columns
        data = self._read_spectra(self._data, *where, np.float32)
        variance = None if self._variance is None else self._read_spectra(self._variance, *where, np.float32)
        bad = ~np.isfinite(data)
        if self._quality is not None:
            bad |= self._read_spectra(self._quality, *where, np.bool_)
        return Slab(where[0].start, data, variance, bad if bad.any() else None)

    def slab(self, start: int, stop: int) -> Slab:
        """Return the planes from ``start`` up to before ``stop``.

        Raises
        ------
        OSError
            The file became shorter, or unreadable, since the cube was opened.
        """
        data = self._read_floats(self._data, start, stop)
        variance = None if self._variance is None else self._read_floats(self._variance, start, stop)
        bad = ~np.isfinite(data)
        if self._quality is not None:
            bad |= self._read_flags(self._quality, start, stop)
        return Slab(start, data, variance, bad if bad.any() else None)

    def _read_spectra(self, hdu: Hdu, planes: slice, rows: slice, columns: slice, kind: type[Any]) -> NDArray[Any]:
        _, ny, nx = hdu.shape
        dtype, scaling = hdu.dtype, Scaling.of(hdu.header)
        strip = np.empty((rows.stop - rows.start, nx), dtype)
        spectra = np.empty((planes.stop - planes.start, len(strip), columns.stop - columns.start), kind)
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and so bad
            for place, plane in enumerate(range(planes.start, planes.stop)):
                offset = hdu.data_offset + (plane * ny + rows.start) * nx * dtype.itemsize
                _read_into(self._file.fileno(), strip.reshape(-1).view(np.uint8).data, offset)
                spectra[place] = scaling.physical(strip[:, columns])
        return spectra

    def _read_floats(self, hdu: Hdu, start: int, stop: int) -> NDArray[np.float32]:
        planes = np.empty((stop - start, *hdu.shape[1:]), dtype=np.float32)
        floats = planes.reshape(-1)
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and so bad
            for piece, values in self._read_pieces(hdu, start, stop):
                floats[piece] = values
        return planes

    def _read_flags(self, hdu: Hdu, start: int, stop: int) -> NDArray[np.bool_]:
        planes = np.empty((stop - start, *hdu.shape[1:]), dtype=np.bool_)
        flags = planes.reshape(-1)
        for piece, values in self._read_pieces(hdu, start, stop):
            np.not_equal(values, 0, out=flags[piece])
        return planes

    def _read_pieces(self, hdu: Hdu, start: int, stop: int) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Yield planes laid flat, in pieces that may share one buffer small enough for the processor's cache."""
        dtype, scaling = hdu.dtype, Scaling.of(hdu.header)
        plane = math.prod(hdu.shape[1:])
        first, last = start * plane, stop * plane
        buffer = np.empty(min(PIECE_BYTES // dtype.itemsize, last - first), dtype)
        for begin in range(first, last, buffer.size):
            piece = buffer[: last - begin]
            _read_into(self._file.fileno(), piece.view(np.uint8).data, hdu.data_offset + begin * dtype.itemsize)
            yield slice(begin - first, begin - first + piece.size), scaling.physical(piece)

    def _find_companion(self, name: str) -> Hdu | None:
        for hdu in self._hdus:
            if hdu.name == name and hdu.is_image and hdu is not self._data and hdu.shape:
                if hdu.shape != self._data.shape:
                    raise NotACube(f"{name} has shape {hdu.shape}, the data {self._data.shape}")
                return hdu
        return None


def corners_of(celestial: WCS, shape: tuple[int, int]) -> SkyCoord:
    """Return the outer corners of a field of (rows, columns), against the clock for whoever looks up at the sky.

    Raises
    ------
    NotACube
        One of them is off the sky.
    """
    ny, nx = shape
    right, top = nx - 0.5, ny - 0.5
    x, y = [-0.5, right, right, -0.5], [-0.5, -0.5, top, top]
    if np.linalg.det(celestial.pixel_scale_matrix) > 0:
        x, y = x[::-1], y[::-1]
    corners = _to_sky(celestial, x, y)
    if not (np.isfinite(corners.ra.deg).all() and np.isfinite(corners.dec.deg).all()):
        raise NotACube("the celestial axes put a corner of the field off the sky")
    return corners


def _slab_depth(plane_bytes: int) -> int:
    few = min(QUICK_SLAB_PLANES, SLAB_BYTES // plane_bytes)
    return max(1, few, min(QUICK_SLAB_BYTES, SLAB_BYTES) // plane_bytes)


def _find_data(hdus: tuple[Hdu, ...]) -> Hdu:
    images = [hdu for hdu in hdus if hdu.is_image and len(hdu.shape) == 3]
    named = [hdu for hdu in images if hdu.name == "DATA"]
    if not images:
        raise NotACube("no image of three axes in the file")
    data = (named or images)[0]
    if data.data_size == 0:
        raise NotACube(f"the image is empty: its shape is {data.shape}")
    return data


def _wavelengths(header: fits.Header, *, planes: int) -> NDArray[np.float64]:
    """Return the wavelength of each plane in Angstrom, air or vacuum as the cube has it."""
    kind, unit = text(header, "CTYPE3"), text(header, "CUNIT3")
    if kind not in list(WaveKind):
        raise NotACube(f"no usable spectral axis: CTYPE3 is {kind!r}, neither AWAV nor WAVE")
    if unit.lower() not in ANGSTROMS:
        raise NotACube(f"no usable spectral axis: CUNIT3 is {unit!r}, no unit of length we know")
    if any(number(header, f"CD{axes}", 0.0) for axes in ("1_3", "2_3", "3_1", "3_2")):
        raise NotACube("no usable spectral axis: it is mixed with the celestial ones")
    step = number(header, "CD3_3", number(header, "CDELT3", 0.0) * number(header, "PC3_3", 1.0))
    if step <= 0:
        raise NotACube("no usable spectral axis: neither CD3_3 nor CDELT3 gives a step above 0")
    first = number(header, "CRVAL3") + (1 - number(header, "CRPIX3", 0.0)) * step
    return (first + np.arange(planes, dtype=np.float64) * step) * ANGSTROMS[unit.lower()]


def _celestial_wcs(header: fits.Header, primary: fits.Header) -> WCS:
    """Return the celestial axes, made from nothing but the cards that define them: the rest is what WCS warns of."""
    keywords = {card.keyword for card in header.cards if CELESTIAL_KEYWORD.fullmatch(card.keyword)}
    if any(keyword.startswith(("CD1", "CD2")) for keyword in keywords):
        keywords = {keyword for keyword in keywords if not keyword.startswith(("CDELT", "CROTA", "PC"))}
    cards = {word: (text if word.startswith(("CT", "CU")) else number)(header, word) for word in sorted(keywords)}
    frames = [text(source, keyword) for source in (header, primary) for keyword in ("RADESYS", "RADECSYS")]
    cards["RADESYS"] = next(filter(None, frames), "ICRS")
    try:
        wcs = WCS(fits.Header(cards), naxis=2, fix=False)
    except (ValueError, MemoryError, fits.VerifyError) as error:
        raise NotACube(f"no usable celestial axes: {' '.join(str(error).split())}") from error
    if not wcs.has_celestial:
        raise NotACube("no usable celestial axes: CTYPE1 and CTYPE2 name no sky projection")
    return wcs


def _to_sky(wcs: WCS, x: list[float], y: list[float]) -> SkyCoord:
    try:
        return wcs.pixel_to_world(x, y).icrs
    except (ValueError, TypeError, AttributeError) as error:
        raise NotACube(f"no usable celestial axes: {' '.join(str(error).split())}") from error


def _read_into(descriptor: int, buffer: memoryview, offset: int) -> None:
    """Fill the buffer from the file, wherever another thread reads at the same time."""
    done = 0
    while done < len(buffer):
        count = os.preadv(descriptor, [buffer[done:]], offset + done)
        if count == 0:
            raise OSError(f"the file ends at byte {offset + done}: it became shorter while it was read")
        done += count
