"""Reports of the night as ESO wrote them."""

from sqlalchemy import select

from archive.database import Database
from schema.nights import BlockReport, ReportedExposure

__all__ = ["find_text"]


def find_text(database: Database, dp_id: str) -> str | None:
    """Return the report on the block in which a frame was taken, whole, or None."""
    query = (
        select(BlockReport.text)
        .join(ReportedExposure, ReportedExposure.report_id == BlockReport.report_id)
        .where(ReportedExposure.dp_id == dp_id)
        .order_by(BlockReport.report_id)
        .limit(1)
    )
    with database.reading() as session:
        return session.scalar(query)
