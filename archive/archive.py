"""One open archive: settings, database and store together, for as long as a command needs them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from sqlalchemy import exc

from archive.cluster import Cluster
from archive.database import Database, prepare
from archive.errors import ArchiveError
from archive.settings import Settings
from archive.store import Store

__all__ = ["Archive", "open_archive"]


@dataclass(frozen=True)
class Archive:
    """What a command or a server works with."""

    settings: Settings
    database: Database
    store: Store


@contextmanager
def open_archive(settings: Settings) -> Iterator[Archive]:
    """Open the archive: the embedded server up if there is one, the database prepared, the store swept.

    Raises
    ------
    ArchiveError
        Something of it cannot be had; the text says what and why.
    """
    with _server(settings) as url:
        database = Database(url)
        try:
            prepare(database)
            store = Store(settings.root / "store")
            store.sweep()
            yield Archive(settings, database, store)
        except exc.OperationalError as error:
            raise ArchiveError(f"the database was lost: {str(error.orig).strip().splitlines()[0]}") from error
        finally:
            database.engine.dispose()


def _server(settings: Settings) -> AbstractContextManager[str]:
    if settings.database_url is not None:
        return nullcontext(settings.database_url)
    return Cluster(settings.root).running()
