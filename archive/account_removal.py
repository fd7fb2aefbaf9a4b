"""The end of an account: its tokens, tables and jobs go with it, so that nobody of the same name finds them later."""

from dataclasses import dataclass

import psycopg
import structlog
from sqlalchemy import delete, exc, select

from archive import accounts, user_tables, uws
from archive.archive import Archive
from archive.user_tables import TableInUse
from schema.accounts import Account
from schema.uws import UwsJob

__all__ = ["Gone", "remove"]

log = structlog.get_logger()


@dataclass(frozen=True)
class Gone:
    """What went with an account."""

    tables: int
    jobs: int


def remove(archive: Archive, name: str) -> Gone:
    """Remove an account; safe to repeat where it was interrupted.

    Raises
    ------
    ArchiveError
        There is no such account, or one of its tables is being read.
    """
    accounts.activate(archive.database, name, active=False)  # from here on it makes nothing new
    with archive.database.reading() as session:
        jobs = session.scalars(select(UwsJob.job_id).where(UwsJob.owner == name)).all()
    for job_id in jobs:
        uws.destroy(archive, job_id)
    try:
        with archive.database.transaction() as session:
            tables = user_tables.drop_all(session, name)
            session.execute(delete(Account).where(Account.name == name))
    except exc.OperationalError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise TableInUse(f"a table of {name} is in use; try again when no query reads it") from error
        raise
    except exc.IntegrityError as error:  # a table came in between
        raise TableInUse(f"{name} makes a table right now; try again") from error
    log.info("account removed", account=name, tables=tables, jobs=len(jobs))
    return Gone(tables, len(jobs))
