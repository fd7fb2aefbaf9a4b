"""What tables of accounts may be called: ``account.table`` or, as nobody writes to those of others, ``table``.

Names are regular names of ADQL, which need no quotes in queries, and are kept in small letters.
"""

import re
from typing import Final

from schema.adql_words import RESERVED

__all__ = ["BadName", "NotYours", "own_name"]

LONGEST: Final = 63
_REGULAR: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)


class BadName(ValueError):
    """It cannot be the name of a table."""


class NotYours(PermissionError):
    """The name is in a schema that is not the account's: whether there is such a table is not told."""


def own_name(written: str, account: str) -> str:
    """Return a table's name without the account's.

    Raises
    ------
    BadName
        It is none.
    NotYours
        It is not within the account's own.
    """
    schema, dot, name = written.rpartition(".")
    if dot and schema.lower() != account:
        raise NotYours(f"your tables are called {account}.<name>; others cannot be changed")
    if _REGULAR.fullmatch(name) is None or len(name) > LONGEST:
        raise BadName(
            f"{name[:40]!r} is no name for a table: a letter, then letters, digits and _, at most {LONGEST} in all"
        )
    if name.upper() in RESERVED:
        raise BadName(f"{name!r} is a word that ADQL keeps for itself")
    return name.lower()
