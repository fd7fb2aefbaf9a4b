"""Queries that are refused, with the place and the reason."""

from collections.abc import Callable

import pytest

from server.adql import AdqlError, translate

Refused = Callable[[str], AdqlError]

SHAPES = "a point or a circle or a polygon or a region"
MOC_ORDER = "the order of a MOC is a whole number from 0 to 29, written out"
CONTAINS_NOTHING = "a point contains nothing; the second argument of CONTAINS is the larger one"
INSTEAD = "use CONTAINS, INTERSECTS or DISTANCE"
HISTOGRAM_LIMITS = "the limits of IVO_HISTOGRAM are numbers, written out, the lower one first"
HISTOGRAM_BINS = "the bins of IVO_HISTOGRAM are a number from 1 to 10000, written out"

REFUSED = [
    ("SELECT", 7, "expected a value, found the end of the query"),
    ("SELECT galxy FROM survey.target", 8, "unknown column 'galxy' in survey.target; did you mean 'galaxy'?"),
    ("SELECT galaxy FROM survey.targte", 20, "unknown table 'survey.targte'; did you mean 'survey.target'?"),
    ("SELECT galaxy FROM targets", 20, "unknown table 'targets'; did you mean 'target'?"),
    ("SELECT id FROM target", 16, "table 'target' is ambiguous: survey.target, old.target"),
    ("SELECT foo.id FROM survey.target t", 8, "no table 'foo' in FROM"),
    ("SELECT survey.target.id FROM survey.target t", 8, "no table 'survey.target' in FROM"),
    ("SELECT t.idd FROM survey.target t", 10, "unknown column 'idd' in t; did you mean 'id'?"),
    ("SELECT id FROM survey.target, survey.exposure", 8, "column 'id' is ambiguous; say of which table"),
    (
        "SELECT id FROM survey.target t JOIN survey.exposure e",
        54,
        "expected ON or USING after JOIN, found the end of the query",
    ),
    ("SELECT distance FROM survey.target", 8, "distance is a reserved word; quote it to use it as a name"),
    ("SELECT ra AS size FROM survey.target", 14, "size is a reserved word; quote it to use it as a name"),
    ("SELECT ra size FROM survey.target", 11, "expected FROM, found 'size'"),
    ("SELECT size FROM tap_schema.columns", 8, "size is a reserved word; quote it to use it as a name"),
    ("SELECT * FROM survey.target WHERE ra", 35, "a condition is needed here, not a number"),
    ("SELECT * FROM survey.target WHERE is_barred", 35, "a condition is needed here: compare the value with TRUE"),
    ("SELECT * FROM survey.target WHERE 1", 35, "a condition is needed here, not a number"),
    ("SELECT (ra=1) FROM survey.target", 11, "a value is needed here, not a condition"),
    (
        "SELECT * FROM survey.target WHERE CONTAINS(POINT(ra,dec),CIRCLE(1,2,3))",
        35,
        "a condition is needed here: compare the function with 1",
    ),
    ("SELECT * FROM survey.target WHERE galaxy = 3", 42, "cannot compare a string with a number"),
    ("SELECT * FROM survey.target WHERE ra = '3'", 38, "cannot compare a number with a string"),
    (
        "SELECT * FROM survey.target WHERE is_barred = 1",
        45,
        "cannot compare a boolean with a number; booleans are TRUE or FALSE",
    ),
    (
        "SELECT * FROM survey.target WHERE observed > 'yesterday'",
        46,
        "'yesterday' is no timestamp; write it like 2019-08-30T23:59:59.5",
    ),
    ("SELECT * FROM survey.target WHERE observed = galaxy", 44, "cannot compare a timestamp with a string"),
    ("SELECT * FROM survey.target WHERE observed > 58000", 44, "cannot compare a timestamp with a number"),
    ("SELECT galaxy + 1 FROM survey.target", 8, "'+' needs a number, not a string"),
    ("SELECT ra & 1 FROM survey.target", 8, "'&' needs whole numbers; CAST to INTEGER or BIGINT"),
    ("SELECT FOO(ra) FROM survey.target", 8, "unknown function 'FOO'; did you mean 'FLOOR'?"),
    ("SELECT SQRTT(ra) FROM survey.target", 8, "unknown function 'SQRTT'; did you mean 'SQRT'?"),
    ("SELECT ABS(ra, 1) FROM survey.target", 8, "ABS takes 1 argument, not 2"),
    ("SELECT ABS(galaxy) FROM survey.target", 12, "ABS needs a number, not a string"),
    ("SELECT * FROM survey.target WHERE COUNT(*) > 3", 35, "the aggregate function COUNT cannot stand in WHERE"),
    ("SELECT ra, COUNT(*) FROM survey.target", 8, "this column must be in GROUP BY or inside an aggregate function"),
    (
        "SELECT SUM(COUNT(*)) FROM survey.target",
        12,
        "the aggregate function COUNT cannot stand in an aggregate function",
    ),
    ("SELECT * FROM survey.target GROUP BY rank", 8, "this column must be in GROUP BY or inside an aggregate function"),
    ("SELECT id FROM survey.target ORDER BY 2", 39, "there is no output column 2; there are 1"),
    ("SELECT id FROM survey.target ORDER BY 0", 39, "there is no output column 0; there are 1"),
    (
        "SELECT id FROM survey.target UNION SELECT id, ra FROM survey.target",
        30,
        "both sides need the same number of columns, not 1 and 2",
    ),
    (
        "SELECT id FROM survey.target UNION SELECT galaxy FROM survey.target",
        30,
        "cannot combine a number with a string",
    ),
    (
        "SELECT id FROM survey.target UNION SELECT id FROM survey.target ORDER BY ra",
        74,
        "no output column 'ra': the result of a set operation is ordered by its columns' names or places",
    ),
    ("SELECT POINT(ra) FROM survey.target", 8, "POINT takes two coordinates"),
    (
        "SELECT POINT('GALACTIC', ra, dec) FROM survey.target",
        14,
        "coordinate system 'GALACTIC' is not supported; use ICRS",
    ),
    ("SELECT CIRCLE('ICRS', 1, 2, -3) FROM survey.target", 29, "a radius cannot be negative"),
    ("SELECT POINT(1, 95) FROM survey.target", 17, "latitude 95 is not between -90 and 90"),
    ("SELECT BOX(1,2,200,3) FROM survey.target", 16, "a box is wider and higher than 0 and less than 180 degrees"),
    ("SELECT BOX(1,89,2,3) FROM survey.target", 8, "latitude 90.5 is not between -90 and 90"),
    ("SELECT POLYGON(1,2,3,4) FROM survey.target", 8, "a polygon needs three vertices or more"),
    ("SELECT POLYGON(1,2,3,4,5) FROM survey.target", 8, "POLYGON takes pairs of coordinates"),
    (
        "SELECT CONTAINS(CIRCLE(1,2,3),POINT(1,2)) FROM survey.target",
        31,
        "a point contains nothing; the second argument of CONTAINS is the larger one",
    ),
    (
        "SELECT CONTAINS(1,2) FROM survey.target",
        17,
        "CONTAINS needs a point or a circle or a polygon or a region or a MOC, not a number",
    ),
    ("SELECT REGION('ELLIPSE 1 2 3') FROM survey.target", 15, "REGION knows POSITION, CIRCLE, BOX and POLYGON"),
    (
        "SELECT REGION('CIRCLE GALACTIC 1 2 3') FROM survey.target",
        15,
        "REGION in 'GALACTIC' is not supported; use ICRS",
    ),
    ("SELECT REGION(galaxy) FROM survey.target", 15, "REGION needs a string literal"),
    ("SELECT IN_UNIT(ra, 'kg') FROM survey.target", 20, "'deg' cannot be converted to 'kg'"),
    ("SELECT IN_UNIT(ra, 'foo') FROM survey.target", 20, "'foo' is not a unit that VOUnit knows"),
    ("SELECT IN_UNIT(rank, 'kg') FROM survey.target", 16, "the unit of the first argument of IN_UNIT is not known"),
    ("SELECT IN_UNIT(ra, galaxy) FROM survey.target", 20, "the second argument of IN_UNIT is a string literal"),
    ("SELECT * FROM survey.target; SELECT 1 FROM old.target", 30, "expected the end of the query, found 'SELECT'"),
    ("DROP TABLE survey.target", 1, "expected SELECT, found 'DROP'"),
    ("INSERT INTO survey.target VALUES (1)", 1, "expected SELECT, found 'INSERT'"),
    ("SELECT 1", 9, "expected FROM, found the end of the query"),
    ("SELECT * FROM pg_catalog.pg_user", 15, "unknown table 'pg_catalog.pg_user'"),
    ("SELECT pg_sleep(10) FROM survey.target", 8, "unknown function 'PG_SLEEP'"),
    ("SELECT ra FROM survey.target LIMIT 3", 36, "expected the end of the query, found '3'"),
    ("SELECT TOP -1 ra FROM survey.target", 12, "expected a whole number for TOP, found '-'"),
    ("SELECT TOP 1.5 ra FROM survey.target", 12, "expected a whole number for TOP, found '1.5'"),
    ("SELECT ra FROM survey.target OFFSET -3", 37, "expected a whole number for OFFSET, found '-'"),
    ("SELECT ra FROM survey.target OFFSET 3 ORDER BY ra", 39, "expected the end of the query, found 'ORDER'"),
    ("SELECT ra, FROM survey.target", 12, "expected a value, found 'FROM'"),
    ("SELECT ra FROM survey.target WHERE", 35, "expected a value, found the end of the query"),
    (
        "SELECT ra FROM (SELECT ra FROM survey.target)",
        46,
        "expected a name for the subquery in FROM, found the end of the query",
    ),
    ("SELECT ra FROM survey.target WHERE ra IN ()", 43, "expected a value, found ')'"),
    ("SELECT ra FROM survey.target WHERE ra IN 5", 42, "expected '(' after IN, found '5'"),
    ("SELECT ra FROM survey.target WHERE ra = = 5", 41, "expected a value, found '='"),
    ("SELECT ra FROM survey.target WHERE 1 < ra < 5", 43, "expected the end of the query, found '<'"),
    ("SELECT ra::text FROM survey.target", 10, "unexpected character ':'"),
    ("SELECT ra[1] FROM survey.target", 10, "unexpected character '['"),
    ("SELECT $1 FROM survey.target", 8, "unexpected character '$'"),
    ("SELECT 'abc FROM survey.target", 8, "this string is not closed"),
    ('SELECT "abc FROM survey.target', 8, "this quoted name is not closed or empty"),
    ('SELECT "" FROM survey.target', 8, "this quoted name is not closed or empty"),
    ("SELECT 1e FROM survey.target", 9, "a number runs into a name"),
    ("SELECT 89x FROM survey.target", 10, "a number runs into a name"),
    ("SELECT /* hi */ 1 FROM survey.target", 8, "expected a value, found '/'"),
    ("SELECT _x FROM survey.target", 8, "unexpected character '_'"),
    ("SELECT E'x' FROM survey.target", 9, "expected FROM, found a string"),
    (
        "SELECT ra FROM survey.target NATURAL JOIN survey.exposure ON 1=1",
        59,
        "expected the end of the query, found 'ON'",
    ),
    ("SELECT ra FROM survey.target JOIN survey.exposure USING (ra)", 58, "no column 'ra' on the right of the join"),
    ("SELECT ra FROM survey.target JOIN survey.exposure USING (t.id)", 59, "expected ')', found '.'"),
    (
        "SELECT ra FROM survey.target CROSS JOIN survey.exposure",
        30,
        "ADQL has no CROSS JOIN; write the tables with a comma between them",
    ),
    ("SELECT ra FROM survey.target a, survey.exposure a", 16, "'a' is twice in FROM; give each its own name with AS"),
    (
        "SELECT ra FROM survey.target, survey.target",
        16,
        "'survey.target' is twice in FROM; give each its own name with AS",
    ),
    ("SELECT ra FROM survey.target t JOIN survey.exposure e ON x.id = e.id", 58, "no table 'x' in FROM"),
    ("SELECT a.ra FROM survey.target a, (SELECT a.ra FROM old.target b) c", 43, "no table 'a' in FROM"),
    (
        "WITH x AS (SELECT 1 FROM old.target), x AS (SELECT 2 FROM old.target) SELECT * FROM x",
        39,
        "'x' is twice in WITH",
    ),
    ("WITH x AS (SELECT * FROM x) SELECT * FROM x", 26, "unknown table 'x'"),
    (
        "SELECT * FROM (WITH x AS (SELECT 1 FROM old.target) SELECT * FROM x) y",
        16,
        "WITH is a reserved word; quote it to use it as a name",
    ),
    ("SELECT ra AS a, dec AS a FROM survey.target ORDER BY a", 54, "'a' names more than one output column"),
    (
        "SELECT q.ra FROM (SELECT ra, ra FROM survey.target) q",
        8,
        "column 'q.ra' is ambiguous: the table has more than one",
    ),
    ("SELECT spectrum + 1 FROM survey.exposure", 8, "'+' needs a number, not an array"),
    (
        "SELECT * FROM ivoa.obscore WHERE s_region = s_region",
        43,
        "a polygon cannot be compared; use CONTAINS, INTERSECTS or DISTANCE",
    ),
    ("SELECT * FROM ivoa.obscore ORDER BY s_region", 37, "a polygon has no order"),
    ("SELECT MAX(s_region) FROM ivoa.obscore", 12, "MAX needs a number or a string or a timestamp, not a polygon"),
    (
        "SELECT CAST(ra AS FLOAT) FROM survey.target",
        19,
        "expected a type of ADQL, found 'FLOAT'",
    ),
    (
        "SELECT CAST(ra AS TIMESTAMP) FROM survey.target",
        13,
        "CAST AS TIMESTAMP needs a timestamp or a string, not a number",
    ),
    ("SELECT CAST(ra AS POINT) FROM survey.target", 13, "CAST AS POINT needs a string literal"),
    ("SELECT CAST(ra AS VARCHAR(0)) FROM survey.target", 27, "a length is between 1 and 1000000"),
    ("SELECT CASE WHEN ra THEN 1 END FROM survey.target", 18, "a condition is needed here, not a number"),
    ("SELECT CASE ELSE 1 END FROM survey.target", 13, "expected a value, found 'ELSE'"),
    ("SELECT CASE WHEN ra=1 THEN 1 ELSE 'a' END FROM survey.target", 8, "cannot mix a number with a string"),
    ("SELECT COALESCE() FROM survey.target", 8, "COALESCE takes one argument or more"),
    ("SELECT COALESCE(ra, 'a') FROM survey.target", 8, "cannot mix a number with a string"),
    (
        "SELECT (SELECT ra, dec FROM survey.target) FROM survey.target",
        8,
        "a query used as a value has one column, not 2",
    ),
    (
        "SELECT id FROM survey.target WHERE id IN (SELECT id, ra FROM survey.target)",
        39,
        "a query after IN has one column, not 2",
    ),
    ("SELECT id FROM survey.target WHERE galaxy LIKE 3", 48, "LIKE needs a string, not a number"),
    (
        "SELECT id FROM survey.target WHERE galaxy LIKE 'a' ESCAPE 'b'",
        52,
        "expected the end of the query, found 'ESCAPE'",
    ),
    ("SELECT id FROM survey.target WHERE NOT NOT id = 1", 40, "expected a condition after NOT, found 'NOT'"),
    ("SELECT id FROM survey.target WHERE id = ANY (SELECT 1 FROM old.target)", 41, "expected a value, found 'ANY'"),
    ("SELECT ABS(DISTINCT id) FROM survey.target", 8, "DISTINCT is for aggregate functions, not for ABS"),
    ("SELECT COUNT(*) OVER () FROM survey.target", 22, "expected FROM, found '('"),
    ("SELECT id FROM survey.target FOR UPDATE", 30, "expected the end of the query, found 'FOR'"),
    ("SELECT id INTO x FROM survey.target", 11, "expected FROM, found 'INTO'"),
    ("SELECT DISTINCT ON (id) id FROM survey.target", 17, "expected a value, found 'ON'"),
    ("SELECT id FROM survey.target TABLESAMPLE SYSTEM (1)", 42, "expected the end of the query, found 'SYSTEM'"),
    ("SELECT id FROM LATERAL (SELECT 1 FROM old.target) x", 24, "expected the end of the query, found '('"),
    ("SELECT id FROM generate_series(1,3) x", 31, "expected the end of the query, found '('"),
    ("SELECT id FROM ONLY survey.target", 16, "ONLY is a reserved word; quote it to use it as a name"),
    ('SELECT "ID" FROM survey.target', 8, "unknown column 'ID' in survey.target; did you mean 'id'?"),
    ('SELECT id FROM "Survey".target', 16, "unknown table 'Survey.target'; did you mean 'survey.target'?"),
    ("SELECT CURRENT_USER FROM old.target", 8, "CURRENT_USER is a reserved word; quote it to use it as a name"),
    ("SELECT id FROM survey.target ORDER BY id NULLS LAST", 42, "expected the end of the query, found 'NULLS'"),
    (
        "SELECT s_region_spoly FROM ivoa.obscore",
        8,
        "unknown column 's_region_spoly' in ivoa.obscore; did you mean 's_region'?",
    ),
    ("SELECT xmin, ctid FROM survey.target", 8, "unknown column 'xmin' in survey.target"),
    ("SELECT t FROM survey.target t", 8, "unknown column 't' in t"),
    ("SELECT ROUND(ra, 1.5) FROM survey.target", 18, "ROUND needs a whole number of places"),
    ("SELECT - - 1 FROM survey.target", 10, "two signs in a row; use parentheses"),
    ("SELECT id FROM survey.target WHERE ra = 1e999", 41, "this number is out of range"),
    ("SELECT id FROM a.b.c.d", 16, "unknown table 'a.b.c.d'"),
    ("SELECT AVG(galaxy) FROM survey.target", 12, "AVG needs a number, not a string"),
    (
        "SELECT DISTINCT id FROM survey.target ORDER BY ra",
        48,
        "with SELECT DISTINCT only output columns can be in ORDER BY",
    ),
    ("SELECT COUNT(DISTINCT *) FROM survey.target", 23, "expected a value, found '*'"),
    ("SELECT t.* FROM survey.target", 8, "no table 't' in FROM"),
    ("SELECT *, id FROM survey.target", 8, "'*' stands alone; write it with a table before it to add columns"),
    (
        "SELECT id FROM survey.target HAVING id > 1",
        8,
        "this column must be in GROUP BY or inside an aggregate function",
    ),
    (
        "SELECT rank AS r, COUNT(*) AS n FROM survey.target GROUP BY n",
        61,
        "an aggregate function cannot stand in GROUP BY",
    ),
    (
        "SELECT rank, (SELECT MAX(o.id) FROM old.target o WHERE o.id = t.id) FROM survey.target t GROUP BY rank",
        65,
        "this column must be in GROUP BY or inside an aggregate function",
    ),
    ("SELECT (SELECT MAX(t.ra) FROM old.target) FROM survey.target t", 16, "MAX needs a column of its own query"),
    ("SELECT NULLIF(ra) FROM survey.target", 8, "NULLIF takes 2 arguments, not 1"),
    ("SELECT IN_UNIT(ra) FROM survey.target", 8, "IN_UNIT takes 2 arguments, not 1"),
    ("SELECT CIRCLE('ICRS', 1) FROM old.target", 8, "CIRCLE needs a centre"),
    ("SELECT AREA(CIRCLE(1,2,3), 4) FROM old.target", 8, "AREA takes 1 argument, not 2"),
    ("SELECT DISTANCE(1,2,3) FROM old.target", 8, "DISTANCE takes two points or four coordinates"),
    ("SELECT INTERSECTS(POINT(1,2), POINT(1,2)) FROM old.target", 8, "INTERSECTS of two points; use DISTANCE"),
    ("SELECT POINT(galaxy, ra, dec) FROM survey.target", 14, "a coordinate system is a string literal"),
    ("SELECT ra BETWEEN 1 AND 2 FROM survey.target", 11, "a value is needed here, not a condition"),
    ("SELECT ra NOT 3 FROM survey.target", 15, "expected BETWEEN, LIKE, ILIKE or IN after NOT, found '3'"),
    ("SELECT ra FROM (survey.target) t", 16, "parentheses in FROM hold a join or a query"),
    ("SELECT ra FROM survey.target t WHERE survey.t.ra = 1", 38, "no table 'survey.t' in FROM"),
    ("SELECT id FROM tables", 16, "unknown table 'tables'"),
    (
        "SELECT ra FROM survey.target WHERE observed < '2019-02-30'",
        47,
        "'2019-02-30' is no timestamp; write it like 2019-08-30T23:59:59.5",
    ),
    (
        "SELECT ra FROM survey.target WHERE observed IN ('2019-02-03', 5)",
        45,
        "cannot compare a timestamp with a number",
    ),
    (
        "SELECT ra FROM survey.target UNION SELECT dec FROM survey.target ORDER BY ra + 1",
        78,
        "the result of a set operation is ordered by its columns' names or places",
    ),
    ("SELECT *, ra FROM survey.target", 8, "'*' stands alone; write it with a table before it to add columns"),
    ("SELECT ~ ~rank FROM survey.target", 10, "two ~ in a row; use parentheses"),
    ("SELECT ra FROM survey.target, survey.exposure WHERE raa = 1", 53, "unknown column 'raa'; did you mean 'ra'?"),
    ("SELECT MOC(galaxy) FROM survey.target", 12, "MOC needs a string literal, or an order and a shape"),
    ("SELECT MOC('4/1', 2, 3) FROM survey.target", 8, "MOC takes a string literal, or an order and a shape"),
    ("SELECT MOC('1 2') FROM old.target", 12, "'1' is no part of a MOC; write it like 4/30-33 38 7/324"),
    ("SELECT MOC('4/x') FROM old.target", 12, "'4/x' is no part of a MOC; write it like 4/30-33 38 7/324"),
    ("SELECT MOC('s4/1') FROM old.target", 12, "'s4/1' is no part of a MOC; write it like 4/30-33 38 7/324"),
    ("SELECT MOC('30/1') FROM old.target", 12, "an order of HEALPix is between 0 and 29"),
    ("SELECT MOC('0/12') FROM old.target", 12, "'0/12' is no range of cells of order 0"),
    ("SELECT MOC('1/5-3') FROM old.target", 12, "'1/5-3' is no range of cells of order 1"),
    ("SELECT MOC(rank, CIRCLE(1,2,3)) FROM survey.target", 12, MOC_ORDER),
    ("SELECT MOC(30, CIRCLE(1,2,3)) FROM old.target", 12, MOC_ORDER),
    ("SELECT MOC(1.5, CIRCLE(1,2,3)) FROM old.target", 12, MOC_ORDER),
    ("SELECT MOC(3, CIRCLE(1,2,91)) FROM old.target", 15, "a MOC cannot be made of a circle over 90 degrees"),
    ("SELECT MOC(3, MOC('1/1')) FROM old.target", 15, f"MOC needs {SHAPES}, not a MOC"),
    ("SELECT CENTROID(MOC('1/1')) FROM old.target", 17, f"CENTROID needs {SHAPES}, not a MOC"),
    ("SELECT COORDSYS(MOC('1/1')) FROM old.target", 17, f"COORDSYS needs {SHAPES}, not a MOC"),
    ("SELECT CONTAINS(MOC('1/1'), POINT(1,2)) FROM old.target", 29, CONTAINS_NOTHING),
    ("SELECT id FROM old.target WHERE MOC('1/1') = MOC('1/1')", 44, "a MOC cannot be compared; " + INSTEAD),
    ("SELECT id FROM old.target ORDER BY MOC('1/1')", 36, "a MOC has no order"),
    ("SELECT gavo_mocunion(MOC('1/1')) FROM old.target", 8, "GAVO_MOCUNION takes 2 arguments, not 1"),
    ("SELECT gavo_mocintersect(MOC('1/1'), 'x') FROM old.target", 38, "GAVO_MOCINTERSECT needs a MOC, not a string"),
    ("SELECT ivo_healpix_index(30, 1, 2) FROM old.target", 26, "an order of HEALPix is between 0 and 29"),
    ("SELECT ivo_healpix_index(1.5, 1, 2) FROM old.target", 26, "IVO_HEALPIX_INDEX needs a whole number"),
    ("SELECT ivo_healpix_index(3, 1) FROM old.target", 29, "IVO_HEALPIX_INDEX needs a point, not a number"),
    (
        "SELECT ivo_healpix_index(3) FROM old.target",
        8,
        "IVO_HEALPIX_INDEX takes an order and a point or two coordinates",
    ),
    ("SELECT ivo_healpix_index(3, 1, 95) FROM old.target", 32, "latitude 95 is not between -90 and 90"),
    ("SELECT ivo_healpix_center(1, 48) FROM old.target", 30, "an index of order 1 is between 0 and 47"),
    ("SELECT ivo_healpix_center(1) FROM old.target", 8, "IVO_HEALPIX_CENTER takes an order and an index"),
    ("SELECT ivo_histogram(ra, 0, 1) FROM survey.target", 8, "IVO_HISTOGRAM takes 4 arguments, not 3"),
    ("SELECT ivo_histogram(1, 0, 1, 9) FROM survey.target", 22, "IVO_HISTOGRAM needs a column"),
    ("SELECT ivo_histogram(ra, 1, 0, 9) FROM survey.target", 26, HISTOGRAM_LIMITS),
    ("SELECT ivo_histogram(ra, dec, 9, 9) FROM survey.target", 26, HISTOGRAM_LIMITS),
    ("SELECT ivo_histogram(ra, 0, 1, 0) FROM survey.target", 32, HISTOGRAM_BINS),
    ("SELECT ivo_histogram(ra, 0, 1, 99999) FROM survey.target", 32, HISTOGRAM_BINS),
    ("SELECT ivo_histogram(DISTINCT ra, 0, 1, 9) FROM survey.target", 8, "DISTINCT is not for IVO_HISTOGRAM"),
    (
        "SELECT id FROM survey.target WHERE ivo_histogram(ra, 0, 1, 9) IS NULL",
        36,
        "the aggregate function IVO_HISTOGRAM cannot stand in WHERE",
    ),
    ("SELECT gavo_specconv(ra, 'nm') FROM survey.target", 26, "'deg' cannot be converted to 'nm'"),
    ("SELECT gavo_specconv(em_min, 'deg') FROM ivoa.obscore", 30, "'m' cannot be converted to 'deg'"),
    ("SELECT gavo_specconv(em_min, 'foo') FROM ivoa.obscore", 30, "'foo' is not a unit that VOUnit knows"),
    (
        "SELECT gavo_specconv(em_min, target_name) FROM ivoa.obscore",
        30,
        "the units in GAVO_SPECCONV are string literals",
    ),
    ("SELECT gavo_specconv(em_min) FROM ivoa.obscore", 8, "GAVO_SPECCONV takes 2 to 3 arguments, not 1"),
    (
        "SELECT gavo_specconv(rank, 'nm') FROM survey.target",
        22,
        "the unit of the first argument of GAVO_SPECCONV is not known; give it as the second",
    ),
    (
        "SELECT s_words FROM ivoa.obscore UNION SELECT s_region FROM ivoa.obscore",
        34,
        "cannot combine a region with a polygon",
    ),
    ("SELECT id FROM ivoa.obscore, old.target WHERE s_words LIKE 'P%'", 47, "LIKE needs a string, not a region"),
    ("SELECT MAX(s_words) FROM ivoa.obscore", 12, "MAX needs a number or a string or a timestamp, not a region"),
    ("SELECT s_words || 'x' FROM ivoa.obscore", 8, "'||' needs a string or a number or a timestamp, not a region"),
    ("SELECT AREA(area) FROM tap_upload.mine", 13, "area is a reserved word; quote it to use it as a name"),
    ('SELECT AREA("area") FROM tap_upload.mine', 13, f"AREA needs {SHAPES} or a MOC, not a string"),
    ("SELECT 0xFFFFFFFFFFFFFFFFF FROM old.target", 8, "this number is out of range"),
    ("SELECT " + "9" * 400 + " FROM old.target", 8, "this number is out of range"),
]


