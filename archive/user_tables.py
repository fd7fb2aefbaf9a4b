"""The tables that accounts keep: found, shown beside what is published, dropped.  Rows come in by ``user_rows``.

A table is seen by the account that it belongs to and by no other: whatever reads tables for a client asks
``visible_to``.  In the database they have numbers for names.
"""

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from typing import Any, Final

import psycopg
import structlog
from sqlalchemy import Select, delete, exc, func, select, text
from sqlalchemy.orm import Session

from archive.database import Database
from archive.errors import ArchiveError
from schema.accounts import ROWS_SCHEMA, UserTable
from schema.adql_words import as_written
from schema.published import PublishedColumn, PublishedTable, catalogue

__all__ = [
    "NoSuchTable",
    "TableInUse",
    "described",
    "drop",
    "drop_all",
    "find",
    "get",
    "listed",
    "stored",
    "visible_to",
]

log = structlog.get_logger()

LOCK_SECONDS: Final = 10
PERSONAL: Final = ("schemas", "tables", "columns")
"""The tables of TAP_SCHEMA that tell of an account's own tables, too, by functions of the same names."""

_FIELDS: Final = tuple(field.name for field in fields(PublishedColumn))


class NoSuchTable(ArchiveError):
    """The account has no table of that name."""


class TableInUse(ArchiveError):
    """A query or a load is at work on the table."""


def listed(database: Database, account: str) -> list[UserTable]:
    """Return the tables of an account by name."""
    with database.reading() as session:
        return list(session.scalars(select(UserTable).where(UserTable.owner == account).order_by(UserTable.name)))


def find(database: Database, account: str, name: str) -> UserTable | None:
    """Return a table of an account, or None."""
    with database.reading() as session:
        return session.scalar(_named(account, name))


def get(database: Database, account: str, name: str) -> UserTable:
    """Return a table of an account.

    Raises
    ------
    NoSuchTable
        It has none of that name.
    """
    found = find(database, account, name)
    if found is None:
        raise NoSuchTable(f"there is no table {account}.{name}")
    return found


def visible_to(database: Database, account: str | None) -> tuple[PublishedTable, ...]:
    """Return every table that an account, or for None an anonymous client, may read."""
    own = listed(database, account) if account is not None else []
    if not own:
        return catalogue()
    return (*(_personal(table, own[0].owner) for table in catalogue()), *map(published, own))


def published(table: UserTable) -> PublishedTable:
    """Return a table as queries take it."""
    columns = tuple(PublishedColumn(**{name: column[name] for name in _FIELDS}) for column in table.columns)
    return PublishedTable(table.owner, table.name, columns, table.description, stored=stored(table.table_id))


def stored(table_id: int) -> tuple[str, str]:
    """Return schema and name in the database."""
    return ROWS_SCHEMA, f"t{table_id}"


def described(columns: Sequence[PublishedColumn]) -> list[dict[str, Any]]:
    """Return columns as they are kept with their table."""
    return [{**asdict(column), "written": as_written(column.name)} for column in columns]


def drop(database: Database, account: str, name: str) -> None:
    """Drop a table with its rows.

    Raises
    ------
    NoSuchTable
        The account has none of that name.
    TableInUse
        It is being read or written.
    """
    try:
        with database.transaction() as session:
            found = session.scalar(_named(account, name))
            if found is None:
                raise NoSuchTable(f"there is no table {account}.{name}")
            _drop(session, found)
    except exc.OperationalError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise TableInUse(f"the table {account}.{name} is in use; try again when no query reads it") from error
        raise
    log.info("user table dropped", account=account, table=name)


def drop_all(session: Session, account: str) -> int:
    """Drop all tables of an account; returns how many."""
    tables = session.scalars(select(UserTable).where(UserTable.owner == account)).all()
    for table in tables:
        _drop(session, table)
    return len(tables)


def _drop(session: Session, table: UserTable) -> None:
    """Drop the rows first, as who adds rows locks them first: so neither waits for the other for ever."""
    session.execute(select(func.set_config("lock_timeout", f"{LOCK_SECONDS}s", True)))  # noqa: FBT003  SQL's own order
    schema, name = stored(table.table_id)
    session.execute(text(f'DROP TABLE IF EXISTS "{schema}"."{name}"'))
    session.execute(delete(UserTable).where(UserTable.table_id == table.table_id))


def _named(account: str, name: str) -> Select[UserTable]:
    return select(UserTable).where(UserTable.owner == account, UserTable.name == name)


def _personal(table: PublishedTable, account: str) -> PublishedTable:
    if table.schema != "tap_schema" or table.name not in PERSONAL:
        return table
    return replace(table, stored=(ROWS_SCHEMA, table.name), argument=account)
