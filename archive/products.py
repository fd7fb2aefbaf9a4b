"""Products: ``publish`` is the only door in, whoever made the file; ``find`` and ``get`` lead back to it.

Files first, whole and checksummed, then all rows in one transaction: a product is visible with everything that
belongs to it or not at all.  Publishing the same product twice changes nothing; one that was made here can be replaced
by a new edition, which takes the place of the old one in one transaction (see ``editions``).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from sqlalchemy import delete, exc, func, select, update
from sqlalchemy.orm import Session, selectinload

from archive import editions, maps_rows, maps_staging
from archive.archive import Archive
from archive.errors import Refused
from archive.maps_staging import Staged
from archive.store import Stored
from schema.base import Base
from schema.exposures import Exposure
from schema.findings import Finding
from schema.observations import Programme
from schema.products import MADE, Artifact, Header, Product, Role
from schema.provenance import Activity, Used, WasGeneratedBy, WasInformedBy

__all__ = [
    "Earlier",
    "HeaderText",
    "NewFile",
    "Publication",
    "activity_id",
    "checksums",
    "find",
    "find_artifact",
    "find_by_content",
    "get",
    "headers",
    "latest",
    "lock_publishing",
    "publish",
    "withdraw",
]

log = structlog.get_logger()

PUBLISH_LOCK: Final = 0x6D757370
"""Key of the advisory lock under which rows that several products share are looked for and made."""


@dataclass(frozen=True)
class HeaderText:
    """The header of one HDU as text, cards one a line without trailing blanks."""

    extension: int
    extname: str | None
    cards: str


@dataclass(frozen=True)
class NewFile:
    """A file of the store that is to become part of a product."""

    stored: Stored
    artifact_id: str
    file_name: str
    media_type: str
    role: Role = Role.THIS
    headers: tuple[HeaderText, ...] = ()


@dataclass(frozen=True)
class Earlier:
    """An activity before the one that made the product; ``informs`` is the next one, which built on it."""

    activity: Activity
    used: Sequence[Used]
    informs: str


@dataclass(frozen=True)
class Publication:
    """A product with everything that must become visible together with it.

    ``once``: the same content is the same product, whatever its name; for files that come from outside.
    ``remakes``: it takes the place of an earlier edition, which must have been made here.  ``replaces``: it comes from
    outside and takes the place of whatever there is.  ``pictures`` are previews of other products that come with it, by
    product.  ``rows`` say in tables of their own what is in its file, and take the place of what was said there before.
    """

    product: Product
    files: Sequence[NewFile]
    activity: Activity
    used: Sequence[Used] = ()
    programme: Programme | None = None
    exposures: Sequence[Exposure] = ()
    earlier: Sequence["Earlier"] = ()
    findings: Sequence[Finding] = ()
    once: bool = False
    remakes: bool = False
    replaces: bool = False
    pictures: Mapping[str, NewFile] = field(default_factory=dict)
    rows: Sequence[Base] = ()


def publish(archive: Archive, publication: Publication) -> bool:
    """Make the product visible with its files, which are in the store; returns False when it was there already.

    One publication at a time: what two of them share, a programme or the content itself, is made by the first.

    Raises
    ------
    Refused
        The database does not take the product: a self-crossing footprint, a reference to what it does not hold.  Or it
        is to be remade and was not made here.
    StoreError
        A file is not in the store.
    """
    product_id = publication.product.product_id
    if find(archive, product_id) is not None and not (publication.remakes or publication.replaces):
        return False
    try:
        with archive.database.transaction() as session:
            staged = _staged(archive, session, publication)
            lock_publishing(session)
            if _is_there(session, publication):
                return False
            artifacts = [_artifact(archive, product_id, new) for new in publication.files]
            _add(session, publication, artifacts)
            if staged is not None:
                maps_rows.attach(session, staged)
            for other, picture in publication.pictures.items():
                session.merge(_artifact(archive, other, picture))
    except exc.OperationalError:  # the server, not the product
        raise
    except exc.DBAPIError as error:
        raise Refused(f"{product_id}: {_reason(error)}") from error
    finally:
        if _has_rows(publication):
            _sweep(archive)
    log.info("published", product=product_id, kind=publication.product.kind, files=len(artifacts))
    return True


def withdraw(archive: Archive, product_id: str) -> None:
    """Take a product away with all that is said of it; its file stays in the store until ``verify --sweep``.

    What was made of it stays, and remembers its name.

    Raises
    ------
    Refused
        There is no such product, or something of the catalogue rests on it.
    """
    get(archive, product_id)
    try:
        with archive.database.transaction() as session:
            maps_rows.make_way(session, product_id, lock_publishing)
            editions.clear(session, product_id)
            session.execute(update(Used).where(Used.product_id == product_id).values(product_id=None))
            session.execute(delete(Product).where(Product.product_id == product_id))
            maps_rows.withdraw(session, product_id)
    except exc.IntegrityError as error:
        raise Refused(f"{product_id}: the catalogue needs it: {_reason(error)}") from error
    except exc.OperationalError as error:
        if not isinstance(error.orig, maps_rows.TAKEN):
            raise
        raise Refused(f"{product_id}: somebody reads its rows all the time: try again later") from error
    log.info("withdrawn", product=product_id)


def lock_publishing(session: Session) -> None:
    """Wait until nobody else publishes, and keep others waiting until the transaction ends.

    To be called by whoever makes rows that publishing makes too, such as programmes.
    """
    session.execute(select(func.pg_advisory_xact_lock(PUBLISH_LOCK)))


def find_by_content(archive: Archive, sha256: str) -> str | None:
    """Return the product whose own file has this content, or None."""
    with archive.database.reading() as session:
        return _find_content(session, sha256)


def find(archive: Archive, product_id: str) -> Product | None:
    """Return a product with its files, or None."""
    with archive.database.reading() as session:
        return session.get(Product, product_id, options=[selectinload(Product.artifacts)])


def get(archive: Archive, product_id: str) -> Product:
    """Return a product with its files.

    Raises
    ------
    Refused
        There is no such product.
    """
    product = find(archive, product_id)
    if product is None:
        raise Refused(f"there is no product {product_id}")
    return product


def latest(archive: Archive, *, kind: str | None = None, target: str | None = None) -> list[Product]:
    """Return products with their files, the newest first; raw frames and calibrations are not among them."""
    query = (
        select(Product)
        .where(MADE)
        .options(selectinload(Product.artifacts))
        .order_by(Product.ingested.desc(), Product.product_id)
    )
    if kind is not None:
        query = query.where(Product.kind == kind)
    if target is not None:
        query = query.where(Product.target == target)
    with archive.database.reading() as session:
        return list(session.scalars(query))


def checksums(archive: Archive, *, kind: str) -> dict[str, str]:
    """Return the SHA-256 of the file of each product of a kind that is there."""
    query = (
        select(Product.product_id, Artifact.sha256)
        .join(Artifact, Artifact.product_id == Product.product_id)
        .where(Product.kind == kind, Artifact.role == Role.THIS, Artifact.lost.is_(None))
    )
    with archive.database.reading() as session:
        return {row.product_id: row.sha256 for row in session.execute(query)}


def find_artifact(archive: Archive, artifact_id: str) -> Artifact | None:
    """Return one file, or None."""
    with archive.database.reading() as session:
        return session.get(Artifact, artifact_id)


def headers(archive: Archive, artifact_id: str) -> list[Header]:
    """Return the headers of a FITS file in the order of its HDUs."""
    with archive.database.reading() as session:
        return list(session.scalars(select(Header).where(Header.artifact_id == artifact_id).order_by(Header.extension)))


def activity_id(*parts: str) -> str:
    """Return the identifier of an activity that the parts determine: the same work has the same identifier."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:20]