@pytest.mark.parametrize(("text", "column", "message"), REFUSED)
def test_a_wrong_query_is_told_where_and_why(refused: Refused, text: str, column: int, message: str) -> None:
    error = refused(text)

    assert (error.line, error.column, error.message) == (1, column, message)


def test_an_error_reads_as_a_sentence_with_its_line_and_column(refused: Refused) -> None:
    text = "SELECT id,\n       galaxy\nFROM survey.target\nWHERE galxy = 'NGC 628'"

    assert str(refused(text)) == "line 4, column 7: unknown column 'galxy' in survey.target; did you mean 'galaxy'?"


def test_an_error_in_a_subquery_counts_from_the_start_of_the_text(refused: Refused) -> None:
    error = refused("SELECT id FROM survey.target\nWHERE id IN (\n  SELECT idd FROM old.target)")

    assert (error.line, error.column) == (3, 10)


def test_without_tables_every_table_is_unknown() -> None:
    with pytest.raises(AdqlError, match=r"unknown table 'survey\.target'"):
        translate("SELECT ra FROM survey.target", ())


@pytest.mark.parametrize("name", ["id", "ID", "Id", '"id"'])
def test_a_plain_name_ignores_case_and_a_quoted_one_does_not(refused: Refused, name: str) -> None:
    assert refused(f"SELECT {name}, nothing FROM survey.target").message.startswith("unknown column 'nothing'")
    assert refused('SELECT "Id" FROM survey.target').message.startswith("unknown column 'Id'")


@pytest.mark.parametrize("word", ["size", "Position", "LEVEL", "value", "distance", "point", "min", "year"])
def test_a_reserved_word_as_a_name_is_explained(refused: Refused, word: str) -> None:
    assert refused(f"SELECT ra AS {word} FROM survey.target").message == (
        f"{word} is a reserved word; quote it to use it as a name"
    )


def test_not_a_character_that_the_database_cannot_hold_comes_through(refused: Refused) -> None:
    assert "NUL" in refused("SELECT 'a\0b' FROM survey.target").message
    assert "Unicode" in refused("SELECT '\ud800' FROM survey.target").message
