"""Write a cube as a stream: DATA, STAT and DQ in one file, planes as they come, checksums without reading it again.

The release's layout: variance in STAT, DQ one byte a voxel, 1 where there is no value.
"""

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from archive.fits_structure import BLOCK
from archive.products import HeaderText
from processing.phase3.checksums import add, encoded

__all__ = ["EXTENSIONS", "CubeFile"]

EXTENSIONS: Final[Mapping[str, tuple[int, str]]] = {"DATA": (-32, ">f4"), "STAT": (-32, ">f4"), "DQ": (8, ">u1")}
"""Name -> BITPIX and type."""

WORD: Final = 4
NO_ROOM_IN_ADVANCE: Final = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
"""What file systems say that cannot take it."""


@dataclass
class _Part:
    """An extension: its header, where header and data begin, and the sum of what was written of it."""

    header: fits.Header
    place: int
    data: int
    dtype: np.dtype[Any]
    total: int = field(default=0)


class CubeFile:
    """A file that is filled plane by plane, in any order, each plane once; to be used as a context manager.

    Parameters
    ----------
    target
        Empty, writable and seekable.
    primary
        Header of the primary HDU, without structural keywords.
    headers
        Headers of DATA, STAT and DQ, likewise.
    shape
        Planes, rows, columns.
    room
        Blocks of 2880 bytes for the primary header, when it is told last.
    """

    def __init__(
        self,
        target: BinaryIO,
        primary: fits.Header,
        headers: Mapping[str, fits.Header],
        shape: tuple[int, int, int],
        *,
        room: int = 0,
    ) -> None:
        self._target: Final = target
        self._shape: Final = shape
        self._primary: Final = _Part(fits.Header(), 0, 0, np.dtype(">u1"))
        self._room = room
        self.describe(primary)
        place = self._room * BLOCK
        self._parts: Final[dict[str, _Part]] = {}
        for name, (bitpix, dtype) in EXTENSIONS.items():
            header = _summed(_structural(headers[name], name, bitpix, shape))
            data = place + len(_block(header))
            self._parts[name] = _Part(header, place, data, np.dtype(dtype))
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            place = data + -(-size // BLOCK) * BLOCK
        self._length: Final = place

    def __enter__(self) -> Self:
        """Take the room on the disk: whether it is full is known before the work is done.

        Raises
        ------
        OSError
            The disk is full.
        """
        _take_room(self._target, self._length)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish()

    def describe(self, primary: fits.Header) -> None:
        """Set the primary header.

        Raises
        ------
        ValueError
            There is no room for it.
        """
        self._primary.header = _summed(fits.PrimaryHDU(header=primary).header)
        blocks = len(_block(self._primary.header)) // BLOCK
        self._room = self._room or blocks
        if blocks > self._room:
            raise ValueError(f"a header of {blocks} blocks has room for {self._room}")
        while blocks < self._room:  # empty cards before END, as the standard allows
            self._primary.header.append(end=True)
            blocks = len(_block(self._primary.header)) // BLOCK

    def write(
        self, start: int, data: NDArray[np.floating], variance: NDArray[np.floating], mask: NDArray[np.bool_]
    ) -> None:
        """Write neighbouring planes from plane ``start`` on; each array of shape (n, rows, columns)."""
        for name, planes in (("DATA", data), ("STAT", variance), ("DQ", mask)):
            part = self._parts[name]
            plane_bytes = self._shape[1] * self._shape[2] * part.dtype.itemsize
            for number, plane in enumerate(planes, start):  # one at a time, in memory that is used again
                content = plane.astype(part.dtype).data.cast("B")
                self._target.seek(part.data + number * plane_bytes)
                self._target.write(content)
                part.total = add(part.total, _aligned(content, number * plane_bytes))

    def headers(self) -> tuple[HeaderText, ...]:
        """Return the headers as the archive keeps them, once the file is whole."""
        parts = [self._primary, *self._parts.values()]
        names = [None, *self._parts]
        return tuple(
            HeaderText(n, name, "\n".join(str(card).rstrip() for card in part.header.cards))
            for n, (name, part) in enumerate(zip(names, parts, strict=True))
        )

    def _finish(self) -> None:
        for part in self._parts.values():
            size = int(np.prod(self._shape)) * part.dtype.itemsize
            self._target.seek(part.data + size)
            self._target.write(bytes(-size % BLOCK))
        for part in (self._primary, *self._parts.values()):
            part.header["DATASUM"] = str(part.total)
            part.header["CHECKSUM"] = "0" * 16
            part.header["CHECKSUM"] = encoded(add(part.total, _block(part.header)))
            self._target.seek(part.place)
            self._target.write(_block(part.header))
        self._target.seek(self._length)


def _structural(header: fits.Header, name: str, bitpix: int, shape: tuple[int, int, int]) -> fits.Header:
    first = fits.Header()
    first["XTENSION"], first["BITPIX"], first["NAXIS"] = "IMAGE", bitpix, 3
    first["NAXIS1"], first["NAXIS2"], first["NAXIS3"] = shape[2], shape[1], shape[0]
    first["PCOUNT"], first["GCOUNT"], first["EXTNAME"] = 0, 1, name
    first.extend((card for card in header.cards if card.keyword not in first), end=True)
    return first


def _summed(header: fits.Header) -> fits.Header:
    header["CHECKSUM"] = ("0" * 16, "checksum of the HDU")
    header["DATASUM"] = ("0" * 10, "checksum of the data")
    return header


def _block(header: fits.Header) -> bytes:
    return bytes(header.tostring(), "ascii")


def _aligned(content: memoryview, offset: int) -> bytes | memoryview:
    """Return a piece with zeros before and after it, so that its words are those of the whole."""
    before = offset % WORD
    after = -(before + len(content)) % WORD
    return bytes(before) + content + bytes(after) if before or after else content


def _take_room(target: BinaryIO, length: int) -> None:
    """Take the room of a file, where there is a disk and it lets us."""
    try:
        os.posix_fallocate(target.fileno(), 0, length)
    except OSError as error:  # a file in memory raises one without a number
        if error.errno is not None and error.errno not in NO_ROOM_IN_ADVANCE:
            raise
