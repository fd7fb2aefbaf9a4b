"""Cubes tell by what the errors of their fits are to grow, each in its own words."""

import pytest
from astropy.io import fits

from processing.maps.spectral_noise import spectral_noise
from processing.mosaic_cards import PREFIX, combination_cards
from processing.science.drizzle_noise import Drops
from processing.science.mosaic import Clipping, Weighting


def mosaic(along_wavelength: float) -> fits.Header:
    return combination_cards(next(iter(Weighting)), Clipping(3, 5.0, 3), Drops(0.8, along_wavelength))


def test_a_mosaic_and_a_homogenised_one_of_the_same_drops_tell_the_same() -> None:
    native = mosaic(0.8)
    copt = fits.Header(
        {f"{PREFIX} NOISE PLANE": 3.2, f"{PREFIX} NOISE LONG": 3.2 * Drops(0.8, 0.8).spectral_sum_factor}
    )
    assert spectral_noise(native) == pytest.approx(1.136, abs=0.001)
    assert spectral_noise(copt) == pytest.approx(spectral_noise(native), abs=1e-4)


def test_smaller_drops_share_less_and_what_is_not_told_is_nothing() -> None:
    assert spectral_noise(mosaic(0.2)) == pytest.approx(1.0, abs=0.03)
    assert spectral_noise(fits.Header()) == 1.0
