"""The embedded PostgreSQL: a private cluster under the archive's root, reached through a unix socket only.

It runs while somebody uses it: every command that needs it holds a shared lock, the first one starts the server, the
last one stops it, and the kernel drops the locks of whoever was killed.  ``musevault database start`` keeps it up.
Two archives have two sockets and no TCP port, so they cannot collide.  A stale pid file, a reused pid and orphaned
backends of a killed server are cleared away before a start; PostgreSQL's own crash recovery does the rest.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO
from urllib.parse import quote

import psycopg
import structlog

from archive.account import Account, owner_of
from archive.errors import ClusterError
from archive.processes import end, of_cluster

__all__ = ["Cluster"]

log = structlog.get_logger()

OWNER: Final = "musevault"
START_SECONDS: Final = 120
SOCKET_PATH_MAX: Final = 107 - len("/.s.PGSQL.5432")  # sun_path holds 108 bytes, one of them the closing zero
ELSEWHERE: Final = Path("/var/lib/musevault")
CONFIGURATION: Final = """\
# Written by musevault at every start; put your own settings into postgresql.conf.
listen_addresses = ''
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
timezone = 'UTC'
log_timezone = 'UTC'
shared_buffers = '256MB'
work_mem = '32MB'
max_connections = 100
max_locks_per_transaction = 1024
jit = off
temp_file_limit = '20GB'
"""


@dataclass(frozen=True)
class Cluster:
    """The cluster of the archive whose folder is ``root``."""

    root: Path

    @property
    def home(self) -> Path:
        """Where the cluster lives: a folder, or a link to one when the server's account may not enter the root."""
        return self.root / "postgres"

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory, links resolved: the server's account may not be able to follow them."""
        return self.home.resolve() / "data"

    @property
    def socket(self) -> Path:
        """Folder of the unix socket; a short one under the temporary directory where the root's path is too long."""
        near = self.home.resolve() / "socket"
        if len(os.fsencode(near)) <= SOCKET_PATH_MAX:
            return near
        digest = hashlib.sha256(os.fsencode(near)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"musevault-{digest}"

    @property
    def url(self) -> str:
        """How clients reach the archive's database."""
        return f"postgresql://{OWNER}@/{OWNER}?host={quote(str(self.socket))}"

    @contextmanager
    def running(self) -> Iterator[str]:
        """Hold the server up while the block runs; yields its URL.

        Raises
        ------
        ClusterError
            The server cannot be made or started; the text says why and where its log is.
        """
        opener = os.getpid()
        with self._opened("postgres.users") as users:
            fcntl.flock(users, fcntl.LOCK_SH)
            self.start()
            try:
                yield self.url
            finally:
                # A forked child leaves this block too, but the lock and the decision are its parent's.
                if os.getpid() == opener:
                    self._stop_if_last(users.fileno())

    def start(self) -> None:
        """Make the cluster if there is none, and start it if it is not up."""
        with self._opened("postgres.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.is_healthy():
                return
            account = Account.for_cluster()
            self._make_home(account)
            self._initialise(account)
            self._clear_remains()
            self._launch(account)
            self._make_database()

    def stop(self) -> None:
        """Stop the server, whoever uses it; does nothing when it is down."""
        if self.data.exists() and of_cluster(self.data):
            account = Account.for_cluster()
            done = account.run(
                [_program("pg_ctl"), "-D", self.data, "-m", "fast", "-w", "-t", str(START_SECONDS), "stop"]
            )
            if done.returncode != 0:
                raise ClusterError(f"the embedded PostgreSQL does not stop: {_last_line(done.stderr or done.stdout)}")
            log.info("cluster stopped", data=str(self.data))

    def keep(self, *, up: bool) -> None:
        """Say whether the server stays up when nobody uses it."""
        self.root.mkdir(parents=True, exist_ok=True)
        if up:
            self._keep_mark.touch()
        else:
            self._keep_mark.unlink(missing_ok=True)

    def is_healthy(self) -> bool:
        """Tell whether the archive's database answers."""
        if not self.socket.exists() or not self.data.exists():
            return False
        if self.socket.stat().st_uid != self.data.stat().st_uid:  # somebody else's, in the temporary directory
            return False
        try:
            with psycopg.connect(self.url, connect_timeout=5) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _keep_mark(self) -> Path:
        return self.root / "postgres.keep"

    def _opened(self, name: str) -> TextIO:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            return (self.root / name).open("a")
        except OSError as error:
            raise ClusterError(f"{self.root} cannot hold an archive: {error.strerror or error}") from error

    def _stop_if_last(self, users: int) -> None:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if not self._keep_mark.exists():
            self.stop()

    def _make_home(self, account: Account) -> None:
        if self.home.is_symlink() and not self.home.exists():
            raise ClusterError(
                f"{self.home} points to {self.home.readlink()}, which is gone: restore it or remove the link"
            )
        if self.home.is_symlink():
            return
        if self.home.exists() or account.may_enter(self.root):
            _private_folder(self.home, account)
            return
        # Root keeps the archive where the server's account may not go (say under /root): the cluster lives elsewhere.
        ELSEWHERE.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="cluster-", dir=ELSEWHERE))
        account.give(folder)
        self.home.symlink_to(folder)
        log.info("cluster kept elsewhere", reason=f"{account.name} may not enter {self.root}", folder=str(folder))

    def _initialise(self, account: Account) -> None:
        if self.data.exists():
            return
        for unfinished in self.home.glob("data.new-*"):
            shutil.rmtree(unfinished)
        fresh = self.home.resolve() / f"data.new-{os.getpid()}"
        done = account.run(
            [
                _program("initdb"),
                "-D",
                fresh,
                "-U",
                OWNER,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-instructions",
            ]
        )
        if done.returncode != 0:
            raise ClusterError(f"initdb failed: {_last_line(done.stderr)}")
        with (fresh / "postgresql.conf").open("a") as configuration:
            configuration.write("include_if_exists = '../musevault.conf'\n")
        fresh.rename(self.data)

    def _clear_remains(self) -> None:
        """Clear what a killed server left: backends without a postmaster, and the pid file."""
        data = self.data
        pid_file = data / "postmaster.pid"
        postmaster = _first_number(pid_file)
        if postmaster is not None and postmaster in of_cluster(data):
            return  # it is starting up or recovering: pg_ctl waits for it
        if orphans := of_cluster(data):
            log.warning("ending backends of a killed server", pids=orphans)
            end(orphans)
        # PostgreSQL clears these itself, unless the pid in them lives: as another program, or as a zombie nobody reaps.
        pid_file.unlink(missing_ok=True)
        for leftover in self.socket.glob(".s.PGSQL.*"):
            leftover.unlink()

    def _launch(self, account: Account) -> None:
        socket = self.socket
        _private_folder(socket, account)
        configuration = self.home.resolve() / "musevault.conf"
        configuration.write_text(CONFIGURATION.format(socket=str(socket).replace("'", "''")))
        account.give(configuration)
        server_log = self.home.resolve() / "server.log"
        begin = time.monotonic()
        done = account.run(
            [_program("pg_ctl"), "-D", self.data, "-l", server_log, "-w", "-t", str(START_SECONDS), "start"]
        )
        if done.returncode != 0 and not self._waits_for_recovery():
            reason = _last_line(server_log.read_text()) if server_log.exists() else done.stderr
            raise ClusterError(f"the embedded PostgreSQL does not start: {reason.strip()} (see {server_log})")
        log.info("cluster started", data=str(self.data), seconds=round(time.monotonic() - begin, 2))

    def _waits_for_recovery(self) -> bool:
        """Wait for a server that another process had started already."""
        deadline = time.monotonic() + START_SECONDS
        while of_cluster(self.data) and time.monotonic() < deadline:
            if self._answers():
                return True
            time.sleep(0.2)
        return False

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._maintenance_url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _make_database(self) -> None:
        with psycopg.connect(self._maintenance_url, autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [OWNER]).fetchone()
            if known is None:
                connection.execute(f'CREATE DATABASE "{OWNER}"')

    @property
    def _maintenance_url(self) -> str:
        return f"postgresql://{OWNER}@/postgres?host={quote(str(self.socket))}"


def _program(name: str) -> Path:
    """Find a PostgreSQL program: Debian keeps the server's out of PATH.

    Raises
    ------
    ClusterError
        PostgreSQL 15 or later is not installed.
    """
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[4]), reverse=True)
    for candidate in versions:
        if int(candidate.parts[4]) >= 15 and (candidate.parents[1] / "lib" / "pg_sphere.so").exists():
            return candidate
    raise ClusterError(
        "PostgreSQL 15 with pgSphere is not installed: apt-get install postgresql-15 postgresql-15-pgsphere"
    )


def _private_folder(folder: Path, account: Account) -> None:
    """Make a folder that is open to the account alone, if it is not there: the folder is what guards the server."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if account.switched and status.st_uid == os.geteuid() and not any(folder.iterdir()):
        account.give(folder)  # new, or a kill came between making and giving
    elif status.st_uid != account.uid:
        raise ClusterError(f"{folder} belongs to {owner_of(status.st_uid)}: run as that user")
    elif status.st_mode & 0o077:
        raise ClusterError(f"{folder} is open to others: chmod 700 it")


def _first_number(file: Path) -> int | None:
    try:
        return int(file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"
