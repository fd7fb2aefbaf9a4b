"""Queries that are ADQL and must be understood."""

from collections.abc import Callable

import pytest

from server.adql import Translation

Translated = Callable[[str], Translation]

WHOLE = """
SELECT * FROM survey.target
select ALL ra from SURVEY.TARGET
SELECT DISTINCT galaxy FROM survey.target;
SELECT TOP 0 * FROM exposure
SELECT t.*, e.* FROM survey.target t, survey.exposure AS e
SELECT survey.target.*, e.seeing FROM survey.target, survey.exposure e
SELECT survey.target.ra, target.dec FROM survey.target
SELECT "ra", "galaxy" AS "The ""name"" of it" FROM "survey"."target"
SELECT ra r, dec "d e" FROM survey.target t
SELECT size_ FROM (SELECT "size" AS size_ FROM tap_schema.columns) AS q
SELECT "date", name FROM tap_upload.mine WHERE "date" > '2020-01-01'
SELECT id FROM survey.target -- a comment; with 'everything' "in" it
SELECT 'it''s' || ' ' 'joined' AS a FROM survey.target
SELECT galaxy FROM survey.target JOIN survey.exposure USING (galaxy)
SELECT galaxy FROM survey.target NATURAL JOIN survey.exposure
SELECT galaxy FROM survey.target NATURAL LEFT OUTER JOIN survey.exposure
SELECT t.id FROM survey.target t INNER JOIN survey.exposure e ON t.id = e.target_id
SELECT t.id FROM survey.target t LEFT JOIN survey.exposure e ON t.id = e.target_id AND e.seeing < 1
SELECT t.id FROM survey.target t RIGHT OUTER JOIN survey.exposure e ON t.id = e.target_id
SELECT t.id FROM survey.target t FULL JOIN survey.exposure e ON t.id = e.target_id
SELECT t.id FROM (survey.target t JOIN survey.exposure e ON t.id = e.id), old.target AS o
SELECT t.id FROM ((survey.target t JOIN survey.exposure e ON t.id = e.id) JOIN old.target o ON o.id = t.id)
SELECT q.n FROM (SELECT COUNT(*) AS n FROM survey.target) q
SELECT a FROM ((SELECT id AS a FROM survey.target) UNION SELECT id FROM old.target) q
SELECT a FROM ((SELECT id AS a FROM survey.target) q JOIN (SELECT id AS b FROM old.target) r ON a = b)
SELECT id FROM survey.target WHERE id IN ((SELECT id FROM old.target) UNION (SELECT id FROM survey.exposure))
SELECT id FROM survey.target WHERE id IN ((SELECT MAX(id) FROM old.target), 3)
SELECT id FROM survey.target WHERE EXISTS (SELECT * FROM survey.exposure WHERE target_id = survey.target.id)
SELECT id FROM survey.target WHERE NOT EXISTS (SELECT 1 FROM old.target)
SELECT id FROM survey.target t WHERE ra > (SELECT AVG(ra) FROM survey.target WHERE rank = t.rank)
SELECT (SELECT MAX(id) FROM old.target) AS m FROM survey.target
WITH a AS (SELECT id, ra FROM survey.target), b AS (SELECT * FROM a) SELECT a.ra FROM a JOIN b ON a.id = b.id
SELECT rank FROM survey.target t GROUP BY rank HAVING rank IN (SELECT q.n FROM (SELECT 1 AS n FROM old.target) q)
SELECT rank, (SELECT MAX(o.id) FROM old.target o JOIN survey.exposure e ON e.id = o.id) FROM survey.target GROUP BY rank
SELECT 1 FROM survey.target WHERE id NOT IN (SELECT NULL FROM old.target UNION SELECT NULL FROM old.target)
SELECT 1, NULL FROM old.target UNION SELECT 2, NULL FROM old.target UNION SELECT 2.5, 'a' FROM old.target
SELECT n + 1 FROM (SELECT NULL AS n FROM old.target) AS q
SELECT ivo_string_agg(galaxy, ', ') FROM survey.target
SELECT COORD1(CENTROID(s_region)), AREA(s_region), CENTROID(CIRCLE(s_ra, s_dec, 1)), AREA(POINT(1, 2)) FROM ivoa.obscore
SELECT CENTROID(aperture), CENTROID(place), AREA(aperture), CIRCLE(place, 1), BOX(place, 1, 1) FROM tap_upload.mine
SELECT POLYGON(place, POINT(1, 2), POINT(5, 1)) FROM tap_upload.mine WHERE INTERSECTS(aperture, outline) = 1
WITH target AS (SELECT id FROM survey.exposure) SELECT id FROM target
SELECT id FROM survey.target UNION SELECT id FROM old.target
SELECT id FROM survey.target UNION ALL SELECT id FROM old.target ORDER BY id DESC OFFSET 3
SELECT id FROM survey.target EXCEPT ALL SELECT id FROM old.target INTERSECT SELECT id FROM survey.exposure
(SELECT TOP 3 id FROM survey.target ORDER BY ra) UNION (SELECT id FROM old.target) ORDER BY 1
(SELECT id FROM survey.target ORDER BY id OFFSET 2) ORDER BY 1 DESC
(SELECT id FROM survey.target)
SELECT rank, COUNT(*) FROM survey.target GROUP BY rank
SELECT rank AS r, COUNT(*) FROM survey.target GROUP BY r
SELECT rank, COUNT(*) FROM survey.target GROUP BY 1 HAVING COUNT(*) > 3 AND rank > 1 ORDER BY 2 DESC, rank ASC
SELECT FLOOR(ra / 10) * 10 AS bin, AVG(dec) FROM survey.target GROUP BY FLOOR(ra / 10) ORDER BY bin
SELECT rank + 1, MAX(ra) - MIN(ra) FROM survey.target GROUP BY rank
SELECT COUNT(DISTINCT galaxy), COUNT(ALL ra), SUM(DISTINCT rank) FROM survey.target
SELECT MAX(ra) FROM survey.target HAVING COUNT(*) > 1
SELECT rank FROM survey.target GROUP BY rank HAVING EXISTS (SELECT 1 FROM old.target WHERE id = rank)
SELECT ra FROM survey.target ORDER BY dec, ra + dec DESC, 1, galaxy OFFSET 10
SELECT DISTINCT ra + 1 AS x, dec FROM survey.target ORDER BY ra + 1, dec
SELECT COUNT(*) FROM survey.target ORDER BY COUNT(*)
SELECT id FROM tap_upload.mine JOIN survey.target ON DISTANCE(POINT(mine.ra, 1), POINT(target.ra, target.dec)) < 0.1
SELECT s_region, POINT(s_ra, s_dec), CIRCLE(s_ra, s_dec, 1), BOX(s_ra, s_dec, 1, 1) FROM ivoa.obscore
""".strip().splitlines()

