"""Connections for queries: read-only, kept open between queries, because opening one takes longer than most answers.

A connection goes back only when its answer was read to the end; one that was left in the middle is closed.  Made in
each process of the service after the fork.
"""

import threading
from typing import Final

import adbc_driver_manager
from adbc_driver_postgresql import dbapi
from psycopg.conninfo import make_conninfo

from archive.archive import Archive

__all__ = ["Readers"]

KEPT: Final = 8
LONGEST_SECONDS: Final = 3600.0
"""No answer takes longer, however slowly its client reads; the limit on the query itself is kept by who runs it."""


class Readers:
    """A pool of ADBC connections in the role that reads what is published."""

    def __init__(
        self, archive: Archive, *, name: str = "musevault", seconds: float = LONGEST_SECONDS, single: bool = False
    ) -> None:
        settings = archive.settings
        options = archive.database.reader_options(
            timeout=seconds, base_url=settings.base_url, authority=settings.authority
        )
        self._conninfo: Final = make_conninfo(archive.database.url, options=options, application_name=name)
        self._single: Final = single
        self._spent = False
        self._idle: Final[list[dbapi.Connection]] = []
        self._lock: Final = threading.Lock()

    def take(self) -> dbapi.Connection:
        """Return a connection that answers, an idle one if there is one.

        Raises
        ------
        adbc_driver_manager.Error, OSError
            The database cannot be reached, or the one connection that may be opened is gone.
        """
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return self._opened()
            if _answers(connection):
                return connection
            connection.close()

    def _opened(self) -> dbapi.Connection:
        if self._spent:
            raise ConnectionResetError("the only connection is gone")
        self._spent = self._single
        return dbapi.connect(self._conninfo, autocommit=True)

    def give(self, connection: dbapi.Connection) -> None:
        """Take a connection back whose answer was read to the end."""
        with self._lock:
            if len(self._idle) < KEPT:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            idle, self._idle[:] = list(self._idle), []
        for connection in idle:
            connection.close()


def _answers(connection: dbapi.Connection) -> bool:
    """The server may have been restarted since."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchall()
    except (adbc_driver_manager.Error, OSError):
        return False
    return True
