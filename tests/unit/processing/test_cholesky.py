"""Normal equations against numpy's and scipy's own solvers."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import nnls

from processing.science.cholesky import Equations, Factor, factorise, inverse, solve_from, solve_positive

Array = NDArray[np.float64]
SIZE = 9


def design(seed: int) -> tuple[Array, Array]:
    """Return columns of very different lengths, and what they are to sum to."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(40, SIZE)) * 10.0 ** rng.uniform(-6, 6, SIZE), rng.normal(size=40)


def new_factor() -> Factor:
    return Factor(np.zeros((SIZE, SIZE)), np.zeros(SIZE), np.ones(SIZE, dtype=np.bool_))


def test_solution_and_inverse_are_numpys() -> None:
    columns, target = design(1)
    factor, solution, inverted = new_factor(), np.zeros(SIZE), np.zeros((SIZE, SIZE))
    factorise(columns.T @ columns, factor, SIZE)
    solve_from(factor, columns.T @ target, solution, SIZE)
    inverse(factor, inverted, SIZE)
    assert solution == pytest.approx(np.linalg.lstsq(columns, target)[0], rel=1e-8)
    scale = np.sqrt(np.diag(columns.T @ columns))
    assert (inverted * scale[:, np.newaxis] * scale) == pytest.approx(
        np.linalg.inv(columns.T @ columns / scale[:, np.newaxis] / scale), rel=1e-8
    )


def test_a_column_that_repeats_another_leaves_and_an_empty_one_too() -> None:
    columns, target = design(2)
    columns[:, 5] = 3 * columns[:, 2]
    columns[:, 7] = 0
    factor, solution = new_factor(), np.zeros(SIZE)
    factorise(columns.T @ columns, factor, SIZE)
    solve_from(factor, columns.T @ target, solution, SIZE)
    assert np.flatnonzero(~factor.active).tolist() == [5, 7]
    kept = [0, 1, 2, 3, 4, 6, 8]
    assert solution[kept] == pytest.approx(np.linalg.lstsq(columns[:, kept], target)[0], rel=1e-6)
    assert solution[[5, 7]].tolist() == [0, 0]


@pytest.mark.parametrize("seed", range(20))
def test_what_must_not_be_negative_is_not_and_fits_as_well_as_can_be(seed: int) -> None:
    columns, target = design(seed)
    columns /= np.linalg.norm(columns, axis=0)
    free, solution = 3, np.zeros(SIZE)
    equations = Equations(columns.T @ columns, columns.T @ target)
    solve_positive(equations, new_factor(), solution, np.ones(SIZE, dtype=np.bool_), free, SIZE)
    # scipy has no free unknowns, so each is the difference of two positive ones
    split = np.hstack((columns, -columns[:, :free]))
    expected = nnls(split, target)[0]
    expected[:free] -= expected[SIZE:]
    assert (solution[free:] >= 0).all()
    assert solution == pytest.approx(expected[:SIZE], abs=1e-8)