def _artifact(archive: Archive, product_id: str, new: NewFile) -> Artifact:
    archive.store.get(new.stored.sha256)
    return Artifact(
        artifact_id=new.artifact_id,
        product_id=product_id,
        role=new.role,
        file_name=new.file_name,
        media_type=new.media_type,
        file_size=new.stored.size,
        sha256=new.stored.sha256,
        stored=datetime.now(UTC).replace(tzinfo=None),
        lost=None,
        location=None,
    )


def _has_rows(publication: Publication) -> bool:
    return publication.product.kind == maps_rows.MAPS


def _staged(archive: Archive, session: Session, publication: Publication) -> Staged | None:
    """Bring the rows of maps into the database, before others have to wait."""
    own = next((new for new in publication.files if new.role == Role.THIS), None)
    if not _has_rows(publication) or own is None:
        return None
    product = publication.product
    staged = maps_staging.stage(archive.database, session, product, archive.store.get(own.stored.sha256))
    maps_rows.make_way(session, product.product_id, lock_publishing)
    return staged


def _sweep(archive: Archive) -> None:
    """Drop what was staged and is nobody's; when that fails, whoever sweeps next does it."""
    try:
        maps_staging.sweep(archive.database)
    except exc.SQLAlchemyError as error:
        log.warning("rows that are nobody's stay for now", reason=" ".join(str(error).split()))


