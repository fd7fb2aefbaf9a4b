"""Rows into the tables that accounts keep: each table made, and each load, is one transaction, whole or not at all.

Rows come as Arrow batches in the types of the columns, and go into the database by COPY.  What may be kept is reckoned
at the end, when others of the account's loads have been counted, and before anything of it can be seen.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import adbc_driver_manager
import pyarrow as pa
import structlog
from adbc_driver_postgresql import dbapi
from psycopg.conninfo import make_conninfo
from sqlalchemy import exc, text

from archive import user_tables
from archive.database import READER, Database
from archive.errors import ArchiveError
from archive.settings import Settings
from archive.user_tables import NoSuchTable, TableInUse
from schema.accounts import UserTable
from schema.published import PublishedColumn

__all__ = [
    "Index",
    "Layout",
    "Quota",
    "QuotaExceeded",
    "RowsRefused",
    "TableExists",
    "TookTooLong",
    "append",
    "create",
    "index",
]

log = structlog.get_logger()

LOAD_SECONDS: Final = 1800
IDLE_SECONDS: Final = 120

ADD: Final = """
    INSERT INTO accounts.user_table (owner, name, description, columns, created, changed)
    VALUES ($1, $2, $3, $4::text::jsonb, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC') RETURNING table_id
"""
ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtextextended('user tables of ' || $1, 0))::text"
COUNT: Final = """
    UPDATE accounts.user_table SET rows = rows + $1, changed = now() AT TIME ZONE 'UTC' WHERE table_id = $2
    RETURNING table_id
"""
KEPT: Final = """
    SELECT count(*), sum(rows)::bigint,
           sum(pg_total_relation_size(to_regclass(format('user_tables.t%s', table_id))))::bigint
    FROM accounts.user_table WHERE owner = $1
"""
FLAG: Final = """
    UPDATE accounts.user_table SET columns = jsonb_set(columns, ARRAY[($1::bigint)::text, 'indexed'], 'true')
    WHERE table_id = $2 RETURNING table_id
"""
GONE: Final = "42P01"
DUPLICATE: Final = "23505"
LOCKED: Final = "55P03"
CANCELLED: Final = "57014"
REFUSED: Final = ("22", "23", "42", "54", "XX")
"""Classes of SQLSTATE that are about the values or the index, not about the server; XX is pgSphere's."""


class TableExists(ArchiveError):
    """The account has a table of that name."""


class QuotaExceeded(ArchiveError):
    """The account would keep more than it may."""


class RowsRefused(ArchiveError):
    """The rows cannot be stored, or not be indexed."""


class TookTooLong(ArchiveError):
    """It was not done in the time that it may take."""


@dataclass(frozen=True)
class Quota:
    """What one account may keep."""

    tables: int
    rows: int
    bytes: int

    @classmethod
    def of(cls, settings: Settings) -> "Quota":
        """Return the operator's."""
        return cls(settings.user_tables, settings.user_rows, settings.user_bytes)


@dataclass(frozen=True)
class Layout:
    """What a table is to be.

    ``types`` are PostgreSQL's, one a column; ``positions`` are expressions over ``stored`` columns to be searched on
    the sphere.
    """

    columns: tuple[PublishedColumn, ...]
    types: tuple[str, ...]
    positions: tuple[str, ...]
    description: str | None = None


Batches = Iterator[pa.RecordBatch]


def create(database: Database, account: str, name: str, layout: Layout, rows: Batches, *, quota: Quota) -> int:
    """Make a table, with the rows that there are; returns how many.

    Raises
    ------
    TableExists
        There is one of that name.
    QuotaExceeded
        The account would have too many tables, or too much in them.
    RowsRefused
        The database cannot hold the rows.
    """
    columns = tuple(
        replace(column, indexed=any(f'"{column.stored}"' in position for position in layout.positions))
        for column in layout.columns
    )
    kept = json.dumps(user_tables.described(columns))
    with _writing(database, f"{account}.{name}") as cursor:
        table_id = int(_one(cursor, ADD, account, name, layout.description, kept)[0])
        place = _place(table_id)
        declared = ", ".join(f'"{c.stored}" {kind}' for c, kind in zip(layout.columns, layout.types, strict=True))
        cursor.execute(f"CREATE TABLE {place} ({declared})")
        cursor.execute(f"GRANT SELECT ON {place} TO {READER}")
        count = _written(cursor, account, table_id, rows, layout.positions, quota)
    log.info("user table made", account=account, table=name, rows=count)
    return count


def append(database: Database, table: UserTable, rows: Batches, positions: Sequence[str], *, quota: Quota) -> int:
    """Add rows to a table, which others read meanwhile as it was; returns how many.

    Raises
    ------
    NoSuchTable
        It was dropped meanwhile.
    QuotaExceeded
        The account would keep too much.
    RowsRefused
        The database cannot hold the rows.
    """
    try:
        with _writing(database, f"{table.owner}.{table.name}") as cursor:
            cursor.execute(f"LOCK TABLE {_place(table.table_id)} IN SHARE ROW EXCLUSIVE MODE")
            count = _written(cursor, table.owner, table.table_id, rows, positions, quota)
    except BaseException:
        _tidy(database, table.table_id)
        raise
    log.info("user table loaded", account=table.owner, table=table.name, rows=count)
    return count


@dataclass(frozen=True)
class Index:
    """An index of the ``place``-th column from 0: ``expression`` is the column, or what is searched in its stead."""

    place: int
    expression: str
    unique: bool

    @property
    def sql(self) -> str:
        """What comes after the table's name."""
        return f"USING {'gist' if '(' in self.expression else 'btree'} (({self.expression}))"


def index(database: Database, table: UserTable, wanted: Index, *, quota: Quota, job_id: str, seconds: int) -> None:
    """Index a column by a job, in whose name it is done, so that whoever aborts the job finds it.

    Raises
    ------
    NoSuchTable
        It was dropped meanwhile.
    QuotaExceeded
        The account would keep too much.
    RowsRefused
        The values cannot be indexed, or are not unique.
    TookTooLong
        A step of it was not done within ``seconds``.
    """
    name = f"{table.owner}.{table.name}"
    with _writing(database, name, application=job_id, seconds=seconds) as cursor:
        kind, ending = ("UNIQUE INDEX", "unique") if wanted.unique else ("INDEX", "index")
        made = f"t{table.table_id}_{wanted.place + 1}_{ending}"  # once, however often a job is done
        cursor.execute(f"CREATE {kind} IF NOT EXISTS {made} ON {_place(table.table_id)} {wanted.sql}")
        cursor.execute(f"ANALYZE {_place(table.table_id)}")
        _one(cursor, FLAG, wanted.place, table.table_id)
        _check(_one(cursor, KEPT, table.owner), quota)
    log.info("user table indexed", account=table.owner, table=table.name)


def _written(
    cursor: dbapi.Cursor, account: str, table_id: int, rows: Batches, positions: Sequence[str], quota: Quota
) -> int:
    count = _copied(cursor, table_id, rows)
    for number, expression in enumerate(positions, 1):
        name = f"t{table_id}_position_{number}"
        cursor.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {_place(table_id)} USING gist (({expression}))")
    if count:
        cursor.execute(f"ANALYZE {_place(table_id)}")
    cursor.execute(ONE_AT_A_TIME, (account,))
    cursor.fetchall()
    _one(cursor, COUNT, count, table_id)
    _check(_one(cursor, KEPT, account), quota)
    return count


def _copied(cursor: dbapi.Cursor, table_id: int, rows: Batches) -> int:
    """Copy the rows; the driver is not asked where there are none."""
    first = next(rows, None)
    if first is None:
        return 0
    count = 0

    def counted() -> Batches:
        nonlocal count
        batch = first
        while batch is not None:
            count += batch.num_rows
            yield batch
            batch = next(rows, None)

    schema, name = user_tables.stored(table_id)
    reader = pa.RecordBatchReader.from_batches(first.schema, counted())
    cursor.adbc_ingest(name, reader, mode="append", db_schema_name=schema)
    return count


def _tidy(database: Database, table_id: int) -> None:
    """Give back the room that rows took which were undone: they would count against the quota until PostgreSQL does."""
    try:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"VACUUM (SKIP_LOCKED) {_place(table_id)}"))
    except exc.DBAPIError as error:
        log.warning("cannot give back room", table=table_id, reason=str(error.orig))


