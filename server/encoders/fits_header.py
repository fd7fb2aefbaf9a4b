"""The headers before a FITS binary table: how its columns are written and what they mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from astropy.io import fits

from server.adql import OutputColumn

__all__ = ["FitsColumn", "header", "primary"]

CODES: Final = {
    "boolean": ("L", 1),
    "unsignedByte": ("B", 1),
    "short": ("I", 2),
    "int": ("J", 4),
    "long": ("K", 8),
    "float": ("E", 4),
    "double": ("D", 8),
    "char": ("A", 1),
}
"""Letter of TFORM and bytes of an element."""
DESCRIPTOR_BYTES: Final = 16


@dataclass(frozen=True)
class FitsColumn:
    """A column of a FITS table: ``size`` elements a cell; None: cells of up to ``widest`` elements in the heap."""

    column: OutputColumn
    size: int | None
    widest: int
    null: int | None

    @property
    def in_heap(self) -> bool:
        """Whether the rows only say where the cells are."""
        return self.size is None

    @property
    def element_bytes(self) -> int:
        """How wide an element is."""
        return CODES[self.column.datatype][1]

    @property
    def row_bytes(self) -> int:
        """How much of each row the column takes."""
        return DESCRIPTOR_BYTES if self.size is None else self.size * self.element_bytes

    @property
    def form(self) -> str:
        """TFORM."""
        letter = CODES[self.column.datatype][0]
        return f"1Q{letter}({self.widest})" if self.size is None else f"{self.size}{letter}"


def primary() -> bytes:
    """Return the empty primary unit that every FITS file begins with."""
    cards = fits.Header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)])
    return bytes(cards.tostring().encode("ascii"))


def header(columns: Sequence[FitsColumn], *, rows: int, heap: int, overflow: int | None) -> bytes:
    """Return the table's header.

    Parameters
    ----------
    columns
        The table's columns.
    rows
        How many rows follow.
    heap
        How many bytes follow the rows.
    overflow
        The limit that cut the answer, or None.
    """
    table = fits.Header(
        [
            ("XTENSION", "BINTABLE"),
            ("BITPIX", 8),
            ("NAXIS", 2),
            ("NAXIS1", sum(column.row_bytes for column in columns)),
            ("NAXIS2", rows),
            ("PCOUNT", heap),
            ("GCOUNT", 1),
            ("TFIELDS", len(columns)),
            ("EXTNAME", "RESULT"),
        ]
    )
    for number, column in enumerate(columns, 1):
        _describe(table, number, column)
    table["QSTATUS"] = ("OK" if overflow is None else "OVERFLOW", "OVERFLOW: there are more rows than these")
    if overflow is not None:
        table["MAXREC"] = (overflow, "the limit of rows that cut the answer")
    return bytes(table.tostring().encode("ascii"))


def _describe(table: fits.Header, number: int, written: FitsColumn) -> None:
    column = written.column
    keywords = {
        "TTYPE": column.name,
        "TFORM": written.form,
        "TUNIT": column.unit,
        "TNULL": written.null,
        "TUCD": column.ucd,
        "TUTYP": column.utype,
        "TXTYP": column.xtype,
        "TCOMM": column.description,
    }
    for keyword, value in keywords.items():
        if value is not None and value != "":
            table[f"{keyword}{number}"] = _printable(value) if isinstance(value, str) else value


def _printable(words: str) -> str:
    """Return a header's text: FITS allows printable ASCII."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in words)
