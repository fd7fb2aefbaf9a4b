"""Uploaded tables as temporary tables of the connection that runs the query.

Two steps in one transaction.  ``load`` writes them, as a role that may make temporary tables and nothing else;
``ready`` gives what the query needs to be quick, then takes writing away for the rest of the transaction and changes
to the role of all queries.  The tables end with the transaction, whatever ends it.

In the database tables and columns have names of ours: what a client calls them is seen by ADQL only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import adbc_driver_manager
import pyarrow as pa
from adbc_driver_postgresql import dbapi

from archive.database import READER, UPLOADER
from schema.published import PublishedTable
from server.uploads.columns import row_schema, sql_type
from server.uploads.errors import UploadError
from server.uploads.limits import Limits
from server.uploads.positions import polygon_of, positions
from server.uploads.reading import Upload, UploadedTable, read

__all__ = ["SCHEMA", "kept", "load", "ready"]

SCHEMA: Final = "tap_upload"
MOST_POLYGONS: Final = 100_000
"""Rows up to which polygons are indexed: making one takes longer than testing it a few times."""


def load(connection: dbapi.Connection, uploads: Sequence[Upload], limits: Limits) -> tuple[PublishedTable, ...]:
    """Write uploads into temporary tables.

    Parameters
    ----------
    connection
        In a transaction that has not begun yet, as the reader, not in autocommit.
    uploads
        Files; those that are packed are unpacked in place.
    limits
        How large each may be.

    Returns
    -------
    tuple[PublishedTable, ...]
        The tables as ``translate`` takes them beside the catalogue's.

    Raises
    ------
    UploadError
        A table cannot be taken.  The transaction must be given up then.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ WRITE")
        cursor.execute(f"SET LOCAL ROLE {UPLOADER}")
        cursor.execute("SET LOCAL search_path = public, pg_temp")
        tables = []
        for number, upload in enumerate(uploads, 1):
            with read(upload, limits) as table:
                tables.append(_written(cursor, table, f"upload_{number}"))
        return tuple(tables)


def ready(connection: dbapi.Connection, tables: Sequence[PublishedTable], sql: str) -> None:
    """Analyse the tables, index the positions if the query asks for any, and let nothing be written from here on."""
    with connection.cursor() as cursor:
        for table in tables:
            if "spoint(" in sql:
                for index in _indexes(table):
                    cursor.execute(index)
            cursor.execute(f"ANALYZE {_place(table)}")
            cursor.execute(f"GRANT SELECT ON {_place(table)} TO {READER}")
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute(f"SET LOCAL ROLE {READER}")


def _written(cursor: dbapi.Cursor, table: UploadedTable, stored: str) -> PublishedTable:
    columns = tuple(replace(column, stored=f"c{n}") for n, column in enumerate(table.columns, 1))
    declared = ", ".join(f'"{column.stored}" {sql_type(column)}' for column in columns)
    cursor.execute(f'CREATE TEMPORARY TABLE "{stored}" ({declared}) ON COMMIT DROP')
    failed: list[UploadError] = []
    rows = pa.RecordBatchReader.from_batches(row_schema(columns), kept(table.batches, failed))
    try:
        cursor.adbc_ingest(stored, rows, mode="append", temporary=True)
    except (adbc_driver_manager.Error, OSError, pa.ArrowException) as error:
        if failed:
            raise failed[0] from None
        words = [line.partition("ERROR:")[2].strip() for line in str(error).splitlines() if "ERROR:" in line]
        raise UploadError(f"the database refuses it: {words[0] if words else 'a value cannot be stored'}") from error
    return PublishedTable(SCHEMA, table.name, columns, "A table of the request.", stored=("pg_temp", stored))


def kept(batches: Iterator[pa.RecordBatch], failed: list[UploadError]) -> Iterator[pa.RecordBatch]:
    """Keep the error of a stream: on the way through the driver it becomes another."""
    try:
        yield from batches
    except UploadError as error:
        failed.append(error)
        raise


def _place(table: PublishedTable) -> str:
    schema, name = table.stored or (table.schema, table.name)
    return f'"{schema}"."{name}"'


def _indexes(table: PublishedTable) -> Iterator[str]:
    """Yield the indexes."""
    for expression in positions(table.columns):
        yield _index(table, expression)
    for column in table.columns:
        if (polygon := polygon_of(column)) is not None:
            yield _polygon_index(table, polygon)


def _index(table: PublishedTable, expression: str) -> str:
    return f"CREATE INDEX ON {_place(table)} USING gist (({expression}))"


def _polygon_index(table: PublishedTable, made: str) -> str:
    """Polygons of which one is none cannot be indexed; the query will tell if it meets that one."""
    few = f"(SELECT count(*) FROM {_place(table)}) <= {MOST_POLYGONS}"
    return (
        f"DO $$ BEGIN IF {few} THEN {_index(table, made)}; END IF;"
        " EXCEPTION WHEN data_exception OR internal_error OR invalid_text_representation THEN NULL; END $$"
    )
