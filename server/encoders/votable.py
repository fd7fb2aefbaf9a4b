"""The VOTable 1.4 around the rows: head, fields, and the status at the end.  Rows: ``tabledata`` and ``binary``.

A failure in mid-stream ends the document well-formed with an ERROR, as DALI asks: it cannot be taken for success.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa
import structlog

from server.adql import OutputColumn
from server.encoders.text import overflow_words
from server.query import QueryFailed, Result

__all__ = ["cone_error_document", "document", "error_document", "metadata_document"]

log = structlog.get_logger()

ROOT: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
)
HEAD: Final = f'{ROOT}<RESOURCE type="results">\n'
TAIL: Final = "</RESOURCE>\n</VOTABLE>\n"
CONTROLS: Final = dict.fromkeys([*(set(range(0x20)) - set(b"\t\n\r")), 0xFFFE, 0xFFFF], "?")
NO_NULLS: Final[Mapping[str, int]] = {}
NO_DETAILS: Final[Mapping[str, str]] = {}


def document(
    result: Result,
    write: Callable[[Iterator[pa.RecordBatch]], Iterator[bytes]],
    *,
    columns: Iterable[OutputColumn],
    around: tuple[str, str],
    nulls: Mapping[str, int] = NO_NULLS,
) -> Iterator[bytes]:
    """Write an answer batch by batch.

    Parameters
    ----------
    result
        The answer.
    write
        Writes its rows.
    columns
        The columns as this serialization has them.
    around
        The tags inside DATA before and after the rows.
    nulls
        For each datatype that needs one, the value that stands for NULL.
    """
    begin, finish = around
    yield f'{HEAD}{_status("OK")}<TABLE name="result">\n{_fields(columns, nulls)}\n<DATA>\n{begin}\n'.encode()
    end = ""
    try:
        yield from write(result.batches())
    except QueryFailed as error:
        log.warning("query failed in mid-stream", reason=str(error))
        end = _status("ERROR", str(error))
    if result.overflow and not end:
        end = _status("OVERFLOW", overflow_words(result))
    yield f"{finish}\n</DATA>\n</TABLE>\n{end}{TAIL}".encode()


def metadata_document(result: Result, columns: Iterable[OutputColumn]) -> bytes:
    """Return a VOTable without rows, for formats that carry one beside theirs; to be asked for after the last row."""
    status = _status("OVERFLOW", overflow_words(result)) if result.overflow else _status("OK")
    return f'{HEAD}{status}<TABLE name="result">\n{_fields(columns, NO_NULLS)}\n</TABLE>\n{TAIL}'.encode()


def error_document(message: str, details: Mapping[str, str] = NO_DETAILS) -> bytes:
    """Return a VOTable that says what went wrong, and, for programs, ``details`` by name."""
    infos = "".join(f"<INFO name={quoteattr(n)} value={quoteattr(printable(v))}/>\n" for n, v in details.items())
    return f"{HEAD}{_status('ERROR', message)}{infos}{TAIL}".encode()


def cone_error_document(message: str) -> bytes:
    """Return a VOTable that says what went wrong where clients of cone searches look, and where all others do."""
    told = f'<INFO ID="Error" name="Error" value={quoteattr(printable(message))}/>\n'
    resource = HEAD.removeprefix(ROOT)
    return f"{ROOT}{told}{resource}{_status('ERROR', message)}{TAIL}".encode()


def _status(value: str, words: str = "") -> str:
    if not words:
        return f'<INFO name="QUERY_STATUS" value="{value}"/>\n'
    return f'<INFO name="QUERY_STATUS" value="{value}">{escape(printable(words))}</INFO>\n'


def _fields(columns: Iterable[OutputColumn], nulls: Mapping[str, int]) -> str:
    return "\n".join(_field(column, nulls.get(column.datatype)) for column in columns)


@lru_cache(maxsize=8192)
def _field(column: OutputColumn, null: int | None) -> str:
    attributes = {
        "name": column.name,
        "datatype": column.datatype,
        "arraysize": column.arraysize,
        "xtype": column.xtype,
        "unit": column.unit,
        "ucd": column.ucd,
        "utype": column.utype,
    }
    written = " ".join(f"{key}={quoteattr(printable(value))}" for key, value in attributes.items() if value)
    words = escape(printable(column.description or ""))
    inside = f"<DESCRIPTION>{words}</DESCRIPTION>" if words else ""
    if null is not None:
        inside += f'<VALUES null="{null}"/>'
    return f"<FIELD {written}>{inside}</FIELD>" if inside else f"<FIELD {written}/>"


def printable(words: str) -> str:
    """XML has no control characters but white space, and not the last two codes."""
    return words.translate(CONTROLS)
