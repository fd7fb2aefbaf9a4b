"""Many rows at once: COPY, the fastest way into PostgreSQL, and questions about many keys."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import ARRAY, Column, ColumnElement, Table, Text, exc, func, literal
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import InstrumentedAttribute, Session

from schema.base import Base, SPoly

__all__ = ["among", "copy_rows", "table_of"]

POSTGRESQL: Final = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy does not type its dialects


def copy_rows(session: Session, mapped: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows, which all have the same columns, within the session's transaction.

    What a column is left out of gets the server's default.  Nothing is looked up: keys must be new.
    """
    if not rows:
        return
    table = table_of(mapped)
    names = list(rows[0])
    # pgSphere has no binary form, not even for columns that are computed; all else goes as it is, unconverted.
    binary = not any(isinstance(column.type, SPoly) for column in table.columns)
    statement = SQL("COPY {} ({}) FROM STDIN" + (" (FORMAT binary)" if binary else "")).format(
        Identifier(table.schema or "public", table.name), SQL(", ").join(map(Identifier, names))
    )
    connection = session.connection().connection.driver_connection
    try:
        with connection.cursor().copy(statement) as copy:  # type: ignore[union-attr]
            if binary:
                copy.set_types([_type_name(table.columns[name]) for name in names])
            for row in rows:
                copy.write_row([row[name] for name in names])
    except psycopg.Error as error:  # by the driver itself: callers know SQLAlchemy's errors
        raise exc.DBAPIError.instance(None, None, error, psycopg.Error) from error


def among(attribute: InstrumentedAttribute[str], texts: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that a column is one of these texts: one parameter, however many there are."""
    return attribute == func.any(literal(list(texts), ARRAY(Text())))


def table_of(mapped: type[Base]) -> Table:
    """Return the table of a mapped class."""
    table = mapped.__table__
    assert isinstance(table, Table)  # noqa: S101  declared classes map tables, never joins
    return table


def _type_name(column: Column[Any]) -> str:
    """Return what PostgreSQL calls the type of a column."""
    return column.type.compile(POSTGRESQL).lower().removesuffix(" without time zone")
