"""The survey as its pages show it: read-only statements that fetch a whole page's worth in a few queries.

Products are those that were made for science; raw frames, of which there may be a million, are in
``exposure_listing``.  What is recorded and changed is in ``observations`` and ``products``; nothing here writes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, TextClause, func, or_, select
from sqlalchemy.orm import Session, selectinload

from archive.database import Database
from schema.exposures import Exposure, KnownFrom
from schema.findings import Erratum, Finding
from schema.observations import ObservingBlock, Pointing, Target
from schema.products import MADE, Artifact, NamingRule, Product, Release

__all__ = [
    "Listing",
    "Spot",
    "TargetRecord",
    "TargetSummary",
    "exposures",
    "find_target",
    "findings",
    "listing",
    "spots",
    "targets",
    "volume",
]

MOST_SPOTS = 300
"""More places than these would only blacken a map of the sky."""

MOST_COUNTED = 10_000
EXPOSURES = "exposures"
"""Origin of findings on how exposures and the log agree."""


@dataclass(frozen=True)
class TargetSummary:
    """A galaxy with what can be counted of it."""

    target: Target
    pointings: int
    ao_pointings: int
    products: int


@dataclass(frozen=True)
class TargetRecord:
    """A galaxy with everything that the archive knows of it; ``blocks`` are in the order of time.

    ``exposures`` counts, by observing block, the exposures of which the archive has the own header.
    """

    target: Target
    release: Release
    pointings: tuple[Pointing, ...]
    blocks: tuple[ObservingBlock, ...]
    errata: tuple[Erratum, ...]
    findings: tuple[Finding, ...]
    rules: tuple[NamingRule, ...]
    products: tuple[Product, ...]
    exposures: dict[str, int]

    def blocks_of(self, pointing_id: str) -> list[ObservingBlock]:
        """Return the observing blocks of one pointing."""
        return [b for b in self.blocks if b.pointing_id == pointing_id]

    def errata_of(self, row_key: str) -> list[Erratum]:
        """Return the corrections to one row: of the galaxy, a pointing or an observing block."""
        return [e for e in self.errata if e.row_key == row_key]


@dataclass(frozen=True)
class Spot:
    """A place on the sky where the archive holds products of something that is no galaxy of a survey.

    ``product_id`` is one of the products; ``name`` is what their headers call the place, if they do.
    """

    name: str | None
    ra: float
    dec: float
    products: int
    product_id: str


@dataclass(frozen=True)
class Listing:
    """One page of a list of products.

    ``kinds`` counts what was made, kind by kind, whatever kind was asked for.  ``total`` is of the kind that was; of
    raw frames and calibrations no more than ``MOST_COUNTED`` are counted.
    """

    products: tuple[Product, ...]
    total: int
    kinds: dict[str, int]


def targets(database: Database) -> list[TargetSummary]:
    """Return the galaxies by name, with counts."""
    fields = (
        select(
            Pointing.target,
            func.count().label("pointings"),
            func.count().filter(Pointing.ao_mode == "AO").label("ao"),
        )
        .group_by(Pointing.target)
        .subquery()
    )
    held = select(Product.target, func.count().label("products")).where(MADE).group_by(Product.target).subquery()
    query = (
        select(Target, fields.c.pointings, fields.c.ao, held.c.products)
        .outerjoin(fields, fields.c.target == Target.name)
        .outerjoin(held, held.c.target == Target.name)
        .order_by(Target.name)
    )
    with database.reading() as session:
        return [TargetSummary(target, n or 0, ao or 0, made or 0) for target, n, ao, made in session.execute(query)]


def find_target(database: Database, name: str) -> TargetRecord | None:
    """Return a galaxy with everything known of it, or None."""
    with database.reading() as session:
        target = session.get(Target, name)
        if target is None:
            return None
        pointings = tuple(session.scalars(select(Pointing).where(Pointing.target == name).order_by(Pointing.number)))
        blocks = tuple(session.scalars(_blocks(name)))
        keys = [name, *(p.pointing_id for p in pointings), *(b.observing_block_id for b in blocks)]
        return TargetRecord(
            target=target,
            release=session.get_one(Release, target.release_id),
            pointings=pointings,
            blocks=blocks,
            errata=_errata(session, target.release_id, keys),
            findings=_findings_about(session, target, keys),
            rules=tuple(session.scalars(_rules(target.release_id))),
            products=tuple(session.scalars(_newest().where(MADE, Product.target == name))),
            exposures=_exposures_held(session, [b.observing_block_id for b in blocks]),
        )


def spots(database: Database) -> list[Spot]:
    """Return where products of other things are, one spot a name and tenth of a degree, the fullest first."""
    query = (
        select(
            Product.target_name,
            func.avg(Product.ra),
            func.avg(Product.dec),
            func.count().label("products"),
            func.min(Product.product_id),
        )
        .where(MADE, Product.target.is_(None), Product.ra.is_not(None), Product.dec.is_not(None))
        .group_by(Product.target_name, func.floor(Product.ra * 10), func.floor(Product.dec * 10))
        .order_by(func.count().desc(), func.min(Product.product_id))
        .limit(MOST_SPOTS)
    )
    with database.reading() as session:
        return [Spot(*row) for row in session.execute(query)]


def listing(
    database: Database, *, kind: str | None = None, named: str | None = None, first: int = 0, most: int = 48
) -> Listing:
    """Return products with their files, the newest first.

    Parameters
    ----------
    kind, named
        Only products of this kind, of what bears this name; None: of any that was made, of any name.
    first, most
        How many to pass over, and how many to return at most.
    """
    counting = select(Product.kind, func.count()).where(MADE).group_by(Product.kind).order_by(Product.kind)
    asked: list[ColumnElement[bool] | TextClause] = [MADE if kind is None else Product.kind == kind]
    if named is not None:
        counting = counting.where(Product.target_name == named)
        asked.append(Product.target_name == named)
    with database.reading() as session:
        kinds = dict(session.execute(counting).all())
        total = sum(kinds.values()) if kind is None else kinds.get(kind)
        if total is None:
            total = _count_some(session, asked)
        return Listing(tuple(session.scalars(_newest().where(*asked).offset(first).limit(most))), total, kinds)


def volume(database: Database) -> int:
    """Return the length of all files of what was made for science together, in bytes."""
    query = select(func.sum(Artifact.file_size)).join(Product).where(MADE)
    with database.reading() as session:
        return int(session.scalar(query) or 0)


def findings(database: Database, origin: str) -> list[Finding]:
    """Return what was noticed when a release or a product was taken in."""
    with database.reading() as session:
        return list(session.scalars(select(Finding).where(Finding.origin == origin).order_by(Finding.finding_id)))


def exposures(database: Database, product: Product, entities: Collection[str]) -> list[Exposure]:
    """Return the raw exposures among the inputs of a product and those of its own template; a raw file's is its own."""
    mine: ColumnElement[bool] = Exposure.dp_id.in_([product.product_id, *entities])
    if product.tpl_start is not None and product.kind != "exposure":
        mine = or_(mine, Exposure.tpl_start == product.tpl_start)
    with database.reading() as session:
        return list(session.scalars(select(Exposure).where(mine).order_by(Exposure.mjd_obs, Exposure.dp_id)))


