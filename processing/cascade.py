"""The whole processing on one page: which task makes which products from which inputs, and what it takes.

Tasks stand in their order: what one makes is an input of those below it.  ``task`` says what the words mean, ``plan``
compares the page with what the archive holds.
"""

from typing import Final

from processing import bands, tasks
from processing.alignments import ALIGNMENTS
from processing.exposure_cubes import EXPOSURE_CUBES
from processing.field_images import FIELD_IMAGES
from processing.filters import FILTER_LIST
from processing.maps.map_task import MAPS_OF_CUBES
from processing.maps.star_task import STARS
from processing.mosaic_tasks import COPT, MOSAIC
from processing.quality_task import QUALITY
from processing.task import Task, per_gigabyte

__all__ = ["TASKS"]

TASKS: Final = (
    FIELD_IMAGES,
    ALIGNMENTS,
    EXPOSURE_CUBES,
    MOSAIC,
    COPT,
    QUALITY,
    Task(
        "band_images",
        version=tasks.BAND_IMAGES,
        takes=frozenset({"cube"}),
        makes=bands.images,
        reads={"FILTER_LIST": FILTER_LIST},
        seconds=per_gigabyte(least=0.5, rate=5.0),
        memory=bands.memory,
    ),
    STARS,
    MAPS_OF_CUBES,
)
