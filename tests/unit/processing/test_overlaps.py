"""How exposures differ where they overlap, against differences that were put in."""

import numpy as np
import pytest
from numpy.typing import NDArray

from processing.science.mosaic import Footprint
from processing.science.overlaps import Overlap, Overlaps

Floats = NDArray[np.float32]

PLACES = [Footprint(0, 0, 100, 80), Footprint(60, 10, 100, 80), Footprint(500, 0, 10, 10)]
REGION = 40 * 70


def compared(*, shift: float = 0.0, noise: float = 1.0, planes: int = 10, holes: float = 0.0) -> Overlap:
    """Compare two exposures of variance 1, whose noise may be another and of which one is too bright."""
    rng = np.random.default_rng(1)
    overlaps = Overlaps(PLACES)
    assert overlaps.pairs == ((0, 1),)
    for _ in range(planes):
        values = [rng.normal(5, noise, (80, 100)).astype(np.float32) for _ in range(2)]
        values[0] += np.float32(shift)
        values[1][rng.random((80, 100)) < holes] = np.nan
        one, other = ((each, np.ones_like(each)) for each in values)
        overlaps.add((0, 1), one, other)
    (found,) = overlaps.results()
    return found


def test_exposures_that_differ_by_their_noise_alone_scatter_by_one() -> None:
    found = compared()
    assert (found.first, found.second, found.values) == (0, 1, 10 * REGION)
    assert found.median == pytest.approx(0, abs=0.02)
    assert found.scatter == pytest.approx(1, abs=0.02)


def test_noise_that_variances_do_not_tell_of_shows() -> None:
    assert compared(noise=1.3).scatter == pytest.approx(1.3, abs=0.03)


def test_a_step_between_exposures_shows_in_sigmas() -> None:
    assert compared(shift=2.0).median == pytest.approx(2 / np.sqrt(2), abs=0.02)
    assert compared(shift=-2.0).median == pytest.approx(-2 / np.sqrt(2), abs=0.02)


def test_holes_are_not_compared_and_outliers_move_nothing() -> None:
    found = compared(holes=0.25)
    assert found.values == pytest.approx(7.5 * REGION, rel=0.03)
    assert found.scatter == pytest.approx(1, abs=0.02)


def test_values_that_lie_far_away_are_counted_where_the_histogram_ends() -> None:
    overlaps = Overlaps(PLACES[:1] * 2)
    one, other = np.full((80, 100), 1e6, np.float32), np.zeros((80, 100), np.float32)
    overlaps.add((0, 1), (one, np.ones_like(one)), (other, np.ones_like(other)))
    (found,) = overlaps.results()
    assert found.median == pytest.approx(10, abs=0.01)


def test_exposures_without_a_value_in_common_are_no_pair() -> None:
    overlaps = Overlaps(PLACES)
    nothing = np.full((80, 100), np.nan, np.float32)
    overlaps.add((0, 1), (nothing, nothing), (nothing, nothing))
    assert overlaps.results() == ()
