"""Trails are proposed where they were drawn and nowhere else; the hand has the last word."""

import numpy as np
import pytest
from numpy.typing import NDArray

from processing.science.drawn_masks import Line, Polygon, mask_of
from processing.science.errors import TooFewPixels
from processing.science.motion import Motion
from processing.science.templates import match
from processing.science.trails import propose_trails
from tests.support.fields import draw_field, expose, trailed

Array = NDArray[np.float64]
SIZE = 160
STILL = Motion(0.0, 0.0, 0.0, (79.5, 79.5))
Ends = tuple[tuple[float, float], tuple[float, float]]


def residual(seed: int, trails: tuple[Ends, ...] = (), level: float = 0.0) -> Array:
    """Expose a field, draw trails into it and take off the matched reference."""
    rng = np.random.default_rng(seed)
    field = draw_field(rng, size=SIZE)
    image = expose(field, fwhm=3.0, beta=2.3) + rng.normal(0, 2, (SIZE, SIZE))
    for start, stop in trails:
        image = trailed(image, start, stop, level=level, width=5.0)
    matched = match(image, expose(field, fwhm=4.5) + rng.normal(0, 1, image.shape), STILL)
    return matched.image - matched.reference


def light_of(ends: Ends) -> NDArray[np.bool_]:
    """Return the pixels within a trail's full width at half maximum."""
    return trailed(np.zeros((SIZE, SIZE)), *ends, level=1.0, width=5.0) > 0.5


@pytest.mark.parametrize("level", [2.0, 20.0, 300.0])
@pytest.mark.parametrize(
    "ends",
    [((0.0, 30.0), (159.0, 31.0)), ((70.0, 0.0), (71.5, 159.0)), ((0.0, 10.0), (159.0, 140.0)), ((0, 150), (90, 0))],
)
def test_a_trail_is_proposed_where_it_is(ends: Ends, level: float) -> None:
    (trail,) = propose_trails(residual(41, (ends,), level))
    mask = trail.line.mask((SIZE, SIZE))
    assert mask[light_of(ends)].mean() > 0.98
    assert mask.sum() < 5 * light_of(ends).sum()
    assert trail.level == pytest.approx(level, rel=0.6)


@pytest.mark.parametrize("seed", range(5))
def test_stars_and_knots_are_no_trails(seed: int) -> None:
    assert propose_trails(residual(seed)) == ()


def test_two_trails_are_two() -> None:
    both: tuple[Ends, ...] = (((0.0, 20.0), (159.0, 100.0)), ((20.0, 0.0), (60.0, 159.0)))
    found = propose_trails(residual(42, both, 15.0))
    assert len(found) == 2
    mask = mask_of((SIZE, SIZE), proposed=[trail.line for trail in found])
    assert all(mask[light_of(each)].mean() > 0.98 for each in both)


def test_a_row_of_stars_is_no_trail() -> None:
    rng = np.random.default_rng(43)
    image = rng.normal(0, 2, (SIZE, SIZE))
    image[77:84, 20:140:30] += 500
    assert propose_trails(image) == ()


def test_images_without_noise_or_light_have_no_trails() -> None:
    assert propose_trails(np.zeros((SIZE, SIZE))) == ()


def test_an_exposure_of_nan_is_refused() -> None:
    with pytest.raises(TooFewPixels, match="0 good pixels"):
        propose_trails(np.full((SIZE, SIZE), np.nan))


def test_the_hand_has_the_last_word() -> None:
    proposed, corner = Line((0, 5), (19, 5), 3), Polygon(((-1.0, -1.0), (4.5, -1.0), (4.5, 20.0), (-1.0, 20.0)))
    mask = mask_of((10, 20), proposed=[proposed], kept=[corner], drawn=[Polygon(((-1, 7.5), (3, 8.5), (-1, 9.5)))])
    assert mask[4:7, 5:].all()
    assert not mask[:7, :5].any()
    assert mask[8:10, 0].tolist() == [True, True]
    assert not mask[:4].any()


def test_a_line_ends_at_its_margin_or_not_at_all() -> None:
    assert Line((5, 5), (10, 5), 1, margin=2).mask((11, 20))[5].nonzero()[0].tolist() == list(range(3, 13))
    assert Line((5, 5), (10, 5), 1).mask((11, 20))[5].all()
    assert Line((5, 5), (10, 5), 1).mask((11, 20)).sum() == 20


@pytest.mark.parametrize(
    ("start", "stop", "width", "margin"),
    [((1, 1), (1, 1), 3, None), ((1, 1), (2, 2), 0, None), ((1, 1), (2, 2), 3, -1), ((1, np.nan), (2, 2), 3, None)],
)
def test_a_line_that_is_none_is_refused(
    start: tuple[float, float], stop: tuple[float, float], width: float, margin: float | None
) -> None:
    with pytest.raises(ValueError, match="a line"):
        Line(start, stop, width, margin)


def test_a_polygon_is_filled_as_its_area_says() -> None:
    circle = tuple((50 + 30 * np.cos(t), 50 + 30 * np.sin(t)) for t in np.linspace(0, 2 * np.pi, 200, endpoint=False))
    assert Polygon(circle).mask((100, 100)).sum() == pytest.approx(np.pi * 30**2, rel=0.01)


@pytest.mark.parametrize("points", [((0, 0), (1, 1)), ((0, 0), (1, 1), (np.inf, 0))])
def test_a_polygon_that_is_none_is_refused(points: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="a polygon"):
        Polygon(points)
