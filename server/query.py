"""From ADQL text to a stream of column batches: translated, run read-only, cut at the row limit.

Every service that asks the catalogue goes this way.  Rows come out of PostgreSQL by COPY underneath, as Arrow record
batches; memory stays at a batch whatever the result.  Encoding is not done here: see ``encoders``.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

import adbc_driver_manager
import pyarrow as pa
from adbc_driver_postgresql import StatementOptions, dbapi
from psycopg.conninfo import make_conninfo

from archive.archive import Archive
from schema.published import catalogue
from server.adql import OutputColumn, translate

__all__ = ["QueryFailed", "QueryTimedOut", "Result", "run"]

BATCH_BYTES: Final = 4 << 20


class QueryFailed(Exception):
    """PostgreSQL could not answer a query that ADQL allows; the text is fit for the client."""


class QueryTimedOut(QueryFailed):
    """The query took longer than the service grants."""


@dataclass
class Result:
    """An answer on its way: read ``batches`` to the end, then ``overflow`` is known; ``close`` in any case."""

    columns: tuple[OutputColumn, ...]
    maxrec: int
    reader: Iterator[pa.RecordBatch]
    resources: ExitStack = field(default_factory=ExitStack)
    timeout: float = 0.0
    overflow: bool = False

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows, at most ``maxrec`` of them.

        Raises
        ------
        QueryFailed
            The server gave up in mid-stream: what came before is not the answer.
        """
        left = self.maxrec
        while True:
            try:
                batch = next(self.reader, None)
            except (adbc_driver_manager.Error, OSError, pa.ArrowException) as error:
                raise _failure(error, self.timeout) from error
            if batch is None:
                return
            if batch.num_rows > left:
                self.overflow = True
                if left:
                    yield batch.slice(0, left)
                return
            left -= batch.num_rows
            yield batch

    def close(self) -> None:
        """Give the connection back."""
        self.resources.close()


def run(archive: Archive, text: str, *, maxrec: int | None = None) -> Result:
    """Translate and start a query.

    Parameters
    ----------
    text
        ADQL.
    maxrec
        Rows wanted; None for the service's default.  Clamped, silently as DALI has it, to the service's limit.

    Raises
    ------
    AdqlError
        The text is no ADQL over the published tables.
    QueryFailed
        The server refused it or took too long to begin.
    """
    settings = archive.settings
    wanted = settings.maxrec_default if maxrec is None else maxrec
    limit = min(wanted, settings.maxrec_limit)
    translation = translate(text, catalogue())
    if limit == 0:
        return Result(translation.columns, 0, iter(()), overflow=True)
    sql = f"SELECT * FROM ({translation.sql}\n) AS answer LIMIT {limit + 1}"
    options = archive.database.reader_options(
        timeout=settings.query_timeout, base_url=settings.base_url, authority=settings.authority
    )
    resources = ExitStack()
    try:
        connection = resources.enter_context(dbapi.connect(make_conninfo(archive.database.url, options=options)))
        cursor = resources.enter_context(connection.cursor())
        cursor.adbc_statement.set_options(**{StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(BATCH_BYTES)})
        cursor.execute(sql)
        reader = _primed(cursor.fetch_record_batch())
    except (adbc_driver_manager.Error, OSError, pa.ArrowException) as error:
        resources.close()
        raise _failure(error, settings.query_timeout) from error
    return Result(translation.columns, limit, reader, resources, settings.query_timeout)


def _primed(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Fetch the first batch now: most failures show here, while an error can still be an error."""
    batches = iter(reader)
    first = next(batches, None)

    def chained() -> Iterator[pa.RecordBatch]:
        if first is not None:
            yield first
        yield from batches

    return chained()


def _failure(error: Exception, timeout: float) -> QueryFailed:
    words = str(error)
    if "statement timeout" in words:
        return QueryTimedOut(f"the query took longer than {timeout:g} s")
    marked = [line.partition("ERROR:")[2].strip() for line in words.splitlines() if "ERROR:" in line]
    return QueryFailed(marked[0] if marked else words.splitlines()[0])
