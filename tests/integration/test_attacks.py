"""Hostile queries over HTTP: whatever the text, the answer is data or a plain error, and nothing leaks."""

import io
import random
import re
from collections.abc import Iterator
from typing import Final

import pytest
import requests
from astropy.io.votable import parse

from archive.archive import Archive

Service = tuple[Archive, str]

LEAKS: Final = re.compile(
    r"LINE \d|HINT|CONTEXT|Traceback|File \"|psycopg|adbc|sqlalchemy|SQLSTATE|\"t1\"|\bAS \"c1\"|/usr/|/var/|/tmp/"
    r"|/home/|postgres://|musevault_reader"
)
TARGET: Final = "FROM survey.target"
FUNCTIONS: Final = """
pg_read_file('/etc/passwd')
pg_read_binary_file('/etc/passwd')
pg_ls_dir('/')
pg_sleep(100)
pg_sleep_for('1 hour')
pg_terminate_backend(1)
pg_cancel_backend(1)
pg_reload_conf()
dblink('dbname=postgres', 'SELECT 1')
dblink_exec('DROP TABLE survey.target')
lo_import('/etc/passwd')
lo_export(1, '/tmp/x')
current_setting('data_directory')
set_config('role', 'postgres', FALSE)
query_to_xml('SELECT * FROM pg_authid', TRUE, TRUE, '')
database_to_xml(TRUE, TRUE, '')
table_to_xml('pg_authid', TRUE, TRUE, '')
version()
inet_server_addr()
current_database()
has_table_privilege('pg_authid', 'select')
to_regclass('pg_authid')
txid_current()
nextval('jobs.job_id_seq')
generate_series(1, 1000000000)
repeat('x', 1000000000)
lpad('x', 1000000000)
regexp_matches('a', '(a+)+$')
xpath('//x', 'x')
xmlparse('x')
format('%s', 'x')
convert_from('x', 'utf8')
encode('x', 'base64')
chr(65)
array_agg(name)
json_agg(name)
row_to_json(name)
quote_ident('x')
plpgsql_call_handler()
make_interval(1)
sphere.polygon(1)
survey.header_value('a', 'b')
smoc('0/1')
spoint(1, 2)
width_bucket(1, 2, 3, 4)
string_to_array('a', 'b')
date_part('epoch', 'x')
""".strip().splitlines()
STATEMENTS: Final = """
SELECT name FROM survey.target; DROP TABLE survey.target
SELECT name FROM survey.target; SELECT 1
SELECT name FROM survey.target;; SELECT 1
; SELECT name FROM survey.target
DROP TABLE survey.target
DELETE FROM survey.target
UPDATE survey.target SET name = 'x'
INSERT INTO survey.target (name) VALUES ('x')
TRUNCATE survey.target
CREATE TABLE x AS SELECT 1
ALTER ROLE CURRENT_USER SUPERUSER
GRANT ALL ON survey.target TO PUBLIC
COPY survey.target TO '/tmp/x'
COPY (SELECT 1) TO PROGRAM 'id'
DO $$ BEGIN PERFORM pg_sleep(9); END $$
SET ROLE postgres
RESET ROLE
SHOW data_directory
EXPLAIN SELECT name FROM survey.target
BEGIN
LISTEN x
VALUES (1)
TABLE survey.target
WITH x AS (DELETE FROM survey.target RETURNING *) SELECT * FROM x
WITH x AS (INSERT INTO survey.target DEFAULT VALUES RETURNING *) SELECT * FROM x
WITH RECURSIVE x AS (SELECT 1 AS n FROM survey.target UNION ALL SELECT n + 1 FROM x) SELECT * FROM x
WITH x AS MATERIALIZED (SELECT 1 FROM survey.target) SELECT * FROM x
SELECT * INTO x FROM survey.target
SELECT name FROM survey.target FOR UPDATE
SELECT name FROM survey.target FOR SHARE
SELECT name FROM survey.target LIMIT 1
SELECT name FROM survey.target FETCH FIRST 1 ROW ONLY
SELECT name FROM ONLY survey.target
SELECT name FROM survey.target TABLESAMPLE BERNOULLI (50)
SELECT * FROM ROWS FROM (pg_ls_dir('/'))
SELECT * FROM LATERAL (SELECT 1) AS x
SELECT * FROM pg_ls_dir('/')
SELECT * FROM generate_series(1, 10) AS x
SELECT CURRENT_USER FROM survey.target
SELECT SESSION_USER FROM survey.target
SELECT USER FROM survey.target
SELECT CURRENT_TIMESTAMP FROM survey.target
""".strip().splitlines()
EXPRESSIONS: Final = """
name::regclass
'pg_authid'::regclass
CAST('pg_authid' AS regclass)
CAST(name AS xml)
CAST(name AS json)
CAST(name AS bytea)
CAST(name AS "text"[])
CAST(ra AS OID)
E'\\x41'
U&'\\0041'
B'101'
X'FF'
N'x'
$$x$$
$tag$x$tag$
name COLLATE "C"
name AT TIME ZONE 'UTC'
name ~ '(a+)+$'
name !~ 'x'
name @@ 'x'
name -> 'x'
ARRAY[1, 2]
ROW(1, 2)
(1, 2)
name[1]
INTERVAL '1 day'
TIMESTAMP '2020-01-01'
DATE '2020-01-01'
EXTRACT(EPOCH FROM name)
POSITION('a' IN name)
SUBSTRING(name FROM 1 FOR 2)
TRIM(BOTH 'x' FROM name)
OVERLAY(name PLACING 'x' FROM 1)
COUNT(*) FILTER (WHERE 1 = 1)
COUNT(*) OVER ()
RANK() OVER (ORDER BY name)
ANY (SELECT 1 FROM survey.target)
?
:name
%(name)s
{0}
{name.__class__}
/* comment */ name
name /* ' */ -- "
\\
`name`
[name]
name;
survey.target
target.*
(SELECT rolpassword FROM pg_authid)
(SELECT setting FROM pg_settings)
ctid
xmin
tableoid
oid
""".strip().splitlines()
CATALOGUES: Final = """
pg_catalog.pg_authid
pg_authid
pg_shadow
pg_user
pg_settings
pg_stat_activity
pg_class
"pg_catalog"."pg_class"
information_schema.tables
information_schema.columns
jobs.job
archive.artifact_file
accounts.account
queue.procrastinate_jobs
"public".spatial_ref_sys
template1.survey.target
postgres.pg_catalog.pg_class
"survey.target"
"survey"".""target"
"SURVEY".target
survey."Target"
tap_upload.pg_class
tap_upload.target
survey.target_pkey
survey.header
""".strip().splitlines()
SHADOWS: Final = """
WITH pg_authid AS (SELECT name FROM survey.target) SELECT * FROM pg_authid
WITH "pg_catalog.pg_class" AS (SELECT name FROM survey.target) SELECT * FROM "pg_catalog.pg_class"
WITH target AS (SELECT name AS n FROM survey.target) SELECT n FROM target
WITH w1 AS (SELECT name FROM survey.target) SELECT w1.name FROM w1 AS w2, w1
WITH "w1" AS (SELECT ra FROM survey.target), "x""; DROP y" AS (SELECT ra FROM "w1") SELECT * FROM "x""; DROP y"
SELECT c1 FROM (SELECT name AS c1 FROM survey.target) AS t1
SELECT "name""; DROP TABLE x; --" FROM (SELECT name AS "name""; DROP TABLE x; --" FROM survey.target) AS "q"";--"
SELECT name AS "</FIELD><SCRIPT>" FROM survey.target
SELECT name AS "a&b<c>""'" FROM survey.target
SELECT '</TD></TR></TABLEDATA>' AS x, ']]>' AS y, '&amp;' AS z FROM survey.target
SELECT 'it''s'' OR 1=1 --' AS x FROM survey.target
SELECT '\\'' OR 1=1 --' AS x FROM survey.target
SELECT '\\' AS x FROM survey.target
SELECT 'a' -- '
 'b' AS x FROM survey.target
""".strip().split("\nWITH")
UNICODE: Final = (
    "SELECT \u2018x\u2019 FROM survey.target",
    "SELECT \u201cname\u201d FROM survey.target",
    "SELECT\u00a0name\u00a0FROM\u00a0survey.target",
    "SELECT name FROM survey.target\u2028WHERE 1 = 1",
    "SELECT na\u200bme FROM survey.target",
    "SELECT \uff4eame FROM survey.target",
    "SELECT n\u0430me FROM survey.target",
    "SELECT name FROM survey.target WHERE name = '\u02bc OR 1=1'",
    "SELECT name FROM survey.target WHERE name = '\uff07 OR 1=1'",
    "\ufeffSELECT name FROM survey.target",
    "SELECT name FROM survey.target WHERE ra = \u0661",
    "SELECT name AS \u202egnp FROM survey.target",
    "SELECT '\U0001f4a3' AS bomb FROM survey.target",
    "SELECT '\x01\x0b\x1f' AS control FROM survey.target",
    "SELECT '\ufffe\uffff' AS nothing FROM survey.target",
    "SELECT name\x00 FROM survey.target",
    "SELECT 'a\x00b' FROM survey.target",
)
HEAVY: Final = (
    "SELECT MOC(29, CIRCLE(1, 2, 80)) FROM survey.target",
    "SELECT MOC(29, BOX(ra, dec, 100, 100)) FROM survey.target",
    "SELECT MOC(29, CIRCLE(ra, dec, dist * 10)) FROM survey.target",
    "SELECT ESO_INTERSECTION(CIRCLE(ra, dec, 80), CIRCLE(1, 2, 80)) FROM survey.target",
    "SELECT POWER(10, 400) FROM survey.target",
    "SELECT EXP(1000000) FROM survey.target",
    "SELECT LOG(0), SQRT(-1), ASIN(2) FROM survey.target",
    "SELECT 1 / 0 FROM survey.target",
    "SELECT 9223372036854775807 + 1 FROM survey.target",
    "SELECT CAST('x' AS INTEGER) FROM survey.target",
    "SELECT CAST(1e300 AS INTEGER) FROM survey.target",
    "SELECT CAST(name AS TIMESTAMP) FROM survey.target",
    "SELECT ROUND(1, 2147483647) FROM survey.target",
    "SELECT ROUND(1, -2147483648) FROM survey.target",
    "SELECT (SELECT name FROM survey.target) FROM survey.target",
    "SELECT POLYGON(0, 0, 10, 10, 10, 0, 0, 10), AREA(POLYGON(0, 0, 10, 10, 10, 0, 0, 10)) FROM survey.target",
    "SELECT AREA(POLYGON(0, 0, 120, 0, 240, 0)) FROM survey.target",
    "SELECT AREA(POLYGON(ra, dec, 0, 0, 180, 0)) FROM survey.target",
    "SELECT ivo_healpix_index(dist, ra, dec) FROM survey.target",
    "SELECT ivo_healpix_index(rank + 99, ra, dec) FROM survey.target",
    "SELECT ivo_healpix_center(3, 99999) FROM survey.target",
    "SELECT ivo_histogram(ra, 0, 1, 10000) FROM survey.target",
    "SELECT eso_dateadd_sec(1e18, '2019-01-01') FROM survey.target",
    "SELECT ESO_SUBSTRING(name, -2147483648, 2147483647) FROM survey.target",
    "SELECT COUNT(*) FROM survey.pointing a, survey.pointing b, survey.pointing c, survey.pointing d WHERE a.ra < d.ra",
    "SELECT 0x" + "F" * 5000 + " FROM survey.target",
    "SELECT " + "9" * 5000 + " FROM survey.target",
    "SELECT 1e" + "9" * 5000 + " FROM survey.target",
    "SELECT " + "(" * 50_000 + " FROM survey.target",
    "SELECT name FROM survey.target WHERE " + "NOT (" * 15_000 + "1=1" + ")" * 15_000,
    "SELECT name FROM survey.target WHERE " + " OR ".join(["ra = 1"] * 9_000),
    "SELECT name FROM survey.target WHERE name IN (" + ",".join(["'x'"] * 20_000) + ")",
    "SELECT name FROM survey.target WHERE name LIKE '" + "%a" * 400 + "'",
    "SELECT '" + "x" * 99_000 + "' FROM survey.target",
    "SELECT name FROM survey.target -- " + "x" * 99_000,
    "SELECT " + ",".join(["name"] * 700) + " FROM survey.target",
    "SELECT " + "x" * 200_000,
)


