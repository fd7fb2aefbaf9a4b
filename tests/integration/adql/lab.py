"""A small database whose every answer is known: ten stars, six exposures, four fields."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from schema.published import PublishedColumn as C
from schema.published import PublishedTable, catalogue
from server.adql import OutputColumn, translate
from server.adql.semantics.meaning import SQL_TYPES

__all__ = ["LAB", "Lab", "created", "explained", "made", "opened"]

STAR: Final = PublishedTable(
    "lab",
    "star",
    (
        C("id", "int", ucd="meta.id;meta.main"),
        C("name", "char", "*"),
        C("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"),
        C("dec", "double", unit="deg", ucd="pos.eq.dec;meta.main"),
        C("mag", "float", unit="mag", ucd="phot.mag;em.opt.V"),
        C("plx", "double", unit="mas", ucd="pos.parallax"),
        C("kind", "char", "*"),
        C("seen", "char", "*", "timestamp"),
        C("variable", "boolean"),
        C("tags", "char", "*"),
        C("note", "unicodeChar", "*"),
    ),
)
SHOT: Final = PublishedTable(
    "lab",
    "shot",
    (
        C("id", "int"),
        C("star_id", "int"),
        C("band", "char", "*"),
        C("exptime", "double", unit="s"),
        C("counts", "int", unit="ct"),
        C("seeing", "float", unit="arcsec"),
        C("wave", "double", unit="nm", ucd="em.wl"),
    ),
)
FIELD: Final = PublishedTable(
    "lab",
    "field",
    (
        C("id", "int"),
        C("name", "char", "*"),
        C("outline", "double", "*", "polygon", "deg", geometry="shape"),
        C("words", "char", "*", "adql:REGION", geometry="shape"),
    ),
)
ONE: Final = PublishedTable("lab", "one", (C("n", "int"), C("nothing", "double")))
SKY: Final = PublishedTable(
    "lab", "sky", (C("id", "int"), C("ra", "double", unit="deg"), C("dec", "double", unit="deg"))
)
LAB: Final = (STAR, SHOT, FIELD, ONE, SKY)

ROWS: Final = """
CREATE SCHEMA lab;
CREATE TABLE lab.star (id int, name text, ra float8, dec float8, mag real, plx float8, kind text, seen timestamp,
  variable boolean, tags text, note text);
