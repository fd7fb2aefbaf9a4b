"""The form above the list of exposures: how what is typed is read."""

import pytest

from archive.exposure_listing import Cone, Wanted
from server.portal.exposure_form import is_night, read


def test_nothing_typed_asks_for_all() -> None:
    assert read({"target": " ", "night": "", "what": "else"}).wanted == Wanted()


def test_words_are_taken_as_they_are_without_blanks_around() -> None:
    form = read({"target": " NGC0628 ", "tag": "SKY", "programme": "1100.B-0651", "night": "2018-06-04"})
    assert form.wanted == Wanted(target="NGC0628", tag="SKY", programme="1100.B-0651", night="2018-06-04")
    assert not form.problems


@pytest.mark.parametrize(
    ("ra", "dec"),
    [
        ("184.5", "-36.25"),
        ("12:18:00", "-36:15:00"),
        ("12 18 00.0", "\N{MINUS SIGN}36 15 00"),
        ("1.845e2", "-36.25"),
    ],
    ids=["degrees", "colons", "blanks", "power"],
)
def test_a_place_may_be_typed_in_degrees_or_sexagesimal(ra: str, dec: str) -> None:
    cone = read({"ra": ra, "dec": dec, "radius": "30"}).wanted.cone
    assert cone is not None
    assert (cone.ra, cone.dec, cone.radius) == pytest.approx((184.5, -36.25, 0.5))


def test_a_declination_just_south_of_the_equator_keeps_its_sign() -> None:
    assert read({"ra": "0", "dec": "-00:30:00"}).wanted.cone == Cone(0.0, -0.5, 1 / 60)


def test_every_problem_is_told_and_nothing_is_asked_for() -> None:
    form = read({"ra": "x", "dec": "99", "radius": "-1", "night": "2018-02-30", "target": "NGC0628"})
    assert len(form.problems) == 4
    assert form.wanted == Wanted()


@pytest.mark.parametrize("written", ["2018-06-04", "2020-02-29", "2999-12-31"])
def test_a_date_is_a_night(written: str) -> None:
    assert is_night(written)


@pytest.mark.parametrize("written", ["", "2018-6-4", "20180604", "2018-02-30", "2018-06-04\n", "9999-12-31"])
def test_what_is_no_date_is_no_night(written: str) -> None:
    assert not is_night(written)
