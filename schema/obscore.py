"""``ivoa.obscore``: one list of columns and the expressions that fill them; the view is made from it.

IVOA Observation Data Model Core Components 1.1.  A product is in the view the moment its row is visible.  The
service's own address and authority come from the session settings ``musevault.base_url`` and
``musevault.authority``: an archive that moves rewrites no rows.  Raw frames, calibrations and what lies between them
and the cubes are not among ObsCore's products: ``eso`` shows the raw frames.  After the standard's columns stand those
that ESO has beside them; what the archive does not know of a product is there and empty.
"""

from typing import Final

from schema.coordinates import galactic_latitude, galactic_longitude
from schema.views import SETTING, View, ViewColumn

__all__ = ["COLUMNS", "VIEW"]

SOURCE: Final = """
FROM survey.product AS p
JOIN survey.artifact AS a ON a.product_id = p.product_id AND a.role = 'this'
LEFT JOIN survey.release AS r ON r.release_id = p.release_id
LEFT JOIN survey.programme AS g ON g.programme_id = p.programme_id
WHERE p.kind IN ('cube', 'image', 'maps')
"""


def _text(name: str, ucd: str | None, utype: str, description: str, sql: str, xtype: str | None = None) -> ViewColumn:
    return ViewColumn(name, "char", "*", None, ucd, f"obscore:{utype}", description, sql, xtype)


def _real(name: str, unit: str | None, ucd: str, utype: str, description: str, sql: str) -> ViewColumn:
    cast = f"CAST({sql} AS double precision)"
    return ViewColumn(name, "double", None, unit, ucd, f"obscore:{utype}", description, cast)


def _count(name: str, utype: str, description: str, sql: str) -> ViewColumn:
    cast = f"CAST({sql} AS bigint)"
    return ViewColumn(name, "long", None, None, "meta.number", f"obscore:{utype}", description, cast)


def _eso(name: str, datatype: str, unit: str | None, ucd: str, description: str, sql: str = "NULL") -> ViewColumn:
    """Return a column of ESO's, which ObsCore does not have."""
    cast = {"char": "text", "double": "double precision", "long": "bigint"}[datatype]
    arraysize = "*" if datatype == "char" else None
    return ViewColumn(name, datatype, arraysize, unit, ucd, None, description, f"CAST({sql} AS {cast})")


