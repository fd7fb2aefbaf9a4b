"""Observations: recording what a release says of them, and finding them again."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, exc, func, select
from sqlalchemy.orm import Session

from archive.database import Database
from archive.errors import Refused
from schema.base import Base
from schema.findings import Erratum, Finding
from schema.observations import ObservingBlock, Pointing, Programme, Target
from schema.products import NamingRule, Product, Release

__all__ = ["Counts", "counts", "errata", "has_target", "naming_rules", "record", "release_of", "releases"]


@dataclass(frozen=True)
class Counts:
    """The survey at a glance."""

    programmes: int
    targets: int
    pointings: int
    ao_pointings: int
    observing_blocks: int
    exposures_used: int
    products: int


def record(database: Database, rows: Sequence[Base], *, origin: str, findings: Sequence[Finding]) -> bool:
    """Write what a source tells, in one transaction; returns whether anything changed.

    Rows that are there already are brought to what the source says, attribute by attribute; an attribute that the
    source leaves unset keeps its value.  Findings of the same origin that no longer hold go.

    Raises
    ------
    Refused
        The rows contradict each other or lack something; nothing was written.
    """
    try:
        with database.transaction() as session:
            changed = False
            for row in rows:
                merged = session.merge(row)
                changed = changed or merged in session.new or session.is_modified(merged)
                session.flush()
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


def has_target(database: Database, name: str) -> bool:
    """Tell whether a galaxy of that name is in the survey."""
    with database.reading() as session:
        return session.get(Target, name) is not None


def release_of(database: Database, target: str) -> Release | None:
    """Return the release that describes a galaxy, or None when none does."""
    with database.reading() as session:
        return session.scalar(select(Release).join(Target).where(Target.name == target))


def naming_rules(database: Database, release_id: str) -> list[NamingRule]:
    """Return how a release names its files."""
    query = (
        select(NamingRule).where(NamingRule.release_id == release_id).order_by(NamingRule.kind, NamingRule.resolution)
    )
    with database.reading() as session:
        return list(session.scalars(query))


def counts(database: Database) -> Counts:
    """Count the survey."""
    with database.reading() as session:
        return Counts(
            programmes=_count(session, Programme),
            targets=_count(session, Target),
            pointings=_count(session, Pointing),
            ao_pointings=session.scalar(select(func.count()).where(Pointing.ao_mode == "AO")) or 0,
            observing_blocks=_count(session, ObservingBlock),
            exposures_used=session.scalar(select(func.sum(ObservingBlock.exposures_used))) or 0,
            products=_count(session, Product),
        )


def _count(session: Session, table: type[Base]) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


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
