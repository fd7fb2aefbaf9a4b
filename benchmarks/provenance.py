"""How long the recursive questions of provenance take where activities used a million things, against 100 ms.

The graph is of rows only, as a survey's would be: 1,000 nights of masters made from raw calibrations and from each
other, forty science exposures a night through two recipes, cubes of four exposures with five images each, and mosaics
of a hundred and twenty exposures of thirty nights with theirs.  What is asked is spread over the nights.
"""

from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter
from typing import Final

from sqlalchemy import text

from archive import provenance
from archive.archive import Archive, open_archive
from archive.log import configure
from archive.settings import Settings
from benchmarks.report import report
from tests.support.archives import short_folder

LIMIT: Final = 100.0
"""Milliseconds."""

NIGHTS: Final = 1_000
ASKED: Final = 30

# One row a thing that was made: its name, the task, and its inputs, most of them by the same rule in every night.
MADE: Final = f"""
CREATE TEMPORARY TABLE made AS
WITH night AS (SELECT n FROM generate_series(0, {NIGHTS} - 1) AS n), frame AS (
  SELECT n, f, to_char(timestamp '2015-01-01' + n * interval '1 day' + f * interval '10 minutes',
    '"MUSE."YYYY-MM-DD"T"HH24:MI:SS.MS') AS dp_id
  FROM night, generate_series(0, 91) AS f
), science AS (
  SELECT n, f, n * 40 + f AS number FROM night, generate_series(0, 39) AS f
)
SELECT 'bias-' || n AS product_id, 'muse_bias' AS task,
  (SELECT array_agg(dp_id) FROM frame WHERE frame.n = night.n AND f BETWEEN 40 AND 50) AS inputs FROM night
UNION ALL SELECT 'flat-' || n, 'muse_flat', 'bias-' || n
  || (SELECT array_agg(dp_id) FROM frame WHERE frame.n = night.n AND f BETWEEN 51 AND 61) FROM night
UNION ALL SELECT 'wave-' || n, 'muse_wavecal', ARRAY['bias-' || n, 'flat-' || n]
  || (SELECT array_agg(dp_id) FROM frame WHERE frame.n = night.n AND f BETWEEN 62 AND 76) FROM night
UNION ALL SELECT 'twilight-' || n, 'muse_twilight', ARRAY['bias-' || n, 'flat-' || n, 'wave-' || n]
  || (SELECT array_agg(dp_id) FROM frame WHERE frame.n = night.n AND f BETWEEN 77 AND 84) FROM night
UNION ALL SELECT 'response-' || n, 'muse_standard', ARRAY['bias-' || n, 'flat-' || n, 'wave-' || n, 'twilight-' || n]
  || (SELECT array_agg(dp_id) FROM frame WHERE frame.n = night.n AND f BETWEEN 85 AND 87) FROM night
UNION ALL SELECT 'basic-' || number, 'muse_scibasic', ARRAY['bias-' || n, 'flat-' || n, 'wave-' || n, 'twilight-' || n,
  'geometry-' || n / 200, 'badpix.fits', frame.dp_id, illum.dp_id]
  FROM science JOIN frame USING (n, f) JOIN frame AS illum USING (n) WHERE illum.f = 88 + science.f % 4
UNION ALL SELECT 'exposure-' || number, 'muse_scipost', ARRAY['basic-' || number, 'response-' || n,
  'astrometry-' || n / 200, 'sky_lines.fits', 'extinct.fits', 'filter_list.fits', 'lsf-' || n / 50, 'raman.fits']
  FROM science
UNION ALL SELECT 'cube-' || number / 4, 'muse_exp_combine',
  ARRAY(SELECT 'exposure-' || number + i FROM generate_series(0, 3) AS i) FROM science WHERE number % 4 = 0
UNION ALL SELECT 'image-' || number / 4 || '-' || i, 'band_images', ARRAY['cube-' || number / 4, 'filter_list.fits']
  FROM science, generate_series(1, 5) AS i WHERE number % 4 = 0
UNION ALL SELECT 'mosaic-' || m, 'mosaic',
  ARRAY(SELECT 'exposure-' || (m / 10 * 30 + i / 4) * 40 + m % 10 * 4 + i % 4 FROM generate_series(0, 119) AS i)
  FROM generate_series(0, {NIGHTS // 30 * 10} - 1) AS m
UNION ALL SELECT 'maps-' || m || '-' || i, 'line_fits', ARRAY['mosaic-' || m, 'templates.fits', 'lines.toml']
  FROM generate_series(0, {NIGHTS // 30 * 10} - 1) AS m, generate_series(1, 20) AS i
"""
ROWS: Final = (
    """INSERT INTO survey.product (product_id, kind, title, collection, calib_level, simulated, ingested)
    SELECT product_id, 'calibration', product_id, 'MADE-UP', 2, 0, now() FROM made""",
    """INSERT INTO survey.exposure (dp_id, known_from, raw_tag)
    SELECT DISTINCT input, 'header', 'OBJECT' FROM made, unnest(inputs) AS input WHERE input LIKE 'MUSE.%'""",
    """INSERT INTO provenance.activity (activity_id, name, software, parameters)
    SELECT 'run of ' || product_id, task, 'muse/2.8.7', '{"nifu": -1}' FROM made""",
    """INSERT INTO provenance.was_generated_by (product_id, activity_id)
    SELECT product_id, 'run of ' || product_id FROM made""",
    """INSERT INTO provenance.used (activity_id, entity, role, product_id)
    SELECT 'run of ' || made.product_id, input, 'INPUT', held.product_id
    FROM made CROSS JOIN unnest(inputs) AS input LEFT JOIN made AS held ON held.product_id = input""",
    # As many again that lead nowhere, up to the million: frames of other programmes that were only reduced.
    """INSERT INTO provenance.activity (activity_id, name, parameters)
    SELECT 'other ' || n, 'other', '{}' FROM generate_series(0, 99999) AS n""",
    """INSERT INTO provenance.used (activity_id, entity, role)
    SELECT 'other ' || n % 100000, 'other-' || n, 'INPUT'
    FROM generate_series(1, greatest(0, 1000000 - (SELECT count(*) FROM provenance.used))) AS n""",
)


