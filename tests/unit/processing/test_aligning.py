"""One exposure against its reference, drawn where they truly are: what the pipeline is told puts it right."""

from collections.abc import Callable

import numpy as np
import pytest
from astropy.wcs import WCS
from numpy.typing import NDArray

from processing.aligning import Aligned, align_exposure
from processing.reference import Reference
from processing.science.errors import NoMatch, NoOverlap, TooFewPixels
from tests.support.fields import SCALE, trailed
from tests.support.pointings import MIDDLE, POINTING, SIZE, SKY, Truth, images, wcs

Array = NDArray[np.float64]
Spoils = Callable[[Array, Array], tuple[Array, Array]]


def aligned(image: Array, reference: Array, grid: WCS, *, good: NDArray[np.bool_] | None = None) -> Aligned:
    ra, dec = grid.pixel_to_world_values(MIDDLE + POINTING[0], MIDDLE + POINTING[1])
    return align_exposure(
        image,
        grid,
        Reference(reference, grid),
        good=np.ones(image.shape, np.bool_) if good is None else good,
        sky_level=SKY,
        pointing=(float(ra), float(dec)),
    )


def short_way(degrees: float) -> float:
    return (degrees + 180) % 360 - 180


@pytest.mark.parametrize(
    ("truth", "place"),
    [
        (Truth(), (54.37, -24.5)),
        (Truth(-4.6, 1.7, -0.3, 0.93, 6.0), (0.0005, 60.0)),
        (Truth(0.0, 0.0, 0.0, 1.0, 0.0), (0.0, 0.0)),
    ],
    ids=["usual", "north across 0h", "nothing to do"],
)
def test_offset_rotation_flux_and_sky_are_found(truth: Truth, place: tuple[float, float]) -> None:
    grid = wcs(*place)
    found = aligned(*images(truth), grid)
    before = grid.pixel_to_world_values(MIDDLE + POINTING[0], MIDDLE + POINTING[1])
    x, y = truth.there(*POINTING)
    after = grid.pixel_to_world_values(MIDDLE + x, MIDDLE + y)
    east = (found.offset.ra - short_way(float(after[0] - before[0]))) * np.cos(np.radians(place[1]))
    assert abs(east) * 3600 < 0.03
    assert abs(found.offset.dec - float(after[1] - before[1])) * 3600 < 0.03
    assert found.offset.rotation == pytest.approx(truth.rotation, abs=0.03)  # east is left: the same sense
    assert found.scale.a == pytest.approx(truth.a, rel=0.01)
    assert found.sky.alpha == pytest.approx(1 - truth.b / (truth.a * SKY), abs=0.01)
    assert found.trails == ()
    assert found.quality == "good"
    assert 0 < found.offset_error < 0.03


def test_a_trail_is_found_where_it_lies_on_the_sky_and_spoils_nothing() -> None:
    truth, grid = Truth(), wcs()
    image, reference = images(truth)
    start, stop = (0.0, 20.0), (159.0, 130.0)
    found = aligned(trailed(image, start, stop, level=40.0, width=5.0), reference, grid)
    (band,) = found.trails
    assert band.significance is not None
    assert band.significance > 8
    assert 5 * SCALE < band.width < 20 * SCALE
    ends = np.array([truth.there(x - MIDDLE, y - MIDDLE) for x, y in (start, stop)]) + MIDDLE
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    for place in (band.start, band.stop):
        x, y = grid.world_to_pixel_values(*place)
        off = (float(x) - ends[0, 0]) * along[1] - (float(y) - ends[0, 1]) * along[0]
        assert abs(off) < 1.0
    clean = aligned(image, reference, grid)
    assert (found.offset.ra, found.offset.dec) == pytest.approx((clean.offset.ra, clean.offset.dec), abs=0.03 / 3600)
    assert found.scale.a == pytest.approx(truth.a, rel=0.01)


def test_the_same_images_give_the_same_numbers() -> None:
    both = images(Truth())
    assert aligned(*both, wcs()) == aligned(*both, wcs())


def test_pixels_that_are_not_good_do_not_count() -> None:
    truth = Truth()
    image, reference = images(truth)
    good = np.ones(image.shape, np.bool_)
    good[40:60, 30:90] = False
    spoilt = np.where(good, image, 1e6)
    assert aligned(spoilt, reference, wcs(), good=good).scale.a == pytest.approx(truth.a, rel=0.02)


def noise(seed: int) -> Array:
    made: Array = np.random.default_rng(seed).normal(0, 2, (SIZE, SIZE))
    return made


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (lambda i, r: (np.full_like(i, np.nan), r), TooFewPixels, "the image has 0 good pixels"),
        (lambda i, r: (i, np.full_like(r, np.nan)), NoOverlap, "does not reach"),
        (lambda _, r: (noise(3), r), NoMatch, "nothing in the image stands out"),
        (lambda *_: (noise(3), noise(4)), NoMatch, "nothing in the image stands out"),
        (lambda i, r: (np.zeros_like(i), r), NoMatch, "nothing in the image stands out"),
        (lambda i, r: (-i, r), NoMatch, "nothing in the image stands out"),
        (lambda _, r: (images(Truth(), seed=8)[0], r), NoMatch, "nothing in the image holds the fit"),
    ],
    ids=["all NaN", "empty reference", "no stars", "no stars in either", "all zero", "negative", "another field"],
)
def test_what_cannot_be_aligned_says_why(spoil: Spoils, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        aligned(*spoil(*images(Truth())), wcs())


def test_a_reference_of_another_place_is_not_reached() -> None:
    image, reference = images(Truth())
    with pytest.raises(NoOverlap, match="the reference does not reach the exposure's field"):
        align_exposure(
            image,
            wcs(),
            Reference(reference, wcs(ra=150.0)),
            good=np.ones(image.shape, np.bool_),
            sky_level=SKY,
            pointing=(54.37, -24.5),
        )


@pytest.mark.parametrize("level", [0.0, -1.0, float("nan")])
def test_a_sky_that_is_none_has_no_factor(level: float) -> None:
    image, reference = images(Truth())
    with pytest.raises(NoMatch, match="sky"):
        align_exposure(
            image,
            wcs(),
            Reference(reference, wcs()),
            good=np.ones(image.shape, np.bool_),
            sky_level=level,
            pointing=(54.37, -24.5),
        )
