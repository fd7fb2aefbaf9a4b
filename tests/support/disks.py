"""Disks for tests, in memory: small enough to be filled, and they can go away and come back as a network's do."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@contextmanager
def small_disk(place: Path, *, megabytes: int) -> Iterator[Path]:
    """Mount a disk at a folder, which is made; who may not mount must do without the test."""
    place.mkdir(parents=True)
    done = _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(place))
    if done.returncode != 0:
        place.rmdir()
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        _run("umount", "--lazy", str(place)).check_returncode()
        place.rmdir()


@dataclass(frozen=True)
class Mount:
    """A folder at which a disk can be seen, or not."""

    disk: Path
    place: Path

    def bring(self) -> None:
        """Let the disk be seen."""
        if not self.place.is_mount():
            _run("mount", "--bind", str(self.disk), str(self.place)).check_returncode()

    def take_away(self) -> None:
        """Leave an empty folder, whoever has files open below it."""
        if self.place.is_mount():
            _run("umount", "--lazy", str(self.place)).check_returncode()


@contextmanager
def mounted(disk: Path, place: Path) -> Iterator[Mount]:
    """Let a disk be seen at a folder as well, which is made, and can be taken away from there."""
    place.mkdir()
    mount = Mount(disk, place)
    mount.bring()
    try:
        yield mount
    finally:
        mount.take_away()


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False)
