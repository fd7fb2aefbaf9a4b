"""One exposure with everything that the archive has of it: a page's worth in a few queries.  Read-only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session, selectinload

from archive import alignments
from archive.database import Database
from archive.provenance_queries import MADE_FROM
from schema import conditions
from schema.calibrations import Association, AssociationMember
from schema.exposures import Exposure
from schema.findings import Finding
from schema.observations import ObservingBlock, Pointing
from schema.products import Header, Product, Role

__all__ = ["Calibrations", "ExposureRecord", "MadeProduct", "Member", "find"]

MOST_MADE: Final = 100


@dataclass(frozen=True)
class Member:
    """A calibration file of an exposure; the archive may know it as an exposure, and hold it as a product."""

    tag: str
    file_id: str
    delta_mjd: float | None
    within_rules: bool
    is_exposure: bool
    is_product: bool


@dataclass(frozen=True)
class Calibrations:
    """The calibrations of an exposure in one mode, Raw2Raw or Raw2Master, and what is missing of them."""

    mode: str
    complete: bool
    certified: bool
    lacking: tuple[str, ...]
    members: tuple[Member, ...]


@dataclass(frozen=True)
class MadeProduct:
    """A product that the exposure went into."""

    product_id: str
    title: str


@dataclass(frozen=True)
class ExposureRecord:
    """An exposure; ``conditions`` are by column of ``survey.exposure_conditions``, ``header`` is the primary HDU's."""

    exposure: Exposure
    pointing: Pointing | None
    block: ObservingBlock | None
    product: Product | None
    header: str | None
    conditions: Mapping[str, Any]
    calibrations: tuple[Calibrations, ...]
    findings: tuple[Finding, ...]
    aligned: alignments.Held | None
    made: tuple[MadeProduct, ...]


def find(database: Database, dp_id: str) -> ExposureRecord | None:
    """Return an exposure with everything known of it, or None."""
    with database.reading() as session:
        exposure = session.get(Exposure, dp_id)
        if exposure is None:
            return None
        product = session.get(Product, dp_id, options=[selectinload(Product.artifacts)])
        return ExposureRecord(
            exposure=exposure,
            pointing=session.get(Pointing, exposure.pointing_id) if exposure.pointing_id else None,
            block=session.get(ObservingBlock, exposure.observing_block_id) if exposure.observing_block_id else None,
            product=product,
            header=None if product is None else _primary_header(session, product),
            conditions=_conditions(session, dp_id),
            calibrations=_calibrations(session, dp_id),
            findings=_findings(session, exposure),
            aligned=alignments.find_in(session, dp_id),
            made=_made(session, dp_id),
        )


def _primary_header(session: Session, product: Product) -> str | None:
    own = [artifact.artifact_id for artifact in product.artifacts if artifact.role == Role.THIS]
    return session.scalar(select(Header.cards).where(Header.artifact_id.in_(own), Header.extension == 0))


def _conditions(session: Session, dp_id: str) -> Mapping[str, Any]:
    query = text(f"SELECT * FROM {conditions.VIEW.qualified} WHERE dp_id = :dp_id")
    return dict(session.execute(query, {"dp_id": dp_id}).mappings().one())


def _calibrations(session: Session, dp_id: str) -> tuple[Calibrations, ...]:
    associations = session.scalars(select(Association).where(Association.dp_id == dp_id).order_by(Association.mode))
    members = session.scalars(
        select(AssociationMember)
        .where(AssociationMember.dp_id == dp_id)
        .order_by(AssociationMember.tag, AssociationMember.file_id)
    ).all()
    files = [member.file_id for member in members]
    exposures = set(session.scalars(select(Exposure.dp_id).where(Exposure.dp_id.in_(files))))
    products = set(session.scalars(select(Product.product_id).where(Product.product_id.in_(files))))
    return tuple(
        Calibrations(
            mode=one.mode,
            complete=one.complete == 1,
            certified=one.certified == 1,
            lacking=tuple(part.strip() for part in (one.lacking or "").split(";") if part.strip()),
            members=tuple(
                Member(
                    tag=m.tag,
                    file_id=m.file_id,
                    delta_mjd=m.delta_mjd,
                    within_rules=m.within_rules == 1,
                    is_exposure=m.file_id in exposures,
                    is_product=m.file_id in products,
                )
                for m in members
                if m.mode == one.mode
            ),
        )
        for one in associations
    )


def _findings(session: Session, exposure: Exposure) -> tuple[Finding, ...]:
    """What was noticed of the exposure, and of the block that it is part of."""
    about = or_(Finding.subject == exposure.dp_id, Finding.subject == exposure.observing_block_id)
    return tuple(session.scalars(select(Finding).where(about).order_by(Finding.finding_id)))


def _made(session: Session, dp_id: str) -> tuple[MadeProduct, ...]:
    """Follow what used the exposure to what was made of that, and so on."""
    rows = session.execute(text(MADE_FROM), {"subject": dp_id, "most": MOST_MADE})
    return tuple(MadeProduct(*row) for row in rows)
