"""Geometry as pgSphere needs it: the forms that its indexes find, and the cases that it gets wrong."""

from collections.abc import Callable

import pytest

from server.adql import AdqlError

Sql = Callable[[str], str]

HERE = 'spoint(radians("t1"."ra"),radians("t1"."dec"))'
CONE = "scircle(spoint(radians(10),radians(20)),radians(1))"


def test_a_cone_search_uses_the_form_of_the_index(where: Sql) -> None:
    assert where("1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 10, 20, 1))") == f"({HERE} <@ {CONE})"


@pytest.mark.parametrize("test", ["{} = 1", "1 = {}", "{} <> 0", "0 != {}"])
def test_every_way_to_ask_whether_a_point_is_inside_is_the_bare_operator(where: Sql, test: str) -> None:
    assert where(test.format("CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 1))")) == f"({HERE} <@ {CONE})"


@pytest.mark.parametrize("test", ["{} = 0", "0 = {}", "{} <> 1", "1 != {}"])
def test_every_way_to_ask_whether_a_point_is_outside_is_its_contrary(where: Sql, test: str) -> None:
    assert where(test.format("CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 1))")) == f"(NOT ({HERE} <@ {CONE}))"


def test_contains_as_a_number_is_a_number(sql: Sql) -> None:
    assert sql("SELECT CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 1)) FROM survey.target").startswith(
        f"SELECT ((({HERE} <@ {CONE}))::integer)::integer"
    )


def test_a_region_column_is_searched_by_its_hidden_column_and_shown_as_itself(sql: Sql) -> None:
    text = sql("SELECT s_region FROM ivoa.obscore WHERE INTERSECTS(s_region, CIRCLE(10, 20, 1)) = 1")

    assert text == (
        f'SELECT "t1"."s_region" AS "c1" FROM "ivoa"."obscore" AS "t1" WHERE ("t1"."s_region_spoly" && {CONE})'
    )


def test_a_region_is_still_searched_by_index_through_a_subquery(sql: Sql) -> None:
    text = sql(
        "SELECT q.footprint FROM (SELECT s_region AS footprint FROM ivoa.obscore) AS q"
        " WHERE INTERSECTS(q.footprint, CIRCLE(10, 20, 1)) = 1"
    )

    assert '"t1"."s_region_spoly" AS "c1g"' in text
    assert text.endswith(f'WHERE ("t2"."c1g" && {CONE})')


@pytest.mark.parametrize("query", ["SELECT DISTINCT s_region FROM ivoa.obscore", "SELECT s_region FROM ivoa.obscore"])
def test_the_hidden_geometry_never_shows_in_the_result(sql: Sql, query: str) -> None:
    assert "spoly" not in sql(query)


def test_distinct_regions_have_no_second_column_that_would_change_them(sql: Sql) -> None:
    text = sql(
        "SELECT * FROM (SELECT DISTINCT s_region FROM ivoa.obscore) AS q WHERE CONTAINS(POINT(1, 2), s_region) = 1"
    )

    assert "s_region_spoly" not in text
    assert "sphere.polygon(" in text


def test_intersects_with_a_point_is_containment(where: Sql) -> None:
    assert where("INTERSECTS(POINT(ra, dec), CIRCLE(10, 20, 1)) = 1") == f"({HERE} <@ {CONE})"
    assert where("INTERSECTS(CIRCLE(10, 20, 1), POINT(ra, dec)) = 1") == f"({HERE} <@ {CONE})"


def test_a_circle_over_90_degrees_is_what_its_opposite_is_not(where: Sql) -> None:
    assert where("CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 120)) = 1") == (
        f"(NOT ({HERE} <@ scircle(spoint(long(spoint(radians(10),radians(20))) + pi(),"
        " -lat(spoint(radians(10),radians(20)))),radians(60.0::float8))))"
    )


