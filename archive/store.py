"""The store: files kept whole, under their checksum, once and for good.

A file is written beside its place, flushed to disk, checksummed, and linked into place: at any instant it is there
whole or not at all.  Files are never overwritten.  What a killed writer left is swept away by the next one; what no
product has any more is removed by ``unreferenced``.

A marker file tells the store from an empty folder on which it should be mounted: without it nothing is written, and a
file that is not found is not lost but away with the store.
"""

import fcntl
import hashlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import Final

import structlog

from archive.errors import StoreAway, StoreError

__all__ = ["Store", "Stored"]

log = structlog.get_logger()

CHUNK: Final = 4 << 20
MARKER: Final = "musevault.store"


@dataclass(frozen=True)
class Stored:
    """A file in the store: its checksum (SHA-256, hexadecimal) is its name."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Store:
    """The folder in which the files of the archive are kept."""

    folder: Path

    def make(self) -> None:
        """Make the store where there is none, or let one without a marker be one; safe to repeat.

        Raises
        ------
        StoreError
            It cannot be made there.
        """
        try:
            for folder in (self._files, self._incoming):
                if not folder.is_dir():
                    folder.mkdir(parents=True, exist_ok=True)
            if not self.is_here():
                self._marker.touch()
                _sync_folder(self.folder)
        except OSError as error:
            raise StoreError(f"{self.folder} cannot hold the store: {error.strerror or error}") from error

    def is_here(self) -> bool:
        """Tell whether the store can be reached: it is mounted, and nobody has moved it."""
        try:
            return self._marker.is_file()
        except OSError:  # a network file system whose server does not answer
            return False

    def check(self) -> None:
        """Do nothing when the store can be reached.

        Raises
        ------
        StoreAway
            It cannot.
        """
        if not self.is_here():
            raise StoreAway("the store is away: it is not mounted, or was moved")

    def put(self, source: Path) -> Stored:
        """Copy a file into the store, reading it once.

        Raises
        ------
        StoreError
            The disk is full or not writable, or the source cannot be read; nothing is left behind.
        StoreAway
            The store cannot be reached.
        """

        def copy(target: BufferedRandom) -> Stored:
            digest = hashlib.sha256()
            with source.open("rb") as opened:
                while chunk := opened.read(CHUNK):
                    digest.update(chunk)
                    target.write(chunk)
            return Stored(digest.hexdigest(), target.tell())

        return self._keep(copy)

    @staticmethod
    def checksum(source: Path) -> Stored:
        """Read a file that stays where it is, once; for files that are on disks of their own and never change.

        Raises
        ------
        StoreError
            It cannot be read.
        """
        try:
            with source.open("rb") as opened:
                return _checksum(opened)
        except OSError as error:
            raise StoreError(f"cannot read a file: {error.strerror or error}") from error

    def write(self, fill: Callable[[BufferedRandom], object]) -> Stored:
        """Store what ``fill`` writes into the file that it is given; raises as ``put`` does."""

        def write(target: BufferedRandom) -> Stored:
            fill(target)
            target.flush()
            return _checksum(target)

        return self._keep(write)

    def path(self, sha256: str) -> Path:
        """Return where a file is, or would be."""
        return self._files / sha256[:2] / sha256

    def get(self, sha256: str, location: str | None = None) -> Path:
        """Return where a file is: in the store, or in a place of its own.

        Raises
        ------
        StoreError
            The file is not there.
        StoreAway
            Nor is the store.
        """
        path = self.path(sha256) if location is None else Path(location)
        place = "the store" if location is None else "its place outside the store"  # who asks may be anyone
        try:
            if path.is_file():
                return path
            if location is None:
                self.check()
                if path.is_file():  # the store came back between the two looks
                    return path
        except OSError as error:
            if location is None:
                self.check()
            raise StoreError(f"file {sha256} cannot be looked for in {place}: {error.strerror}") from error
        raise StoreError(f"file {sha256} is missing from {place}")

    def is_whole(self, sha256: str, location: str | None = None) -> bool:
        """Read a file through and tell whether it still is what its checksum says."""
        with self.get(sha256, location).open("rb") as opened:
            return _checksum(opened).sha256 == sha256

    def names(self) -> Iterator[str]:
        """Iterate over the checksums of all files that are there."""
        for folder in sorted(self._files.glob("??")):
            yield from sorted(entry.name for entry in folder.iterdir())

    def holds_files(self) -> bool:
        """Tell whether any file is there; a folder that cannot be looked into has none."""
        try:
            return next(self.names(), None) is not None
        except OSError:
            return False

    def age(self, sha256: str) -> float:
        """Return for how many seconds nobody has stored a file."""
        return time.time() - self.path(sha256).lstat().st_mtime

    def remove(self, sha256: str) -> None:
        """Remove a file that nothing refers to; who has it open reads on."""
        self.path(sha256).unlink(missing_ok=True)

    def sweep(self) -> int:
        """Remove what killed writers left; returns how many files that was."""
        swept = 0
        for part in self._incoming.glob("*.part"):
            try:
                with part.open("rb") as opened:
                    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    part.unlink(missing_ok=True)
                    swept += 1
            except (FileNotFoundError, BlockingIOError):
                continue
        if swept:
            log.info("swept unfinished files", count=swept)
        return swept

    @property
    def _files(self) -> Path:
        return self.folder / "files"

    @property
    def _incoming(self) -> Path:
        return self.folder / "incoming"

    @property
    def _marker(self) -> Path:
        return self.folder / MARKER

    def _keep(self, fill: Callable[[BufferedRandom], Stored]) -> Stored:
        part, target = self._part()
        try:
            with target:
                stored = fill(target)
                target.flush()
                os.fsync(target.fileno())
                self._link(part, stored)
        except OSError as error:
            self.check()
            raise StoreError(f"cannot store a file: {error.strerror or error}") from error
        finally:
            with suppress(OSError):  # it is away with the store: a sweep will find it
                part.unlink(missing_ok=True)
        return stored

    def _part(self) -> tuple[Path, BufferedRandom]:
        """Open a new file under a lock, which tells a sweep that somebody is writing.

        Folders are not made here but by ``make``: one that is missing may be the mark of a store that is away.
        """
        self.check()
        try:
            while True:
                part = self._incoming / f"{uuid.uuid4().hex}.part"
                target = part.open("w+b")
                fcntl.flock(target, fcntl.LOCK_EX)
                if os.fstat(target.fileno()).st_nlink:
                    return part, target
                target.close()  # a sweep came between opening and locking
        except OSError as error:
            self.check()
            raise StoreError(f"cannot store a file: {error.strerror or error}") from error

    def _link(self, part: Path, stored: Stored) -> None:
        final = self.path(stored.sha256)
        if not final.parent.is_dir():
            _make_folder(final.parent)
        part.chmod(0o444)
        try:
            os.link(part, final)
        except FileExistsError:
            if final.is_symlink():  # to a file elsewhere, which may have vanished: our own copy is better
                part.replace(final)
            elif final.stat().st_size != stored.size:
                raise StoreError(f"{final} is damaged: its size is not {stored.size}") from None
            else:
                with suppress(PermissionError):  # another account's file keeps its time
                    os.utime(final)  # somebody wants it: it is no leftover
            return
        _sync_folder(final.parent)


def _checksum(opened: BufferedRandom | BufferedReader) -> Stored:
    opened.seek(0)
    digest = hashlib.file_digest(opened, "sha256")
    return Stored(digest.hexdigest(), opened.tell())


def _make_folder(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