def _check(kept: tuple[Any, ...], quota: Quota) -> None:
    tables, rows, size = (int(number or 0) for number in kept)
    if tables > quota.tables:
        raise QuotaExceeded(f"this account may keep {quota.tables} tables: remove one first")
    if rows > quota.rows:
        raise QuotaExceeded(f"this account may keep {quota.rows} rows, and would have {rows}")
    if size > quota.bytes:
        raise QuotaExceeded(f"this account may keep {quota.bytes >> 20} MB, and would have {size >> 20} MB")


@contextmanager
def _writing(
    database: Database, name: str, *, application: str = "musevault", seconds: int = LOAD_SECONDS
) -> Iterator[dbapi.Cursor]:
    """Open one transaction on a connection of its own: committed when the block ends, undone when anything happens."""
    options = (
        f"-c timezone=UTC -c lock_timeout={user_tables.LOCK_SECONDS}s -c statement_timeout={seconds}s"
        f" -c idle_in_transaction_session_timeout={IDLE_SECONDS}s"
    )
    try:
        with (
            dbapi.connect(make_conninfo(database.url, options=options, application_name=application)) as connection,
            connection.cursor() as cursor,
        ):
            yield cursor
            connection.commit()
    except (adbc_driver_manager.Error, pa.ArrowException, OSError) as error:
        raise _told(error, name) from error


def _told(error: Exception, name: str) -> Exception:
    """Return what became of a statement, in words for the owner of the table."""
    state = getattr(error, "sqlstate", None) or ""
    lines = [line.partition("ERROR:")[2].strip() for line in str(error).splitlines() if "ERROR:" in line]
    words = lines[0] if lines else "it does not answer"
    if state == GONE:
        return NoSuchTable(f"there is no table {name}")
    if state == DUPLICATE and "uq_user_table_owner_name" in str(error):
        return TableExists(f"there is a table {name} already")
    if state == LOCKED:
        return TableInUse(f"the table {name} is in use; try again in a while")
    if state == CANCELLED:
        return TookTooLong(f"it took longer than it may: the table {name} is as it was")
    if state.startswith(REFUSED) or (lines and not state):
        return RowsRefused(f"the database refuses it: {words}")
    return ArchiveError(f"the database could not do it: {words}")


def _one(cursor: dbapi.Cursor, statement: str, *values: Any) -> tuple[Any, ...]:
    cursor.execute(statement, values)
    row: tuple[Any, ...] | None = cursor.fetchone()
    cursor.fetchall()
    if row is None:
        raise NoSuchTable("the table was removed meanwhile")
    return row


def _place(table_id: int) -> str:
    schema, name = user_tables.stored(table_id)
    return f'"{schema}"."{name}"'
