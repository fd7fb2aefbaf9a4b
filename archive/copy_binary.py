"""Rows as PostgreSQL's COPY takes them in binary, made of whole columns at once: Python sees no single value.

The format is that of PostgreSQL's documentation of COPY: a count of fields, then each field's length and bytes, all
big-endian; the length of a null is -1, and no bytes follow.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["END", "START", "encoded"]

START: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END: Final = b"\xff\xff"

LENGTH: Final = 4
NULL: Final = np.frombuffer(np.array(-1, ">i4").tobytes(), np.uint8)


def encoded(texts: Sequence[str], whole: NDArray[np.int32], real: NDArray[np.float64]) -> bytes:
    """Return rows of fields: the same texts in each, then int4, then float8.

    Parameters
    ----------
    texts
        What all rows begin with.
    whole
        Shape (rows, fields); below zero is null.
    real
        Shape (rows, fields); what is not finite is null.
    """
    rows = len(whole)
    fields = len(texts) + whole.shape[1] + real.shape[1]
    first = np.array(fields, ">i2").tobytes()
    for text in texts:
        content = text.encode()
        first += np.array(len(content), ">i4").tobytes() + content
    start = np.broadcast_to(np.frombuffer(first, np.uint8), (rows, len(first)))
    parts = [
        (start, np.ones(start.shape, np.bool_)),
        _cells(whole, ">i4", whole < 0),
        _cells(real, ">f8", ~np.isfinite(real)),
    ]
    every = np.concatenate([part for part, _ in parts], axis=1)
    sent: NDArray[np.uint8] = every[np.concatenate([kept for _, kept in parts], axis=1)]
    return sent.tobytes()


def _cells(
    values: NDArray[np.generic], kind: str, null: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return length and bytes of each field, and which of these bytes are sent; both of shape (rows, bytes)."""
    rows, fields = values.shape
    width = np.dtype(kind).itemsize
    cells = np.empty((rows, fields, LENGTH + width), np.uint8)
    cells[..., :LENGTH] = np.frombuffer(np.array(width, ">i4").tobytes(), np.uint8)
    cells[null, :LENGTH] = NULL
    cells[..., LENGTH:] = values.astype(kind).view(np.uint8).reshape(rows, fields, width)
    kept = np.ones(cells.shape, np.bool_)
    kept[null, LENGTH:] = False
    flat = rows, fields * (LENGTH + width)
    return cells.reshape(flat), kept.reshape(flat)