CONDITIONS = """
ra = 1 AND (dec > 2 OR dec < -2) AND NOT (rank <> 3)
(ra) > ((dec))
(ra + dec) * 2 >= -3.5e-2
ra != .5 AND ra <= 5. AND ra < 1E5
rank & 0xFF = 3 OR rank | 1 = 3 OR rank ^ 2 = 1 OR ~rank = -2
ra BETWEEN 1 AND 2 AND dec NOT BETWEEN -1 AND 1
galaxy LIKE 'NGC%' AND galaxy NOT LIKE '%a_' OR galaxy ILIKE 'ic%' OR galaxy NOT ILIKE LOWER(notes)
galaxy IN ('a', 'b') AND rank NOT IN (1, 2.5, rank)
radius IS NULL OR radius * 2 IS NOT NULL
is_barred = TRUE OR is_barred <> FALSE
observed > '2019-01-01' AND '2019-01-01T01:02:03.5Z' >= observed
observed BETWEEN '2019-01-01' AND '2020-01-01 00:00' AND observed IN ('2019-05-05T12:00:00')
CASE WHEN ra > 1 THEN 1 WHEN ra IS NULL THEN 2.5 ELSE dec END > 3
CASE galaxy WHEN 'a' THEN 1 ELSE NULL END = 1
COALESCE(radius, 0) > NULLIF(rank, 3)
galaxy = UPPER('x') || CAST(rank AS VARCHAR(5)) || notes
CAST(ra AS INTEGER) = CAST('3' AS BIGINT) AND CAST(rank AS DOUBLE PRECISION) = CAST(dec AS REAL)
CAST('2019-01-01' AS TIMESTAMP) < observed
ABS(rank) + MOD(rank, 3) + POWER(ra, 2) + SQRT(ra) + EXP(1) + LOG(ra) + LOG10(ra) + PI() + RAND() + RAND(4) > 0
ROUND(ra) = ROUND(ra, 2) AND TRUNCATE(ra, -1) = TRUNCATE(ra) AND CEILING(ra) > FLOOR(dec)
SIN(ra) + COS(ra) + TAN(ra) + COT(ra) + ASIN(ra) + ACOS(ra) + ATAN(ra) + ATAN2(ra, dec) > RADIANS(DEGREES(ra))
IN_UNIT(distance_mpc, 'kpc') > 1000
1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 10, 20, 0.5))
CONTAINS(POINT(ra, dec), CIRCLE(POINT(10, 20), 0.5)) <> 0
0 = CONTAINS(POINT(ra, dec), BOX('J2000', 10, 20, 1, 1))
CONTAINS(CIRCLE(ra, dec, radius), POLYGON(1, 2, 3, 4, 5, 0)) != 1
CONTAINS(POINT('', ra, dec), POLYGON('ICRS GEOCENTER', 1, 2, 3, 4, 5, 0)) = 1
INTERSECTS(CIRCLE(NULL, ra, dec, radius), REGION('Polygon ICRS 1 2 3 4 5 0')) = 1
INTERSECTS(BOX(POINT(ra, dec), 1, 1), POLYGON(POINT(1, 2), POINT(3, 4), POINT(ra, dec))) = 1
CONTAINS(POINT(ra, dec), REGION('CIRCLE J2000 10 20 1')) + 1 > 1
CONTAINS(CAST('10 20' AS POINT), CAST('10 20 1' AS CIRCLE)) = 1
DISTANCE(POINT(ra, dec), POINT(10, 20)) < 0.1 OR DISTANCE(ra, dec, 10, 20) BETWEEN 1 AND 2
AREA(CIRCLE(ra, dec, radius)) > AREA(POLYGON(1, 2, 3, 4, 5, 0))
COORD1(POINT(ra, dec)) = COORD2(CENTROID(BOX(1, 2, 3, 4))) AND COORDSYS(POINT(ra, dec)) = 'ICRS'
ivo_hasword(notes, 'nice') = 1 AND IVO_HASHLIST_HAS('a#b', galaxy) = 1 AND ivo_interval_overlaps(1, 2, ra, dec) = 0
gavo_to_mjd(observed) > 58000 AND gavo_to_jd('2019-01-01') < 2460000
mv_header(galaxy, 'ESO OBS NAME') LIKE 'NGC%' AND ESO_SUBSTRING(galaxy, 1, rank) = 'N'
getdate() > observed AND eso_dateadd_sec(60, '2019-01-01') < observed
ESO_INTERSECTION(CIRCLE(ra, dec, radius), POLYGON(1, 2, 3, 4, 5, 0)) > 0.5 * AREA(CIRCLE('', ra, dec, radius))
""".strip().splitlines()


@pytest.mark.parametrize("text", WHOLE)
def test_a_valid_query_is_translated(translated: Translated, text: str) -> None:
    assert translated(text).columns


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_valid_condition_is_translated(where: Callable[[str], str], condition: str) -> None:
    assert where(condition)


def test_the_tables_that_are_read_are_told(translated: Translated) -> None:
    text = (
        "WITH c AS (SELECT id FROM old.target) SELECT c.id FROM c, (SELECT s_ra FROM ivoa.obscore) AS o"
        " WHERE EXISTS (SELECT 1 FROM Exposure)"
    )

    assert translated(text).tables == {"old.target", "ivoa.obscore", "survey.exposure"}


@pytest.mark.parametrize(
    ("text", "top"),
    [
        ("SELECT TOP 7 id FROM survey.target", 7),
        ("SELECT id FROM (SELECT TOP 7 id FROM survey.target) AS q", None),
        ("SELECT TOP 7 id FROM survey.target UNION SELECT TOP 8 id FROM old.target", None),
        ("(SELECT TOP 7 id FROM survey.target)", 7),
    ],
)
def test_top_is_that_of_the_outermost_select(translated: Translated, text: str, top: int | None) -> None:
    assert translated(text).top == top
