"""Fits by pPXF have the values and flags that our own have, so that the same maps and pictures are made of them."""

from dataclasses import replace

import numpy as np
import pytest

from processing.science.emission import FitSettings, fit_tile
from processing.science.fit_flags import KINEMATICS_LOST, FitFlag
from processing.science.line_model import line_model
from processing.science.lines import LINES
from processing.science.reference_fits import lines_by_ppxf, stars_by_ppxf
from processing.science.star_flags import StarFlag
from processing.science.star_model import model_of
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


def test_values_are_kept_and_left_out_as_ours_are_from_the_faintest_to_the_brightest_lines() -> None:
    tiles = [line_spectra.simulate(15, seed=3, peak=peak)[0] for peak in (0.5, 1.0, 2.0, 4.0, 10.0, 30.0)]
    fits = [(fit_tile(tile), lines_by_ppxf(tile)) for tile in tiles]
    for name in ("flags", "group_flags"):
        ours, theirs = (np.vstack([getattr(each[engine], name) for each in fits]) for engine in (0, 1))
        for flag in FitFlag:
            assert (ours & flag == theirs & flag).mean() > 0.95, (name, flag)
    for name in ("flux", "flux_error", "velocity", "sigma", "observed_sigma_error", "amplitude_to_noise"):
        ours, theirs = (np.vstack([np.isfinite(getattr(each[engine], name)) for each in fits]) for engine in (0, 1))
        assert (ours == theirs).mean() > 0.95, name


def test_a_flux_that_was_not_found_has_the_limit_that_ours_has() -> None:
    tile, _ = line_spectra.simulate(15, seed=3, peak=1.0)
    ours, theirs = fit_tile(tile), lines_by_ppxf(tile)
    limits = ours.flags & theirs.flags == FitFlag.FLUX_AT_ZERO | FitFlag.LOW_AN
    assert limits.sum() > 5
    assert np.median(theirs.flux_error[limits] / ours.flux_error[limits]) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("settings", "flag"),
    [
        (FitSettings(velocity_range=20.0), FitFlag.VELOCITY_AT_BOUND),
        (FitSettings(largest_sigma=20.0), FitFlag.SIGMA_AT_BOUND),
    ],
)
def test_what_ran_to_a_bound_is_said_so_and_left_out(settings: FitSettings, flag: FitFlag) -> None:
    tile, _ = line_spectra.simulate(8, seed=5, peak=20)
    ours, theirs = fit_tile(tile, settings), lines_by_ppxf(tile, settings)
    at_bound = theirs.group_flags & flag != 0
    assert at_bound.mean() > 0.5
    assert (at_bound == (ours.group_flags & flag != 0)).mean() > 0.9
    lost = theirs.group_flags & KINEMATICS_LOST != 0
    for values in (theirs.velocity, theirs.velocity_error, theirs.sigma, theirs.sigma_error):
        assert np.isnan(values[lost]).all()
    assert np.isfinite(theirs.velocity[~lost]).all()


def test_chi2_and_degrees_of_freedom_are_of_the_pixels_observed() -> None:
    tile, _ = line_spectra.simulate(4, seed=6, peak=20)
    rng = np.random.default_rng(1)
    tile = replace(tile, variance=np.where(rng.random(tile.flux.shape) < 0.02, 0.0, tile.variance))
    start = tile.velocity.copy()
    start[3, 1] = np.nan
    tile = replace(tile, velocity=start)
    ours, theirs = fit_tile(tile), lines_by_ppxf(tile)
    np.testing.assert_array_equal(theirs.degrees_of_freedom, ours.degrees_of_freedom)
    assert theirs.chi2[:3] == pytest.approx(ours.chi2[:3], abs=1)
    np.testing.assert_array_equal(theirs.group_flags, ours.group_flags)
    assert (theirs.flags[:3] & FitFlag.ZERO_VARIANCE != 0).all()
    assert (theirs.flags[3] & FitFlag.NO_START != 0).all()


@pytest.mark.parametrize(
    ("settings", "sigma", "flag"),
    [
        (StarSettings(velocity_range=50.0), 100.0, StarFlag.VELOCITY_AT_BOUND),
        (StarSettings(), 600.0, StarFlag.SIGMA_AT_BOUND),
    ],
)
def test_stars_at_a_bound_are_said_so_and_left_out(settings: StarSettings, sigma: float, flag: StarFlag) -> None:
    spectra, _ = star_spectra.simulate(6, seed=2, spread=300.0, sigma=(sigma, sigma + 50))
    ours, theirs = (fit(spectra, star_spectra.library(), settings) for fit in (fit_stars, stars_by_ppxf))
    at_bound = theirs.flags & flag != 0
    assert at_bound.sum() >= 3
    assert (at_bound == (ours.flags & flag != 0)).mean() > 0.8
    assert np.isnan(theirs.velocity[at_bound]).all()
    assert np.isnan(theirs.continuum[at_bound]).all()


def test_stars_no_broader_than_the_instrument_have_a_velocity_only() -> None:
    spectra, _ = star_spectra.simulate(8, seed=3, sigma=(0.0, 10.0))
    ours, theirs = (fit(spectra, star_spectra.library(), StarSettings()) for fit in (fit_stars, stars_by_ppxf))
    at_zero = theirs.flags & StarFlag.SIGMA_AT_ZERO != 0
    assert at_zero.sum() >= 2
    assert (at_zero == (ours.flags & StarFlag.SIGMA_AT_ZERO != 0)).mean() >= 0.75
    assert np.isnan(theirs.sigma[at_zero]).all()
    assert np.isfinite(theirs.velocity[at_zero]).all()
    assert np.isfinite(theirs.continuum[at_zero]).any(axis=1).all()


def test_polynomials_of_stars_are_those_of_our_own_fits() -> None:
    spectra, _ = star_spectra.simulate(3, seed=4, sn=100)
    ours, theirs = (fit(spectra, star_spectra.library(), StarSettings()) for fit in (fit_stars, stars_by_ppxf))
    inside = StarSettings().usable(spectra)
    level = ours.continuum[:, inside].mean()
    shapes = [
        fits.continuum + fits.polynomial @ model_of(spectra, star_spectra.library(), StarSettings()).polynomials
        for fits in (ours, theirs)
    ]
    assert np.abs(shapes[0] - shapes[1])[:, inside].max() < 0.01 * level
    assert theirs.chi2 == pytest.approx(ours.chi2, rel=1e-3)
