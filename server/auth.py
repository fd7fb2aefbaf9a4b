"""Logging in by HTTP: a name and password (Basic) or a token (Bearer) with the request.

Who sends neither is anonymous; who sends what is wrong is told so, and never taken for anonymous.  After ``check`` the
account's name is in ``g.account``: see ``caller``.
"""

import math
from base64 import b64decode
from collections.abc import Callable
from typing import Final

import structlog
from flask import Response, g, request

from archive.database import Database
from archive.logins import Logins, TooMany
from server.attempts import Attempts

__all__ = ["BASIC", "TOKEN", "gate", "refusal"]

log = structlog.get_logger()

BASIC: Final = "ivo://ivoa.net/sso#BasicAA"
TOKEN: Final = "ivo://ivoa.net/sso#token"  # noqa: S105  the name of a method
"""What capabilities call the two ways to log in."""

LONGEST: Final = 4096
CHALLENGE: Final = ('Basic realm="musevault", charset="UTF-8"', 'Bearer realm="musevault"')


def gate(database: Database) -> Callable[[], Response | None]:
    """Return what is to be done before each request of a service that accounts may use."""
    logins = Logins(database)
    attempts = Attempts()

    def check() -> Response | None:
        given = request.headers.get("Authorization")
        if given is None:
            return None
        scheme, _, credentials = given.partition(" ")
        credentials = credentials.strip()
        if len(given) > LONGEST:
            return refusal("what is sent to log in is too long")
        match scheme.lower():
            case "basic":
                return _by_password(logins, attempts, credentials)
            case "bearer":
                return _by_token(logins, credentials)
            case _:
                return refusal(f"logging in by {scheme[:20]!r} is not known here: Basic and Bearer are")

    return check


def refusal(words: str) -> Response:
    """Return the answer to somebody who must log in, or could not."""
    response = Response(f"{words}\n", status=401, content_type="text/plain;charset=UTF-8")
    for challenge in CHALLENGE:
        response.headers.add("WWW-Authenticate", challenge)
    return response


def _by_password(logins: Logins, attempts: Attempts, credentials: str) -> Response | None:
    try:
        name, colon, password = b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:  # no base64, or no UTF-8 in it
        colon = ""
    if not colon:
        return refusal("what is sent to log in cannot be read")
    key = (request.remote_addr or "", name[:100])
    if (slowed := _slowed(attempts, key)) is not None:
        return slowed
    try:
        account = logins.by_password(name, password)
    except TooMany:
        return _later("too many clients log in at once; try again in a while", 5, 503)
    if (slowed := _slowed(attempts, key)) is not None:  # others of the same name failed meanwhile: nothing is told
        return slowed
    if account is None:
        attempts.failed(key)
        log.warning("log-in failed", address=request.remote_addr)  # a name may be a password in the wrong field
        return refusal("name or password is wrong")
    attempts.succeeded(key)
    g.account = account
    return None


def _slowed(attempts: Attempts, key: tuple[str, str]) -> Response | None:
    wait = attempts.wait(key)
    return _later("too many attempts to log in: wait before the next", math.ceil(wait), 429) if wait > 0 else None


def _by_token(logins: Logins, credentials: str) -> Response | None:
    account = logins.by_token(credentials)
    if account is None:
        log.warning("token refused", address=request.remote_addr)
        return refusal("the token is unknown, has expired or was revoked")
    g.account = account
    return None


def _later(words: str, seconds: int, status: int) -> Response:
    response = Response(f"{words}\n", status=status, content_type="text/plain;charset=UTF-8")
    response.headers["Retry-After"] = str(seconds)
    return response
