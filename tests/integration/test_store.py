"""Files are in the store whole or not at all, once, and for good."""

import errno
import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from io import BufferedRandom
from pathlib import Path

import pytest

from archive import faults
from archive.errors import StoreAway, StoreError
from archive.store import MARKER, Store
from tests.support.disks import small_disk


def files(store: Store) -> list[Path]:
    """What is in the store's folder but the mark that it is one."""
    return [path for path in store.folder.rglob("*") if path.is_file() and path.name != MARKER]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store")
    made.make()
    return made


def test_a_file_is_kept_under_its_checksum(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"muse" * 5_000_000)
    stored = store.put(source)
    assert stored.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    kept = store.get(stored.sha256)
    assert kept.read_bytes() == source.read_bytes()
    assert kept.stat().st_mode & 0o222 == 0


def test_the_same_content_is_kept_once(store: Store, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"same")
    assert store.put(tmp_path / "source") == store.write(lambda target: target.write(b"same"))
    assert len(list(store.names())) == 1


def test_a_writer_that_fails_leaves_nothing(store: Store, tmp_path: Path) -> None:
    def fail(_target: object) -> None:
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        store.write(fail)
    with pytest.raises(StoreError, match="No such file"):
        store.put(tmp_path / "absent")
    assert files(store) == []


def test_a_sweep_removes_what_the_dead_left_and_spares_the_living(store: Store) -> None:
    incoming = store.folder / "incoming"
    (incoming / "dead.part").write_bytes(b"x")
    with (incoming / "living.part").open("wb") as living:
        fcntl.flock(living, fcntl.LOCK_EX)
        assert store.sweep() == 1
    assert [p.name for p in incoming.iterdir()] == ["living.part"]


def test_damage_is_noticed(store: Store) -> None:
    stored = store.write(lambda target: target.write(b"precious"))
    path = store.get(stored.sha256)
    path.chmod(0o644)
    path.write_bytes(b"precioux")
    assert not store.is_whole(stored.sha256)
    os.truncate(path, 3)
    with pytest.raises(StoreError, match="is damaged"):
        store.write(lambda target: target.write(b"precious"))
    path.unlink()
    with pytest.raises(StoreError, match="is missing"):
        store.get(stored.sha256)


def write(target: BufferedRandom, content: bytes) -> None:
    target.write(content)


def test_a_sweep_beside_a_writer_takes_nothing_from_it(store: Store) -> None:
    done = threading.Event()

    def sweep() -> None:
        while not done.is_set():
            store.sweep()

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    try:
        kept = [store.write(partial(write, content=b"%d" % n)) for n in range(400)]
    finally:
        done.set()
        sweeper.join()
    assert sorted(store.names()) == sorted(stored.sha256 for stored in kept)


def test_a_store_of_which_only_the_empty_mount_point_is_left_is_not_written_into(store: Store, tmp_path: Path) -> None:
    stored = store.write(lambda target: target.write(b"before"))
    away = store.folder.rename(tmp_path / "elsewhere")
    for is_there in (False, True):
        if is_there:
            store.folder.mkdir()
        with pytest.raises(StoreAway, match="the store is away"):
            store.write(lambda target: target.write(b"now"))
        with pytest.raises(StoreAway):
            store.put(away / MARKER)
        with pytest.raises(StoreAway):
            store.get(stored.sha256)
        assert store.folder.is_dir() == is_there
        assert store.sweep() == 0
        assert not store.folder.exists() or list(store.folder.iterdir()) == []
    store.folder.rmdir()
    away.rename(store.folder)
    assert store.get(stored.sha256).read_bytes() == b"before"


def test_a_store_that_goes_away_under_a_writer_is_not_made_anew(store: Store, tmp_path: Path) -> None:
    away = tmp_path / "elsewhere"

    def fill(target: BufferedRandom) -> None:
        target.write(b"half")
        store.folder.rename(away)

    with pytest.raises(StoreAway) as caught:
        store.write(fill)
    assert faults.is_passing(caught.value)
    assert not store.folder.exists()
    away.rename(store.folder)
    assert store.sweep() == 1
    assert files(store) == []


def test_a_store_without_a_marker_is_given_one(store: Store) -> None:
    stored = store.write(lambda target: target.write(b"old"))
    (store.folder / MARKER).unlink()
    assert not store.is_here()
    store.make()
    store.make()
    assert store.is_here()
    assert store.is_whole(stored.sha256)


def test_a_store_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot hold the store: Not a directory"):
        Store(tmp_path / "file" / "store").make()


@pytest.fixture
def small_store(tmp_path: Path) -> Iterator[Store]:
    """A store on a disk of a megabyte."""
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        made = Store(disk / "store")
        made.make()
        yield made


def test_a_full_disk_leaves_nothing_behind_and_may_pass(small_store: Store, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(bytes(2 << 20))
    ways: list[Callable[[], object]] = [
        lambda: small_store.put(tmp_path / "source"),
        lambda: small_store.write(lambda target: target.write(bytes(2 << 20))),
    ]
    for keep in ways:
        with pytest.raises(StoreError, match="No space left on device") as caught:
            keep()
        assert isinstance(caught.value.__cause__, OSError)
        assert caught.value.__cause__.errno == errno.ENOSPC
        assert faults.is_passing(caught.value)
        assert files(small_store) == []
    small_store.write(lambda target: target.write(b"a little"))
