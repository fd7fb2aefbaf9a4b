"""What ESO's archive lists: pages of raw frames and products become rows, and how far each listing has come.

A page and the mark that it moves are one transaction: whatever kills the run, the next one goes on from a page that is
whole.  A page that is there already changes nothing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ARRAY, Column, ColumnElement, Text, case, exc, func, literal, literal_column, or_, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.orm import Session

from archive.bulk import table_of
from archive.database import Database
from archive.products import lock_publishing
from schema.base import Base
from schema.eso_listing import EsoProduct, Sync
from schema.exposures import Exposure, KnownFrom
from schema.observations import Programme
from schema.products import Product

__all__ = [
    "Mark",
    "Recorded",
    "attach_product",
    "frames_not_held",
    "mark",
    "not_held",
    "products_not_held",
    "record_frames",
    "record_products",
    "science_frames",
]

Row = Mapping[str, Any]

NOW: Final[ColumnElement[datetime]] = literal_column("timezone('UTC', now())")
FROM_ESO_ALONE: Final = frozenset({"public_from", "access_estsize"})
"""What no header tells: ESO's word counts, also where the frame's own header was read."""


@dataclass(frozen=True)
class Mark:
    """How far a listing of a programme has come: the latest modification, UTC, that was recorded."""

    programme_id: str
    listing: str
    last_modified: datetime


@dataclass(frozen=True)
class Recorded:
    """What became of the rows of a page; ``refused`` pairs an identifier with the reason."""

    new: int = 0
    changed: int = 0
    known: int = 0
    refused: tuple[tuple[str, str], ...] = ()

    def counts(self) -> dict[str, int]:
        """Return how many rows became what."""
        return {"new": self.new, "changed": self.changed, "known": self.known, "refused": len(self.refused)}


def mark(database: Database, programme_id: str, listing: str) -> datetime | None:
    """Return how far a listing has come, or None when it has not begun."""
    with database.reading() as session:
        row = session.get(Sync, (programme_id, listing))
        return None if row is None else row.last_modified


def record_frames(
    database: Database, rows: Sequence[Row], *, programmes: Sequence[Programme], reached: Mark | None
) -> Recorded:
    """Write a page of raw frames, one mapping of the columns of ``exposure`` a row.

    Where the frame's own header was read, ESO only fills what the header left open; elsewhere ESO's word counts, and
    what ESO does not say stays.

    Parameters
    ----------
    rows
        With all the same keys.
    programmes
        Made where they are lacking.
    reached
        The mark to set together with the rows; it only ever moves forward.
    """
    with database.transaction() as session:
        lock_publishing(session)
        _make(session, programmes)
        recorded = _upsert(session, Exposure, [{**row, "known_from": KnownFrom.ESO} for row in rows])
        _advance(session, reached)
        return recorded


def record_products(database: Database, rows: Sequence[Row], *, reached: Mark | None) -> Recorded:
    """Write a page of products, one mapping of the columns of ``eso_product`` a row."""
    with database.transaction() as session:
        lock_publishing(session)
        recorded = _upsert(session, EsoProduct, rows)
        _advance(session, reached)
        return recorded


def frames_not_held(database: Database, programmes: Sequence[str]) -> list[str]:
    """Return the raw frames of the programmes whose file is not here, in the order of time."""
    held = select(literal(1)).where(Product.product_id == Exposure.dp_id).exists()
    query = select(Exposure.dp_id).where(Exposure.programme_id.in_(programmes), ~held)
    with database.reading() as session:
        return list(session.scalars(query.order_by(Exposure.mjd_obs, Exposure.dp_id)))


def science_frames(database: Database, programmes: Sequence[str]) -> list[str]:
    """Return the science frames of the programmes, in the order of time."""
    query = select(Exposure.dp_id).where(Exposure.programme_id.in_(programmes), Exposure.dp_cat == "SCIENCE")
    with database.reading() as session:
        return list(session.scalars(query.order_by(Exposure.mjd_obs, Exposure.dp_id)))


def not_held(database: Database, dp_ids: Sequence[str]) -> list[str]:
    """Return those of the identifiers whose file is not here, in alphabetical order."""
    asked = literal(list(dp_ids), ARRAY(Text()))  # one parameter, however many there are
    held = select(Product.product_id).where(Product.product_id == func.any(asked))
    with database.reading() as session:
        return sorted(set(dp_ids) - set(session.scalars(held)))


def products_not_held(database: Database, programmes: Sequence[str], *, kind: str) -> list[tuple[str, str | None]]:
    """Return the products of a kind, such as cube, that ESO has of the programmes and that are not here.

    Returns
    -------
    list
        Identifier and collection, in the order of identifiers.
    """
    runs = "|".join(map(re.escape, programmes))
    theirs = EsoProduct.proposal_id.regexp_match(rf"(^|[^0-9A-Z.])({runs})([^0-9A-Z]|$)")
    query = select(EsoProduct.dp_id, EsoProduct.obs_collection).where(
        theirs, EsoProduct.product_id.is_(None), EsoProduct.dataproduct_type == kind
    )
    with database.reading() as session:
        return [(dp_id, collection) for dp_id, collection in session.execute(query.order_by(EsoProduct.dp_id))]


def attach_product(database: Database, dp_id: str, product_id: str) -> None:
    """Note which product of this archive ESO's product became."""
    with database.transaction() as session:
        session.get_one(EsoProduct, dp_id).product_id = product_id


