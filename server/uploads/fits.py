"""FITS binary tables, straight out of the mapped file: the first of its tables."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from archive.fits_structure import BrokenFits, Hdu, number, read_structure, text, whole
from schema.published import PublishedColumn
from server.uploads import cells
from server.uploads.cells import ELEMENTS, Places
from server.uploads.columns import arrow_type, checked, is_text, row_schema
from server.uploads.errors import BadCell, UploadError
from server.uploads.limits import Limits

__all__ = ["read"]

BATCH_ROWS: Final = 8192
FORM: Final = re.compile(r"(\d*)([A-Z])([A-Z]?)(?:\(\d*\))?\s*.*", re.ASCII)
DATATYPES: Final = {
    "L": "boolean",
    "B": "unsignedByte",
    "I": "short",
    "J": "int",
    "K": "long",
    "E": "float",
    "D": "double",
    "A": "char",
}
UNSIGNED: Final = {("B", -128.0): "short", ("I", 2.0**15): "int", ("J", 2.0**31): "long", ("K", 2.0**63): "long"}
"""How FITS writes integers of the other sign: by an offset."""


@dataclass(frozen=True)
class _Column:
    """A column of the table: where it lies in a row, how it is stored, and what it is."""

    published: PublishedColumn
    stored: str
    offset: int
    repeat: int
    descriptor: str | None
    scale: float
    zero: float
    null: int | None

    @property
    def width(self) -> int:
        """The bytes of an element."""
        return np.dtype(ELEMENTS[self.stored]).itemsize

    @property
    def row_bytes(self) -> int:
        """The bytes that the column takes in a row."""
        if self.descriptor is not None:
            return self.repeat * (16 if self.descriptor == "Q" else 8)
        return self.repeat * self.width


def read(path: Path, limits: Limits) -> tuple[tuple[PublishedColumn, ...], Iterator[pa.RecordBatch]]:
    """Read the first binary table of a FITS file.

    Raises
    ------
    UploadError
        It is no FITS file or has no table, or columns that cannot be taken.
    """
    try:
        tables = [hdu for hdu in read_structure(path) if text(hdu.header, "XTENSION") == "BINTABLE"]
        if not tables:
            raise UploadError("the FITS file has no binary table")
        hdu = tables[0]
        rows, row_bytes = _extent(hdu)
        columns = _columns(hdu, limits)
    except BrokenFits as error:
        raise UploadError(f"a broken FITS file: {error}") from error
    if sum(column.row_bytes for column in columns) != row_bytes:
        raise UploadError("a broken FITS file: its columns are not as wide as its rows")
    if rows > limits.rows:
        raise UploadError(f"it has more than {limits.rows} rows")
    return tuple(column.published for column in columns), _batches(path, hdu, columns, limits)


def _extent(hdu: Hdu) -> tuple[int, int]:
    shape = hdu.shape
    if len(shape) != 2:
        raise BrokenFits("a table has two axes")
    return shape[0], shape[1]


def _columns(hdu: Hdu, limits: Limits) -> list[_Column]:
    count = whole(hdu.header, "TFIELDS")
    if not 0 < count <= limits.columns:
        raise UploadError(f"a table has 1 to {limits.columns} columns, not {count}")
    found: list[_Column] = []
    offset = 0
    for place in range(1, count + 1):
        column = _column(hdu, place, offset)
        found.append(column)
        offset += column.row_bytes
    checked([column.published for column in found], most=limits.columns)
    return found


def _column(hdu: Hdu, place: int, offset: int) -> _Column:
    header = hdu.header
    name = text(header, f"TTYPE{place}") or f"col{place}"
    form = FORM.fullmatch(text(header, f"TFORM{place}"))
    letter = "" if form is None else (form[3] if form[2] in "PQ" else form[2])
    if form is None or letter not in DATATYPES:
        written = text(header, f"TFORM{place}")
        raise UploadError(f"column '{name[:60]}': values of the form {written[:20]!r} cannot be taken")
    scale, zero = number(header, f"TSCAL{place}", 1.0), number(header, f"TZERO{place}", 0.0)
    null = whole_or_none(hdu, f"TNULL{place}")
    repeat = min(int(form[1] or 1), 1 << 30)
    stored = DATATYPES[letter]
    datatype = stored
    if (scale, zero) != (1, 0) and letter in "BIJKED":
        datatype = UNSIGNED.get((letter, zero), "double") if scale == 1 else "double"
    published = PublishedColumn(
        name=name,
        datatype=datatype,
        arraysize=_size(hdu, place, letter=letter, descriptor=form[2] in "PQ", repeat=repeat),
        xtype=text(header, f"TXTYP{place}") or None,
        unit=text(header, f"TUNIT{place}") or None,
        ucd=text(header, f"TUCD{place}") or None,
        utype=text(header, f"TUTYP{place}") or None,
        description=text(header, f"TCOMM{place}") or None,
    )
    return _Column(published, stored, offset, repeat, form[2] if form[2] in "PQ" else None, scale, zero, null)


def whole_or_none(hdu: Hdu, keyword: str) -> int | None:
    """Return a keyword that is a whole number, of either sign, or None where there is none."""
    if keyword not in hdu.header:
        return None
    value = number(hdu.header, keyword)
    return int(hdu.header[keyword]) if value == int(value) else None


def _size(hdu: Hdu, place: int, *, letter: str, descriptor: bool, repeat: int) -> str | None:
    """Return VOTable's arraysize: texts of any length where nothing else is said, FITS only pads them."""
    axes = re.fullmatch(r"\(\s*(\d{1,9}(?:\s*,\s*\d{1,9})*)\s*\)", text(hdu.header, f"TDIM{place}"))
    if letter == "A":
        return "*"
    if descriptor:
        return "*"
    if axes is not None and math.prod(int(n) for n in axes[1].split(",")) == repeat:
        return "x".join(n.strip() for n in axes[1].split(","))
    return None if repeat == 1 else str(repeat)