def main() -> None:
    """Make the graph, measure and report."""
    configure()
    with short_folder() as root, open_archive(Settings.model_validate({"root": root, "database_url": None})) as archive:
        assert fill(archive) >= 1_000_000
        nights = range(3, 900, 900 // ASKED)
        mosaics = [f"maps-{n // 3}-1" for n in nights]
        frames = [f"MUSE.{day(archive, n)}T06:40:00.000" for n in nights]
        tell("history of a map, of 120 exposures", lambda name: provenance.history(archive, name), mosaics)
        tell("raw frames behind a map, of 120 exposures", lambda name: provenance.raw_frames(archive, name), mosaics)
        tell("what to redo for a bad bias", lambda name: provenance.affected(archive, name), frames)
        images = [f"image-{n * 10}-1" for n in nights]
        tell("raw frames behind an image", lambda name: provenance.raw_frames(archive, name), images)


def fill(archive: Archive) -> int:
    """Write the graph; returns the number of rows of ``used``."""
    with archive.database.transaction() as session:
        for statement in (MADE, *ROWS):
            session.execute(text(statement.replace(":", "\\:")))
        rows = session.scalar(text("SELECT count(*) FROM provenance.used"))
    with archive.database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
    return rows or 0


def day(archive: Archive, night: int) -> str:
    """Return the date of a night."""
    with archive.database.reading() as session:
        return str(session.scalar(text("SELECT date '2015-01-01' + :night"), {"night": night}))


def tell(question: str, ask: Callable[[str], Sequence[object]], names: Sequence[str]) -> None:
    """Report the median of the milliseconds over all names; each must have an answer."""
    times = []
    for name in names:
        began = perf_counter()
        answer = ask(name)
        times.append((perf_counter() - began) * 1000)
        assert len(answer) > 1, name
    report(f"provenance of a million, ms: {question}", median(times), LIMIT, 1.0, more_is_better=False)


if __name__ == "__main__":
    main()
