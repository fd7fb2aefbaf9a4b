"""Emission-line fits of simulated spectra whose truth is known, and of what must not be fitted."""

from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import least_squares

from processing.science.drizzle_noise import Drops, neighbour_correlation, short_sum_factor
from processing.science.emission import FitSettings, LineFits, Tile, fit_tile
from processing.science.fit_flags import FitFlag
from processing.science.lines import LINES, EmissionLine, Group
from tests.support.line_spectra import FREE, GRID, LIGHT, Truth, gas, instrument_width, simulate

Array = NDArray[np.float64]
NAMES = [line.name for line in LINES]
OF_LINE = [list(Group).index(line.group) for line in LINES]


@cache
def fitted(peak: float, sigma: float, count: int = 600) -> tuple[LineFits, Truth]:
    tile, truth = simulate(count, seed=1, peak=peak, sigma=sigma)
    return fit_tile(tile), truth


def true_fluxes(truth: Truth) -> Array:
    return np.stack([truth.flux(line) for line in LINES], axis=1)


def spread(pulls: Array) -> float:
    """Return half the width of the middle 68 percent."""
    low, high = np.nanpercentile(pulls, [15.87, 84.13])
    return float(high - low) / 2


def flagged(flags: NDArray[np.uint16], flag: FitFlag) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = flags & np.uint16(flag) != 0
    return found


def only(tile: Tile, *rows: int) -> Tile:
    """Return some of the spectra."""
    kept = {
        name: getattr(tile, name)[list(rows)] for name in ("flux", "variance", "good", "continuum", "velocity", "sigma")
    }
    return replace(tile, **kept)


@pytest.mark.parametrize("peak", [8, 30, 100])
def test_fluxes_are_unbiased(peak: float) -> None:
    fits, truth = fitted(peak, 45)
    ratios = fits.flux / true_fluxes(truth)
    assert np.nanmean(ratios) == pytest.approx(1, abs=0.005)
    assert np.nanmean(ratios, axis=0) == pytest.approx(1, abs=0.01 + 3 / peak / np.sqrt(len(ratios)) / 1.6)


@pytest.mark.parametrize("peak", [3, 5, 10, 30, 100])
def test_errors_are_as_large_as_the_scatter(peak: float) -> None:
    fits, truth = fitted(peak, 80)
    fluxes = (fits.flux - true_fluxes(truth)) / fits.flux_error
    velocities = (fits.velocity - truth.velocity) / fits.velocity_error
    sigmas = (fits.sigma - truth.sigma) / fits.sigma_error
    assert 0.95 < np.nanstd(fluxes) < 1.10
    assert 0.95 < (np.nanstd(velocities) if peak >= 5 else spread(velocities)) < 1.10
    assert 0.95 < np.nanstd(sigmas) < 1.10


@pytest.mark.parametrize("peak", [10, 30])
def test_errors_grow_by_what_neighbouring_wavelengths_share_of_their_noise(peak: float) -> None:
    tile, truth = simulate(600, seed=2, peak=peak, sigma=60)
    drops = Drops(0.8, 0.8)
    fits = fit_tile(replace(tile, flux=truth.spectra + truth.noise * shared_noise(tile.flux.shape, 0.8)))
    factor = short_sum_factor(drops.spectral_sum_factor, 5)
    assert 1.12 < factor < 1.15
    fluxes = (fits.flux - true_fluxes(truth)) / fits.flux_error
    velocities = (fits.velocity - truth.velocity) / fits.velocity_error
    for pulls in (fluxes, velocities):
        assert np.nanstd(pulls) > 1.08
        assert 0.93 < np.nanstd(pulls) / factor < 1.07


def shared_noise(shape: tuple[int, ...], pixfrac: float) -> Array:
    """Draw noise of unit variance of which each pixel has a part from either of its neighbours' drops."""
    correlation = neighbour_correlation(pixfrac)
    own = np.sqrt((1 + np.sqrt(1 - 4 * correlation**2)) / 2)
    drawn = np.random.default_rng(3).normal(size=(shape[0], shape[1] + 1))
    noise: Array = own * drawn[:, 1:] + correlation / own * drawn[:, :-1]
    return noise


