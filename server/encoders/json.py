"""JSON: one object with ``metadata`` (the columns), ``data`` (rows as arrays) and, at the end, ``status``.

JSON has no NaN and no infinities: they are null, as NULL is.  A failure in mid-stream breaks the object off, with the
reason behind: no reader takes that for JSON.
"""

import json
from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from server.adql import OutputColumn
from server.encoders.text import as_text, content, overflow_words
from server.query import QueryFailed, Result

__all__ = ["encode"]

SHORT_ESCAPES: Final = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
CONTROLS: Final = r"[\x00-\x1f]"


def encode(result: Result) -> Iterator[bytes]:
    """Write an answer batch by batch.

    Raises
    ------
    QueryFailed
        In mid-stream: what was written is no JSON.
    """
    metadata = ",\n".join(json.dumps(_described(column), ensure_ascii=False) for column in result.columns)
    yield f'{{"metadata": [\n{metadata}\n],\n"data": ['.encode()
    separator = b"\n"
    try:
        for batch in result.batches():
            yield separator + _rows(batch)
            separator = b",\n"
    except QueryFailed as error:
        yield f"\n# ERROR: {error}\n".encode()
        raise
    status = {"status": "OVERFLOW", "message": overflow_words(result)} if result.overflow else {"status": "OK"}
    yield f"\n],\n{json.dumps(status)[1:]}\n".encode()


def _described(column: OutputColumn) -> dict[str, str]:
    said = {
        "name": column.name,
        "datatype": column.datatype,
        "arraysize": column.arraysize,
        "xtype": column.xtype,
        "unit": column.unit,
        "ucd": column.ucd,
        "utype": column.utype,
        "description": column.description,
    }
    return {key: words for key, words in said.items() if words is not None}


def _rows(batch: pa.RecordBatch) -> bytes:
    cells: list[pa.Array | str] = []
    for column in batch.columns:
        cells += [",", _values(column)]
    cells[0] = "["
    rows = content(pc.binary_join_element_wise(*cells, "],\n", ""))
    return rows.removesuffix(b",\n")


def _values(column: pa.Array) -> pa.Array:
    """Return a column as strings of JSON."""
    if pa.types.is_list(column.type):
        lengths = pc.fill_null(pc.list_value_length(column), 0).cast(pa.int32())
        offsets = pc.cumulative_sum(pa.concat_arrays([pa.array([0], pa.int32()), lengths]))
        elements = pa.ListArray.from_arrays(offsets, _values(column.flatten()), mask=column.is_null())
        text = pc.binary_join_element_wise("[", pc.binary_join(elements, ","), "]", "")
    elif pa.types.is_floating(column.type):
        text = pc.if_else(pc.is_finite(column), column.cast(pa.string()), None)
    elif pa.types.is_integer(column.type) or pa.types.is_boolean(column.type):
        text = column.cast(pa.string())
    else:
        text = pc.binary_join_element_wise('"', _escaped(as_text(column)), '"', "")
    return pc.fill_null(text, "null")


def _escaped(text: pa.Array) -> pa.Array:
    for character, escape in SHORT_ESCAPES:
        text = pc.replace_substring(text, pattern=character, replacement=escape)
    if pc.any(pc.match_substring_regex(text, pattern=CONTROLS)).as_py():
        for code in range(0x20):
            text = pc.replace_substring(text, pattern=chr(code), replacement=f"\\u{code:04x}")
    return text
