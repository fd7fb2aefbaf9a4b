"""A catalogue of a million exposures and their raw files, made by SQL alone: 2,000 nights of 500 frames, 20 targets.

A quarter of the frames are of the targets, in mosaics of twelve fields; the rest are sky, standards and what the
calibration plan takes by day.  Rows only: there are no files behind them.
"""

from typing import Final

from sqlalchemy import Connection, text

from archive.database import Database
from schema.exposures import Exposure
from schema.products import Artifact, Product

__all__ = ["NIGHTS", "PER_NIGHT", "PLOTTED_NIGHT", "fill"]

NIGHTS: Final = 2_000
PER_NIGHT: Final = 500
FIRST_NIGHT: Final = "2015-01-01"
FIRST_MJD: Final = 57023
PLOTTED_NIGHT: Final = "2018-06-04"

TARGET: Final = """
INSERT INTO survey.target (name, release_id, ra, dec, dist, log_stellar_mass, log_sfr, ebv, scale, psf_fwhm,
    psf_fwhm_plus, psf_fwhm_minus, copt_fwhm)
SELECT 'NGC0020', release_id, 140.0, -12.0, dist, log_stellar_mass, log_sfr, ebv, scale, psf_fwhm, psf_fwhm_plus,
    psf_fwhm_minus, copt_fwhm
FROM survey.target ORDER BY name LIMIT 1
"""
PROGRAMMES: Final = "INSERT INTO survey.programme (programme_id) VALUES ('60.A-9100'), ('99.B-0001')"

# Where each frame is in its night, what it is, and for those of targets which field: a target is on for 25 frames.
EXPOSURES: Final = """
INSERT INTO survey.exposure (dp_id, known_from, origfile, instrument, telescope, dp_cat, dp_type, dp_tech, raw_tag,
    night, target, pointing_id, programme_id, run_id, eso_ob_id, ob_name, ob_start, object, tpl_id, tpl_start,
    tpl_expno, tpl_nexp, ins_mode, ao_mode, ins_field, detector_read_name, detector_binning_x, detector_binning_y,
    channels_present, channels_live, rotator_angle, ra, dec, footprint, mjd_obs, exp_start, exptime, airmass_start,
    airmass_end, dimm_fwhm_start, dimm_fwhm_end, sgs_fwhm, ia_fwhm, humidity, wind_speed, modified)
WITH frame AS (
  SELECT night_no, frame_no,
    CASE
      WHEN frame_no < 125 THEN 'OBJECT' WHEN frame_no < 150 THEN 'SKY' WHEN frame_no < 155 THEN 'STD'
      WHEN frame_no < 165 THEN 'ILLUM' WHEN frame_no < 175 THEN 'SKYFLAT' WHEN frame_no < 285 THEN 'BIAS'
      WHEN frame_no < 395 THEN 'FLAT' WHEN frame_no < 495 THEN 'ARC' ELSE 'DARK'
    END AS tag,
    timestamp '{first} 12:00' + night_no * interval '1 day'
      + (CASE WHEN frame_no < 175 THEN 39600 + frame_no * 230 ELSE (frame_no - 175) * 120 END + 0.123)
        * interval '1 second' AS began,
    (night_no * 5 + frame_no / 25) % 20 AS target_no, (night_no / 4 + frame_no / 5) % 12 AS field_no
  FROM generate_series(0, {nights} - 1) AS night_no, generate_series(0, {per_night} - 1) AS frame_no
), galaxy AS (
  SELECT row_number() OVER (ORDER BY name) - 1 AS target_no, name, ra AS ra0, dec AS dec0 FROM survey.target
), placed AS (
  SELECT *, ra0 + ((field_no % 4 - 1.5) * 0.016 + (frame_no % 5) * 0.0003) / cosd(dec0) AS x,
    dec0 + (field_no / 4 - 1) * 0.016 + (night_no % 7) * 0.0002 AS y, 0.0083 / cosd(dec0) AS dx, 0.0083 AS dy
  FROM frame JOIN galaxy USING (target_no)
)
SELECT 'MUSE.' || to_char(began, 'YYYY-MM-DD"T"HH24:MI:SS.MS'), 'header', 'MUSE_' || tag || frame_no || '.fits',
  'MUSE', 'ESO-VLT-U4', CASE WHEN tag IN ('OBJECT', 'SKY') THEN 'SCIENCE' ELSE 'CALIB' END,
  tag, 'IFU', tag, to_char(timestamp '{first}' + night_no * interval '1 day', 'YYYY-MM-DD'),
  CASE WHEN tag = 'OBJECT' THEN name END,
  (SELECT min(pointing_id) FROM survey.pointing AS p WHERE tag = 'OBJECT' AND p.target = name
    AND p.number = field_no + 1),
  CASE WHEN tag IN ('OBJECT', 'SKY') AND night_no % 3 > 0 THEN '1100.B-0651'
    WHEN tag IN ('OBJECT', 'SKY') THEN '99.B-0001' ELSE '60.A-9100' END,
  '1100.B-0651(C)', 200000000 + night_no * 500 + frame_no / 5, name || '_OB', date_trunc('hour', began),
  CASE WHEN tag = 'OBJECT' THEN name ELSE tag END, 'MUSE_wfm_' || tag, date_trunc('hour', began), frame_no % 5 + 1, 5,
  'WFM-AO-N', 'AO', 'WFM', 'SCI1.0', 1, 1, 24, 24, night_no % 360,
  CASE WHEN frame_no < 175 THEN x END, CASE WHEN frame_no < 175 THEN y END,
  CASE WHEN tag IN ('OBJECT', 'SKY') THEN ARRAY[x - dx, y - dy, x + dx, y - dy, x + dx, y + dy, x - dx, y + dy] END,
  {mjd} + extract(epoch FROM began - timestamp '{first}')::float8 / 86400, began,
  CASE WHEN tag = 'BIAS' THEN 0 WHEN tag = 'OBJECT' THEN 645 ELSE 30 END, 1.1, 1.2, 0.8, 0.9, 0.6, 0.7, 12.5,
  frame_no % 15, began + interval '1 day'
FROM placed
"""
PRODUCTS: Final = """
INSERT INTO survey.product (product_id, kind, title, collection, target, target_name, calib_level, ra, dec, footprint,
    field_of_view, mjd_start, mjd_end, exptime, facility, instrument, ins_mode, run_id, programme_id, eso_ob_id,
    tpl_start, n_exposures, ingested)
SELECT dp_id, 'exposure', object || ', ' || raw_tag, 'MUSE', target, object, 1, ra, dec, footprint, 0.024, mjd_obs,
  mjd_obs + exptime / 86400, exptime, telescope, instrument, ins_mode, run_id, programme_id, eso_ob_id, tpl_start, 1,
  modified
FROM survey.exposure
"""
ARTIFACTS: Final = """
INSERT INTO survey.artifact (artifact_id, product_id, role, file_name, media_type, file_size, sha256, stored)
SELECT dp_id || '.fits.fz', dp_id, 'this', dp_id || '.fits.fz', 'application/fits', 286231680,
  encode(sha256(dp_id::bytea), 'hex'), modified
FROM survey.exposure
"""

