"""VOTable 1.4, TABLEDATA: metadata, rows as they come, and the status at the end.

A failure in mid-stream ends the document well-formed with an ERROR, as DALI asks: it cannot be taken for success.
"""

from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import structlog

from server.adql import OutputColumn
from server.encoders.text import as_text
from server.query import QueryFailed, Result

__all__ = ["encode", "error_document"]

log = structlog.get_logger()

HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
    '<RESOURCE type="results">\n'
)
TAIL: Final = "</RESOURCE>\n</VOTABLE>\n"


def encode(result: Result) -> Iterator[bytes]:
    """Write an answer batch by batch."""
    fields = "\n".join(_field(column) for column in result.columns)
    yield f'{HEAD}{_status("OK")}<TABLE name="result">\n{fields}\n<DATA>\n<TABLEDATA>\n'.encode()
    end = ""
    try:
        for batch in result.batches():
            yield _rows(batch)
    except QueryFailed as error:
        log.warning("query failed in mid-stream", reason=str(error))
        end = _status("ERROR", str(error))
    if result.overflow and not end:
        end = _status("OVERFLOW", f"the answer has more than these {result.maxrec} rows")
    yield f"</TABLEDATA>\n</DATA>\n</TABLE>\n{end}{TAIL}".encode()


def error_document(message: str) -> bytes:
    """Return a VOTable that says what went wrong."""
    return f"{HEAD}{_status('ERROR', message)}{TAIL}".encode()


def _status(value: str, words: str = "") -> str:
    if not words:
        return f'<INFO name="QUERY_STATUS" value="{value}"/>\n'
    return f'<INFO name="QUERY_STATUS" value="{value}">{escape(_printable(words))}</INFO>\n'


def _field(column: OutputColumn) -> str:
    attributes = {
        "name": column.name,
        "datatype": column.datatype,
        "arraysize": column.arraysize,
        "xtype": column.xtype,
        "unit": column.unit,
        "ucd": column.ucd,
        "utype": column.utype,
    }
    written = " ".join(f"{key}={quoteattr(_printable(value))}" for key, value in attributes.items() if value)
    if not column.description:
        return f"<FIELD {written}/>"
    return f"<FIELD {written}><DESCRIPTION>{escape(_printable(column.description))}</DESCRIPTION></FIELD>"


def _rows(batch: pa.RecordBatch) -> bytes:
    if batch.num_rows == 0:
        return b""
    cells: list[pa.Array | str] = []
    for column in batch.columns:
        text = pc.fill_null(as_text(column), "")
        cells += ["</TD><TD>", _escaped(text) if pa.types.is_string(column.type) else text]
    cells[0] = "<TR><TD>"
    rows = pc.binary_join_element_wise(*cells, "</TD></TR>\n", "")
    return _content(rows)


def _content(texts: pa.StringArray) -> bytes:
    """Return the bytes of all strings, one after the other, as they lie in the array."""
    _, offsets, values = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)
    first, last = int(ends[texts.offset]), int(ends[texts.offset + len(texts)])
    return bytes(memoryview(values)[first:last])


def _escaped(text: pa.Array) -> pa.Array:
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = pc.replace_substring(text, pattern=character, replacement=entity)
    return pc.replace_substring_regex(text, pattern=r"[\x00-\x08\x0b\x0c\x0e-\x1f]", replacement="?")


def _printable(words: str) -> str:
    """XML has no control characters but white space."""
    return "".join(c if c in "\t\n\r" or c >= " " else "?" for c in words)
