"""How many rows a table has, told in no time: counted while they are few, else as the database estimates them."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, func, literal_column, select, text
from sqlalchemy.orm import Session

from schema.base import Base

__all__ = ["Amount", "amount"]

MOST_COUNTED: Final = 10_000
ESTIMATE: Final = text("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(:name)")


@dataclass(frozen=True)
class Amount:
    """A number of rows; where it is not exact there are about so many."""

    number: int
    exact: bool


def amount(session: Session, table: type[Base]) -> Amount:
    """Return how many rows a table has."""
    some: Select[Any] = select(literal_column("1")).select_from(table).limit(MOST_COUNTED + 1)
    counted = session.scalar(select(func.count()).select_from(some.subquery())) or 0
    if counted <= MOST_COUNTED:
        return Amount(counted, exact=True)
    estimate = session.scalar(ESTIMATE, {"name": str(table.__table__)}) or 0
    return Amount(max(estimate, counted), exact=False)  # the estimate is missing until the table was analysed
