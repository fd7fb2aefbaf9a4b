"""VOTable's BINARY and BINARY2: a stream of big-endian rows in base64, half the bytes of TABLEDATA.

Texts are declared ``unicodeChar`` here, not ``char`` as in TABLEDATA: in binary, readers take ``char`` for ASCII
(astropy refuses the whole table at the first other letter), and the fields are sent before the texts are known.

BINARY has no place for NULL among integers: there the lowest integer of the type (255 for bytes) stands for it, and the
fields say so.
"""

import binascii
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from server.adql import OutputColumn
from server.encoders import votable
from server.encoders.cells import LOWEST, Bytes, cells, fixed_size, padded, rows_of
from server.query import QueryFailed, Result

__all__ = ["encode_binary", "encode_binary2"]


def encode_binary2(result: Result) -> Iterator[bytes]:
    """Write an answer as BINARY2: every row tells which of its cells are NULL."""
    columns = _binary_columns(result.columns)

    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
        return _base64(rows_of([_flags(batch), *_cells(batch, columns, {})]) for batch in batches)

    around = ('<BINARY2>\n<STREAM encoding="base64">', "</STREAM>\n</BINARY2>")
    return votable.document(result, write, columns=columns, around=around)


def encode_binary(result: Result) -> Iterator[bytes]:
    """Write an answer as BINARY: fields name the integer that stands for NULL."""
    columns = _binary_columns(result.columns)

    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
        return _base64(rows_of([*_cells(batch, columns, LOWEST)]) for batch in batches)

    around = ('<BINARY>\n<STREAM encoding="base64">', "</STREAM>\n</BINARY>")
    return votable.document(result, write, columns=columns, around=around, nulls=LOWEST)


def _binary_columns(columns: Sequence[OutputColumn]) -> tuple[OutputColumn, ...]:
    return tuple(
        replace(column, datatype="unicodeChar") if column.datatype == "char" and column.xtype != "timestamp" else column
        for column in columns
    )


def _flags(batch: pa.RecordBatch) -> Bytes:
    """Return a bit for each cell, 1 for NULL, padded to whole bytes."""
    missing = np.zeros((batch.num_rows, batch.num_columns), bool)
    for place, values in enumerate(batch.columns):
        if values.null_count:
            missing[:, place] = values.is_null().to_numpy(zero_copy_only=False)
    return np.packbits(missing, axis=1)


def _cells(batch: pa.RecordBatch, columns: Sequence[OutputColumn], nulls: dict[str, int]) -> Iterator[Bytes | pa.Array]:
    for values, column in zip(batch.columns, columns, strict=True):
        null = ord("?") if column.datatype == "boolean" else nulls.get(column.datatype)
        found = cells(values, column.datatype, null=null)
        size = fixed_size(column)
        if size is None:
            yield found.counts.astype(">u4").view(np.uint8).reshape(-1, 4)
            yield found.joined()
        else:
            yield padded(found, size)


def _base64(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the base64 of a stream, a line a block: three bytes become four letters, so one or two bytes may wait."""
    waiting = b""
    try:
        for block in blocks:
            whole = waiting + block
            end = len(whole) - len(whole) % 3
            yield binascii.b2a_base64(memoryview(whole)[:end])
            waiting = whole[end:]
    except QueryFailed:
        yield binascii.b2a_base64(waiting)
        raise
    yield binascii.b2a_base64(waiting)
