"""Rows as PostgreSQL's COPY takes them in binary, made of whole columns at once: Python sees no single value.

The format is that of PostgreSQL's documentation of COPY: a count of fields, then each field's length and bytes, all
big-endian; the length of a null is -1, and no bytes follow.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["END", "START", "encoded"]

START: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END: Final = b"\xff\xff"

LENGTH: Final = 4
"""Bytes of a field's length."""

NULL: Final = 255
"""Each of the bytes of -1."""

NOT_FINITE: Final = 0x7FF0000000000000
"""Bits that are all set in the exponent of a number that is none."""


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
    start = np.array(len(texts) + whole.shape[1] + real.shape[1], ">i2").tobytes()
    for text in texts:
        content = text.encode()
        start += np.array(len(content), ">i4").tobytes() + content
    most = len(start) + whole.shape[1] * (LENGTH + 4) + real.shape[1] * (LENGTH + 8)
    room = np.empty(len(whole) * most, np.uint8)
    used = _compiled()(room, np.frombuffer(start, np.uint8), whole, real.view(np.int64))
    return bytes(room[:used])


@cache
def _compiled() -> Callable[..., int]:
    import numba  # half a second to import, and few need it

    write: Callable[..., int] = numba.njit(nogil=True)(_write)
    return write


def _write(  # noqa: C901  compiled as a whole: a call for each field would have to be compiled, too
    room: NDArray[np.uint8], start: NDArray[np.uint8], whole: NDArray[np.int32], real: NDArray[np.int64]
) -> int:
    """Write the rows, numbers by their bits, and return how many bytes they take."""
    at: Any = 0
    for row in range(whole.shape[0]):
        for byte in start:
            room[at] = byte
            at += 1
        for field in range(whole.shape[1]):
            bits = whole[row, field]
            is_null = bits < 0
            for place in range(LENGTH):
                room[at + place] = NULL if is_null else 4 * (place == LENGTH - 1)
            at += LENGTH
            if not is_null:
                for place in range(4):
                    room[at + place] = (bits >> (24 - 8 * place)) & 255
                at += 4
        for field in range(real.shape[1]):
            number = real[row, field]
            is_null = (number & NOT_FINITE) == NOT_FINITE
            for place in range(LENGTH):
                room[at + place] = NULL if is_null else 8 * (place == LENGTH - 1)
            at += LENGTH
            if not is_null:
                for place in range(8):
                    room[at + place] = (number >> (56 - 8 * place)) & 255
                at += 8
    return int(at)
