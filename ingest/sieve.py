"""Which of the many cards of a header may bear one of a few keywords: a first look at all of them at once.

Taking 1,500 cards apart one by one is most of the work of reading a header of which a hundred are asked for.  The
keywords are summed to numbers, all in a few operations of numpy, and cards whose number no wanted keyword has are
passed over.  What passes is only likely: whoever asks looks at those cards themselves.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Sieve"]

CARD: Final = 80
WORD: Final = 8
WORDS: Final = CARD // WORD
SUMMED: Final = 5
"""Of the ten words of a card: those that keywords mostly fit in; of longer ones only their beginning is told apart."""

BLANKS: Final = int.from_bytes(b" " * WORD, "little")
FACTOR: Final = 0x9E3779B97F4A7C15
"""An odd number that spreads sums over all of 64 bits; its powers weigh the words of a card."""

WEIGHTS: Final = np.array([pow(FACTOR, power, 1 << 64) for power in range(1, SUMMED + 1)], dtype=np.uint64)
BEFORE: Final = np.tri(CARD, SUMMED * WORD, k=-1, dtype=np.uint8).view(np.uint64) * np.uint64(0xFF)
"""Row n keeps the first n bytes of a card."""

BITS: Final = 16
"""Of a sum these, its highest, tell cards apart: of 1,500 cards some two pass that need not."""


class Sieve:
    """Lets the cards pass that bear one of these keywords, as they stand before the equals sign, and few others.

    Parameters
    ----------
    names
        Keywords without blanks at their end, each shorter than a card.
    beginnings
        What cards begin with, eight bytes at most, that pass too, with a value or without.
    """

    def __init__(self, names: Iterable[bytes], beginnings: Iterable[bytes] = ()) -> None:
        self.names = frozenset(names)
        self._passes = np.zeros(1 << BITS, dtype=bool)
        self._passes[_sums(_words(b"".join(name.ljust(CARD - 1) + b"=" for name in sorted(self.names))))] = True
        self._beginnings = [_beginning(each) for each in beginnings]

    def picked(self, header: bytes) -> list[int]:
        """Return the numbers, from 0, of the cards that pass, in order."""
        words = _words(header)
        passes = self._passes[_sums(words)]
        for mask, first in self._beginnings:
            passes |= words[:, 0] & mask == first
        found: list[int] = np.flatnonzero(passes).tolist()
        return found


def _words(header: bytes) -> NDArray[np.uint64]:
    return np.frombuffer(header, dtype="<u8").reshape(-1, WORDS)


def _sums(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Sum up what stands before the first equals sign of each card, blanks as nothing; without one that is nothing."""
    equals = (words.view(np.uint8) == ord("=")).argmax(axis=1)
    kept = (words[:, :SUMMED] ^ np.uint64(BLANKS)) & BEFORE.take(equals, axis=0)
    sums: NDArray[np.uint64] = kept @ WEIGHTS >> np.uint64(64 - BITS)
    return sums


def _beginning(text: bytes) -> tuple[np.uint64, np.uint64]:
    """Return which bytes of a card's first word to look at, and what they must be."""
    return np.uint64(int.from_bytes(b"\xff" * len(text), "little")), np.uint64(int.from_bytes(text, "little"))
