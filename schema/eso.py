"""``dbo.raw``, ``ist.muse`` and ``phase3v2.product_files``: the archive under the names of ESO's own TAP service.

Scripts written for ESO, astroquery's module ``eso`` among them, run against this archive as they are.  What MUSE does
not have, or its headers do not tell, is there and empty.  Sizes, files and addresses are this archive's; frames that
it only knows of have no address.  The units are ESO's: nanometres for wavelengths, thousands of bytes for sizes.
"""

from typing import Final

from schema.coordinates import ecliptic_latitude, ecliptic_longitude, galactic_latitude, galactic_longitude
from schema.views import SETTING, View, ViewColumn

__all__ = ["MUSE", "PRODUCT_FILES", "RAW"]

EXPOSURES: Final = """
FROM survey.exposure AS e
LEFT JOIN survey.programme AS p ON p.programme_id = e.programme_id
"""
FILES: Final = """
FROM survey.artifact AS a
JOIN survey.product AS p ON p.product_id = a.product_id
WHERE p.kind NOT IN ('exposure', 'calibration')
"""
FILE: Final = "FROM survey.artifact AS a WHERE a.product_id = e.dp_id AND a.role = 'this'"
ADDRESS: Final = f"{SETTING.format('base_url')} || '/dataPortal/file/' || "
KILOBYTES: Final = "(a.file_size + 999) / 1000"
DID: Final = f"'ivo://' || {SETTING.format('authority')} || '/ID?' || e.dp_id"

# 099.B-0242 is of period 99; 0100.B-, 1100.B- and 2100.B- are of period 100, the first digit being the sort of
# programme, as in 197.A- of period 97; 60.A- is technical time; 106.20Y7 and all that came after are of the new form.
PERIOD: Final = """CAST(COALESCE(
    substring(e.run_id FROM '^[0-9]([0-9]{2,3})[.][A-Z]-'),
    substring(e.run_id FROM '^([0-9]{2,3})[.]')
  ) AS integer)"""
BLUE_END: Final = "CASE right(e.ins_mode, 2) WHEN '-E' THEN 465 WHEN '-N' THEN 480 END"
RED_END: Final = "CASE WHEN right(e.ins_mode, 2) IN ('-E', '-N') THEN 930 END"
MEAN_SEEING: Final = (
    """(COALESCE(e.dimm_fwhm_start, e.dimm_fwhm_end) + COALESCE(e.dimm_fwhm_end, e.dimm_fwhm_start)) / 2"""
)


def _text(name: str, ucd: str, description: str, sql: str = "NULL", xtype: str | None = None) -> ViewColumn:
    cast = "CAST(NULL AS text)" if sql == "NULL" else sql
    return ViewColumn(name, "char", "*", None, ucd, None, description, cast, xtype)


def _time(name: str, ucd: str, description: str, sql: str) -> ViewColumn:
    return _text(name, ucd, description, sql, "timestamp")


def _real(name: str, unit: str | None, ucd: str, description: str, sql: str = "NULL") -> ViewColumn:
    cast = sql if sql.startswith("e.") else f"CAST({sql} AS double precision)"
    return ViewColumn(name, "double", None, unit, ucd, None, description, cast)


def _whole(name: str, ucd: str, description: str, sql: str = "NULL") -> ViewColumn:
    cast = "CAST(NULL AS integer)" if sql == "NULL" else sql
    return ViewColumn(name, "int", None, None, ucd, None, description, cast)


def _long(name: str, unit: str | None, ucd: str, description: str, sql: str) -> ViewColumn:
    return ViewColumn(name, "long", None, unit, ucd, None, description, sql)


