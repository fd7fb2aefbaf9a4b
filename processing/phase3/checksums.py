"""DATASUM and CHECKSUM of FITS: 32-bit sums in ones' complement, piece by piece, and as 16 printable characters."""

from typing import Final

import numpy as np

__all__ = ["add", "encoded"]

WORD: Final = 4
FOLD: Final = (1 << 32) - 1
PUNCTUATION: Final = frozenset([*range(0x3A, 0x41), *range(0x5B, 0x61)])


def add(total: int, piece: bytes | memoryview) -> int:
    """Return a sum with the next piece added, which is a whole number of words long."""
    words = np.frombuffer(piece, dtype=">u4")
    total += int(words.sum(dtype=np.uint64))
    while total > FOLD:
        total = (total & FOLD) + (total >> 32)
    return total


def encoded(total: int) -> str:
    """Return the complement of a sum as CHECKSUM has it: added to the rest of the HDU it makes all ones.

    Each byte is shared out among four letters or digits, whose punctuation is moved away in pairs; the whole is turned
    by one place, since the text of a card begins in its twelfth column.
    """
    value = FOLD - total
    letters = [0] * 16
    for place in range(WORD):
        byte = value >> (24 - 8 * place) & 0xFF
        quarter = [byte // 4 + 0x30] * WORD
        quarter[0] += byte % 4
        while any(letter in PUNCTUATION for letter in quarter):
            for low in (0, 2):
                if quarter[low] in PUNCTUATION or quarter[low + 1] in PUNCTUATION:
                    quarter[low] += 1
                    quarter[low + 1] -= 1
        for part in range(WORD):
            letters[WORD * part + place] = quarter[part]
    return bytes([letters[-1], *letters[:-1]]).decode("ascii")
