"""Whatever the text, the answer is a translation or an AdqlError, and of the text only literals are in the SQL."""

import re

from hypothesis import given
from hypothesis import strategies as st

from schema.adql_words import RESERVED
from schema.published import PublishedTable
from server.adql import AdqlError, Translation, translate

_WORDS = [
    *("SELECT", "FROM", "WHERE", "survey.target", "t", "ra", "dec", "galaxy", "rank", "observed", "s_region", "id"),
    *("*", ",", "(", ")", ".", "=", "<>", "<", "+", "-", "/", "||", "&", "~", ";", "AND", "OR", "NOT", "IN", "IS"),
    *("NULL", "1", "2.5", "0xF", "'a'", "''", '"x"', "AS", "JOIN", "ON", "USING", "NATURAL", "UNION", "WITH", "CASE"),
    *("WHEN", "THEN", "END", "GROUP BY", "ORDER BY", "HAVING", "TOP", "OFFSET", "BETWEEN", "LIKE", "EXISTS", "CAST"),
    *("COUNT(*)", "MAX(ra)", "POINT(ra, dec)", "CIRCLE(1, 2, 3)", "CONTAINS(", "DISTANCE(", "ABS(", "POLYGON("),
    *("pg_sleep(1)", "$$", "\\", "--", "/*", "::text", "[1]", "E'x'"),
]
_NUMBERS = st.sampled_from(["ra", "dec", "rank", "1", "2.5", "NULL", "radius"])
_TEXTS = st.sampled_from(["galaxy", "'it''s'", "notes", "'\\'"])
_POINTS = st.builds("POINT({}, {})".format, _NUMBERS, st.sampled_from(["dec", "-45", "89"]))
_SHAPES = st.one_of(
    st.builds("CIRCLE({}, {})".format, _POINTS, st.sampled_from(["1", "radius", "30"])),
    st.just("BOX(10, 20, 3, 4)"),
    st.builds("POLYGON({}, POINT(1, 2), POINT(3, 1))".format, _POINTS),
)
_CONDITIONS = st.recursive(
    st.one_of(
        st.builds("{} {} {}".format, _NUMBERS, st.sampled_from(["=", "<", "<>"]), _NUMBERS),
        st.builds("{} LIKE {}".format, _TEXTS, _TEXTS),
        st.builds("1 = CONTAINS({}, {})".format, _POINTS, _SHAPES),
        st.builds("INTERSECTS({}, {}) = 0".format, _SHAPES, _SHAPES),
        st.builds("DISTANCE({}, {}) < 0.5".format, _POINTS, _POINTS),
        st.builds("{} IS NOT NULL".format, _NUMBERS),
        st.builds("{} IN ({}, {})".format, _NUMBERS, _NUMBERS, _NUMBERS),
    ),
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
        st.builds("EXISTS (SELECT 1 FROM old.target WHERE {})".format, inner),
    ),
    max_leaves=8,
)


def answer(text: str, tables: tuple[PublishedTable, ...]) -> Translation | AdqlError:
    try:
        return translate(text, tables)
    except AdqlError as error:
        return error


@given(text=st.text(max_size=200))
def test_any_text_is_translated_or_refused(tables: tuple[PublishedTable, ...], text: str) -> None:
    assert isinstance(answer(text, tables), Translation | AdqlError)


@given(words=st.lists(st.sampled_from(_WORDS), max_size=25))
def test_any_row_of_words_is_translated_or_refused(tables: tuple[PublishedTable, ...], words: list[str]) -> None:
    found = answer("SELECT " + " ".join(words), tables)

    if isinstance(found, AdqlError):
        assert found.line >= 1
        assert found.column >= 1


@given(condition=_CONDITIONS)
def test_a_condition_made_by_the_grammar_is_translated(tables: tuple[PublishedTable, ...], condition: str) -> None:
    sql = translate(f"SELECT ra FROM survey.target WHERE {condition}", tables).sql

    bare = re.sub(r"'(?:[^']|'')*'", "", sql)
    assert bare.count("(") == bare.count(")")
    assert not re.search(r"--|;|\\|\$|/\*", bare)


@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=50))
def test_a_string_comes_through_as_one_literal(tables: tuple[PublishedTable, ...], text: str) -> None:
    doubled = text.replace("'", "''")

    assert translate(f"SELECT '{doubled}' FROM old.target", tables).sql == (
        f'SELECT \'{doubled}\'::text AS "c1" FROM "old"."target" AS "t1"'
    )


@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=50))
def test_a_quoted_name_never_reaches_the_sql(tables: tuple[PublishedTable, ...], text: str) -> None:
    doubled = text.replace('"', '""')
    found = translate(f'SELECT q."{doubled}" FROM (SELECT id AS "{doubled}" FROM old.target) AS q', tables)

    assert found.columns[0].name == text
    assert found.sql == ('SELECT "t2"."c1" AS "c1" FROM (SELECT "t1"."id" AS "c1" FROM "old"."target" AS "t1") AS "t2"')


@given(word=st.sampled_from(sorted(RESERVED)))
def test_every_reserved_word_can_be_quoted(tables: tuple[PublishedTable, ...], word: str) -> None:
    assert translate(f'SELECT id AS "{word}" FROM old.target', tables).columns[0].name == word
    assert isinstance(answer(f"SELECT id AS {word} FROM old.target", tables), AdqlError)
