"""What all services share (IVOA DALI 1.1): parameters without regard to case, errors as VOTable, streamed answers."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import structlog
from flask import Response, request
from werkzeug.datastructures import MultiDict

from server.adql import AdqlError
from server.encoders import Format, find
from server.encoders.votable import error_document
from server.query import QueryFailed, QueryTimedOut, Result

__all__ = ["UsageError", "answer", "chosen_format", "error", "errors_as_votable", "maxrec", "parameters"]

log = structlog.get_logger()

VOTABLE = "application/x-votable+xml"


class UsageError(ValueError):
    """A parameter is missing or cannot be understood."""


def parameters() -> MultiDict[str, str]:
    """Return the request's parameters, names in capitals."""
    found: MultiDict[str, str] = MultiDict()
    for name in request.values:
        for value in request.values.getlist(name):
            found.add(name.upper(), value)
    return found


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
    if not value.isdigit():
        raise UsageError(f"MAXREC must be a number of rows, not {value!r}")
    return int(value)


def chosen_format(name: str | None) -> Format:
    """Return the format that a client asks for, VOTable when it does not care.

    Raises
    ------
    UsageError
        The service does not write it.
    """
    chosen = find(name or None)
    if chosen is None:
        raise UsageError(f"this service does not write {name!r}")
    return chosen


def answer(result: Result, chosen: Format) -> Response:
    """Stream a result; the connection is given back when the client has it all or leaves."""

    def body() -> Iterator[bytes]:
        try:
            yield from chosen.encode(result)
        finally:
            result.close()

    response = Response(body(), content_type=chosen.media_type)
    response.call_on_close(result.close)
    return response


def error(message: str, status: int) -> Response:
    """Return a VOTable that says what went wrong."""
    return Response(error_document(message), status=status, content_type=VOTABLE)


def errors_as_votable(view: Callable[..., Response]) -> Callable[..., Response]:
    """Let a view's failures become VOTable documents."""

    @wraps(view)
    def guarded(*arguments: Any, **keywords: Any) -> Response:
        try:
            return view(*arguments, **keywords)
        except (AdqlError, UsageError) as problem:
            return error(str(problem), 400)
        except QueryTimedOut as problem:
            return error(str(problem), 408)
        except QueryFailed as problem:
            log.warning("query failed", reason=str(problem))
            return error(str(problem), 400)

    return guarded
