"""A field is cut into tiles that cover it once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.tiles import Tiling

sides = st.tuples(st.integers(1, 40), st.integers(1, 40))


@given(shape=sides, tile=sides)
def test_every_spaxel_is_in_one_tile(shape: tuple[int, int], tile: tuple[int, int]) -> None:
    tiling, times = Tiling(shape, tile), np.zeros(shape, int)
    for number in range(len(tiling)):
        rows, columns = tiling.window(number)
        assert times[rows, columns].size
        assert times[rows, columns].shape <= tile
        times[rows, columns] += 1
    assert (times == 1).all()


def test_tiles_are_numbered_row_by_row() -> None:
    tiling = Tiling((5, 7), (2, 4))
    assert len(tiling) == 6
    assert tiling.window(0) == (slice(0, 2), slice(0, 4))
    assert tiling.window(1) == (slice(0, 2), slice(4, 7))
    assert tiling.window(5) == (slice(4, 5), slice(4, 7))


@pytest.mark.parametrize("number", [-1, 6])
def test_there_is_no_tile_beyond_the_last(number: int) -> None:
    with pytest.raises(IndexError, match="of 6"):
        Tiling((5, 7), (2, 4)).window(number)