def _find_content(session: Session, sha256: str) -> str | None:
    return session.scalar(select(Artifact.product_id).where(Artifact.sha256 == sha256, Artifact.role == Role.THIS))


def _is_there(session: Session, publication: Publication) -> bool:
    product_id = publication.product.product_id
    if session.get(Product, product_id) is not None and not publication.replaces:
        return not publication.remakes or editions.is_by(session, product_id, publication.activity.activity_id)
    own = [new.stored.sha256 for new in publication.files if new.role == Role.THIS]
    return publication.once and any(_find_content(session, sha256) is not None for sha256 in own)


def _add(session: Session, publication: Publication, artifacts: list[Artifact]) -> None:
    if publication.programme is not None and session.get(Programme, publication.programme.programme_id) is None:
        session.add(publication.programme)
        session.flush()
    session.add_all([e for e in publication.exposures if session.get(Exposure, e.dp_id) is None])
    product = publication.product
    product.ingested = datetime.now(UTC).replace(tzinfo=None)
    if session.get(Product, product.product_id) is None:
        session.add(product)
    else:
        editions.clear(session, product.product_id)
        session.execute(update(Product).where(Product.product_id == product.product_id).values(_values(product)))
    session.flush()
    session.add_all(artifacts)
    session.flush()
    _add_provenance(session, publication)
    editions.make_room(session, publication.rows)
    session.add_all([*publication.findings, *publication.rows])
    session.add_all(
        Header(artifact_id=new.artifact_id, extension=h.extension, extname=h.extname, cards=h.cards)
        for new in publication.files
        for h in new.headers
    )


def _values(product: Product) -> dict[str, Any]:
    """Return what is to be written of a product that takes the place of another: all but what the database computes."""
    columns = [c for c in Product.__table__.columns if c.computed is None and not c.primary_key]
    values = {c.name: getattr(product, c.name) for c in columns}
    return {c.name: values[c.name] for c in columns if c.nullable or values[c.name] is not None}


def _add_provenance(session: Session, publication: Publication) -> None:
    made_by = publication.activity.activity_id
    activities = [(e.activity, e.used) for e in publication.earlier] + [(publication.activity, publication.used)]
    for activity, used in activities:
        if session.get(Activity, activity.activity_id) is None:
            session.add(activity)
            session.flush()
            session.add_all(used)
    for earlier in publication.earlier:
        session.merge(WasInformedBy(activity_id=earlier.informs, informant_id=earlier.activity.activity_id))
    session.add(WasGeneratedBy(product_id=publication.product.product_id, activity_id=made_by))


def _reason(error: exc.DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0]
