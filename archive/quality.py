"""What was measured of the quality of a product, and the report that shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from archive.database import Database
from schema.products import Artifact, Product, Role
from schema.provenance import Used, WasGeneratedBy
from schema.quality import Figure, Quality

__all__ = ["CUBE", "REPORT", "Told", "find"]

REPORT: Final = "report"
"""Kind of the products that tell of the quality of others."""

CUBE: Final = "CUBE"
"""As what a report uses the product that it is about."""

ORDER: Final = {str(figure): number for number, figure in enumerate(Figure)}


@dataclass(frozen=True)
class Told:
    """The figures of a product, and its report with its files, if there is one.

    ``shown`` are files that go with the figures: those of the report, else the product's own that are auxiliary.
    """

    product_id: str
    figures: Sequence[Quality]
    report: Product | None
    shown: Sequence[Artifact] = ()


def find(database: Database, product: Product) -> Told | None:
    """Return what is told of a product, or None; of a report, what it tells of its cube."""
    report, about = (product.product_id, None) if product.kind == REPORT else (None, product.product_id)
    used = (
        select(WasGeneratedBy.product_id, Used.product_id)
        .join(Used, Used.activity_id == WasGeneratedBy.activity_id)
        .join(Product, Product.product_id == WasGeneratedBy.product_id)
        .where(Product.kind == REPORT, Used.role == CUBE)
        .where(WasGeneratedBy.product_id == report if about is None else Used.product_id == about)
    )
    with database.reading() as session:
        tied = session.execute(used.limit(1)).first()
        if tied is not None:
            report, about = tied
        if about is None:
            return None
        figures = list(session.scalars(select(Quality).where(Quality.product_id == about).order_by(Quality.part)))
        held = None
        if report is not None:
            held = session.get(Product, report, options=[selectinload(Product.artifacts)])
    if held is None and not figures:
        return None
    own = [file for file in product.artifacts if file.role == Role.AUXILIARY]
    figures.sort(key=lambda one: ORDER.get(one.figure, len(ORDER)))
    return Told(about, figures, held, own if held is None else held.artifacts)
