"""How a FITS file is built: its headers, where the data of each lie, what turns stored values into physical ones.

It reads no data and judges nothing but whether the file is whole: it serves whoever meets a FITS file first, cube or
not.  ``archive.cube`` reads the voxels of those that are cubes.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

__all__ = ["BLOCK", "BrokenFits", "Hdu", "Scaling", "number", "read_structure", "structure_of", "text", "whole"]

BLOCK: Final = 2880
LONGEST_HEADER: Final = 8192 * BLOCK
DTYPES: Final = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


class BrokenFits(ValueError):
    """The file is no FITS file, or not all of one."""


@dataclass(frozen=True)
class Hdu:
    """One header with the place of its data in the file, in bytes, without the padding."""

    header: fits.Header
    data_offset: int
    data_size: int

    @property
    def name(self) -> str:
        """EXTNAME in capitals, empty when there is none."""
        return text(self.header, "EXTNAME").upper()

    @property
    def is_image(self) -> bool:
        """Whether the data are pixels: the primary array or an IMAGE extension."""
        return "SIMPLE" in self.header or text(self.header, "XTENSION") == "IMAGE"

    @property
    def shape(self) -> tuple[int, ...]:
        """The data's shape, slowest axis first as numpy has it."""
        return _shape(self.header)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the values as stored."""
        return np.dtype(DTYPES[whole(self.header, "BITPIX")])


@dataclass(frozen=True)
class Scaling:
    """What turns stored values into physical ones: BSCALE, BZERO and BLANK, read once."""

    scale: float
    zero: float
    blank: float | None

    @classmethod
    def of(cls, header: fits.Header) -> Self:
        """Read the cards of a header."""
        has_blank = whole(header, "BITPIX") > 0 and "BLANK" in header
        blank = number(header, "BLANK") if has_blank else None
        return cls(number(header, "BSCALE", 1.0), number(header, "BZERO", 0.0), blank)

    def physical(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Return the values themselves when there is nothing to do, else new ones with NaN for blank."""
        if self == Scaling(1, 0, None):
            return stored
        values: NDArray[np.float64] = stored.astype(np.float64) * self.scale + self.zero
        if self.blank is not None:
            values[stored == self.blank] = np.nan
        return values


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
        return structure_of(file)


def structure_of(file: BinaryIO) -> tuple[Hdu, ...]:
    """Read all headers of an open file, from its beginning; else as ``read_structure``."""
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


def whole(header: fits.Header, keyword: str, default: int | None = None) -> int:
    """Return a structural keyword; only BITPIX may be negative."""
    value = _value(header, keyword, default)
    if not isinstance(value, int) or (value < 0 and keyword != "BITPIX"):
        raise BrokenFits(f"{keyword} should be a whole number, not {value!r}")
    return value


def number(header: fits.Header, keyword: str, default: float | None = None) -> float:
    """Return a finite number; what else stands there, or nothing without a default, is refused."""
    value = _value(header, keyword, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BrokenFits(f"{keyword} should be a number, not {value!r}")
    return float(value)


def text(header: fits.Header, keyword: str) -> str:
    """Return a text, empty when there is none; what is no text is given as it would be written."""
    return str(_value(header, keyword, "")).strip()


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
            return fits.Header.fromstring(blocks.decode("ascii", "replace").replace("\ufffd", "?"))
    raise BrokenFits(f"the header of HDU {number} has no end")


def _data_size(header: fits.Header) -> int:
    """Count the bytes of data that a header promises."""
    bits = whole(header, "BITPIX")
    if bits not in DTYPES:
        raise BrokenFits(f"BITPIX cannot be {bits}")
    shape = _shape(header)
    elements = math.prod(shape) if shape else 0
    return abs(bits) // 8 * whole(header, "GCOUNT", 1) * (whole(header, "PCOUNT", 0) + elements)


def _shape(header: fits.Header) -> tuple[int, ...]:
    return tuple(whole(header, f"NAXIS{axis}") for axis in range(min(whole(header, "NAXIS"), 999), 0, -1))


def _value(header: fits.Header, keyword: str, default: object = None) -> object:
    try:
        value: object = header.get(keyword, default)
    except (ValueError, fits.VerifyError) as error:
        raise BrokenFits(f"the header card of {keyword} cannot be read") from error
    return value
