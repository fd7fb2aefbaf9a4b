"""The columns of an uploaded table: VOTable's types, and the types of Arrow and PostgreSQL that hold their values.

Rows are always in the types that ``arrow_type`` gives.  What has no such type (complex numbers, bits, nested lists)
is refused by name: nothing is dropped.
"""

import re
from collections.abc import Iterable, Sequence
from math import prod
from typing import Final

import pyarrow as pa

from schema.published import PublishedColumn
from server.uploads.errors import UploadError

__all__ = ["arrow_type", "checked", "elements", "is_text", "row_schema", "sql_type"]

NUMBERS: Final = {
    "unsignedByte": (pa.int16(), "smallint"),
    "short": (pa.int16(), "smallint"),
    "int": (pa.int32(), "integer"),
    "long": (pa.int64(), "bigint"),
    "float": (pa.float32(), "real"),
    "double": (pa.float64(), "double precision"),
    "boolean": (pa.bool_(), "boolean"),
}
TEXTS: Final = frozenset({"char", "unicodeChar"})
_SIZE: Final = re.compile(r"(?:[0-9]{1,9}x)*(?:[0-9]{1,9}\*?|\*)", re.ASCII)


def is_text(column: PublishedColumn) -> bool:
    """Whether the cells are texts, timestamps not among them."""
    return column.datatype in TEXTS and column.xtype != "timestamp"


def elements(column: PublishedColumn) -> int | None:
    """Return how many elements every cell has; None where that is each cell's own."""
    if column.arraysize is None:
        return 1
    return None if column.arraysize.endswith("*") else prod(int(n) for n in column.arraysize.split("x"))


def arrow_type(column: PublishedColumn) -> pa.DataType:
    """Return the type of a column's values in Arrow."""
    if column.datatype in TEXTS:
        return pa.timestamp("us") if column.xtype == "timestamp" else pa.string()
    element = NUMBERS[column.datatype][0]
    return element if column.arraysize is None else pa.list_(element)


def sql_type(column: PublishedColumn) -> str:
    """Return the type of a column's values in PostgreSQL."""
    if column.datatype in TEXTS:
        return "timestamp" if column.xtype == "timestamp" else "text"
    return NUMBERS[column.datatype][1] + ("" if column.arraysize is None else "[]")


def row_schema(columns: Iterable[PublishedColumn]) -> pa.Schema:
    """Return the schema of the batches: columns ``c1``, ``c2`` ..., whatever their names outside."""
    return pa.schema([pa.field(f"c{n}", arrow_type(column)) for n, column in enumerate(columns, 1)])


def checked(columns: Sequence[PublishedColumn], *, most: int) -> tuple[PublishedColumn, ...]:
    """Return columns that queries can use.

    Raises
    ------
    UploadError
        There are none or too many, a name is missing or comes twice, or a type cannot be taken.
    """
    if not 0 < len(columns) <= most:
        raise UploadError(f"a table has 1 to {most} columns, not {len(columns)}")
    seen: set[str] = set()
    for place, column in enumerate(columns, 1):
        if not column.name.strip() or not column.name.isprintable():
            raise UploadError(f"column {place} has no name that a query could use")
        if column.name.lower() in seen:
            raise UploadError(f"two columns are called '{column.name}', whatever the case of the letters")
        seen.add(column.name.lower())
        _check_type(column)
    return tuple(columns)


def _check_type(column: PublishedColumn) -> None:
    if column.datatype not in NUMBERS and column.datatype not in TEXTS:
        raise UploadError(f"column '{column.name}': values of type {column.datatype[:40]} cannot be taken")
    if column.arraysize is not None and _SIZE.fullmatch(column.arraysize) is None:
        raise UploadError(f"column '{column.name}': arraysize '{column.arraysize[:40]}' is no size")
