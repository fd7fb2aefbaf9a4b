"""Cells that are written as text, in TABLEDATA and CSV, as values.

Whole columns are converted at once; only where that fails are the cells looked at one by one, to mend what Arrow is
too strict about or to say which one is wrong.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from schema.published import PublishedColumn
from server.uploads.columns import TEXTS, arrow_type, elements
from server.uploads.errors import BadCell

__all__ = ["moments", "spaced", "values"]

_WHOLE: Final = re.compile(r"[+-]?[0-9]+|[+-]?0[xX][0-9a-fA-F]+", re.ASCII)
_REAL: Final = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?inf(?:inity)?|nan", re.IGNORECASE | re.ASCII
)
_TRUTH: Final = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False, "?": None}
_NEVER: Final = pa.scalar(None, pa.string())


def values(written: pa.Array, column: PublishedColumn, *, null: str | None = None) -> pa.Array:
    """Return the values of a column's cells.

    Parameters
    ----------
    written
        The cells as strings.
    column
        What they are.  Empty cells are NULL, whatever it is: in TABLEDATA no text and an empty text are the same.
    null
        The number that stands for NULL, as it is written.

    Raises
    ------
    BadCell
        A cell has no such value.
    """
    if column.datatype in TEXTS:
        given = pc.if_else(pc.equal(written, ""), _NEVER, written)
        return moments(given) if column.xtype == "timestamp" else given
    trimmed = pc.utf8_trim_whitespace(written)
    given = pc.if_else(pc.equal(trimmed, ""), _NEVER, trimmed)
    if column.arraysize is None:
        return _elements(given, column.datatype, null)
    return _lists(given, column, null)


def spaced(written: pa.Array) -> pa.Array:
    """Return bits, which may stand close together, with a blank between them."""
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(written, pattern=r"\s*(\S)", replacement=r"\1 "))


def moments(written: pa.Array) -> pa.Array:
    """Return timestamps (UTC) of texts in DALI's form, fractions up to microseconds.

    Raises
    ------
    BadCell
        A text is no such timestamp.
    """
    trimmed = pc.utf8_trim_whitespace(written)
    given = pc.if_else(pc.equal(trimmed, ""), _NEVER, trimmed)
    short = pc.replace_substring_regex(given, pattern=r"(\.[0-9]{6})[0-9]+|Z$", replacement=r"\1")
    return _cast(short, pa.timestamp("us"), _moment)


def _lists(given: pa.Array, column: PublishedColumn, null: str | None) -> pa.Array:
    cut = pc.utf8_split_whitespace(given)
    lengths = pc.fill_null(pc.list_value_length(cut), 0)
    size = elements(column)
    if size is not None:
        wrong = pc.and_(pc.is_valid(cut), pc.not_equal(lengths, size))
        row = pc.index(wrong, value=True).as_py()
        if row >= 0:
            raise BadCell(row, f"{lengths[row].as_py()} elements instead of {size}")
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())])
    try:
        flat = _elements(cut.flatten(), column.datatype, null)
    except BadCell as error:
        row = sum(1 for end in offsets.to_pylist()[1:] if end <= error.row)
        raise BadCell(row, str(error)) from error
    return pa.ListArray.from_arrays(offsets, flat, mask=pc.is_null(cut))


def _elements(given: pa.Array, datatype: str, null: str | None) -> pa.Array:
    wanted = arrow_type(PublishedColumn("", datatype))
    if datatype == "boolean":
        return _truths(given)
    if datatype in {"float", "double"}:
        found = _cast(given, wanted, _real)
    else:
        found = _cast(given, wanted, _whole)
        if datatype == "unsignedByte":
            _check_bytes(found)
    if null is None:
        return found
    missing = pa.scalar((_real if datatype in {"float", "double"} else _whole)(null), wanted)
    return pc.if_else(pc.equal(found, missing), pa.scalar(None, wanted), found)


def _cast(given: pa.Array, wanted: pa.DataType, one: Callable[[str], Any]) -> pa.Array:
    try:
        return given.cast(wanted)
    except pa.ArrowInvalid:
        return pa.array([None if text is None else _one(row, text, wanted, one) for row, text in _numbered(given)])


def _numbered(given: pa.Array) -> "enumerate[str | None]":
    return enumerate(given.to_pylist())


def _one(row: int, text: str, wanted: pa.DataType, one: Callable[[str], Any]) -> Any:
    try:
        return pa.scalar(one(text), wanted)
    except (ValueError, OverflowError, pa.ArrowException) as error:
        kind = {"timestamp[us]": "timestamp like 2019-08-30T23:59:59.5"}.get(str(wanted), f"{wanted} number")
        raise BadCell(row, f"'{text[:40]}' is no {kind}") from error


def _whole(text: str) -> int:
    if _WHOLE.fullmatch(text) is None or len(text) > 40:
        raise ValueError(text)
    return int(text, 16 if "x" in text.lower() else 10)


def _real(text: str) -> float:
    if _REAL.fullmatch(text) is None:
        raise ValueError(text)
    return float(text)


def _moment(text: str) -> datetime:
    """Take what ISO 8601 allows beyond DALI."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is not None:
        raise ValueError(text)
    return found


def _truths(given: pa.Array) -> pa.Array:
    found: list[bool | None] = []
    for row, text in _numbered(given):
        if text is not None and text.lower() not in _TRUTH:
            raise BadCell(row, f"'{text[:40]}' is no boolean")
        found.append(None if text is None else _TRUTH[text.lower()])
    return pa.array(found, pa.bool_())


def _check_bytes(found: pa.Array) -> None:
    wrong = pc.fill_null(pc.or_(pc.less(found, 0), pc.greater(found, 255)), fill_value=False)
    row = pc.index(wrong, value=True).as_py()
    if row >= 0:
        raise BadCell(row, f"'{found[row]}' is no byte")
