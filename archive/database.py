"""The database: how it is reached, brought up to date, and shown read-only to queries.

One URL leads to it, the embedded cluster's or the operator's.  ``prepare`` is safe to repeat and to interrupt: one
transaction brings extension, tables, view, queue, TAP_SCHEMA and the read-only role to what the code declares.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import procrastinate.schema
import psycopg
import structlog
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, Engine, create_engine, delete, exc, insert, select, text
from sqlalchemy.orm import Session

import schema
from archive import pgsphere
from archive.errors import ArchiveError
from schema import tap_schema
from schema.accounts import ROWS_SCHEMA
from schema.declarations import VIEWS
from schema.published import SCHEMAS, PublishedTable, catalogue

__all__ = ["READER", "UPLOADER", "Database", "prepare"]

log = structlog.get_logger()

READER: Final = "musevault_reader"
"""Role that ADQL runs as: it can read the published tables and nothing else."""

UPLOADER: Final = "musevault_uploader"
"""Role that uploaded tables are written as: it can make temporary tables and nothing else."""

PREPARE_LOCK: Final = 0x6D757365
SEARCH_PATH: Final = "public,queue"

KEEPALIVE: Final = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
"""Seconds, and how many: over TCP, a host that vanished is missed by the other soon, and its locks are let go."""

KEEPALIVE_OPTIONS: Final = " ".join(f"-c tcp_{name}={value}" for name, value in KEEPALIVE.items())
"""The same for the server's side."""


@dataclass(frozen=True)
class Database:
    """A PostgreSQL database reached by ``url`` (libpq form)."""

    url: str

    @cached_property
    def engine(self) -> Engine:
        """The pool of connections of the archive's own, writing, role."""

        def connect() -> psycopg.Connection[Any]:
            options = f"-c search_path={SEARCH_PATH} -c timezone=UTC {KEEPALIVE_OPTIONS}"
            return psycopg.connect(make_conninfo(self.url, options=options, **KEEPALIVE))

        return create_engine("postgresql+psycopg://", creator=connect, pool_pre_ping=True)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open one transaction: committed when the block ends, undone when it raises."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session that will not write."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    def reader_options(self, *, timeout: float, base_url: str, authority: str) -> str:
        """Return the libpq options of a connection for queries: read-only role, time limit, the service's names."""
        settings = {
            "role": READER,
            "default_transaction_read_only": "on",
            "search_path": "public",
            "timezone": "UTC",
            "statement_timeout": str(int(timeout * 1000)),
            "idle_in_transaction_session_timeout": "60000",
            "client_connection_check_interval": "2000",
            "musevault.base_url": base_url,
            "musevault.authority": authority,
        }
        return " ".join(f"-c {name}={_escaped(value)}" for name, value in settings.items())


def prepare(database: Database) -> None:
    """Bring a database to what the code declares: safe to repeat, all or nothing.

    Raises
    ------
    ArchiveError
        The server cannot be reached, is too old, lacks pgSphere, or the role may not create what is needed.
    """
    try:
        with database.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": PREPARE_LOCK})
            _check_server(connection)
            pgsphere.install(connection)
            connection.execute(text("CREATE SCHEMA IF NOT EXISTS archive"))
            command.upgrade(alembic_config(connection), "head")
            _make_queue(connection)
            _describe(connection)
            _make_reader(connection)
            _make_uploader(connection)
    except CommandError as error:
        raise ArchiveError(f"the database is not of this version of musevault: {error}") from error
    except exc.DBAPIError as error:
        raise ArchiveError(f"the database cannot be prepared: {str(error.orig).strip().splitlines()[0]}") from error


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's configuration for the migrations in ``schema``."""
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _check_server(connection: Connection) -> None:
    version = connection.execute(text("SHOW server_version_num")).scalar_one()
    if int(version) < 150000:
        raise ArchiveError(f"PostgreSQL 15 or later is needed, this server is {int(version) // 10000}")


def _make_queue(connection: Connection) -> None:
    """Create procrastinate's own tables in a schema of their own, once."""
    if connection.execute(text("SELECT to_regclass('queue.procrastinate_jobs')")).scalar_one() is not None:
        return
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS queue"))
    connection.execute(text("SET LOCAL search_path = queue, public"))
    connection.exec_driver_sql(procrastinate.schema.SchemaManager.get_schema().replace("%", "%%"))
    connection.execute(text(f"SET LOCAL search_path = {SEARCH_PATH}"))


def _make_role(connection: Connection, role: str) -> None:
    """Create a role and let ourselves take it; roles are shared by a server's databases."""
    known = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": role}).scalar()
    if known is None:
        connection.execute(text(f"CREATE ROLE {role} NOLOGIN"))
    if not connection.execute(text(f"SELECT pg_has_role('{role}', 'MEMBER')")).scalar():
        connection.execute(text(f"GRANT {role} TO CURRENT_USER"))


def _make_uploader(connection: Connection) -> None:
    """Create the role that writes uploaded tables."""
    _make_role(connection, UPLOADER)
    connection.execute(text(f"GRANT USAGE ON SCHEMA sphere TO {UPLOADER}"))
    database = connection.execute(text("SELECT quote_ident(current_database())")).scalar_one()
    may = text(f"SELECT has_database_privilege('{UPLOADER}', current_database(), 'TEMPORARY')")
    if not connection.execute(may).scalar():
        connection.execute(text(f"GRANT TEMPORARY ON DATABASE {database} TO {UPLOADER}"))


def _make_reader(connection: Connection) -> None:
    """Create the role of the queries and let it read what is published."""
    _make_role(connection, READER)
    for name in (*SCHEMAS, "sphere", ROWS_SCHEMA):
        connection.execute(text(f'GRANT USAGE ON SCHEMA "{name}" TO {READER}'))
    for published in catalogue():
        connection.execute(text(f'GRANT SELECT ON "{published.schema}"."{published.name}" TO {READER}'))


def _describe(connection: Connection) -> None:
    """Make the view and fill TAP_SCHEMA anew when the declarations changed."""
    digest = _digest(catalogue())
    if connection.execute(select(tap_schema.Digest.digest)).scalar() == digest:
        return
    for view in reversed(VIEWS):
        connection.execute(text(f"DROP VIEW IF EXISTS {view.qualified}"))
    for view in VIEWS:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {view.schema}"))
        connection.exec_driver_sql(view.create())
    filled = tap_schema.rows(catalogue())
    for table in reversed(filled):
        connection.execute(delete(table))
    for table, rows in filled.items():
        if rows:
            connection.execute(insert(table), rows)
    connection.execute(delete(tap_schema.Digest))
    connection.execute(insert(tap_schema.Digest), [{"digest": digest}])
    log.info("TAP_SCHEMA filled", tables=len(catalogue()))


def _digest(tables: tuple[PublishedTable, ...]) -> str:
    declared = json.dumps([asdict(t) for t in tables], sort_keys=True) + "".join(v.create() for v in VIEWS)
    return hashlib.sha256(declared.encode()).hexdigest()


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
