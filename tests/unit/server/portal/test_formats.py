"""Numbers on pages, with the carries that go wrong elsewhere."""

import math

import pytest

from server.portal.formats import declination, modified_julian, right_ascension, size


@pytest.mark.parametrize(
    ("length", "written"),
    [
        (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 kB"), (9_949, "9.9 kB"), (9_951, "10 kB"),
        (999_499, "999 kB"), (999_500, "1.0 MB"), (1_234_567_890, "1.2 GB"), (5 * 10**18, "5000 PB"),
    ],
)  # fmt: skip
def test_sizes_have_two_or_three_digits(length: int, written: str) -> None:
    assert size(length).replace("\N{NO-BREAK SPACE}", " ") == written


@pytest.mark.parametrize(
    ("ra", "written"),
    [(24.173855, "01:36:41.73"), (0.0, "00:00:00.00"), (359.99999999, "00:00:00.00"), (14.99999999, "01:00:00.00")],
)
def test_seconds_are_carried_and_24_hours_are_none(ra: float, written: str) -> None:
    assert right_ascension(ra) == written


@pytest.mark.parametrize(
    ("dec", "written"),
    [(-36.101082, "-36:06:03.9"), (-0.498717, "-00:29:55.4"), (15.99999999, "+16:00:00.0"), (90.0, "+90:00:00.0")],
)
def test_a_declination_just_below_the_equator_keeps_its_sign(dec: float, written: str) -> None:
    assert declination(dec) == written


def test_no_digits_no_point() -> None:
    assert declination(10.5, digits=0) == "+10:30:00"


def test_the_modified_julian_date_of_the_year_2000() -> None:
    assert modified_julian(51544.5) == "2000-01-01 12:00:00"


@pytest.mark.parametrize(
    ("mjd", "written"),
    [(1e10, "MJD 1e+10"), (-1e6, "MJD -1e+06"), (math.inf, "MJD inf"), (math.nan, "MJD nan")],
)
def test_a_date_that_no_calendar_has_is_shown_as_its_number(mjd: float, written: str) -> None:
    assert modified_julian(mjd) == written
