"""Alignments of exposures and the trails masked in them, as rows: found again, and marked to be measured anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session, selectinload

from archive.database import Database
from schema.alignment import Alignment, TrailMask
from schema.products import Product
from schema.provenance import Activity, Used, WasGeneratedBy

__all__ = ["BY_HAND", "Held", "find", "find_all", "find_in", "forget_hand", "inputs"]

BY_HAND: Final = "alignment by hand"
"""Name of the activity that sets one."""


@dataclass(frozen=True)
class Held:
    """The alignment of an exposure, its trails, and the product that has it as a file."""

    alignment: Alignment
    trails: tuple[TrailMask, ...]
    product: Product


def find(database: Database, dp_id: str) -> Held | None:
    """Return the alignment of an exposure, or None."""
    with database.reading() as session:
        return find_in(session, dp_id)


def find_in(session: Session, dp_id: str) -> Held | None:
    """Return the alignment of an exposure, or None, within a transaction."""
    return _held(session, select(Alignment, Product).where(Alignment.dp_id == dp_id)).get(dp_id)


def find_all(
    database: Database, *, dp_ids: Sequence[str] | None = None, target: str | None = None
) -> Mapping[str, Held]:
    """Return alignments by exposure, in the order of the exposures; all of them when nothing is asked for."""
    query = select(Alignment, Product)
    if dp_ids is not None:
        query = query.where(Alignment.dp_id.in_(dp_ids))
    if target is not None:
        query = query.where(Product.target == target)
    with database.reading() as session:
        return _held(session, query)


def inputs(database: Database, product_id: str) -> list[Used]:
    """Return what the alignment that is held was made from, as something that another edition may use again."""
    made_by = select(WasGeneratedBy.activity_id).where(WasGeneratedBy.product_id == product_id)
    query = select(Used).where(Used.activity_id.in_(made_by), Used.product_id.is_not(None)).order_by(Used.used_id)
    with database.reading() as session:
        found = list(session.scalars(query))
    return [Used(entity=one.entity, product_id=one.product_id, role=one.role, sha256=one.sha256) for one in found]


def forget_hand(database: Database, product_id: str) -> bool:
    """Let an alignment that was set by hand count as out of date; returns False for one that was not."""
    made_by = select(WasGeneratedBy.activity_id).where(WasGeneratedBy.product_id == product_id)
    by_hand = (Activity.name == BY_HAND, Activity.task_version.is_(None))
    with database.transaction() as session:
        forgotten = update(Activity).where(Activity.activity_id.in_(made_by), *by_hand).values(task_version=0)
        return session.execute(forgotten.returning(Activity.name)).first() is not None


def _held(session: Session, query: Select[Alignment, Product]) -> dict[str, Held]:
    joined = query.join(Product, Product.product_id == Alignment.product_id).order_by(Alignment.dp_id)
    rows = session.execute(joined.options(selectinload(Product.artifacts))).all()
    masks: dict[str, list[TrailMask]] = {alignment.dp_id: [] for alignment, _ in rows}
    trails = select(TrailMask).where(TrailMask.dp_id.in_(masks)).order_by(TrailMask.dp_id, TrailMask.number)
    for mask in session.scalars(trails):
        masks[mask.dp_id].append(mask)
    return {one.dp_id: Held(one, tuple(masks[one.dp_id]), product) for one, product in rows}