LOGS: Final = (
    """
    INSERT INTO survey.night (night, seeing_min, seeing_max, wind_min, wind_max)
    SELECT to_char(timestamp '{first}' + n * interval '1 day', 'YYYY-MM-DD'), 0.4, 1.2, 1, 9
    FROM generate_series(0, {nights} - 1) AS n
    """,
    """
    INSERT INTO survey.weather (night, observed, conditions)
    SELECT night, night::timestamp + n * interval '3 hours' + interval '1 day', 'Clear'
    FROM survey.night, generate_series(0, 2) AS n
    """,
    """
    INSERT INTO survey.block_report (report_id, night, eso_ob_id, ob_start, ob_name, grade, source_sha256, text)
    SELECT eso_ob_id || '_' || night, night, eso_ob_id, min(ob_start), min(ob_name), 'A', '', ''
    FROM survey.exposure WHERE raw_tag = 'OBJECT' GROUP BY eso_ob_id, night
    """,
    """
    INSERT INTO survey.block_constraint (report_id, name, fulfilled, requested)
    SELECT report_id, name, 1, '1.0' FROM survey.block_report, unnest(ARRAY['Airmass', 'Seeing']) AS name
    """,
    """
    INSERT INTO survey.reported_exposure (report_id, dp_id)
    SELECT eso_ob_id || '_' || night, dp_id FROM survey.exposure WHERE raw_tag = 'OBJECT'
    """,
    """
    INSERT INTO survey.ambient (quantity, observed, reading, unit)
    SELECT quantity, timestamp '{plotted} 12:00' + minute * interval '1 minute', 1 + minute % 7 * 0.1, 'arcsec'
    FROM unnest(ARRAY['dimm_seeing', 'wind_speed', 'humidity']) AS quantity, generate_series(0, 20 * 1440) AS minute
    """,
    """
    INSERT INTO survey.finding (origin, kind, subject, message)
    SELECT 'exposures', 'position', dp_id, '12.0 arcsec from where the log has it'
    FROM survey.exposure WHERE raw_tag = 'OBJECT' AND right(ob_start::text, 4) = '0:00' AND tpl_expno = 1
    """,
)
"""Reports on every night and block, and the monitors' readings of twenty nights."""


def fill(database: Database) -> int:
    """Fill an archive that has a survey with 19 targets; returns how many exposures it holds."""
    numbers = {"mjd": FIRST_MJD, "nights": NIGHTS, "per_night": PER_NIGHT}
    values = {"first": FIRST_NIGHT, "plotted": PLOTTED_NIGHT, **numbers}
    with database.engine.begin() as connection:
        connection.execute(text(TARGET))
        connection.execute(text(PROGRAMMES))
        for table, statement in {Exposure: EXPOSURES, Product: PRODUCTS, Artifact: ARTIFACTS}.items():
            made = _indexes(connection, table.__tablename__)
            _run(connection, [f'DROP INDEX survey."{name}"' for name in made])
            _run(connection, [statement.format(**values), *made.values()])
        _run(connection, [statement.format(**values) for statement in LOGS])
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _run(connection, ["VACUUM ANALYZE"])
        return int(connection.scalar(text("SELECT count(*) FROM survey.exposure")) or 0)


def _indexes(connection: Connection, table: str) -> dict[str, str]:
    """Return the statements that make the indexes of a table other than its key: to be left out until it is full."""
    query = """
        SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index JOIN pg_class AS c ON c.oid = indexrelid
        WHERE indrelid = to_regclass('survey.' || :table) AND NOT indisunique
    """
    return {name: made for name, made in connection.execute(text(query), {"table": table})}  # noqa: C416


def _run(connection: Connection, statements: list[str]) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement.replace("%", "%%"))
