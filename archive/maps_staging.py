"""Rows of maps brought into the database where nobody sees them: tables filled and indexed, not yet partitions.

A field is cut into strips, a table each, which several connections fill at once; so they are committed before their
product is.  The transaction that publishes holds a lock in their name; tables that are nobody's, since a process died,
``sweep`` drops.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
from archive.database import Database
from archive.maps_file import Rows, open_maps
from schema.maps import BIN, PARTITIONS, SPAXEL
from schema.products import Product

__all__ = ["CHECK", "TABLES", "Key", "Part", "Staged", "run", "stage", "sweep", "table_name"]

TABLES: Final = (SPAXEL, BIN)
CHECK: Final = "parted"
"""Constraint that tells PostgreSQL what a table has, so that it need not look when it becomes a partition."""

STATISTICS: Final = 25
"""How closely the planner knows a strip: its columns are many and smooth."""

LOCKS: Final = 0x6D61
"""Class of the advisory locks on tables that are being staged."""

CONNECTIONS: Final = 2
"""That work at once on a product's rows."""

SPAXELS_A_STRIP: Final = 600_000
"""At most, or nearly: indexes of positions take their time by more than their length."""

POSTGRESQL: Final = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy does not type its dialects
DIGITS: Final = 20
UNKNOWN: Final = "unknown"
"""Resolution of maps that do not say theirs."""

UNATTACHED: Final = (
    "SELECT relname FROM pg_class WHERE relnamespace = CAST(:schema AS regnamespace) "
    "AND relkind = 'r' AND NOT relispartition"
)


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
        return cls(target, product.resolution or UNKNOWN, product.product_id)

    @property
    def values(self) -> tuple[tuple[str, str], ...]:
        """Columns and values, the outermost first."""
        return ("target", self.target), ("resolution", self.resolution), ("product_id", self.product_id)


@dataclass(frozen=True)
class Part:
    """Some rows of a product: the table that they are in, the one that this is to be part of, and the rows of spaxels.

    ``strip`` are first and last row of spaxels from 1 on, the last one excluded; None for what is not of spaxels.
    """

    name: str
    table: Table
    strip: tuple[int, int] | None = None


@dataclass(frozen=True)
class Staged:
    """Rows that are in the database, where nobody sees them yet."""

    key: Key
    parts: tuple[Part, ...]


def stage(database: Database, session: Session, product: Product, path: Path) -> Staged:
    """Bring the rows of a file into tables of their own, with their indexes.

    They are those of ``session``, whose transaction publishes the product; when it ends without them, ``sweep``.

    Raises
    ------
    Refused
        It is no file of maps.
    """
    sweep(database)
    key = Key.of(product)
    transaction = str(session.scalar(text("SELECT pg_current_xact_id()")))  # two may stage the same product
    with open_maps(path) as maps:
        parts = tuple(_parts(maps.shape, key, transaction))
    for part in parts:
        given = {"locks": LOCKS, "name": part.name}
        session.execute(text("SELECT pg_advisory_xact_lock(:locks, hashtext(:name))"), given)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for done in [pool.submit(_fill, database, key, part, path) for part in parts]:
            done.result()
    return Staged(key, parts)


def _parts(shape: tuple[int, ...], key: Key, transaction: str) -> Iterator[Part]:
    rows, columns = shape
    height = -(-rows // -(-rows * columns // SPAXELS_A_STRIP))
    for start in range(1, rows + 1, height):
        name = table_name(SPAXEL.name, key.product_id, transaction, str(start))
        yield Part(name, SPAXEL, (start, min(start + height, rows + 1)))
    yield Part(table_name(BIN.name, key.product_id, transaction), BIN)


def sweep(database: Database) -> None:
    """Drop tables that were staged and belong to nobody any more."""
    with database.transaction() as session:
        for name in session.scalars(text(UNATTACHED), {"schema": PARTITIONS}).all():
            _drop_if_nobodys(session, name)


def _drop_if_nobodys(session: Session, name: str) -> None:
    given = {"locks": LOCKS, "name": name, "schema": PARTITIONS}
    if not session.scalar(text("SELECT pg_try_advisory_xact_lock(:locks, hashtext(:name))"), given):
        return
    # asked once more: its owner may have made it a partition since, and it is nobody's only now
    if session.scalar(text(f"{UNATTACHED} AND relname = :name"), given) is not None:
        run(session, SQL("DROP TABLE {}").format(Identifier(PARTITIONS, name)))


def _fill(database: Database, key: Key, part: Part, path: Path) -> None:
    """Make the table of a part with its rows and its indexes."""
    own, parent = Identifier(PARTITIONS, part.name), Identifier(str(part.table.schema), part.table.name)
    with database.transaction() as session, open_maps(path) as maps:
        run(session, SQL("CREATE TABLE {} (LIKE {} INCLUDING COMMENTS)").format(own, parent))
        known = _known(key, part)
        run(session, SQL("ALTER TABLE {} ADD CONSTRAINT {} CHECK ({})").format(own, Identifier(CHECK), known))
        _copy(session, own, key, _once(maps.bins()) if part.strip is None else maps.spaxels(part.strip))
        for index in sorted(part.table.indexes, key=lambda one: str(one.name)):
            run(session, SQL("CREATE INDEX ON {} {}").format(own, SQL(_definition(index, part.table))))
        run(session, SQL("SET LOCAL default_statistics_target = {}").format(Literal(STATISTICS)))
        run(session, SQL("ANALYZE {}").format(own))


def _known(key: Key, part: Part) -> Composable:
    """Return what all rows of a part have in common."""
    conditions = [SQL("{} = {}").format(Identifier(column), Literal(value)) for column, value in key.values]
    if part.strip is not None:
        conditions.append(SQL("y >= {} AND y < {}").format(*map(Literal, part.strip)))
    return SQL(" AND ").join(conditions)


def _once(rows: Rows) -> Iterator[Rows]:
    if len(rows):
        yield rows


def _copy(session: Session, own: Identifier, key: Key, batches: Iterator[Rows]) -> None:
    first = next(batches, None)
    if first is None:
        return
    texts = [value for _, value in key.values]
    names = SQL(", ").join(map(Identifier, (*(column for column, _ in key.values), *first.whole, *first.real)))
    statement = SQL("COPY {} ({}) FROM STDIN (FORMAT binary, FREEZE)").format(own, names)
    try:
        with _driver(session).cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(copy_binary.START)
            for rows in chain([first], batches):
                whole, real = (np.array(list(part.values())).T for part in (rows.whole, rows.real))
                copy.write(copy_binary.encoded(texts, whole, real))
            copy.write(copy_binary.END)
    except psycopg.Error as error:  # by the driver itself: callers know SQLAlchemy's errors
        raise exc.DBAPIError.instance(None, None, error, psycopg.Error) from error


def _definition(index: Index, table: Table) -> str:
    """Return what stands behind the table's name in the statement that makes an index."""
    statement = str(CreateIndex(index).compile(dialect=POSTGRESQL))
    return statement.partition(f" ON {table.schema}.{table.name} ")[2]


def table_name(*parts: str) -> str:
    """Return a name for a table that its parts determine, whatever is in these."""
    return f"{parts[0]}_{hashlib.sha256(chr(31).join(parts).encode()).hexdigest()[:DIGITS]}"


def run(session: Session, statement: Composable) -> None:
    """Execute a statement that the driver puts together, in the session's transaction."""
    try:
        _driver(session).execute(statement)
    except psycopg.Error as error:
        raise exc.DBAPIError.instance(None, None, error, psycopg.Error) from error


def _driver(session: Session) -> Any:
    return session.connection().connection.driver_connection
