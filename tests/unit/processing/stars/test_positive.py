"""Least squares without negative unknowns, against scipy's."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import nnls

from processing.science.cholesky import Equations, Factor
from processing.science.positive import improve

Array = NDArray[np.float64]


def solved(columns: Array, values: Array, guess: Array) -> tuple[Array, Factor]:
    size = columns.shape[1]
    equations = Equations(columns.T @ columns, columns.T @ values)
    factor = Factor(np.zeros((size, size)), np.zeros(size), np.zeros(size, dtype=np.bool_))
    solution = guess.copy()
    improve(equations, factor, solution)
    return solution, factor


@pytest.mark.parametrize("seed", range(20))
def test_scipy_finds_the_same_from_any_guess(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(60, 12)) + 0.5
    values = columns @ np.maximum(rng.normal(size=12), 0) + rng.normal(size=60)
    expected, _ = nnls(columns, values)
    for guess in (np.zeros(12), np.ones(12), np.maximum(rng.normal(size=12), 0)):
        found, factor = solved(columns, values, guess)
        assert found == pytest.approx(expected, abs=1e-5)
        assert (factor.active == (found > 0)).all()


def test_columns_that_are_one_another_s_sums_do_not_stop_it() -> None:
    rng = np.random.default_rng(1)
    columns = np.abs(rng.normal(size=(40, 5)))
    columns = np.column_stack((columns, columns[:, 0], columns[:, 1] + columns[:, 2], np.zeros(40)))
    values = columns @ np.array([1, 2, 0, 0, 3, 0, 1, 5.0])
    found, _ = solved(columns, values, np.ones(8))
    assert (found >= 0).all()
    assert columns @ found == pytest.approx(values, rel=1e-4)


def test_nothing_is_the_answer_where_all_would_be_negative() -> None:
    columns = np.abs(np.random.default_rng(2).normal(size=(30, 4)))
    found, factor = solved(columns, -columns.sum(axis=1), np.ones(4))
    assert (found == 0).all()
    assert not factor.active.any()
