"""The drawing of a mosaic: fields whose place in it is known."""

import math

import pytest

from server.portal.footprints import Disk, Field, draw, tangent

CENTRE = (24.17, 15.78)
ARCMIN = 1 / 60


def field(number: int, east: float = 0.0, north: float = 0.0, *, centre: tuple[float, float] = CENTRE) -> Field:
    """A square field of an arcminute, offsets in arcmin."""
    ra = centre[0] + east * ARCMIN / math.cos(math.radians(centre[1]))
    dec = centre[1] + north * ARCMIN
    half, stretch = ARCMIN / 2, math.cos(math.radians(dec))
    corners = ((half, half), (half, -half), (-half, -half), (-half, half))
    outline = [value for e, n in corners for value in (ra + e / stretch, dec + n)]
    return Field(number, ra, dec, outline, ao=number % 2 == 0, note="")


def test_a_pointing_60_arcsec_north_is_drawn_above() -> None:
    drawing = draw(CENTRE, [field(1), field(2, north=1.0)], parsec_per_arcsec=50.0)
    here, there = drawing.fields
    assert there.y < here.y
    assert there.x == pytest.approx(here.x, abs=0.5)


def test_a_pointing_60_arcsec_east_is_drawn_to_the_left() -> None:
    drawing = draw(CENTRE, [field(1), field(2, east=1.0)], parsec_per_arcsec=50.0)
    here, there = drawing.fields
    assert there.x < here.x
    assert there.y == pytest.approx(here.y, abs=0.5)


@pytest.mark.parametrize("ra", [0.0, 359.999, 180.0])
def test_a_mosaic_across_right_ascension_0_stays_together(ra: float) -> None:
    centre = (ra, -36.1)
    east, north = tangent(ra + 0.01, -36.1, centre=centre)
    assert east == pytest.approx(36 * math.cos(math.radians(36.1)), rel=1e-6)
    assert north == pytest.approx(0.0, abs=0.01)


def test_across_the_pole_is_straight_on() -> None:
    assert tangent(190.0, 89.99, centre=(10.0, 89.99)) == pytest.approx((0.0, 72.0), abs=1e-4)


def test_the_other_side_of_the_sky_is_infinitely_far() -> None:
    assert tangent(CENTRE[0] + 180, -CENTRE[1], centre=CENTRE) == (math.inf, math.inf)


def test_a_field_far_away_is_listed_and_does_not_shrink_the_others() -> None:
    near = draw(CENTRE, [field(1)], parsec_per_arcsec=50.0)
    far = Field(7, CENTRE[0] + 90, 0.0, None, ao=True, note="")
    both = draw(CENTRE, [field(1), far], parsec_per_arcsec=50.0)
    assert both.left_out == (7,)
    assert both.fields == near.fields


def test_everything_is_inside_the_picture() -> None:
    mosaic = [field(i, east=i - 2.0, north=0.7 * i) for i in range(5)]
    drawing = draw(CENTRE, mosaic, parsec_per_arcsec=50.0)
    points = [tuple(map(float, pair.split(","))) for f in drawing.fields for pair in f.points.split()]
    assert all(0 < x < drawing.width and 0 < y < drawing.height for x, y in points)


def test_the_bar_is_as_long_as_it_says() -> None:
    drawing = draw(CENTRE, [field(1), field(2, north=1.0)], parsec_per_arcsec=50.0)
    apart = drawing.fields[0].y - drawing.fields[1].y
    assert drawing.bar.length / drawing.bar.arcsec == pytest.approx(apart / 60, rel=1e-3)
    assert drawing.bar.kiloparsec == pytest.approx(drawing.bar.arcsec * 0.05)


def test_a_disk_seen_at_60_degrees_is_half_as_wide_as_long_and_turned_to_the_east() -> None:
    drawing = draw(CENTRE, [field(1)], parsec_per_arcsec=50.0, disk=Disk(position_angle=30.0, inclination=60.0))
    assert drawing.ring is not None
    assert drawing.ring.across / drawing.ring.along == pytest.approx(0.5)
    assert drawing.ring.turn == -30.0  # SVG turns clockwise, position angles go counter-clockwise
    assert (drawing.ring.x, drawing.ring.y) == drawing.centre


def test_the_ring_is_as_large_as_it_says() -> None:
    drawing = draw(CENTRE, [field(1)], parsec_per_arcsec=50.0, disk=Disk(0.0, 0.0))
    assert drawing.ring is not None
    parsec = drawing.ring.along / (drawing.bar.length / drawing.bar.arcsec) * 50.0
    assert parsec == pytest.approx(drawing.ring.kiloparsec * 1000)


def test_fields_on_one_another_share_a_number() -> None:
    twice = [field(1, east=-2), field(3, north=2), field(4, north=2)]
    assert [n.text for n in draw(CENTRE, twice, parsec_per_arcsec=50.0).numbers] == ["1", "3, 4"]


def test_a_number_makes_room_for_the_centre_mark() -> None:
    drawing = draw(CENTRE, [field(1)], parsec_per_arcsec=50.0)
    assert drawing.numbers[0].y < drawing.centre[1] - 18


def test_a_field_without_outline_is_a_small_mark_at_its_place() -> None:
    bare = Field(2, CENTRE[0], CENTRE[1] + ARCMIN, None, ao=False, note="")
    drawing = draw(CENTRE, [field(1), bare], parsec_per_arcsec=50.0)
    assert drawing.fields[1].x == pytest.approx(drawing.centre[0], abs=0.5)
    assert len(drawing.fields[1].points.split()) == 4