def answered(url: str, query: str | bytes, **parameters: str) -> requests.Response:
    """Ask by POST, and check that the answer is data or an error of the query, in a document that can be read."""
    answer = requests.post(
        f"{url}/tap/sync", {"LANG": "ADQL", "QUERY": query, "MAXREC": "20", **parameters}, timeout=60
    )
    assert answer.status_code in {200, 400, 408}, (answer.status_code, answer.text[:500])
    assert answer.headers["Content-Type"].startswith("application/x-votable+xml")
    assert "Server Error" not in answer.text
    info = parse(io.BytesIO(answer.content)).resources[0].infos[-1 if answer.status_code == 200 else 0]
    if answer.status_code == 200:
        assert info.value in {"OK", "OVERFLOW"}
    else:
        assert info.value == "ERROR"
        assert info.content
        assert not LEAKS.search(info.content), info.content
        assert len(info.content) < 1000
    return answer


def refused(url: str, query: str) -> str:
    """Ask, and return why the answer is no: with line and column."""
    answer = answered(url, query)
    assert answer.status_code == 400, answer.text[:1000]
    words = str(parse(io.BytesIO(answer.content)).resources[0].infos[0].content)
    assert re.match(r"line \d+, column \d+: ", words), words
    return words


@pytest.fixture(autouse=True, scope="module")
def unharmed(full_service: Service) -> Iterator[None]:
    """After all that, the tables are what they were."""
    yield
    for table, rows in {"survey.target": 19, "survey.pointing": 168}.items():
        answer = requests.get(
            f"{full_service[1]}/tap/sync",
            {"QUERY": f"SELECT COUNT(*) AS n FROM {table}", "RESPONSEFORMAT": "csv"},
            timeout=30,
        )
        assert answer.text.split() == ["n", str(rows)]


