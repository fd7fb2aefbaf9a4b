"""Columns as text, in DALI's forms: what VOTable's TABLEDATA, CSV and TSV share."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from server.query import Result

__all__ = ["as_text", "content", "overflow_words"]

SPECIAL_NUMBERS: Final = (("nan", "NaN"), ("inf", "+Inf"), ("-inf", "-Inf"))


def as_text(column: pa.Array) -> pa.Array:
    """Return a column as strings, nulls kept.

    Numbers in the shortest form that reads back the same; times in ISO 8601 with a T, fractions only where there are
    any; arrays with blanks between their elements.
    """
    if pa.types.is_timestamp(column.type):
        return _moments(column)
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        elements = as_text(column.flatten())
        offsets = pc.cumulative_sum(pa.concat_arrays([pa.array([0], pa.int32()), pc.fill_null(_lengths(column), 0)]))
        lists = pa.ListArray.from_arrays(offsets, elements, mask=column.is_null())
        return pc.binary_join(lists, " ")
    if pa.types.is_boolean(column.type):
        return column.cast(pa.string())
    if pa.types.is_floating(column.type):
        return _numbers(column)
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def content(texts: pa.Array) -> bytes:
    """Return the bytes of all strings, none of them null, one after the other, as they lie in the array."""
    _, offsets, values = texts.buffers()
    if values is None or len(texts) == 0:
        return b""
    ends = np.frombuffer(offsets, np.int32)
    first, last = int(ends[texts.offset]), int(ends[texts.offset + len(texts)])
    return bytes(memoryview(values)[first:last])


def overflow_words(result: Result) -> str:
    """Say that a limit cut the answer."""
    return f"the answer has more than these {result.maxrec} rows"


def _moments(column: pa.Array) -> pa.Array:
    seconds = column.cast(pa.timestamp("s"), safe=False)
    if pc.all(pc.equal(seconds.cast(column.type), column)).as_py() is not False:
        text = seconds.cast(pa.string())  # several times quicker than cutting zeros off
    else:
        fractions = column.cast(pa.string())
        text = pc.replace_substring_regex(fractions, pattern=r"(\.\d*?[1-9])0+$|\.0+$", replacement=r"\1")
    return pc.replace_substring(text, pattern=" ", replacement="T", max_replacements=1)


def _lengths(column: pa.Array) -> pa.Array:
    return pc.list_value_length(column).cast(pa.int32())


def _numbers(column: pa.Array) -> pa.Array:
    text = column.cast(pa.string())
    if pc.any(pc.invert(pc.is_finite(column))).as_py():
        for arrow, dali in SPECIAL_NUMBERS:
            text = pc.if_else(pc.equal(text, arrow), dali, text)
    return text