def test_the_covariance_tells_how_flux_and_dispersion_go_together() -> None:
    fits, truth = fitted(30, 45)
    names = list(fits.parameters)
    flux, sigma = names.index("flux HA6562"), names.index("sigma hydrogen")
    expected = fits.covariance[:, flux, sigma].mean()
    found = np.cov(
        fits.flux[:, NAMES.index("HA6562")] / truth.flux(LINES[NAMES.index("HA6562")]),
        fits.sigma[:, 0] - truth.sigma[:, 0],
    )
    correlation = found[0, 1] / np.sqrt(found[0, 0] * found[1, 1])
    predicted = expected / np.sqrt(fits.covariance[:, flux, flux].mean() * fits.covariance[:, sigma, sigma].mean())
    assert predicted == pytest.approx(correlation, abs=0.12)
    assert predicted > 0.2


def test_chi2_is_that_of_noise() -> None:
    fits, _ = fitted(30, 45)
    assert (fits.degrees_of_freedom == GRID.size - 27).all()
    assert (fits.chi2 / fits.degrees_of_freedom).mean() == pytest.approx(1, abs=0.005)


def test_fixed_ratios_are_exact_in_flux_and_error() -> None:
    fits, _ = fitted(8, 45)
    for line in LINES:
        if line.tied_to is not None:
            weak, strong = NAMES.index(line.name), NAMES.index(line.tied_to)
            assert fits.flux[:, weak] == pytest.approx(line.ratio * fits.flux[:, strong], rel=1e-14, nan_ok=True)
            assert fits.flux_error[:, weak] == pytest.approx(line.ratio * fits.flux_error[:, strong], rel=1e-14)


def test_lines_of_a_group_have_one_intrinsic_dispersion() -> None:
    fits, _ = fitted(8, 45)
    intrinsic = fits.observed_sigma**2 - fits.instrument_sigma**2
    assert intrinsic == pytest.approx(fits.sigma[:, OF_LINE] ** 2, rel=1e-9, nan_ok=True)
    wavelengths = np.array([line.wavelength for line in LINES]) * np.exp(fits.velocity[:, OF_LINE] / LIGHT)
    instrument = instrument_width(wavelengths) / wavelengths * LIGHT
    assert fits.instrument_sigma == pytest.approx(instrument, rel=1e-9)


@pytest.mark.parametrize("systemic", [-500.0, 0.0, 1500.0, 5000.0])
def test_a_line_keeps_its_flux_and_velocity_at_any_redshift(systemic: float) -> None:
    grid: Array = 1.25 * np.arange(1800, dtype=np.float64) + np.floor(4830 * (1 + systemic / LIGHT))
    tile, truth = simulate(40, seed=2, peak=20, grid=grid, systemic=systemic)
    fits = fit_tile(replace(tile, flux=truth.spectra))
    assert fits.flux == pytest.approx(true_fluxes(truth), rel=1e-4)
    assert fits.velocity == pytest.approx(truth.velocity, abs=0.01)
    assert fits.sigma == pytest.approx(truth.sigma, abs=0.02)


def test_a_start_that_is_150_km_s_off_finds_the_line() -> None:
    tile, truth = simulate(200, seed=3, peak=10)
    for offset in (-150.0, 150.0):
        fits = fit_tile(replace(tile, velocity=truth.velocity + offset))
        off = np.abs(fits.velocity - truth.velocity) / fits.velocity_error
        assert np.nanmax(off) < 5
        assert np.isfinite(fits.velocity).all()


def test_an_uneven_grid_serves_as_well() -> None:
    grid: Array = 4840 * np.exp(50 / LIGHT * np.arange(2200, dtype=np.float64))
    tile, truth = simulate(20, seed=4, peak=20, grid=grid)
    spectra = tile.continuum + gas(grid, truth.fluxes, truth.velocity, truth.sigma)
    assert fit_tile(replace(tile, flux=spectra)).flux == pytest.approx(true_fluxes(truth), rel=1e-4)


