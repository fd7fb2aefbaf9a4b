"""How full the archive is and how its ingests go, in numbers that a monitoring system may ask for every minute.

Each takes milliseconds, however much the archive holds: what is many is estimated as PostgreSQL does it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from archive import runs
from archive.amounts import amount
from archive.database import Database
from schema.calibrations import MasterCalibration
from schema.exposures import Exposure
from schema.findings import Finding
from schema.intake import Intake, Run
from schema.products import MADE, Artifact, Product

__all__ = ["Gauges", "read"]

MOST_SUMMED: Final = 20_000
"""So many files are summed up; of more, about so many taken at random stand for all."""

STORED: Final = text("""
    SELECT sum(file_size)::double precision * 100 / :share
    FROM survey.artifact TABLESAMPLE SYSTEM (:share) REPEATABLE (0)
""")


@dataclass(frozen=True)
class Gauges:
    """The numbers.

    ``exposures``, ``master_calibrations``, ``findings`` and ``store_bytes`` are exact while they are few, and
    estimates later.  ``products`` by kind are those that somebody made for science.
    """

    exposures: int
    master_calibrations: int
    products: Mapping[str, int]
    findings: int
    store_bytes: float
    lost_files: int
    quarantined_files: int
    last_runs: tuple[Run, ...]
    last_success: Mapping[str, datetime]


def read(database: Database) -> Gauges:
    """Read them all from the database."""
    with database.reading() as session:
        return Gauges(
            exposures=amount(session, Exposure).number,
            master_calibrations=amount(session, MasterCalibration).number,
            products=_products(session),
            findings=amount(session, Finding).number,
            store_bytes=_store_bytes(session),
            lost_files=_count(session, select(func.count()).where(Artifact.lost.is_not(None))),
            quarantined_files=_count(
                session, select(func.count()).where(Intake.product_id.is_(None), Intake.reason.is_not(None))
            ),
            last_runs=tuple(runs.last_of_each_kind(session)),
            last_success=runs.last_success(session),
        )


def _products(session: Session) -> dict[str, int]:
    query = select(Product.kind, func.count()).where(MADE).group_by(Product.kind).order_by(Product.kind)
    return dict(session.execute(query).all())


def _store_bytes(session: Session) -> float:
    """Add up the lengths of the files; where they are many, of a sample, page by page."""
    files = amount(session, Artifact)
    share = 100.0 if files.exact else min(100.0, 100.0 * MOST_SUMMED / files.number)
    return float(session.scalar(STORED, {"share": share}) or 0.0)


def _count(session: Session, query: Select[Any]) -> int:
    return session.scalar(query) or 0
