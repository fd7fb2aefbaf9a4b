"""The rows of maps in the database: a product's are two tables of their own, of its spaxels and its bins.

They are filled before anybody sees them, and become partitions of ``maps.spaxel`` and ``maps.bin`` in the transaction
that publishes the product; those of an earlier edition leave in the same one.  Whoever asks meanwhile sees the earlier
rows or the new ones, never both or a part.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
from psycopg.sql import SQL, Composable, Identifier, Literal
from sqlalchemy import Index, Table, exc, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateIndex

from archive import copy_binary
from archive.maps_file import Rows, open_maps
from schema.maps import BIN, PARTITIONS, SPAXEL
from schema.products import Product, Resolution

__all__ = ["MAPS", "Staged", "stage", "withdraw"]

MAPS: Final = "maps"
"""Kind of the products that have rows."""

TABLES: Final = (SPAXEL, BIN)
POSTGRESQL: Final = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy does not type its dialects
DIGITS: Final = 20


@dataclass(frozen=True)
class Key:
    """By what rows are parted: each value within the one before it."""

    target: str
    resolution: str
    product_id: str

    @classmethod
    def of(cls, product: Product) -> "Key":
        """Return that of a product; of one that belongs to no survey, by its designation."""
        target = product.target or product.target_name or product.product_id
        return cls(target, product.resolution or Resolution.NATIVE, product.product_id)

    @property
    def values(self) -> tuple[tuple[str, str], ...]:
        """Columns and values, the outermost first."""
        return ("target", self.target), ("resolution", self.resolution), ("product_id", self.product_id)


@dataclass(frozen=True)
class Staged:
    """Rows that are in the database, where nobody sees them yet: tables, by the one that they are to be part of."""

    key: Key
    tables: dict[str, str]

    def drop(self, session: Session) -> None:
        """Forget them."""
        for name in self.tables.values():
            _run(session, SQL("DROP TABLE {}").format(Identifier(PARTITIONS, name)))

    def attach(self, session: Session) -> None:
        """Let them take the place of the product's earlier rows."""
        withdraw(session, self.key.product_id)
        for table in TABLES:
            parent = _ensured(session, table, self.key)
            value = self.key.product_id
            own = Identifier(PARTITIONS, self.tables[table.name])
            _run(
                session,
                SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES IN ({})").format(parent, own, Literal(value)),
            )
            _run(session, SQL("ALTER TABLE {} DROP CONSTRAINT parted").format(own))


def stage(session: Session, product: Product, path: Path) -> Staged:
    """Bring the rows of a file into tables of their own, with their indexes, within the session's transaction.

    Raises
    ------
    Refused
        It is no file of maps.
    """
    key, tables = Key.of(product), {}
    with open_maps(path) as maps:
        for table, batches in ((SPAXEL, maps.spaxels()), (BIN, _once(maps.bins()))):
            name = _name(table.name, *(value for _, value in key.values), _transaction(session))
            own = Identifier(PARTITIONS, name)
            parent = Identifier(str(table.schema), table.name)
            _run(session, SQL("CREATE TABLE {} (LIKE {} INCLUDING COMMENTS)").format(own, parent))
            conditions = SQL(" AND ").join(
                SQL("{} = {}").format(Identifier(column), Literal(value)) for column, value in key.values
            )
            _run(session, SQL("ALTER TABLE {} ADD CONSTRAINT parted CHECK ({})").format(own, conditions))
            _copy(session, own, key, batches)
            for index in sorted(table.indexes, key=lambda one: str(one.name)):
                _run(session, SQL("CREATE INDEX ON {} {}").format(own, SQL(_definition(index, table))))
            _run(session, SQL("ANALYZE {}").format(own))
            tables[table.name] = name
    return Staged(key, tables)


def withdraw(session: Session, product_id: str) -> None:
    """Take the rows of a product away; queries that run are waited for, and those that come wait for the end."""
    for table in TABLES:
        found = session.scalars(
            text(
                "SELECT leaf.relid::regclass::text FROM pg_partition_tree(to_regclass(:parent)) AS leaf "
                "JOIN pg_class AS c ON c.oid = leaf.relid "
                "WHERE leaf.isleaf "
                "AND pg_get_expr(c.relpartbound, c.oid) = format('FOR VALUES IN (%L)', CAST(:product AS text))"
            ),
            {"parent": f"{table.schema}.{table.name}", "product": product_id},
        ).all()
        for name in found:
            _run(session, SQL("DROP TABLE {}").format(SQL(name)))


def _once(rows: Rows) -> Iterator[Rows]:
    if len(rows):
        yield rows


def _ensured(session: Session, table: Table, key: Key) -> Identifier:
    """Return the partition of the galaxy at the resolution, made when it is first needed."""
    parent = Identifier(str(table.schema), table.name)
    for depth in (1, 2):
        values = key.values[:depth]
        name = _name(table.name, *(value for _, value in values))
        inside = Identifier(PARTITIONS, name)
        _run(
            session,
            SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES IN ({}) PARTITION BY LIST ({})").format(
                inside, parent, Literal(values[-1][1]), Identifier(key.values[depth][0])
            ),
        )
        parent = inside
    return parent


def _copy(session: Session, own: Identifier, key: Key, batches: Iterator[Rows]) -> None:
    first = next(batches, None)
    if first is None:
        return
    texts = [value for _, value in key.values]
    names = [*(column for column, _ in key.values), *first.whole, *first.real]
    statement = SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(own, SQL(", ").join(map(Identifier, names)))
    connection: Any = session.connection().connection.driver_connection
    try:
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(copy_binary.START)
            for rows in chain([first], batches):
                whole, real = (np.column_stack(list(part.values())) for part in (rows.whole, rows.real))
                copy.write(copy_binary.encoded(texts, whole, real))
            copy.write(copy_binary.END)
    except psycopg.Error as error:  # by the driver itself: callers know SQLAlchemy's errors
        raise exc.DBAPIError.instance(None, None, error, psycopg.Error) from error


def _definition(index: Index, table: Table) -> str:
    """Return what stands behind the table's name in the statement that makes an index."""
    statement = str(CreateIndex(index).compile(dialect=POSTGRESQL))
    return statement.partition(f" ON {table.schema}.{table.name} ")[2]


def _transaction(session: Session) -> str:
    """Return what no other transaction is called: two may stage the same product."""
    return str(session.scalar(text("SELECT pg_current_xact_id()")))


def _name(*parts: str) -> str:
    """Return a name for a table that its parts determine, whatever is in these."""
    return f"{parts[0]}_{hashlib.sha256(chr(31).join(parts).encode()).hexdigest()[:DIGITS]}"


def _run(session: Session, statement: Composable) -> None:
    connection: Any = session.connection().connection.driver_connection
    try:
        connection.execute(statement)
    except psycopg.Error as error:
        raise exc.DBAPIError.instance(None, None, error, psycopg.Error) from error