@pytest.mark.parametrize("call", FUNCTIONS)
def test_no_function_of_the_database_can_be_called(full_service: Service, call: str) -> None:
    refused(full_service[1], f"SELECT {call} {TARGET}")
    refused(full_service[1], f"SELECT name {TARGET} WHERE 1 = {call}")


@pytest.mark.parametrize("text", STATEMENTS)
def test_nothing_but_a_select_of_adql_is_read(full_service: Service, text: str) -> None:
    refused(full_service[1], text)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_postgresql_knows_beyond_adql_is_refused(full_service: Service, expression: str) -> None:
    if expression != "name /* ' */ -- \"":
        refused(full_service[1], f"SELECT 1 + {expression} AS x {TARGET}")
    refused(full_service[1], f"SELECT name {TARGET} WHERE ra = {expression} AND 1 = 1")


@pytest.mark.parametrize("table", CATALOGUES)
def test_no_table_but_the_published_ones_can_be_read(full_service: Service, table: str) -> None:
    assert "table" in refused(full_service[1], f"SELECT * FROM {table}")
    assert "table" in refused(full_service[1], f"SELECT name {TARGET} WHERE name IN (SELECT * FROM {table})")
    assert "table" in refused(full_service[1], f"SELECT a.name {TARGET} AS a JOIN {table} AS b ON a.ra = 1")
    assert "table" in refused(full_service[1], f"WITH q AS (SELECT * FROM {table}) SELECT name {TARGET}")