def residuals(unknowns: Array, tile: Tile, row: int, legendre: Array) -> Array:
    """Return what is left of a spectrum in units of its noise: the same model, by scipy and numpy alone."""
    order, count = len(legendre), len(FREE)
    fluxes, kinematics = unknowns[np.newaxis, order : order + count], unknowns[order + count :]
    lines = gas(tile.wavelength, fluxes, kinematics[np.newaxis, :3], kinematics[np.newaxis, 3:])[0]
    model: Array = tile.continuum[row] * (unknowns[:order] @ legendre) + lines
    left: Array = ((tile.flux[row] - model) / np.sqrt(tile.variance[row]))[tile.good[row]]
    return left


@pytest.mark.parametrize("peak", [6, 40])
def test_scipy_finds_the_same_minimum_and_the_same_errors(peak: float) -> None:
    tile, truth = simulate(3, seed=5, peak=peak, sigma=60)
    tile.good[:, 300:340] = False
    fits = fit_tile(tile)
    half = (GRID[1] - GRID[0]) / 2
    steps = np.interp(np.log(GRID), np.log([GRID[0] - half, GRID[-1] + half]), (-1.0, 1.0))
    legendre = np.polynomial.legendre.legvander(steps, 8).T
    for row in range(3):
        start = np.concatenate((fits.polynomial[row], truth.fluxes[row], truth.velocity[row], truth.sigma[row]))
        found = least_squares(
            residuals, start, x_scale="jac", method="lm", xtol=1e-12, ftol=1e-12, args=(tile, row, legendre)
        )
        free = [NAMES.index(line.name) for line in FREE]
        ours = np.concatenate((fits.flux[row, free], fits.velocity[row], fits.sigma[row]))
        covariance = np.linalg.inv(found.jac.T @ found.jac)[9:, 9:]
        errors = np.sqrt(np.diag(covariance))
        assert np.abs(ours - found.x[9:]) / errors == pytest.approx(0, abs=0.01)
        assert np.sqrt(np.diag(fits.covariance[row])) == pytest.approx(errors, rel=0.01)
        assert fits.covariance[row] / np.outer(errors, errors) == pytest.approx(
            covariance / np.outer(errors, errors), abs=0.01
        )
        assert fits.chi2[row] == pytest.approx(2 * found.cost, abs=1e-3)


def test_a_spectrum_does_not_depend_on_its_neighbours() -> None:
    tile, _ = simulate(5, seed=6, peak=5)
    together, alone = fit_tile(tile), fit_tile(only(tile, 3))
    for field in fields(LineFits):
        if field.name != "parameters":
            np.testing.assert_array_equal(getattr(together, field.name)[3], getattr(alone, field.name)[0])


def test_single_precision_from_a_file_and_strided_views_are_taken_as_they_are() -> None:
    tile, _ = simulate(4, seed=7, peak=20)
    as_read: dict[str, Any] = {
        name: getattr(tile, name).astype(">f4")[::2] for name in ("flux", "variance", "continuum")
    }
    fits = fit_tile(replace(only(tile, 0, 2), **as_read))
    assert fits.flux == pytest.approx(fit_tile(only(tile, 0, 2)).flux, rel=1e-4)


def test_without_stars_the_lines_alone_are_fitted() -> None:
    tile, truth = simulate(20, seed=8, peak=20)
    lines = gas(GRID, truth.fluxes, truth.velocity, truth.sigma)
    fits = fit_tile(replace(tile, flux=lines, continuum=np.zeros_like(lines)))
    assert fits.flux == pytest.approx(true_fluxes(truth), rel=1e-4)
    assert (fits.polynomial == 0).all()
    assert (fits.degrees_of_freedom == GRID.size - 18).all()


def test_noise_alone_gives_no_kinematics_that_claim_much() -> None:
    tile, _ = simulate(300, seed=9, peak=0)
    fits = fit_tile(tile)
    assert (flagged(fits.flags, FitFlag.LOW_AN)).mean() > 0.98
    known = np.isfinite(fits.flux)
    assert (fits.flux[known] < 6 * fits.flux_error[known]).all()
    assert (flagged(fits.flags, FitFlag.FLUX_AT_ZERO) & ~known).sum() > 100


