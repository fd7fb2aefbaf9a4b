"""Who asks: an account, or an anonymous client that is known again by a cookie, so that it can list its own jobs."""

import hashlib
import secrets
from typing import Final

from flask import Response, g, request

from archive.uws import Caller

__all__ = ["caller", "give_cookie", "remembered"]

COOKIE: Final = "musevault_client"
MAX_AGE_SECONDS: Final = 90 * 86400


def caller() -> Caller:
    """Return who asks; ``g.account`` is the account's name, where somebody has logged in."""
    token = g.get("new_token") or request.cookies.get(COOKIE)
    digest = hashlib.sha256(token.encode()).hexdigest() if token else None
    return Caller(account=g.get("account"), session=digest, address=request.remote_addr or "")


def remembered() -> Caller:
    """Return who asks, and let an anonymous client without a cookie have one with the answer."""
    if COOKIE not in request.cookies and g.get("account") is None:
        g.new_token = secrets.token_urlsafe(24)
    return caller()


def give_cookie(response: Response) -> Response:
    """Put the new cookie, if there is one, into an answer."""
    if token := g.get("new_token"):
        response.set_cookie(
            COOKIE, token, max_age=MAX_AGE_SECONDS, path="/tap", httponly=True, samesite="Lax", secure=request.is_secure
        )
    return response
