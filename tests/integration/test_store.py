"""Files are in the store whole or not at all, once, and for good."""

import fcntl
import hashlib
import os
import threading
from functools import partial
from io import BufferedRandom
from pathlib import Path

import pytest

from archive.errors import StoreError
from archive.store import Store


def test_a_file_is_kept_under_its_checksum(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"muse" * 5_000_000)
    stored = Store(tmp_path / "store").put(source)
    assert stored.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    kept = Store(tmp_path / "store").get(stored.sha256)
    assert kept.read_bytes() == source.read_bytes()
    assert kept.stat().st_mode & 0o222 == 0


def test_the_same_content_is_kept_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    (tmp_path / "source").write_bytes(b"same")
    assert store.put(tmp_path / "source") == store.write(lambda target: target.write(b"same"))
    assert len(list(store.names())) == 1


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")

    def fail(_target: object) -> None:
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        store.write(fail)
    with pytest.raises(StoreError, match="No such file"):
        store.put(tmp_path / "absent")
    assert [p for p in (tmp_path / "store").rglob("*") if p.is_file()] == []


def test_a_sweep_removes_what_the_dead_left_and_spares_the_living(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    incoming = tmp_path / "store" / "incoming"
    incoming.mkdir(parents=True)
    (incoming / "dead.part").write_bytes(b"x")
    with (incoming / "living.part").open("wb") as living:
        fcntl.flock(living, fcntl.LOCK_EX)
        assert store.sweep() == 1
    assert [p.name for p in incoming.iterdir()] == ["living.part"]


def test_damage_is_noticed(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
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


def test_a_sweep_beside_a_writer_takes_nothing_from_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
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