# fmt: off
COLUMNS: Final = {c.name: c for c in (
    _long("access_estsize", "kbyte", "phys.size;meta.file", "Size of the file.",
          f"COALESCE((SELECT {KILOBYTES} {FILE} LIMIT 1), e.access_estsize)"),
    _text("access_url", "meta.ref.url", "Where the file is; empty for a frame that the archive does not hold.",
          f"CASE WHEN EXISTS (SELECT 1 {FILE}) THEN {ADDRESS}e.dp_id END"),
    _real("ag_fwhmx_avg", "arcsec", "instr.obsty.seeing;stat.mean", "Seeing of the autoguider along x.",
          "e.autoguider_fwhm_x"),
    _real("ag_fwhmy_avg", "arcsec", "instr.obsty.seeing;stat.mean", "Seeing of the autoguider along y.",
          "e.autoguider_fwhm_y"),
    _text("datalink_url", "meta.ref.url", "What belongs to the frame, as DataLink.",
          f"{SETTING.format('base_url')} || '/datalink/links?ID=' || {DID}"),
    _time("date_obs", "time.start;obs", "DATE-OBS, often rounded to seconds.", "e.date_obs"),
    _real("dec", "deg", "pos.eq.dec;meta.main", "Declination.", "e.dec"),
    _real("dec_pnt", "deg", "pos.eq.dec", "Declination to which the telescope pointed.", "e.dec"),
    _whole("det_binx", "instr.setup", "Binning along x.", "e.detector_binning_x"),
    _whole("det_biny", "instr.setup", "Binning along y.", "e.detector_binning_y"),
    _text("det_chip1id", "meta.id;instr.det", "First detector: MUSE has 24 and names none."),
    _whole("det_chop_ncycles", "meta.number", "Chopping cycles: none."),
    _real("det_dit", "s", "time.duration;obs.exposure", "Integration of an infrared detector: none."),
    _whole("det_expid", "meta.id;instr.det", "Number of the exposure in the detector's count: not told."),
    _whole("det_ndit", "meta.number", "Integrations of an infrared detector: none."),
    _text("det_read_curname", "meta.id;instr.det", "Read-out mode.", "e.detector_read_name"),
    _real("dimm_fwhm_avg", "arcsec", "instr.obsty.seeing;stat.mean", "Seeing of the site monitor: mean of both ends.",
          MEAN_SEEING),
    _real("dimm_fwhm_rms", "arcsec", "instr.obsty.seeing;stat.stdev", "Its scatter: not told."),
    _text("dp_cat", "meta.code.class", "Category: SCIENCE, CALIB and so on (DPR CATG).", "e.dp_cat"),
    _text("dp_id", "meta.id;meta.main", "Identifier of the frame.", "e.dp_id"),
    _text("dp_tech", "meta.code.class", "Technique (DPR TECH).", "e.dp_tech"),
    _text("dp_type", "meta.code.class", "Type: OBJECT, SKY, STD and so on (DPR TYPE).", "e.dp_type"),
    _real("ecl_lat", "deg", "pos.ecliptic.lat", "Ecliptic latitude.", ecliptic_latitude("e.ra", "e.dec")),
    _real("ecl_lon", "deg", "pos.ecliptic.lon", "Ecliptic longitude.", ecliptic_longitude("e.ra", "e.dec")),
    _time("exp_start", "time.start;obs.exposure", "Start of the exposure, UTC.", "e.exp_start"),
    _real("exposure", "s", "time.duration;obs.exposure", "Integration time.", "e.exptime"),
    _real("exptime", "s", "time.duration;obs.exposure", "Integration time.", "e.exptime"),
    _text("filter_path", "meta.id;instr.filter", "Filter.", "e.ins_filter"),
    _real("gal_lat", "deg", "pos.galactic.lat", "Galactic latitude.", galactic_latitude("e.ra", "e.dec")),
    _real("gal_lon", "deg", "pos.galactic.lon", "Galactic longitude.", galactic_longitude("e.ra", "e.dec")),
    _text("grat_path", "meta.id;instr.setup", "Grating: MUSE has one for all."),
    _text("gris_path", "meta.id;instr.setup", "Grism: none."),
    _text("ins_mode", "instr.setup", "Instrument mode.", "e.ins_mode"),
    _text("ins_opti1_name", "meta.id;instr.filter", "Name in the filter wheel.", "e.ins_filter"),
    _text("ins_opti2_name", "instr.setup", "WFM or NFM.", "e.ins_field"),
    _text("instrument", "meta.id;instr", "Instrument.", "e.instrument"),
    _real("lambda_max", "nm", "em.wl;stat.max", "Longest wavelength that the mode is good for.", RED_END),
    _real("lambda_min", "nm", "em.wl;stat.min", "Shortest wavelength that the mode is good for.", BLUE_END),
    _time("last_mod_date", "time.processing", "When the archive last learnt something of the frame, UTC.",
          "e.modified"),
    _real("lst", "s", "time.start;obs", "Local sidereal time at the start.", "e.lst"),
    _real("mjd_obs", "d", "time.start;obs.exposure", "Start of the exposure, modified Julian date, UTC.", "e.mjd_obs"),
    _real("moon_illu", None, "instr.skyLevel", "Illuminated part of the Moon, 0 to 1.", "e.moon_illumination"),
    _text("night_flag", "meta.code", "Whether it was night: not told."),
    _long("ob_container_id", None, "meta.id", "Scheduling container.", "e.ob_container_id"),
    _long("ob_container_parent_id", None, "meta.id", "Container of the container: not told.", "CAST(NULL AS bigint)"),
    _text("ob_container_parent_type", "meta.code", "Type of that: not told."),
    _text("ob_container_type", "meta.code", "Type of the container.", "e.ob_container_type"),
    _long("ob_id", None, "meta.id;obs", "Observation block.", "e.eso_ob_id"),
    _text("ob_name", "meta.title;obs", "Name of the observation block.", "e.ob_name"),
    _time("ob_start", "time.start;obs", "Start of the observation block, UTC.", "e.ob_start"),
    _text("ob_targ_name", "meta.id;src", "Target that the observation block names.", "e.ob_target"),
    _whole("ob_tplno", "meta.number", "Number of the template in the block.", "e.ob_tplno"),
    _text("object", "meta.id;src", "Designation of what was observed.", "e.object"),
    _text("obs_mode", "meta.code;obs", "Service or visitor mode: not told."),
    _text("observing_mode", "meta.code;obs", "Service or visitor mode: not told."),
    _text("origfile", "meta.id;meta.file", "Name that the instrument gave the file.", "e.origfile"),
    _whole("period", "meta.number", "ESO's period, from the programme's number.", PERIOD),
    _text("pi_coi", "meta.id.PI", "Principal investigator.", "e.pi_name"),
    _text("prog_id", "meta.id;obs.proposal", "Programme with run letter.", "e.run_id"),
    _text("prog_title", "meta.title;obs.proposal", "Name under which the programme is known.", "p.name"),
    _text("prog_type", "meta.code;obs.proposal", "Type of the programme: not told."),
    _real("ra", "deg", "pos.eq.ra;meta.main", "Right ascension.", "e.ra"),
    _real("ra_pnt", "deg", "pos.eq.ra", "Right ascension to which the telescope pointed.", "e.ra"),
    _time("release_date", "time.release", "When the frame becomes or became public, UTC; where nobody said, its start.",
          "COALESCE(e.public_from, e.exp_start)"),
    ViewColumn("s_region", "char", "*", None, "pos.outline;instr.fov", None, "Field of view, ICRS, as STC-S.",
               "'POLYGON J2000 ' || array_to_string(e.footprint, ' ')", "adql:REGION", "s_region_spoly"),
    _text("slit_path", "meta.id;instr.setup", "Slit: MUSE has none to choose."),
    _text("target", "meta.id;src", "Target that the observation block names.", "e.ob_target"),
    _real("tel_airm_end", None, "obs.airMass", "Airmass at the end.", "e.airmass_end"),
    _real("tel_airm_start", None, "obs.airMass", "Airmass at the start.", "e.airmass_start"),
    _real("tel_alt", "deg", "pos.az.alt", "Altitude at the start.", "e.tel_alt"),
    _real("tel_ambi_fwhm_end", "arcsec", "instr.obsty.seeing", "Seeing of the site monitor at the end.",
          "e.dimm_fwhm_end"),
    _real("tel_ambi_fwhm_start", "arcsec", "instr.obsty.seeing", "Seeing of the site monitor at the start.",
          "e.dimm_fwhm_start"),
    _real("tel_ambi_pres_end", "hPa", "phys.pressure;obs.atmos", "Air pressure at the end.", "e.pressure_end"),
    _real("tel_ambi_pres_start", "hPa", "phys.pressure;obs.atmos", "Air pressure at the start.", "e.pressure_start"),
    _real("tel_ambi_rhum", None, "obs.atmos.humidity", "Relative humidity, per cent.", "e.humidity"),
    _real("tel_ambi_temp", None, "phys.temperature;obs.atmos", "Temperature of the air, Celsius.", "e.air_temperature"),
    _real("tel_ambi_winddir", "deg", "pos.posAng;obs.atmos", "Direction of the wind.", "e.wind_direction"),
    _real("tel_ambi_windsp", "m/s", "phys.veloc;obs.atmos", "Speed of the wind.", "e.wind_speed"),
    _real("tel_az", "deg", "pos.az.azi", "Azimuth at the start, south 0, west 90.", "e.tel_az"),
    _text("telescope", "meta.id;instr.tel", "Telescope.", "e.telescope"),
    _whole("tpl_expno", "meta.number", "Number of the exposure within its template.", "e.tpl_expno"),
    _text("tpl_id", "meta.id;obs.param", "Signature of the template.", "e.tpl_id"),
    _text("tpl_name", "meta.title;obs.param", "Name of the template.", "e.tpl_name"),
    _whole("tpl_nexp", "meta.number", "Number of exposures that the template takes.", "e.tpl_nexp"),
    _whole("tpl_seqno", "meta.number", "Number of the template in the block.", "e.ob_tplno"),
    _time("tpl_start", "time.start;obs", "Start of the template, UTC.", "e.tpl_start"),
    _real("utc", "s", "time.start;obs", "Start, seconds after midnight UTC.", "e.utc"),
)}

