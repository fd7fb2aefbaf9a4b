"""A FITS cube opened lazily: what its headers say at once, its voxels as slabs of whole planes.

Memory is flat at any cube size: voxels are read at their offset in the file, a few planes at a time, never mapped.
It does no science and changes no file.  ``read_structure`` serves whoever meets a FITS file first, cube or not;
``processing.science.bands`` is fed with the slabs.
"""

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area
from numpy.typing import NDArray

__all__ = ["BrokenFits", "Cube", "Hdu", "NotACube", "Slab", "WaveKind", "read_structure"]

BLOCK: Final = 2880
LONGEST_HEADER: Final = 8192 * BLOCK
SLAB_BYTES: Final = 64 * 2**20  # at most, unless one plane is more
QUICK_SLAB_BYTES: Final = 8 * 2**20  # what the allocator takes from memory it has: larger slabs are slower
QUICK_SLAB_PLANES: Final = 8  # but sums over few planes are slower still
VOXEL_BYTES: Final = 10  # of a slab while it is read: data, variance, two masks
PIECE_BYTES: Final = 256 * 1024
DTYPES: Final = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
ANGSTROMS: Final = {"angstrom": 1.0, "angstroms": 1.0, "nm": 10.0, "um": 1e4, "m": 1e10}
CELESTIAL_KEYWORD: Final = re.compile(
    r"(CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA)[12]|(CD|PC)[12]_[12]|PV[12]_\d+|LONPOLE|LATPOLE|EQUINOX"
)


class BrokenFits(ValueError):
    """The file is no FITS file, or not all of one."""


class NotACube(ValueError):
    """The file holds no cube that the archive can place on the sky and in wavelength."""


class WaveKind(StrEnum):
    """What the wavelengths are, in the words of FITS paper III."""

    AIR = "AWAV"
    VACUUM = "WAVE"


@dataclass(frozen=True)
class Hdu:
    """One header with the place of its data in the file, in bytes, without the padding."""

    header: fits.Header
    data_offset: int
    data_size: int

    @property
    def name(self) -> str:
        """EXTNAME in capitals, empty when there is none."""
        return _text(self.header, "EXTNAME").upper()

    @property
    def is_image(self) -> bool:
        """Whether the data are pixels: the primary array or an IMAGE extension."""
        return "SIMPLE" in self.header or _text(self.header, "XTENSION") == "IMAGE"

    @property
    def shape(self) -> tuple[int, ...]:
        """The data's shape, slowest axis first as numpy has it."""
        return _shape(self.header)


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


