"""Who may log in, with what, and the tables that accounts keep.

The rows of those tables are in schema ``user_tables``, in tables and columns with names of ours; what they are called
outside stands here only.  The functions of ``user_tables.sql`` show an account TAP_SCHEMA with its own tables in it.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from schema.base import Base, big_integer, hidden, table

__all__ = ["ROWS_SCHEMA", "Account", "Token", "UserTable"]

ROWS_SCHEMA: Final = "user_tables"
"""Where in the database the rows of the tables of accounts are."""


class Account(Base):
    """Somebody who may log in."""

    __tablename__ = "account"
    __table_args__ = (table("accounts", "Who may log in.", published=False),)

    name: Mapped[str] = hidden(primary_key=True, doc="Name; queries write it before the names of its tables.")
    password: Mapped[str] = hidden(doc="Digest of the password: scrypt, its parameters, salt and key.")
    created: Mapped[datetime] = hidden(doc="When it was made, UTC.")
    active: Mapped[bool] = hidden(doc="Whether it may log in.", server_default="true")


class Token(Base):
    """What a program shows in place of a password."""

    __tablename__ = "token"
    __table_args__ = (table("accounts", "What programs show in place of passwords.", published=False),)

    digest: Mapped[str] = hidden(primary_key=True, doc="SHA-256 of the token, hexadecimal.")
    account: Mapped[str] = hidden(None, ForeignKey(Account.name, ondelete="CASCADE"), doc="Account.", index=True)
    label: Mapped[str] = hidden(doc="What its owner calls it.")
    created: Mapped[datetime] = hidden(doc="When it was made, UTC.")
    expires: Mapped[datetime | None] = hidden(doc="When it ends, UTC; empty when it does not.")
    last_used: Mapped[datetime | None] = hidden(doc="When it was last used, UTC, to the minute.")


class UserTable(Base):
    """A table that an account keeps."""

    __tablename__ = "user_table"
    __table_args__ = (
        UniqueConstraint("owner", "name"),
        table("accounts", "Tables that accounts keep.", published=False),
    )

    table_id: Mapped[int] = hidden(primary_key=True, doc="Number: its rows are in user_tables.t<number>.")
    owner: Mapped[str] = hidden(None, ForeignKey(Account.name), doc="Account that it belongs to.")
    name: Mapped[str] = hidden(doc="Name, in small letters, without the account's.")
    description: Mapped[str | None] = hidden(doc="What is in it.")
    columns: Mapped[list[dict[str, Any]]] = hidden(
        JSONB(), doc="Columns: what VOTable says of each, its name in the database and its name as ADQL writes it."
    )
    rows: Mapped[int] = hidden(big_integer(), doc="How many rows it has.", server_default="0")
    created: Mapped[datetime] = hidden(doc="When it was made, UTC.")
    changed: Mapped[datetime] = hidden(doc="When rows were last added, UTC.")
