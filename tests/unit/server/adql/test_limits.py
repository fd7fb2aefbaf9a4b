"""Texts made to hurt: each ends in a translation or an error, soon."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from server.adql import AdqlError, Translation

START = "SELECT id FROM survey.target WHERE "


def test_three_thousand_alternatives_are_fine(translated: Callable[[str], Translation]) -> None:
    assert translated(START + " OR ".join(f"id = {n}" for n in range(3000))).sql.count(" OR ") == 2999


def test_ten_thousand_values_in_a_list_are_fine(translated: Callable[[str], Translation]) -> None:
    assert translated(START + f"id IN ({', '.join(map(str, range(10_000)))})")


def test_fifty_levels_are_fine(translated: Callable[[str], Translation]) -> None:
    assert translated(START + "(" * 50 + "id = 1" + ")" * 50)
    assert translated(START + "CASE WHEN 1 = 1 THEN " * 50 + "1" + " END" * 50 + " = 1")
    assert translated("SELECT a FROM (" * 25 + "SELECT id AS a FROM survey.target" + ") q" * 25)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (START + "(" * 61 + "id = 1" + ")" * 61, "nested deeper than 60 levels"),
        (START + "id = " + "ABS(" * 20_000, "nested deeper than 60 levels"),
        ("SELECT a FROM " + "(SELECT a FROM " * 5000, "nested deeper than 60 levels"),
        ("SELECT a FROM " + "(" * 5000, "nested deeper than 60 levels"),
        (START + "NOT (" * 5000, "nested deeper than 60 levels"),
        ("SELECT '" + "x" * 100_000 + "' FROM survey.target", "longer than 100000 bytes"),
        ("SELECT '" + "\N{GREEK SMALL LETTER ALPHA}" * 50_000 + "' FROM survey.target", "longer than 100000 bytes"),
        ("SELECT " + "+".join(["1"] * 5000) + " FROM survey.target", "operands in a row"),
        (" UNION ".join(["SELECT id FROM old.target"] * 200), "queries in one set operation"),
        ("SELECT 1 FROM " + ", ".join(["old.target"] * 100), "tables in one FROM"),
        ("SELECT 1 FROM a" + " NATURAL JOIN b" * 100, "joins in one FROM"),
        ("SELECT " + ",".join(["t.*"] * 200) + " FROM survey.target t", "more than 800 columns"),
        ("SELECT POLYGON(" + ",".join(["1,2"] * 2000) + ") FROM old.target", "at most 1000 vertices"),
        ("SELECT " + "CENTROID(" * 6 + "POINT(1, 2)" + ")" * 6 + " FROM old.target", "nested deeper than 5 levels"),
        ("WITH " + ",".join(f"q{n} AS (SELECT 1 FROM old.target)" for n in range(200)), "queries in WITH"),
    ],
)
def test_too_much_is_told_as_such(refused: Callable[[str], AdqlError], text: str, message: str) -> None:
    assert message in refused(text).message


def test_many_wide_subqueries_are_refused_together(refused: Callable[[str], AdqlError]) -> None:
    wide = "(SELECT " + ",".join(["t.*"] * 70) + " FROM survey.target t)"

    assert "in all subqueries together" in refused(START + " AND ".join([f"EXISTS {wide}"] * 50)).message


@pytest.mark.parametrize(
    "text",
    [
        "'" * 99_999,
        '"' * 99_999,
        "-" * 99_999,
        " " * 99_999,
        "SELECT " + "(" * 90_000,
        "SELECT " + "a." * 40_000,
        START + " AND ".join(["1=CONTAINS(POINT(ra,dec),CIRCLE(1,2,3))"] * 2000),
        START + " OR ".join(["1=CONTAINS(BOX(CENTROID(BOX(POINT(ra,dec),1,1)),1,1),CIRCLE(1,2,3))"] * 1000),
        "SELECT DISTINCT ra+1 FROM survey.target ORDER BY " + ",".join(["ra+1"] * 15_000),
        "SELECT ra AS a FROM survey.target GROUP BY " + ",".join(["a"] * 40_000),
        "SELECT "
        + "CASE WHEN 1=1 THEN " * 55
        + "+".join(["rank"] * 999)
        + " END" * 55
        + " FROM survey.target GROUP BY rank",
    ],
)
def test_the_worst_texts_are_translated_or_refused(translated: Callable[[str], Translation], text: str) -> None:
    with suppress(AdqlError):
        assert translated(text).sql
