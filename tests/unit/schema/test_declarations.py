"""Every published column says what it is, in words that the Virtual Observatory knows."""

import pytest
from astropy import units
from astropy.io.votable import ucd
from sqlalchemy.dialects.postgresql import JSONB

from schema import obscore, tap_schema
from schema.published import SCHEMAS, PublishedColumn, PublishedTable, catalogue, votable_type
from server.adql import AdqlError, translate

COLUMNS = [(table, column) for table in catalogue() for column in table.columns]
NAMES = [f"{table.qualified}.{column.name}" for table, column in COLUMNS]

# fmt: off
MANDATORY = {
    "dataproduct_type", "calib_level", "obs_collection", "obs_id", "obs_publisher_did", "access_url", "access_format",
    "access_estsize", "target_name", "s_ra", "s_dec", "s_fov", "s_region", "s_resolution", "s_xel1", "s_xel2", "t_min",
    "t_max", "t_exptime", "t_resolution", "t_xel", "em_min", "em_max", "em_res_power", "em_xel", "o_ucd", "pol_states",
    "pol_xel", "facility_name", "instrument_name",
}
# fmt: on


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=NAMES)
def test_a_published_column_is_described(table: PublishedTable, column: PublishedColumn) -> None:
    assert column.description
    assert column.description.endswith(".") or table.schema == "ivoa"
    assert column.ucd or table.schema == "ivoa"


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=NAMES)
def test_ucds_are_words_of_the_controlled_vocabulary_in_an_allowed_order(
    table: PublishedTable, column: PublishedColumn
) -> None:
    del table
    if column.ucd and column.ucd != "meta.ref.ivoid":  # newer than the list that astropy has
        assert ucd.check_ucd(column.ucd, check_controlled_vocabulary=True), column.ucd


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=NAMES)
def test_units_are_vounits(table: PublishedTable, column: PublishedColumn) -> None:
    del table
    if column.unit and not column.unit.startswith("log("):  # of VOUnit, but not of astropy's parser
        units.Unit(column.unit, format="vounit")


def test_obscore_has_all_thirty_mandatory_columns() -> None:
    names = [c.name for c in obscore.VIEW.columns]
    assert len(MANDATORY) == 30
    assert set(names) >= MANDATORY


def test_tap_schema_describes_every_table_and_itself() -> None:
    rows = tap_schema.rows(catalogue())
    described = {row["table_name"] for row in rows[tap_schema.Tables]}
    assert {"ivoa.obscore", "survey.target", "tap_schema.columns"} <= described
    assert {row["schema_name"] for row in rows[tap_schema.Schemas]} == set(SCHEMAS)
    assert len(rows[tap_schema.Columns]) == len(COLUMNS)


def test_what_the_archive_keeps_for_itself_is_not_published() -> None:
    names = {t.qualified for t in catalogue()}
    assert not [n for n in names if n.startswith(("jobs.", "archive.", "queue."))]
    assert "footprint_spoly" not in [c.name for _, c in COLUMNS]


def test_positions_and_footprints_are_known_to_be_indexed() -> None:
    indexed = {f"{t.qualified}.{c.name}" for t, c in COLUMNS if c.indexed}
    assert {"survey.pointing.ra", "survey.pointing.dec", "survey.pointing.footprint"} <= indexed


def test_a_type_without_a_votable_form_cannot_be_published() -> None:
    with pytest.raises(TypeError, match="cannot be published"):
        votable_type(JSONB())


def test_columns_can_be_asked_for_without_quotes() -> None:
    reserved = []
    for table, column in COLUMNS:
        try:
            translate(f"SELECT {column.name} FROM {table.qualified}", catalogue())
        except AdqlError:
            reserved.append(f"{table.qualified}.{column.name}")
    assert reserved == ["tap_schema.columns.size"]  # whose name the standard made so
