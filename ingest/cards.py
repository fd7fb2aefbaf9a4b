"""Read FITS headers fast: bytes in, cards out, only those values parsed that are asked for.

A raw frame of MUSE has some 1,500 cards; a night has hundreds of frames.  Nothing here knows what a keyword means.
FITS Standard 4.0, sections 3 and 4; ESO's HIERARCH convention.
"""

import re
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import repeat
from typing import Final, Protocol, Self

import numpy as np

from archive.fits_structure import BLOCK, BrokenFits
from ingest.sieve import Sieve

__all__ = ["CARD", "Cards", "Value", "read_cards", "sieve_for"]

CARD: Final = 80
FIRST_READ: Final = 48 * BLOCK
LONGEST: Final = 8192 * BLOCK
END: Final = b"END" + b" " * (CARD - 3)
FIRST_PRINTABLE: Final = 0x20
LAST_PRINTABLE: Final = 0x7E
COMMENTARY: Final = (b"COMMENT ", b"HISTORY ", b"CONTINUE", b"        ")
ENDS_OR_BEGINS: Final = (b"END ", b"XTENSION")
NUMBER: Final = re.compile(rb"[+-]?(?:\d+(\.\d*)?|(\.\d+))([ED][+-]?\d+)?", re.IGNORECASE)
PLAIN: Final = b"+-.0123456789"
STRING: Final = re.compile(rb"'((?:[^']|'')*)'\s*(?:/|$)")

Value = str | int | float | bool | None


class Stream(Protocol):
    """What headers are read from: an open file, or what a decompressor gives."""

    def read(self, size: int, /) -> bytes:
        """Return that many bytes, fewer at the end."""
        ...