INSERT INTO lab.star VALUES
  (1, 'Sirius', 101.2872, -16.7161, -1.46, 379.21, 'A', '2019-08-30T10:00:00', false, 'near#bright', 'ä CMa'),
  (2, 'Canopus', 95.9880, -52.6957, -0.74, 10.55, 'A', '2019-08-31T10:00:00.5', false, 'bright', NULL),
  (3, 'Arcturus', 213.9153, 19.1824, -0.05, 88.83, 'K', '2020-02-29T00:00:00', NULL, 'bright#red', 'ä Boo'),
  (4, 'Vega', 279.2347, 38.7837, 0.03, 130.23, 'A', NULL, true, 'bright', 'ä Lyr'),
  (5, 'Polaris', 37.9545, 89.2641, 1.98, 7.54, 'F', '2021-01-01T12:30:00', true, 'pole', 'ä UMi'),
  (6, 'Sigma Oct', 317.1952, -88.9565, 5.47, 11.59, 'F', '2021-06-15T00:00:00', true, 'pole', NULL),
  (7, 'Alpheratz', 2.0969, 29.0904, 2.06, 33.62, 'B', '2018-01-01T00:00:00', false, '', 'ä And'),
  (8, 'Scheat', 345.9436, 28.0828, 2.42, 16.64, 'M', '2018-01-02T00:00:00', true, 'red', 'ß Peg'),
  (9, 'East', 0.05, 10, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (10, 'West', 359.95, 10, 9.5, 0, '', '2018-12-31T23:59:59', false, 'seam', '100% _it''s');
CREATE INDEX ON lab.star USING gist (spoint(radians(ra), radians(dec)));
CREATE TABLE lab.shot (id int, star_id int, band text, exptime float8, counts int, seeing real, wave float8);
INSERT INTO lab.shot VALUES (1, 1, 'V', 10, 100, 0.75, 550), (2, 1, 'R', 20, 250, 1, 650),
  (3, 3, 'V', 30, 300, 1.25, 550),
  (4, 4, 'V', 30, NULL, NULL, 550), (5, 4, 'I', 60, 700, 0.5, 800), (6, 99, 'V', 5, 10, 2, 550);
CREATE TABLE lab.field (id int, name text, outline float8[],
  words text GENERATED ALWAYS AS ('POLYGON ICRS ' || sphere_words(outline)) STORED,
  shape spoly GENERATED ALWAYS AS (sphere.polygon(outline)) STORED);
INSERT INTO lab.field VALUES (1, 'pole', '{0,80,90,80,180,80,270,80}'), (2, 'seam', '{359,9,1,9,1,11,359,11}'),
  (3, 'plain', '{100,-18,103,-18,103,-15,100,-15}'), (4, 'none', NULL);
CREATE TABLE lab.one AS SELECT 1 AS n, NULL::float8 AS nothing;
CREATE TABLE lab.sky (id int, ra float8, dec float8);
"""
WORDS: Final = """
CREATE FUNCTION sphere_words(numbers float8[]) RETURNS text LANGUAGE sql IMMUTABLE STRICT
AS $$ SELECT array_to_string(numbers, ' ') $$;
"""
TYPES: Final = {
    "boolean": {"bool"},
    "short": {"int2"},
    "int": {"int4"},
    "long": {"int8"},
    "float": {"float4"},
    "double": {"float8"},
    "char": {"text", "varchar", "timestamp"},
    "unicodeChar": {"text", "varchar"},
}


class Lab:
    """Queries over the small database and over what every archive publishes."""

    def __init__(self, connection: psycopg.Connection[Any], tables: tuple[PublishedTable, ...]) -> None:
        self.connection = connection
        self.tables = tables

    def rows(self, text: str) -> list[Any]:
        """Return the rows of a query, those of one column bare; the types must be those that are promised."""
        translation = translate(text, self.tables)
        cursor = self.connection.execute(translation.sql)
        types = [column.type_display for column in cursor.description or ()]
        for column, sql_type in zip(translation.columns, types, strict=True):
            assert is_promised(column, sql_type), (column, sql_type)
        found = cursor.fetchall()
        return [row[0] for row in found] if len(translation.columns) == 1 else found

    def value(self, expression: str) -> Any:
        """Return the value of an expression over one row."""
        (found,) = self.rows(f"SELECT {expression} FROM lab.one")
        return found


def is_promised(column: OutputColumn, sql_type: str) -> bool:
    """Tell whether PostgreSQL gives what the description of a column promises."""
    name = sql_type.partition("(")[0]
    if column.datatype not in {"char", "unicodeChar"} and column.arraysize is not None:
        return name.endswith("[]") and name.removesuffix("[]") in TYPES[column.datatype]
    return name in TYPES[column.datatype] and (column.xtype == "timestamp") == (name == "timestamp")


def created(table: PublishedTable) -> str:
    """Return the statements that make a table anew in the types of its columns."""
    columns = [f'"{column.name}" {_sql_type(column)}' for column in table.columns]
    columns += [f'"{name}" spoly' for name in dict.fromkeys(c.geometry for c in table.columns if c.geometry)]
    name = f'"{table.schema}"."{table.name}"'
    return (
        f'CREATE SCHEMA IF NOT EXISTS "{table.schema}"; DROP TABLE IF EXISTS {name}'
        f" CASCADE; CREATE TABLE {name} ({', '.join(columns)});"
    )


def _sql_type(column: C) -> str:
    if column.xtype == "timestamp":
        return "timestamp"
    if column.datatype in {"char", "unicodeChar"}:
        return "text"
    base = {"boolean": "boolean", **SQL_TYPES}[column.datatype]
    return base if column.arraysize is None else f"{base}[]"


def made(url: str, statements: str = WORDS + ROWS) -> None:
    """Make the tables of the small database."""
    with psycopg.connect(url) as connection:
        connection.execute(statements.encode())


@contextmanager
def opened(url: str, tables: tuple[PublishedTable, ...] = LAB) -> Iterator[Lab]:
    """Yield the small database, to be read only."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SET default_transaction_read_only = on; SET statement_timeout = '10s'; SET timezone = 'UTC'"
        )
        yield Lab(connection, (*tables, *catalogue()))


def explained(url: str, text: str) -> str:
    """Return PostgreSQL's plan of a query over what every archive publishes, where it has to use an index."""
    with psycopg.connect(url) as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        rows = connection.execute(("EXPLAIN " + translate(text, catalogue()).sql).encode()).fetchall()
    return "\n".join(row[0] for row in rows)
