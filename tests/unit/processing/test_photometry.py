"""Scale and background against truth; York's line against the paper and another minimiser."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from processing.science.errors import NoMatch, NoOverlap, TooFewPixels
from processing.science.motion import Motion
from processing.science.photometry import FluxScale, flux_scale
from processing.science.templates import match
from processing.science.york import york
from tests.support.fields import Field, draw_field, expose

Array = NDArray[np.float64]
STILL = Motion(0.0, 0.0, 0.0, (95.5, 95.5))


def pair(
    rng: np.random.Generator, field: Field, *, a: float, b: float, fwhm: tuple[float, float] = (4.0, 4.0)
) -> tuple[Array, Array]:
    """Expose a field so that reference = a * image + b, with noise."""
    shape = (field.size, field.size)
    image = (expose(field, fwhm=fwhm[0]) - b) / a + rng.normal(0, 2, shape)
    return image, expose(field, fwhm=fwhm[1]) + rng.normal(0, 1, shape)


def scaled(image: Array, reference: Array) -> FluxScale:
    matched = match(image, reference, STILL)
    return flux_scale(matched.image, matched.reference, good=matched.good, noise=matched.noise)


@pytest.mark.parametrize("fwhm", [(4.0, 4.0), (3.0, 4.5), (5.0, 4.0)])
@pytest.mark.parametrize(("a", "b"), [(1.0, 0.0), (0.85, 12.0), (1.2, -7.0)])
def test_scale_and_background_are_found_through_different_psfs(a: float, b: float, fwhm: tuple[float, float]) -> None:
    rng = np.random.default_rng(21)
    found = scaled(*pair(rng, draw_field(rng, size=192), a=a, b=b, fwhm=fwhm))
    assert found.certain
    assert found.a == pytest.approx(a, rel=0.01)
    assert found.b == pytest.approx(b, abs=0.15)


def test_errors_are_as_large_as_what_they_speak_of() -> None:
    pulls = []
    for seed in range(40):
        rng = np.random.default_rng(2000 + seed)
        found = flux_scale(*pair(rng, draw_field(rng, size=150, stars=5, knots=20), a=0.9, b=5.0))
        pulls.append(((found.a - 0.9) / found.a_error, (found.b - 5.0) / found.b_error))
    assert np.sqrt(np.mean(np.square(pulls), axis=0)) == pytest.approx((1.0, 1.0), abs=0.2)


def test_the_noise_of_the_exposure_does_not_flatten_the_slope() -> None:
    """Errors on both axes: with so much noise a fit of one axis finds the slope too small."""
    rng = np.random.default_rng(22)
    truth = np.repeat(np.repeat(rng.normal(0, 1, (30, 30)), 15, axis=0), 15, axis=1)
    muse = truth / 0.8 + rng.normal(0, 6, truth.shape)
    reference = truth + 3 + rng.normal(0, 0.5, truth.shape)
    found = flux_scale(muse, reference)
    x, y = (each.reshape(30, 15, 30, 15).mean(axis=(1, 3)).ravel() for each in (muse, reference))
    assert np.polyfit(x, y, 1)[0] < 0.8 * 0.95
    assert found.a == pytest.approx(0.8, abs=3 * found.a_error)
    assert found.a_error < 0.02


def test_outliers_are_left_out_and_counted() -> None:
    rng = np.random.default_rng(23)
    image, reference = pair(rng, draw_field(rng, size=192), a=1.1, b=4.0)
    image[15:45, 30:75] += 500  # a ghost of six chunks
    image[rng.integers(0, 192, 300), rng.integers(0, 192, 300)] = 1e5  # cosmic rays
    found = flux_scale(image, reference)
    assert 6 <= found.rejected < 20
    assert found.a == pytest.approx(1.1, rel=0.01)
    assert found.b == pytest.approx(4.0, abs=0.2)


def test_what_is_marked_as_bad_takes_no_part() -> None:
    rng = np.random.default_rng(24)
    image, reference = pair(rng, draw_field(rng, size=150), a=1.1, b=4.0)
    good = np.ones(image.shape, dtype=np.bool_)
    good[:60] = False
    spoilt = np.where(good, image, 3.0)
    assert flux_scale(spoilt, reference, good=good) == flux_scale(np.where(good, image, np.nan), reference)


def test_images_without_noise_give_the_line_itself() -> None:
    image = expose(draw_field(np.random.default_rng(25)), fwhm=4.0)
    found = flux_scale((image - 7) / 0.9, image)
    assert (found.a, found.b) == pytest.approx((0.9, 7.0), rel=1e-6)
    assert found.rejected == 0


def test_a_sky_without_sources_has_no_slope() -> None:
    rng = np.random.default_rng(26)
    with pytest.raises(NoMatch, match="no slope"):
        flux_scale(rng.normal(0, 2, (160, 160)), rng.normal(0, 1, (160, 160)))


def test_an_image_of_nan_has_too_few_pixels() -> None:
    image = expose(draw_field(np.random.default_rng(27)), fwhm=4.0)
    with pytest.raises(TooFewPixels, match="MUSE image has 0 chunks"):
        flux_scale(np.full(image.shape, np.nan), image)
    with pytest.raises(TooFewPixels, match="reference has 0 chunks"):
        flux_scale(image, np.full(image.shape, np.nan))


def test_images_that_lie_apart_do_not_overlap() -> None:
    image = expose(draw_field(np.random.default_rng(28)), fwhm=4.0)
    left, right = image.copy(), image.copy()
    left[:, 80:], right[:, :80] = np.nan, np.nan
    with pytest.raises(NoOverlap, match="0 chunks"):
        flux_scale(left, right)


def test_a_line_the_wrong_way_up_is_flagged() -> None:
    rng = np.random.default_rng(29)
    image, reference = pair(rng, draw_field(rng), a=1.0, b=0.0)
    assert not flux_scale(-image, reference).certain


@pytest.mark.parametrize(
    ("muse", "chunk", "text"), [(np.zeros((20, 30)), 15, "shape"), (np.zeros((30, 30)), 1, "at least 2")]
)
def test_what_makes_no_sense_is_refused(muse: Array, chunk: int, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        flux_scale(muse, np.zeros((30, 30)), chunk=chunk)


def test_york_s_line_through_pearson_s_points_is_the_published_one() -> None:
    x = np.array([0.0, 0.9, 1.8, 2.6, 3.3, 4.4, 5.2, 6.1, 6.5, 7.4])
    y = np.array([5.9, 5.4, 4.4, 4.6, 3.5, 3.7, 2.8, 2.8, 2.4, 1.5])
    x_weight = np.array([1000.0, 1000, 500, 800, 200, 80, 60, 20, 1.8, 1])
    y_weight = np.array([1.0, 1.8, 4, 8, 20, 20, 70, 70, 100, 500])
    line = york(x, y, x_weight**-0.5, y_weight**-0.5)
    assert line.slope == pytest.approx(-0.480533407, abs=1e-8)
    assert line.intercept == pytest.approx(5.47991022, abs=1e-7)


def test_york_s_line_is_the_nearest_in_both_errors() -> None:
    rng = np.random.default_rng(30)
    errors = rng.uniform(0.2, 1.0, (2, 40))
    x = rng.uniform(0, 10, 40) + rng.normal(0, errors[0])
    y = 1.5 * x - 2 + rng.normal(0, errors[1])

    def chi2(line: Array) -> float:
        return float(((y - line[0] * x - line[1]) ** 2 / (errors[1] ** 2 + (line[0] * errors[0]) ** 2)).sum())

    best = minimize(chi2, np.array([1.0, 0.0]), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    found = york(x, y, *errors)
    assert (found.slope, found.intercept) == pytest.approx(tuple(best.x), abs=1e-6)