def test_fluxes_that_may_be_negative_scatter_about_zero() -> None:
    tile, _ = simulate(400, seed=10, peak=0)
    bright = [500.0 if line.name in {"NII6583", "HA6562", "OIII5006"} else 0.0 for line in FREE]
    lines = gas(GRID, np.array([bright]), np.zeros((1, 3)), np.full((1, 3), 45.0))
    tile = replace(tile, flux=tile.flux + lines)  # which tell where the absent [S II] would be
    fits = fit_tile(tile, FitSettings(non_negative=False))
    index = NAMES.index("SII6730")
    pulls = fits.flux[:, index] / fits.flux_error[:, index]
    assert np.mean(pulls) == pytest.approx(0, abs=0.2)
    assert np.std(pulls) == pytest.approx(1, abs=0.1)
    positive = fit_tile(tile)
    assert not (positive.flux < 0).any()
    at_zero = flagged(positive.flags[:, index], FitFlag.FLUX_AT_ZERO)
    assert 100 < at_zero.sum() < 300
    assert np.isnan(positive.flux[at_zero, index]).all()
    assert (positive.flux_error[at_zero, index] > 0).all()


def test_lines_as_narrow_as_the_instrument_have_a_flux_but_no_dispersion() -> None:
    tile, truth = simulate(100, seed=11, peak=10, sigma=1)
    fits = fit_tile(tile)
    at_zero = flagged(fits.group_flags, FitFlag.SIGMA_AT_ZERO)
    assert 0.2 < at_zero.mean() < 0.8
    assert np.isnan(fits.sigma[at_zero]).all()
    assert np.isfinite(fits.velocity[at_zero]).all()
    ratio = np.where(at_zero[:, OF_LINE], fits.flux / true_fluxes(truth), np.nan)
    assert np.nanmean(ratio) == pytest.approx(1, abs=0.02)


def test_a_velocity_out_of_range_is_not_told() -> None:
    tile, truth = simulate(20, seed=12, peak=30)
    fits = fit_tile(replace(tile, velocity=truth.velocity - 130), FitSettings(velocity_range=100))
    assert flagged(fits.group_flags, FitFlag.VELOCITY_AT_BOUND).all()
    assert np.isnan(fits.velocity).all()
    assert np.isnan(fits.flux).all()


def test_a_fit_that_was_cut_short_is_not_told() -> None:
    tile, truth = simulate(20, seed=13, peak=30)
    fits = fit_tile(replace(tile, velocity=truth.velocity + 80), FitSettings(trials=1))
    assert flagged(fits.flags, FitFlag.NOT_CONVERGED).all()
    assert np.isnan(fits.flux).all()


def near(line: EmissionLine, low: float, high: float) -> NDArray[np.bool_]:
    """Return the pixels between two distances from a line, in Angstrom."""
    away = GRID - line.wavelength
    found: NDArray[np.bool_] = (away > low) & (away < high)
    return found


def test_a_masked_wing_is_flagged_and_a_masked_line_is_missing() -> None:
    tile, truth = simulate(50, seed=14, peak=20)
    tile = replace(tile, velocity=truth.velocity)
    sulphur, helium = LINES[NAMES.index("SII6730")], LINES[NAMES.index("HEI5875")]
    tile.good[:, near(sulphur, 1.0, 4.0)] = False
    tile.good[:, near(helium, -60, 60)] = False
    fits = fit_tile(tile)
    wing, hidden = NAMES.index(sulphur.name), NAMES.index(helium.name)
    assert flagged(fits.flags[:, wing], FitFlag.MASKED_WINGS).mean() > 0.7
    held = np.isfinite(fits.flux[:, wing])
    pulls = ((fits.flux - true_fluxes(truth)) / fits.flux_error)[held, wing]
    assert held.sum() > 25
    assert np.abs(pulls).max() < 4
    assert flagged(fits.flags[:, hidden], FitFlag.NO_DATA).all()
    assert np.isnan(fits.flux[:, hidden]).all()
    assert np.isnan(fits.flux_error[:, hidden]).all()
    assert np.isfinite(fits.velocity).all()


