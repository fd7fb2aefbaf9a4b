"""Who logs in: by name and password, or by a token.

A service asks with every request, so a password that was right is remembered for a minute, as a digest with a key that
this process alone has.  The account's row is read each time all the same: a password that was changed, a token that was
revoked and an account that was closed count at once.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import select, update

from archive.accounts import digest_of_token, is_password
from archive.database import Database
from schema.accounts import Account, Token

__all__ = ["Logins", "TooMany"]

REMEMBERED_SECONDS: Final = 60.0
MOST_REMEMBERED: Final = 1000
AT_ONCE: Final = 2
"""Digests of passwords that are reckoned at a time: each takes a core."""

TURN_SECONDS: Final = 5.0
NOBODY: Final = f"scrypt:16384:8:1:{'00' * 16}:{'00' * 32}"
"""What a password is compared with where there is no account, so that the time tells nothing."""


class TooMany(Exception):
    """More passwords wait to be checked than can be in a reasonable time."""


class Logins:
    """The log-ins of one process."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database
        self._key: Final = secrets.token_bytes(32)
        self._right: Final[OrderedDict[bytes, float]] = OrderedDict()
        self._lock: Final = threading.Lock()
        self._turns: Final = threading.BoundedSemaphore(AT_ONCE)

    def by_password(self, name: str, password: str) -> str | None:
        """Return the account's name, or None when it is not its password, or it may not log in.

        Raises
        ------
        TooMany
            The password could not be checked.
        """
        with self._database.reading() as session:
            account = session.get(Account, name) if "\0" not in name else None
        kept = account.password if account is not None and account.active else NOBODY
        is_right = self._is_right(name, password, kept)
        return name if is_right and account is not None and account.active else None

    def by_token(self, written: str) -> str | None:
        """Return the name of the account that a token is for, or None when it is worth nothing."""
        now = datetime.now(UTC).replace(tzinfo=None)
        query = select(Token).join(Account, Account.name == Token.account)
        query = query.where(Token.digest == digest_of_token(written), Account.active)
        with self._database.reading() as session:
            token = session.scalar(query)
        if token is None or (token.expires is not None and token.expires <= now):
            return None
        if token.last_used is None or token.last_used < now - timedelta(minutes=1):
            with self._database.transaction() as session:
                session.execute(update(Token).where(Token.digest == token.digest).values(last_used=now))
        return token.account

    def _is_right(self, name: str, password: str, kept: str) -> bool:
        told = f"{name}\0{kept}\0{password}".encode("utf-8", "surrogatepass")
        known = hmac.new(self._key, told, hashlib.sha256).digest()
        with self._lock:
            if self._right.get(known, 0.0) > time.monotonic():
                return True
        if not self._turns.acquire(timeout=TURN_SECONDS):
            raise TooMany
        try:
            is_right = is_password(password, kept)
        finally:
            self._turns.release()
        if is_right:
            self._remember(known)
        return is_right

    def _remember(self, known: bytes) -> None:
        with self._lock:
            self._right[known] = time.monotonic() + REMEMBERED_SECONDS
            self._right.move_to_end(known)
            while len(self._right) > MOST_REMEMBERED:
                self._right.popitem(last=False)
