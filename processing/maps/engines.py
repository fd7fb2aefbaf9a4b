"""Which program does the fits, and the few that both do, so that their agreement is known of every product."""

from collections.abc import Mapping
from enum import StrEnum
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archive.errors import Refused

__all__ = ["Engine", "drawn", "engine_of", "has_ppxf"]

SHARE: Final = 1e-3
"""Of the fits, that are done by both; one of a tile at least."""


class Engine(StrEnum):
    """``batch`` is our own, ``ppxf`` the reference."""

    BATCH = "batch"
    PPXF = "ppxf"


def engine_of(given: Mapping[str, Any]) -> Engine:
    """Return which engine the parameters of a task name.

    Raises
    ------
    Refused
        It is not installed, or cannot do what they ask for.
    """
    engine = Engine(given["engine"])
    if engine is Engine.PPXF and not has_ppxf():
        raise Refused("the engine ppxf is not installed: pip install 'musevault[analysis]'")
    if engine is Engine.PPXF and given["monte_carlo"]:
        raise Refused("errors by Monte Carlo are those of the engine batch: ppxf would take days for them")
    return engine


def has_ppxf() -> bool:
    """Tell whether the reference is installed: it is free for non-commercial use only, so it may not be."""
    return find_spec("ppxf") is not None


def drawn(count: int, tile: int) -> NDArray[np.int64]:
    """Return which of a tile's fits are done by both: at random, but the same whenever the tile is computed."""
    size = min(count, max(1, round(SHARE * count)))
    return np.sort(np.random.default_rng(tile).choice(count, size=size, replace=False))
