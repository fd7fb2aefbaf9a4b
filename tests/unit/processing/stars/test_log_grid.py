"""Spectra on logarithmic steps: values, weights and what a right model is expected to leave."""

import numpy as np
import pytest

from processing.science.log_grid import NOISE_LEFT, LogGrid
from processing.science.lsf import SPEED_OF_LIGHT
from tests.support.line_spectra import GRID, instrument_width, line_profile


def test_the_steps_are_even_and_as_fine_as_the_finest_pixel() -> None:
    grid = LogGrid.over(GRID)
    assert grid.velocity_scale == pytest.approx(SPEED_OF_LIGHT * 1.25 / GRID[-1], rel=1e-3)
    assert np.diff(np.log(grid.middles)) * SPEED_OF_LIGHT == pytest.approx(grid.velocity_scale)
    assert grid.middles[0] == GRID[0]
    assert GRID[-1] - 1.5 < grid.middles[-1] <= GRID[-1] * (1 + 1e-9)


def test_more_places_go_on_evenly() -> None:
    grid = LogGrid.over(GRID, 60.0)
    wide = grid.extended(7)
    assert wide.middles[7:-7] == pytest.approx(grid.middles)
    assert np.diff(np.log(wide.middles)) * SPEED_OF_LIGHT == pytest.approx(60.0)


@pytest.mark.parametrize("sigma", [15.0, 45.0])
@pytest.mark.parametrize("middle", [5006.84, 6562.79])
def test_lines_keep_their_shape(middle: float, sigma: float) -> None:
    width = np.hypot(instrument_width(np.array([middle])), sigma / SPEED_OF_LIGHT * middle)
    (profile,) = line_profile(GRID, np.array([middle]), width)
    grid = LogGrid.over(GRID)
    true = np.array(
        [line_profile(np.array([at - 1.25, at, at + 1.25]), np.array([middle]), width)[0, 1] for at in grid.middles]
    )
    assert np.abs(grid.values(GRID, profile) - true).max() < 0.01 * true.max()


def test_a_pixel_weighs_what_it_did() -> None:
    grid = LogGrid.over(GRID)
    ones = np.ones(GRID.size)
    log = grid.spectrum(GRID, ones, ones * 4, np.ones(GRID.size, dtype=np.bool_))
    for low, high in ((4900, 5400), (6400, 7000)):
        places = (grid.middles > low) & (grid.middles < high)
        weight = (1 / (log.noise[places] * log.unit) ** 2).sum()
        assert weight == pytest.approx((high - low) / 1.25 / 4, rel=0.01)


def test_white_noise_leaves_the_chi2_that_is_expected() -> None:
    grid, rng = LogGrid.over(GRID), np.random.default_rng(1)
    good = np.ones(GRID.size, dtype=np.bool_)
    chi2 = []
    for _ in range(20):
        log = grid.spectrum(GRID, 100 + rng.normal(size=GRID.size), np.ones(GRID.size), good)
        chi2.append(float((((log.flux * log.unit - 100) / (log.noise * log.unit)) ** 2).mean()) / log.expected)
    assert np.mean(chi2) == pytest.approx(1, abs=0.02)
    assert NOISE_LEFT < 1


def test_bad_pixels_are_bridged_and_told() -> None:
    grid, flux = LogGrid.over(GRID), GRID.copy()
    good = np.ones(GRID.size, dtype=np.bool_)
    flux[500:510], good[900:905] = np.nan, False
    log = grid.spectrum(GRID, flux, np.ones(GRID.size), good)
    assert log.flux * log.unit == pytest.approx(grid.middles, rel=1e-6)
    left_out = np.setdiff1d(np.arange(grid.middles.size), log.good)
    for first, last in ((500, 509), (900, 904)):
        within = (grid.middles > GRID[first]) & (grid.middles < GRID[last])
        assert np.isin(np.flatnonzero(within), left_out).all()
    assert left_out.size < 30


def test_a_spectrum_of_nothing_has_no_good_place() -> None:
    grid = LogGrid.over(GRID)
    for flux, good in ((np.full(GRID.size, np.nan), True), (np.ones(GRID.size), False)):
        log = grid.spectrum(GRID, flux, np.ones(GRID.size), np.full(GRID.size, good))
        assert log.good.size == 0
        assert np.isfinite(log.flux).all()
        assert (log.noise > 0).all()
