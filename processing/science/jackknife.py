"""Weighted linear least squares, and errors by leaving out each block of the data in turn.

Pure.  Blocks, not points, are taken as independent: noise that is correlated within them is counted for what it is.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["covariance_without_each", "solve"]

Array = NDArray[np.float64]

RIDGE: Final = 1e-10
"""Added to the diagonal of the scaled normal equations: unknowns that the data cannot tell apart share the value."""


def solve(design: Array, values: Array, weights: Array) -> Array:
    """Return the unknowns, shape (m), with the least sum(weights (values - design @ unknowns)^2).

    Parameters
    ----------
    design
        Shape (n, m).
    values, weights
        Shape (n).
    """
    weighted = design * weights[:, None]
    scale = _scale(np.einsum("ij,ij->j", weighted, design))
    normal = (weighted.T @ design) / np.outer(scale, scale) + RIDGE * np.eye(scale.size)
    found: Array = np.linalg.solve(normal, (weighted.T @ values) / scale) / scale
    return found


def covariance_without_each(blocks: NDArray[np.intp], design: Array, residuals: Array, weights: Array) -> Array:
    """Return the jackknife's covariance of the unknowns, shape (m, m), about a solution already found.

    Parameters
    ----------
    blocks
        The number of each point's block, shape (n), not negative.
    design, residuals, weights
        As in ``solve``, residuals at the solution.

    Notes
    -----
    Leaving out block k moves the solution by -(N - N_k)^-1 g_k, N the normal matrix and g_k the block's share of its
    right-hand side: no fit is done again.  The sum of the squares of these moves is the covariance.
    """
    weighted = design * weights[:, None]
    scale = _scale(np.einsum("ij,ij->j", weighted, design))
    scaled, weighted = design / scale, weighted / scale
    order = np.argsort(blocks, kind="stable")
    starts = np.flatnonzero(np.diff(blocks[order], prepend=-1))
    scaled, weighted = scaled[order], weighted[order]
    pulls = np.add.reduceat(weighted * residuals[order][:, None], starts, axis=0)
    stops = np.append(starts[1:], len(order))
    shares = np.array([weighted[start:stop].T @ scaled[start:stop] for start, stop in zip(starts, stops, strict=True)])
    rest = shares.sum(axis=0) - shares + RIDGE * np.eye(scale.size)
    moves = np.linalg.solve(rest, pulls[:, :, None])[:, :, 0]
    covariance: Array = (moves.T @ moves) / np.outer(scale, scale)
    return covariance


def _scale(squares: Array) -> Array:
    return np.sqrt(np.where(squares > 0, squares, 1.0))