@dataclass(frozen=True)
class Cards:
    """The cards of one header without END, as they stand in the file.

    With a sieve the values of its keywords are found without taking every card apart; what is found is the same.
    """

    raw: bytes
    sieve: Sieve | None = None

    @cached_property
    def lines(self) -> tuple[bytes, ...]:
        """The cards, 80 bytes each."""
        count = len(self.raw) // CARD
        return struct.unpack("80s" * count, self.raw)

    @cached_property
    def likely(self) -> Sequence[bytes]:
        """The cards among which all those of the sieve's keywords are; without a sieve all cards."""
        if self.sieve is None:
            return self.lines
        return [self.raw[CARD * number : CARD * (number + 1)] for number in self.sieve.picked(self.raw)]

    @cached_property
    def pairs(self) -> list[tuple[bytes, bytes]]:
        """What stands before and behind the first equals sign of each likely card that has one."""
        parts = map(bytes.partition, self.likely, repeat(b"="))
        return [(name.rstrip(), rest) for name, equals, rest in parts if equals]

    @cached_property
    def fields(self) -> dict[bytes, bytes]:
        """What follows the first equals sign, by what stands before it; of repeated keywords the last."""
        return dict(self.pairs)

    @cached_property
    def unsieved(self) -> Self:
        """The same cards without a sieve, for a keyword that it has not."""
        return type(self)(self.raw)

    def text(self) -> str:
        """Return the header as the archive keeps it: one card a line."""
        if self.sieve is None:
            return b"\n".join(self.lines).decode("ascii")
        # Of a long header the lines are not made: an object for each of 1,500 cards costs more than all the rest.
        lines = np.full((len(self.raw) // CARD, CARD + 1), ord("\n"), dtype=np.uint8)
        lines[:, :CARD] = np.frombuffer(self.raw, dtype=np.uint8).reshape(-1, CARD)
        return str(lines.reshape(-1)[:-1].data, "ascii")

    def may_hold_another(self) -> bool:
        """Whether something may be here that ends a header or begins the next; quick enough to be asked always."""
        return any(line.startswith(ENDS_OR_BEGINS) for line in self.likely)

    def value(self, keyword: str) -> Value:
        """Return the value of a keyword, ``ESO ...`` without HIERARCH; None when it is absent or has none.

        Raises
        ------
        BrokenFits
            The card holds no value of FITS: NaN, an open quote, bare words.
        """
        name = _name(keyword)
        found = self.fields.get(name)
        if found is None:
            return None if self._knows([name]) else self.unsieved.value(keyword)
        return _parsed(keyword, found.strip())

    def check_repetitions(self, keywords: Iterable[str]) -> None:
        """See that none of these keywords is repeated with another value.

        Raises
        ------
        BrokenFits
            One is.
        """
        if self.sieve is None and len(self.fields) == len(self.pairs):  # of many headers, so before all else
            return
        names = {_name(keyword): keyword for keyword in keywords}
        if not self._knows(names):
            self.unsieved.check_repetitions(names.values())
        elif len(self.fields) < len(self.pairs):
            _check_repetitions(self.likely, names)

    def _knows(self, names: Iterable[bytes]) -> bool:
        """Whether all cards of these names are among the likely ones."""
        return self.sieve is None or self.sieve.names.issuperset(names)

    @classmethod
    def of(cls, header: bytes, *, number: int, sieve: Sieve | None = None) -> Self:
        """Take the bytes of a header up to END.

        Raises
        ------
        BrokenFits
            A byte is no printable ASCII character.
        """
        values = np.frombuffer(header, dtype=np.uint8)
        if values.size and not FIRST_PRINTABLE <= values.min() <= values.max() <= LAST_PRINTABLE:
            place = next(i for i, byte in enumerate(header) if not FIRST_PRINTABLE <= byte <= LAST_PRINTABLE)
            raise BrokenFits(f"card {place // CARD + 1} of HDU {number} holds the byte {header[place]:#04x}")
        return cls(header, sieve)


def sieve_for(keywords: Iterable[str]) -> Sieve:
    """Return the sieve for long headers of which these keywords are asked for."""
    return Sieve(map(_name, keywords), beginnings=ENDS_OR_BEGINS)


def read_cards(
    stream: Stream, *, number: int, first_read: int = FIRST_READ, sieve: Sieve | None = None
) -> tuple[Cards, bytes]:
    """Read one header; returns its cards and the bytes that were read beyond its last block.

    Parameters
    ----------
    stream
        Stands at the beginning of the HDU.
    number
        Number of the HDU, for error texts.
    first_read
        Bytes to read at first, a multiple of the block.
    sieve
        Where the header is long: made by ``sieve_for`` from the keywords that will be asked for.

    Raises
    ------
    BrokenFits
        The stream ends within the header, there is no END, or a byte is none of a header.
    """
    header = stream.read(first_read)
    _check_beginning(header, number)
    searched = 0
    while (end := _end(header, searched)) is None:
        searched = len(header) - len(header) % BLOCK
        _check_goes_on(header, number)
        more = stream.read(max(first_read, searched))
        if not more:
            raise BrokenFits(f"truncated: the file ends within the header of HDU {number}")
        header += more
    whole = -(-(end + CARD) // BLOCK) * BLOCK
    if len(header) < whole:
        raise BrokenFits(f"truncated: the file ends within the header of HDU {number}")
    if header[end + CARD : whole].strip(b" "):
        raise BrokenFits(f"there is something behind END in the header of HDU {number}")
    cards = Cards.of(header[:end], number=number, sieve=sieve)
    if cards.may_hold_another():
        _check_goes_on(cards.raw, number)
    return cards, header[whole:]


def _end(header: bytes, start: int) -> int | None:
    return _find(header, END, start, every=CARD)


def _find(header: bytes, wanted: bytes, start: int, *, every: int) -> int | None:
    """Find what begins at a multiple of so many bytes."""
    place = header.find(wanted, start)
    while place >= 0 and place % every:
        place = header.find(wanted, place + 1)
    return place if place >= 0 else None


def _check_goes_on(header: bytes, number: int) -> None:
    """See that cards without END do not go on for ever, nor into the header of the next HDU."""
    place = _find(header, b"END ", 0, every=CARD)
    if place is not None and place + CARD <= len(header):
        raise BrokenFits(f"END in the header of HDU {number} is followed by something")
    if len(header) >= LONGEST or _find(header, b"XTENSION=", BLOCK, every=BLOCK) is not None:
        raise BrokenFits(f"the header of HDU {number} has no end")


def _check_beginning(header: bytes, number: int) -> None:
    if number == 0 and not header:
        raise BrokenFits("the file is empty")
    if number == 0 and not header.startswith(b"SIMPLE  ="):
        raise BrokenFits("not a FITS file: it does not begin with SIMPLE")
    if number and not header.startswith(b"XTENSION="):
        raise BrokenFits(f"the bytes after HDU {number - 1} are no FITS extension")


@cache
def _name(keyword: str) -> bytes:
    return (f"HIERARCH {keyword}" if keyword.startswith("ESO ") else keyword).encode()


def _card_name(line: bytes) -> bytes | None:
    """The keyword of a card that has a value."""
    name, equals, _ = line.partition(b"=")
    return name.rstrip() if equals and not line.startswith(COMMENTARY) else None


def _check_repetitions(lines: Sequence[bytes], keywords: Mapping[bytes, str]) -> None:
    counted = Counter(map(_card_name, lines))
    for name, keyword in keywords.items():
        if counted[name] > 1:
            fields = [line.partition(b"=")[2].strip() for line in lines if _card_name(line) == name]
            if len({_parsed(keyword, field) for field in fields}) > 1:
                raise BrokenFits(f"{keyword} is there {counted[name]} times with different values")


def _parsed(keyword: str, field: bytes) -> Value:
    if field.startswith(b"'"):
        return _text(keyword, field)
    bare = field.partition(b"/")[0].rstrip()
    if not bare:
        return None
    if bare in {b"T", b"F"}:
        return bare == b"T"
    try:
        return _number(bare)
    except ValueError as error:
        raise BrokenFits(f"{keyword} cannot be {bare[:40].decode('ascii')}") from error


def _text(keyword: str, field: bytes) -> str:
    end = field.find(b"'", 1)
    behind = field[end + 1 :].lstrip()
    if end > 0 and b"'" not in behind and (not behind or behind.startswith(b"/")):  # nearly always
        return field[1:end].decode("ascii").rstrip()
    string = STRING.match(field)
    if string is None:
        raise BrokenFits(f"{keyword} is a text without end")
    return string[1].decode("ascii").replace("''", "'").rstrip()


def _number(bare: bytes) -> int | float:
    if not bare.strip(PLAIN):  # of nothing but these, as nearly always, Python takes what FITS takes, and is quicker
        return float(bare) if b"." in bare else int(bare)
    number = NUMBER.fullmatch(bare)
    if number is None:
        raise ValueError
    return int(bare) if number.lastindex is None else float(bare.upper().replace(b"D", b"E"))
