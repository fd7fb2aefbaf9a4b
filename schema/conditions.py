"""``survey.exposure_conditions``: every exposure with its grade, the weather and what the site's monitors read.

A view: whatever comes first, frames, reports or readings, it is right as soon as the last of them is there.
"""

from typing import Final

from schema.views import View, ViewColumn

__all__ = ["VIEW"]

SOURCE: Final = """
FROM survey.exposure AS e
LEFT JOIN survey.block_report AS r ON r.report_id = COALESCE(
  (SELECT min(x.report_id) FROM survey.reported_exposure AS x WHERE x.dp_id = e.dp_id),
  (SELECT min(b.report_id) FROM survey.block_report AS b WHERE b.eso_ob_id = e.eso_ob_id AND b.ob_start = e.ob_start)
)
LEFT JOIN LATERAL (
  SELECT s.observed, s.conditions, s.comment
  FROM survey.weather AS s
  WHERE s.night = e.night
  ORDER BY s.observed > e.exp_start, abs(extract(epoch FROM s.observed - e.exp_start))
  LIMIT 1
) AS w ON true
LEFT JOIN LATERAL (
  SELECT
    avg(reading) FILTER (WHERE quantity = 'dimm_seeing') AS dimm_seeing,
    count(reading) FILTER (WHERE quantity = 'dimm_seeing') AS dimm_readings,
    avg(reading) FILTER (WHERE quantity = 'coherence_time') AS coherence_time,
    avg(reading) FILTER (WHERE quantity = 'humidity') AS humidity,
    avg(reading) FILTER (WHERE quantity = 'air_temperature') AS air_temperature,
    avg(reading) FILTER (WHERE quantity = 'wind_speed') AS wind_speed,
    degrees(atan2(
      avg(sind(reading)) FILTER (WHERE quantity = 'wind_direction'),
      avg(cosd(reading)) FILTER (WHERE quantity = 'wind_direction')
    )) AS wind_direction
  FROM survey.ambient
  WHERE observed BETWEEN e.exp_start - interval '150 seconds'
    AND e.exp_start + (LEAST(GREATEST(COALESCE(e.exptime, 0), 0), 86400) + 150) * interval '1 second'
) AS a ON true
"""
WINDOW: Final = " from two and a half minutes before the exposure to as long after it."


def _text(name: str, ucd: str, description: str, sql: str, xtype: str | None = None) -> ViewColumn:
    return ViewColumn(name, "char", "*", None, ucd, None, description, sql, xtype)


def _code(name: str, ucd: str, description: str, sql: str) -> ViewColumn:
    return ViewColumn(name, "int", None, None, ucd, None, description, sql)


def _mean(name: str, unit: str | None, ucd: str, what: str) -> ViewColumn:
    description = f"{what}: mean of the readings{WINDOW}"
    return ViewColumn(name, "double", None, unit, f"{ucd};stat.mean", None, description, f"a.{name}")


# fmt: off
COLUMNS: Final[tuple[ViewColumn, ...]] = (
    _text("dp_id", "meta.id;meta.main", "Frame.", "e.dp_id"),
    _text("night", "time.epoch", "Night.", "e.night"),
    _text("exp_start", "time.start;obs.exposure", "Start of the exposure, UTC.", "e.exp_start", "timestamp"),
    _text("report_id", "meta.id", "Report on its observation block.", "r.report_id"),
    _text("grade", "meta.code.qual", "Grade of its observation block.", "r.grade"),
    _code("completed", "meta.code.qual", "1 when the grade completes the block, 0 when not.", "r.completed"),
    _code("within_constraints", "meta.code.qual", "1 when the grade says that the constraints were kept, 0 when not.",
          "r.within_constraints"),
    _text("weather", "meta.code;obs.atmos", "Sky as last noted before the exposure, else first after it.",
          "w.conditions"),
    _text("weather_observed", "time.epoch;obs", "When that was noted, UTC.", "w.observed", "timestamp"),
    _text("weather_comment", "meta.note", "What was written beside.", "w.comment"),
    _mean("dimm_seeing", "arcsec", "instr.obsty.seeing", "Seeing of the site monitor"),
    ViewColumn("dimm_readings", "long", None, None, "meta.number", None,
               f"Readings of the seeing{WINDOW}", "a.dimm_readings"),
    _mean("coherence_time", "s", "time.duration;obs.atmos", "Coherence time"),
    _mean("humidity", None, "obs.atmos.humidity", "Relative humidity, per cent"),
    _mean("air_temperature", None, "phys.temperature;obs.atmos", "Temperature of the air, Celsius"),
    _mean("wind_speed", "m/s", "phys.veloc;obs.atmos", "Wind speed"),
    ViewColumn("wind_direction", "double", None, "deg", "pos.posAng;obs.atmos", None,
               f"Wind direction: mean of the readings{WINDOW}",
               "CASE WHEN a.wind_direction < 0 THEN a.wind_direction + 360 ELSE a.wind_direction END"),
)
# fmt: on

VIEW: Final = View(
    schema="survey",
    name="exposure_conditions",
    description="Every exposure with the grade of its block, the weather, and the means of the site's monitors.",
    columns=COLUMNS,
    source=SOURCE,
    standard=("dp_id", "night", "grade", "weather", "dimm_seeing"),
    indexed=("dp_id", "night", "exp_start"),
)
