"""The rows of maps in the database: a product's are two tables of their own, of its spaxels and its bins.

``maps_staging`` fills them where nobody sees them; they become partitions of ``maps.spaxel`` and ``maps.bin`` in the
transaction that publishes the product, and those of an earlier edition leave in the same one.  Whoever asks meanwhile
sees the earlier rows or the new ones, never both or a part.
"""

import time
from typing import Final

from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import Table, exc, text
from sqlalchemy.orm import Session

from archive.maps_staging import CHECK, TABLES, Key, Staged, run, table_name
from schema.maps import BIN, PARTITIONS, SPAXEL

__all__ = ["MAPS", "attach", "make_way", "withdraw"]

MAPS: Final = "maps"
"""Kind of the products that have rows."""

OF_PRODUCT: Final = text(
    "SELECT part.relid::regclass::text FROM pg_partition_tree(to_regclass(:parent)) AS part "
    "JOIN pg_class AS c ON c.oid = part.relid "
    "WHERE part.level = 3 AND pg_get_expr(c.relpartbound, c.oid) = format('FOR VALUES IN (%L)', CAST(:product AS text))"
)

AT_A_TIME: Final = "500ms"
"""How long others have to wait behind us for those who are reading."""

PAUSE_SECONDS: Final = 2.0
PATIENCE_SECONDS: Final = 600.0


def make_way(session: Session, product_id: str) -> None:
    """Wait until nobody reads the tables that a product's rows are to leave; until the end nobody does.

    To be called before any other lock is taken.  Those who come meanwhile are not kept waiting behind a long query.

    Raises
    ------
    OperationalError
        There was somebody all the time.
    """
    if not any(_of_product(session, table, product_id) for table in TABLES):
        return
    end = time.monotonic() + PATIENCE_SECONDS
    names = SQL(", ").join(Identifier(str(table.schema), table.name) for table in TABLES)
    while True:
        try:
            with session.begin_nested():
                session.execute(text(f"SET LOCAL lock_timeout = '{AT_A_TIME}'"))
                run(session, SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))
                session.execute(text("SET LOCAL lock_timeout = 0"))
        except exc.OperationalError:
            if time.monotonic() > end:
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
        for name in _of_product(session, table, product_id):
            run(session, SQL("DROP TABLE {}").format(SQL(name)))


def _of_product(session: Session, table: Table, product_id: str) -> list[str]:
    return list(session.scalars(OF_PRODUCT, {"parent": f"{table.schema}.{table.name}", "product": product_id}))


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
