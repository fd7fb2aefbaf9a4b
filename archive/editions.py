"""Editions of the products that are made here: what each was made from, and how one gives way to the next.

A product keeps its identifier and its row; files, headers, findings and provenance are those of its latest edition.
The file of an earlier one stays in the store, where nobody refers to it any more, until ``verify --sweep`` removes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from archive.database import Database
from archive.errors import Refused
from schema.alignment import Alignment, TrailMask
from schema.base import Base
from schema.calibrations import MasterCalibration
from schema.findings import Finding
from schema.products import Artifact, Header
from schema.provenance import Activity, Used, WasGeneratedBy, WasInformedBy
from schema.psf import PsfRow
from schema.quality import Quality

__all__ = ["Edition", "clear", "current", "is_by", "make_room", "maker"]

OF_EDITION: Final = (Alignment, TrailMask, Quality, PsfRow)
"""Tables whose rows say what is in a product's file."""


@dataclass(frozen=True)
class Edition:
    """What decides whether a product that was made here is up to date.

    Parameters
    ----------
    task, version, parameters
        What made it.
    inputs
        SHA-256 of the file of each product that was used; None where that was not recorded.
    roles
        As what each of the inputs was used.
    files
        MD5 of other files that were used, by their role.
    """

    task: str
    version: int
    parameters: Mapping[str, Any]
    inputs: Mapping[str, str | None]
    roles: Mapping[str, str]
    files: Mapping[str, str | None]


def current(database: Database) -> dict[str, Edition]:
    """Return the editions of all products that were made here."""
    made = (
        select(WasGeneratedBy.product_id, Activity)
        .join(Activity, Activity.activity_id == WasGeneratedBy.activity_id)
        .where(Activity.task_version.is_not(None))
    )
    inputs = select(Used).join(Activity, Activity.activity_id == Used.activity_id)
    with database.reading() as session:
        rows = session.execute(made).all()
        used: dict[str, list[Used]] = {}
        for one in session.scalars(inputs.where(Activity.task_version.is_not(None))):
            used.setdefault(one.activity_id, []).append(one)
    return {product_id: _edition(activity, used.get(activity.activity_id, [])) for product_id, activity in rows}


def maker(database: Database, product_id: str) -> str | None:
    """Return the activity that made the current edition of a product, or None."""
    with database.reading() as session:
        return _maker(session, product_id)


def is_by(session: Session, product_id: str, activity_id: str) -> bool:
    """Tell whether the current edition of a product is an activity's; each makes an edition once.

    Raises
    ------
    Refused
        The product was not made here: it is never replaced.
    """
    made_by = _maker(session, product_id)
    activity = None if made_by is None else session.get(Activity, made_by)
    if activity is None or activity.task_version is None:
        raise Refused(f"{product_id} was not made here: it is not replaced")
    return made_by == activity_id


def clear(session: Session, product_id: str) -> None:
    """Take away everything that belongs to the edition of a product, so that another can take its place."""
    files = select(Artifact.artifact_id).where(Artifact.product_id == product_id)
    made_by = _maker(session, product_id)
    session.execute(delete(Header).where(Header.artifact_id.in_(files)))
    session.execute(delete(Artifact).where(Artifact.product_id == product_id))
    session.execute(delete(Finding).where(Finding.origin == f"product:{product_id}"))
    for table in OF_EDITION:
        session.execute(delete(table).where(table.product_id == product_id))
    session.execute(delete(MasterCalibration).where(MasterCalibration.dp_id == product_id))
    session.execute(delete(WasGeneratedBy).where(WasGeneratedBy.product_id == product_id))
    if made_by is not None:
        _forget(session, made_by)


def make_room(session: Session, rows: Sequence[Base]) -> None:
    """Take away what rows of the same tables say about the same products: those to come take their place.

    A product may be told of by another one: the figures of a mosaic come with its report.
    """
    for table in OF_EDITION:
        about = {row.product_id for row in rows if isinstance(row, table)}
        if about:
            session.execute(delete(table).where(table.product_id.in_(about)))


def _forget(session: Session, activity_id: str) -> None:
    """Remove an activity of which nothing is left."""
    made = select(WasGeneratedBy).where(WasGeneratedBy.activity_id == activity_id)
    informed = select(WasInformedBy).where(WasInformedBy.informant_id == activity_id)
    if session.scalar(select(made.exists() | informed.exists())):
        return
    for row in (Used, WasInformedBy, Activity):
        session.execute(delete(row).where(row.activity_id == activity_id))


def _maker(session: Session, product_id: str) -> str | None:
    return session.scalar(select(WasGeneratedBy.activity_id).where(WasGeneratedBy.product_id == product_id))


def _edition(activity: Activity, used: list[Used]) -> Edition:
    return Edition(
        task=activity.name,
        version=activity.task_version or 0,
        parameters=activity.parameters,
        inputs={one.product_id: one.sha256 for one in used if one.product_id is not None},
        roles={one.product_id: one.role for one in used if one.product_id is not None},
        files={one.role: one.md5 for one in used if one.product_id is None},
    )
