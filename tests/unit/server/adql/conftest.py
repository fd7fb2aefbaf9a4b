"""The tables that the tests of ADQL query: small, but with a column of every kind."""

from collections.abc import Callable

import pytest

from schema.published import PublishedColumn as C
from schema.published import PublishedTable
from server.adql import AdqlError, Translation, translate

_TARGET = PublishedTable(
    "survey",
    "target",
    (
        C("id", "long", ucd="meta.id;meta.main", description="Number of the target"),
        C("galaxy", "char", "*", ucd="meta.id", utype="Target.name", description="Name of the galaxy"),
        C("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main", description="Right ascension"),
        C("dec", "double", unit="deg", ucd="pos.eq.dec;meta.main", description="Declination"),
        C("distance_mpc", "float", unit="Mpc", ucd="pos.distance", description="Distance"),
        C("velocity", "float", unit="km/s", ucd="spect.dopplerVeloc", description="Systemic velocity"),
        C("radius", "double", unit="deg", ucd="phys.angSize", description="Optical radius"),
        C("rank", "short", description="Rank"),
        C("observed", "char", "*", "timestamp", ucd="time.start", description="First observed"),
        C("is_barred", "boolean", description="Whether there is a bar"),
        C("notes", "unicodeChar", "*", description="Remarks"),
    ),
)
_EXPOSURE = PublishedTable(
    "survey",
    "exposure",
    (
        C("id", "long", ucd="meta.id;meta.main"),
        C("target_id", "long", ucd="meta.id.parent"),
        C("galaxy", "char", "*", ucd="meta.id"),
        C("exptime", "double", unit="s", ucd="time.duration;obs.exposure", description="Exposure time"),
        C("seeing", "float", unit="arcsec", ucd="instr.fwhm", description="Seeing"),
        C("filter", "char", "8", description="Filter"),
        C("counts", "int", unit="ct"),
        C("spectrum", "double", "*", description="An array"),
    ),
)
_OBSCORE = PublishedTable(
    "ivoa",
    "obscore",
    (
        C("obs_publisher_did", "char", "*", ucd="meta.ref.ivoid", utype="obscore:Curation.PublisherDID"),
        C("target_name", "char", "*", ucd="meta.id;src", utype="obscore:Target.Name"),
        C("dataproduct_type", "char", "*", ucd="meta.id", utype="obscore:ObsDataset.dataProductType"),
        C("calib_level", "int", ucd="meta.code;obs.calib"),
        C("s_ra", "double", unit="deg", ucd="pos.eq.ra", utype="obscore:Char.SpatialAxis.C1"),
        C("s_dec", "double", unit="deg", ucd="pos.eq.dec", utype="obscore:Char.SpatialAxis.C2"),
        C("s_region", "double", "*", "polygon", "deg", "pos.outline;obs.field", geometry="s_region_spoly"),
        C("s_words", "char", "*", "adql:REGION", ucd="pos.outline;obs.field", geometry="s_region_spoly"),
        C("em_min", "double", unit="m", ucd="em.wl;stat.min"),
        C("em_max", "double", unit="m", ucd="em.wl;stat.max"),
        C("t_min", "double", unit="d", ucd="time.start;obs.exposure"),
        C("t_max", "double", unit="d", ucd="time.end;obs.exposure"),
        C("access_estsize", "long", unit="kbyte", ucd="phys.size;meta.file"),
    ),
)
_COLUMNS = PublishedTable(
    "tap_schema",
    "columns",
    (
        C("table_name", "char", "*"),
        C("column_name", "char", "*"),
        C("datatype", "char", "*"),
        C("size", "int"),
        C("principal", "int"),
    ),
)
_UPLOAD = PublishedTable(
    "tap_upload",
    "mine",
    (
        C("name", "char", "*"),
        C("Ra", "double", unit="deg"),
        C("place", "double", "2", "point", "deg"),
        C("aperture", "double", "3", "circle", "deg"),
        C("outline", "double", "*", "polygon", "deg"),
        C("area", "char", "*", "adql:REGION"),
        C("date", "char", "*", "timestamp"),
    ),
)
_ARCHIVED = PublishedTable("old", "target", (C("id", "long"), C("name", "char", "*")))

TABLES = (_TARGET, _EXPOSURE, _OBSCORE, _COLUMNS, _UPLOAD, _ARCHIVED)


@pytest.fixture(scope="session")
def tables() -> tuple[PublishedTable, ...]:
    return TABLES


@pytest.fixture(scope="session")
def translated() -> Callable[[str], Translation]:
    return lambda text: translate(text, TABLES)


@pytest.fixture(scope="session")
def sql(translated: Callable[[str], Translation]) -> Callable[[str], str]:
    return lambda text: translated(text).sql


@pytest.fixture(scope="session")
def where(translated: Callable[[str], Translation]) -> Callable[[str], str]:
    """Return the SQL of a condition over ``survey.target``, which is ``"t1"`` in it."""
    return lambda condition: translated(f"SELECT id FROM survey.target WHERE {condition}").sql.partition(" WHERE ")[2]


@pytest.fixture(scope="session")
def refused(translated: Callable[[str], Translation]) -> Callable[[str], AdqlError]:
    def error(text: str) -> AdqlError:
        with pytest.raises(AdqlError) as caught:
            translated(text)
        return caught.value

    return error
