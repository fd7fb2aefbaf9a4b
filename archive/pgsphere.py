"""pgSphere: the extension that searches the sky, installed into the database.

Debian 12 ships pgSphere 1.2.0, whose script declares two operators (``@`` on coverage maps, long obsolete) in a way
that PostgreSQL refuses since 15.20 ("commutator operator @> is already the commutator of operator <@").  There the
shipped script is run without those two; nothing of this archive uses them, and pgSphere itself dropped them in 1.4.
"""

import re
from typing import Final

import psycopg
import structlog
from sqlalchemy import Connection, exc, text

from archive.errors import ArchiveError

__all__ = ["install"]

log = structlog.get_logger()

REFUSED: Final = re.compile(r"CREATE OPERATOR @ \([^)]*RIGHTARG\s*=\s*smoc[^)]*\);")
SHIPPED: Final = text(
    "SELECT pg_read_file(format('%s/extension/pg_sphere--%s.sql', c.setting, e.default_version))"
    " FROM pg_config AS c, pg_available_extensions AS e WHERE c.name = 'SHAREDIR' AND e.name = 'pg_sphere'"
)


def install(connection: Connection) -> None:
    """Install pgSphere into schema ``public`` if it is not there.

    Raises
    ------
    ArchiveError
        The server does not have it, or the role may not install it.
    """
    if connection.execute(text("SELECT to_regtype('public.spoly')")).scalar() is not None:
        return
    try:
        with connection.begin_nested():
            connection.execute(text("CREATE EXTENSION pg_sphere WITH SCHEMA public"))
    except exc.DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.InvalidFunctionDefinition):
            _run_shipped_script(connection)
            return
        raise ArchiveError(
            f"pgSphere cannot be installed: {str(error.orig).splitlines()[0]}"
            " (apt-get install postgresql-15-pgsphere, then CREATE EXTENSION pg_sphere as a superuser)"
        ) from error


def _run_shipped_script(connection: Connection) -> None:
    script: str = connection.execute(SHIPPED).scalar_one()
    script = REFUSED.sub("", script.replace("MODULE_PATHNAME", "$libdir/pg_sphere"))
    statements = "\n".join(line for line in script.splitlines() if not line.startswith("\\echo"))
    connection.exec_driver_sql(statements.replace("%", "%%"))
    log.info("pgSphere installed without its two obsolete operators")
