"""``PUT`` and ``DELETE /tap/tables/<name>``, ``POST /tap/load/<name>``, ``POST /tap/table-update``, as in pyvo."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

from flask import Blueprint, Response, make_response, redirect, request

from archive import user_rows, user_tables, uws
from archive.archive import Archive
from archive.errors import ArchiveError
from archive.user_rows import Quota, QuotaExceeded, RowsRefused, TableExists
from archive.user_tables import NoSuchTable, TableInUse
from server import auth, dali
from server.caller import caller
from server.query import ServiceBusy
from server.request_uploads import RequestUploads
from server.uploads.errors import UploadError
from server.uploads.limits import Limits
from server.uploads.loading import kept
from server.uploads.positions import positions
from server.uploads.reading import Upload, read
from server.user_tables.definition import defined
from server.user_tables.fitting import fitted
from server.user_tables.indexing import TASK
from server.user_tables.names import BadName, NotYours, own_name

__all__ = ["blueprint"]

RETRY_SECONDS: Final = "10"
STATUS: Final[tuple[tuple[type[Exception], int], ...]] = (
    (NotYours, 403),
    (NoSuchTable, 404),
    (TableExists, 409),
    (TableInUse, 409),
    (QuotaExceeded, 413),
    (uws.QuotaExceeded, 429),
    (uws.NotNow, 400),
    (BadName, 400),
    (RowsRefused, 400),
    (UploadError, 400),
    (dali.UsageError, 400),
    (ServiceBusy, 503),
    (ArchiveError, 503),
)
"""What each fault is answered with; the first that fits counts."""


class LogInFirst(PermissionError):
    """Only accounts have tables."""


def blueprint(archive: Archive) -> Blueprint:
    """Return the routes."""
    routes = Blueprint("user_tables", __name__, url_prefix="/tap")
    own = _OwnTables(archive, RequestUploads(Limits.of(archive.settings)))

    @routes.put("/tables/<name>")
    @_errors_as_text
    def create(name: str) -> Response:
        account = _account()
        count = own.create(account, own_name(name, account))
        return _said(f"made, with {count} rows", 201)

    @routes.delete("/tables/<name>")
    @_errors_as_text
    def remove(name: str) -> Response:
        account = _account()
        user_tables.drop(archive.database, account, own_name(name, account))
        return _said("removed", 200)

    @routes.post("/load/<name>")
    @_errors_as_text
    def load(name: str) -> Response:
        account = _account()
        count = own.load(account, own_name(name, account))
        return _said(f"{count} rows added", 200)

    @routes.post("/table-update")
    @_errors_as_text
    def update() -> Response:
        job_id = own.index_job(_account())
        return make_response(redirect(f"{archive.settings.base_url}/tap/async/{job_id}", 303))

    return routes


@dataclass(frozen=True)
class _OwnTables:
    """The tables of accounts as requests handle them."""

    archive: Archive
    uploads: RequestUploads

    def create(self, account: str, name: str) -> int:
        """Make a table of the request's body; returns how many rows came with it."""
        database, quota = self.archive.database, Quota.of(self.archive.settings)
        if user_tables.find(database, account, name) is not None:
            raise TableExists(f"there is a table {account}.{name} already")
        with (
            self.uploads.body() as path,
            defined(path, name, self.uploads.limits) as (layout, batches),
            _as_read() as failed,
        ):
            return user_rows.create(database, account, name, layout, kept(batches, failed), quota=quota)

    def load(self, account: str, name: str) -> int:
        """Add the rows of the request's body to a table; returns how many."""
        database, quota = self.archive.database, Quota.of(self.archive.settings)
        table = user_tables.get(database, account, name)
        columns = user_tables.published(table).columns
        with self.uploads.body() as path, read(Upload(name, path, typed=False), self.uploads.limits) as given:
            rows = fitted(given, columns)
            with _as_read() as failed:
                return user_rows.append(database, table, kept(rows, failed), tuple(positions(columns)), quota=quota)

    def index_job(self, account: str) -> str:
        """Make the job that indexes a column, for the client to run; returns its identifier."""
        given = dali.parameters()
        dali.check_letters(given)
        name = own_name(given.get("TABLE", ""), account)
        if not given.get("INDEX"):
            raise dali.UsageError("INDEX, the column, is missing")
        user_tables.get(self.archive.database, account, name)
        parameters = {"TABLE": [name], "INDEX": [given["INDEX"]], "UNIQUE": [given.get("UNIQUE", "false")]}
        return uws.create(self.archive, TASK, parameters, caller=caller(), run_id=None).job_id


@contextmanager
def _as_read() -> Iterator[list[UploadError]]:
    """Give a list for what is wrong with the rows, which counts more than what the database made of it."""
    failed: list[UploadError] = []
    try:
        yield failed
    except ArchiveError:
        if failed:
            raise failed[0] from None
        raise


def _account() -> str:
    """Return who asks, who must be an account; a page elsewhere may not act for a browser that has logged in."""
    account = caller().account
    if account is None:
        raise LogInFirst("tables belong to accounts: log in")
    if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        raise NotYours("other sites may not change tables")
    return account


def _errors_as_text(view: Callable[..., Response]) -> Callable[..., Response]:
    """Let a view's failures become a line of text with a status that fits."""

    @wraps(view)
    def guarded(*arguments: Any, **keywords: Any) -> Response:
        try:
            return view(*arguments, **keywords)
        except LogInFirst as problem:
            return auth.refusal(str(problem))
        except tuple(kind for kind, _ in STATUS) as problem:
            status = next(status for kind, status in STATUS if isinstance(problem, kind))
            return _said(str(problem), status)

    return guarded


def _said(words: str, status: int) -> Response:
    response = Response(f"{words}\n", status=status, content_type="text/plain;charset=UTF-8")
    if status in {429, 503}:
        response.headers["Retry-After"] = RETRY_SECONDS
    return response
