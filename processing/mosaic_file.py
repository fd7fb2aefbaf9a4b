"""From the files of exposures to that of their mosaic, in a stream: read, combined and written a few planes at a time.

While one block of planes is written, and looked at by whoever asked for it, the next is read; threads share exposures
while reading and rows while combining.  What a mosaic is made of says ``processing.science.mosaic``, where its
exposures lie ``exposure_stack``, how the file is built ``cube_file``.
"""

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Final

import numpy as np

from processing.cube_file import CubeFile
from processing.exposure_stack import ExposureStack
from processing.science.mosaic import Combination, Planes
from processing.science.overlaps import Overlaps

__all__ = ["SAMPLES", "combined"]

SAMPLES: Final = 64
"""Planes in which exposures are compared with each other, spread evenly."""


def combined(
    stack: ExposureStack,
    combination: Combination,
    file: CubeFile,
    *,
    overlaps: Overlaps | None = None,
    threads: int | None = None,
) -> Iterator[Planes]:
    """Write the mosaic of exposures, and yield its planes block by block: each is valid until the next is asked for.

    Parameters
    ----------
    combination
        Of the footprints of the stack, nothing put in yet.
    overlaps
        Of the same footprints: is told of some planes.
    threads
        As many as there are processors by default.

    Raises
    ------
    Refused
        An exposure has no variance.
    OSError
        A file cannot be read or written.
    """
    planes = stack.shape[0]
    sampled = set(np.linspace(0, planes - 1, min(SAMPLES, planes)).round().astype(int).tolist())
    blocks = [(start, min(start + combination.depth, planes)) for start in range(0, planes, combination.depth)]
    workers = ThreadPoolExecutor(threads or len(os.sched_getaffinity(0)))
    with workers as pool, ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        reading = reader.submit(stack.put, combination, *blocks[0], pool)
        for number, (start, stop) in enumerate(blocks):
            reading.result()
            if overlaps is not None:
                for plane in sorted(sampled.intersection(range(start, stop))):
                    _compare(combination, overlaps, plane - start, pool)
            made = combination.combine(stop - start, pool)
            writing = writer.submit(file.write, made.start, made.data, made.variance, made.mask != 0)
            if number + 1 < len(blocks):
                reading = reader.submit(stack.put, combination, *blocks[number + 1], pool)
            yield made
            writing.result()


def _compare(combination: Combination, overlaps: Overlaps, plane: int, pool: Executor) -> None:
    """Compare all exposures that overlap in one plane of those that were put in."""

    def compare(pair: tuple[int, int]) -> None:
        (one, its_variance), (other, other_variance) = (combination.planes_of(n, plane + 1) for n in pair)
        overlaps.add(pair, (one[plane], its_variance[plane]), (other[plane], other_variance[plane]))

    for _ in pool.map(compare, overlaps.pairs):
        pass
