"""``ivoa.obsplan``: the observing blocks of the survey's log as observations that were planned and performed.

IVOA Observation Locator Table Access Protocol 1.0.  A row is an observing block; times and exposure are those of its
raw frames where the archive knows them, else what the log alone says.  What a log of past observations cannot tell,
such as how much longer an observation was meant to be, is there and empty.
"""

from typing import Final

from schema.views import View, ViewColumn

__all__ = ["COLUMNS", "VIEW"]

SOURCE: Final = """
FROM survey.observing_block AS b
JOIN survey.pointing AS p ON p.pointing_id = b.pointing_id
JOIN survey.target AS t ON t.name = p.target
JOIN survey.release AS r ON r.release_id = t.release_id
LEFT JOIN LATERAL (
  SELECT min(mjd_obs) AS mjd_start, max(mjd_obs + COALESCE(exptime, 0) / 86400) AS mjd_end, sum(exptime) AS exptime,
    min(telescope) AS telescope, min(instrument) AS instrument, bool_or(right(ins_mode, 2) = '-E') AS extended,
    bool_or(right(ins_mode, 2) = '-N') AS nominal
  FROM survey.exposure
  WHERE observing_block_id = b.observing_block_id AND COALESCE(raw_tag, 'OBJECT') = 'OBJECT'
) AS e ON true
"""
TEMPLATE_START: Final = "(extract(epoch FROM b.tpl_start) / 86400.0 + 40587)"
FIELD: Final = (
    "degrees(spoint(radians(p.footprint[1]), radians(p.footprint[2]))"
    " <-> spoint(radians(p.footprint[5]), radians(p.footprint[6])))"
)
"""From one corner of the field to the one across."""


def _text(name: str, ucd: str | None, utype: str | None, description: str, sql: str) -> ViewColumn:
    return ViewColumn(name, "char", "*", None, ucd, utype, description, f"CAST({sql} AS text)")


def _real(name: str, unit: str | None, ucd: str | None, utype: str | None, description: str, sql: str) -> ViewColumn:
    return ViewColumn(name, "double", None, unit, ucd, utype, description, f"CAST({sql} AS double precision)")


def _whole(name: str, ucd: str | None, utype: str | None, description: str, sql: str) -> ViewColumn:
    return ViewColumn(name, "int", None, None, ucd, utype, description, f"CAST({sql} AS integer)")


# fmt: off
COLUMNS: Final[tuple[ViewColumn, ...]] = (
    _real("t_planning", "d", None, None, "When the observation was last planned, MJD: the start of its template.",
          TEMPLATE_START),
    _text("target_name", "meta.id;src", "Target.name", "Galaxy that was observed.", "p.target"),
    _text("obs_id", "meta.id", "DataID.observationID", "Observing block.", "b.observing_block_id"),
    _text("obs_collection", "meta.id", "DataID.collection", "Data collection.", "r.collection"),
    _real("s_ra", "deg", "pos.eq.ra", "Char.SpatialAxis.Coverage.Location.Coord.Position2D.Value2.C1",
          "Right ascension of the pointing, ICRS.", "p.ra"),
    _real("s_dec", "deg", "pos.eq.dec", "Char.SpatialAxis.Coverage.Location.Coord.Position2D.Value2.C2",
          "Declination of the pointing, ICRS.", "p.dec"),
    _real("s_fov", "deg", "phys.angSize;instr.fov", "Char.SpatialAxis.Coverage.Bounds.Extent.diameter",
          "Diagonal of the field.", FIELD),
    ViewColumn("s_region", "double", "*", None, "pos.outline;obs.field", "Char.SpatialAxis.Coverage.Support.Area",
               "Field on the sky, ICRS.", "p.footprint", "polygon", "s_region_spoly"),
    _real("s_resolution", "arcsec", "pos.angResolution", "Char.SpatialAxis.Resolution.Refval.value",
          "FWHM of the point-spread function of the pointing.", "p.psf_fwhm"),
    _real("t_min", "d", "time.start;obs.exposure", "Char.TimeAxis.Coverage.Bounds.Limits.StartTime",
          "Start of the first exposure, MJD; of the template where the exposures are not known.",
          f"COALESCE(e.mjd_start, {TEMPLATE_START})"),
    _real("t_max", "d", "time.end;obs.exposure", "Char.TimeAxis.Coverage.Bounds.Limits.StopTime",
          "End of the last exposure, MJD; t_min where the exposures are not known.",
          f"COALESCE(e.mjd_end, {TEMPLATE_START})"),
    _real("t_exptime", "s", "time.duration;obs.exposure", "Char.TimeAxis.Coverage.Support.Extent",
          "Integration time of the exposures on the target that the archive knows of.", "COALESCE(e.exptime, 0)"),
    _real("t_resolution", "s", "time.resolution", "Char.TimeAxis.Resolution.Refval.value",
          "From the first start to the last end.", "(e.mjd_end - e.mjd_start) * 86400"),
    _real("em_min", "m", "em.wl;stat.min", "Char.SpectralAxis.Coverage.Bounds.Limits.LoLimit",
          "Shortest wavelength that the instrument's mode is good for.",
          "CASE WHEN e.extended THEN 4.65e-7 WHEN e.nominal THEN 4.8e-7 END"),
    _real("em_max", "m", "em.wl;stat.max", "Char.SpectralAxis.Coverage.Bounds.Limits.HiLimit",
          "Longest wavelength that the instrument's mode is good for.",
          "CASE WHEN e.extended OR e.nominal THEN 9.3e-7 END"),
    _real("em_res_power", None, "spect.resolution", "Char.SpectralAxis.Resolution.ResolPower.refVal",
          "Spectral resolving power: empty, it doubles from blue to red.", "NULL"),
    _text("o_ucd", "meta.ucd", "Char.ObservableAxis.ucd", "UCD of the observable.", "'phot.flux.density;em.wl'"),
    _text("pol_states", "meta.code;phys.polarization", "Char.PolarizationAxis.stateList", "Polarisation: none.",
          "NULL"),
    _whole("pol_xel", "meta.number", "Char.PolarizationAxis.numBins", "Polarisation states: none.", "NULL"),
    _text("facility_name", "meta.id;instr.tel", "Provenance.ObsConfig.Facility.name", "Telescope.",
          "COALESCE(e.telescope, 'ESO-VLT-U4')"),
    _text("instrument_name", "meta.id;instr", "Provenance.ObsConfig.Instrument.name", "Instrument.",
          "COALESCE(e.instrument, 'MUSE')"),
    _real("t_plan_exptime", "s", "time.duration;obs.exposure", "Char.TimeAxis.Coverage.Support.Extent",
          "Integration time that was planned: the log does not tell.", "NULL"),
    _text("category", None, None, "Fixed, Coordinated, Window or Other.", "'Other'"),
    _whole("priority", None, None, "From 0, easily moved, to 2, hard to move: 1 for all.", "1"),
    _text("execution_status", None, None, "Planned, Scheduled, Unscheduled, Performed or Aborted.", "'Performed'"),
    _text("tracking_type", None, None, "Sidereal for all.", "'Sidereal'"),
)
# fmt: on

VIEW: Final = View(
    schema="ivoa",
    name="obsplan",
    description="The observing blocks of the survey's log, in the columns of the VO's ObsLocTAP 1.0.",
    columns=COLUMNS,
    source=SOURCE,
    hidden=(("s_region_spoly", "p.footprint_spoly"),),
    utype="ivo://ivoa.net/std/obsloctap#table-1.0",
    standard=frozenset(c.name for c in COLUMNS),
)
