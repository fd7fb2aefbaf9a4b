"""What goes into the loops of ``mosaic_loop`` and what comes out: named arrays, in a file that needs no compiler."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["BY_EXPOSURE_TIME", "BY_NOTHING", "BY_VARIANCE", "Made", "Part", "Rule", "Stack"]

Floats = NDArray[np.float32]
Array = NDArray[np.float64]
Ints = NDArray[np.int64]

BY_NOTHING: Final = 0
BY_EXPOSURE_TIME: Final = 1
BY_VARIANCE: Final = 2


class Stack(NamedTuple):
    """Some planes of all exposures, one exposure after the other, in two flat arrays.

    Spaxel (y, x) of the mosaic in plane ``p`` of exposure ``e`` is at ``start[e] * depth + (p * rows[e] + y - y0[e])
    * columns[e] + x - x0[e]``.
    """

    data: Floats
    variance: Floats
    depth: int
    start: Ints
    x0: Ints
    y0: Ints
    columns: Ints
    rows: Ints
    seconds: Array


class Rule(NamedTuple):
    """How values are weighted and clipped, as ``mosaic.Weighting`` and ``mosaic.Clipping`` say."""

    weighting: int
    rounds: int
    limit: float
    least: int
    noise: float


class Made(NamedTuple):
    """What becomes of them: planes of shape (depth, ny, nx), and for each exposure where and when it was of use.

    ``planes_used`` counts, for the spaxels of all exposures one after the other, the planes in which a value survived;
    ``present`` is true for the exposures and planes in which any did, shape (exposures, depth).
    """

    data: Floats
    variance: Floats
    mask: NDArray[np.uint8]
    planes_used: NDArray[np.uint16]
    present: NDArray[np.bool_]


class Part(NamedTuple):
    """What one thread does: rows ``first`` to before ``last``, in so many planes."""

    planes: int
    first: int
    last: int
