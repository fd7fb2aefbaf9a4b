"""The peer DaCHS over the same rows in the same PostgreSQL server, where Debian's ``gavodachs2-server`` is installed.

It is set up from nothing in a folder of its own and run as the program that it is.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from archive.account import Account
from archive.archive import Archive
from archive.database import Database
from archive.pgsphere import install

__all__ = ["FORMATS", "QUERY", "is_installed", "peer"]

FORMATS: Final = {
    "csv": "csv",
    "fits": "fits",
    "votable/b2": "application/x-votable+xml;serialization=BINARY2",
    "votable/td": "application/x-votable+xml;serialization=TABLEDATA",
}
"""What it calls the formats that it has."""

QUERY: Final = "SELECT TOP {rows} * FROM plain.many"

SETTINGS: Final = """
[general]
rootDir: {root}
[web]
bindAddress: 127.0.0.1
serverPort: {port}
serverURL: http://127.0.0.1:{port}
[ivoa]
authority: bench.local
dalDefaultLimit: 20000000
dalHardLimit: 20000000
[async]
defaultExecTimeSync: 1200
"""
TABLE: Final = """
<resource schema="plain">
  <meta name="title">Rows</meta><meta name="description">Rows for timing.</meta>
  <meta name="creationDate">2026-01-01T00:00:00Z</meta><meta name="subject">surveys</meta>
  <table id="many" onDisk="True" adql="True" mixin="//scs#pgs-pos-index" primary="id">
    <column name="id" type="bigint" ucd="meta.id;meta.main" required="True"/>
    <column name="ra" type="double precision" unit="deg" ucd="pos.eq.ra;meta.main"/>
    <column name="dec" type="double precision" unit="deg" ucd="pos.eq.dec;meta.main"/>
    {doubles}
    <column name="number" type="integer" required="True"/>
    <column name="name" type="text"/>
    <column name="obstime" type="timestamp"/>
  </table>
  <data id="import"><nullGrammar/><make table="many"/></data>
</resource>
"""
DOUBLES: Final = "".join(f'<column name="d{n}" type="double precision"/>' for n in range(6))
ROWS: Final = """
INSERT INTO plain.many
SELECT n, 360 * random(), asind(2 * random() - 1), 57000 + 3000 * random(), 900 * random(), 1 + random(), 1 + random(),
    20 * random(), 100 * random(), n % 1000, 'PLAIN.' || n, timestamp '2015-01-01 00:00:00' + n * interval '1 second'
FROM generate_series(1, {rows}) AS n
"""
SPHERE: Final = """
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
SELECT max(oid::bigint)::oid::bigint + 1000000, 'pg_sphere', 10, 'public'::regnamespace, false, '1.2.0' FROM pg_class
"""
START_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Installation:
    """A set-up of DaCHS: its folder and who it runs as."""

    folder: Path
    account: Account

    def command(self, *words: str) -> list[str]:
        """Return a command line that runs DaCHS here, whatever else the machine has set up for it."""
        own = [f"HOME={self.folder}", f"GAVOSETTINGS={self.folder / 'gavo.rc'}", "GAVOCUSTOM=/nonexistent"]
        switch = ["runuser", "-u", self.account.name, "--"] if self.account.switched else []
        return [*switch, "env", *own, "dachs", *words]

    def run(self, words: Sequence[str], *, folder: Path) -> None:
        """Run one of its commands."""
        done = subprocess.run(self.command(*words), cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"dachs {' '.join(words)} fails: {done.stdout}{done.stderr}")


def is_installed() -> bool:
    """Tell whether the peer is there."""
    return shutil.which("dachs") is not None


@contextmanager
def peer(archive: Archive, root: Path, rows: int) -> Iterator[int]:
    """Run the peer over so many rows, in the server of the archive; yields its port."""
    account = Account.for_cluster()
    here = Installation(root / "dachs", account)
    home = here.folder / "root"
    inputs = home / "inputs" / "plain"
    inputs.mkdir(parents=True)
    port = _free_port()
    (here.folder / "gavo.rc").write_text(SETTINGS.format(root=home, port=port))
    (inputs / "q.rd").write_text(TABLE.format(doubles=DOUBLES))
    for path in (here.folder, *here.folder.rglob("*")):
        account.give(path)
    url = _database(archive)
    known = conninfo_to_dict(url)
    here.run(["init", "-d", f"dbname=gavo host={known['host']} user={known['user']}"], folder=inputs)
    here.run(["imp", "q"], folder=inputs)
    here.run(["pub", "//tap"], folder=inputs)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(ROWS.format(rows=rows))
        connection.execute("VACUUM ANALYZE plain.many")
    with (here.folder / "log").open("wb") as log:
        server = subprocess.Popen(here.command("serve", "debug"), stdout=log, stderr=log)
    try:
        _await(f"http://127.0.0.1:{port}/tap/availability", server)
        yield port
    finally:
        server.terminate()
        server.wait()


def _database(archive: Archive) -> str:
    """Make its database, with pgSphere noted as an extension, which PostgreSQL 15.20 would refuse to load."""
    with psycopg.connect(archive.database.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE gavo ENCODING 'UTF8' TEMPLATE template0")
    url = make_conninfo(archive.database.url, dbname="gavo")
    database = Database(url)
    with database.engine.begin() as begun:
        install(begun)
        begun.exec_driver_sql(SPHERE)
    database.engine.dispose()
    return url


def _await(url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.5)
    raise SystemExit("dachs serve does not come up")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
