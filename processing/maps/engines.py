"""Which program does the fits, and the few that both do, so that their agreement is known of every product."""

from enum import StrEnum
from importlib.util import find_spec
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Engine", "drawn", "has_ppxf"]

SHARE: Final = 1e-3
"""Of the fits, that are done by both; one of a tile at least."""


class Engine(StrEnum):
    """``batch`` is our own, ``ppxf`` the reference."""

    BATCH = "batch"
    PPXF = "ppxf"


def has_ppxf() -> bool:
    """Tell whether the reference is installed: it is free for non-commercial use only, so it may not be."""
    return find_spec("ppxf") is not None


def drawn(count: int, tile: int) -> NDArray[np.int64]:
    """Return which of a tile's fits are done by both: at random, but the same whenever the tile is computed."""
    size = min(count, max(1, round(SHARE * count)))
    return np.sort(np.random.default_rng(tile).choice(count, size=size, replace=False))