def read_structure(path: Path) -> tuple[Hdu, ...]:
    """Read all headers of a FITS file and check that the file is as long as they promise; read no data.

    Raises
    ------
    BrokenFits
        With the one reason why it is no whole FITS file: empty, foreign, a header damaged, truncated.
    OSError
        The file cannot be read at all.
    """
    with path.open("rb") as file:
        return _read_structure(file)


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
            self._hdus: Final = _read_structure(self._file)
            self._data: Final = _find_data(self._hdus)
            self._variance: Final = self._find_companion("STAT")
            self._quality: Final = self._find_companion("DQ")
            for hdu in filter(None, (self._data, self._variance, self._quality)):
                _Scaling.of(hdu.header)  # a card that cannot be used is refused now, not half-way through the slabs
            self.wavelengths: Final = _wavelengths(self.header)
            self.celestial: Final = _celestial_wcs(self.header, self.primary)
            self._corners: Final = self._find_corners()
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
        return _text(self.header, "BUNIT") or None

    @property
    def wave_kind(self) -> WaveKind:
        """Whether the wavelengths are in air or in vacuum."""
        return WaveKind(_text(self.header, "CTYPE3"))

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
        for start in range(0, nz, step):
            yield self._slab(start, min(start + step, nz))

    def _slab(self, start: int, stop: int) -> Slab:
        data = self._read_floats(self._data, start, stop)
        variance = None if self._variance is None else self._read_floats(self._variance, start, stop)
        bad = ~np.isfinite(data)
        if self._quality is not None:
            bad |= self._read_flags(self._quality, start, stop)
        return Slab(start, data, variance, bad if bad.any() else None)

    def _read_floats(self, hdu: Hdu, start: int, stop: int) -> NDArray[np.float32]:
        planes = np.empty((stop - start, *hdu.shape[1:]), dtype=np.float32)
        values, scaling = planes.reshape(-1), _Scaling.of(hdu.header)
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and so bad
            for piece, stored in self._read_pieces(hdu, start, stop):
                values[piece] = scaling.physical(stored)
        return planes

    def _read_flags(self, hdu: Hdu, start: int, stop: int) -> NDArray[np.bool_]:
        planes = np.empty((stop - start, *hdu.shape[1:]), dtype=np.bool_)
        flags, scaling = planes.reshape(-1), _Scaling.of(hdu.header)
        for piece, stored in self._read_pieces(hdu, start, stop):
            np.not_equal(scaling.physical(stored), 0, out=flags[piece])
        return planes

    def _read_pieces(self, hdu: Hdu, start: int, stop: int) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Yield planes as stored, laid flat, in pieces that share one buffer small enough for the processor's cache."""
        dtype = np.dtype(DTYPES[_whole(hdu.header, "BITPIX")])
        plane = math.prod(hdu.shape[1:])
        first, last = start * plane, stop * plane
        buffer = np.empty(min(PIECE_BYTES // dtype.itemsize, last - first), dtype)
        for begin in range(first, last, buffer.size):
            piece = buffer[: last - begin]
            _read_into(self._file.fileno(), piece.view(np.uint8).data, hdu.data_offset + begin * dtype.itemsize)
            yield slice(begin - first, begin - first + piece.size), piece

    def _find_companion(self, name: str) -> Hdu | None:
        for hdu in self._hdus:
            if hdu.name == name and hdu.is_image and hdu is not self._data and hdu.shape:
                if hdu.shape != self._data.shape:
                    raise NotACube(f"{name} has shape {hdu.shape}, the data {self._data.shape}")
                return hdu
        return None

    def _find_corners(self) -> SkyCoord:
        """Corners at 0.5 and N + 0.5 of FITS pixels, against the clock for whoever looks up at the sky."""
        _, ny, nx = self.shape
        right, top = nx - 0.5, ny - 0.5
        x, y = [-0.5, right, right, -0.5], [-0.5, -0.5, top, top]
        if np.linalg.det(self.celestial.pixel_scale_matrix) > 0:
            x, y = x[::-1], y[::-1]
        corners = _to_sky(self.celestial, x, y)
        if not (np.isfinite(corners.ra.deg).all() and np.isfinite(corners.dec.deg).all()):
            raise NotACube("the celestial axes put a corner of the field off the sky")
        return corners


def _slab_depth(plane_bytes: int) -> int:
    few = min(QUICK_SLAB_PLANES, SLAB_BYTES // plane_bytes)
    return max(1, few, min(QUICK_SLAB_BYTES, SLAB_BYTES) // plane_bytes)


def _read_structure(file: BinaryIO) -> tuple[Hdu, ...]:
    length = os.fstat(file.fileno()).st_size
    _check_beginning(file.read(9), length)
    hdus: list[Hdu] = []
    position = 0
    while position < length:
        file.seek(position)
        header = _read_header(file, number=len(hdus))
        hdu = Hdu(header, file.tell(), _data_size(header))
        position = hdu.data_offset + -(-hdu.data_size // BLOCK) * BLOCK
        if position > length:
            raise BrokenFits(f"truncated: HDU {len(hdus)} should end at byte {position}, the file has {length}")
        hdus.append(hdu)
    return tuple(hdus)


def _check_beginning(beginning: bytes, length: int) -> None:
    if length == 0:
        raise BrokenFits("the file is empty")
    if beginning.startswith(b"\x1f\x8b"):
        raise BrokenFits("the file is compressed with gzip: unpack it first")
    if beginning != b"SIMPLE  =":
        raise BrokenFits("not a FITS file: it does not begin with SIMPLE")


def _read_header(file: BinaryIO, *, number: int) -> fits.Header:
    """Read one header up to the end of its last block."""
    blocks = bytearray()
    while len(blocks) < LONGEST_HEADER:
        block = file.read(BLOCK)
        if len(block) < BLOCK:
            raise BrokenFits(f"truncated: the file ends within the header of HDU {number}")
        blocks += block
        if number and not blocks.startswith(b"XTENSION="):
            raise BrokenFits(f"the bytes after HDU {number - 1} are no FITS extension")
        if any(block[card : card + 8] == b"END     " for card in range(0, BLOCK, 80)):
            text = blocks.decode("ascii", "replace").replace("\ufffd", "?")
            return fits.Header.fromstring(text)
    raise BrokenFits(f"the header of HDU {number} has no end")


def _data_size(header: fits.Header) -> int:
    """Count the bytes of data that a header promises."""
    bits = _whole(header, "BITPIX")
    if bits not in DTYPES:
        raise BrokenFits(f"BITPIX cannot be {bits}")
    shape = _shape(header)
    elements = math.prod(shape) if shape else 0
    return abs(bits) // 8 * _whole(header, "GCOUNT", 1) * (_whole(header, "PCOUNT", 0) + elements)


def _shape(header: fits.Header) -> tuple[int, ...]:
    return tuple(_whole(header, f"NAXIS{axis}") for axis in range(min(_whole(header, "NAXIS"), 999), 0, -1))


def _whole(header: fits.Header, keyword: str, default: int | None = None) -> int:
    """Return a structural keyword; only BITPIX may be negative."""
    value = _value(header, keyword, default)
    if not isinstance(value, int) or (value < 0 and keyword != "BITPIX"):
        raise BrokenFits(f"{keyword} should be a whole number, not {value!r}")
    return value


def _value(header: fits.Header, keyword: str, default: object = None) -> object:
    try:
        value: object = header.get(keyword, default)
    except (ValueError, fits.VerifyError) as error:
        raise BrokenFits(f"the header card of {keyword} cannot be read") from error
    return value


def _number(header: fits.Header, keyword: str, default: float | None = None) -> float:
    value = _value(header, keyword, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise NotACube(f"{keyword} should be a number, not {value!r}")
    return float(value)


def _text(header: fits.Header, keyword: str) -> str:
    """Return a text, empty when there is none; what is no text is given as it would be written."""
    return str(_value(header, keyword, "")).strip()


def _find_data(hdus: tuple[Hdu, ...]) -> Hdu:
    images = [hdu for hdu in hdus if hdu.is_image and len(hdu.shape) == 3]
    named = [hdu for hdu in images if hdu.name == "DATA"]
    if not images:
        raise NotACube("no image of three axes in the file")
    data = (named or images)[0]
    if data.data_size == 0:
        raise NotACube(f"the image is empty: its shape is {data.shape}")
    return data


def _wavelengths(header: fits.Header) -> NDArray[np.float64]:
    """Return the wavelength of each plane in Angstrom, air or vacuum as the cube has it."""
    kind, unit = _text(header, "CTYPE3"), _text(header, "CUNIT3")
    if kind not in list(WaveKind):
        raise NotACube(f"no usable spectral axis: CTYPE3 is {kind!r}, neither AWAV nor WAVE")
    if unit.lower() not in ANGSTROMS:
        raise NotACube(f"no usable spectral axis: CUNIT3 is {unit!r}, no unit of length we know")
    if any(_number(header, f"CD{axes}", 0.0) for axes in ("1_3", "2_3", "3_1", "3_2")):
        raise NotACube("no usable spectral axis: it is mixed with the celestial ones")
    step = _number(header, "CD3_3", _number(header, "CDELT3", 0.0) * _number(header, "PC3_3", 1.0))
    if step <= 0:
        raise NotACube("no usable spectral axis: neither CD3_3 nor CDELT3 gives a step above 0")
    planes = np.arange(_shape(header)[0], dtype=np.float64)
    first = _number(header, "CRVAL3") + (1 - _number(header, "CRPIX3", 0.0)) * step
    return (first + planes * step) * ANGSTROMS[unit.lower()]


def _celestial_wcs(header: fits.Header, primary: fits.Header) -> WCS:
    """Return the celestial axes, made from nothing but the cards that define them: the rest is what WCS warns of."""
    keywords = {card.keyword for card in header.cards if CELESTIAL_KEYWORD.fullmatch(card.keyword)}
    if any(keyword.startswith(("CD1", "CD2")) for keyword in keywords):
        keywords = {keyword for keyword in keywords if not keyword.startswith(("CDELT", "CROTA", "PC"))}
    cards = {word: (_text if word.startswith(("CT", "CU")) else _number)(header, word) for word in sorted(keywords)}
    frames = [_text(source, keyword) for source in (header, primary) for keyword in ("RADESYS", "RADECSYS")]
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


@dataclass(frozen=True)
class _Scaling:
    """What turns stored values into physical ones: BSCALE, BZERO and BLANK, read once."""

    scale: float
    zero: float
    blank: float | None

    @classmethod
    def of(cls, header: fits.Header) -> Self:
        has_blank = _whole(header, "BITPIX") > 0 and "BLANK" in header
        blank = _number(header, "BLANK") if has_blank else None
        return cls(_number(header, "BSCALE", 1.0), _number(header, "BZERO", 0.0), blank)

    def physical(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Return the values themselves when there is nothing to do, else new ones with NaN for blank."""
        if self == _Scaling(1, 0, None):
            return stored
        values: NDArray[np.float64] = stored.astype(np.float64) * self.scale + self.zero
        if self.blank is not None:
            values[stored == self.blank] = np.nan
        return values


def _read_into(descriptor: int, buffer: memoryview, offset: int) -> None:
    """Fill the buffer from the file, wherever another thread reads at the same time."""
    done = 0
    while done < len(buffer):
        count = os.preadv(descriptor, [buffer[done:]], offset + done)
        if count == 0:
            raise OSError(f"the file ends at byte {offset + done}: it became shorter while it was read")
        done += count
