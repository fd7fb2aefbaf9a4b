"""Stellar kinematics: truth found again, errors that hold, and flags for what does not."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from processing.science.errors import NoOverlap
from processing.science.stars import StarFits, StarFlag, StarSettings, StarSpectra, fit_stars
from processing.science.stellar_templates import Library
from tests.support.line_spectra import GRID
from tests.support.star_spectra import LEVEL, StarTruth, library, simulate

Array = NDArray[np.float64]

FORMAL = StarSettings(scaled_errors=False)


def within(off: Array) -> float:
    """Return the size that two thirds of the offsets stay below: a standard deviation, outliers apart."""
    return float(np.nanpercentile(np.abs(off), 68.27))


def pulls(fits: StarFits, truth: StarTruth) -> tuple[Array, Array]:
    return (fits.velocity - truth.velocity) / fits.velocity_error, (fits.sigma - truth.sigma) / fits.sigma_error


def flags_of(spectra: StarSpectra) -> list[StarFlag]:
    """Fit and return the flags, without the one that all fits to the red end have."""
    fits = fit_stars(spectra, library())
    return [StarFlag(int(flags)) & ~StarFlag.TEMPLATES_BROADER for flags in fits.flags]


def held_nothing(fits: StarFits, row: int) -> bool:
    values = (fits.velocity, fits.velocity_error, fits.sigma, fits.sigma_error, fits.weights, fits.continuum)
    return all(bool(np.isnan(each[row]).all()) for each in values)


def test_velocities_and_dispersions_are_found_at_the_survey_s_signal() -> None:
    spectra, truth = simulate(150, seed=1, sn=35, sigma=(50, 150))
    fits = fit_stars(spectra, library())
    assert np.median(np.abs(fits.velocity - truth.velocity)) < 5
    assert np.median(np.abs(fits.sigma / truth.sigma - 1)) < 0.08
    assert np.isfinite(fits.velocity).all()
    assert np.isfinite(fits.sigma).all()
    assert fits.signal_to_noise == pytest.approx(35, rel=0.05)
    assert fits.chi2.mean() == pytest.approx(1, abs=0.01)


def test_errors_are_what_the_values_scatter_by() -> None:
    spectra, truth = simulate(400, seed=2, sn=35, sigma=(50, 150))
    for pull in pulls(fit_stars(spectra, library(), FORMAL), truth):
        assert 0.9 < pull.std() < 1.1  # three errors of 400 about 1
        assert abs(pull.mean()) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("sigma", [(50.0, 60.0), (50.0, 150.0), (150.0, 250.0)])
@pytest.mark.parametrize("sn", [20, 35, 100])
def test_errors_hold_and_nothing_is_biased_over_thousands(sn: float, sigma: tuple[float, float]) -> None:
    count = 1200
    spectra, truth = simulate(count, seed=3, sn=sn, sigma=sigma)
    by_chance = 2 / np.sqrt(2 * count)
    for pull in pulls(fit_stars(spectra, library(), FORMAL), truth):
        assert 0.95 - by_chance < np.nanstd(pull) < 1.10 + by_chance
        assert abs(np.nanmean(pull)) < 0.1


def test_young_and_old_agree_wherever_the_galaxy_recedes_to() -> None:
    for systemic in (-500.0, 0.0, 5000.0):
        spectra, truth = simulate(60, seed=4, sn=100, sigma=(60, 120), systemic=systemic)
        for pull in pulls(fit_stars(spectra, library(), FORMAL), truth):
            assert np.abs(pull).max() < 4.5
            assert abs(pull.mean()) < 4 / np.sqrt(60)


def test_stars_far_from_the_systemic_velocity_are_found() -> None:
    spectra, truth = simulate(40, seed=5, spread=300)
    off = replace(spectra, systemic_velocity=spectra.systemic_velocity - 300)
    moved = np.log((1 + 1500 / 299792.458) / (1 + 1200 / 299792.458)) * 299792.458
    fits = fit_stars(off, library())
    reached = np.abs(truth.velocity + moved) < 900
    assert reached.sum() > 30
    assert within((fits.velocity - truth.velocity - moved)[reached] / fits.velocity_error[reached]) < 1.3


def test_the_continuum_is_the_stars_without_what_is_not_theirs() -> None:
    spectra, truth = simulate(40, seed=6, sn=500)
    fits = fit_stars(spectra, library())
    away = slice(40, -40)
    ratio = fits.continuum[:, away] / truth.continuum[:, away]
    assert within(ratio - 1) < 0.02
    shape = ratio / ratio.mean(axis=1, keepdims=True)
    assert within(shape - 1) < 0.01
    assert np.isfinite(fits.continuum).all()


def test_templates_and_polynomial_add_up_to_the_spectrum() -> None:
    spectra, truth = simulate(10, seed=7, sn=200)
    fits = fit_stars(spectra, library())
    usable = StarSettings().usable(spectra)
    ends = np.log(spectra.at_rest[usable][[0, -1]])
    x = 2 * (np.log(spectra.at_rest) - ends[0]) / (ends[1] - ends[0]) - 1
    added = np.polynomial.legendre.legval(x, fits.polynomial.T)
    off = (fits.continuum + added - truth.light) / truth.noise
    assert within(off[:, usable]) < 0.3


def test_emission_lines_do_not_move_the_stars() -> None:
    spectra, truth = simulate(30, seed=8)
    usable = StarSettings().usable(spectra)
    drowned = replace(spectra, flux=np.where(usable, spectra.flux, 1e4 * LEVEL))
    with_lines, drowned_in_them = fit_stars(spectra, library()), fit_stars(drowned, library())
    assert (with_lines.velocity == drowned_in_them.velocity).all()
    assert (with_lines.sigma == drowned_in_them.sigma).all()
    assert within((with_lines.velocity - truth.velocity) / with_lines.velocity_error) < 1.4


def test_units_do_not_matter() -> None:
    spectra, _ = simulate(10, seed=9)
    small = replace(spectra, flux=spectra.flux * 1e-20, variance=spectra.variance * 1e-40)
    one, other = fit_stars(spectra, library()), fit_stars(small, library())
    assert other.velocity == pytest.approx(one.velocity, abs=1e-3)
    assert other.sigma_error == pytest.approx(one.sigma_error, rel=1e-3)
    assert other.continuum == pytest.approx(one.continuum * 1e-20, rel=1e-3)


def test_each_spectrum_is_fitted_as_if_alone() -> None:
    spectra, _ = simulate(6, seed=10)
    fits = fit_stars(spectra, library())
    last = replace(spectra, flux=spectra.flux[5:], variance=spectra.variance[5:], good=spectra.good[5:])
    alone = fit_stars(last, library())
    assert alone.velocity[0] == fits.velocity[5]
    assert (alone.weights[0] == fits.weights[5]).all()


def test_single_precision_and_fits_byte_order_will_do() -> None:
    spectra, _ = simulate(5, seed=11)
    as_read = replace(spectra, flux=spectra.flux.astype(">f4"), variance=spectra.variance.astype(">f4"))
    one, other = fit_stars(spectra, library()), fit_stars(as_read, library())
    assert np.abs(one.velocity - other.velocity) / one.velocity_error == pytest.approx(0, abs=0.01)


def test_weights_are_never_negative_and_few() -> None:
    spectra, _ = simulate(50, seed=12)
    weights = fit_stars(spectra, library()).weights
    assert (weights >= 0).all()
    assert ((weights > 0).sum(axis=1) < 13).all()


def test_a_model_that_does_not_fit_makes_errors_grow() -> None:
    spectra, _ = simulate(10, seed=13)
    rough = replace(spectra, variance=spectra.variance / 4)
    scaled, formal = fit_stars(rough, library()), fit_stars(rough, library(), FORMAL)
    assert scaled.chi2 == pytest.approx(4, rel=0.2)
    assert scaled.velocity_error / formal.velocity_error == pytest.approx(np.sqrt(scaled.chi2))
    assert scaled.sigma_error / formal.sigma_error == pytest.approx(np.sqrt(scaled.chi2))


def test_spectra_that_are_none_are_flagged_among_those_that_are_fitted() -> None:
    spectra, truth = simulate(8, seed=14)
    flux, variance, good = spectra.flux.copy(), spectra.variance.copy(), spectra.good.copy()
    flux[0] = np.nan
    variance[1] = 0
    good[2] = False
    good[3] = False
    good[3, 800] = True
    variance[4] = np.nan
    flux[5] = 0
    flux[6] = LEVEL
    broken = replace(spectra, flux=flux, variance=variance, good=good)
    fits = fit_stars(broken, library())
    for row in range(5):
        assert StarFlag.NO_DATA in StarFlag(int(fits.flags[row]))
    for row in (1, 4):
        assert StarFlag.ZERO_VARIANCE in StarFlag(int(fits.flags[row]))
    for row in (5, 6):
        assert StarFlag.NO_STARS in StarFlag(int(fits.flags[row]))
    assert all(held_nothing(fits, row) for row in range(7))
    assert abs(fits.velocity[7] - truth.velocity[7]) < 4 * fits.velocity_error[7]


def test_pixels_that_are_not_numbers_or_without_noise_are_left_out() -> None:
    spectra, _ = simulate(3, seed=15)
    bad = np.zeros(spectra.flux.shape, dtype=np.bool_)
    bad[0, 300:330] = bad[1, 700:703] = bad[2, 900] = True
    clean = fit_stars(replace(spectra, good=~bad), library())
    for broken in (
        replace(spectra, flux=np.where(bad, np.nan, spectra.flux)),
        replace(spectra, flux=np.where(bad, np.inf, spectra.flux)),
        replace(spectra, variance=np.where(bad, np.nan, spectra.variance)),
        replace(spectra, variance=np.where(bad, -1.0, spectra.variance)),
    ):
        fits = fit_stars(broken, library())
        assert (fits.velocity == clean.velocity).all()
        assert (fits.sigma_error == clean.sigma_error).all()
    assert all(StarFlag.ZERO_VARIANCE in StarFlag(int(flags)) for flags in fits.flags)


def test_noise_alone_gives_no_value_without_a_flag() -> None:
    spectra, truth = simulate(40, seed=16)
    rng = np.random.default_rng(17)
    noise = replace(spectra, flux=truth.noise * rng.normal(size=spectra.flux.shape))
    assert all(StarFlag.LOW_SN in flags for flags in flags_of(noise))


def test_stars_without_a_dispersion_have_a_velocity_and_a_flag() -> None:
    spectra, truth = simulate(60, seed=18, sigma=(0.5, 1.0))
    fits = fit_stars(spectra, library())
    at_zero = fits.flags & StarFlag.SIGMA_AT_ZERO != 0
    assert at_zero.sum() > 15
    assert np.isnan(fits.sigma[at_zero]).all()
    assert np.isnan(fits.sigma_error[at_zero]).all()
    assert within((fits.velocity - truth.velocity)[at_zero] / fits.velocity_error[at_zero]) < 1.4


def test_bounds_are_told() -> None:
    spectra, _ = simulate(20, seed=19, sigma=(200, 250), spread=0)
    narrow = fit_stars(spectra, library(), StarSettings(largest_sigma=120))
    assert (narrow.flags & StarFlag.SIGMA_AT_BOUND != 0).all()
    assert np.isnan(narrow.velocity).all()
    moved = replace(spectra, systemic_velocity=spectra.systemic_velocity + 400)
    short = fit_stars(moved, library(), StarSettings(velocity_range=200))
    assert (short.flags & StarFlag.VELOCITY_AT_BOUND != 0).all()
    assert np.isnan(short.velocity).all()


def test_a_fit_cut_short_tells_nothing() -> None:
    spectra, _ = simulate(10, seed=20, spread=200)
    fits = fit_stars(spectra, library(), StarSettings(trials=0))
    unsettled = fits.flags & StarFlag.NOT_CONVERGED != 0
    assert unsettled.sum() > 5
    assert all(held_nothing(fits, row) for row in np.flatnonzero(unsettled).tolist())


def test_faint_spectra_are_told_from_bright_ones() -> None:
    faint, bright = simulate(3, seed=21, sn=8)[0], simulate(3, seed=21, sn=15)[0]
    assert all(StarFlag.LOW_SN in flags for flags in flags_of(faint))
    assert not any(StarFlag.LOW_SN in flags for flags in flags_of(bright))


def test_where_templates_are_broader_than_the_instrument_is_told() -> None:
    spectra, _ = simulate(2, seed=22, systemic=0.0)
    fits = fit_stars(spectra, library())
    assert spectra.wavelength[fits.broader].min() == pytest.approx(6761.7, abs=1.3)
    assert (fits.flags & StarFlag.TEMPLATES_BROADER != 0).all()
    blue = fit_stars(spectra, library(), StarSettings(wavelengths=(4850, 6700)))
    assert (blue.flags & StarFlag.TEMPLATES_BROADER == 0).all()


def test_a_range_without_pixels_or_templates_is_refused() -> None:
    spectra, _ = simulate(1, seed=23)
    with pytest.raises(NoOverlap, match="100 are needed"):
        fit_stars(replace(spectra, systemic_velocity=140_000.0), library())
    known = library()
    kept = known.wavelength < 6500
    short = Library(known.names, known.age, known.metallicity, known.wavelength[kept], known.flux[:, kept], known.fwhm)
    with pytest.raises(NoOverlap, match="the templates reach from"):
        fit_stars(spectra, short)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wavelength": GRID[::-1]}, "must increase"),
        ({"wavelength": GRID[:-1]}, "do not fit"),
        ({"variance": np.ones((1, 3))}, "variance has shape"),
        ({"good": np.ones((1, GRID.size))}, "true or false"),
        ({"flux": np.ones((0, GRID.size))}, "do not fit"),
        ({"systemic_velocity": np.nan}, "not a number"),
        ({"systemic_velocity": -3e5}, "not a number"),
    ],
)
def test_spectra_that_do_not_belong_together_are_refused(change: dict[str, object], message: str) -> None:
    spectra, _ = simulate(1, seed=24)
    with pytest.raises(ValueError, match=message):
        replace(spectra, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "choice",
    [
        {"wavelengths": (7000.0, 4850.0)},
        {"order": -1},
        {"largest_sigma": 0.0},
        {"start_sigma": 600.0},
    ],
)
def test_choices_that_are_none_are_refused(choice: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="range|polynomial|dispersion"):
        StarSettings(**choice)  # type: ignore[arg-type]
