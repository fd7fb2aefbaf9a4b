"""Alignments as files: what is written comes back to the last digit, in the columns that the pipeline reads."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits

from processing.aligning import Band
from processing.alignment_file import AlignmentRecord, read, write, write_offsets

MEASURED = AlignmentRecord(
    dp_id="MUSE.2019-10-06T08:09:01.500",
    date_obs="2019-10-06T08:09:01.500",
    mjd_obs=58762.33960069444,
    filter="Cousins_R",
    reference_id="NGC1385_REFERENCE_Cousins_R",
    ra_offset=1 / 3 * 1e-4,
    dec_offset=-2 / 7 * 1e-4,
    rotation=0.1 + 0.2,
    flux_scale=1.0123456789012345,
    background=-3.21,
    sky_level=71.3,
    sky_factor=1.0444,
    quality="good",
    origin="measured",
    offset_error=0.004,
    rotation_error=0.002,
    flux_scale_error=0.003,
    background_error=0.1,
    sky_factor_error=0.001,
    correlation=0.998,
    significance=41.5,
    n_chunks=61,
    n_rejected=0,
    chi2=1.07,
    trails=(
        Band((54.3691, -24.5001), (54.3777, -24.4901), 2.4, 33.1),
        Band((359.9999, -24.5), (0.0001, -24.49), 3.0),
    ),
)
BY_HAND = AlignmentRecord(
    dp_id="MUSE.2019-10-06T08:20:11.001",
    date_obs="2019-10-06T08:20:11.001",
    mjd_obs=58762.3473,
    filter="Cousins_R",
    reference_id="NGC1385_REFERENCE_Cousins_R",
    ra_offset=0.0,
    dec_offset=0.0,
    rotation=0.0,
    flux_scale=1.0,
    background=0.0,
    sky_level=71.3,
    sky_factor=1.0,
    quality="offset flux sky",
    origin="by hand",
    note="by the bright star",
)


def stored(path: Path, record: AlignmentRecord, **given: Any) -> Path:
    target = io.BytesIO()
    write(record, target, **given)
    path.write_bytes(target.getvalue())
    return path


@pytest.mark.parametrize("record", [MEASURED, BY_HAND], ids=["measured", "by hand"])
def test_what_is_written_comes_back_to_the_last_digit(tmp_path: Path, record: AlignmentRecord) -> None:
    assert read(stored(tmp_path / "a.fits", record)) == record


def test_the_same_alignment_makes_the_same_file(tmp_path: Path) -> None:
    first, second = (fits.open(stored(tmp_path / name, MEASURED)) for name in ("a.fits", "b.fits"))
    with first, second:
        assert [hdu.header.get("DATASUM") for hdu in first] == [hdu.header.get("DATASUM") for hdu in second]
        assert not fits.FITSDiff(first, second, ignore_keywords=["CHECKSUM", "DATASUM"]).diff_hdus


def test_the_file_is_whole_and_says_what_it_is_of(tmp_path: Path) -> None:
    with fits.open(stored(tmp_path / "a.fits", MEASURED), checksum=True) as hdus:  # a wrong sum is a warning
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "OFFSETS", "TRAILS"]
        assert hdus[0].header["ARCFILE"] == f"{MEASURED.dp_id}.fits"
        assert "SIMULATE" not in hdus[0].header
    assert fits.getheader(stored(tmp_path / "s.fits", MEASURED, simulated=True))["SIMULATE"] is True


def test_the_list_of_offsets_has_what_the_pipeline_reads_of_each_exposure(tmp_path: Path) -> None:
    short = replace(BY_HAND, note=None, dp_id="MUSE.a")
    write_offsets([MEASURED, short], tmp_path / "offsets.fits")
    with fits.open(tmp_path / "offsets.fits") as hdus:
        table, header = hdus[1].data, hdus[1].header
        assert list(table["DATE_OBS"]) == [MEASURED.date_obs, short.date_obs]
        assert list(table["RA_OFFSET"]) == [MEASURED.ra_offset, 0.0]
        assert list(table["FLUX_SCALE"]) == [MEASURED.flux_scale, 1.0]
        columns = {header[f"TTYPE{n}"]: n for n in range(1, header["TFIELDS"] + 1)}
        forms = {name: header[f"TFORM{columns[name]}"] for name in ("DATE_OBS", "MJD_OBS", "RA_OFFSET", "DEC_OFFSET")}
        assert forms == {"DATE_OBS": "23A", "MJD_OBS": "D", "RA_OFFSET": "D", "DEC_OFFSET": "D"}
        assert header[f"TUNIT{columns['RA_OFFSET']}"] == "deg"
        assert list(table["DP_ID"]) == [MEASURED.dp_id, short.dp_id]
