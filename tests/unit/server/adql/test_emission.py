"""The SQL itself: what PostgreSQL would otherwise read in another way than ADQL means it."""

import re
from collections.abc import Callable

import pytest

Sql = Callable[[str], str]


def selected(sql: Sql, expression: str) -> str:
    """Return the SQL of an expression over ``survey.target``."""
    text = sql(f"SELECT {expression} AS x FROM survey.target")
    return text.removeprefix("SELECT ").removesuffix(' AS "c1" FROM "survey"."target" AS "t1"')


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1.5", "(1.5::float8)::double precision"),
        ("0x1F", "(31)::integer"),
        ("-2.5e-3", "((-0.0025::float8))::double precision"),
        ("3000000000", "(3000000000::bigint)::bigint"),
        ("99999999999999999999", "(1e+20::float8)::double precision"),
        ("'a\\b'", "'a\\b'::text"),
        ("'it''s'", "'it''s'::text"),
        ("NULL", "NULL::text"),
        ("TRUE", "TRUE"),
        ("rank ^ 2", '(("t1"."rank" # 2))::integer'),
        ("ra - dec - 1", '(("t1"."ra" - "t1"."dec" - 1))::double precision'),
        ("ra - (dec - 1)", '(("t1"."ra" - ("t1"."dec" - 1)))::double precision'),
        ("2 * ra + dec", '(((2 * "t1"."ra") + "t1"."dec"))::double precision'),
        ("rank | 1 & 2 + 3", '(("t1"."rank" | (1 & (2 + 3))))::integer'),
        ("1 || 'a' || rank", '((1)::text || \'a\'::text || ("t1"."rank")::text)'),
        ("MOD(rank, 3)", '(mod("t1"."rank", 3))::integer'),
        ("MOD(ra, 3)", '(mod("t1"."ra"::numeric, 3::numeric)::float8)::double precision'),
        ("ROUND(ra)", '(round("t1"."ra"::numeric)::float8)::double precision'),
        ("ROUND(ra, 2)", '(round("t1"."ra"::numeric, 2::integer)::float8)::double precision'),
        ("TRUNCATE(ra, 2)", '(trunc("t1"."ra"::numeric, 2::integer)::float8)::double precision'),
        ("LOG(ra)", '(ln("t1"."ra"::float8))::double precision'),
        ("LOG10(ra)", '(log("t1"."ra"::float8))::double precision'),
        ("RAND(3)", "(random())::double precision"),
        ("AVG(rank)", '(avg("t1"."rank"::float8))::double precision'),
        ("AVG(DISTINCT rank)", '(avg(DISTINCT "t1"."rank"::float8))::double precision'),
        ("SUM(velocity)", '(sum("t1"."velocity"::float8))::double precision'),
        ("SUM(rank)", '(sum("t1"."rank"))::bigint'),
        ("SUM(id)", '(sum("t1"."id")::bigint)::bigint'),
        ("COUNT(*)", "(count(*))::bigint"),
        ("CAST(ra AS CHAR)", '("t1"."ra")::text'),
        ("CAST(ra AS CHAR(3))", '("t1"."ra")::varchar(3)'),
        ("CAST(is_barred AS SMALLINT)", '(("t1"."is_barred")::integer::smallint)::smallint'),
        ("IN_UNIT(distance_mpc, 'kpc')", '(("t1"."distance_mpc" * 1000.0::float8))::double precision'),
    ],
)
def test_a_value_is_written_in_postgresqls_way(sql: Sql, expression: str, expected: str) -> None:
    assert selected(sql, expression) == expected


def test_a_backslash_in_like_is_no_escape(where: Sql) -> None:
    assert where("galaxy LIKE 'a\\_%'") == "(\"t1\".\"galaxy\" LIKE 'a\\_%'::text ESCAPE '')"


def test_strings_side_by_side_are_one_even_across_a_comment(sql: Sql) -> None:
    assert "'abc'::text" in sql("SELECT 'a' -- nothing\n 'b' 'c' FROM survey.target")


def test_a_string_next_to_a_timestamp_becomes_one(where: Sql) -> None:
    assert where("observed > '2019-08-30T10:00:00Z'") == '("t1"."observed" > \'2019-08-30T10:00:00\'::timestamp)'


def test_names_come_from_the_catalogue_and_never_from_the_text(sql: Sql) -> None:
    text = sql('SELECT GALAXY AS "x""; DROP TABLE y; --" FROM Survey.TARGET AS "q"";"')

    assert text == 'SELECT "t1"."galaxy" AS "c1" FROM "survey"."target" AS "t1"'


def test_a_string_cannot_end_early(sql: Sql) -> None:
    assert "'''; DROP TABLE x; --'::text" in sql("SELECT '''; DROP TABLE x; --' FROM survey.target")


