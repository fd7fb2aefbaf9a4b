"""Gas that moves otherwise than the stars is found; gas that moves with them is fitted once."""

from dataclasses import replace

import numpy as np
import pytest

from processing.science.emission import fit_tile
from processing.science.lines import LINES
from processing.science.missed_lines import fit_lines
from tests.support.line_spectra import simulate

HYDROGEN = [line.name for line in LINES].index("HA6562")


@pytest.mark.parametrize("away", [-400.0, -300.0, 300.0, 400.0])
def test_gas_far_from_the_stars_is_found_and_nothing_wrong_goes_unflagged(away: float) -> None:
    tile, truth = simulate(200, seed=3, peak=8)
    tile = replace(tile, velocity=truth.velocity - away)
    alone, (fits, begun) = fit_tile(tile), fit_lines(tile)
    lost, still = (~(np.abs(each.velocity[:, 0] - truth.velocity[:, 0]) < 40) for each in (alone, fits))
    assert lost.mean() > 0.01
    assert still.mean() < 0.01
    assert not (still & (fits.flags[:, HYDROGEN] == 0)).any()
    assert np.nanmean(fits.flux[:, HYDROGEN] / truth.flux(LINES[HYDROGEN])) == pytest.approx(1, abs=0.02)
    assert (begun.velocity != tile.velocity).any()


def test_gas_that_moves_with_the_stars_is_fitted_once() -> None:
    for peak in (0.5, 3, 30):
        tile, _ = simulate(300, seed=4, peak=peak)
        fits, begun = fit_lines(tile)
        assert begun is tile
        np.testing.assert_array_equal(fits.flux, fit_tile(tile).flux)


def test_a_cosmic_ray_is_no_line() -> None:
    tile, truth = simulate(50, seed=5, peak=5)
    pixel = int(np.searchsorted(tile.wavelength, 6562.79 * (1 + 400 / 299792.458)))
    tile.flux[:, pixel - 1 : pixel + 2] += 500
    fits, _ = fit_lines(tile)
    moved = np.abs(fits.velocity[:, 0] - truth.velocity[:, 0])
    np.testing.assert_array_equal(moved > 200, np.abs(fit_tile(tile).velocity[:, 0] - truth.velocity[:, 0]) > 200)


def test_spectra_of_nothing_stay_so() -> None:
    tile, _ = simulate(5, seed=6, peak=5)
    tile.good[:3] = False
    tile.flux[3] = np.nan
    fits, _ = fit_lines(tile)
    assert np.isnan(fits.flux[:4]).all()
    assert np.isfinite(fits.flux[4, HYDROGEN])
