"""Pixel tables that the pipeline would misread without a word, each by one violation."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from archive.errors import Refused
from processing.esorex.frame import Frame
from processing.esorex.table_checks import check_ifus, check_tables
from tests.support.pixel_tables import Exposed, changed, split, with_card

TAG = "PIXTABLE_OBJECT"


def test_a_good_table_tells_what_is_in_it(exposed: Exposed) -> None:
    (table,) = check_tables(exposed.frames)
    assert table.date == exposed.exposures[0].date.isoformat(timespec="milliseconds")
    assert (table.rows, table.channel, table.mode) == (
        fits.getheader(exposed.tables[0], 1)["NAXIS2"],
        None,
        "WFM-NOAO-N",
    )
    assert table.ifus == {12, 13}
    assert table.wavelengths == pytest.approx((6560, 6590), abs=1.5)


def test_frames_without_tables_have_none_to_check(exposed: Exposed) -> None:
    assert check_tables(exposed.without(TAG)) == []


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("DATE-OBS", None, "DATE-OBS None has not 23 characters"),
        ("DATE-OBS", "2019-10-06T08:09:01", "has not 23 characters"),
        ("RA", 54, "RA is 54 and must have a decimal point"),
        ("RA", None, "RA is None and must have a decimal point"),
        ("DEC", -24, "DEC is -24 and must have a decimal point"),
        ("EXPTIME", 600, "EXPTIME is 600 and must have a decimal point"),
        ("ESO DRS MUSE PIXTABLE TYPE", "FULL", "TYPE is 'FULL', not 'GEOFULL'"),
        ("ESO DRS MUSE PIXTABLE MERGED", 24, "MERGED is 24, its rows are of 2 IFUs"),
        ("EXTNAME", "CHAN12", "without ESO DRS MUSE FLAT FLUX LAMP: the other IFUs would be left out"),
    ],
)
def test_a_card_that_the_pipeline_misreads_is_refused(
    exposed: Exposed, tmp_path: Path, keyword: str, value: str | float | None, reason: str
) -> None:
    path = with_card(exposed.tables[0], tmp_path / "table.fits", keyword, value)
    with pytest.raises(Refused, match=reason):
        check_tables([Frame(path, TAG)])


def _no_origin(hdus: fits.HDUList) -> None:
    del hdus["origin"]


def _short(hdus: fits.HDUList) -> None:
    hdus["stat"].data = hdus["stat"].data[:-1]


def _not_a_number(hdus: fits.HDUList) -> None:
    hdus["data"].data[3], hdus["dq"].data[3] = np.nan, 0


def _infinite_variance(hdus: fits.HDUList) -> None:
    hdus["stat"].data[3], hdus["dq"].data[3] = np.inf, 0


def _all_flagged(hdus: fits.HDUList) -> None:
    hdus["dq"].data[:] = 32


def _no_unit(hdus: fits.HDUList) -> None:
    del hdus["data"].header["BUNIT"]


def _two_units(hdus: fits.HDUList) -> None:
    hdus["xpos"].header["BUNIT"] = "rad"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_no_origin, "no extension origin"),
        (_short, "its columns have 13823, 13824 rows"),
        (_not_a_number, "data that is not flagged is no number"),
        (_infinite_variance, "stat that is not flagged is no number"),
        (_all_flagged, "all values are flagged"),
        (_no_unit, "data have no BUNIT"),
        (_two_units, "xpos and ypos are in 'rad' and 'pix', not in 'pix'"),
    ],
)
def test_columns_that_spoil_a_cube_are_refused(
    exposed: Exposed, tmp_path: Path, change: Callable[[fits.HDUList], None], reason: str
) -> None:
    path = changed(exposed.tables[0], tmp_path / "table.fits", change)
    with pytest.raises(Refused, match=reason):
        check_tables([Frame(path, TAG)])


def test_a_flagged_value_may_be_no_number(exposed: Exposed, tmp_path: Path) -> None:
    def change(hdus: fits.HDUList) -> None:
        hdus["data"].data[3], hdus["dq"].data[3] = np.nan, 32

    check_tables([Frame(changed(exposed.tables[0], tmp_path / "table.fits", change), TAG)])


def test_the_tag_says_which_units_a_table_must_have(exposed: Exposed) -> None:
    with pytest.raises(Refused, match="are in 'pix' and 'pix', not in 'rad'"):
        check_tables([Frame(exposed.tables[0], "PIXTABLE_REDUCED")])


def test_exposures_of_one_date_are_refused(exposed: Exposed, tmp_path: Path) -> None:
    date = fits.getheader(exposed.tables[0])["DATE-OBS"]
    twin = with_card(exposed.tables[1], tmp_path / "twin.fits", "DATE-OBS", date)
    with pytest.raises(Refused, match=f"two tables are of DATE-OBS {date}"):
        check_tables([exposed.table, Frame(twin, TAG)])
    assert len(check_tables([Frame(path, TAG) for path in exposed.tables])) == 2


def test_exposures_on_both_sides_of_right_ascension_0_are_refused(exposed: Exposed, tmp_path: Path) -> None:
    frames = [
        Frame(with_card(table, tmp_path / f"{ra}.fits", "RA", ra), TAG)
        for table, ra in zip(exposed.tables, (0.001, 359.999), strict=True)
    ]
    with pytest.raises(Refused, match="both sides of right ascension 0"):
        check_tables(frames)


def test_tables_of_single_ifus_belong_to_one_exposure(exposed: Exposed, tmp_path: Path) -> None:
    tables = check_tables([Frame(path, TAG) for path in split(exposed.tables[0], tmp_path)])
    assert [(table.channel, sorted(table.ifus)) for table in tables] == [(12, [12]), (13, [13])]
    check_ifus(tables, 2)


def test_a_table_of_another_ifu_than_its_name_is_refused(exposed: Exposed, tmp_path: Path) -> None:
    first = split(exposed.tables[0], tmp_path)[0]
    path = with_card(first, tmp_path / "other.fits", "EXTNAME", "CHAN13")
    with pytest.raises(Refused, match="it is of IFU 13, its rows are of 12"):
        check_tables([Frame(path, TAG)])


def test_one_table_of_all_ifus_and_one_of_a_single_ifu_are_refused(exposed: Exposed, tmp_path: Path) -> None:
    first = split(exposed.tables[0], tmp_path)[0]
    with pytest.raises(Refused, match="a table of several IFUs and one of a single IFU"):
        check_tables([exposed.table, Frame(first, TAG)])


def test_a_missing_ifu_is_counted_and_named(exposed: Exposed, tmp_path: Path) -> None:
    first, _ = split(exposed.tables[0], tmp_path)
    with pytest.raises(Refused, match="has 1 of 2 IFUs"):
        check_ifus(check_tables([Frame(first, TAG)]), 2)
    with pytest.raises(Refused, match="has 2 of 24 IFUs, not 1, 2, 3"):
        check_ifus(check_tables([exposed.table]), 24)


def test_a_file_that_is_no_fits_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.fits"
    path.write_text("no table")
    with pytest.raises(Refused, match="table.fits"):
        check_tables([Frame(path, TAG)])
