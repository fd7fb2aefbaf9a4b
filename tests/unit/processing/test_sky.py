"""The sky factor: the line through the filter and the gap, and the whole way from an exposure to b = 0."""

import numpy as np
import pytest
from numpy.typing import NDArray

from processing.science.alignment import align
from processing.science.bands import Filter
from processing.science.errors import NoOverlap, TooFewPixels
from processing.science.gap import AO_GAPS
from processing.science.photometry import FluxScale, flux_scale
from processing.science.sky import sky_factor, sky_level
from processing.science.templates import match
from tests.support.fields import draw_field, expose

Array = NDArray[np.float64]
MUSE: Array = 4750 + 1.25 * np.arange(3681, dtype=np.float64)
R_BAND = Filter("R", np.array([5380.0, 6100.0, 7230.0]), np.array([0.0, 0.5, 0.0]))
GAP = AO_GAPS["WFM-AO-N"]


def scale_of(a: float, b: float, *, errors: tuple[float, float] = (0.0, 0.0), covariance: float = 0.0) -> FluxScale:
    return FluxScale(a, b, *errors, covariance, n=100, rejected=0, chi2=1.0, mismatch=0.0)


def test_a_level_sky_has_its_own_level() -> None:
    assert sky_level(np.full(MUSE.shape, 83.0), MUSE, R_BAND) == pytest.approx(83.0, rel=1e-12)


def test_a_sloping_sky_is_taken_at_the_filter_s_mean_wavelength() -> None:
    mean = (5380 + 6100 + 7230) / 3  # a triangle's centre of mass
    assert sky_level(80 + 0.02 * (MUSE - 6000), MUSE, R_BAND) == pytest.approx(80 + 0.02 * (mean - 6000), rel=1e-5)


@pytest.mark.parametrize("notched", [0.0, np.nan, -1e4])
def test_what_stands_in_the_gap_does_not_matter(notched: float) -> None:
    sky = 80 + 0.02 * (MUSE - 6000)
    dug = np.where((GAP.low <= MUSE) & (GAP.high >= MUSE), notched, sky)
    assert sky_level(dug, MUSE, R_BAND, gap=GAP) == pytest.approx(sky_level(sky, MUSE, R_BAND), rel=1e-9)


def test_bad_wavelengths_are_left_out() -> None:
    sky = np.full(MUSE.shape, 83.0)
    sky[::7] = np.nan
    assert sky_level(sky, MUSE, R_BAND) == pytest.approx(83.0, rel=1e-12)


def test_a_sky_that_is_not_known_is_refused() -> None:
    with pytest.raises(TooFewPixels, match="known at 0"):
        sky_level(np.full(MUSE.shape, np.nan), MUSE, R_BAND)
    with pytest.raises(TooFewPixels, match="both sides"):
        sky_level(np.where(MUSE < 5900, np.nan, 80.0), MUSE, R_BAND, gap=GAP)
    with pytest.raises(NoOverlap, match="filter R"):
        sky_level(np.full(100, 80.0), MUSE[-100:], R_BAND)
    with pytest.raises(ValueError, match="wavelengths"):
        sky_level(np.ones(5), MUSE, R_BAND)


def test_the_factor_and_its_error_follow_the_line() -> None:
    errors, covariance = (0.004, 0.5), -0.0015
    factor = sky_factor(scale_of(0.9, 5.0, errors=errors, covariance=covariance), 80.0)
    assert factor.alpha == pytest.approx(1 - 5 / (0.9 * 80))
    rng = np.random.default_rng(31)
    lines = rng.multivariate_normal((0.9, 5.0), [[0.004**2, covariance], [covariance, 0.25]], 40000)
    assert factor.alpha_error == pytest.approx(np.std(1 - lines[:, 1] / (lines[:, 0] * 80)), rel=0.02)


@pytest.mark.parametrize(("a", "level"), [(1.0, 0.0), (1.0, -3.0), (1.0, float("nan")), (0.0, 80.0), (-1.0, 80.0)])
def test_no_factor_of_a_sky_that_is_none(a: float, level: float) -> None:
    with pytest.raises(ValueError, match="needs it positive"):
        sky_factor(scale_of(a, 5.0), level)


def test_a_factor_far_from_one_is_another_night_s() -> None:
    assert sky_factor(scale_of(1.0, 5.0), 80.0).certain
    assert not sky_factor(scale_of(1.0, 90.0), 80.0).certain


@pytest.mark.parametrize(("a", "true_sky"), [(0.92, 100.0), (1.1, 88.0), (1.0, 113.0)])
def test_after_the_correction_no_background_is_left(a: float, true_sky: float) -> None:
    """The exposure's light plus its sky, less the sky of another field; a line; the factor; the line once more."""
    rng = np.random.default_rng(32)
    field, taken = draw_field(rng, size=192), 97.0
    light = expose(field, fwhm=3.2, beta=2.3, dx=1.7, dy=-2.4, rotation=0.2) / a
    raw = light + true_sky + rng.normal(0, 2, light.shape)
    reference = expose(field, fwhm=4.5) + rng.normal(0, 1, light.shape)
    motion = align(raw - taken, reference).motion

    def fitted(image: Array) -> FluxScale:
        matched = match(image, reference, motion)
        return flux_scale(matched.image, matched.reference, good=matched.good, noise=matched.noise)

    first = fitted(raw - taken)
    level = sky_level(np.full(MUSE.shape, taken), MUSE, R_BAND, gap=GAP)
    factor = sky_factor(first, level)
    assert first.a == pytest.approx(a, rel=0.01)
    assert factor.alpha * taken == pytest.approx(true_sky, rel=0.01)
    after = fitted(first.a * (raw - factor.alpha * taken))
    assert after.a == pytest.approx(1, abs=2 * first.a_error)
    assert abs(after.b) < 2 * after.b_error
