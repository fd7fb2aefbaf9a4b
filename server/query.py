"""From ADQL text to a stream of column batches: translated, run read-only, cut at the row limit.

Every service that asks the catalogue goes this way.  Rows come out of PostgreSQL by COPY underneath, as Arrow record
batches; memory stays at a batch whatever the result.  Encoding is not done here: see ``encoders``.
"""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final, Self

import adbc_driver_manager
import pyarrow as pa
import structlog
from adbc_driver_postgresql import StatementOptions, dbapi
from sqlalchemy import exc

from archive.archive import Archive
from archive.user_tables import visible_to
from schema.published import PublishedTable
from server.adql import OutputColumn, translate
from server.patience import Forecast, Patience
from server.readers import Readers
from server.uploads.limits import Limits
from server.uploads.loading import load, ready
from server.uploads.reading import Upload

__all__ = ["ConnectionLost", "Queries", "QueryFailed", "QueryTimedOut", "QueryTooLong", "Result", "ServiceBusy"]

log = structlog.get_logger()

MOST_AT_ONCE: Final = 16
"""Answers that one process sends at a time: fewer than its threads, so that pages and files are served meanwhile."""

SLOT_SECONDS: Final = 2.0
BATCH_BYTES: Final = 2 << 20
BATCH_SIZE_HINT: Final = StatementOptions.BATCH_SIZE_HINT_BYTES.value
USE_COPY: Final = StatementOptions.USE_COPY.value
LOST: Final = ("FATAL:", "server closed the connection", "no connection to the server", "connection to server")
"""What libpq says when the server, not the query, is the reason."""

GONE: Final = "42P01"
"""SQLSTATE of a table that is not there: it was when the query was translated."""


class QueryFailed(Exception):
    """PostgreSQL could not answer a query that ADQL allows; the text is fit for the client."""


class QueryTimedOut(QueryFailed):
    """The query took longer than the service grants."""


class QueryTooLong(QueryTimedOut):
    """The planner predicts that the query would take longer than the service grants."""

    def __init__(self, cost: float, limit: float) -> None:
        super().__init__(
            f"the query is expected to take too long: its estimated cost is {cost:.3g}, not over {limit:.3g}"
        )
        self.cost = cost
        self.limit = limit


class ServiceBusy(QueryFailed):
    """The query was not begun; it may be tried again."""


class ConnectionLost(ServiceBusy):
    """The database went away, or ended the connection, in the middle of the query."""


