"""Positions all over the sky, the same in every run."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["SKY", "Positions"]

Positions = NDArray[np.float64]


def _sky() -> Positions:
    """Return positions all over the sky, and more of them near the poles and the seam; shape (n, 2), degrees."""
    rng = np.random.default_rng(20261122)
    everywhere = np.stack([rng.uniform(0, 360, 1500), np.degrees(np.arcsin(rng.uniform(-1, 1, 1500)))], axis=1)
    poles = np.stack([rng.uniform(0, 360, 400), rng.choice([-1, 1], 400) * rng.uniform(85, 90, 400)], axis=1)
    seam = np.stack([rng.uniform(-3, 3, 400) % 360, rng.uniform(-60, 60, 400)], axis=1)
    corners = [(0, 0), (0, 90), (0, -90), (180, 0), (359.999999, 0), (90, 45), (270, -45)]
    return np.concatenate([everywhere, poles, seam, corners])


SKY: Final = _sky()
