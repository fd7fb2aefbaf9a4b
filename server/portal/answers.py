"""The first rows of an answer, for a page: the same way through the catalogue as every TAP query."""

from dataclasses import dataclass
from typing import Final

from server.adql import AdqlError, OutputColumn
from server.encoders.text import as_text
from server.query import Queries, QueryFailed

__all__ = ["Answer", "first_rows"]

MOST_ROWS: Final = 100


@dataclass(frozen=True)
class Answer:
    """What a query gave: rows as text, or the reason why there are none."""

    columns: tuple[OutputColumn, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    more: bool = False
    problem: str | None = None


def first_rows(queries: Queries, adql: str) -> Answer:
    """Run a query and return its first rows, or what is wrong with it."""
    try:
        result = queries.run(adql, maxrec=MOST_ROWS)
        try:
            batches = list(result.batches())
        finally:
            result.close()
    except (AdqlError, QueryFailed) as error:
        return Answer(problem=str(error))
    rows = tuple(
        tuple("" if cell is None else str(cell) for cell in row)
        for batch in batches
        for row in zip(*(as_text(column).to_pylist() for column in batch.columns), strict=True)
    )
    return Answer(result.columns, rows, result.overflow)
