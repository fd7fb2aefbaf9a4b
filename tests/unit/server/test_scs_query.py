"""The parameters of a cone search become ADQL that means the same, and nothing else gets through."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from schema.published import catalogue
from server.adql import translate
from server.dali import UsageError
from server.scs_query import searchable, to_adql, wants_no_rows

TABLES = searchable()
HERE = {"RA": "24.17", "DEC": "-15.5", "SR": "0.02"}


def adql(table: str, **parameters: str) -> str:
    text = to_adql(TABLES[table], MultiDict(parameters))
    translate(text, catalogue())
    return text


def test_tables_whose_rows_have_a_name_and_a_position_can_be_searched() -> None:
    assert set(TABLES) >= {"survey.target", "survey.pointing", "survey.exposure", "survey.product", "dbo.raw"}
    assert not any(name.startswith(("tap_schema.", "provenance.")) for name in TABLES)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("verbosity", ["1", "2", "3"])
def test_every_such_table_can_be_asked_as_wordily_as_wanted(table: str, verbosity: str) -> None:
    text = adql(table, **HERE, VERB=verbosity)
    assert f"FROM {table} WHERE" in text
    assert text.endswith("CIRCLE(24.17, -15.5, 0.02))")
    names = text.partition(" FROM ")[0].removeprefix("SELECT ").replace('"', "").split(", ")
    assert set(TABLES[table].required) <= set(names)
    assert (len(names) == 3) == (verbosity == "1")
    assert (len(names) == len(TABLES[table].table.columns)) == (verbosity == "3")


def test_a_radius_of_zero_asks_for_the_columns_alone() -> None:
    assert wants_no_rows(MultiDict({"SR": "0.0"}))
    assert not wants_no_rows(MultiDict({"SR": "1e-9"}))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"RA": ""}, "RA must be a number of degrees from 0 to 360, and is missing"),
        ({"RA": "361"}, "RA must be a number of degrees from 0 to 360, not '361'"),
        ({"DEC": "north"}, "DEC must be a number of degrees from -90 to 90, not 'north'"),
        ({"DEC": "nan"}, "DEC must be"),
        ({"SR": "inf"}, "SR must be a number of degrees from 0 to 180"),
        ({"SR": "-1"}, "SR must be"),
        ({"VERB": "4"}, "VERB must be 1, 2 or 3, not '4'"),
    ],
)
def test_a_wrong_value_is_named(parameters: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        adql("survey.target", **{**HERE, **parameters})


@given(st.fixed_dictionaries({name: st.text() for name in ("RA", "DEC", "SR", "VERB")}))
def test_whatever_comes_is_refused_or_becomes_a_query(parameters: dict[str, str]) -> None:
    with suppress(UsageError):
        adql("survey.target", **parameters)
