"""The rows of maps in the database: a product's are two tables of their own, of its spaxels and its bins.

``maps_staging`` fills them where nobody sees them; they become partitions of ``maps.spaxel`` and ``maps.bin`` in the
transaction that publishes the product, and those of an earlier edition leave in the same one.  Whoever asks meanwhile
sees the earlier rows or the new ones, never both or a part of them.
"""

import time
from collections.abc import Callable
from typing import Final

import psycopg
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import Table, exc, text
from sqlalchemy.orm import Session

from archive.maps_staging import CHECK, TABLES, Key, Staged, run, table_name
from schema.maps import BIN, PARTITIONS, SPAXEL

__all__ = ["MAPS", "TAKEN", "attach", "make_way", "withdraw"]

MAPS: Final = "maps"
"""Kind of the products that have rows."""

OF_PRODUCT: Final = text(
    "WITH RECURSIVE tree AS ("
    "SELECT CAST(to_regclass(:root) AS oid) AS relid, CAST(NULL AS oid) AS parent, 0 AS level UNION ALL "
    "SELECT inhrelid, inhparent, level + 1 FROM tree JOIN pg_inherits ON inhparent = relid WHERE level < 3) "
    "SELECT CAST(relid AS regclass)::text AS own, CAST(parent AS regclass)::text AS parent "
    "FROM tree JOIN pg_class ON oid = relid WHERE level = 3 "
    "AND pg_get_expr(relpartbound, oid) = format('FOR VALUES IN (%L)', CAST(:product AS text))"
)
"""The catalogue is asked, as pg_partition_tree locks all that it lists until the transaction ends."""

TAKEN: Final = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
"""What a lock ends in that others have."""

AT_A_TIME: Final = "500ms"
"""How long others have to wait behind us for those who are reading."""

PAUSE_SECONDS: Final = 2.0
PATIENCE_SECONDS: Final = 600.0


def make_way(session: Session, product_id: str, publishing: Callable[[Session], None]) -> None:
    """Wait until nobody publishes and nobody reads the rows that are to leave; until the end nobody does.

    Only rows of the same galaxy at the same resolution are locked, and while it waits it lets go of all locks again and
    again: those who come meanwhile are not kept waiting behind a long query.

    Parameters
    ----------
    publishing
        Takes the lock of those who publish.

    Raises
    ------
    OperationalError
        There was somebody all the time.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with session.begin_nested():
                session.execute(text(f"SET LOCAL lock_timeout = '{AT_A_TIME}'"))
                publishing(session)
                if parents := [parent for table in TABLES for _, parent in _of_product(session, table, product_id)]:
                    run(
                        session, SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(SQL(", ").join(map(SQL, parents)))
                    )
                session.execute(text("SET LOCAL lock_timeout = 0"))
        except exc.OperationalError as error:
            if not isinstance(error.orig, TAKEN) or time.monotonic() > end:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return


def attach(session: Session, staged: Staged) -> None:
    """Let staged rows take the place of the product's earlier ones."""
    key = staged.key
    withdraw(session, key.product_id)
    strips = f"{staged.parts[0].name}_strips"
    parents = {
        SPAXEL.name: _part(session, _ensured(session, SPAXEL, key), strips, key.product_id, "y", "RANGE"),
        BIN.name: _ensured(session, BIN, key),
    }
    for part in staged.parts:
        parent, own = parents[part.table.name], Identifier(PARTITIONS, part.name)
        if part.strip is None:
            bound = SQL("IN ({})").format(Literal(key.product_id))
        else:
            bound = SQL("FROM ({}) TO ({})").format(*map(Literal, part.strip))
        run(session, SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES {}").format(parent, own, bound))
        run(session, SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(own, Identifier(CHECK)))


def withdraw(session: Session, product_id: str) -> None:
    """Take the rows of a product away, if it has any."""
    for table in TABLES:
        for name, _ in _of_product(session, table, product_id):
            run(session, SQL("DROP TABLE {}").format(SQL(name)))


def _of_product(session: Session, table: Table, product_id: str) -> list[tuple[str, str]]:
    """Return the partitions of a product, each with the one that it is part of."""
    given = {"root": f"{table.schema}.{table.name}", "product": product_id}
    return [(row.own, row.parent) for row in session.execute(OF_PRODUCT, given)]


def _ensured(session: Session, table: Table, key: Key) -> Identifier:
    """Return the partition of the galaxy at the resolution, made when it is first needed."""
    parent = Identifier(str(table.schema), table.name)
    for depth in (1, 2):
        values = key.values[:depth]
        name = table_name(table.name, *(value for _, value in values))
        parent = _part(session, parent, name, values[-1][1], key.values[depth][0], "LIST")
    return parent


def _part(session: Session, parent: Identifier, name: str, value: str, by: str, how: str) -> Identifier:
    """Return a partition that is parted in its turn, made if it is not there.

    It is attached when it is made: a statement that does both would wait for all who read.
    """
    own = Identifier(PARTITIONS, name)
    if session.scalar(text("SELECT to_regclass(:name)"), {"name": f"{PARTITIONS}.{name}"}) is None:
        create = SQL("CREATE TABLE {} (LIKE {} INCLUDING COMMENTS) PARTITION BY {} ({})")
        run(session, create.format(own, parent, SQL(how), Identifier(by)))
        run(session, SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES IN ({})").format(parent, own, Literal(value)))
    return own
