"""Provenance: which activity made a product, from what, and what was made of it."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive.archive import Archive
from schema.provenance import Activity, Used, WasGeneratedBy, WasInformedBy

__all__ = ["Step", "history", "made_of"]


@dataclass(frozen=True)
class Step:
    """One activity of a product's history with its inputs; ``made`` is the product that it generated."""

    made: str
    activity: Activity
    used: tuple[Used, ...]


def history(archive: Archive, product_id: str) -> list[Step]:
    """Return the activities behind a product, the last one first, as far back as the archive knows."""
    with archive.database.reading() as session:
        steps: list[Step] = []
        waiting = _makers(session, product_id)
        while waiting:
            made, activity = waiting.pop(0)
            if any(step.activity.activity_id == activity.activity_id for step in steps):
                continue
            used = tuple(
                session.scalars(select(Used).where(Used.activity_id == activity.activity_id).order_by(Used.used_id))
            )
            steps.append(Step(made, activity, used))
            for product in dict.fromkeys(u.product_id for u in used if u.product_id is not None):
                waiting += _makers(session, product)
            waiting += [(made, informant) for informant in _informants(session, activity)]
        return steps


def _makers(session: Session, product_id: str) -> list[tuple[str, Activity]]:
    query = select(Activity).join(WasGeneratedBy).where(WasGeneratedBy.product_id == product_id)
    return [(product_id, activity) for activity in session.scalars(query)]


def _informants(session: Session, activity: Activity) -> list[Activity]:
    query = (
        select(Activity)
        .join(WasInformedBy, WasInformedBy.informant_id == Activity.activity_id)
        .where(WasInformedBy.activity_id == activity.activity_id)
    )
    return list(session.scalars(query))


def made_of(archive: Archive, product_id: str) -> list[str]:
    """Return the products that were made directly from one."""
    query = (
        select(WasGeneratedBy.product_id)
        .join(Used, Used.activity_id == WasGeneratedBy.activity_id)
        .where(Used.product_id == product_id)
        .order_by(WasGeneratedBy.product_id)
    )
    with archive.database.reading() as session:
        return list(session.scalars(query.distinct()))
