"""Long work on a cube, tile by tile: each tile that is finished stays finished across crash, cancel and restart.

A tile is a rectangle of spaxels with all their planes, or whatever else the caller counts.  Memory is flat: nobody
holds more than the tile that he computes, and the caller reads the results one by one.  Who computes them is
``compute``'s to know, where they are kept ``archive.checkpoints``'s.
"""

import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from archive import jobs
from archive.archive import Archive
from archive.checkpoints import Arrays, Checkpoints, folder_of, open_checkpoints
from archive.execution import Progress
from processing.compute import pool

__all__ = ["Tiling", "compute_once", "compute_tiles"]

TELL_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Tiling:
    """A field of ``shape`` (ny, nx) cut into tiles of (rows, columns) or less, numbered row by row from 0."""

    shape: tuple[int, int]
    tile: tuple[int, int]

    def __len__(self) -> int:
        """Count the tiles."""
        return math.prod(self._counts)

    def window(self, number: int) -> tuple[slice, slice]:
        """Return the rows and columns of a tile.

        Raises
        ------
        IndexError
            There is no such tile.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"there is no tile {number} of {len(self)}")
        row, column = divmod(number, self._counts[1])
        places = zip((row, column), self.tile, self.shape, strict=True)
        rows, columns = (slice(n * size, min((n + 1) * size, whole)) for n, size, whole in places)
        return rows, columns

    @property
    def _counts(self) -> tuple[int, int]:
        rows, columns = (math.ceil(whole / size) for whole, size in zip(self.shape, self.tile, strict=True))
        return rows, columns


def compute_tiles(
    archive: Archive,
    job_id: str,
    compute: Callable[[int], Arrays],
    count: int,
    *,
    depends_on: object,
    progress: Progress,
    stage: str = "tiles",
) -> Checkpoints:
    """Compute all tiles of a job that are not finished yet; returns where the results are.

    Whoever calls this removes them once what he makes of them is published.

    Parameters
    ----------
    archive, job_id
        The job: with its cores and memory, beside this process, unless the settings name a scheduler.
    compute
        Returns what is to be kept of a tile, from its number.  It can be pickled (a function of a module, or a
        ``partial`` of one), reads what it needs, is told no secrets and gives the same wherever it runs.
    count
        How many tiles there are.
    depends_on
        What the results depend on beside the job's parameters, as JSON has it: the version of the task, checksums of
        its inputs, the size of the tiles.
    progress
        Told how far it is.
    stage
        Of the job, when it has several, one after the other.

    Raises
    ------
    TileFailed
        The function raised for a tile.
    SchedulerAway
        The scheduler of the settings does not answer; this may pass.
    """
    job = jobs.named(archive.database, job_id)
    basis = [job.task, dict(job.parameters), depends_on, count]
    kept = open_checkpoints(archive.settings.root, job.work_key, basis, stage=stage)
    missing = kept.missing(range(count))
    if missing:
        teller = _Teller(progress, count, count - len(missing))
        scratch = folder_of(archive.settings.root, job.work_key) / "scratch"
        try:
            with pool(archive.settings, cores=job.cores, memory=job.memory, folder=scratch) as those:
                for number in those.each(partial(_compute_and_keep, compute, kept), missing):
                    teller.hear(number)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return kept


def compute_once(
    archive: Archive, job_id: str, compute: Callable[[], Arrays], *, depends_on: object, stage: str
) -> Checkpoints:
    """Compute here what all tiles of a later stage need, unless it was kept; it is part 0 of what is returned.

    Parameters are those of ``compute_tiles``.
    """
    job = jobs.named(archive.database, job_id)
    basis = [job.task, dict(job.parameters), depends_on]
    kept = open_checkpoints(archive.settings.root, job.work_key, basis, stage=stage)
    if kept.missing([0]):
        kept.keep(0, compute())
    return kept


def _compute_and_keep(compute: Callable[[int], Arrays], kept: Checkpoints, number: int) -> None:
    """Do one tile, on whatever host, unless somebody died after it was finished and before he could say so."""
    if not kept.is_finished(number):
        kept.keep(number, compute(number))


class _Teller:
    """Says how far it is, not oftener than people look."""

    def __init__(self, progress: Progress, count: int, done: int) -> None:
        self._progress: Final[Callable[[float, str], Any]] = progress
        self._count: Final = count
        self._done = done
        self._next = 0.0
        self._tell("")

    def hear(self, number: int | None) -> None:
        """Hear that a tile is finished, or that nobody is there to compute any."""
        self._done += number is not None
        if time.monotonic() >= self._next or self._done == self._count:
            self._tell("; waits for Dask workers" if number is None else "")

    def _tell(self, more: str) -> None:
        self._progress(self._done / self._count, f"{self._done} of {self._count} tiles{more}")
        self._next = time.monotonic() + TELL_SECONDS
