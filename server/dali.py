"""What all services share (IVOA DALI 1.1): parameters without regard to case, errors as VOTable, streamed answers."""

import re
from collections.abc import Callable, Iterator
from functools import wraps
from itertools import chain
from typing import Any, Final

import structlog
from flask import Response, current_app, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from server.adql import AdqlError
from server.encoders import Format, acceptable, find
from server.encoders.compression import PACKERS, packing
from server.encoders.votable import error_document
from server.query import QueryFailed, QueryTimedOut, QueryTooLong, Result, ServiceBusy
from server.uploads.errors import UploadError

__all__ = [
    "VOTABLE",
    "UsageError",
    "answer",
    "check_letters",
    "chosen_format",
    "error",
    "errors_as_votable",
    "maxrec",
    "named_format",
    "parameters",
]

log = structlog.get_logger()

VOTABLE: Final = "application/x-votable+xml"
RETRY_SECONDS = "10"
NO_LETTERS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class UsageError(ValueError):
    """A parameter is missing or cannot be understood."""


def parameters() -> MultiDict[str, str]:
    """Return the request's parameters, names in capitals."""
    found: MultiDict[str, str] = MultiDict()
    for name in request.values:
        for value in request.values.getlist(name):
            found.add(name.upper(), value)
    return found


def check_letters(given: MultiDict[str, str]) -> None:
    """Refuse what neither the database nor a document could hold; a query in haste needs no such check.

    Raises
    ------
    UsageError
        A name or value has a control character, or another code that stands for no letter.
    """
    for name, value in given.items(multi=True):
        if NO_LETTERS.search(name) or NO_LETTERS.search(value):
            raise UsageError(f"{name[:40]!r} has a control character in it")


def maxrec(given: MultiDict[str, str]) -> int | None:
    """Return MAXREC, or None when there is none.

    Raises
    ------
    UsageError
        It is no number of rows.
    """
    value = given.get("MAXREC", "").strip()
    if not value:
        return None
    if re.fullmatch(r"[0-9]+", value) is None:
        raise UsageError(f"MAXREC must be a number of rows, not {value[:40]!r}")
    return int(value[:18])  # more digits are more rows than anybody has


def chosen_format(name: str | None) -> Format:
    """Return the format that a client asks for; when it names none, what its Accept header likes best.

    Raises
    ------
    UsageError
        The service does not write it.
    """
    return named_format(name) if name else acceptable(request.accept_mimetypes)


def named_format(name: str) -> Format:
    """Return the format of a name.

    Raises
    ------
    UsageError
        The service does not write it.
    """
    chosen = find(name)
    if chosen is None:
        raise UsageError(f"this service does not write {name!r}")
    return chosen


def answer(result: Result, chosen: Format) -> Response:
    """Stream a result; the connection is given back when the client has it all or leaves.

    Raises
    ------
    QueryFailed
        The query failed before anything was written: that can still be an error.
    """
    blocks = chosen.encode(result)
    packed = None if chosen.packed else packing(request.accept_encodings)
    try:
        first = next(blocks)
    except BaseException:
        result.close()
        raise

    def body() -> Iterator[bytes]:
        try:
            whole = chain([first], blocks)
            yield from PACKERS[packed](whole) if packed else whole
        finally:
            result.close()

    response = Response(body(), content_type=chosen.media_type)
    response.headers["Content-Disposition"] = f'inline; filename="result.{chosen.suffix}"'
    response.vary.update(("Accept", "Accept-Encoding"))
    if packed:
        response.content_encoding = packed
    response.call_on_close(result.close)
    return response


def error(message: str, status: int) -> Response:
    """Return a VOTable that says what went wrong."""
    return Response(error_document(message), status=status, content_type=VOTABLE)


def _too_long(problem: QueryTimedOut) -> Response:
    """Say so in words, in INFOs and in a header, and where the query can be asked without haste."""
    instead = f"{current_app.extensions['queries'].settings.base_url}/tap/async"
    details = {"REASON": "TIMEOUT", "ASYNC": instead}
    if isinstance(problem, QueryTooLong):
        details |= {"REASON": "COST", "ESTIMATED_COST": f"{problem.cost:.0f}", "COST_LIMIT": f"{problem.limit:.0f}"}
    words = f"{problem}; ask it asynchronously at {instead}"
    response = Response(error_document(words, details), status=408, content_type=VOTABLE)
    response.headers["Link"] = f'<{instead}>; rel="alternate"; title="asynchronous TAP"'
    return response


def errors_as_votable(view: Callable[..., Response]) -> Callable[..., Response]:
    """Let a view's failures become VOTable documents."""

    @wraps(view)
    def guarded(*arguments: Any, **keywords: Any) -> Response:
        try:
            return view(*arguments, **keywords)
        except (AdqlError, UsageError, UploadError) as problem:
            return error(str(problem), 400)
        except HTTPException as problem:
            return error(problem.description or problem.name, problem.code or 400)
        except ServiceBusy as problem:
            busy = error(str(problem), 503)
            busy.headers["Retry-After"] = RETRY_SECONDS
            return busy
        except QueryTimedOut as problem:
            return _too_long(problem)
        except QueryFailed as problem:
            log.warning("query failed", reason=str(problem))
            return error(str(problem), 400)

    return guarded
