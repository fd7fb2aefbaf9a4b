"""Cells as big-endian bytes: what VOTable's BINARY and BINARY2 and FITS share."""

from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from server.adql import OutputColumn
from server.encoders.text import as_text, content

__all__ = ["LOWEST", "Bytes", "Cells", "cells", "fixed_size", "is_text", "padded", "rows_of"]

Bytes = NDArray[np.uint8]

NUMBERS: Final = {
    "unsignedByte": "u1",
    "short": ">i2",
    "int": ">i4",
    "long": ">i8",
    "float": ">f4",
    "double": ">f8",
}
LOWEST: Final = {"unsignedByte": 255, "short": -(2**15), "int": -(2**31), "long": -(2**63)}
"""The integers that stand for NULL where a format has nothing better: the lowest, and 255 for bytes."""


@dataclass(frozen=True)
class Cells:
    """The elements of a column's cells one after the other, and how many each cell has: none where it is NULL."""

    counts: NDArray[np.int64]
    elements: NDArray[Any]

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each cell begins, and where the last one ends, in bytes."""
        return np.concatenate([[0], np.cumsum(self.counts)]) * self.elements.itemsize

    def joined(self) -> pa.Array:
        """Return every cell's bytes, shape (rows,), as Arrow's binary."""
        offsets = self.starts.astype(np.int32)
        return pa.Array.from_buffers(
            pa.binary(), len(self.counts), [None, pa.py_buffer(offsets), pa.py_buffer(self.elements)]
        )


def is_text(column: OutputColumn) -> bool:
    """Tell whether the cells of a column are texts."""
    return column.datatype in {"char", "unicodeChar"}


def fixed_size(column: OutputColumn) -> int | None:
    """Return how many elements every cell of a column has; None where that is each cell's own."""
    if column.arraysize is None:
        return 1
    return None if column.arraysize.endswith("*") else prod(int(n) for n in column.arraysize.split("x"))


def cells(values: pa.Array, datatype: str, *, null: int | None = None) -> Cells:
    """Return the cells of a column that holds texts or arrays, or numbers one to a cell.

    ``null`` stands for NULL among integers and booleans; without it that is 0.  Among floats it is NaN.
    """
    if datatype == "unicodeChar":
        return _utf16(pc.fill_null(as_text(values), ""))
    if datatype == "char":
        text = pc.fill_null(as_text(values), "")
        return Cells(_counts(pc.binary_length(text)), np.frombuffer(content(text), np.uint8))
    if pa.types.is_list(values.type):
        counts = _counts(pc.fill_null(pc.list_value_length(values), 0))
        return Cells(counts, _numbers(values.flatten(), datatype, null))
    return Cells(np.ones(len(values), np.int64), _numbers(values, datatype, null))


def padded(found: Cells, size: int) -> Bytes:
    """Return cells as bytes, shape (rows, bytes), each cut or filled up to ``size`` elements: floats with NaN."""
    fill = np.nan if found.elements.dtype.kind == "f" else 0
    filled = np.full((len(found.counts), size), fill, found.elements.dtype)
    if (found.counts == size).all():
        filled[:] = found.elements.reshape(filled.shape)
    else:
        inside = np.arange(found.counts.max(initial=0)) < found.counts[:, None]
        whole = np.full(inside.shape, fill, found.elements.dtype)
        whole[inside] = found.elements
        width = min(size, whole.shape[1])
        filled[:, :width] = whole[:, :width]
    return filled.view(np.uint8).reshape(len(filled), -1)


def rows_of(parts: list[Bytes | pa.Array]) -> bytes:
    """Return rows whose cells follow each other: parts of fixed width, shape (rows, bytes), and binary of any."""
    pieces: list[pa.Array] = []
    run: list[Bytes] = []
    for part in parts:
        if isinstance(part, np.ndarray):
            run.append(part)
        else:
            pieces += [_binary(run), part] if run else [part]
            run = []
    if not pieces:
        return np.concatenate(run, axis=1).tobytes()
    if run:
        pieces.append(_binary(run))
    return content(pc.binary_join_element_wise(*pieces, pa.scalar(b"", pa.binary())))


def _binary(run: list[Bytes]) -> pa.Array:
    joined = np.concatenate(run, axis=1)
    count, width = joined.shape
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(width)
    return pa.Array.from_buffers(pa.binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(joined)])


def _counts(lengths: pa.Array) -> NDArray[np.int64]:
    return np.asarray(lengths.to_numpy(zero_copy_only=False), np.int64)


def _numbers(values: pa.Array, datatype: str, null: int | None) -> NDArray[Any]:
    if datatype == "boolean":
        letters = pc.if_else(values, pa.scalar(ord("T"), pa.uint8()), pa.scalar(ord("F"), pa.uint8()))
        return np.asarray(pc.fill_null(letters, null or 0).to_numpy(zero_copy_only=False))
    missing = np.nan if datatype in {"float", "double"} else null or 0
    filled = pc.fill_null(values, pa.scalar(missing, values.type)) if values.null_count else values
    return np.asarray(filled.to_numpy(zero_copy_only=False).astype(NUMBERS[datatype]))


def _utf16(text: pa.StringArray) -> Cells:
    letters = content(text)
    if letters.isascii():
        return Cells(_counts(pc.binary_length(text)), np.frombuffer(letters, np.uint8).astype(">u2"))
    pairs = pc.count_substring_regex(text, pattern=r"[\x{10000}-\x{10FFFF}]")
    elements = np.frombuffer(letters.decode().encode("utf-16-be"), ">u2")
    return Cells(_counts(pc.add(pc.utf8_length(text), pairs)), elements)
