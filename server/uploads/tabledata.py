"""The rows of VOTable's TABLEDATA."""

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa

from server.uploads import texts
from server.uploads.columns import row_schema
from server.uploads.errors import BadCell, UploadError
from server.uploads.votable import Field

__all__ = ["TabledataRows", "written_batch"]

BATCH_ROWS: Final = 8192


class TabledataRows:
    """Rows gathered cell by cell: the methods are called for every tag, so they do as little as can be."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields: Final = fields
        self._rows: list[list[str]] = []
        self._row: list[str] = []
        self._cell: list[str] = []
        self._done = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take the beginning of a row or cell."""
        if tag == "TD":
            self._cell = []
            if attributes and "encoding" in attributes:
                raise UploadError("cells in base64 are not taken; send BINARY2")
        elif tag == "TR":
            self._row = []

    def text(self, text: str) -> None:
        """Take the text of a cell; what stands between cells is dropped with the next one's beginning."""
        self._cell.append(text)

    def end(self, tag: str) -> None:
        """Take the end of a row or cell."""
        if tag == "TD":
            self._row.append("".join(self._cell))
        elif tag == "TR":
            if len(self._row) != len(self._fields):
                number = self._done + len(self._rows) + 1
                raise UploadError(f"row {number} has {len(self._row)} cells instead of {len(self._fields)}")
            self._rows.append(self._row)

    def batches(self, *, last: bool) -> Iterator[pa.RecordBatch]:
        """Yield the rows so far, when they are many or the last."""
        if not self._rows or not (last or len(self._rows) >= BATCH_ROWS):
            return
        rows, self._rows = self._rows, []
        written = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)]
        yield written_batch(written, self._fields, done=self._done)
        self._done += len(rows)


def written_batch(written: Sequence[pa.Array], fields: Sequence[Field], *, done: int) -> pa.RecordBatch:
    """Return a batch of cells that are written as text, ``done`` rows after the first.

    Raises
    ------
    UploadError
        A cell has no such value.
    """
    columns = [one.column for one in fields]
    found = []
    for cells, one in zip(written, fields, strict=True):
        try:
            spaced = texts.spaced(cells) if one.is_bits else cells
            found.append(texts.values(spaced, one.column, null=one.null))
        except BadCell as error:
            raise UploadError(f"row {done + error.row + 1}, column '{one.column.name}': {error}") from error
        except ValueError as error:
            raise UploadError(f"column '{one.column.name}': its null value '{one.null}' is none of its type") from error
    return pa.RecordBatch.from_arrays(found, schema=row_schema(columns))
