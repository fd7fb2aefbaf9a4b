"""One open archive: settings, database and store together, for as long as a command needs them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from sqlalchemy import exc, select

from archive.cluster import Cluster
from archive.database import Database, prepare
from archive.errors import ArchiveError, StoreAway
from archive.settings import Settings
from archive.store import Store
from schema.products import Artifact

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
    StoreAway
        The catalogue has files in a store that is not there.
    """
    with _server(settings) as url:
        database = Database(url)
        try:
            prepare(database)
            yield Archive(settings, database, _store(settings, database))
        except exc.OperationalError as error:
            raise ArchiveError(f"the database was lost: {str(error.orig).strip().splitlines()[0]}") from error
        finally:
            database.engine.dispose()


def _store(settings: Settings, database: Database) -> Store:
    """Find the store, or make it where no file can have been before."""
    store = Store(settings.root / "store")
    if not store.is_here() and not store.holds_files() and _promises_files(database):
        raise StoreAway(f"the store {store.folder} is away: mount it, or bring it back to this place")
    store.make()
    store.sweep()
    return store


def _promises_files(database: Database) -> bool:
    held = select(Artifact.artifact_id).where(Artifact.location.is_(None), Artifact.lost.is_(None)).limit(1)
    with database.reading() as session:
        return session.scalar(held) is not None


def _server(settings: Settings) -> AbstractContextManager[str]:
    if settings.database_url is not None:
        return nullcontext(settings.database_url)
    return Cluster(settings.root).running()
