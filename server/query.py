"""From ADQL text to a stream of column batches: translated, run read-only, cut at the row limit.

Every service that asks the catalogue goes this way.  Rows come out of PostgreSQL by COPY underneath, as Arrow record
batches; memory stays at a batch whatever the result.  Encoding is not done here: see ``encoders``.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import adbc_driver_manager
import pyarrow as pa
import structlog
from adbc_driver_postgresql import StatementOptions, dbapi

from archive.archive import Archive
from schema.published import catalogue
from server.adql import OutputColumn, translate
from server.readers import Readers

__all__ = ["Queries", "QueryFailed", "QueryTimedOut", "Result", "ServiceBusy"]

log = structlog.get_logger()

MOST_AT_ONCE: Final = 16
"""Answers that one process sends at a time: fewer than its threads, so that pages and files are served meanwhile."""

SLOT_SECONDS: Final = 2.0
BATCH_BYTES: Final = 2 << 20
BATCH_SIZE_HINT: Final = StatementOptions.BATCH_SIZE_HINT_BYTES.value


class QueryFailed(Exception):
    """PostgreSQL could not answer a query that ADQL allows; the text is fit for the client."""


class QueryTimedOut(QueryFailed):
    """The query took longer than the service grants."""


class ServiceBusy(QueryFailed):
    """The query was not begun; it may be tried again."""


@dataclass
class Result:
    """An answer on its way: read ``batches`` to the end, then ``overflow`` is known; ``close`` in any case."""

    columns: tuple[OutputColumn, ...]
    maxrec: int
    reader: Iterator[pa.RecordBatch]
    timeout: float = 0.0
    overflow: bool = False
    finished: bool = False
    release: Callable[[bool], None] | None = None

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
                self.finished = True
                return
            if batch.num_rows > left:
                self.overflow = True
                batch = batch.slice(0, left)
            left -= batch.num_rows
            if batch.num_rows:
                yield batch

    def close(self) -> None:
        """Give the connection back, or close it when rows are still to come; to be called once or more."""
        if self.release is not None:
            self.release(self.finished)
            self.release = None


class Queries:
    """Queries over one archive: what every service of a process shares."""

    def __init__(self, archive: Archive) -> None:
        self.settings: Final = archive.settings
        self.readers: Final = Readers(archive)
        self._slots: Final = threading.BoundedSemaphore(MOST_AT_ONCE)

    def run(self, text: str, *, maxrec: int | None = None) -> Result:
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
            The server refused it or took too long to begin, or there is none.
        """
        wanted = self.settings.maxrec_default if maxrec is None else maxrec
        limit = min(wanted, self.settings.maxrec_limit)
        translation = translate(text, catalogue())
        if limit == 0:
            return Result(translation.columns, 0, iter(()), overflow=True)
        sql = f"SELECT * FROM ({translation.sql}\n) AS answer LIMIT {limit + 1}"
        if not self._slots.acquire(timeout=SLOT_SECONDS):
            raise ServiceBusy("the service is answering as many queries as it can; try again in a while")
        try:
            connection, cursor, reader = self._start(sql)
        except BaseException:
            self._slots.release()
            raise
        timeout = self.settings.query_timeout
        return Result(translation.columns, limit, reader, timeout, release=self._releasing(connection, cursor))

    def _start(self, sql: str) -> tuple[dbapi.Connection, dbapi.Cursor, Iterator[pa.RecordBatch]]:
        """Run a query up to its first rows.

        The time limit ends there: how long the rest takes depends on how fast the client reads.
        """
        with ExitStack() as undo:
            connection = self._connection()
            undo.callback(connection.close)
            cursor = undo.enter_context(connection.cursor())
            watch = threading.Timer(self.settings.query_timeout, cursor.adbc_cancel)
            watch.start()
            try:
                cursor.adbc_statement.set_options(**{BATCH_SIZE_HINT: str(BATCH_BYTES)})
                cursor.execute(sql)
                reader = _primed(cursor.fetch_record_batch())
            except (adbc_driver_manager.Error, OSError, pa.ArrowException) as error:
                raise _failure(error, self.settings.query_timeout) from error
            finally:
                watch.cancel()
            undo.pop_all()
        return connection, cursor, reader

    def _connection(self) -> dbapi.Connection:
        try:
            return self.readers.take()
        except (adbc_driver_manager.Error, OSError) as error:
            log.warning("no connection for a query", reason=str(error))
            raise ServiceBusy("the database does not answer") from error

    def close(self) -> None:
        """Close the idle connections."""
        self.readers.close()

    def _releasing(self, connection: dbapi.Connection, cursor: dbapi.Cursor) -> Callable[[bool], None]:
        def release(finished: bool) -> None:  # noqa: FBT001  the one thing that a release depends on
            self._slots.release()
            try:
                if not finished:
                    cursor.adbc_cancel()
                cursor.close()
            except (adbc_driver_manager.Error, OSError):
                finished = False
            if finished:
                self.readers.give(connection)
            else:
                connection.close()

        return release


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
    if "statement timeout" in words or "user request" in words:
        return QueryTimedOut(f"the query took longer than {timeout:g} s")
    marked = [line.partition("ERROR:")[2].strip() for line in words.splitlines() if "ERROR:" in line]
    return QueryFailed(marked[0] if marked else words.splitlines()[0])
