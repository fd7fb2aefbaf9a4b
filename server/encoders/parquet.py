"""Parquet, compressed with zstd, by the VOParquet 1.0 convention: a VOTable without rows in the footer describes it.

That VOTable carries the status too: OVERFLOW is known by then.  A failure in mid-stream leaves a file without a footer,
which nobody can read.
"""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
from pyarrow import parquet

from server.encoders.tables import Drain, arrow_schema, conformed, with_unique_names
from server.encoders.votable import metadata_document
from server.query import Result

__all__ = ["encode"]

VERSION: Final = "IVOA.VOTable-Parquet.version"
CONTENT: Final = "IVOA.VOTable-Parquet.content"
GROUP_BYTES: Final = 16 << 20


def encode(result: Result) -> Iterator[bytes]:
    """Write an answer, a row group for every 16 MB of batches.

    Raises
    ------
    QueryFailed
        In mid-stream: what was written is no Parquet.
    """
    columns = with_unique_names(result.columns)
    schema = arrow_schema(columns)
    drain = Drain()
    writer = parquet.ParquetWriter(drain, schema, compression="zstd")
    yield drain.take()
    for group in _groups(conformed(batch, schema) for batch in result.batches()):
        writer.write_table(pa.Table.from_batches(group), row_group_size=sum(batch.num_rows for batch in group))
        yield drain.take()
    document = metadata_document(result, columns).decode()
    writer.add_key_value_metadata({VERSION: "1.0", CONTENT: document})
    writer.close()
    yield drain.take()


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Small row groups make large files: gather batches, but few enough to forget soon."""
    group: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        group.append(batch)
        size += batch.nbytes
        if size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
