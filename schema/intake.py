"""What was offered to the archive and what became of it: nothing that was refused is forgotten."""

from datetime import datetime

from sqlalchemy.orm import Mapped

from schema.base import Base, big_integer, hidden, table

__all__ = ["Intake"]


class Intake(Base):
    """One file on an operator's disk, as it was when it was last looked at."""

    __tablename__ = "intake"
    __table_args__ = (table("archive", "Files offered for ingest and what became of them.", published=False),)

    path: Mapped[str] = hidden(primary_key=True, doc="Where the file was.")
    size: Mapped[int] = hidden(big_integer(), doc="Its length in bytes.")
    modified_ns: Mapped[int] = hidden(big_integer(), doc="Its time of modification, nanoseconds since 1970.")
    seen: Mapped[datetime] = hidden(doc="When it was last offered, UTC.")
    product_id: Mapped[str | None] = hidden(doc="Product that it became; empty when it was refused.", index=True)
    reason: Mapped[str | None] = hidden(doc="Why it was refused.")
