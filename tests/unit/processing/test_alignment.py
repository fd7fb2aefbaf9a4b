"""Offset, rotation and their errors against fields drawn where they truly are."""

import numpy as np
import pytest
from numpy.typing import NDArray

from processing.science.alignment import Alignment, align
from processing.science.errors import NoMatch, NoOverlap, TooFewPixels, Unmeasurable
from tests.support.fields import SCALE, Field, draw_field, expose, trailed

Array = NDArray[np.float64]


def aligned(
    rng: np.random.Generator,
    field: Field,
    truth: tuple[float, float, float],
    *,
    fwhm: tuple[float, float] = (3.0, 4.5),
) -> Alignment:
    """Align an exposure of its own PSF, scale and sky, noisier than the reference."""
    shape = (field.size, field.size)
    image = 0.8 * expose(field, fwhm=fwhm[0], beta=2.3, dx=truth[0], dy=truth[1], rotation=truth[2]) + 20
    reference = expose(field, fwhm=fwhm[1])
    return align(image + rng.normal(0, 2, shape), reference + rng.normal(0, 1, shape))


@pytest.mark.parametrize(
    "truth", [(0.0, 0.0, 0.0), (0.37, -0.61, 0.1), (3.3, -5.7, -0.2), (-24.6, 18.2, 0.3), (1.5, 2.5, -1.2)]
)
@pytest.mark.parametrize("fwhm", [(3.0, 4.5), (5.5, 4.0)])
def test_offset_and_rotation_are_found(truth: tuple[float, float, float], fwhm: tuple[float, float]) -> None:
    rng = np.random.default_rng(17)
    found = aligned(rng, draw_field(rng, size=224, stars=16, knots=80), truth, fwhm=fwhm)
    assert found.certain
    assert found.motion.dx * SCALE == pytest.approx(truth[0] * SCALE, abs=0.03)
    assert found.motion.dy * SCALE == pytest.approx(truth[1] * SCALE, abs=0.03)
    assert found.motion.rotation == pytest.approx(truth[2], abs=0.03)
    assert found.correlation > 0.99


def test_errors_are_as_large_as_what_they_speak_of() -> None:
    pulls = []
    for seed in range(24):
        rng = np.random.default_rng(1000 + seed)
        truth = (float(rng.uniform(-6, 6)), float(rng.uniform(-6, 6)), float(rng.uniform(-0.4, 0.4)))
        found = aligned(rng, draw_field(rng, size=96, stars=8), truth)
        pulls.append((found.motion.dx - truth[0]) / found.dx_error)
        pulls.append((found.motion.dy - truth[1]) / found.dy_error)
        pulls.append((found.motion.rotation - truth[2]) / found.rotation_error)
    assert np.sqrt(np.mean(np.square(pulls))) == pytest.approx(1, abs=0.2)
    assert abs(np.mean(pulls)) < 0.3


def test_a_field_of_knots_needs_no_stars() -> None:
    rng = np.random.default_rng(5)
    found = aligned(rng, draw_field(rng, stars=0), (2.0, 1.0, 0.2))
    assert found.certain
    assert (found.motion.dx, found.motion.dy) == pytest.approx((2.0, 1.0), abs=0.15)


def test_bad_pixels_a_trail_and_cosmic_rays_do_not_move_it() -> None:
    rng = np.random.default_rng(6)
    field = draw_field(rng, stars=10)
    image = trailed(expose(field, fwhm=3.0, dx=1.3, dy=-0.8, rotation=0.15), (10, 20), (150, 90), level=40, width=5)
    image += rng.normal(0, 2, image.shape)
    image[rng.integers(0, 160, 60), rng.integers(0, 160, 60)] += 3000
    image[60:75, 30:110] = np.nan
    image[rng.uniform(size=image.shape) < 0.01] = np.inf
    reference = expose(field, fwhm=4.5) + rng.normal(0, 1, image.shape)
    reference[:, 140:] = np.nan
    found = align(image, reference)
    assert (found.motion.dx, found.motion.dy) == pytest.approx((1.3, -0.8), abs=0.15)
    assert found.motion.rotation == pytest.approx(0.15, abs=0.05)