def test_a_line_outside_the_range_is_missing_and_the_others_are_not() -> None:
    grid = GRID[GRID < 6700]
    tile, _ = simulate(10, seed=15, peak=20, grid=grid)
    fits = fit_tile(tile)
    outside = [NAMES.index("SII6716"), NAMES.index("SII6730")]
    assert flagged(fits.flags[:, outside], FitFlag.NO_DATA).all()
    assert np.isnan(fits.flux[:, outside]).all()
    assert np.isfinite(np.delete(fits.flux, outside, axis=1)).all()


def spoilt(tile: Tile, name: str, value: float) -> Tile:
    values = getattr(tile, name).copy()
    values[1] = value
    return replace(tile, **{name: values})


@pytest.mark.parametrize(
    ("name", "value", "flag"),
    [
        ("flux", np.nan, FitFlag.NO_DATA),
        ("flux", np.inf, FitFlag.NO_DATA),
        ("variance", 0, FitFlag.ZERO_VARIANCE),
        ("variance", -1, FitFlag.ZERO_VARIANCE),
        ("variance", np.nan, FitFlag.NO_DATA),
        ("good", False, FitFlag.NO_DATA),
        ("continuum", np.nan, FitFlag.NO_DATA),
        ("velocity", np.nan, FitFlag.NO_START),
        ("sigma", np.nan, FitFlag.NO_START),
    ],
)
def test_a_spectrum_that_cannot_be_fitted_is_flagged_and_empty(name: str, value: float, flag: FitFlag) -> None:
    tile, _ = simulate(3, seed=16, peak=20)
    fits = fit_tile(spoilt(tile, name, value))
    assert flagged(fits.flags[1], flag).all()
    assert flagged(fits.group_flags[1], flag).all()
    for values in (fits.flux, fits.flux_error, fits.velocity, fits.sigma, fits.sigma_error, fits.covariance, fits.chi2):
        assert np.isnan(values[1]).all()
    assert fits.degrees_of_freedom[1] == 0
    assert np.isfinite(fits.flux[[0, 2]]).all()


def test_a_tile_of_nothing_but_nan_and_a_single_spectrum_end_in_flags() -> None:
    tile, _ = simulate(1, seed=19, peak=20)
    nothing = np.full_like(tile.flux, np.nan)
    fits = fit_tile(replace(tile, flux=nothing, variance=nothing, continuum=nothing))
    assert (fits.flags == FitFlag.NO_DATA).all()
    assert (fits.group_flags == FitFlag.NO_DATA).all()
    assert (fit_tile(tile).flags == 0).all()


def test_a_few_pixels_without_variance_are_left_out_and_told() -> None:
    tile, truth = simulate(2, seed=17, peak=30)
    tile.variance[0, 100:110] = 0
    tile.flux[0, 100:110] = 1e9
    fits = fit_tile(tile)
    assert flagged(fits.flags[0], FitFlag.ZERO_VARIANCE).all()
    assert not flagged(fits.flags[1], FitFlag.ZERO_VARIANCE).any()
    assert fits.flux[0] == pytest.approx(true_fluxes(truth)[0], rel=0.15)
    assert fits.degrees_of_freedom[0] == fits.degrees_of_freedom[1] - 10


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"wavelength": GRID[::-1]}, "must increase"),
        ({"wavelength": GRID[:-1]}, "do not fit"),
        ({"flux": np.zeros((0, GRID.size))}, "do not fit"),
        ({"variance": np.ones((3, GRID.size))}, "variance has shape"),
        ({"good": np.ones((2, GRID.size))}, "true or false"),
        ({"velocity": np.zeros((2, 2))}, "velocity must give 3 groups"),
        ({"systemic_velocity": np.nan}, "not a number"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(change: dict[str, Any], complaint: str) -> None:
    tile, _ = simulate(2, seed=18, peak=1)
    with pytest.raises(ValueError, match=complaint):
        replace(tile, **change)


def test_settings_that_tie_a_line_to_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="not a free line of its group"):
        FitSettings(lines=tuple(line for line in LINES if line.name != "OIII5006"))
    with pytest.raises(ValueError, match="at least one line"):
        FitSettings(lines=())