@pytest.mark.parametrize("text", [SHADOWS[0], *(f"WITH{rest}" for rest in SHADOWS[1:])])
@pytest.mark.parametrize("form", ["votable", "votable/td"])
def test_names_and_strings_are_but_names_and_strings(full_service: Service, text: str, form: str) -> None:
    for one in text.split("\nSELECT"):
        answered(full_service[1], one if one.startswith(("WITH", "SELECT")) else f"SELECT{one}", RESPONSEFORMAT=form)


@pytest.mark.parametrize("text", UNICODE)
def test_odd_characters_are_data_or_refused(full_service: Service, text: str) -> None:
    answered(full_service[1], text)


@pytest.mark.parametrize(
    "raw", [b"SELECT '\xff\xfe' FROM survey.target", b"SELECT '\xed\xa0\x80' FROM survey.target", b"\xff"]
)
def test_bytes_that_are_no_text_are_data_or_refused(full_service: Service, raw: bytes) -> None:
    answered(full_service[1], raw)
    quoted = "".join(f"%{byte:02x}" for byte in raw)
    answer = requests.get(f"{full_service[1]}/tap/sync?LANG=ADQL&QUERY={quoted}", timeout=30)
    assert answer.status_code in {200, 400}


@pytest.mark.parametrize("text", HEAVY, ids=lambda text: text[:60])
def test_a_text_made_to_hurt_ends_soon(full_service: Service, text: str) -> None:
    answered(full_service[1], text)