def _make(session: Session, programmes: Sequence[Programme]) -> None:
    for programme in programmes:
        if session.get(Programme, programme.programme_id) is None:
            session.add(programme)
    session.flush()


def _advance(session: Session, reached: Mark | None) -> None:
    if reached is None:
        return
    statement = insert(Sync).values(**vars(reached), updated=NOW)
    ahead = statement.excluded.last_modified > Sync.last_modified
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[Sync.programme_id, Sync.listing],
            set_={"last_modified": statement.excluded.last_modified, "updated": statement.excluded.updated},
            where=ahead,
        )
    )


def _upsert(session: Session, table: type[Base], rows: Sequence[Row]) -> Recorded:
    """Write all rows at once; where the database refuses one of them, one after the other."""
    if not rows:
        return Recorded()
    statement = _statement(table, list(rows[0]))
    try:
        with session.begin_nested():
            return _counted(_execute(session, statement, rows), len(rows))
    except (exc.DataError, exc.IntegrityError, exc.InternalError):
        return _one_by_one(session, statement, rows)


def _one_by_one(session: Session, statement: Insert, rows: Sequence[Row]) -> Recorded:
    written: list[bool] = []
    refused: list[tuple[str, str]] = []
    for row in rows:
        try:
            with session.begin_nested():
                written += _execute(session, statement, [row])
        except (exc.DataError, exc.IntegrityError, exc.InternalError) as error:
            refused.append((row["dp_id"], str(error.orig).strip().splitlines()[0]))
    counted = _counted(written, len(rows) - len(refused))
    return Recorded(counted.new, counted.changed, counted.known, tuple(refused))


def _execute(session: Session, statement: Insert, rows: Sequence[Row]) -> list[bool]:
    """Return for each row that was written whether it is new."""
    given = [dict(row) for row in rows]
    return list(session.connection().execute(statement.returning(literal_column("xmax = 0")), given).scalars())


def _counted(written: Sequence[bool], offered: int) -> Recorded:
    return Recorded(sum(written), len(written) - sum(written), offered - len(written))


def _statement(table: type[Base], names: Sequence[str]) -> Insert:
    """Insert, or bring to what is offered the rows that differ from it."""
    columns = table_of(table).columns
    now = {"modified": NOW} if table is Exposure else {}
    statement = insert(table).values(now)
    offered = statement.excluded
    merged: dict[str, ColumnElement[Any]] = {
        name: _merged(columns[name], offered[name]) if table is Exposure else offered[name]
        for name in names
        if name != "dp_id"
    }
    differs = or_(*(columns[name].is_distinct_from(value) for name, value in merged.items()))
    return statement.on_conflict_do_update(index_elements=[columns["dp_id"]], set_={**merged, **now}, where=differs)


def _merged(column: Column[Any], offered: ColumnElement[Any]) -> ColumnElement[Any]:
    """Choose between what the archive knows of a frame and what ESO says of it."""
    from_header = Exposure.known_from == KnownFrom.HEADER
    if column.name == "known_from":
        return case((from_header, column), else_=offered)
    if column.name in FROM_ESO_ALONE:
        return func.coalesce(offered, column)
    return case((from_header, func.coalesce(column, offered)), else_=func.coalesce(offered, column))
