"""A mosaic made by the workers of a Dask scheduler: each makes some planes, which are kept until all are there.

Within one machine threads do the same without a detour over the disk (``mosaic_file``).  A part that is finished stays
finished, whatever becomes of the job.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import numpy as np

from archive.archive import Archive
from archive.checkpoints import Arrays, Checkpoints
from archive.execution import Progress
from processing.cube_file import CubeFile
from processing.exposure_stack import ExposureStack
from processing.mosaic_recipe import MosaicRecipe
from processing.science.mosaic import Combination, Planes, Tally
from processing.tiles import compute_tiles

__all__ = ["compute", "computed", "gathered"]

PART_BYTES: Final = 128 * 2**20
VOXEL_BYTES: Final = 9
"""Data, variance and mask."""

SHARE: Final = 0.9
"""Of the progress that is told until all parts are there."""


def computed(
    archive: Archive, job_id: str, recipe: MosaicRecipe, shape: tuple[int, int, int], *, depends_on: object,
    progress: Progress,
) -> tuple[Checkpoints, int]:  # fmt: skip
    """Have all planes made; returns where they are kept, and how many are in a part.

    Raises
    ------
    TileFailed
        A part cannot be made.
    SchedulerAway
        The scheduler does not answer.
    """
    planes = max(1, min(PART_BYTES // (VOXEL_BYTES * shape[1] * shape[2]), shape[0]))
    kept = compute_tiles(
        archive,
        job_id,
        partial(compute, recipe, planes, shape[0]),
        -(-shape[0] // planes),
        depends_on=[depends_on, planes],
        progress=lambda fraction, words: progress(SHARE * fraction, words),
    )
    return kept, planes


def compute(recipe: MosaicRecipe, planes: int, total: int, number: int) -> Arrays:
    """Make the planes of a part."""
    first, last = number * planes, min((number + 1) * planes, total)
    with ExposureStack(recipe.exposures) as stack, ThreadPoolExecutor(1) as pool:
        combination = recipe.prepare(stack)
        blocks = []
        for start in range(first, last, combination.depth):
            stop = min(start + combination.depth, last)
            stack.put(combination, start, stop, pool)
            made = combination.combine(stop - start, pool)
            blocks.append((made.data.copy(), made.variance.copy(), made.mask.copy()))
        tally = combination.tally()
    data, variance, mask = (np.concatenate(each) for each in zip(*blocks, strict=True))
    return {"data": data, "variance": variance, "mask": mask, "used": tally.used, "seen": tally.seen}


def gathered(kept: Checkpoints, planes: int, total: int, combination: Combination, file: CubeFile) -> Iterator[Planes]:
    """Write the planes that are kept, in their order, and yield them; the combination hears what they are made of."""
    for number in range(-(-total // planes)):
        part = kept.read(number)
        combination.add(Tally(part["used"], part["seen"]))
        made = Planes(number * planes, part["data"], part["variance"], part["mask"])
        file.write(made.start, made.data, made.variance, made.mask != 0)
        yield made