class Grammar:
    """Makes up queries: mostly of the grammar, over tables that exist, now and then broken."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def of(self, *options: str) -> str:
        return self.random.choice(options)

    def number(self, depth: int) -> str:  # noqa: C901, PLR0911  a line for each rule of the grammar
        if depth <= 0:
            return self.of(
                "ra", "dec", "dist", "1", "-2.5", "0x1F", "1e300", "0", "NULL", "t.ra", "'x'", "name", "99999999999"
            )
        inner = depth - 1
        match self.random.randrange(12):
            case 0 | 1:
                return f"({self.number(inner)} {self.of('+', '-', '*', '/', '||', '&', '|', '^')} {self.number(inner)})"
            case 2 | 3:
                function = self.of(
                    "ABS", "SQRT", "LOG", "EXP", "SIN", "ASIN", "ROUND", "FLOOR", "CEILING", "COT", "DEGREES"
                )
                return f"{function}({self.number(inner)})"
            case 4:
                function = self.of("MOD", "POWER", "ATAN2", "ROUND", "TRUNCATE", "NULLIF", "COALESCE", "ESO_SUBSTRING")
                return f"{function}({self.number(inner)}, {self.number(inner)})"
            case 5:
                return f"CASE WHEN {self.condition(inner)} THEN {self.number(inner)} ELSE {self.number(inner)} END"
            case 6:
                kind = self.of("INTEGER", "BIGINT", "SMALLINT", "DOUBLE PRECISION", "VARCHAR(3)", "TIMESTAMP", "REAL")
                return f"CAST({self.number(inner)} AS {kind})"
            case 7:
                return f"{self.of('AREA', 'COORD1(CENTROID', 'COORD2(CENTROID')}({self.shape(inner)})".replace(
                    "TROID", "TROID"
                )
            case 8:
                return f"DISTANCE({self.point(inner)}, {self.point(inner)})"
            case 9:
                return f"{self.of('CONTAINS', 'INTERSECTS')}({self.shape(inner)}, {self.shape(inner)})"
            case 10:
                return f"ivo_healpix_index({self.of('3', '8', '30', 'dist')}, {self.point(inner)})"
            case _:
                return f"{self.of('MAX', 'MIN', 'SUM', 'AVG', 'COUNT')}({self.number(inner)})"

    def point(self, depth: int) -> str:
        return f"POINT({self.number(depth - 1)}, {self.number(depth - 1)})"

    def shape(self, depth: int) -> str:  # noqa: PLR0911  a line for each rule of the grammar
        inner = depth - 1
        if depth <= 0:
            return self.of(
                "POINT(ra, dec)", "CIRCLE(10, 20, 1)", "BOX(0, 0, 3, 3)", "MOC('3/1-5')", "footprint", "REGION('x')"
            )
        match self.random.randrange(6):
            case 0:
                return self.point(inner)
            case 1:
                return f"CIRCLE({self.number(inner)}, {self.number(inner)}, {self.number(inner)})"
            case 2:
                return f"BOX({self.point(inner)}, {self.number(inner)}, {self.number(inner)})"
            case 3:
                return "POLYGON(" + ", ".join(self.number(inner) for _ in range(6)) + ")"
            case 4:
                return f"MOC({self.of('2', '9', '29')}, {self.shape(inner)})"
            case _:
                return f"gavo_mocunion({self.shape(inner)}, {self.shape(inner)})"

    def condition(self, depth: int) -> str:
        inner = depth - 1
        if depth <= 0:
            return self.of(
                "ra > 1", "name LIKE 'N%'", "dec IS NULL", "name IN ('a', 'b')", "1 = 1", "ra BETWEEN 1 AND dec"
            )
        match self.random.randrange(6):
            case 0 | 1:
                return f"({self.condition(inner)} {self.of('AND', 'OR')} {self.condition(inner)})"
            case 2:
                return f"NOT ({self.condition(inner)})"
            case 3:
                return f"EXISTS ({self.query(inner)})"
            case 4:
                return f"{self.number(inner)} IN ({self.query(inner)})"
            case _:
                return f"{self.number(inner)} {self.of('=', '<', '>=', '<>')} {self.number(inner)}"

    def query(self, depth: int) -> str:
        inner = depth - 1
        columns = ", ".join(
            self.number(inner) + self.of("", " AS x", ' AS "y z"') for _ in range(self.random.randint(1, 3))
        )
        table = self.of("survey.target AS t", "survey.pointing AS t", "survey.target t NATURAL JOIN survey.release r")
        if depth > 1 and self.random.random() < 0.3:
            table = f"({self.query(inner)}) AS t"
        text = f"SELECT {self.of('', '', 'DISTINCT', 'TOP 3')} {columns} FROM {table}"
        text += f" WHERE {self.condition(inner)}" if self.random.random() < 0.6 else ""
        text += f" GROUP BY {self.number(0)}" if self.random.random() < 0.15 else ""
        text += f" ORDER BY {self.of('1', 'x', '9', self.number(0))}" if self.random.random() < 0.2 else ""
        if self.random.random() < 0.15:
            text += f" {self.of('UNION', 'EXCEPT', 'INTERSECT ALL')} {self.query(inner)}"
        return text

    def text(self) -> str:
        """Return a query; one in five has something cut out, doubled or put in."""
        text = self.query(self.random.randint(1, 4))
        if self.random.random() < 0.2:
            at, length = self.random.randrange(len(text)), self.random.randrange(6)
            text = (
                text[:at]
                + self.of("", "'", '"', "(", ")", ";", "--", "\\", "\x00", "$$", text[at : at + 9])
                + text[at + length :]
            )
        return text


@pytest.mark.parametrize("seed", range(12))
def test_queries_made_up_from_the_grammar_are_data_or_refused(full_service: Service, seed: int) -> None:
    grammar = Grammar(seed)
    kinds = {answered(full_service[1], grammar.text()).status_code for _ in range(40)}
    assert kinds == {200, 400}
