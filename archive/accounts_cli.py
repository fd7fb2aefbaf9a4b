"""``musevault account``: who may log in, and the tokens of programs.  Passwords are never arguments."""

import json
import sys
from datetime import datetime
from typing import Any

import click

from archive import accounts
from archive.archive import open_archive
from archive.errors import ArchiveError
from archive.log import configure
from archive.settings import load
from schema.accounts import Account, Token

__all__ = ["account"]


@click.group()
def account() -> None:
    """Make and change accounts, and the tokens of their programs."""
    configure()


@account.command()
@click.argument("name")
def add(*, name: str) -> None:
    """Make an account; the password is asked for, or is the first line of the standard input."""
    password = _password()
    with open_archive(load()) as archive:
        accounts.create(archive.database, name, password)
    click.echo(f"made {name}")


@account.command()
@click.argument("name")
def password(*, name: str) -> None:
    """Give an account another password, asked for or read from the standard input."""
    given = _password()
    with open_archive(load()) as archive:
        accounts.change_password(archive.database, name, given)
    click.echo(f"changed the password of {name}")


@account.command()
@click.argument("name")
def close(*, name: str) -> None:
    """Let an account log in no more; what it has stays."""
    _activate(name, active=False)
    click.echo(f"closed {name}")


@account.command("open")
@click.argument("name")
def reopen(*, name: str) -> None:
    """Let an account log in again that was closed."""
    _activate(name, active=True)
    click.echo(f"opened {name}")


@account.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an account.")
def show(*, as_json: bool) -> None:
    """List accounts, with their tokens and tables."""
    from archive import user_tables

    with open_archive(load()) as archive:
        for one in accounts.listed(archive.database):
            own = user_tables.listed(archive.database, one.name)
            tokens = accounts.tokens(archive.database, one.name)
            rows = sum(table.rows for table in own)
            if as_json:
                click.echo(json.dumps(_as_json(one, tokens, tables=len(own), rows=rows)))
                continue
            state = "" if one.active else "  closed"
            click.echo(f"{one.name}  since {_moment(one.created)}  {len(own)} tables, {rows} rows{state}")
            for token in tokens:
                click.echo(f"  {_token_line(token)}")


@account.command()
@click.argument("name")
@click.option("--label", default="", help="What the token is for.")
@click.option("--days", type=click.IntRange(1, 36500), help="Days after which it ends; none: it does not.")
def token(*, name: str, label: str, days: int | None) -> None:
    """Make a token for a program and print it, this once."""
    with open_archive(load()) as archive:
        click.echo(accounts.make_token(archive.database, name, label=label, days=days))


@account.command()
@click.argument("digest")
def revoke(*, digest: str) -> None:
    """Revoke a token, named by the beginning of its digest as `account list` shows it."""
    with open_archive(load()) as archive:
        accounts.revoke(archive.database, digest)
    click.echo(f"revoked {digest}")


@account.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(*, name: str, yes: bool) -> None:
    """Remove an account with its tokens, tables and jobs."""
    from archive import account_removal

    with open_archive(load()) as archive:
        accounts.require(archive.database, name)
        if not yes:
            click.confirm(f"remove {name} with all tables and jobs?", abort=True)
        gone = account_removal.remove(archive, name)
    click.echo(f"removed {name}, {gone.tables} tables and {gone.jobs} jobs")


def _activate(name: str, *, active: bool) -> None:
    with open_archive(load()) as archive:
        accounts.activate(archive.database, name, active=active)


def _password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise ArchiveError("no password: it is the first line of the standard input")
    return given


def _as_json(one: Account, tokens: list[Token], *, tables: int, rows: int) -> dict[str, Any]:
    shown = [
        {
            "token": token.digest[: accounts.TOKEN_ID],
            "label": token.label,
            "created": _moment(token.created),
            "expires": _moment(token.expires),
            "last_used": _moment(token.last_used),
        }
        for token in tokens
    ]
    known = {"name": one.name, "active": one.active, "created": _moment(one.created)}
    return {**known, "tables": tables, "rows": rows, "tokens": shown}


def _token_line(token: Token) -> str:
    used = "never used" if token.last_used is None else f"last used {_moment(token.last_used)}"
    until = "" if token.expires is None else f"  until {_moment(token.expires)}"
    return f"token {token.digest[: accounts.TOKEN_ID]}  {used}{until}  {token.label}".rstrip()


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S}"
