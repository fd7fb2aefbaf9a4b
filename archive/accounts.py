"""Accounts: made, changed, closed, and the tokens that their programs show.  Who logs in is checked in ``logins``.

Passwords are kept as scrypt digests with a salt each, tokens as SHA-256: they are random, so nothing can be guessed.
"""

import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import delete, exc, select, update

from archive.database import Database
from archive.errors import ArchiveError
from schema.accounts import Account, Token
from schema.adql_words import RESERVED
from schema.published import SCHEMAS

__all__ = [
    "activate",
    "change_password",
    "create",
    "digest_of_token",
    "is_password",
    "listed",
    "make_token",
    "require",
    "revoke",
    "tokens",
]

log = structlog.get_logger()

SHORTEST_PASSWORD: Final = 8
LONGEST_PASSWORD: Final = 1000
TOKEN_ID: Final = 12
"""Letters of a token's digest by which people name it."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,30}", re.ASCII)
_TAKEN: Final = frozenset({*SCHEMAS, "tap_upload", "maps", "information_schema"})
COST, BLOCK, LANES = 1 << 14, 8, 1
"""scrypt's parameters: some 50 ms and 16 MB for each digest."""


def create(database: Database, name: str, password: str) -> None:
    """Make an account.

    Raises
    ------
    ArchiveError
        The name cannot be used or is in use, or the password is too short.
    """
    if _NAME.fullmatch(name) is None:
        raise ArchiveError(f"{name[:40]!r} is no name for an account: a small letter, then small letters, digits and _")
    if name in _TAKEN or name.upper() in RESERVED or name.startswith("pg_"):
        raise ArchiveError(f"{name!r} cannot be an account: the name means something else in queries")
    account = Account(name=name, password=_digest(password), created=_now(), active=True)
    try:
        with database.transaction() as session:
            session.add(account)
    except exc.IntegrityError as error:
        raise ArchiveError(f"there is an account {name!r} already") from error
    log.info("account made", account=name)


def change_password(database: Database, name: str, password: str) -> None:
    """Give an account another password; its tokens stay.

    Raises
    ------
    ArchiveError
        There is no such account, or the password is too short.
    """
    _change(database, name, password=_digest(password))
    log.info("password changed", account=name)


def activate(database: Database, name: str, *, active: bool) -> None:
    """Let an account log in, or no more; what it has stays.

    Raises
    ------
    ArchiveError
        There is no such account.
    """
    _change(database, name, active=active)
    log.info("account changed", account=name, active=active)


def require(database: Database, name: str) -> Account:
    """Return an account.

    Raises
    ------
    ArchiveError
        There is none of that name.
    """
    with database.reading() as session:
        account = session.get(Account, name)
    if account is None:
        raise _unknown(name)
    return account


def listed(database: Database) -> list[Account]:
    """Return all accounts by name."""
    with database.reading() as session:
        return list(session.scalars(select(Account).order_by(Account.name)))


def tokens(database: Database, account: str | None = None) -> list[Token]:
    """Return the tokens of an account, or of all, the oldest first."""
    query = select(Token).order_by(Token.created)
    with database.reading() as session:
        return list(session.scalars(query if account is None else query.where(Token.account == account)))


def make_token(database: Database, account: str, *, label: str, days: int | None) -> str:
    """Make a token and return it; it cannot be shown a second time.

    Raises
    ------
    ArchiveError
        There is no such account.
    """
    require(database, account)
    written = f"mv_{secrets.token_urlsafe(32)}"
    expires = None if days is None else _now() + timedelta(days=days)
    made = Token(digest=digest_of_token(written), account=account, label=label, created=_now(), expires=expires)
    with database.transaction() as session:
        session.add(made)
    log.info("token made", account=account, token=made.digest[:TOKEN_ID])
    return written


def revoke(database: Database, beginning: str) -> None:
    """Let the token whose digest begins so be worth nothing from now on.

    Raises
    ------
    ArchiveError
        There is none, or more than one.
    """
    if re.fullmatch(r"[0-9a-f]{6,64}", beginning) is None:
        raise ArchiveError("a token is named by the beginning of its digest, as the list shows it")
    with database.transaction() as session:
        found = session.scalars(select(Token).where(Token.digest.startswith(beginning))).all()
        if len(found) != 1:
            raise ArchiveError(f"{len(found) or 'no'} tokens begin with {beginning}")
        session.execute(delete(Token).where(Token.digest == found[0].digest))
    log.info("token revoked", account=found[0].account, token=found[0].digest[:TOKEN_ID])


def is_password(password: str, kept: str) -> bool:
    """Tell, in the same time for all, whether a password is the one that a digest was made of."""
    _, cost, block, lanes, salt, key = kept.split(":")
    made = _scrypt(password, bytes.fromhex(salt), int(cost), int(block), int(lanes))
    return hmac.compare_digest(made, bytes.fromhex(key))


def digest_of_token(written: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(written.encode()).hexdigest()


def _digest(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ArchiveError(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    salt = secrets.token_bytes(16)
    key = _scrypt(password, salt, COST, BLOCK, LANES)
    return f"scrypt:{COST}:{BLOCK}:{LANES}:{salt.hex()}:{key.hex()}"


def _scrypt(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    given = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(given, salt=salt, n=cost, r=block, p=lanes, maxmem=256 * cost * block, dklen=32)


def _change(database: Database, name: str, **values: object) -> None:
    with database.transaction() as session:
        changed = session.scalar(update(Account).where(Account.name == name).values(**values).returning(Account.name))
    if not changed:
        raise _unknown(name)


def _unknown(name: str) -> ArchiveError:
    return ArchiveError(f"there is no account {name[:40]!r}")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
