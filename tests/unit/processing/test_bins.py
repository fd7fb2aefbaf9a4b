"""Spaxels are put together until their bin has the signal to noise that was asked for, and no further."""

import numpy as np
import pytest
from numpy.typing import NDArray

from processing.science.bins import FAINT, NOTHING, Binning, Bins, bin_spaxels, nearest_bin
from processing.science.shared_noise import SumNoise

Array = NDArray[np.float64]


def disk(side: int = 60, centre: float = 40.0) -> tuple[Array, Array]:
    y, x = np.indices((side, side), dtype=np.float64)
    signal = centre * np.exp(-np.hypot(x - side / 2, y - side / 2) / (side / 5))
    return signal, np.ones_like(signal)


def ratio(bins: Bins, signal: Array, noise: Array, number: int) -> float:
    within = bins.number == number
    return float(signal[within].sum() / np.sqrt((noise[within] ** 2).sum()))


def test_bins_reach_what_was_asked_for_and_are_numbered_without_gaps() -> None:
    signal, noise = disk()
    bins = bin_spaxels(signal, noise, Binning(35.0, least=1))
    assert np.median(bins.signal_to_noise[bins.spaxels > 1]) == pytest.approx(35, rel=0.06)
    assert set(np.unique(bins.number[bins.number >= 0])) == set(range(len(bins)))
    assert bins.spaxels.sum() == (bins.number >= 0).sum()
    for number in (0, len(bins) // 2, len(bins) - 1):
        assert bins.signal_to_noise[number] == pytest.approx(ratio(bins, signal, noise, number))
    bright = signal > 35
    assert bright.any()
    assert (bins.spaxels[bins.number[bright]] == 1).all()


def test_noise_that_neighbours_share_makes_bins_larger() -> None:
    signal, noise = disk()
    alone = bin_spaxels(signal, noise, Binning(35.0, least=1))
    shared = SumNoise.of_drops(0.8)
    together = bin_spaxels(signal, noise, Binning(35.0, least=1), shared)
    assert len(together) < 0.8 * len(alone)
    assert np.median(together.signal_to_noise[together.spaxels > 1]) == pytest.approx(35, rel=0.06)
    number = int(np.argmax(together.spaxels))
    factor = float(np.sqrt(shared.squared(np.zeros(1, dtype=np.intp), int(together.spaxels[number])))[0])
    assert 1.2 < factor < 1.4
    assert together.signal_to_noise[number] == pytest.approx(ratio(together, signal, noise, number) / factor)


def test_where_neighbours_share_more_bins_are_larger() -> None:
    signal, noise = disk()
    kind = np.zeros(signal.shape, dtype=np.int16)
    kind[:, 30:] = 1
    shared = SumNoise(np.array([1.0, 3.0, 60.0]), np.array([[1.0, 1.0, 1.0], [1.0, 1.5, 1.5]]), kind)
    bins = bin_spaxels(signal, noise, Binning(35.0, least=1), shared)
    several = bins.spaxels >= 9
    left, right = (several & (bins.x < 27), several & (bins.x > 33))
    assert np.median(bins.signal_to_noise[left]) == pytest.approx(35, rel=0.1)
    assert np.median(bins.signal_to_noise[right]) == pytest.approx(35, rel=0.1)
    number = int(np.flatnonzero(right)[0])
    assert bins.signal_to_noise[number] == pytest.approx(ratio(bins, signal, noise, number) / 1.5)
    number = int(np.flatnonzero(left)[0])
    assert bins.signal_to_noise[number] == pytest.approx(ratio(bins, signal, noise, number))
    assert (bins.x > 33).sum() < 0.8 * (bins.x < 27).sum()


def test_a_faint_field_gets_its_bins_at_a_lower_signal_to_noise() -> None:
    signal, noise = disk(centre=8.0)
    bins = bin_spaxels(signal, noise, Binning(35.0, least=40))
    assert 8 < bins.target < 35
    assert 25 < len(bins) < 60


def test_what_is_too_faint_is_in_no_bin_and_has_the_nearest_one() -> None:
    signal, noise = disk()
    signal[:5] = np.nan
    bins = bin_spaxels(signal, noise, Binning(35.0, least=1, lowest=3.0))
    assert (bins.number[:5] == NOTHING).all()
    assert (bins.nearest[:5] == NOTHING).all()
    faint = bins.number == FAINT
    assert faint.any()
    assert (signal[faint] < 3).all()
    assert (bins.nearest[faint] >= 0).all()
    lost = np.ones(len(bins), dtype=np.bool_)
    lost[bins.number[30, 30]] = False
    again = nearest_bin(bins.number, lost)
    assert again[30, 30] not in {bins.number[30, 30], FAINT, NOTHING}


def test_one_spaxel_is_one_bin_and_what_never_reaches_it_too() -> None:
    one = bin_spaxels(np.array([[5.0]]), np.array([[1.0]]))
    assert (len(one), one.number.tolist(), one.signal_to_noise.tolist()) == (1, [[0]], [5.0])
    signal, noise = disk(10, centre=1.5)
    whole = bin_spaxels(signal, noise, Binning(35.0, least=1, lowest_target=35.0))
    assert len(whole) == 1
    assert whole.signal_to_noise[0] < 35


def test_a_strip_in_which_no_round_bin_reaches_it_is_one_bin() -> None:
    assert len(bin_spaxels(np.full((50, 1), 3.0), np.ones((50, 1)))) == 1


@pytest.mark.parametrize(("side", "bright"), [(5, 9.0), (6, 20.0), (12, 60.0), (30, 40.0)])
def test_where_every_spaxel_is_bright_enough_each_is_a_bin(side: int, bright: float) -> None:
    signal = np.full((side, side), bright)
    bins = bin_spaxels(signal, np.ones_like(signal))
    assert bins.number.tolist() == np.arange(side * side).reshape(side, side).tolist()
    assert (bins.signal_to_noise == bright).all()


@pytest.mark.parametrize("noise", [0.0, np.nan, -1.0])
def test_nothing_gives_no_bins(noise: float) -> None:
    bins = bin_spaxels(np.full((4, 5), 3.0), np.full((4, 5), noise))
    assert len(bins) == 0
    assert (bins.number == NOTHING).all()
    assert (bins.nearest == NOTHING).all()


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="signal has shape"):
        bin_spaxels(np.ones((2, 2)), np.ones((2, 3)))
    with pytest.raises(ValueError, match="above 0"):
        Binning(0.0)