FILE_COLUMNS: Final = (
    _text("product_id", "meta.id;meta.main", "Product: dp_id of ivoa.ObsCore.", "a.product_id"),
    _text("archive_id", "meta.id", "Identifier of the file; that of the product for the product itself.",
          "CASE WHEN a.role = 'this' THEN a.product_id ELSE a.artifact_id END"),
    _text("original_filename", "meta.id;meta.file", "Name that the file came with.", "a.file_name"),
    _text("extension", "meta.code", "End of that name, in capitals: FITS, PNG and so on.",
          "upper(substring(a.file_name FROM '[.]([^.]+)$'))"),
    _text("eso_category", "meta.code.class", "ESO product category.",
          "CASE WHEN a.role = 'this' THEN p.prodcatg ELSE 'ANCILLARY.' || upper(a.role) END"),
    _text("access_url", "meta.ref.url", "Where the file is.",
          f"{ADDRESS}CASE WHEN a.role = 'this' THEN a.product_id ELSE a.artifact_id END"),
    _long("access_estsize", "kbyte", "phys.size;meta.file", "Size of the file.", KILOBYTES),
    _text("internal_file_id", "meta.id", "Name under which this archive serves the file.", "a.artifact_id"),
)
# fmt: on

RAW_NAMES: Final = """
object ra dec dp_id date_obs prog_id access_estsize access_url datalink_url dec_pnt det_chip1id det_chop_ncycles det_dit
det_expid det_ndit dp_cat dp_tech dp_type ecl_lat ecl_lon exp_start exposure filter_path gal_lat gal_lon grat_path
gris_path ins_mode instrument lambda_max lambda_min last_mod_date mjd_obs ob_id ob_name obs_mode origfile period pi_coi
prog_title prog_type ra_pnt release_date s_region slit_path target tel_airm_end tel_airm_start tel_alt tel_ambi_fwhm_end
tel_ambi_fwhm_start tel_ambi_pres_end tel_ambi_pres_start tel_ambi_rhum tel_az telescope tpl_expno tpl_id tpl_name
tpl_nexp tpl_seqno tpl_start
"""
MUSE_NAMES: Final = """
object ra dec dp_id date_obs prog_id access_estsize access_url ag_fwhmx_avg ag_fwhmy_avg datalink_url det_binx det_biny
det_ndit det_read_curname dimm_fwhm_avg dimm_fwhm_rms dp_cat dp_tech dp_type ecl_lat ecl_lon gal_lat gal_lon exp_start
exposure exptime ins_mode ins_opti1_name ins_opti2_name instrument lambda_max lambda_min last_mod_date lst mjd_obs
moon_illu night_flag ob_container_id ob_container_parent_id ob_container_parent_type ob_container_type ob_id ob_name
ob_start ob_targ_name ob_tplno observing_mode origfile period pi_coi prog_title prog_type release_date s_region
tel_airm_end tel_airm_start tel_alt tel_az tel_ambi_fwhm_start tel_ambi_fwhm_end tel_ambi_pres_start tel_ambi_pres_end
tel_ambi_rhum tel_ambi_temp tel_ambi_winddir tel_ambi_windsp telescope tpl_expno tpl_id tpl_name tpl_nexp tpl_start utc
"""
HIDDEN: Final = (("s_region_spoly", "e.footprint_spoly"),)
PRINCIPAL: Final = ("object", "ra", "dec", "dp_id", "exp_start", "prog_id", "dp_cat", "dp_type", "ins_mode", "exposure")
INDEXED: Final = ("dp_id", "ra", "dec", "s_region", "exp_start", "mjd_obs", "ob_id", "tpl_start", "last_mod_date")


def _named(names: str) -> tuple[ViewColumn, ...]:
    return tuple(COLUMNS[name] for name in names.split())


RAW: Final = View(
    schema="dbo",
    name="raw",
    description="Raw frames of every category that the archive knows of, in the columns of ESO's dbo.raw.",
    columns=_named(RAW_NAMES),
    source=EXPOSURES,
    hidden=HIDDEN,
    standard=PRINCIPAL,
    indexed=INDEXED,
)
MUSE: Final = View(
    schema="ist",
    name="muse",
    description="Raw frames of MUSE, in the columns of ESO's ist.MUSE.",
    columns=_named(MUSE_NAMES),
    source=f"{EXPOSURES}WHERE e.instrument = 'MUSE'",
    hidden=HIDDEN,
    standard=PRINCIPAL,
    indexed=INDEXED,
)
PRODUCT_FILES: Final = View(
    schema="phase3v2",
    name="product_files",
    description="The files of every product in ivoa.ObsCore, in the columns of ESO's phase3v2.product_files.",
    columns=FILE_COLUMNS,
    source=FILES,
    standard=("product_id", "archive_id", "original_filename", "eso_category"),
    indexed=("product_id",),
)
