"""Arrow's IPC stream: the batches as they are.  A last batch without rows has the status in its custom metadata.

A stream that just ends is whole to Arrow's readers; one that failed ends in the beginning of a message that never
comes, which they refuse.
"""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
from pyarrow import ipc

from server.encoders.tables import Drain, arrow_schema, conformed, with_unique_names
from server.encoders.text import overflow_words
from server.query import QueryFailed, Result

__all__ = ["encode"]

NOTE: Final = {"QUERY_STATUS": "in the custom metadata of the last record batch, which has no rows"}
BROKEN_OFF: Final = b"\xff\xff\xff\xff\x00\x01\x00\x00"
"""A message's mark and the length of what should follow."""


def encode(result: Result) -> Iterator[bytes]:
    """Write an answer batch by batch.

    Raises
    ------
    QueryFailed
        In mid-stream: what was written cannot be read to an end.
    """
    schema = arrow_schema(with_unique_names(result.columns)).with_metadata(NOTE)
    drain = Drain()
    writer = ipc.new_stream(drain, schema)
    try:
        for batch in result.batches():
            writer.write_batch(conformed(batch, schema))
            yield drain.take()
    except QueryFailed:
        yield BROKEN_OFF
        raise
    writer.write_batch(_nothing(schema), _status(result))
    writer.close()
    yield drain.take()


def _nothing(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def _status(result: Result) -> dict[str, str]:
    if result.overflow:
        return {"QUERY_STATUS": "OVERFLOW", "message": overflow_words(result)}
    return {"QUERY_STATUS": "OK"}