def test_a_circle_of_180_degrees_is_the_whole_sphere(where: Sql) -> None:
    assert where("CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 180)) = 1") == (
        f"(({HERE} <-> spoint(radians(10),radians(20))) IS NOT NULL)"
    )


def test_a_radius_from_a_column_may_be_anything(where: Sql) -> None:
    assert where("CONTAINS(POINT(10, 20), CIRCLE(ra, dec, radius)) = 1") == (
        f'((spoint(radians(10),radians(20)) <-> {HERE}) <= radians("t1"."radius"))'
    )
    assert 'CASE WHEN "t1"."radius" BETWEEN 0 AND 90 THEN "t1"."radius" END' in where(
        "INTERSECTS(CIRCLE(ra, dec, radius), POLYGON(1, 2, 3, 4, 5, 0)) = 1"
    )


def test_a_polygon_of_numbers_is_a_literal_in_degrees_without_exponents(where: Sql) -> None:
    assert where("CONTAINS(POINT(ra, dec), POLYGON(1, -2, 3.5, 1e-7, 359, 0)) = 1") == (
        f"({HERE} <@ spoly '{{(1.0d,-2.0d),(3.5d,0.0000001d),(359.0d,0.0d)}}')"
    )


def test_a_polygon_of_columns_is_made_by_the_database_and_never_of_nulls(where: Sql) -> None:
    numbers = 'ARRAY["t1"."ra","t1"."dec",3,4,5,0]::float8[]'

    assert where("CONTAINS(POINT(1, 2), POLYGON(ra, dec, 3, 4, 5, 0)) = 1") == (
        "(spoint(radians(1),radians(2)) <@ sphere.polygon("
        f"CASE WHEN array_position({numbers}, NULL) IS NULL THEN {numbers} END))"
    )


def test_a_box_is_the_polygon_of_its_corners(where: Sql) -> None:
    box = where("CONTAINS(POINT(ra, dec), BOX(10, 20, 2, 4)) = 1")

    assert box == f"({HERE} <@ spoly '{{(9.0d,18.0d),(11.0d,18.0d),(11.0d,22.0d),(9.0d,22.0d)}}')"


@pytest.mark.parametrize(
    "region",
    [
        "REGION('POLYGON J2000 1 2 3 4 5 0')",
        "REGION('polygon ICRS GEOCENTER 1 2 3 4 5 0 unit deg')",
        "REGION('Polygon 1 2, 3 4, 5 0')",
        "POLYGON(POINT(1, 2), POINT(3, 4), POINT(5, 0))",
        "POLYGON('ICRS', 1, 2, 3, 4, 5, 0)",
        "CAST('1 2 3 4 5 0' AS POLYGON)",
    ],
)
def test_one_polygon_has_many_spellings(where: Sql, region: str) -> None:
    assert where(f"CONTAINS(POINT(ra, dec), {region}) = 1") == where(
        "CONTAINS(POINT(ra, dec), POLYGON(1, 2, 3, 4, 5, 0)) = 1"
    )


def test_a_small_distance_is_found_by_index_and_decided_exactly(where: Sql) -> None:
    exact = f"(degrees({HERE} <-> spoint(radians(10),radians(20))) < 1)"

    assert where("DISTANCE(POINT(ra, dec), POINT(10, 20)) < 1") == f"(({HERE} <@ {CONE}) AND {exact})"


@pytest.mark.parametrize(
    "condition", ["DISTANCE(10, 20, ra, dec) <= 1", "1 >= DISTANCE(POINT(10, 20), POINT(ra, dec))"]
)
def test_the_index_is_used_whichever_side_the_column_is_on(where: Sql, condition: str) -> None:
    assert where(condition).startswith(f"(({HERE} <@ {CONE}) AND ")


@pytest.mark.parametrize("condition", ["> 1", "< ra", "< 0", "< 120", "= 1"])
def test_a_distance_that_no_index_helps_is_only_reckoned(where: Sql, condition: str) -> None:
    assert "<@" not in where(f"DISTANCE(POINT(ra, dec), POINT(10, 20)) {condition}")