def _newest() -> Select[Product]:
    return (
        select(Product)
        .options(selectinload(Product.artifacts))
        .order_by(Product.ingested.desc(), Product.product_id.desc())
    )


def _blocks(target: str) -> Select[ObservingBlock]:
    return select(ObservingBlock).join(Pointing).where(Pointing.target == target).order_by(ObservingBlock.tpl_start)


def _errata(session: Session, release_id: str, keys: Sequence[str]) -> tuple[Erratum, ...]:
    query = select(Erratum).where(Erratum.release_id == release_id, Erratum.row_key.in_(keys))
    return tuple(session.scalars(query.order_by(Erratum.row_key, Erratum.column_name)))


def _exposures_held(session: Session, blocks: Sequence[str]) -> dict[str, int]:
    query = (
        select(Exposure.observing_block_id, func.count())
        .where(Exposure.observing_block_id.in_(blocks), Exposure.known_from == KnownFrom.HEADER)
        .group_by(Exposure.observing_block_id)
    )
    return {block: number for block, number in session.execute(query) if block is not None}


def _findings_about(session: Session, target: Target, keys: Sequence[str]) -> tuple[Finding, ...]:
    """A finding's subject is a key, or begins with the galaxy's name where a release speaks of several pointings."""
    release = Finding.origin == f"release:{target.release_id}"
    of_pointings = select(Finding).where(release, Finding.subject.startswith(f"{target.name}-", autoescape=True))
    of_keys = select(Finding).where(or_(release, Finding.origin == EXPOSURES), Finding.subject.in_(keys))
    found = {f.finding_id: f for query in (of_pointings, of_keys) for f in session.scalars(query)}
    return tuple(found[key] for key in sorted(found))


def _count_some(session: Session, asked: Sequence[ColumnElement[bool] | TextClause]) -> int:
    some = select(Product.product_id).where(*asked).limit(MOST_COUNTED)
    return session.scalar(select(func.count()).select_from(some.subquery())) or 0


def _rules(release_id: str) -> Select[NamingRule]:
    query = select(NamingRule).where(NamingRule.release_id == release_id)
    return query.order_by(NamingRule.kind, NamingRule.resolution.desc())
