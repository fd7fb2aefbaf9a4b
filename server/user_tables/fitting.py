"""Rows of any file brought into the columns of a table that is there: by name, NULL where one is left out."""

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from schema.published import PublishedColumn
from server.uploads import texts
from server.uploads.columns import arrow_type, elements, is_text, row_schema
from server.uploads.errors import BadCell, UploadError
from server.uploads.reading import UploadedTable

__all__ = ["fitted"]

MOST_TOLD: Final = 5


def fitted(given: UploadedTable, wanted: Sequence[PublishedColumn]) -> Iterator[pa.RecordBatch]:
    """Return the rows as a table's columns take them.

    Raises
    ------
    UploadError
        A column is not the table's; while the rows are read: a value does not fit.
    """
    places = {column.name.lower(): place for place, column in enumerate(given.columns)}
    known = {column.name.lower() for column in wanted}
    strange = [column.name for column in given.columns if column.name.lower() not in known]
    if strange:
        more = ", ..." if len(strange) > MOST_TOLD else ""
        names = ", ".join(f"'{name[:60]}'" for name in strange[:MOST_TOLD])
        raise UploadError(f"the table has no column {names}{more}; it has {_names(wanted)}")
    return _rows(given, wanted, [places.get(column.name.lower()) for column in wanted])


def _names(columns: Sequence[PublishedColumn]) -> str:
    more = ", ..." if len(columns) > 20 else ""
    return ", ".join(column.name for column in columns[:20]) + more


def _rows(
    given: UploadedTable, wanted: Sequence[PublishedColumn], places: Sequence[int | None]
) -> Iterator[pa.RecordBatch]:
    schema = row_schema(wanted)
    done = 0
    for batch in given.batches:
        found = []
        for place, column in zip(places, wanted, strict=True):
            if place is None:
                found.append(pa.nulls(batch.num_rows, arrow_type(column)))
                continue
            try:
                found.append(_values(batch.column(place), given.columns[place], column))
            except BadCell as error:
                raise UploadError(f"row {done + error.row + 1}, column '{column.name}': {error}") from error
            except pa.ArrowException as error:
                words = str(error).splitlines()[0][:200]
                raise UploadError(f"rows from {done + 1} on, column '{column.name}': {words}") from error
        yield pa.RecordBatch.from_arrays(found, schema=schema)
        done += batch.num_rows


def _values(cells: pa.Array, given: PublishedColumn, column: PublishedColumn) -> pa.Array:
    if is_text(given) and not is_text(column):
        return texts.values(cells, column)
    found = cells.cast(arrow_type(column))
    _check_bytes(found, column)
    _check_lengths(found, column)
    return found


def _check_bytes(found: pa.Array, column: PublishedColumn) -> None:
    """A byte is kept in a wider type."""
    if column.datatype == "unsignedByte" and column.arraysize is None:
        outside = pc.or_(pc.less(found, 0), pc.greater(found, 255))
        row = pc.index(outside, value=True).as_py()
        if row >= 0:
            raise BadCell(row, f"{found[row]} is no byte")


def _check_lengths(found: pa.Array, column: PublishedColumn) -> None:
    size = elements(column)
    if column.arraysize is None or size is None or not pa.types.is_list(found.type):
        return
    row = pc.index(pc.not_equal(pc.list_value_length(found), size), value=True).as_py()
    if row >= 0:
        raise BadCell(row, f"it has not {size} elements")
