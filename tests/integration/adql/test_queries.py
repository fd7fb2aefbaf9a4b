"""Whole queries and their rows: names, joins, groups, sets, subqueries, WITH, order and limits."""

from datetime import datetime

import pytest

from tests.integration.adql.lab import Lab
from tests.unit.server.adql import test_accepted_queries as accepted

NAMES = [
    ("SELECT name FROM lab.star WHERE id = 1", ["Sirius"]),
    ("select NAME from LAB.STAR where ID = 1", ["Sirius"]),
    ('SELECT "name" FROM "lab"."star" WHERE "id" = 1', ["Sirius"]),
    ("SELECT star.name FROM star WHERE star.id = 1", ["Sirius"]),
    ("SELECT lab.star.name FROM lab.star WHERE lab.star.id = 1", ["Sirius"]),
    ("SELECT s.name FROM lab.star AS s WHERE s.id = 1", ["Sirius"]),
    ("SELECT s.name FROM lab.star s WHERE S.ID = 1", ["Sirius"]),
    ('SELECT "S".name FROM lab.star "S" WHERE "S".id = 1', ["Sirius"]),
    ("SELECT dec FROM lab.star WHERE dec > 89", [89.2641]),
    ('SELECT "a b" FROM (SELECT id AS "a b" FROM lab.star WHERE id = 3) AS q', [3]),
    ('SELECT q."it""s" FROM (SELECT id AS "it""s" FROM lab.star WHERE id = 3) AS q', [3]),
    ("SELECT id + 1 AS id FROM lab.star WHERE id = 1", [2]),
    ("SELECT n AS a, n + 1 AS a, n + 2 AS A FROM lab.one", [(1, 2, 3)]),
    ("SELECT s.*, 1 AS one FROM (SELECT id, name FROM lab.star WHERE id = 1) s", [(1, "Sirius", 1)]),
    ("SELECT * FROM lab.one", [(1, None)]),
    ("SELECT lab.one.* FROM lab.one", [(1, None)]),
    ("SELECT note FROM lab.star WHERE note LIKE 'ä C%'", ["ä CMa"]),
    ("SELECT note FROM lab.star WHERE note LIKE '100%' AND note LIKE '%''s'", ["100% _it's"]),
    ("SELECT id FROM lab.star WHERE id = 1;", [1]),
    ("SELECT id -- ends here ; DROP\nFROM lab.star -- \nWHERE id = 1 -- and here", [1]),
    ("SELECT ALL kind FROM lab.star WHERE id < 3", ["A", "A"]),
    ("SELECT DISTINCT kind FROM lab.star WHERE id < 3", ["A"]),
]
FILTERS = [
    ("SELECT id FROM lab.star WHERE mag < 0 ORDER BY id", [1, 2, 3]),
    ("SELECT id FROM lab.star WHERE mag IS NULL", [9]),
    ("SELECT id FROM lab.star WHERE NOT mag < 2 ORDER BY id", [6, 7, 8, 10]),
    ("SELECT id FROM lab.star WHERE variable = TRUE ORDER BY id", [4, 5, 6, 8]),
    ("SELECT id FROM lab.star WHERE variable <> TRUE ORDER BY id", [1, 2, 7, 10]),
    ("SELECT id FROM lab.star WHERE variable IS NULL ORDER BY id", [3, 9]),
    ("SELECT id FROM lab.star WHERE kind = ''", [10]),
    ("SELECT id FROM lab.star WHERE kind IN ('K', 'M', 'X') ORDER BY id", [3, 8]),
    ("SELECT id FROM lab.star WHERE kind NOT IN ('A', 'F') ORDER BY id", [3, 7, 8, 10]),
    ("SELECT id FROM lab.star WHERE name ILIKE 's%' ORDER BY id", [1, 6, 8]),
    ("SELECT id FROM lab.star WHERE LOWER(name) LIKE '%r%' AND mag < 0 ORDER BY id", [1, 3]),
    ("SELECT id FROM lab.star WHERE seen > '2020-01-01' ORDER BY id", [3, 5, 6]),
    ("SELECT id FROM lab.star WHERE seen BETWEEN '2018-01-01' AND '2018-12-31' ORDER BY id", [7, 8]),
    ("SELECT id FROM lab.star WHERE seen = '2019-08-31T10:00:00.5'", [2]),
    ("SELECT id FROM lab.star WHERE gavo_to_mjd(seen) < 58119.5", [7]),
    ("SELECT id FROM lab.star WHERE ivo_hashlist_has(tags, 'red') = 1 ORDER BY id", [3, 8]),
    ("SELECT id FROM lab.star WHERE 0 = ivo_hashlist_has(tags, 'bright') ORDER BY id", [5, 6, 7, 8, 10]),
    ("SELECT id FROM lab.star WHERE plx > 0 AND CASE WHEN plx > 0 THEN 1000 / plx END < 10 ORDER BY id", [1, 4]),
    ("SELECT id FROM lab.star WHERE IN_UNIT(plx, 'arcsec') > 0.1 ORDER BY id", [1, 4]),
    ("SELECT id FROM lab.shot WHERE gavo_specconv(wave, 'eV') > 2.2 ORDER BY id", [1, 3, 4, 6]),
    ("SELECT id FROM lab.shot WHERE gavo_specconv(wave, 'Angstrom') BETWEEN 6000 AND 7000", [2]),
]
JOINS = [
    (
        "SELECT s.id, e.id FROM lab.star s JOIN lab.shot e ON s.id = e.star_id ORDER BY e.id",
        [(1, 1), (1, 2), (3, 3), (4, 4), (4, 5)],
    ),
    (
        "SELECT s.id, e.id FROM lab.star s, lab.shot e WHERE s.id = e.star_id AND band = 'V' ORDER BY 2",
        [(1, 1), (3, 3), (4, 4)],
    ),
    (
        "SELECT s.id FROM lab.star s LEFT JOIN lab.shot e ON s.id = e.star_id WHERE e.id IS NULL ORDER BY s.id",
        [2, 5, 6, 7, 8, 9, 10],
    ),
    (
        "SELECT e.id, s.name FROM lab.star s RIGHT OUTER JOIN lab.shot e ON s.id = e.star_id WHERE e.id > 4 ORDER BY 1",
        [(5, "Vega"), (6, None)],
    ),
    ("SELECT COUNT(*) FROM lab.star s FULL OUTER JOIN lab.shot e ON s.id = e.star_id", [13]),
    ("SELECT COUNT(*) FROM lab.star s LEFT JOIN lab.shot e ON s.id = e.star_id AND e.band = 'V'", [10]),
    ("SELECT id, name, band FROM lab.star JOIN lab.shot USING (id) WHERE id = 2", [(2, "Canopus", "R")]),
    (
        (
            "SELECT * FROM (SELECT id, name FROM lab.star) a JOIN (SELECT id, band FROM"
            " lab.shot) b USING (id) WHERE id = 2"
        ),
        [(2, "Canopus", "R")],
    ),
    ("SELECT id FROM lab.star RIGHT JOIN (SELECT 11 AS id FROM lab.one) b USING (id)", [11]),
    (
        (
            "SELECT id FROM (SELECT 1 AS id FROM lab.one) a FULL JOIN (SELECT 2 AS id"
            " FROM lab.one) b USING (id) ORDER BY id"
        ),
        [1, 2],
    ),
    ("SELECT band FROM lab.star NATURAL JOIN lab.shot WHERE id = 3", ["V"]),
    (
        "SELECT name FROM lab.star NATURAL LEFT JOIN lab.shot WHERE id > 6 AND band IS NULL ORDER BY name DESC",
        ["West", "Scheat", "East", "Alpheratz"],
    ),
    ("SELECT a.id FROM lab.star a JOIN lab.star b ON a.kind = b.kind AND a.id < b.id ORDER BY a.id", [1, 1, 2, 5]),
    ("SELECT s.id FROM (lab.star s JOIN lab.shot e ON s.id = e.star_id) JOIN lab.one o ON e.id = o.n", [1]),
    ("SELECT s.id FROM lab.star s JOIN (lab.shot e JOIN lab.one o ON e.id = o.n) ON s.id = e.star_id", [1]),
    ("SELECT x.id FROM lab.star x INNER JOIN lab.shot y ON x.id = y.star_id INNER JOIN lab.one z ON y.id = z.n", [1]),
    ("SELECT q.name FROM (SELECT name, id FROM lab.star) AS q, lab.one WHERE q.id = n", ["Sirius"]),
    ("SELECT COUNT(*) FROM lab.star, lab.one, lab.field", [40]),
]
GROUPS = [
    ("SELECT COUNT(*) FROM lab.star", [10]),
    ("SELECT COUNT(mag) FROM lab.star", [9]),
    ("SELECT COUNT(DISTINCT kind) FROM lab.star", [6]),
    ("SELECT COUNT(ALL kind), COUNT(*) FROM lab.star WHERE id > 8", [(1, 2)]),
    ("SELECT SUM(counts), MIN(counts), MAX(counts) FROM lab.shot", [(1360, 10, 700)]),
    ("SELECT AVG(counts) FROM lab.shot", [272.0]),
    ("SELECT AVG(exptime), SUM(exptime) FROM lab.shot WHERE band = 'V'", [(18.75, 75.0)]),
    ("SELECT SUM(seeing) FROM lab.shot", [5.5]),
    ("SELECT SUM(id) FROM lab.shot WHERE id > 100", [None]),
    ("SELECT COUNT(*) FROM lab.shot WHERE id > 100", [0]),
    ("SELECT MIN(seen) FROM lab.star WHERE variable = TRUE", [datetime(2018, 1, 2)]),
    ("SELECT MIN(name), MAX(name) FROM lab.star", [("Alpheratz", "West")]),
    ("SELECT band, COUNT(*) FROM lab.shot GROUP BY band ORDER BY band", [("I", 1), ("R", 1), ("V", 4)]),
    ("SELECT band AS b, COUNT(*) AS k FROM lab.shot GROUP BY b ORDER BY k DESC, b", [("V", 4), ("I", 1), ("R", 1)]),
    ("SELECT band, SUM(counts) FROM lab.shot GROUP BY 1 HAVING SUM(counts) > 300 ORDER BY 2", [("V", 410), ("I", 700)]),
    (
        "SELECT FLOOR(exptime / 20) AS bin, COUNT(*) FROM lab.shot GROUP BY FLOOR(exptime / 20) ORDER BY bin",
        [(0.0, 2), (1.0, 3), (3.0, 1)],
    ),
    (
        "SELECT FLOOR(exptime / 20) * 20 AS bin, COUNT(*) FROM lab.shot GROUP BY bin ORDER BY bin",
        [(0.0, 2), (20.0, 3), (60.0, 1)],
    ),
    ("SELECT MAX(counts) - MIN(counts) FROM lab.shot", [690]),
    ("SELECT band FROM lab.shot GROUP BY band HAVING COUNT(*) = 1 ORDER BY band", ["I", "R"]),
    ("SELECT COUNT(*) FROM lab.shot HAVING COUNT(*) > 100", []),
    (
        "SELECT kind, COUNT(*) FROM lab.star WHERE kind IS NOT NULL GROUP BY kind HAVING COUNT(*) > 1 ORDER BY kind",
        [("A", 3), ("F", 2)],
    ),
    ("SELECT ivo_string_agg(band, '+') FROM (SELECT TOP 3 band FROM lab.shot ORDER BY id) AS q", ["V+R+V"]),
    ("SELECT ivo_string_agg(DISTINCT band, ',') FROM lab.shot", ["I,R,V"]),
    ("SELECT ivo_histogram(exptime, 0, 60, 3) FROM lab.shot", [[0, 2, 3, 0, 1]]),
    ("SELECT ivo_histogram(counts, 50, 500, 9) FROM lab.shot", [[1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1]]),
    ("SELECT ivo_histogram(counts + 1.5, 50, 500, 1) FROM lab.shot WHERE band = 'V'", [[1, 2, 0]]),
    (
        "SELECT band, ivo_histogram(seeing, 0, 2, 2) AS h FROM lab.shot GROUP BY band ORDER BY band",
        [("I", [0, 1, 0, 0]), ("R", [0, 0, 1, 0]), ("V", [0, 1, 1, 1])],
    ),
    ("SELECT ivo_histogram(mag, 0, 1, 1) FROM lab.star WHERE id = 9", [[0, 0, 0]]),
    ("SELECT ivo_histogram(mag, 0, 1, 1) FROM lab.star WHERE id > 99", [[0, 0, 0]]),
    ("SELECT MAX(h.k) FROM (SELECT COUNT(*) AS k FROM lab.shot GROUP BY band) AS h", [4]),
]
SETS = [
    ("SELECT id FROM lab.star WHERE id < 3 UNION SELECT id FROM lab.shot WHERE id < 4 ORDER BY id", [1, 2, 3]),
    ("SELECT id FROM lab.star WHERE id < 3 UNION ALL SELECT id FROM lab.shot WHERE id < 3 ORDER BY id", [1, 1, 2, 2]),
    ("SELECT id FROM lab.star EXCEPT SELECT star_id FROM lab.shot ORDER BY id", [2, 5, 6, 7, 8, 9, 10]),
    ("SELECT star_id FROM lab.shot INTERSECT SELECT id FROM lab.star ORDER BY star_id", [1, 3, 4]),
    ("SELECT star_id FROM lab.shot INTERSECT ALL SELECT star_id FROM lab.shot ORDER BY 1", [1, 1, 3, 4, 4, 99]),
    ("SELECT star_id FROM lab.shot EXCEPT ALL SELECT id FROM lab.star ORDER BY 1", [1, 4, 99]),
    (
        (
            "SELECT 1 AS a FROM lab.one UNION SELECT 2 FROM lab.one UNION SELECT 3 FROM"
            " lab.one EXCEPT SELECT 2 FROM lab.one ORDER BY a"
        ),
        [1, 3],
    ),
    ("SELECT 1 AS a FROM lab.one UNION (SELECT 2 FROM lab.one EXCEPT SELECT 2 FROM lab.one)", [1]),
    ("SELECT 1 AS a FROM lab.one UNION SELECT 2 FROM lab.one INTERSECT SELECT 2 FROM lab.one ORDER BY a", [1, 2]),
    ("(SELECT 1 AS a FROM lab.one UNION SELECT 2 FROM lab.one) INTERSECT SELECT 2 FROM lab.one", [2]),
    (
        (
            "(SELECT TOP 2 id FROM lab.star ORDER BY id DESC) UNION (SELECT TOP 1 id"
            " FROM lab.shot ORDER BY id) ORDER BY id"
        ),
        [1, 9, 10],
    ),
    ("SELECT TOP 1 id FROM lab.star WHERE id = 5 UNION SELECT id FROM lab.star WHERE id = 6 ORDER BY 1 DESC", [6, 5]),
    ("SELECT 1 AS a FROM lab.one UNION SELECT 1.5 FROM lab.one ORDER BY a", [1.0, 1.5]),
    ("SELECT NULL AS a FROM lab.one UNION SELECT 2 FROM lab.one ORDER BY a", [2, None]),
    ("SELECT id FROM lab.star UNION SELECT id FROM lab.shot ORDER BY id OFFSET 8", [9, 10]),
    (
        (
            "SELECT name, mag FROM lab.star WHERE id = 9 UNION SELECT band, seeing FROM"
            " lab.shot WHERE id = 5 ORDER BY name"
        ),
        [("East", None), ("I", 0.5)],
    ),
]
SUBQUERIES = [
    ("SELECT name FROM lab.star WHERE id IN (SELECT star_id FROM lab.shot WHERE band = 'I')", ["Vega"]),
    (
        "SELECT name FROM lab.star s WHERE EXISTS (SELECT 1 FROM lab.shot e WHERE e.star_id = s.id AND band = 'R')",
        ["Sirius"],
    ),
    ("SELECT name FROM lab.star WHERE mag = (SELECT MIN(mag) FROM lab.star)", ["Sirius"]),
    (
        "SELECT id, (SELECT COUNT(*) FROM lab.shot e WHERE e.star_id = s.id) FROM lab.star s WHERE id < 4 ORDER BY id",
        [(1, 2), (2, 0), (3, 1)],
    ),
    (
        (
            "SELECT a.id FROM lab.star a WHERE a.mag < (SELECT AVG(b.mag) FROM lab.star"
            " b WHERE b.kind = a.kind) ORDER BY a.id"
        ),
        [1, 2, 5],
    ),
    ("SELECT MAX(k) FROM (SELECT star_id, COUNT(*) AS k FROM lab.shot GROUP BY star_id) q", [2]),
    ("SELECT x FROM (SELECT id * 2 AS x FROM (SELECT id FROM lab.star WHERE id < 3) a) b ORDER BY x", [2, 4]),
    (
        (
            "SELECT id FROM lab.star WHERE id NOT IN (SELECT star_id FROM lab.shot WHERE"
            " star_id IS NOT NULL) AND id < 6 ORDER BY id"
        ),
        [2, 5],
    ),
    ("SELECT id FROM lab.star WHERE id IN ((SELECT 1 FROM lab.one) UNION (SELECT 2 FROM lab.one)) ORDER BY id", [1, 2]),
    (
        (
            "SELECT id FROM lab.star WHERE id BETWEEN (SELECT MIN(id) FROM lab.shot)"
            " AND (SELECT 2 FROM lab.one) ORDER BY 1"
        ),
        [1, 2],
    ),
    (
        (
            "WITH bright AS (SELECT id, name FROM lab.star WHERE mag < 0) SELECT name"
            " FROM bright WHERE id > 1 ORDER BY name"
        ),
        ["Arcturus", "Canopus"],
    ),
    ("WITH a AS (SELECT 1 AS x FROM lab.one), b AS (SELECT x + 1 AS x FROM a) SELECT a.x, b.x FROM a, b", [(1, 2)]),
    ("WITH star AS (SELECT id AS other FROM lab.shot) SELECT COUNT(other) FROM star", [6]),
    ("WITH q AS (SELECT id FROM lab.star UNION SELECT id FROM lab.shot) SELECT COUNT(*) FROM q", [10]),
    ("WITH q AS (SELECT TOP 2 id FROM lab.star ORDER BY id) SELECT p.id FROM q AS p JOIN q AS r ON p.id < r.id", [1]),
]
LIMITS = [
    ("SELECT TOP 3 id FROM lab.star ORDER BY id", [1, 2, 3]),
    ("SELECT TOP 0 id FROM lab.star", []),
    ("SELECT TOP 99 id FROM lab.shot ORDER BY id DESC", [6, 5, 4, 3, 2, 1]),
    ("SELECT DISTINCT TOP 2 band FROM lab.shot ORDER BY band", ["I", "R"]),
    ("SELECT id FROM lab.shot ORDER BY id OFFSET 4", [5, 6]),
    ("SELECT TOP 2 id FROM lab.shot ORDER BY id OFFSET 1", [2, 3]),
    ("SELECT id FROM lab.shot ORDER BY id OFFSET 0", [1, 2, 3, 4, 5, 6]),
    ("SELECT id FROM lab.shot ORDER BY exptime DESC, id DESC", [5, 4, 3, 2, 1, 6]),
    ("SELECT id FROM lab.shot ORDER BY exptime * -1, id", [5, 3, 4, 2, 1, 6]),
    ("SELECT id, exptime AS e FROM lab.shot WHERE id < 4 ORDER BY e DESC", [(3, 30.0), (2, 20.0), (1, 10.0)]),
    ("SELECT -id AS id FROM lab.shot WHERE id < 3 ORDER BY id", [-2, -1]),
    ("SELECT id FROM lab.star WHERE id > 7 ORDER BY mag", [8, 10, 9]),
    ("SELECT id FROM lab.star WHERE id > 7 ORDER BY mag DESC", [9, 10, 8]),
    ("SELECT DISTINCT exptime / 10 FROM lab.shot WHERE band = 'V' ORDER BY exptime / 10", [0.5, 1.0, 3.0]),
]


@pytest.mark.parametrize(("text", "expected"), [*NAMES, *FILTERS, *JOINS, *GROUPS, *SETS, *SUBQUERIES, *LIMITS])
def test_a_query_gives_the_rows_that_it_asks_for(known: Lab, text: str, expected: object) -> None:
    assert known.rows(text) == expected


@pytest.mark.parametrize(
    "text", [*accepted.WHOLE, *(f"SELECT id FROM survey.target WHERE {one}" for one in accepted.CONDITIONS)]
)
def test_whatever_is_translated_is_understood_by_postgresql(empty: Lab, text: str) -> None:
    assert isinstance(empty.rows(text), list)