def test_of_two_conditions_on_one_position_only_the_cheaper_uses_the_index(where: Sql) -> None:
    text = where(
        "CONTAINS(POINT(ra, dec), POLYGON(1, 2, 30, 4, 5, 60)) = 1 AND rank = 1"
        " AND CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 1)) = 1"
    )

    assert f"(({HERE} <@ spoly " in text
    assert "'}) IS TRUE)".replace("'}", "}'") in text
    assert f" AND ({HERE} <@ {CONE}))" in text


def test_conditions_on_different_positions_both_use_their_index(sql: Sql) -> None:
    text = sql(
        "SELECT o.s_ra FROM ivoa.obscore o WHERE CONTAINS(POINT(s_ra, s_dec), CIRCLE(1, 2, 3)) = 1"
        " AND INTERSECTS(s_region, POLYGON(1, 2, 3, 4, 5, 0)) = 1"
    )

    assert "IS TRUE" not in text


def test_a_join_on_position_gives_way_to_a_cone_on_the_same_column(sql: Sql) -> None:
    text = sql(
        "SELECT t.id FROM survey.target t JOIN ivoa.obscore o ON CONTAINS(POINT(t.ra, t.dec), o.s_region) = 1"
        " WHERE INTERSECTS(o.s_region, CIRCLE(10, 20, 1)) = 1"
    )

    assert f'(({HERE} <@ "t2"."s_region_spoly") IS TRUE)' in text
    assert text.endswith(f'WHERE ("t2"."s_region_spoly" && {CONE})')


def test_alternatives_are_left_to_the_index(where: Sql) -> None:
    either = "CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 1)) = 1 OR CONTAINS(POINT(ra, dec), BOX(1, 2, 3, 4)) = 1"

    assert "IS TRUE" not in where(either)


def test_geometries_come_out_as_arrays_of_degrees(sql: Sql) -> None:
    text = sql("SELECT POINT(ra, dec), CIRCLE(ra, dec, 1), POLYGON(ra, dec, 3, 4, 5, 0) FROM survey.target")

    assert 'ARRAY["t1"."ra","t1"."dec"]::float8[] AS "c1"' in text
    assert 'ARRAY["t1"."ra","t1"."dec",1]::float8[] AS "c2"' in text
    assert 'ARRAY["t1"."ra","t1"."dec",3,4,5,0]::float8[] AS "c3"' in text


def test_arrays_of_an_upload_become_geometries(sql: Sql) -> None:
    text = sql("SELECT name FROM tap_upload.mine WHERE CONTAINS(place, outline) = 1")

    assert 'spoint(radians(("t1"."place")[1]),radians(("t1"."place")[2]))' in text
    assert 'sphere.polygon(CASE WHEN array_position("t1"."outline", NULL) IS NULL THEN "t1"."outline" END)' in text


def test_the_area_of_a_circle_is_reckoned_so_that_small_ones_keep_theirs(sql: Sql) -> None:
    assert "power(sin(radians(1) / 2), 2)" in sql("SELECT AREA(CIRCLE(ra, dec, 1)) FROM survey.target")


@pytest.mark.parametrize("frame", ["ICRS", "icrs", "", " ", "J2000", "FK5", "ICRS GEOCENTER", "UNKNOWNFRAME"])
def test_icrs_has_many_names(where: Sql, frame: str) -> None:
    assert where(f"1 = CONTAINS(POINT('{frame}', ra, dec), CIRCLE('{frame}', 10, 20, 1))") == f"({HERE} <@ {CONE})"


