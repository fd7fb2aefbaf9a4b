"""Raw frames that can be reduced: those whose files the archive holds, with what a reduction has to know of each."""

import re
from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, or_, select

from archive.database import Database
from schema.exposures import Exposure
from schema.products import Artifact, Header, Product, Role
from schema.provenance import Activity, WasGeneratedBy

__all__ = ["channels", "exposures", "held_objects"]

OBJECT: Final = "OBJECT"
PIXTABLE: Final = "pixtable"
PIXTABLES: Final = "pixtables"
"""What the activity is called that makes them here."""

CHANNEL: Final = "CHAN"
DEAD: Final = re.compile(r"^HIERARCH ESO DET CHIP LIVE *= *F", re.MULTILINE)


def held_objects(database: Database, names: Sequence[str] = ()) -> list[str]:
    """Return the exposures of science targets that are held, of galaxies or by their identifiers; all without names.

    Those whose pixel tables came from outside are left out: they are reduced already.
    """
    made = select(WasGeneratedBy.product_id).join(Activity).where(Activity.name == PIXTABLES)
    brought = select(Product.product_id).where(
        Product.kind == PIXTABLE,
        func.split_part(Product.product_id, "_", 1) == Exposure.dp_id,
        Product.product_id.not_in(made),
    )
    query = (
        select(Exposure.dp_id)
        .join(Artifact, Artifact.product_id == Exposure.dp_id)
        .where(Exposure.raw_tag == OBJECT, Artifact.role == Role.THIS, Artifact.lost.is_(None), ~brought.exists())
        .order_by(Exposure.mjd_obs, Exposure.dp_id)
    )
    if names:
        query = query.where(or_(Exposure.dp_id.in_(names), Exposure.target.in_(names)))
    with database.reading() as session:
        return list(session.scalars(query))


def exposures(database: Database, dp_ids: Sequence[str]) -> list[Exposure]:
    """Return raw frames in the order of time; unknown ones are not there."""
    query = select(Exposure).where(Exposure.dp_id.in_(dp_ids)).order_by(Exposure.mjd_obs, Exposure.dp_id)
    with database.reading() as session:
        return list(session.scalars(query))


def channels(database: Database, dp_id: str) -> tuple[int, ...]:
    """Return the numbers of the IFUs whose detectors are in a raw frame and were alive."""
    query = (
        select(Header.extname, Header.cards)
        .join(Artifact, Artifact.artifact_id == Header.artifact_id)
        .where(Artifact.product_id == dp_id, Artifact.role == Role.THIS, Header.extname.startswith(CHANNEL))
    )
    with database.reading() as session:
        rows = session.execute(query).all()
    return tuple(sorted(int(str(name).removeprefix(CHANNEL)) for name, cards in rows if DEAD.search(cards) is None))
