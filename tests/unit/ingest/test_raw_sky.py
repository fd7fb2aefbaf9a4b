"""Sun and Moon against astropy; where the field of view lies."""

import math
import random
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import EarthLocation, PrecessedGeocentric, SkyCoord, get_body, get_sun
from astropy.time import Time
from astropy.utils import iers

from ingest.mosaic import separation
from ingest.raw_sky import footprint, moon, sun

PARANAL = EarthLocation.from_geodetic(-70.404 * u.deg, -24.627 * u.deg, 2648 * u.m)
MJDS = [56700.1, 56999.11732405, 57919.0659, 58274.04651201, 58849.0, 59214.33, 60000.4, 61000.9]


@pytest.fixture(autouse=True)
def _offline() -> Any:
    none, degraded = (("auto_download", False), ("iers_degraded_accuracy", "ignore"))
    with iers.conf.set_temp(*none), iers.conf.set_temp(*degraded):
        yield


@pytest.mark.parametrize("mjd", MJDS)
def test_the_sun_stands_where_astropy_has_it(mjd: float) -> None:
    when = Time(mjd, format="mjd", scale="utc")
    theirs = get_sun(when).transform_to(PrecessedGeocentric(equinox=when, obstime=when))
    ra, dec = sun(mjd)
    assert SkyCoord(ra * u.deg, dec * u.deg).separation(SkyCoord(theirs.ra, theirs.dec)).deg < 0.02


@pytest.mark.parametrize("mjd", MJDS)
def test_distance_and_phase_of_the_moon(mjd: float) -> None:
    when = Time(mjd, format="mjd", scale="utc")
    theirs, solar = get_body("moon", when, PARANAL), get_sun(when)
    place = SkyCoord(theirs.ra, theirs.dec)
    elongation = place.separation(SkyCoord(solar.ra, solar.dec)).rad
    field = SkyCoord(184.70611 * u.deg, 14.41632 * u.deg)
    found = moon({"mjd_obs": mjd, "ra": field.ra.deg, "dec": field.dec.deg}, place.ra.deg, place.dec.deg)
    assert found["moon_distance"] == pytest.approx(field.separation(place).deg, abs=0.02)
    assert found["moon_illumination"] == pytest.approx((1 - math.cos(elongation)) / 2, abs=0.01)


def test_a_moon_without_place_or_a_frame_without_position() -> None:
    facts = {"mjd_obs": 58274.0, "ra": None, "dec": None}
    assert moon(facts, None, 3.0) == {"moon_distance": None, "moon_illumination": None}
    assert moon(facts, 10.0, 3.0)["moon_distance"] is None
    assert moon(facts, 10.0, 3.0)["moon_illumination"] is not None


def test_no_two_places_are_too_far_apart() -> None:
    chance = random.Random(3)
    for _ in range(2000):
        ra, dec = chance.uniform(0, 360), chance.uniform(-90, 90)
        assert separation((ra, dec), (ra + 180, -dec)) == pytest.approx(180 * 3600)


def facts(**changed: object) -> dict[str, object]:
    return {"ra": 150.0, "dec": 20.0, "rotator_mode": "SKY", "rotator_angle": 0.0, "ins_field": "WFM", **changed}


def edges(outline: list[float] | None) -> tuple[list[float], list[float]]:
    """Lengths (arcsec) of the four edges and their position angles modulo 90."""
    assert outline is not None
    corners = SkyCoord(np.reshape(outline, (4, 2)) * u.deg)
    following = SkyCoord(np.roll(np.reshape(outline, (4, 2)), -1, axis=0) * u.deg)
    angles = corners.position_angle(following).deg
    return list(corners.separation(following).arcsec), [float(a % 90) for a in angles]


@pytest.mark.parametrize(("angle", "turned"), [(30.0, 60.0), (0.0, 0.0), (-20.0, 20.0), (350.0, 10.0), (135.6, 44.4)])
def test_the_field_is_turned_against_the_derotator(angle: float, turned: float) -> None:
    lengths, angles = edges(footprint("OBJECT", facts(rotator_angle=angle)))
    assert lengths == pytest.approx([60.0] * 4, abs=0.01)
    for found in angles:
        assert abs((found - turned + 45) % 90 - 45) < 0.05


def test_the_narrow_field_is_small() -> None:
    lengths, _ = edges(footprint("OBJECT", facts(ins_field="NFM")))
    assert lengths == pytest.approx([7.5] * 4, abs=0.001)


def test_north_is_up_and_east_is_where_right_ascension_grows() -> None:
    outline = footprint("SKY", facts(rotator_angle=-10.0))
    assert outline is not None
    # Ten degrees east of north: the middle of the upper edge lies to the east of the centre.
    corners = sorted(np.reshape(outline, (4, 2)).tolist(), key=lambda corner: corner[1])
    upper = (corners[2][0] + corners[3][0]) / 2
    assert upper > 150.0
    assert (upper - 150.0) * math.cos(math.radians(20)) * 3600 == pytest.approx(
        30 * math.sin(math.radians(10)), abs=0.1
    )


@pytest.mark.parametrize("place", [(0.0, 0.0), (359.9999, -45.0), (10.0, 90.0), (10.0, -90.0), (200.0, 89.999)])
def test_a_field_anywhere_has_four_corners_on_the_sphere(place: tuple[float, float]) -> None:
    outline = footprint("STD", facts(ra=place[0], dec=place[1]))
    assert outline is not None
    assert len(outline) == 8
    assert all(0 <= ra <= 360 for ra in outline[::2])
    assert all(-90 <= dec <= 90 for dec in outline[1::2])


@pytest.mark.parametrize(
    ("tag", "changed"),
    [
        ("BIAS", {}),
        (None, {}),
        ("OBJECT", {"ra": None}),
        ("OBJECT", {"dec": None}),
        ("OBJECT", {"rotator_mode": "STAT"}),
        ("OBJECT", {"rotator_mode": "ELEV"}),
    ],
)
def test_what_does_not_look_at_a_known_place_has_no_footprint(tag: str | None, changed: dict[str, object]) -> None:
    assert footprint(tag, facts(**changed)) is None
