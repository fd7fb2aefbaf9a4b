"""What was measured of the quality of products: one row a figure, and a figure a part where it differs within one."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped

from schema.base import Base, column, table

__all__ = ["Quality"]


class Quality(Base):
    """One figure of one product."""

    __tablename__ = "quality"
    __table_args__ = (table("survey", "Measured quality of products: noise, agreement in overlaps, with references."),)

    product_id: Mapped[str] = column(
        None,
        ForeignKey("survey.product.product_id"),
        primary_key=True,
        doc="Product that the figure is about.",
        ucd="meta.id",
        principal=True,
    )
    figure: Mapped[str] = column(primary_key=True, doc="Name of the figure.", ucd="meta.code", principal=True)
    part: Mapped[str] = column(
        primary_key=True,
        doc="Wavelengths, exposures or star that it is of; empty where it is of the whole product.",
        ucd="meta.id",
        principal=True,
    )
    measured: Mapped[float] = column(doc="Its value.", ucd="meta.number", principal=True)
    error: Mapped[float | None] = column(doc="Error of what was measured, one sigma.", ucd="stat.error", principal=True)
    unit: Mapped[str | None] = column(doc="Unit of both.", ucd="meta.unit", principal=True)
    n: Mapped[int | None] = column(doc="Measurements that it comes from.", ucd="meta.number")
