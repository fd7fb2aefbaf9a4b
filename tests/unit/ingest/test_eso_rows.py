"""Rows as ESO gives them become columns of the catalogue; what ESO writes for nothing becomes nothing."""

from datetime import datetime
from typing import Any

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from archive.errors import Refused
from ingest.eso_queries import Listing, belongs, check_programme, page
from ingest.eso_rows import frame, modified, plain, product

ROW: dict[str, Any] = {
    "dp_id": "MUSE.2018-01-25T07:19:50.461",
    "object": "NGC3627",
    "prog_id": "1100.B-0651(A)",
    "dp_cat": "SCIENCE",
    "dp_type": "OBJECT",
    "ins_mode": "WFM-NOAO-N",
    "date_obs": "2018-01-25T07:19:50.000",
    "exp_start": "2018-01-25T07:19:50.461Z",
    "s_region": "POLYGON J2000 1.0 2.0 3.0 2.0 3.0 4.0",
    "exposure": 645.0,
    "ob_id": 1755413,
    "tel_ambi_fwhm_start": -1.0,
    "tel_ambi_fwhm_end": 0.8,
    "ob_container_id": -999,
    "telescope": "Tel name not set",
    "pi_coi": "UNKNOWN",
    "release_date": "2019-01-25T10:00:00.000+01:00",
}


def test_a_row_tells_what_a_header_would() -> None:
    found = frame(ROW)
    assert (found["dp_id"], found["run_id"], found["programme_id"]) == (ROW["dp_id"], "1100.B-0651(A)", "1100.B-0651")
    assert (found["raw_tag"], found["ao_mode"], found["night"]) == ("OBJECT", "noAO", "2018-01-24")
    assert (found["exptime"], found["eso_ob_id"], found["dimm_fwhm_end"]) == (645.0, 1755413, 0.8)
    assert found["exp_start"] == datetime(2018, 1, 25, 7, 19, 50, 461000)
    assert found["public_from"] == datetime(2019, 1, 25, 9)
    assert found["footprint"] == [1.0, 2.0, 3.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("column", ["dimm_fwhm_start", "ob_container_id", "telescope", "pi_name", "ra", "tpl_start"])
def test_what_stands_for_nothing_becomes_nothing(column: str) -> None:
    assert frame(ROW)[column] is None


@pytest.mark.parametrize(
    "region", ["POSITION J2000 1 2", "POLYGON J2000 1 2 3", "POLYGON J2000 1 2 3 x 5 6", "", [1.0]]
)
def test_an_outline_that_is_none_is_left_out(region: object) -> None:
    assert frame({**ROW, "s_region": region})["footprint"] is None


@pytest.mark.parametrize("dp_id", [None, "", "../x", "a/b", "a b", "x" * 200, "a\0", "?id=1"])
def test_an_identifier_may_stand_in_an_address_and_name_a_file(dp_id: str | None) -> None:
    for read in (frame, product):
        with pytest.raises(Refused, match="is no identifier"):
            read({"dp_id": dp_id})


def test_a_table_of_astropy_becomes_plain_values() -> None:
    table = Table({"DP_ID": ["a", "b"], "n": MaskedColumn([1, 2], mask=[False, True]), "x": np.array([0.5, 1.5])})
    assert plain(table, table.colnames) == [{"dp_id": "a", "n": 1, "x": 0.5}, {"dp_id": "b", "n": None, "x": 1.5}]


def test_times_are_utc_without_a_zone() -> None:
    assert modified({"last_mod_date": "2020-01-02T03:04:05.678Z"}) == datetime(2020, 1, 2, 3, 4, 5, 678000)
    assert modified({"last_mod_date": "2020-01-02 03:04:05"}) == datetime(2020, 1, 2, 3, 4, 5)
    assert modified({}) is None


def test_queries_name_a_programme_and_a_moment_in_milliseconds() -> None:
    since = datetime(2020, 1, 2, 3, 4, 5, 678999)
    assert page(Listing.RAW, "106.20Y7", since=since, rows=5) == (
        "select top 5 * from ist.muse where (prog_id = '106.20Y7' or prog_id like '106.20Y7.%') "
        "and last_mod_date >= '2020-01-02T03:04:05.678' order by last_mod_date, dp_id"
    )
    with pytest.raises(Refused):
        page(Listing.RAW, "1100.B-0651' or 'a'='a", since=since, rows=5)


@pytest.mark.parametrize(
    "text",
    ["", "1100.B-0651(A)", "1100.B-0651' or '1'='1", "%", "1100.b-0651", "1100.B-0651\n", "60.A", "106.20Y7.001"],
    ids=range(8),
)
def test_only_programme_numbers_become_part_of_a_query(text: str) -> None:
    with pytest.raises(Refused, match="is no programme"):
        check_programme(text)


@pytest.mark.parametrize("text", ["1100.B-0651", "60.A-9100", "094.A-0859", "106.20Y7", "110.24AS"])
def test_programme_numbers_old_and_new(text: str) -> None:
    assert check_programme(text) == text


def test_a_product_of_several_runs_belongs_to_the_programmes_of_all() -> None:
    assert belongs('"1100.B-0651(A)","60.A-9100(B)"', "60.A-9100")
    assert belongs("110.24AS.002", "110.24AS")
    assert not belongs("160.A-9100(B)", "60.A-9100")
    assert not belongs(None, "60.A-9100")
