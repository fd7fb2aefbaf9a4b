"""Archives for tests: one PostgreSQL a test process, a database of its own for every test."""

import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from werkzeug.serving import make_server

from archive.archive import Archive, open_archive
from archive.cluster import Cluster
from archive.settings import Settings
from archive.tasks import installed
from ingest.products import ingest_products
from ingest.releases import ingest_release
from processing.submission import submit
from server.app import create_app

SURVEY = Path("surveys/phangs-muse")
REAL_CUBE = Path("data/mpdaf/data/sdetect/minicube.fits")


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder that any account may enter, under a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="mv-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


def stop(root: Path) -> None:
    """Stop an embedded server, if one runs."""
    for cluster in (Cluster(root), *(Cluster(p.parent) for p in root.glob("*/postgres"))):
        if cluster.home.exists():
            cluster.stop()


@contextmanager
def fresh_database(server: str, *, template: str | None = None) -> Iterator[str]:
    """A new database on a server, dropped at the end; yields its URL."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
    try:
        yield make_conninfo(server, dbname=name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def database_name(url: str) -> str:
    """The name of a URL's database."""
    return str(conninfo_to_dict(url)["dbname"])


@contextmanager
def opened(url: str, root: Path, **settings: object) -> Iterator[Archive]:
    """An open archive on a database."""
    made = Settings.model_validate({"root": root, "database_url": url, "data": Path("data").absolute(), **settings})
    with open_archive(made) as archive:
        yield archive


@contextmanager
def served(url: str, root: Path, **settings: object) -> Iterator[tuple[Archive, str]]:
    """An archive with its services on a free port; yields the archive and the base URL."""
    server = make_server("127.0.0.1", 0, lambda _environ, _start: [], threaded=True)
    address = f"http://127.0.0.1:{server.server_port}"
    with opened(url, root, base_url=address, **settings) as archive:
        server.app = app = create_app(archive)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield archive, address
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            app.extensions["queries"].close()
            app.extensions["phases"].close()


def take_in_the_survey(archive: Archive) -> None:
    """Bring the survey's log into an archive."""
    ingest_release(archive.database, SURVEY)


def take_in_the_cube(archive: Archive) -> None:
    """Bring the real cube and all that is made of it into an archive."""
    assert all(o.became == "new" for o in ingest_products(archive, [REAL_CUBE], collection="MUSE"))
    for one in submit(archive):
        run = installed()[one.job.task]
        run(archive, one.job.parameters, one.job.job_id, lambda _fraction, _words: None)
