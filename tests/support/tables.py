"""Everything that the tables of an archive hold, to see whether anything changed."""

from typing import Any, Final

from sqlalchemy import text

from archive.database import Database

__all__ = ["everything", "versions"]

TABLES: Final = text("""
    SELECT schemaname, tablename FROM pg_tables
    WHERE schemaname IN ('survey', 'maps', 'provenance', 'archive', 'ivoa', 'public') ORDER BY 1, 2
""")
OF_ITS_TIME: Final = ["modified", "ingested", "stored", "seen", "updated", "last_modified", "finding_id", "made"]
"""Columns that say when, or are numbered as it comes."""

RUNS: Final = "survey.ingest_run"


def everything(database: Database) -> dict[str, list[str]]:
    """Rows as text by table, sorted, without what depends on the time of day; records of runs are left out."""
    return _read(database, "(to_jsonb(t) - CAST(:left_out AS text[]))::text", {"left_out": OF_ITS_TIME})


def versions(database: Database) -> dict[str, list[str]]:
    """The transaction that wrote each row, with all that is in it: a row that is written anew, as it was, differs."""
    return _read(database, "t.xmin::text || ' ' || to_jsonb(t)::text", {})


def _read(database: Database, row: str, given: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with database.reading() as session:
        for schema, table in session.execute(TABLES).all():
            name = f"{schema}.{table}"
            if name != RUNS:
                found[name] = sorted(session.scalars(text(f'SELECT {row} FROM "{schema}"."{table}" AS t'), given))
    return found
