"""CSV with a header line (RFC 4180).  What a reader must know beside the rows is told in a last line with ``#``."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from server.encoders.text import as_text, overflow_words
from server.query import QueryFailed, Result

__all__ = ["encode"]


def encode(result: Result) -> Iterator[bytes]:
    """Write an answer batch by batch.

    Raises
    ------
    QueryFailed
        In mid-stream, after a last line with ``# ERROR``.
    """
    names = [column.name for column in result.columns]
    yield (",".join(_quoted(name) for name in names) + "\r\n").encode()
    try:
        for batch in result.batches():
            yield _rows(batch)
    except QueryFailed as error:
        yield f"# ERROR: {error}\r\n".encode()
        raise
    if result.overflow:
        yield f"# OVERFLOW: {overflow_words(result)}\r\n".encode()


def _rows(batch: pa.RecordBatch) -> bytes:
    options = csv.WriteOptions(include_header=False, quoting_style="needed", eol="\r\n")
    columns = [column if _is_plain(column) else as_text(column) for column in batch.columns]
    numbered = [str(n) for n in range(len(columns))]  # pyarrow wants unique names, a query need not give them
    sink = pa.BufferOutputStream()
    csv.write_csv(pa.table(columns, names=numbered), sink, write_options=options)
    return bytes(sink.getvalue().to_pybytes())


def _is_plain(column: pa.Array) -> bool:
    """Tell whether pyarrow writes a column as DALI wants it."""
    if pa.types.is_floating(column.type):
        return bool(pc.all(pc.is_finite(column)).as_py() is not False)
    return bool(pa.types.is_integer(column.type) or pa.types.is_string(column.type))


def _quoted(name: str) -> str:
    if any(c in name for c in ',"\r\n'):
        return '"' + name.replace('"', '""') + '"'
    return name
