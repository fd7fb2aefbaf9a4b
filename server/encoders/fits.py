"""FITS binary table, in two passes: its header says how many rows follow and how wide they are.

The first pass puts the batches into a temporary file (in memory while they are few) and measures them, the second
writes.  Memory stays flat.  The primary unit, which says nothing of the table, is sent as soon as there is more than
one batch: its reader sees that an answer comes.  A query that fails then leaves a file without a table; one that fails
sooner fails before anything is sent.

Arrays of varying length lie in the heap; texts have the width of the longest, unless that were mostly padding: then
they lie in the heap too, where astropy shows them as arrays of letters.  FITS texts are ASCII: any other letter becomes
a question mark.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import ipc

from server.adql import OutputColumn
from server.encoders.cells import Bytes, Cells, cells, fixed_size, is_text, padded, rows_of
from server.encoders.fits_header import FitsColumn, header, primary
from server.encoders.tables import with_unique_names
from server.encoders.text import as_text
from server.query import Result

__all__ = ["encode"]

BLOCK: Final = 2880
IN_MEMORY: Final = 16 << 20
PADDING: Final = 16 << 20
"""Bytes of padding that a column of texts may have whatever its texts."""
INTEGERS: Final[dict[str, type[np.integer[Any]]]] = {
    "unsignedByte": np.uint8,
    "short": np.int16,
    "int": np.int32,
    "long": np.int64,
}


@dataclass
class Extent:
    """What the first pass learns of a column."""

    widest: int = 0
    elements: int = 0
    nulls: bool = False
    lowest: int | None = None

    def grow(self, values: pa.Array, column: OutputColumn) -> None:
        """Take a batch into account."""
        if is_text(column):
            self._grow(pc.binary_length(values))
        elif pa.types.is_list(values.type):
            self._grow(pc.list_value_length(values))
        elif column.datatype in INTEGERS:
            known = [n for n in (self.lowest, pc.min(values).as_py()) if n is not None]
            self.lowest = min(known, default=None)
        self.nulls = self.nulls or values.null_count > 0

    def _grow(self, lengths: pa.Array) -> None:
        self.widest = max(self.widest, pc.max(lengths).as_py() or 0)
        self.elements += pc.sum(lengths).as_py() or 0


def encode(result: Result) -> Iterator[bytes]:
    """Write an answer.

    Raises
    ------
    QueryFailed
        Before anything of the table is written.
    """
    columns = with_unique_names(result.columns)
    extents = [Extent() for _ in columns]
    rows = 0
    begin = primary()
    with SpooledTemporaryFile(max_size=IN_MEMORY) as spool:
        for count in _first_pass(result, columns, extents, spool):
            if rows and begin:
                yield begin
                begin = b""
            rows += count
        described = [_described(column, extent, rows) for column, extent in zip(columns, extents, strict=True)]
        heap = sum(e.elements * d.element_bytes for e, d in zip(extents, described, strict=True) if d.in_heap)
        yield begin + header(described, rows=rows, heap=heap, overflow=result.maxrec if result.overflow else None)
        start = 0
        for batch in _again(spool):
            found = _cells(batch, described)
            yield rows_of(list(_row_parts(found, described, start)))
            start += sum(int(c.starts[-1]) for c, d in zip(found, described, strict=True) if d.in_heap)
        for batch in _again(spool):
            found = _cells(batch, described)
            yield b"".join(c.elements.tobytes() for c, d in zip(found, described, strict=True) if d.in_heap)
        size = rows * sum(d.row_bytes for d in described) + heap
        yield bytes(-size % BLOCK)


def _first_pass(
    result: Result, columns: Sequence[OutputColumn], extents: Sequence[Extent], spool: IO[bytes]
) -> Iterator[int]:
    """Put the batches into ``spool``, texts as they will be written, and yield how many rows each has."""
    writer = None
    for batch in result.batches():
        values = [_ascii(v) if is_text(c) else v for v, c in zip(batch.columns, columns, strict=True)]
        for extent, column, cells_of_batch in zip(extents, columns, values, strict=True):
            extent.grow(cells_of_batch, column)
        written = pa.RecordBatch.from_arrays(values, names=[str(n) for n in range(len(values))])
        writer = writer or ipc.new_stream(spool, written.schema)
        writer.write_batch(written)
        yield batch.num_rows
    if writer is not None:
        writer.close()


def _again(spool: IO[bytes]) -> Iterator[pa.RecordBatch]:
    empty = spool.tell() == 0
    spool.seek(0)
    if not empty:
        with ipc.open_stream(spool) as reader:
            yield from reader
        spool.seek(0, 2)


def _ascii(values: pa.Array) -> pa.Array:
    text = as_text(values)
    if pc.all(pc.string_is_ascii(text)).as_py() is not False:
        return text
    return pc.replace_substring_regex(text, pattern=r"[^\x00-\x7f]", replacement="?")


def _described(column: OutputColumn, extent: Extent, rows: int) -> FitsColumn:
    """Choose a column's form from what was measured."""
    column = replace(column, datatype="char") if is_text(column) else column
    size = fixed_size(column)
    if is_text(column) and (size is None or size == 1):
        mostly_padding = extent.widest * rows > 4 * extent.elements + PADDING
        size = None if mostly_padding else max(extent.widest, 1)
    return FitsColumn(column, size, extent.widest, _null(column, extent))


def _null(column: OutputColumn, extent: Extent) -> int | None:
    """Return the integer for NULL: the lowest of the type, or the highest where data have that one; bytes: 255."""
    if not extent.nulls or column.datatype not in INTEGERS:
        return None
    limits = np.iinfo(INTEGERS[column.datatype])
    return int(limits.max if limits.min in {0, extent.lowest} else limits.min)


def _cells(batch: pa.RecordBatch, described: Sequence[FitsColumn]) -> list[Cells]:
    return [cells(v, d.column.datatype, null=d.null) for v, d in zip(batch.columns, described, strict=True)]


def _row_parts(found: Sequence[Cells], described: Sequence[FitsColumn], start: int) -> Iterator[Bytes]:
    """Yield the columns of the main table; cells in the heap as their lengths and where they begin."""
    for column_cells, description in zip(found, described, strict=True):
        if description.size is not None:
            yield padded(column_cells, description.size)
            continue
        places: NDArray[Any] = np.stack([column_cells.counts, column_cells.starts[:-1] + start], axis=1)
        yield places.astype(">i8").view(np.uint8).reshape(len(places), -1)
        start += int(column_cells.starts[-1])
