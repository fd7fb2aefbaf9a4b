"""The embedded PostgreSQL: made, started, shared, stopped, and recovered from whatever was done to it."""

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from archive.account import Account
from archive.cluster import Cluster
from archive.errors import ClusterError
from archive.processes import of_cluster
from tests.support.archives import short_folder

AS_ROOT = os.geteuid() == 0


@pytest.fixture
def root() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


def postmaster(cluster: Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().splitlines()[0])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}/cwd").exists():
        time.sleep(0.02)


def note(url: str, word: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note (word text)")
        connection.execute("INSERT INTO note VALUES (%s)", [word])


def notes(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT word FROM note ORDER BY word")]


def test_the_server_runs_while_somebody_uses_it_and_keeps_what_was_written(root: Path) -> None:
    cluster = Cluster(root)
    with cluster.running() as url:
        note(url, "first")
        with Cluster(root).running():
            assert cluster.is_healthy()
        assert cluster.is_healthy(), "the first user is still here"
    assert not cluster.is_healthy()
    assert of_cluster(cluster.data.resolve()) == []
    with cluster.running() as url:
        assert notes(url) == ["first"]


def test_a_server_that_is_kept_up_stays_until_it_is_stopped(root: Path) -> None:
    cluster = Cluster(root)
    cluster.keep(up=True)
    with cluster.running():
        pass
    assert cluster.is_healthy()
    cluster.keep(up=False)
    cluster.stop()
    assert not cluster.is_healthy()


def test_two_archives_side_by_side_do_not_collide(root: Path) -> None:
    with Cluster(root / "one").running() as one, Cluster(root / "two").running() as two:
        note(one, "one")
        note(two, "two")
        assert (notes(one), notes(two)) == (["one"], ["two"])


def test_a_killed_server_is_started_again_with_all_that_was_committed(root: Path) -> None:
    cluster = Cluster(root)
    with cluster.running() as url:
        note(url, "kept")
        kill(postmaster(cluster))
        with Cluster(root).running() as again:
            assert notes(again) == ["kept"]


def test_every_process_killed_at_once_is_recovered_from(root: Path) -> None:
    cluster = Cluster(root)
    with cluster.running() as url:
        note(url, "kept")
        for pid in of_cluster(cluster.data.resolve()):
            os.kill(pid, signal.SIGKILL)
        with Cluster(root).running() as again:
            assert notes(again) == ["kept"]


def test_a_stale_pid_file_is_no_hindrance_even_when_its_number_lives_again(root: Path) -> None:
    cluster = Cluster(root)
    with cluster.running() as url:
        note(url, "kept")
    pid_file = cluster.data / "postmaster.pid"
    for stale in ("999999999", str(os.getpid()), "garbage"):
        pid_file.write_text(f"{stale}\n{cluster.data}\n0\n5432\n\n\n")
        with cluster.running() as url:
            assert notes(url) == ["kept"]


def test_an_initdb_that_was_killed_half_way_is_done_again(root: Path) -> None:
    cluster = Cluster(root)
    cluster.home.mkdir(mode=0o700)
    Account.for_cluster().give(cluster.home)
    (cluster.home / "data.new-1").mkdir()
    with cluster.running() as url:
        note(url, "fresh")
    assert not list(cluster.home.glob("data.new-*"))


@pytest.mark.skipif(not AS_ROOT, reason="only root hands folders over")
@pytest.mark.parametrize("folder", ["postgres", "postgres/socket"])
def test_a_folder_that_was_made_but_not_yet_handed_over_is_handed_over(root: Path, folder: str) -> None:
    cluster = Cluster(root)
    if folder == "postgres/socket":
        with cluster.running():
            pass
        cluster.socket.rmdir()
    (root / folder).mkdir(mode=0o700)
    with cluster.running() as url:
        note(url, "handed over")


@pytest.mark.skipif(not AS_ROOT, reason="only root can make a folder somebody else's")
def test_an_archive_of_somebody_else_is_named_as_such(root: Path) -> None:
    cluster = Cluster(root)
    cluster.home.mkdir(mode=0o700)
    os.chown(cluster.home, pwd.getpwnam("nobody").pw_uid, -1)
    with pytest.raises(ClusterError, match="belongs to nobody: run as that user"), cluster.running():
        pass


def test_a_root_that_cannot_be_written_is_one_clear_line() -> None:
    with (
        pytest.raises(ClusterError, match="/etc/passwd cannot hold an archive"),
        Cluster(Path("/etc/passwd")).running(),
    ):
        pass


def test_a_long_path_gets_its_socket_elsewhere(root: Path) -> None:
    deep = root / ("d" * 80) / ("e" * 60)
    with Cluster(deep).running() as url:
        note(url, "deep")
        assert notes(url) == ["deep"]
    socket = Cluster(deep).socket
    assert len(str(socket)) < 60
    socket.rmdir()


def test_several_commands_at_once_start_one_server(root: Path) -> None:
    code = (
        "import sys, pathlib, psycopg; from archive.cluster import Cluster\n"
        "with Cluster(pathlib.Path(sys.argv[1])).running() as url:\n"
        "    psycopg.connect(url).close()"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(root)], stderr=subprocess.DEVNULL) for _ in range(4)]
    assert [process.wait(timeout=120) for process in started] == [0, 0, 0, 0]
    assert not Cluster(root).is_healthy()


def test_the_socket_is_open_to_the_servers_account_alone(root: Path) -> None:
    cluster = Cluster(root)
    with cluster.running():
        status = cluster.socket.stat()
        assert status.st_mode & 0o077 == 0
        assert status.st_uid == Account.for_cluster().uid


@pytest.mark.skipif(not AS_ROOT, reason="only root drops to another account")
def test_root_keeps_the_cluster_elsewhere_when_the_server_may_not_enter(root: Path) -> None:
    closed = root / "closed"
    closed.mkdir(mode=0o700)
    cluster = Cluster(closed / "vault")
    with cluster.running() as url:
        note(url, "elsewhere")
        assert notes(url) == ["elsewhere"]
    elsewhere = cluster.home.readlink()
    assert elsewhere.parent == Path("/var/lib/musevault")
    subprocess.run(["rm", "-rf", str(elsewhere)], check=True)
    with pytest.raises(ClusterError, match="which is gone"), cluster.running():
        pass


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user is what everybody else is anyway")
def test_an_ordinary_user_runs_the_server_as_themselves(root: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(root, nobody.pw_uid, nobody.pw_gid)
    code = (
        "import os, pathlib, sys; sys.path[:0] = sys.argv[2].split(os.pathsep)\n"
        "from archive.cluster import Cluster; from archive.processes import of_cluster\n"
        "cluster = Cluster(pathlib.Path(sys.argv[1]))\n"
        "with cluster.running():\n"
        "    owners = {os.stat(f'/proc/{pid}').st_uid for pid in of_cluster(cluster.data)}\n"
        "    assert owners == {os.getuid()}, owners\n"
        "assert not cluster.is_healthy()"
    )
    child = os.fork()
    if child == 0:  # a fork, because the interpreter may lie where that user cannot go
        try:
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            os.chdir("/")
            sys.argv = ["-c", str(root), ""]
            exec(code, {})  # noqa: S102
            os._exit(0)
        except BaseException as error:  # noqa: BLE001
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
