"""Observations: recording what a release says of them, and finding them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ScalarSelect, Select, delete, exc, func, inspect, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from archive.amounts import Amount, amount
from archive.database import Database
from archive.errors import Refused
from archive.products import lock_publishing
from schema.base import Base
from schema.exposures import Exposure
from schema.findings import Erratum, Finding
from schema.observations import ObservingBlock, Pointing, Programme, Target
from schema.products import MADE, NamingRule, Product, Release

__all__ = [
    "Counts",
    "all_naming_rules",
    "counts",
    "errata",
    "has_target",
    "main_programme",
    "naming_rules",
    "record",
    "release_of",
    "releases",
    "releases_with",
]

TIES: Final[dict[type[Base], InstrumentedAttribute[Any]]] = {
    ObservingBlock: Exposure.observing_block_id,
    Pointing: Exposure.pointing_id,
    Target: Exposure.target,
}
RECORD_LOCK: Final = 0x6D757372
"""Key of the advisory lock under which one release at a time is recorded."""


@dataclass(frozen=True)
class Counts:
    """The survey at a glance; ``products`` are those made of raw frames, ``exposures`` are the frames."""

    programmes: int
    targets: int
    pointings: int
    ao_pointings: int
    observing_blocks: int
    exposures_used: int
    exposures: Amount
    products: int


def record(
    database: Database, rows: Sequence[Base], *, origin: str, findings: Sequence[Finding], complete: str | None = None
) -> bool:
    """Write what a source tells, in one transaction; returns whether anything changed.

    Rows that are there already are brought to what the source says, attribute by attribute; an attribute that the
    source leaves unset keeps its value.  Findings of the same origin that no longer hold go; so do, when the source
    is ``complete`` for the release of that identifier, the release's rows that the source does not have.

    Raises
    ------
    Refused
        The rows contradict each other or lack something, or a row that should go is needed; nothing was written.
    """
    try:
        with database.transaction() as session:
            session.execute(select(func.pg_advisory_xact_lock(RECORD_LOCK)))
            lock_publishing(session)  # products make programmes too
            changed = _merge(session, rows)
            if complete is not None:
                changed = _delete_others(session, complete, rows) or changed
            return _record_findings(session, origin, findings) or changed
    except exc.DBAPIError as error:
        raise Refused(f"{origin} cannot be recorded: {str(error.orig).splitlines()[0]}") from error


def errata(database: Database, release_id: str) -> list[Erratum]:
    """Return the recorded errata of a release."""
    with database.reading() as session:
        return list(session.scalars(select(Erratum).where(Erratum.release_id == release_id).order_by(Erratum.row_key)))


def releases(database: Database) -> list[Release]:
    """Return the releases that the archive knows."""
    with database.reading() as session:
        return list(session.scalars(select(Release).order_by(Release.release_id)))


def releases_with(database: Database, targets: Sequence[str]) -> list[str]:
    """Return the identifiers of the releases that describe any of these galaxies."""
    query = select(Target.release_id).where(Target.name.in_(targets)).distinct().order_by(Target.release_id)
    with database.reading() as session:
        return list(session.scalars(query))


def has_target(database: Database, name: str) -> bool:
    """Tell whether a galaxy of that name is in the survey."""
    with database.reading() as session:
        return session.get(Target, name) is not None


def find_target(database: Database, name: str) -> Target | None:
    """Return what the survey's table says of a galaxy, or None."""
    with database.reading() as session:
        return session.get(Target, name)


def release_of(database: Database, target: str) -> Release | None:
    """Return the release that describes a galaxy, or None when none does."""
    with database.reading() as session:
        return session.scalar(select(Release).join(Target).where(Target.name == target))


def main_programme(database: Database) -> str | None:
    """Return the programme that most of a survey's exposures are of, or None."""
    query = select(Programme.programme_id).where(Programme.role == "main").order_by(Programme.programme_id).limit(1)
    with database.reading() as session:
        return session.scalar(query)


