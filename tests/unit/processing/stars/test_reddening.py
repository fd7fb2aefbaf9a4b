"""The dust before the stars is found, whatever the noise and the motions."""

from dataclasses import replace

import numpy as np
import pytest

from processing.science.reddening import attenuation, stellar_reddening
from processing.science.stars import fit_stars
from tests.support import star_spectra


def test_the_law_has_the_values_that_were_published() -> None:
    assert attenuation(np.array([5500.0])) == pytest.approx(4.05, abs=0.02)  # A(V) is Rv times E(B-V)
    assert attenuation(np.array([6299.9, 6300.1])) == pytest.approx(attenuation(np.array([6300.0, 6300.0])), rel=0.01)
    assert (np.diff(attenuation(np.linspace(4000.0, 9000.0, 50))) < 0).all()


def test_known_dust_is_found_again() -> None:
    spectra, truth = star_spectra.simulate(6, seed=3, sn=60)
    library = star_spectra.library()
    clean = replace(spectra, flux=truth.continuum + (spectra.flux - truth.light))  # without the light that is no star's
    fits = fit_stars(clean, library)
    without = stellar_reddening(clean, library, fits)
    dimmed = 10 ** (-0.4 * 0.3 * attenuation(spectra.at_rest))
    dusty = replace(clean, flux=clean.flux * dimmed, variance=clean.variance * dimmed**2)
    found = stellar_reddening(dusty, library, fits)
    assert np.median(found - without) == pytest.approx(0.3, abs=0.06)
    assert np.median(without) < 0.15


def test_where_there_are_no_stars_there_is_no_dust_told() -> None:
    spectra, _ = star_spectra.simulate(2, seed=3)
    nothing = replace(spectra, flux=np.full(spectra.flux.shape, np.nan))
    fits = fit_stars(nothing, star_spectra.library())
    assert np.isnan(stellar_reddening(nothing, star_spectra.library(), fits)).all()
