"""A FITS file written anew with other headers: its pixels pass in pieces and stay bit for bit what they are."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from astropy.io import fits

from archive.fits_structure import BLOCK, Hdu
from processing.phase3 import checksums

__all__ = ["Part", "copied", "structural"]

PIECE: Final = 1456 * BLOCK
"""Some 4 MB."""

SUMS: Final = ("CHECKSUM", "DATASUM")
FORM: Final = ("SIMPLE", "XTENSION", "BITPIX", "NAXIS", "EXTEND", "PCOUNT", "GCOUNT")
SCALING: Final = ("BSCALE", "BZERO", "BLANK")
COMMENTS: Final = {
    "SIMPLE": "FITS standard",
    "XTENSION": "image",
    "BITPIX": "bits of a pixel, negative for floats",
    "NAXIS": "number of axes",
    "EXTEND": "there may be extensions",
    "PCOUNT": "no parameters",
    "GCOUNT": "one group",
}


@dataclass(frozen=True)
class Part:
    """An HDU of a file with the header that it is to have, structural keywords left out; None: that which it has."""

    hdu: Hdu
    header: fits.Header | None


def copied(source: Path, parts: Sequence[Part], target: Path) -> int:
    """Write the parts of a file as a new one, with checksums, and return its length; it is on disk afterwards.

    Raises
    ------
    FileExistsError
        There is such a file.
    OSError
        One cannot be read, or not be written.
    """
    with source.open("rb") as reader, target.open("xb") as writer:
        for part in parts:
            _write(reader, writer, part)
        writer.flush()
        os.fsync(writer.fileno())
        return writer.tell()


def structural(hdu: Hdu) -> fits.Header:
    """Return the keywords that say how the data are stored."""
    header = fits.Header()
    axes = [f"NAXIS{n}" for n in range(1, len(hdu.shape) + 1)]
    first = FORM[:4]
    for keyword in (*first, *axes, *FORM[len(first) :], *SCALING):
        if keyword in hdu.header:
            comment = COMMENTS.get(keyword, "length of the axis" if keyword in axes else "")
            header.append((keyword, hdu.header[keyword], comment), end=True)
    return header


def _write(reader: BinaryIO, writer: BinaryIO, part: Part) -> None:
    header = part.hdu.header.copy() if part.header is None else structural(part.hdu)
    if part.header is not None:
        header.extend(part.header.cards, end=True)
    for keyword in SUMS:
        header.remove(keyword, ignore_missing=True, remove_all=True)
    header.append(("CHECKSUM", "0" * 16, "checksum of the HDU"), end=True)
    header.append(("DATASUM", "0", "checksum of the data"), end=True)
    place = writer.tell()
    writer.write(_block(header))
    total = 0
    for piece in _pieces(reader, part.hdu):
        writer.write(piece)
        total = checksums.add(total, piece)
    end = writer.tell()
    header["DATASUM"] = str(total)
    header["CHECKSUM"] = checksums.encoded(checksums.add(total, _block(header)))
    writer.seek(place)
    writer.write(_block(header))
    writer.seek(end)


def _block(header: fits.Header) -> bytes:
    written: str = header.tostring(endcard=True, padding=True)
    return written.encode("ascii")


def _pieces(reader: BinaryIO, hdu: Hdu) -> Iterator[bytes]:
    """Yield the data, filled up to whole blocks with zeros."""
    reader.seek(hdu.data_offset)
    left = hdu.data_size
    while left:
        piece = reader.read(min(PIECE, left))
        if not piece:
            raise OSError(f"the file ends {left} bytes too early: it became shorter while it was read")
        while len(piece) < min(PIECE, left):
            more = reader.read(min(PIECE, left) - len(piece))
            if not more:
                raise OSError("the file became shorter while it was read")
            piece += more
        left -= len(piece)
        yield piece + bytes(-len(piece) % BLOCK)