def test_what_is_marked_as_bad_is_not_looked_at() -> None:
    rng = np.random.default_rng(7)
    field = draw_field(rng)
    image, reference = expose(field, fwhm=3.0, dx=1.0), expose(field, fwhm=4.5)
    image += rng.normal(0, 2, image.shape)
    good = np.ones(image.shape, dtype=np.bool_)
    good[:, :60] = False
    spoilt = np.where(good, image, 1e6 * rng.normal(size=image.shape))
    assert align(spoilt, reference, good=good) == align(np.where(good, image, np.nan), reference)
    assert align(image, spoilt, reference_good=good).pixels < 0.7 * image.size


def test_scale_and_background_do_not_matter() -> None:
    rng = np.random.default_rng(8)
    field = draw_field(rng)
    image = expose(field, fwhm=3.0, dx=1.0, rotation=0.3) + rng.normal(0, 2, (160, 160))
    reference = expose(field, fwhm=4.5) + rng.normal(0, 1, (160, 160))
    plain, scaled = align(image, reference), align(1e-3 * image - 7, 40 * reference + 1e4)
    assert scaled.motion.dx == pytest.approx(plain.motion.dx, abs=5e-3)
    assert scaled.motion.rotation == pytest.approx(plain.motion.rotation, abs=5e-3)


def test_images_without_noise_are_no_trouble() -> None:
    field = draw_field(np.random.default_rng(9))
    found = align(expose(field, fwhm=4.0, dx=2.25, rotation=0.1), expose(field, fwhm=4.0))
    assert found.motion.dx == pytest.approx(2.25, abs=2e-3)
    assert found.motion.rotation == pytest.approx(0.1, abs=2e-3)


def test_an_exposure_of_nothing_matches_nothing() -> None:
    rng = np.random.default_rng(10)
    reference = expose(draw_field(rng), fwhm=4.5)
    with pytest.raises(NoMatch, match="nothing in the image stands out"):
        align(rng.normal(0, 2, reference.shape), reference)


@pytest.mark.parametrize("value", [0.0, 5.0])
def test_an_image_of_one_value_matches_nothing(value: float) -> None:
    reference = expose(draw_field(np.random.default_rng(11)), fwhm=4.5)
    with pytest.raises(NoMatch):
        align(np.full(reference.shape, value), reference)


@pytest.mark.parametrize("seed", range(4))
def test_a_galaxy_without_stars_or_knots_is_never_called_certain(seed: int) -> None:
    rng = np.random.default_rng(seed)
    try:
        found = aligned(rng, draw_field(rng, size=128, stars=0, knots=0), (2.0, 1.0, 0.0))
    except NoMatch:
        return
    assert not found.certain
    assert abs(found.motion.rotation) < 5 * found.rotation_error


@pytest.mark.parametrize("seed", range(4))
def test_another_field_is_never_called_certain(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = draw_field(rng, size=128), draw_field(rng, size=128, galaxy=0.0)
    image = expose(one, fwhm=3.0) + rng.normal(0, 2, (128, 128))
    try:
        found = align(image, expose(other, fwhm=4.5) + rng.normal(0, 1, image.shape))
    except Unmeasurable:
        return
    assert not found.certain


def test_an_exposure_of_nan_has_too_few_pixels() -> None:
    reference = expose(draw_field(np.random.default_rng(12)), fwhm=4.5)
    with pytest.raises(TooFewPixels, match="0 good pixels"):
        align(np.full(reference.shape, np.nan), reference)


def test_a_reference_that_lies_elsewhere_is_no_overlap() -> None:
    rng = np.random.default_rng(13)
    image = expose(draw_field(rng), fwhm=4.5) + rng.normal(0, 2, (160, 160))
    with pytest.raises(NoOverlap):
        align(image, np.full(image.shape, np.nan))
    left, right = image.copy(), image.copy()
    left[:, 30:], right[:, :130] = np.nan, np.nan
    with pytest.raises(NoOverlap):
        align(left, right)


def test_images_of_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        align(np.zeros((30, 30)), np.zeros((30, 31)))