def naming_rules(database: Database, release_id: str) -> list[NamingRule]:
    """Return how a release names its files."""
    query = (
        select(NamingRule).where(NamingRule.release_id == release_id).order_by(NamingRule.kind, NamingRule.resolution)
    )
    with database.reading() as session:
        return list(session.scalars(query))


def all_naming_rules(database: Database) -> list[NamingRule]:
    """Return how all releases name their files."""
    with database.reading() as session:
        return list(session.scalars(select(NamingRule).order_by(NamingRule.release_id, NamingRule.kind)))


def counts(database: Database) -> Counts:
    """Count the survey."""
    ao = select(func.count()).where(Pointing.ao_mode == "AO")
    made = select(func.count()).select_from(Product).where(MADE)
    counted = {
        "programmes": _count(Programme),
        "targets": _count(Target),
        "pointings": _count(Pointing),
        "ao_pointings": ao.scalar_subquery(),
        "observing_blocks": _count(ObservingBlock),
        "exposures_used": select(func.coalesce(func.sum(ObservingBlock.exposures_used), 0)).scalar_subquery(),
        "products": made.scalar_subquery(),
    }
    with database.reading() as session:
        numbers = session.execute(select(*(query.label(name) for name, query in counted.items()))).one()
        return Counts(**numbers._asdict(), exposures=amount(session, Exposure))


def _count(table: type[Base]) -> ScalarSelect[int]:
    return select(func.count()).select_from(table).scalar_subquery()


def _merge(session: Session, rows: Sequence[Base]) -> bool:
    changed = False
    for row in rows:
        merged = session.merge(row)
        changed = changed or merged in session.new or session.is_modified(merged)
        session.flush()
    return changed


def _delete_others(session: Session, release_id: str, rows: Sequence[Base]) -> bool:
    """Delete the release's rows that are not among these, those first that refer to others."""
    kept = {(type(row), tuple(inspect(type(row)).primary_key_from_instance(row))) for row in rows}
    changed = False
    for query in _rows_of(release_id):
        for row in session.scalars(query).all():
            key = tuple(inspect(type(row)).primary_key_from_instance(row))
            if (type(row), key) not in kept:
                _delete(session, row, key)
                changed = True
    return changed


def _rows_of(release_id: str) -> tuple[Select[Any], ...]:
    pointings = select(Pointing).join(Target).where(Target.release_id == release_id)
    return (
        select(ObservingBlock).where(ObservingBlock.pointing_id.in_(pointings.with_only_columns(Pointing.pointing_id))),
        pointings,
        select(Target).where(Target.release_id == release_id),
        select(NamingRule).where(NamingRule.release_id == release_id),
        select(Erratum).where(Erratum.release_id == release_id),
    )


def _delete(session: Session, row: Base, key: tuple[str, ...]) -> None:
    """Delete a row; exposures that are tied to it are let go, for ties follow from the log and are made anew."""
    tied = TIES.get(type(row))
    if tied is not None:
        session.execute(update(Exposure).where(tied == key[0]).values({tied: None}))
    session.delete(row)
    try:
        session.flush()
    except exc.IntegrityError as error:
        referring = getattr(getattr(error.orig, "diag", None), "table_name", None) or "another"
        raise Refused(
            f"the release no longer has {row.__tablename__} {' '.join(key)}, but rows of {referring} refer to it"
        ) from error


def _record_findings(session: Session, origin: str, findings: Sequence[Finding]) -> bool:
    known = {(f.kind, f.subject): f for f in session.scalars(select(Finding).where(Finding.origin == origin))}
    changed = False
    for finding in findings:
        old = known.pop((finding.kind, finding.subject), None)
        if old is None:
            session.add(finding)
            changed = True
        elif old.message != finding.message:
            old.message = finding.message
            changed = True
    if known:
        session.execute(delete(Finding).where(Finding.finding_id.in_([f.finding_id for f in known.values()])))
        changed = True
    return changed
