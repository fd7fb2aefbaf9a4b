"""Fits by pPXF have the values and flags that our own have, so that the same maps and pictures are made of them."""

from dataclasses import replace

import numpy as np
import pytest

from processing.science.emission import FitSettings, fit_tile
from processing.science.fit_flags import FitFlag
from processing.science.line_model import line_model
from processing.science.lines import LINES
from processing.science.reference_fits import lines_by_ppxf, stars_by_ppxf
from processing.science.star_flags import StarFlag
from processing.science.stars import StarSettings, fit_stars
from tests.support import line_spectra, star_spectra

pytest.importorskip("ppxf")

SETTINGS = FitSettings()
CLEAR = [number for number, line in enumerate(LINES) if line.published]


@pytest.mark.parametrize("peak", [0.5, 3.0, 30.0])
def test_both_engines_raise_the_same_flags(peak: float) -> None:
    tile, _ = line_spectra.simulate(12, seed=1, peak=peak)
    ours, theirs = fit_tile(tile), lines_by_ppxf(tile, SETTINGS)
    same = 0.97 if peak > 20 else 0.85
    for flag in (FitFlag.NO_DATA, FitFlag.MASKED_WINGS, FitFlag.LOW_AN, FitFlag.FLUX_AT_ZERO, FitFlag.SIGMA_AT_ZERO):
        mine, other = (each.flags[:, CLEAR] & np.uint16(flag) != 0 for each in (ours, theirs))
        assert (mine == other).mean() >= same, flag
    known = np.isfinite(ours.flux[:, CLEAR])
    assert (known == np.isfinite(theirs.flux[:, CLEAR])).mean() >= same


def test_no_value_stays_where_the_fit_did_not_hold() -> None:
    tile, _ = line_spectra.simulate(15, seed=2, peak=0.7)
    fits = lines_by_ppxf(tile, SETTINGS)
    assert not (fits.flux == 0).any()
    at_zero = fits.flags & FitFlag.FLUX_AT_ZERO != 0
    assert at_zero.any()
    assert np.isnan(fits.flux[at_zero]).all()
    group_at_zero = fits.group_flags & FitFlag.SIGMA_AT_ZERO != 0
    assert np.isnan(fits.sigma[group_at_zero]).all()
    assert np.nanmin(fits.sigma) > 1


def test_peaks_and_spectra_are_those_of_our_own_fits() -> None:
    tile, truth = line_spectra.simulate(6, seed=3, peak=20)
    ours, theirs = fit_tile(tile), lines_by_ppxf(tile, SETTINGS)
    ratio = theirs.amplitude_to_noise[:, CLEAR] / ours.amplitude_to_noise[:, CLEAR]
    assert np.nanmedian(ratio) == pytest.approx(1, abs=0.02)
    left = (line_model(tile, theirs, SETTINGS).total - truth.spectra) / truth.noise
    assert np.std(left) < 0.25
    assert np.abs(line_model(tile, theirs).total - line_model(tile, ours).total).mean() < 0.1 * truth.noise.mean()


def test_a_line_on_bad_pixels_has_no_data() -> None:
    tile, _ = line_spectra.simulate(2, seed=4, peak=20)
    hidden = np.abs(tile.wavelength - 6562.79) < 25
    tile = replace(tile, good=tile.good & ~hidden)
    number = [line.name for line in LINES].index("HA6562")
    for fits in (fit_tile(tile), lines_by_ppxf(tile, SETTINGS)):
        assert (fits.flags[:, number] & FitFlag.NO_DATA != 0).all()
        assert np.isnan(fits.flux[:, number]).all()


def test_stars_of_both_engines_have_the_same_flags() -> None:
    spectra, _ = star_spectra.simulate(6, seed=1)
    faint = replace(spectra, variance=spectra.variance * 1e4)
    library, settings = star_spectra.library(), StarSettings()
    for each in (spectra, faint):
        ours, theirs = fit_stars(each, library, settings), stars_by_ppxf(each, library, settings)
        for flag in (StarFlag.LOW_SN, StarFlag.NO_DATA, StarFlag.TEMPLATES_BROADER):
            np.testing.assert_array_equal(ours.flags & flag, theirs.flags & flag)
    bright = stars_by_ppxf(spectra, library, settings)
    assert np.isfinite(bright.velocity).all()
    assert not (bright.flags & ~np.uint16(StarFlag.TEMPLATES_BROADER)).any()
