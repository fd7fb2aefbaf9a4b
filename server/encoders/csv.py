"""CSV with a header line (RFC 4180).  A limit that cut the answer is told in a last line that begins with ``#``."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from server.encoders.text import as_text
from server.query import Result

__all__ = ["encode"]


def encode(result: Result) -> Iterator[bytes]:
    """Write an answer batch by batch."""
    names = [column.name for column in result.columns]
    yield (",".join(_quoted(name) for name in names) + "\r\n").encode()
    options = csv.WriteOptions(include_header=False, quoting_style="needed", eol="\r\n")
    for batch in result.batches():
        columns = [column if _is_plain(column) else as_text(column) for column in batch.columns]
        sink = pa.BufferOutputStream()
        numbered = [str(n) for n in range(len(columns))]  # pyarrow wants unique names, a query need not give them
        csv.write_csv(pa.table(columns, names=numbered), sink, write_options=options)
        yield sink.getvalue().to_pybytes()
    if result.overflow:
        yield f"# OVERFLOW: the answer has more than these {result.maxrec} rows\r\n".encode()


def _is_plain(column: pa.Array) -> bool:
    """Tell whether pyarrow writes a column as DALI wants it."""
    if pa.types.is_floating(column.type):
        return bool(pc.all(pc.is_finite(column)).as_py() is not False)
    return bool(pa.types.is_integer(column.type) or pa.types.is_string(column.type))


def _quoted(name: str) -> str:
    if any(c in name for c in ',"\r\n'):
        return '"' + name.replace('"', '""') + '"'
    return name
