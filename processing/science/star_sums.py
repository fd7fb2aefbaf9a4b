"""The sums over pixels of the stellar fits: normal equations, residuals, derivatives.  Compiled.

Everything here is over the noise.  Polynomials come as an orthonormal basis (p, n), whose part in anything is taken
out by a product.  The loops are written out, rather than left to a library of linear algebra, whose threads would
stand in each other's way wherever there is a process for every core.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.cholesky import Equations, Factor, to_half
from processing.science.compiled import compiled

__all__ = [
    "dot",
    "explained",
    "fill_equations",
    "fill_hessian",
    "leave_residual",
    "orthonormalise",
    "subtract_model",
    "unmix",
]

Array = NDArray[np.float64]

LEAST: Final = 1e-10
"""Share of a polynomial's length that must be its own: on few pixels high orders are sums of low ones."""


@compiled
def dot(one: Array, other: Array) -> float:
    """Return the sum of products."""
    total = 0.0
    for k in range(one.size):
        total += one[k] * other[k]
    return total


@compiled
def take_out(vector: Array, along: Array, share: float) -> None:
    """Subtract a share of one vector from another."""
    for k in range(vector.size):
        vector[k] -= share * along[k]


@compiled
def orthonormalise(basis: Array, mixing: Array) -> None:
    """Make rows (p, n) orthonormal, ``mixing`` (p, p) their upper triangle; a row that is none of its own becomes 0.

    Gram and Schmidt's method, twice, which leaves nothing to be desired.
    """
    for row in range(basis.shape[0]):
        whole = math.sqrt(dot(basis[row], basis[row]))
        for _ in range(2):
            for before in range(row):
                share = dot(basis[row], basis[before])
                take_out(basis[row], basis[before], share)
                mixing[before, row] += share
        length = math.sqrt(dot(basis[row], basis[row]))
        own = length > LEAST * whole
        mixing[row, row] = length if own else 0.0
        for k in range(basis.shape[1]):
            basis[row, k] = basis[row, k] / length if own else 0.0


@compiled
def leave_residual(basis: Array, along: Array, left: Array) -> None:
    """Move what lies along a basis from a vector (n) to its coordinates (p)."""
    for row in range(basis.shape[0]):
        along[row] = dot(basis[row], left)
    for row in range(basis.shape[0]):
        take_out(left, basis[row], along[row])


@compiled
def unmix(mixing: Array, along: Array, coefficients: Array) -> None:
    """Turn coordinates along the orthonormal basis into those of the rows that it was made of."""
    for row in range(along.size - 1, -1, -1):
        value = along[row]
        for k in range(row + 1, along.size):
            value -= mixing[row, k] * coefficients[k]
        coefficients[row] = value / mixing[row, row] if mixing[row, row] > 0 else 0.0


@compiled
def explained(column: Array, basis: Array, left: Array) -> float:
    """Return by how much a column (n) with a weight above zero lowers chi2, as good as nothing if it cannot."""
    along, own = dot(column, left), dot(column, column)
    for row in range(basis.shape[0]):
        own -= dot(basis[row], column) ** 2
    return along * abs(along) / own if own > 0 else 0.0


@compiled
def fill_equations(columns: Array, basis: Array, left: Array, shadow: Array, equations: Equations) -> None:
    """Fill the normal equations of columns (k, n) without their parts along the basis, ``shadow`` (k, p)."""
    for row in range(columns.shape[0]):
        for axis in range(basis.shape[0]):
            shadow[row, axis] = dot(columns[row], basis[axis])
        equations.vector[row] = dot(columns[row], left)
        for other in range(row + 1):
            value = dot(columns[row], columns[other]) - dot(shadow[row], shadow[other])
            equations.matrix[row, other] = equations.matrix[other, row] = value


@compiled
def subtract_model(columns: Array, basis: Array, shadow: Array, weights: Array, residual: Array) -> float:
    """Subtract from a residual (n) what the weights make of the columns; return its square."""
    for row in range(weights.size):
        if weights[row] != 0:
            take_out(residual, columns[row], weights[row])
            for axis in range(basis.shape[0]):
                take_out(residual, basis[axis], -weights[row] * shadow[row, axis])
    return dot(residual, residual)


@compiled
def fill_hessian(slopes: Array, columns: Array, basis: Array, shadow: Array, factor: Factor, hessian: Array) -> None:
    """Fill the products of slopes (m, n) without their parts along the basis and the active columns."""
    count = columns.shape[0]
    parts, halves = np.zeros((slopes.shape[0], basis.shape[0])), np.zeros((slopes.shape[0], count))
    mixed = np.zeros(count)
    for row in range(slopes.shape[0]):
        for axis in range(basis.shape[0]):
            parts[row, axis] = dot(slopes[row], basis[axis])
        for column in range(count):
            if factor.active[column]:
                mixed[column] = dot(slopes[row], columns[column]) - dot(parts[row], shadow[column])
        to_half(factor, mixed, halves[row], count)
        for other in range(row + 1):
            value = dot(slopes[row], slopes[other]) - dot(parts[row], parts[other]) - dot(halves[row], halves[other])
            hessian[row, other] = hessian[other, row] = value