@pytest.mark.parametrize("frame", ["GALACTIC", "FK4", "ECLIPTIC", "B1950", "ICRS GALACTIC", "nonsense"])
def test_another_frame_is_refused_and_not_ignored(refused: Callable[[str], AdqlError], frame: str) -> None:
    error = refused(f"SELECT id FROM survey.target WHERE 1 = CONTAINS(POINT('{frame}', ra, dec), CIRCLE(1, 2, 3))")

    assert error.message == f"coordinate system '{frame}' is not supported; use ICRS"


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        ("POINT(10, -90.5)", "latitude"),
        ("CIRCLE(10, 91, 1)", "latitude"),
        ("CIRCLE(10, 20, -0.1)", "negative"),
        ("BOX(10, 89.5, 2, 2)", "latitude"),
        ("BOX(10, 20, 0, 2)", "box"),
        ("POLYGON(1, 2, 1, 2, 3, 4)", "three different"),
        ("REGION('CIRCLE 1 2')", "3 numbers"),
        ("REGION('POLYGON 1 2 3 4 5 x')", "not a number"),
        ("REGION('')", "REGION knows"),
        ("CAST('1 2 3' AS POINT)", "2 numbers"),
        ("CAST('1 2 3 4 5' AS POLYGON)", "six or more"),
        ("POINT(galaxy, 1)", "string literal"),
    ],
)
def test_a_geometry_that_cannot_be_is_refused(refused: Callable[[str], AdqlError], geometry: str, message: str) -> None:
    assert message in refused(f"SELECT {geometry} FROM survey.target").message


def test_a_large_circle_is_refused_where_it_has_no_meaning(refused: Callable[[str], AdqlError]) -> None:
    error = refused("SELECT s_ra FROM ivoa.obscore WHERE INTERSECTS(s_region, CIRCLE(1, 2, 100)) = 1")

    assert "over 90 degrees" in error.message


def test_a_region_in_words_is_searched_by_the_same_column_as_its_numbers(sql: Sql) -> None:
    numbers, words = (
        sql(f"SELECT calib_level FROM ivoa.obscore WHERE INTERSECTS({column}, CIRCLE(10, 20, 1)) = 1")
        for column in ("s_region", "s_words")
    )
    assert numbers == words


def test_a_region_in_words_goes_through_a_subquery_with_its_search_column(sql: Sql) -> None:
    text = sql(
        "SELECT q.s_words FROM (SELECT s_words FROM ivoa.obscore) AS q WHERE CONTAINS(POINT(1, 2), q.s_words) = 1"
    )

    assert text.startswith(
        'SELECT "t2"."c1" AS "c1" FROM (SELECT "t1"."s_words" AS "c1", "t1"."s_region_spoly" AS "c1g"'
    )
    assert text.endswith('<@ "t2"."c1g")')


def test_the_numbers_of_a_region_in_words_are_read_where_nothing_else_is_left(sql: Sql) -> None:
    text = sql("SELECT CENTROID(s_words) FROM ivoa.obscore")

    assert 'sphere.centroid((string_to_array("t1"."s_words", \' \'))[3:]::float8[])' in text


def test_a_region_of_an_upload_is_but_a_text(sql: Sql) -> None:
    assert "LIKE" in sql("SELECT name FROM tap_upload.mine WHERE \"area\" LIKE 'POLYGON%'")


def test_a_moc_leaves_the_index_to_the_other_condition(where: Sql) -> None:
    text = where("CONTAINS(POINT(ra, dec), MOC('4/1')) = 1 AND CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 1)) = 1")

    assert text == f"(({HERE} <@ ('4/1'::smoc)) AND ({HERE} <@ {CONE}))"


def test_a_shape_beside_a_moc_becomes_one(where: Sql) -> None:
    text = where("INTERSECTS(CIRCLE(10, 20, 1), MOC('4/1, 3 5/7-9')) = 1")

    assert text.endswith(f"{CONE})) && ('4/1 3 5/7-9'::smoc))")
    assert text.startswith("((smoc(least(29, ")


def test_a_moc_is_told_as_a_text(sql: Sql) -> None:
    assert sql("SELECT MOC('4/1') FROM old.target").startswith("SELECT (('4/1'::smoc))::text AS \"c1\"")