@dataclass
class Result:
    """An answer on its way: read ``batches`` to the end, then ``overflow`` is known; ``close`` in any case."""

    columns: tuple[OutputColumn, ...]
    maxrec: int
    reader: Iterator[pa.RecordBatch]
    timeout: float = 0.0
    overflow: bool = False
    finished: bool = False
    failure: QueryFailed | None = None
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
                self.failure = _failure(error, self.timeout)
                raise self.failure from error
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
        self._database: Final = archive.database
        self.timeout = archive.settings.query_timeout
        self.cost_limit: float | None = archive.settings.sync_cost_limit
        self.readers = Readers(archive)
        self._slots: Final = threading.BoundedSemaphore(MOST_AT_ONCE)

    @classmethod
    def of_job(cls, archive: Archive, job_id: str, seconds: float) -> Self:
        """Return queries for a job: nobody waits for the first rows, all of it has ``seconds``.

        The one connection that they have carries the job's identifier: whoever aborts the job finds it, and no other
        takes its place.
        """
        queries = cls(archive)
        queries.timeout, queries.cost_limit = seconds, None
        queries.readers = Readers(archive, name=job_id, seconds=seconds, single=True)
        return queries

    def run(
        self, text: str, *, maxrec: int | None = None, uploads: Sequence[Upload] = (), account: str | None = None
    ) -> Result:
        """Translate and start a query.

        Parameters
        ----------
        text
            ADQL.
        maxrec
            Rows wanted; None for the service's default.  Clamped, silently as DALI has it, to the service's limit.
        uploads
            Files with tables that the query reads beside the published ones; not needed any more afterwards.
        account
            Who asks: its own tables may be read, too.

        Raises
        ------
        AdqlError
            The text is no ADQL over these tables.
        UploadError
            A file holds no table that can be taken.
        QueryFailed
            The server refused it or took too long to begin, or there is none.
        """
        wanted = self.settings.maxrec_default if maxrec is None else maxrec
        limit = min(wanted, self.settings.maxrec_limit)
        tables = self._tables(account)
        if uploads:
            return self._run_with(uploads, text, limit, tables)
        translation = translate(text, tables)
        if limit == 0:
            return Result(translation.columns, 0, iter(()), overflow=True)
        sql = _limited(translation.sql, limit)
        with self._slot() as undo:
            connection = self._connection(undo)
            cursor, reader = self._start(connection, sql, self._forecast(sql))
            undo.pop_all()
        release = self._releasing(connection, cursor, again=True)
        return Result(translation.columns, limit, reader, self.timeout, release=release)

    def _run_with(self, uploads: Sequence[Upload], text: str, limit: int, others: tuple[PublishedTable, ...]) -> Result:
        """Run a query over uploads: on a connection of its own, in one transaction, with which the tables go."""
        with self._slot() as undo:
            connection = self._connection(undo)
            try:
                connection.adbc_connection.set_autocommit(False)
                tables = load(connection, uploads, Limits.of(self.settings))
                translation = translate(text, (*others, *tables))
                if limit == 0:
                    return Result(translation.columns, 0, iter(()), overflow=True)
                sql = _limited(translation.sql, limit)
                ready(connection, tables, sql)
            except (adbc_driver_manager.Error, OSError, pa.ArrowException) as error:
                raise _failure(error, self.timeout) from error
            cursor, reader = self._start(connection, sql, None)
            undo.pop_all()
        release = self._releasing(connection, cursor, again=False)
        return Result(translation.columns, limit, reader, self.timeout, release=release)

    @contextmanager
    def _slot(self) -> Iterator[ExitStack]:
        """Wait for a turn; it is over with the block unless what is to be undone is taken over."""
        if not self._slots.acquire(timeout=SLOT_SECONDS):
            raise ServiceBusy("the service is answering as many queries as it can; try again in a while")
        with ExitStack() as undo:
            undo.callback(self._slots.release)
            yield undo

    def _tables(self, account: str | None) -> tuple[PublishedTable, ...]:
        try:
            return visible_to(self._database, account)
        except exc.OperationalError as error:
            raise ServiceBusy("the database does not answer") from error

    def cost(self, text: str, *, maxrec: int | None = None, account: str | None = None) -> float | None:
        """Return the planner's estimate of what a query costs, in PostgreSQL's units; None when it has none.

        Raises
        ------
        AdqlError
            The text is no ADQL over the tables that the account may read.
        ServiceBusy
            The database does not answer.
        """
        wanted = self.settings.maxrec_default if maxrec is None else maxrec
        translation = translate(text, self._tables(account))
        return self._estimate(_limited(translation.sql, min(wanted, self.settings.maxrec_limit)))

    def _start(
        self, connection: dbapi.Connection, sql: str, forecast: Forecast | None
    ) -> tuple[dbapi.Cursor, Iterator[pa.RecordBatch]]:
        """Run a query up to its first rows.

        The time limit ends there: how long the rest takes depends on how fast the client reads.
        """
        with ExitStack() as undo:
            cursor = undo.enter_context(connection.cursor())
            patience = Patience(cursor.adbc_cancel, self.timeout, forecast)
            try:
                with patience:
                    cursor.adbc_statement.set_options(**{BATCH_SIZE_HINT: str(BATCH_BYTES)})
                    cursor.execute(sql)
                    reader = _primed(cursor.fetch_record_batch())
            except (adbc_driver_manager.Error, OSError, pa.ArrowException) as error:
                if patience.predicted is not None and self.cost_limit is not None:
                    raise QueryTooLong(patience.predicted, self.cost_limit) from error
                raise _failure(error, self.timeout) from error
            undo.pop_all()
        return cursor, reader

    def _forecast(self, sql: str) -> Forecast | None:
        return None if self.cost_limit is None else Forecast(lambda: self._estimate(sql), self.cost_limit)

    def _estimate(self, sql: str) -> float | None:
        try:
            connection = self.readers.take()
        except (adbc_driver_manager.Error, OSError):
            return None
        try:
            with connection.cursor() as cursor:
                cursor.adbc_statement.set_options(**{USE_COPY: "false"})
                cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
                (plan,) = json.loads(cursor.fetchone()[0])
        except (adbc_driver_manager.Error, OSError, pa.ArrowException):
            connection.close()
            return None
        self.readers.give(connection)
        return float(plan["Plan"]["Total Cost"])

    def _connection(self, undo: ExitStack | None = None) -> dbapi.Connection:
        try:
            connection = self.readers.take()
        except (adbc_driver_manager.Error, OSError) as error:
            log.warning("no connection for a query", reason=str(error))
            raise ServiceBusy("the database does not answer") from error
        if undo is not None:
            undo.callback(connection.close)
        return connection

    def prepare(self) -> None:
        """Open a connection now, for the next query.

        Raises
        ------
        ServiceBusy
            The database does not answer.
        """
        self.readers.give(self._connection())

    def close(self) -> None:
        """Close the idle connections."""
        self.readers.close()

    def _releasing(self, connection: dbapi.Connection, cursor: dbapi.Cursor, *, again: bool) -> Callable[[bool], None]:
        def release(finished: bool) -> None:  # noqa: FBT001  the one thing that a release depends on
            self._slots.release()
            try:
                if not finished:
                    cursor.adbc_cancel()
                cursor.close()
            except (adbc_driver_manager.Error, OSError):
                finished = False
            if finished and again:
                self.readers.give(connection)
            else:
                connection.close()

        return release


def _limited(sql: str, limit: int) -> str:
    """One row more than wanted tells whether there are more."""
    return f"SELECT * FROM ({sql}\n) AS answer LIMIT {limit + 1}"


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
    if any(sign in words for sign in LOST):
        return ConnectionLost("the connection to the database was lost")
    if getattr(error, "sqlstate", None) == GONE:
        return QueryFailed("a table of the query was removed meanwhile")
    if "statement timeout" in words or "user request" in words:
        return QueryTimedOut(f"the query took longer than {timeout:g} s")
    marked = [line.partition("ERROR:")[2].strip() for line in words.splitlines() if "ERROR:" in line]
    return QueryFailed(marked[0] if marked else words.splitlines()[0])