# fmt: off
COLUMNS: Final[tuple[ViewColumn, ...]] = (
    _text("dataproduct_type", "meta.code.class", "ObsDataset.dataProductType", "Cube, image and so on.",
          "CASE p.kind WHEN 'cube' THEN 'cube' WHEN 'image' THEN 'image' WHEN 'maps' THEN 'image' END"),
    _text("dataproduct_subtype", "meta.code.class", "ObsDataset.dataProductSubtype", "What sort of cube or image.",
          "CASE p.kind WHEN 'cube' THEN 'ifs' WHEN 'maps' THEN 'maps' ELSE p.prodcatg END"),
    ViewColumn("calib_level", "int", None, None, "meta.code;obs.calib", "obscore:ObsDataset.calibLevel",
                  "Calibration level: 2 calibrated, 3 combined.", "p.calib_level"),
    _text("obs_collection", "meta.id", "DataID.collection", "Data collection.", "p.collection"),
    _text("obs_id", "meta.id", "DataID.observationID", "ESO OBS ID, or the product where several blocks were combined.",
          "COALESCE(CAST(p.eso_ob_id AS text), p.product_id)"),
    _text("obs_publisher_did", "meta.ref.ivoid", "Curation.publisherDID", "Identifier of the product in the VO.",
          f"'ivo://' || {SETTING.format('authority')} || '/ID?' || p.product_id"),
    _text("obs_title", "meta.title;obs", "DataID.title", "One line about the product.", "p.title"),
    _text("obs_creator_did", "meta.id", "DataID.creatorDID", "Name that the file came with.",
          f"'ivo://' || {SETTING.format('authority')} || '/origfile?' || a.file_name"),
    _text("access_url", "meta.ref.url", "Access.reference", "Where the file is.",
          f"{SETTING.format('base_url')} || '/files/' || a.artifact_id"),
    _text("access_format", "meta.code.mime", "Access.format", "Media type of what access_url gives.", "a.media_type"),
    ViewColumn("access_estsize", "long", None, "kbyte", "phys.size;meta.file", "obscore:Access.size",
                  "Size of the file.", "(a.file_size + 999) / 1000"),
    _text("target_name", "meta.id;src", "Target.name", "Designation of what was observed.", "p.target_name"),
    _real("s_ra", "deg", "pos.eq.ra", "Char.SpatialAxis.Coverage.Location.Coord.Position2D.Value2.C1",
          "Right ascension of the centre, ICRS.", "p.ra"),
    _real("s_dec", "deg", "pos.eq.dec", "Char.SpatialAxis.Coverage.Location.Coord.Position2D.Value2.C2",
          "Declination of the centre, ICRS.", "p.dec"),
    _real("s_fov", "deg", "phys.angSize;instr.fov", "Char.SpatialAxis.Coverage.Bounds.Extent.diameter",
          "Diagonal of the field.", "p.field_of_view"),
    ViewColumn("s_region", "char", "*", None, "pos.outline;obs.field",
                  "obscore:Char.SpatialAxis.Coverage.Support.Area", "Outline on the sky, ICRS, as STC-S.",
                  "'POLYGON ICRS ' || array_to_string(p.footprint, ' ')", "adql:REGION", "s_region_spoly"),
    _real("s_resolution", "arcsec", "pos.angResolution", "Char.SpatialAxis.Resolution.Refval.value",
          "FWHM of the point-spread function.", "p.spatial_resolution"),
    _count("s_xel1", "Char.SpatialAxis.numBins1", "Pixels along the first spatial axis.", "p.n_x"),
    _count("s_xel2", "Char.SpatialAxis.numBins2", "Pixels along the second spatial axis.", "p.n_y"),
    _real("s_pixel_scale", "arcsec", "phys.angSize;instr.pixel", "Char.SpatialAxis.Sampling.RefVal.SamplingPeriod",
          "Size of a spatial pixel.", "p.pixel_scale"),
    _real("t_min", "d", "time.start;obs.exposure", "Char.TimeAxis.Coverage.Bounds.Limits.StartTime",
          "Start of the first exposure, MJD, UTC.", "p.mjd_start"),
    _real("t_max", "d", "time.end;obs.exposure", "Char.TimeAxis.Coverage.Bounds.Limits.StopTime",
          "End of the last exposure, MJD, UTC.", "p.mjd_end"),
    _real("t_exptime", "s", "time.duration;obs.exposure", "Char.TimeAxis.Coverage.Support.Extent",
          "Integration time.", "p.exptime"),
    _real("t_resolution", "s", "time.resolution", "Char.TimeAxis.Resolution.Refval.value",
          "From the first start to the last end.", "(p.mjd_end - p.mjd_start) * 86400"),
    _count("t_xel", "Char.TimeAxis.numBins", "Pixels along the time axis: there is none.", "NULL"),
    _real("em_min", "m", "em.wl;stat.min", "Char.SpectralAxis.Coverage.Bounds.Limits.LoLimit",
          "Shortest wavelength, in air for MUSE.", "p.wavelength_min"),
    _real("em_max", "m", "em.wl;stat.max", "Char.SpectralAxis.Coverage.Bounds.Limits.HiLimit",
          "Longest wavelength, in air for MUSE.", "p.wavelength_max"),
    _real("em_res_power", None, "spect.resolution", "Char.SpectralAxis.Resolution.ResolPower.refVal",
          "Spectral resolving power.", "p.resolving_power"),
    _count("em_xel", "Char.SpectralAxis.numBins", "Pixels along the wavelength axis.", "p.n_wavelength"),
    _text("o_ucd", "meta.ucd", "Char.ObservableAxis.ucd", "UCD of the observable.",
          "CASE WHEN p.kind IN ('cube', 'image') THEN 'phot.flux.density;em.wl' END"),
    _text("pol_states", "meta.code;phys.polarization", "Char.PolarizationAxis.stateList", "Polarisation: none.",
          "CAST(NULL AS text)"),
    _count("pol_xel", "Char.PolarizationAxis.numBins", "Polarisation states: none.", "NULL"),
    _text("facility_name", "meta.id;instr.tel", "Provenance.ObsConfig.Facility.name", "Telescope.", "p.facility"),
    _text("instrument_name", "meta.id;instr", "Provenance.ObsConfig.Instrument.name", "Instrument.", "p.instrument"),
    _text("filter", "meta.id;instr.filter", "Provenance.ObsConfig.Filter.name", "Band of an image.", "p.filter"),
    _text("proposal_id", "meta.id;obs.proposal", "Provenance.Proposal.identifier", "Programme with run letter.",
          "p.run_id"),
    _text("obs_release_date", "time.release", "Curation.releaseDate", "When the data become public, if not yet.",
          "p.public_from", "timestamp"),
    _text("bib_reference", "meta.bib.bibcode", "Curation.reference", "Paper that describes the data.", "r.bibcode"),
    _text("dp_id", "meta.id", "Access.productID", "Identifier of the product in this archive.", "p.product_id"),
)
ESO_COLUMNS: Final[tuple[ViewColumn, ...]] = (
    _eso("abmaglim", "double", "mag", "phot.mag;stat.max", "Limiting magnitude, AB: not known."),
    _eso("gal_lat", "double", "deg", "pos.galactic.lat", "Galactic latitude of the centre.",
         galactic_latitude("p.ra", "p.dec")),
    _eso("gal_lon", "double", "deg", "pos.galactic.lon", "Galactic longitude of the centre.",
         galactic_longitude("p.ra", "p.dec")),
    ViewColumn("last_mod_date", "char", "*", None, "time.processing", None,
               "When the product became visible in this archive, UTC.", "p.ingested", "timestamp"),
    _eso("multi_ob", "char", None, "meta.code;obs", "S from one observation block, M from several.",
         "CASE WHEN p.eso_ob_id IS NOT NULL THEN 'S' WHEN p.calib_level >= 3 THEN 'M' END"),
    _eso("n_obs", "long", None, "meta.number;obs", "Number of exposures combined.", "p.n_exposures"),
    _text("o_calib_status", "meta.code.qual", "Char.ObservableAxis.calibrationStatus",
          "absolute where the unit is one of flux.", "CASE WHEN strpos(p.flux_unit, 'erg') > 0 THEN 'absolute' END"),
    _text("obs_creator_name", "meta.id", "DataID.Creator", "Principal investigator of the programme.", "g.pi_name"),
    _eso("obstech", "char", None, "meta.code.class", "Technique: IFU for all of MUSE.",
         "CASE WHEN p.instrument = 'MUSE' THEN 'IFU' END"),
    _eso("p3orig", "char", None, "meta.code", "Whether ESO or its users made the product: not known."),
    _eso("preview_html", "char", None, "meta.ref.url", "Page about the product.",
         f"{SETTING.format('base_url')} || '/products/' || p.product_id"),
    ViewColumn("publication_date", "char", "*", None, "time.release", None,
               "When the release that has the product was published, else when it came into this archive, UTC.",
               "COALESCE(r.published, p.ingested)", "timestamp"),
    _eso("release_description", "char", None, "meta.ref.url", "Page about the release.", "'https://doi.org/' || r.doi"),
    _eso("snr", "double", None, "stat.snr", "Signal to noise: not known."),
    _eso("strehl", "double", None, "instr.obsty.seeing", "Strehl ratio: not known."),
)
# fmt: on
STANDARD: Final = frozenset(c.name for c in COLUMNS) - {"dataproduct_subtype", "filter", "dp_id", "bib_reference"} | {
    "o_calib_status",
    "obs_creator_name",
}


VIEW: Final = View(
    schema="ivoa",
    name="obscore",
    description="Everything that the archive holds, in the columns of the VO's data model ObsCore 1.1.",
    columns=(*COLUMNS, *ESO_COLUMNS),
    source=SOURCE,
    hidden=(("s_region_spoly", "p.footprint_spoly"),),
    utype="ivo://ivoa.net/std/obscore#table-1.1",
    standard=STANDARD,
)
