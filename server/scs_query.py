"""From the parameters of Simple Cone Search 1.03 to ADQL over one table.  Pure: text in, text out.

Every published table can be searched whose rows have a name and a position of their own, which their UCDs tell.
"""

import math
from dataclasses import dataclass
from typing import Final

from werkzeug.datastructures import MultiDict

from schema.published import PublishedColumn, PublishedTable, catalogue
from server.dali import UsageError

__all__ = ["MEANINGS", "Searchable", "searchable", "to_adql", "wants_no_rows"]

MEANINGS: Final = ("ID_MAIN", "POS_EQ_RA_MAIN", "POS_EQ_DEC_MAIN")
"""The old UCDs by which clients of cone searches know the name and the position of a row."""

RANGES: Final = {"RA": (0.0, 360.0), "DEC": (-90.0, 90.0), "SR": (0.0, 180.0)}


@dataclass(frozen=True)
class Searchable:
    """A table that can be searched, with the columns of its rows' name and position."""

    table: PublishedTable
    identifier: PublishedColumn
    ra: PublishedColumn
    dec: PublishedColumn

    @property
    def required(self) -> tuple[str, str, str]:
        """The names of the columns that every answer has, in the order of ``MEANINGS``."""
        return self.identifier.name, self.ra.name, self.dec.name

    def columns(self, verbosity: int) -> list[str]:
        """Return the names of the columns of an answer: the required ones, those of most interest, or all."""
        return [
            column.name
            for column in self.table.columns
            if verbosity == 3 or column.name in self.required or (verbosity == 2 and column.principal)
        ]


def searchable() -> dict[str, Searchable]:
    """Return the tables that can be searched, by the names that queries use."""
    found = {}
    for table in catalogue():
        identifier, ra, dec = (_main(table, word) for word in ("meta.id", "pos.eq.ra", "pos.eq.dec"))
        if identifier is not None and identifier.datatype == "char" and ra is not None and dec is not None:
            found[table.qualified] = Searchable(table, identifier, ra, dec)
    return found


def to_adql(searched: Searchable, given: MultiDict[str, str]) -> str:
    """Return the query that the parameters mean.

    Raises
    ------
    UsageError
        A value is missing or cannot be understood; the text names the parameter.
    """
    ra, dec, radius = (_number(name, given) for name in RANGES)
    columns = ", ".join(f'"{name}"' for name in searched.columns(_verbosity(given)))
    place = f'POINT("{searched.ra.name}", "{searched.dec.name}")'
    cone = f"CIRCLE({ra!r}, {dec!r}, {radius!r})"
    return f"SELECT {columns} FROM {searched.table.qualified} WHERE 1 = CONTAINS({place}, {cone})"


def wants_no_rows(given: MultiDict[str, str]) -> bool:
    """Tell whether a client asks for the columns alone, as the standard lets it: by a radius of zero."""
    return _number("SR", given) == 0


def _main(table: PublishedTable, word: str) -> PublishedColumn | None:
    """Return the column with this UCD that is the main one."""
    for column in table.columns:
        first, *more = (column.ucd or "").split(";")
        if first == word and "meta.main" in more:
            return column
    return None


def _number(name: str, given: MultiDict[str, str]) -> float:
    value = given.get(name, "").strip()
    lowest, highest = RANGES[name]
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not lowest <= number <= highest:
        found = f"not {value[:40]!r}" if value else "and is missing"
        raise UsageError(f"{name} must be a number of degrees from {lowest:g} to {highest:g}, {found}")
    return number


def _verbosity(given: MultiDict[str, str]) -> int:
    value = given.get("VERB", "").strip() or "2"
    if value not in {"1", "2", "3"}:
        raise UsageError(f"VERB must be 1, 2 or 3, not {value[:40]!r}")
    return int(value)
