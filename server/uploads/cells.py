"""Cells as big-endian bytes, in BINARY, BINARY2 and FITS, as values.

A column's cells are given by where they begin in a buffer and how many elements each has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schema.published import PublishedColumn
from server.uploads import texts
from server.uploads.columns import TEXTS, arrow_type, elements
from server.uploads.errors import BadCell

__all__ = ["ELEMENTS", "Places", "bits", "values"]

ELEMENTS: Final = {
    "boolean": "u1",
    "unsignedByte": "u1",
    "short": ">i2",
    "int": ">i4",
    "long": ">i8",
    "float": ">f4",
    "double": ">f8",
    "char": "u1",
    "unicodeChar": ">u2",
}
TRUE: Final = np.frombuffer(b"Tt1", np.uint8)
FALSE: Final = np.frombuffer(b"Ff0", np.uint8)
UNKNOWN: Final = np.frombuffer(b"\0 ?", np.uint8)


@dataclass(frozen=True)
class Places:
    """Where the cells of a column begin, in bytes, and how many elements each has; shapes (rows,)."""

    starts: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def ends(self) -> NDArray[np.int64]:
        """How many elements the cells up to each one have, with 0 before the first."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.counts)])


def values(
    buffer: NDArray[np.uint8],
    places: Places,
    column: PublishedColumn,
    *,
    null: int | None = None,
    missing: NDArray[np.bool_] | None = None,
) -> pa.Array:
    """Return the values of a column's cells.

    Parameters
    ----------
    buffer
        The bytes in which they lie.
    places
        Where.
    column
        What they are.
    null
        The integer that stands for NULL.
    missing
        Which cells are NULL whatever they hold, shape (rows,).

    Raises
    ------
    BadCell
        A text is not in UTF-8, or no timestamp; a boolean is none.
    """
    found = _elements(buffer, places, np.dtype(ELEMENTS[column.datatype]))
    if column.datatype in TEXTS:
        given = _texts(found, places, column.datatype)
        if missing is not None:
            given = pc.if_else(pa.array(missing), pa.scalar(None, pa.string()), given)
        return texts.moments(given) if column.xtype == "timestamp" else given
    wanted = arrow_type(column)
    flat = _numbers(found, places, column, null)
    if column.arraysize is None:
        return flat if missing is None else pc.if_else(pa.array(missing), pa.scalar(None, wanted), flat)
    mask = None if missing is None else pa.array(missing)
    return pa.ListArray.from_arrays(pa.array(places.ends, pa.int32()), flat, mask=mask)


def bits(
    buffer: NDArray[np.uint8], places: Places, column: PublishedColumn, missing: NDArray[np.bool_] | None
) -> pa.Array:
    """Return booleans that lie by eight in a byte; of one alone, writers disagree which of the eight it is."""
    packed = _elements(buffer, places, np.dtype("u1")).reshape(len(places.counts), -1)
    mask = None if missing is None else pa.array(missing)
    if column.arraysize is None:
        return pa.array(packed.any(axis=1), mask=missing)
    size = elements(column) or 0
    flat = pa.array(np.unpackbits(packed, axis=1)[:, :size].reshape(-1).astype(bool))
    offsets = pa.array(np.arange(len(packed) + 1) * size, pa.int32())
    return pa.ListArray.from_arrays(offsets, flat, mask=mask)


def _elements(buffer: NDArray[np.uint8], places: Places, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return all elements of all cells one after the other."""
    width = dtype.itemsize
    counts = places.counts
    if len(counts) and (counts == counts[0]).all():
        size = int(counts[0]) * width
        rows = buffer[places.starts[:, None] + np.arange(size)] if size else np.empty((len(counts), 0), np.uint8)
        return rows.reshape(-1).view(dtype)
    ends = places.ends
    shift = np.repeat(places.starts - ends[:-1] * width, counts * width)
    return buffer[np.arange(int(ends[-1]) * width) + shift].view(dtype)


def _numbers(found: NDArray[Any], places: Places, column: PublishedColumn, null: int | None) -> pa.Array:
    if column.datatype == "boolean":
        return _truths(found, places)
    element = arrow_type(PublishedColumn("", column.datatype))
    native = found.astype(element.to_pandas_dtype())
    mask = found == null if null is not None and found.dtype.kind in "iu" else None
    return pa.array(native, element, mask=mask, from_pandas=False)


def _truths(found: NDArray[np.uint8], places: Places) -> pa.Array:
    is_true, is_false = np.isin(found, TRUE), np.isin(found, FALSE)
    odd = ~(is_true | is_false | np.isin(found, UNKNOWN))
    if odd.any():
        element = int(odd.argmax())
        row = int(np.searchsorted(places.ends, element, side="right")) - 1
        raise BadCell(row, f"byte {int(found[element])} is no boolean")
    return pa.array(is_true, mask=~(is_true | is_false))


def _texts(found: NDArray[Any], places: Places, datatype: str) -> pa.Array:
    """Return texts, each up to its first NUL: fixed widths are filled up with it."""
    if datatype == "unicodeChar":
        return _wide_texts(found, places)
    if not (found == 0).any():
        offsets = places.ends.astype(np.int32)
        packed = pa.Array.from_buffers(
            pa.binary(), len(places.counts), [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(found))]
        )
        try:
            return packed.cast(pa.string())
        except pa.ArrowInvalid:
            pass  # told below, with its row
    return pa.array(_decoded(found.tobytes(), places.ends.tolist(), "utf-8"), pa.string())


def _wide_texts(found: NDArray[Any], places: Places) -> pa.Array:
    ends = (places.ends * 2).tolist()
    return pa.array(_decoded(found.tobytes(), ends, "utf-16-be"), pa.string())


def _decoded(content: bytes, ends: Sequence[int], encoding: str) -> list[str]:
    found = []
    for row, (start, end) in enumerate(pairwise(ends)):
        try:
            found.append(content[start:end].decode(encoding).partition("\0")[0])
        except UnicodeDecodeError as error:
            raise BadCell(row, f"its text is not in {encoding.upper()}") from error
    return found
