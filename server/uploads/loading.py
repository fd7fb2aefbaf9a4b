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
from schema.published import PublishedColumn, PublishedTable
from server.uploads.columns import row_schema, sql_type
from server.uploads.errors import UploadError
from server.uploads.limits import Limits
from server.uploads.reading import Upload, UploadedTable, read

__all__ = ["SCHEMA", "load", "ready"]

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
    rows = pa.RecordBatchReader.from_batches(row_schema(columns), _kept(table.batches, failed))
    try:
        cursor.adbc_ingest(stored, rows, mode="append", temporary=True)
    except (adbc_driver_manager.Error, OSError, pa.ArrowException) as error:
        if failed:
            raise failed[0] from None
        words = [line.partition("ERROR:")[2].strip() for line in str(error).splitlines() if "ERROR:" in line]
        raise UploadError(f"the database refuses it: {words[0] if words else 'a value cannot be stored'}") from error
    return PublishedTable(SCHEMA, table.name, columns, "A table of the request.", stored=("pg_temp", stored))


def _kept(batches: Iterator[pa.RecordBatch], failed: list[UploadError]) -> Iterator[pa.RecordBatch]:
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
    """Yield the indexes that the forms of ``adql.sql.geometries`` find: the expressions must be the same."""
    pair = _position(table.columns)
    if pair is not None:
        longitude, latitude = pair
        yield _index(table, f'spoint(radians("{longitude.stored}"),radians("{latitude.stored}"))')
    for column in table.columns:
        if column.datatype != "double" or column.arraysize is None:
            continue
        numbers = f'"{column.stored}"'
        centre = f"spoint(radians(({numbers})[1]),radians(({numbers})[2]))"
        if column.xtype == "point":
            yield _index(table, centre)
        elif column.xtype == "circle":
            radius = f"CASE WHEN ({numbers})[3] BETWEEN 0 AND 90 THEN ({numbers})[3] END"
            yield _index(table, f"scircle({centre},radians({radius}))")
        elif column.xtype == "polygon":
            yield _polygon_index(table, numbers)


def _index(table: PublishedTable, expression: str) -> str:
    return f"CREATE INDEX ON {_place(table)} USING gist (({expression}))"


def _polygon_index(table: PublishedTable, numbers: str) -> str:
    """Polygons of which one is none cannot be indexed; the query will tell if it meets that one."""
    made = f"sphere.polygon(CASE WHEN array_position({numbers}, NULL) IS NULL THEN {numbers} END)"
    few = f"(SELECT count(*) FROM {_place(table)}) <= {MOST_POLYGONS}"
    return (
        f"DO $$ BEGIN IF {few} THEN {_index(table, made)}; END IF;"
        " EXCEPTION WHEN data_exception OR internal_error OR invalid_text_representation THEN NULL; END $$"
    )


def _position(columns: Sequence[PublishedColumn]) -> tuple[PublishedColumn, PublishedColumn] | None:
    """Return the columns of right ascension and declination: by UCD, the main ones first, else by name."""
    scalars = [c for c in columns if c.arraysize is None and c.datatype in {"double", "float"}]
    for rank in ("main", "any", "name"):
        found = [next((c for c in scalars if _is(c, axis, rank)), None) for axis in ("ra", "dec")]
        if found[0] is not None and found[1] is not None:
            return found[0], found[1]
    return None


def _is(column: PublishedColumn, axis: str, rank: str) -> bool:
    words = (column.ucd or "").lower().split(";")
    old = {"ra": "pos_eq_ra_main", "dec": "pos_eq_dec_main"}[axis]
    match rank:
        case "main":
            return (words[0] == f"pos.eq.{axis}" and "meta.main" in words) or words[0] == old
        case "any":
            return words[0] == f"pos.eq.{axis}"
        case _:
            return column.name.lower() in {axis, f"{axis}deg", f"{axis}_deg", f"{axis}_icrs", f"{axis}j2000"}
