"""One table of many rows and twelve columns: numbers that need all their digits, a text, a time; and no files behind.

``survey.exposure`` is filled, for it is published as it stands and its positions are indexed; the columns that the
benchmarks do not ask for stay empty.
"""

from typing import Final

from sqlalchemy import text

from archive.database import Database

__all__ = ["ALL", "fill"]

ALL: Final = (
    "SELECT TOP {rows} eso_ob_id, ra, dec, mjd_obs, exptime, airmass_start, airmass_end, wind_speed, humidity,"
    " tpl_expno, dp_id, exp_start FROM survey.exposure"
)
"""An identifier, a position, six more doubles, an integer, a text and a time."""

EMPTY: Final = """
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT indexrelid::regclass::text FROM pg_index
    WHERE indrelid = 'survey.exposure'::regclass AND NOT indisunique
  LOOP EXECUTE 'DROP INDEX ' || name; END LOOP;
  TRUNCATE survey.exposure CASCADE;
END $$
"""
ROWS: Final = """
INSERT INTO survey.exposure (eso_ob_id, dp_id, ra, dec, mjd_obs, exptime, airmass_start, airmass_end, wind_speed,
    humidity, tpl_expno, exp_start)
SELECT n, 'PLAIN.' || n, 360 * random(), asind(2 * random() - 1), 57000 + 3000 * random(), 900 * random(),
    1 + random(), 1 + random(), 20 * random(), 100 * random(), n % 1000,
    timestamp '2015-01-01 00:00:00' + n * interval '1 second'
FROM generate_series(1, {rows}) AS n
"""
POSITION: Final = "CREATE INDEX ON survey.exposure USING gist (spoint(radians(ra), radians(dec)))"


def fill(database: Database, rows: int) -> None:
    """Fill the table anew, whatever the archive held of exposures; its indexes are but the key and the positions."""
    with database.engine.begin() as connection:
        for statement in (EMPTY, "SELECT setseed(0.5)", ROWS.format(rows=rows), POSITION):
            connection.exec_driver_sql(statement.replace("%", "%%"))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE survey.exposure"))
