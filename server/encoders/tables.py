"""Batches as Arrow and Parquet show them: names that do not repeat, declared types, columns that say what they are."""

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa

from server.adql import OutputColumn
from server.encoders.names import unique

__all__ = ["Drain", "arrow_schema", "conformed", "with_unique_names"]

TYPES: Final = {
    "boolean": pa.bool_(),
    "unsignedByte": pa.uint8(),
    "short": pa.int16(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "char": pa.string(),
    "unicodeChar": pa.string(),
}


class Drain(io.RawIOBase):
    """A file that a library writes to and from which its bytes are taken as they come."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def write(self, block: Any) -> int:
        """Keep a block, of bytes or a buffer of Arrow's, until it is taken."""
        written = bytes(memoryview(block))
        self._blocks.append(written)
        self._position += len(written)
        return len(written)

    def tell(self) -> int:
        """Return how much was written in all."""
        return self._position

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = b"".join(self._blocks)
        self._blocks = []
        return taken


def with_unique_names(columns: Sequence[OutputColumn]) -> tuple[OutputColumn, ...]:
    """Return columns whose names do not repeat."""
    names = unique(column.name for column in columns)
    return tuple(replace(column, name=name) for column, name in zip(columns, names, strict=True))


def arrow_schema(columns: Sequence[OutputColumn]) -> pa.Schema:
    """Return the schema for columns with unique names; fields carry unit, ucd, utype, xtype and description."""
    return pa.schema([pa.field(c.name, _arrow_type(c), metadata=_described(c)) for c in columns])


def conformed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch with a schema's names and types."""
    columns = [
        values if values.type == field.type else values.cast(field.type)
        for values, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _arrow_type(column: OutputColumn) -> pa.DataType:
    if column.xtype == "timestamp":
        return pa.timestamp("us")
    element = TYPES[column.datatype]
    if column.arraysize is None or element == pa.string():
        return element
    return pa.list_(element)


def _described(column: OutputColumn) -> dict[str, str]:
    said = {
        "unit": column.unit,
        "ucd": column.ucd,
        "utype": column.utype,
        "xtype": column.xtype,
        "description": column.description,
    }
    return {key: words for key, words in said.items() if words}
