"""Parquet and Arrow IPC; what their fields, or a VOTable in the footer (VOParquet), say of columns is kept."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import ipc, parquet

from schema.published import PublishedColumn
from server.uploads.columns import TEXTS, arrow_type, checked, row_schema
from server.uploads.errors import UploadError
from server.uploads.limits import Limits
from server.uploads.votable import fields

__all__ = ["read_ipc", "read_parquet"]

CONTENT: Final = b"IVOA.VOTable-Parquet.content"
BATCH_ROWS: Final = 8192
TYPES: Final = {
    pa.bool_(): "boolean",
    pa.uint8(): "unsignedByte",
    pa.int8(): "short",
    pa.int16(): "short",
    pa.uint16(): "int",
    pa.int32(): "int",
    pa.uint32(): "long",
    pa.int64(): "long",
    pa.uint64(): "long",
    pa.float16(): "float",
    pa.float32(): "float",
    pa.float64(): "double",
}
TEXTUAL: Final = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
TABLE = tuple[tuple[PublishedColumn, ...], Iterator[pa.RecordBatch]]


def read_parquet(path: Path, limits: Limits) -> TABLE:
    """Read a Parquet file.

    Raises
    ------
    UploadError
        It is none, or has columns that cannot be taken.
    """
    try:
        file = parquet.ParquetFile(path)
        schema = file.schema_arrow
        content = (file.metadata.metadata or {}).get(CONTENT)
        described = fields(content, limits) if content else ()
    except UploadError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _broken("Parquet", error) from error
    if file.metadata.num_rows > limits.rows:
        raise UploadError(f"it has more than {limits.rows} rows")
    known = {one.column.name: one.column for one in described}
    columns = _columns(schema, known, limits)
    return columns, _converted(file.iter_batches(batch_size=BATCH_ROWS, use_threads=False), columns, "Parquet")


def read_ipc(path: Path, limits: Limits) -> TABLE:
    """Read an Arrow file or stream; raises as ``read_parquet``."""
    try:
        source = pa.OSFile(str(path))
        is_file = source.read(6) == b"ARROW1"
        source.seek(0)
        options = ipc.IpcReadOptions(use_threads=False)
        reader = ipc.open_file(source, options=options) if is_file else ipc.open_stream(source, options=options)
        schema = reader.schema
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _broken("Arrow", error) from error
    columns = _columns(schema, {}, limits)
    batches = (reader.get_batch(n) for n in range(reader.num_record_batches)) if is_file else iter(reader)
    return columns, _converted(batches, columns, "Arrow")


def _broken(what: str, error: Exception) -> UploadError:
    return UploadError(f"no {what}, or a broken one: {str(error).splitlines()[0][:200] if str(error) else ''}")


def _columns(schema: pa.Schema, known: dict[str, PublishedColumn], limits: Limits) -> tuple[PublishedColumn, ...]:
    return checked([_column(field, known.get(field.name)) for field in schema], most=limits.columns)


def _column(field: pa.Field, described: PublishedColumn | None) -> PublishedColumn:
    """Return a column of a field's type; what is said of it counts where it fits the type."""
    said = {key.decode("utf-8", "replace"): v.decode("utf-8", "replace") for key, v in (field.metadata or {}).items()}
    datatype, size, xtype = _type(field)
    kept: dict[str, Any] = {
        key: said.get(key) or getattr(described, key, None) for key in ("unit", "ucd", "utype", "description")
    }
    told = said.get("xtype") or (described.xtype if described else None)
    if described is not None and _fits(described, datatype, size):
        datatype, size = described.datatype, described.arraysize
    elif told in {"point", "circle"} and size == "*":
        size = {"point": "2", "circle": "3"}[told]
    return PublishedColumn(field.name, datatype, size, xtype or (None if told == "timestamp" else told), **kept)


def _fits(described: PublishedColumn, datatype: str, size: str | None) -> bool:
    same = described.datatype == datatype or {described.datatype, datatype} <= TEXTS
    return same and (described.arraysize is None) == (size is None) and described.xtype != "timestamp"


def _type(field: pa.Field) -> tuple[str, str | None, str | None]:
    """Return datatype, arraysize and xtype."""
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if any(test(kind) for test in TEXTUAL):
        return "char", "*", None
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "char", "*", "timestamp"
    size = None
    if pa.types.is_fixed_size_list(kind):
        kind, size = kind.value_type, str(kind.list_size)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        kind, size = kind.value_type, "*"
    if kind in TYPES:
        return TYPES[kind], size, None
    if pa.types.is_decimal(kind):
        return "double", size, None
    raise UploadError(f"column '{field.name[:60]}': values of type {str(field.type)[:60]} cannot be taken")


def _converted(
    batches: Iterator[pa.RecordBatch], columns: Sequence[PublishedColumn], what: str
) -> Iterator[pa.RecordBatch]:
    schema = row_schema(columns)
    iterator = iter(batches)
    while True:
        try:
            batch = next(iterator, None)
            if batch is None:
                return
            batch.validate(full=True)  # a hostile file may point outside of its own buffers
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _broken(what, error) from error
        for start in range(0, batch.num_rows, BATCH_ROWS):
            piece = batch.slice(start, BATCH_ROWS)
            found = [_values(v, c) for v, c in zip(piece.columns, columns, strict=True)]
            yield pa.RecordBatch.from_arrays(found, schema=schema)


def _values(given: pa.Array, column: PublishedColumn) -> pa.Array:
    wanted = arrow_type(column)
    try:
        if pa.types.is_dictionary(given.type):
            given = given.cast(given.type.value_type)
        if pa.types.is_timestamp(given.type) and given.type.tz is not None:
            given = given.cast(pa.timestamp(given.type.unit, "UTC"))
        if pa.types.is_timestamp(wanted):
            return given.cast(wanted, safe=False) if pa.types.is_timestamp(given.type) else given.cast(wanted)
        found = given.cast(wanted)
        if column.arraysize is not None and column.arraysize.isdigit() and pa.types.is_list(wanted):
            _check_lengths(found, column)
    except pa.ArrowException as error:
        raise UploadError(f"column '{column.name}': {str(error).splitlines()[0][:200]}") from error
    return found


def _check_lengths(found: pa.Array, column: PublishedColumn) -> None:
    lengths = pc.list_value_length(found)
    if pc.any(pc.not_equal(lengths, int(column.arraysize or 0))).as_py():
        raise UploadError(f"column '{column.name}': a cell has not {column.arraysize} elements")
