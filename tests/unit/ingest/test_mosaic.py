"""Fields of a mosaic: how they are turned and what they cover."""

import math

import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from ingest.mosaic import footprint, position_angle, separation


def corners(outline: list[float]) -> SkyCoord:
    return SkyCoord(outline[0::2], outline[1::2], unit="deg")


def test_fields_in_a_row_along_the_equator_are_not_turned() -> None:
    assert position_angle([(10.0 + 56 / 3600 * n, 0.0) for n in range(3)]) == pytest.approx(0.0)


def test_a_mosaic_that_stands_on_its_corner_tells_its_angle() -> None:
    ngc0628 = [(24.179717, 15.75473), (24.168492, 15.76554), (24.190942, 15.76554), (24.179717, 15.77634)]
    assert position_angle(ngc0628) == pytest.approx(45, abs=0.6)


def test_a_field_out_of_step_does_not_turn_the_mosaic() -> None:
    ngc1385 = [(54.378854, -24.50028), (54.360994, -24.50053), (54.369803, -24.48441), (54.378854, -24.51639)]
    assert position_angle(ngc1385) is not None
    assert min(position_angle(ngc1385) or 0, 90 - (position_angle(ngc1385) or 0)) < 1


def test_fields_that_do_not_touch_have_no_angle() -> None:
    assert position_angle([(10.0, -30.0), (10.1, -30.0)]) is None


@given(st.floats(0, 359.99), st.floats(-85, 85), st.floats(0, 89.99))
def test_a_footprint_is_a_square_around_its_centre(ra: float, dec: float, angle: float) -> None:
    outline = corners(footprint(ra, dec, angle))
    centre = SkyCoord(ra, dec, unit="deg")
    assert outline.separation(centre).to_value(u.arcsec) == pytest.approx([30 * math.sqrt(2)] * 4, rel=1e-6)
    sides = outline.separation(SkyCoord([outline[1], outline[2], outline[3], outline[0]]))
    assert sides.to_value(u.arcsec) == pytest.approx([60.0] * 4, rel=1e-6)


def test_a_footprint_goes_round_counter_clockwise_with_east_to_the_left() -> None:
    outline = corners(footprint(120.0, 20.0, 10.0))
    angles = SkyCoord(120.0, 20.0, unit="deg").position_angle(outline).to_value(u.deg)
    assert angles == pytest.approx([55, 145, 235, 325], abs=0.01)


@given(st.floats(0, 360), st.floats(-89, 89), st.floats(0, 360), st.floats(-89, 89))
def test_separation_agrees_with_astropy(ra1: float, dec1: float, ra2: float, dec2: float) -> None:
    expected = SkyCoord(ra1, dec1, unit="deg").separation(SkyCoord(ra2, dec2, unit="deg")).to_value(u.arcsec)
    assert separation((ra1, dec1), (ra2, dec2)) == pytest.approx(expected, rel=1e-6, abs=1e-3)
