"""Errors by Monte Carlo are those of the fits where these hold."""

import numpy as np
import pytest

from processing.science.emission import FitSettings, fit_tile
from processing.science.monte_carlo import lines_with_scatter, stars_with_scatter
from processing.science.stars import StarSettings, fit_stars
from tests.support import line_spectra, star_spectra


def test_lines_scatter_as_their_errors_say() -> None:
    tile, _ = line_spectra.simulate(6, seed=1, peak=15.0)
    settings = FitSettings()
    fits = fit_tile(tile, settings)
    again = lines_with_scatter(tile, fits, settings, realisations=60, seed=2)
    for name in ("flux_error", "velocity_error", "sigma_error", "observed_sigma_error"):
        ratio = getattr(again, name) / getattr(fits, name)
        assert np.nanmedian(ratio) == pytest.approx(1, abs=0.1), name
    assert (again.flux[np.isfinite(fits.flux)] == fits.flux[np.isfinite(fits.flux)]).all()


def test_stars_scatter_as_their_errors_say() -> None:
    spectra, _ = star_spectra.simulate(3, seed=1)
    settings, library = StarSettings(scaled_errors=False), star_spectra.library()
    fits = fit_stars(spectra, library, settings)
    again = stars_with_scatter(spectra, library, fits, settings, realisations=50, seed=2)
    for name in ("velocity_error", "sigma_error"):
        assert np.median(getattr(again, name) / getattr(fits, name)) == pytest.approx(1, abs=0.25), name


def test_one_realisation_is_none() -> None:
    tile, _ = line_spectra.simulate(1, seed=1, peak=15.0)
    with pytest.raises(ValueError, match="does not scatter"):
        lines_with_scatter(tile, fit_tile(tile), FitSettings(), realisations=1, seed=0)