def _batches(path: Path, hdu: Hdu, columns: Sequence[_Column], limits: Limits) -> Iterator[pa.RecordBatch]:
    rows, row_bytes = _extent(hdu)
    if not rows or not row_bytes:
        return
    data = np.memmap(path, np.uint8, "r", offset=hdu.data_offset, shape=(hdu.data_size,))
    heap = whole(hdu.header, "THEAP", rows * row_bytes)
    schema = row_schema(column.published for column in columns)
    for first in range(0, rows, BATCH_ROWS):
        starts = np.arange(first, min(first + BATCH_ROWS, rows), dtype=np.int64) * row_bytes
        found = []
        for column in columns:
            try:
                found.append(_values(data, column, _places(data, column, starts, heap, limits)))
            except BadCell as error:
                row = first + error.row + 1
                raise UploadError(f"row {row}, column '{column.published.name}': {error}") from error
        yield pa.RecordBatch.from_arrays(found, schema=schema)


def _places(data: NDArray[np.uint8], column: _Column, rows: NDArray[np.int64], heap: int, limits: Limits) -> Places:
    starts = rows + column.offset
    if column.descriptor is None:
        return Places(starts, np.full(len(rows), column.repeat, np.int64))
    if column.repeat == 0:
        return Places(starts, np.zeros(len(rows), np.int64))
    kind = np.dtype(">i8" if column.descriptor == "Q" else ">i4")
    pairs = data[starts[:, None] + np.arange(2 * kind.itemsize)].view(kind).astype(np.int64).reshape(-1, 2)
    counts, offsets = pairs[:, 0], pairs[:, 1] + heap
    size = len(data)
    wrong = (counts < 0) | (counts > size) | (offsets < 0) | (offsets > size)
    wrong |= np.where(wrong, 0, offsets + counts * column.width) > size
    wrong &= counts != 0
    if wrong.any():
        raise BadCell(int(wrong.argmax()), "it lies outside of the file")
    if int(counts.sum()) * column.width > limits.bytes:
        raise UploadError(f"its cells are larger than {limits.size}")
    return Places(np.where(counts == 0, 0, offsets), counts)


def _values(data: NDArray[np.uint8], column: _Column, places: Places) -> pa.Array:
    if is_text(column.published) or column.published.datatype == "char":
        found = cells.values(data, places, column.published)
        return pc.utf8_rtrim(found, " ") if pa.types.is_string(found.type) else found
    stored = PublishedColumn("", column.stored, column.published.arraysize)
    found = cells.values(data, places, stored, null=column.null)
    if (column.scale, column.zero) == (1, 0):
        return found
    if pa.types.is_list(found.type):
        return pa.ListArray.from_arrays(found.offsets, _scaled(found.values, column))
    return _scaled(found, column)


def _scaled(found: pa.Array, column: _Column) -> pa.Array:
    """Return stored numbers as physical ones."""
    wanted = arrow_type(PublishedColumn("", column.published.datatype))
    mask = found.is_null().to_numpy(zero_copy_only=False)
    if column.published.datatype == "double":
        raw: NDArray[Any] = pc.fill_null(found, 0).to_numpy(zero_copy_only=False).astype(np.float64)
        return pa.array(raw * column.scale + column.zero, wanted, mask=mask)
    whole_numbers = pc.fill_null(found, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    zero = int(column.zero)
    if zero == 2**63:
        if (whole_numbers[~mask] >= 0).any():
            raise BadCell(int(((whole_numbers >= 0) & ~mask).argmax()), "it has more than 63 bits")
        return pa.array(whole_numbers - np.int64(-(2**63)), wanted, mask=mask)
    return pa.array(whole_numbers + zero, wanted, mask=mask)
