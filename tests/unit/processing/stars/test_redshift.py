"""The velocity of a galaxy that no table tells is found in its spectrum, or none is told."""

import numpy as np
import pytest

from processing.science.errors import NoMatch
from processing.science.redshift import systemic_velocity
from tests.support import star_spectra

GRID = 4750 + 1.25 * np.arange(1900, dtype=np.float64)


@pytest.mark.parametrize("velocity", [-300.0, 1500.0, 20_000.0])
def test_a_velocity_is_found_to_some_tens(velocity: float) -> None:
    grid = GRID if velocity < 10_000 else GRID + 250
    spectra, _ = star_spectra.simulate(1, seed=2, sn=30, systemic=velocity, spread=0.0, grid=grid)
    found = systemic_velocity(grid, spectra.flux[0].astype(np.float64), spectra.good[0], star_spectra.library())
    assert found == pytest.approx(velocity, abs=60)


def test_noise_has_no_velocity() -> None:
    noise = 100 + np.random.default_rng(1).normal(size=GRID.size)
    with pytest.raises(NoMatch, match="none stands out"):
        systemic_velocity(GRID, noise, np.ones(GRID.size, dtype=np.bool_), star_spectra.library())
    with pytest.raises(NoMatch, match="no spectrum"):
        systemic_velocity(GRID, noise, np.zeros(GRID.size, dtype=np.bool_), star_spectra.library())
