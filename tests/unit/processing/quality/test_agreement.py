"""How exposures agree by wavelength, from pairs whose differences are known."""

import numpy as np
import pytest

from processing.science.mosaic import Footprint
from processing.science.overlaps import Overlap, Overlaps
from processing.science.quality.agreement import agreement, is_same_field, pairs
from processing.science.quality.typical import Window

PLACES = [Footprint(0, 0, 60, 60), Footprint(2, 3, 60, 60), Footprint(50, 0, 60, 60)]
BLUE, RED = Window(5000, 5200), Window(5200, 5400)


def compared(bias: float, noise: float, seed: int) -> tuple[Overlap, ...]:
    """Compare the exposures of a window, of which the third is too bright by ``bias`` sigmas of a difference."""
    rng = np.random.default_rng(seed)
    overlaps = Overlaps(PLACES)
    for _ in range(5):
        planes = [rng.normal(7, noise, (60, 60)).astype(np.float32) for _ in PLACES]
        planes[2] += np.float32(bias * np.sqrt(2))
        for one, other in overlaps.pairs:
            overlaps.add((one, other), *((planes[n], np.ones((60, 60), np.float32)) for n in (one, other)))
    return overlaps.results()


WINDOWS = {BLUE: compared(0.4, 1.12, 1), RED: compared(0.2, 1.0, 2)}


def test_neighbours_and_exposures_of_one_field_are_told_apart() -> None:
    assert is_same_field(PLACES[0], PLACES[1])
    assert not is_same_field(PLACES[0], PLACES[2])
    assert not is_same_field(PLACES[0], Footprint(500, 0, 60, 60))


def test_a_window_tells_the_bias_and_the_scatter_of_its_pairs() -> None:
    blue, red = agreement(WINDOWS, PLACES, same_field=False)
    assert (blue.window, red.window) == (BLUE, RED)
    assert (blue.bias.n, blue.voxels) == (2, 5 * (10 * 60 + 12 * 57))
    assert blue.bias.median == pytest.approx(0.4, abs=0.04)
    assert blue.most_bias >= blue.bias.median
    assert blue.scatter.median == pytest.approx(1.12, abs=0.03)
    assert blue.wide.median == pytest.approx(2 * 1.12, abs=0.1)
    assert blue.widest.median == pytest.approx(3 * 1.12, abs=0.3)
    assert red.bias.median == pytest.approx(0.2, abs=0.04)
    assert red.scatter.median == pytest.approx(1.0, abs=0.03)


def test_exposures_of_one_field_agree_where_only_a_neighbour_is_too_bright() -> None:
    for window in agreement(WINDOWS, PLACES, same_field=True):
        assert window.bias.n == 1
        assert window.bias.median < 0.03


def test_pairs_keep_their_sign_over_all_wavelengths() -> None:
    found = pairs(WINDOWS, PLACES, same_field=False)
    assert [(one.first, one.second) for one in found] == [(0, 2), (1, 2)]
    for one in found:
        assert one.bias.median == pytest.approx(-0.3, abs=0.04)
        assert one.bias.n == 2


def test_pairs_that_share_too_little_tell_nothing() -> None:
    few = {BLUE: (Overlap(0, 2, 50, 3.0, 2.0, 4.0, 6.0),)}
    assert agreement(few, PLACES, same_field=False) == ()
    assert pairs(few, PLACES, same_field=False) == ()
