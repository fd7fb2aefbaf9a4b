"""Errors by Monte Carlo are those of the fits where these hold."""

from dataclasses import replace

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


def test_noise_larger_than_the_variances_say_makes_stars_scatter_more() -> None:
    spectra, _ = star_spectra.simulate(3, seed=1)
    spectra = replace(spectra, variance=spectra.variance / 2.25)
    settings, library = StarSettings(), star_spectra.library()
    fits = fit_stars(spectra, library, settings)
    assert np.median(fits.chi2) > 1.8
    again = stars_with_scatter(spectra, library, fits, settings, realisations=50, seed=2)
    assert np.median(again.velocity_error / fits.velocity_error) == pytest.approx(1, abs=0.25)


def test_a_flux_that_was_not_found_keeps_its_limit() -> None:
    tile, _ = line_spectra.simulate(60, seed=3, peak=0.5)
    fits = fit_tile(tile)
    limits = np.isnan(fits.flux) & np.isfinite(fits.flux_error)
    assert limits.any()
    again = lines_with_scatter(tile, fits, FitSettings(), realisations=4, seed=2)
    np.testing.assert_array_equal(again.flux_error[limits], fits.flux_error[limits])


def test_one_realisation_is_none() -> None:
    tile, _ = line_spectra.simulate(1, seed=1, peak=15.0)
    with pytest.raises(ValueError, match="does not scatter"):
        lines_with_scatter(tile, fit_tile(tile), FitSettings(), realisations=1, seed=0)
