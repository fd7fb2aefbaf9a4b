"""What the pipeline takes for pixel tables: memory, time and disk, as measured with its version 2.8.7."""

import math
from typing import Final

from archive import machine
from archive.errors import Refused

__all__ = ["check_memory", "disk", "limit", "memory", "seconds"]

BASE_BYTES: Final = 300 * 2**20
"""Of the pipeline, and of the process that drives it."""

BYTES_A_ROW: Final = 52
BYTES_A_VOXEL: Final = 12
"""Measured: 47 and 11.1; of several exposures together up to 56 a row."""

VOXELS_A_ROW: Final = 2.2
"""Of the cube, at most: the box around a field that is turned by 45 degrees, with its margins."""

SECONDS_A_ROW: Final = 3.3e-6
SECONDS_A_VOXEL: Final = 0.4e-6
BASE_SECONDS: Final = 5.0
CUBE_BYTES: Final = 8
"""Of a voxel on the disk: value and variance."""

PATIENCE: Final = 20.0
LEAST_LIMIT: Final = 300.0
"""A run is ended after so many times what it should take, and never before so many seconds: it hangs."""


def memory(rows: int, voxels: int | None = None) -> int:
    """Return how many bytes of memory a run takes.

    Parameters
    ----------
    rows
        Of all pixel tables together.
    voxels
        Of the cube; by default as many as there can be.
    """
    return BASE_BYTES + BYTES_A_ROW * rows + BYTES_A_VOXEL * _voxels(rows, voxels)


def seconds(rows: int, voxels: int | None = None) -> float:
    """Return how long it takes, on one processor."""
    return BASE_SECONDS + SECONDS_A_ROW * rows + SECONDS_A_VOXEL * _voxels(rows, voxels)


def disk(rows: int, voxels: int | None = None) -> int:
    """Return how many bytes its cube takes on the disk."""
    return CUBE_BYTES * _voxels(rows, voxels)


def limit(rows: int, voxels: int | None = None) -> float:
    """Return after how many seconds a run hangs."""
    return max(LEAST_LIMIT, PATIENCE * seconds(rows, voxels))


def check_memory(rows: int, voxels: int | None = None) -> None:
    """See that the machine has the memory.

    Raises
    ------
    Refused
        It has not: the kernel would end the pipeline, or something else.
    """
    wanted, there = memory(rows, voxels), machine.memory()
    if wanted > there:
        raise Refused(f"{rows} rows of pixel tables take {wanted >> 20} MB of memory, this machine has {there >> 20}")


def _voxels(rows: int, voxels: int | None) -> int:
    return math.ceil(VOXELS_A_ROW * rows) if voxels is None else voxels
