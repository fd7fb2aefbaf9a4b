"""VOTable's TABLEDATA: rows that people can read, and the only serialization in which every reader takes any letter."""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from server.encoders import votable
from server.encoders.text import as_text, content
from server.query import Result

__all__ = ["encode"]

FORBIDDEN: Final = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{fffe}\x{ffff}]"
SPECIAL: Final = FORBIDDEN.replace("[", "[&<>")


def encode(result: Result) -> Iterator[bytes]:
    """Write an answer batch by batch."""
    around = ("<TABLEDATA>", "</TABLEDATA>")
    return votable.document(result, _written, columns=result.columns, around=around)


def _written(batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    return (_rows(batch) for batch in batches)


def _rows(batch: pa.RecordBatch) -> bytes:
    cells: list[pa.Array | str] = []
    for column in batch.columns:
        text = pc.fill_null(as_text(column), "")
        cells += ["</TD><TD>", _escaped(text) if pa.types.is_string(column.type) else text]
    cells[0] = "<TR><TD>"
    return content(pc.binary_join_element_wise(*cells, "</TD></TR>\n", ""))


def _escaped(text: pa.Array) -> pa.Array:
    if not pc.any(pc.match_substring_regex(text, pattern=SPECIAL)).as_py():
        return text
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = pc.replace_substring(text, pattern=character, replacement=entity)
    return pc.replace_substring_regex(text, pattern=FORBIDDEN, replacement="?")
