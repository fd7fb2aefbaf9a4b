"""Accounts, their tokens, and the tables that they keep."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import schema

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA IF NOT EXISTS accounts")
    op.execute("CREATE SCHEMA IF NOT EXISTS user_tables")
    op.create_table(
        "account",
        sa.Column("name", sa.Text(), nullable=False, comment="Name; queries write it before the names of its tables."),
        sa.Column(
            "password",
            sa.Text(),
            nullable=False,
            comment="Digest of the password: scrypt, its parameters, salt and key.",
        ),
        sa.Column("created", postgresql.TIMESTAMP(), nullable=False, comment="When it was made, UTC."),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False, comment="Whether it may log in."),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_account")),
        schema="accounts",
        comment="Who may log in.",
    )
    op.create_table(
        "token",
        sa.Column("digest", sa.Text(), nullable=False, comment="SHA-256 of the token, hexadecimal."),
        sa.Column("account", sa.Text(), nullable=False, comment="Account."),
        sa.Column("label", sa.Text(), nullable=False, comment="What its owner calls it."),
        sa.Column("created", postgresql.TIMESTAMP(), nullable=False, comment="When it was made, UTC."),
        sa.Column(
            "expires", postgresql.TIMESTAMP(), nullable=True, comment="When it ends, UTC; empty when it does not."
        ),
        sa.Column(
            "last_used", postgresql.TIMESTAMP(), nullable=True, comment="When it was last used, UTC, to the minute."
        ),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.account.name"], name=op.f("fk_token_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_token")),
        schema="accounts",
        comment="What programs show in place of passwords.",
    )
    op.create_index(op.f("ix_token_account"), "token", ["account"], unique=False, schema="accounts")
    op.create_table(
        "user_table",
        sa.Column(
            "table_id",
            sa.Integer(),
            nullable=False,
            comment="Number: its rows are in user_tables.t<number>.",
        ),
        sa.Column("owner", sa.Text(), nullable=False, comment="Account that it belongs to."),
        sa.Column("name", sa.Text(), nullable=False, comment="Name, in small letters, without the account's."),
        sa.Column("description", sa.Text(), nullable=True, comment="What is in it."),
        sa.Column(
            "columns",
            postgresql.JSONB(),
            nullable=False,
            comment="Columns: what VOTable says of each, its name in the database and its name as ADQL writes it.",
        ),
        sa.Column("rows", sa.BigInteger(), server_default="0", nullable=False, comment="How many rows it has."),
        sa.Column("created", postgresql.TIMESTAMP(), nullable=False, comment="When it was made, UTC."),
        sa.Column("changed", postgresql.TIMESTAMP(), nullable=False, comment="When rows were last added, UTC."),
        sa.ForeignKeyConstraint(["owner"], ["accounts.account.name"], name=op.f("fk_user_table_owner")),
        sa.PrimaryKeyConstraint("table_id", name=op.f("pk_user_table")),
        sa.UniqueConstraint("owner", "name", name=op.f("uq_user_table_owner_name")),
        schema="accounts",
        comment="Tables that accounts keep.",
    )
    op.execute((Path(schema.__file__).parent / "user_tables.sql").read_text().replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: an archive does not forget")
