"""Parts of a long job that are finished: kept as files, so that who begins it again goes on where another stopped.

They lie in ``work/`` under the root, in a folder that bears the job's work key: the same task with the same parameters
finds them, whoever did it before and however that ended.  Inside, each stage of the job has a folder, and in it one is
named by a digest of all that the parts depend on; those under another digest are stale and never read.
``processing.tiles`` fills them.
"""

import hashlib
import json
import os
import shutil
import time
import uuid
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog
from numpy.typing import NDArray

__all__ = ["Arrays", "Checkpoints", "folder_of", "open_checkpoints", "sweep"]

log = structlog.get_logger()

Arrays = Mapping[str, NDArray[Any]]
"""What is kept of a part: arrays by name."""

DAY_SECONDS: Final = 86400.0
SUFFIX: Final = ".npz"


@dataclass(frozen=True)
class Checkpoints:
    """The finished parts of one job, known by their numbers; it travels to whoever computes them."""

    folder: Path

    def missing(self, numbers: Iterable[int]) -> list[int]:
        """Return the parts that are not finished; one whose file is damaged is removed and not finished.

        The folder is read, and no file asked for that is not there: a network file system may remember that it was not
        when another host has made it.
        """
        there = {path.name for path in self.folder.iterdir()}
        return [n for n in numbers if self._path(n).name not in there or not self._is_whole(n)]

    def is_finished(self, number: int) -> bool:
        """Tell whether a part is finished, as its file says by being there."""
        return self._path(number).exists()

    def keep(self, number: int, arrays: Arrays) -> None:
        """Keep a finished part: it is there whole, also after a crash of the machine, or not at all."""
        beside = self.folder / f".{number}.{uuid.uuid4().hex}"
        try:
            with beside.open("xb") as file:
                np.savez(file, allow_pickle=False, **arrays)
                file.flush()
                os.fsync(file.fileno())
            beside.rename(self._path(number))
        finally:
            beside.unlink(missing_ok=True)
        _sync_folder(self.folder)

    def read(self, number: int) -> dict[str, NDArray[Any]]:
        """Return a finished part.

        Raises
        ------
        FileNotFoundError
            It is not finished.
        """
        with np.load(self._path(number), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}

    def remove(self) -> None:
        """Remove all that was kept of the job, of every stage, once what it makes is published."""
        shutil.rmtree(self.folder.parent.parent, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number}{SUFFIX}"

    def _is_whole(self, number: int) -> bool:
        try:
            with zipfile.ZipFile(self._path(number)) as file:
                broken = file.testzip()
        except zipfile.BadZipFile:
            broken = SUFFIX
        if broken is not None:
            log.warning("a checkpoint is damaged and is made again", part=number)
            self._path(number).unlink(missing_ok=True)
        return broken is None


def open_checkpoints(root: Path, work_key: str, basis: object, *, stage: str = "tiles") -> Checkpoints:
    """Find what is finished of a job, or make room for it; what is stale or half written is removed.

    Parameters
    ----------
    root, work_key
        Of the archive and the job.
    basis
        All that the parts depend on, as JSON has it: parameters, versions, checksums of what is read.
    stage
        Of the job, when it has several: their parts are numbered each for itself.
    """
    digest = hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:32]
    folder = folder_of(root, work_key) / stage / digest
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)  # it is in use: none sweeps it away
    for other in folder.parent.iterdir():
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    for half_written in folder.glob(".*"):
        half_written.unlink(missing_ok=True)
    return Checkpoints(folder)


def folder_of(root: Path, work_key: str) -> Path:
    """Return the folder in which a job may keep what is only its own."""
    return root / "work" / work_key


def sweep(root: Path, *, days: float) -> int:
    """Remove what jobs kept that nobody has gone on with for so many days; returns of how many jobs."""
    removed = 0
    with suppress(FileNotFoundError):  # nothing was ever kept, or another worker sweeps too
        for folder in (root / "work").iterdir():
            if folder.is_dir() and _last_touched(folder) < time.time() - days * DAY_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    if removed:
        log.info("checkpoints removed that nobody went on with", jobs=removed)
    return removed


def _last_touched(folder: Path) -> float:
    """A file that comes or goes touches the folder that it is in: a job's, a stage's, or the innermost."""
    return max(each.stat().st_mtime for each in (folder, *folder.glob("*"), *folder.glob("*/*")))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
