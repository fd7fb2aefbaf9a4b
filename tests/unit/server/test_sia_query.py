"""SIA 2.0's parameters become ADQL that means the same, and nothing else gets through."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from schema.published import catalogue
from server.adql import AdqlError, translate
from server.dali import UsageError
from server.sia_query import to_adql


def adql(*pairs: tuple[str, str]) -> str:
    text = to_adql(MultiDict(pairs))
    translate(text, catalogue())
    return text


def test_no_parameter_asks_for_everything() -> None:
    assert adql() == "SELECT * FROM ivoa.obscore"


def test_values_of_one_parameter_are_alternatives_and_parameters_must_all_hold() -> None:
    text = adql(("TARGET", "A"), ("TARGET", "B"), ("COLLECTION", "MUSE"))
    assert "(obs_collection = 'MUSE') AND (target_name = 'A' OR target_name = 'B')" in text


def test_a_circle_intersects_the_region() -> None:
    assert "INTERSECTS(s_region, CIRCLE(63.355, 10.465, 0.01)) = 1" in adql(("POS", "CIRCLE 63.355 10.465 0.01"))


def test_bands_overlap_and_may_be_open() -> None:
    assert "em_max >= 5e-07 AND em_min <= 6e-07" in adql(("BAND", "5e-7 6e-7"))
    assert adql(("BAND", "-Inf 6e-7")).endswith("((em_min <= 6e-07))")
    assert "em_max >= 5.5e-07 AND em_min <= 5.5e-07" in adql(("BAND", "550e-9"))
    assert adql(("TIME", "-Inf +Inf")).endswith("(t_min IS NOT NULL)")


def test_a_range_of_coordinates_follows_its_parallels() -> None:
    narrow = adql(("POS", "RANGE 10 14 40 42"))
    assert narrow.count(", ") > 15
    assert "s_ra BETWEEN 0.0 AND 360.0" in adql(("POS", "RANGE 0 360 -2 2"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POS", "CIRCLE 1 2"),
        ("POS", "SQUARE 1 2 3"),
        ("POS", "CIRCLE a b c"),
        ("POS", "CIRCLE NaN 2 3"),
        ("POS", "POLYGON 1 2 3 4"),
        ("POS", "RANGE 5 4 1 2"),
        ("POS", "CIRCLE +Inf 0 1"),
        ("BAND", "6e-7 5e-7"),
        ("BAND", "1 2 3"),
        ("TIME", "yesterday"),
        ("CALIB", "9"),
    ],
)
def test_what_cannot_be_understood_is_named(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name):
        adql((name, value))


@given(st.sampled_from(["POS", "BAND", "TIME", "TARGET", "ID", "POL", "CALIB", "FOV"]), st.text(max_size=40))
def test_no_value_escapes_its_place(name: str, value: str) -> None:
    try:
        text = to_adql(MultiDict([(name, value)]))
    except UsageError:
        return
    if name == "POS" or "\x00" in value:  # a shape that is none, or a character that no query holds
        with suppress(AdqlError):
            translate(text, catalogue())
        return
    assert translate(text, catalogue()).tables == {"ivoa.obscore"}
