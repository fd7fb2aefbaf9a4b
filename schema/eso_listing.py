"""What ESO's archive has of the survey's programmes: its products, whether they are held here or not.

Raw frames that ESO lists are rows of ``exposures``.  How far the listing has come is in ``Sync``.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped

from schema.base import Base, big_integer, column, hidden, table

__all__ = ["EsoProduct", "Sync"]


class EsoProduct(Base):
    """A Phase 3 product in ESO's archive."""

    __tablename__ = "eso_product"
    __table_args__ = (
        Index("ix_eso_product_proposal_id", "proposal_id"),
        table("survey", "Products that ESO's archive has of the survey's programmes (Phase 3)."),
    )

    dp_id: Mapped[str] = column(
        primary_key=True, doc="ESO data product identifier.", ucd="meta.id;meta.main", principal=True
    )
    product_id: Mapped[str | None] = column(
        None,
        ForeignKey("survey.product.product_id"),
        doc="The product in this archive, once it is held.",
        ucd="meta.id",
        index=True,
    )
    obs_collection: Mapped[str | None] = column(doc="Data collection.", ucd="meta.id;meta.dataset", principal=True)
    target_name: Mapped[str | None] = column(doc="Designation of what was observed.", ucd="meta.id;src", principal=True)
    proposal_id: Mapped[str | None] = column(doc="Programme.", ucd="meta.id;obs.proposal")
    obs_id: Mapped[str | None] = column(doc="ESO OBS ID, or several.", ucd="meta.id")
    dataproduct_type: Mapped[str | None] = column(doc="Cube, image and so on.", ucd="meta.code.class")
    ra: Mapped[float | None] = column(doc="Right ascension of the centre, ICRS.", unit="deg", ucd="pos.eq.ra;meta.main")
    dec: Mapped[float | None] = column(doc="Declination of the centre, ICRS.", unit="deg", ucd="pos.eq.dec;meta.main")
    t_min: Mapped[float | None] = column(doc="Start, MJD, UTC.", unit="d", ucd="time.start;obs.exposure")
    t_max: Mapped[float | None] = column(doc="End, MJD, UTC.", unit="d", ucd="time.end;obs.exposure")
    exptime: Mapped[float | None] = column(doc="Integration time.", unit="s", ucd="time.duration;obs.exposure")
    access_url: Mapped[str | None] = column(doc="Where ESO has it.", ucd="meta.ref.url")
    access_estsize: Mapped[int | None] = column(
        big_integer(), doc="Size as ESO has it.", unit="kbyte", ucd="phys.size;meta.file"
    )
    public_from: Mapped[datetime | None] = column(
        doc="When it becomes public, UTC.", ucd="time.release", xtype="timestamp"
    )
    last_modified: Mapped[datetime | None] = column(
        doc="When ESO last changed its entry, UTC.", ucd="time.processing", xtype="timestamp"
    )


class Sync(Base):
    """How far the listing of one programme has come."""

    __tablename__ = "sync"
    __table_args__ = (table("archive", "How far the listings of ESO's archive have come.", published=False),)

    programme_id: Mapped[str] = hidden(primary_key=True, doc="Programme.")
    listing: Mapped[str] = hidden(primary_key=True, doc="raw or products.")
    last_modified: Mapped[datetime] = hidden(doc="Latest modification, UTC, that was recorded.")
    updated: Mapped[datetime] = hidden(doc="When, UTC.")