def test_top_is_applied_after_order_by_and_offset(sql: Sql) -> None:
    assert sql("SELECT TOP 5 ra FROM survey.target ORDER BY dec OFFSET 2").endswith(
        'ORDER BY "t1"."dec" LIMIT 5 OFFSET 2'
    )


def test_operands_of_a_set_operation_keep_their_own_top(sql: Sql) -> None:
    assert sql("SELECT TOP 2 id FROM old.target UNION SELECT id FROM survey.exposure ORDER BY id") == (
        '(SELECT "t1"."id" AS "c1" FROM "old"."target" AS "t1" LIMIT 2) UNION'
        ' (SELECT "t2"."id" AS "c1" FROM "survey"."exposure" AS "t2") ORDER BY 1'
    )


def test_intersect_binds_tighter_than_union_and_except_goes_from_the_left(sql: Sql) -> None:
    text = sql(
        "SELECT 1 FROM old.target UNION SELECT 2 FROM old.target INTERSECT SELECT 3 FROM old.target"
        " EXCEPT SELECT 4 FROM old.target"
    )
    shape = re.sub(r'SELECT \((\d)\)::integer AS "c1" FROM "old"."target" AS "t\d"', r"\1", text)

    assert shape == "((1) UNION ((2) INTERSECT (3))) EXCEPT (4)"


def test_both_sides_of_a_set_operation_get_one_type(sql: Sql) -> None:
    text = sql("SELECT rank, NULL FROM survey.target UNION SELECT ra, galaxy FROM survey.target")

    assert '("t1"."rank")::double precision' in text
    assert "(NULL)::text" in text


def test_columns_merged_by_using_come_once_and_first(sql: Sql) -> None:
    text = sql("SELECT * FROM survey.target JOIN survey.exposure USING (galaxy, id)")

    assert text.startswith('SELECT "t1"."galaxy" AS "c1", "t1"."id" AS "c2", "t1"."ra" AS "c3"')
    assert text.count('"galaxy" AS') == 1
    assert '(("t1"."galaxy" = "t2"."galaxy") AND ("t1"."id" = "t2"."id"))' in text


def test_a_merged_column_of_a_right_or_full_join_is_never_null_in_vain(sql: Sql) -> None:
    right = sql("SELECT galaxy FROM survey.target RIGHT JOIN survey.exposure USING (galaxy)")
    full = sql("SELECT galaxy FROM survey.target FULL JOIN survey.exposure USING (galaxy)")

    assert right.startswith('SELECT "t2"."galaxy"')
    assert full.startswith('SELECT COALESCE("t1"."galaxy", "t2"."galaxy")')


def test_a_constant_in_order_by_or_group_by_is_no_place(sql: Sql) -> None:
    text = sql("SELECT COUNT(*) FROM survey.target GROUP BY 'a', 2.5 ORDER BY -1")

    assert "GROUP BY 'a'::text, (2.5::float8)::double precision" in text
    assert "ORDER BY ((-1))::integer" in text


def test_order_by_takes_the_output_name_before_the_column(sql: Sql) -> None:
    assert sql("SELECT -ra AS dec FROM survey.target ORDER BY dec").endswith("ORDER BY 1")


def test_where_takes_the_column_before_the_output_name(sql: Sql) -> None:
    assert '("t1"."rank" > 3)' in sql("SELECT ra + 1 AS rank FROM survey.target WHERE rank > 3")


def test_the_quoted_size_of_tap_schema_is_found(sql: Sql) -> None:
    assert sql('SELECT tap_schema.columns."size" FROM tap_schema.columns') == (
        'SELECT "t1"."size" AS "c1" FROM "tap_schema"."columns" AS "t1"'
    )


def test_a_with_query_is_called_by_a_name_of_ours(sql: Sql) -> None:
    assert sql("WITH Mine AS (SELECT id FROM old.target) SELECT m.id FROM MINE AS m") == (
        'WITH "w1" AS (SELECT "t1"."id" AS "c1" FROM "old"."target" AS "t1") SELECT "t2"."c1" AS "c1" FROM "w1" AS "t2"'
    )


def test_a_correlated_subquery_uses_the_outer_table(sql: Sql) -> None:
    text = sql("SELECT id FROM survey.target t WHERE EXISTS (SELECT 1 FROM old.target o WHERE o.id = t.id)")

    assert '("t2"."id" = "t1"."id")' in text


def test_output_names_in_sql_are_unique(sql: Sql) -> None:
    text = sql("SELECT t.ra, t.ra, e.id, t.id FROM survey.target t, survey.exposure e")

    assert [f'AS "c{n}"' in text for n in range(1, 5)] == [True] * 4
