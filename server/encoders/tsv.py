"""Tab-separated values as IANA registered them: a header line, and no tabs or line ends inside texts.

They become blanks: this format has no way to write them.  What a reader must know beside the rows is told in a last
line that begins with ``#``.
"""

import re
from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from server.encoders.text import as_text, content, overflow_words
from server.query import QueryFailed, Result

__all__ = ["encode"]

BREAKS: Final = "[\t\r\n]"


def encode(result: Result) -> Iterator[bytes]:
    """Write an answer batch by batch.

    Raises
    ------
    QueryFailed
        In mid-stream, after a last line with ``# ERROR``.
    """
    yield ("\t".join(re.sub(BREAKS, " ", column.name) for column in result.columns) + "\n").encode()
    try:
        for batch in result.batches():
            yield _rows(batch)
    except QueryFailed as error:
        yield f"# ERROR: {error}\n".encode()
        raise
    if result.overflow:
        yield f"# OVERFLOW: {overflow_words(result)}\n".encode()


def _rows(batch: pa.RecordBatch) -> bytes:
    cells: list[pa.Array | str] = []
    for column in batch.columns:
        text = pc.fill_null(as_text(column), "")
        if pa.types.is_string(column.type):
            text = pc.replace_substring_regex(text, pattern=BREAKS, replacement=" ")
        cells += [text, "\t"]
    cells[-1] = "\n"
    return content(pc.binary_join_element_wise(*cells, ""))
