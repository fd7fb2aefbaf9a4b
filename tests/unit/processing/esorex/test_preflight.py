"""Frames that the pipeline would go on without, each by one violation."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from archive.errors import Refused
from processing.esorex.frame import Frame, set_of_frames
from processing.esorex.grid import cutout, write_output_wcs
from processing.esorex.preflight import check
from processing.esorex.recipe import Recipe
from tests.support.pixel_tables import Exposed, changed, with_card, write_offsets
from tests.support.simulations import GALAXY

CENTRE = (GALAXY.ra, GALAXY.dec)


def scipost(**parameters: Any) -> Recipe:
    given = {"skymethod": "subtract-model", **parameters}
    return Recipe("muse_scipost", {"DATACUBE_FINAL": 1}, given)


@pytest.fixture
def grid(exposed: Exposed, tmp_path: Path) -> Path:
    path = tmp_path / "grid.fits"
    write_output_wcs(path, cutout([fits.getheader(exposed.tables[0])], CENTRE, (0.0, 0.0), 0.0))
    return path


def test_frames_that_are_whole_are_taken(exposed: Exposed, tmp_path: Path, grid: Path) -> None:
    offsets = write_offsets(tmp_path / "offsets.fits", exposed.exposures)
    frames = [*exposed.frames, Frame(offsets, "OFFSET_LIST"), Frame(grid, "OUTPUT_WCS")]
    checked = check(scipost(), frames)
    assert (checked.rows, sorted(checked.ifus)) == (13824, [12, 13])
    assert checked.voxels == np.prod(cutout([fits.getheader(exposed.tables[0])], CENTRE, (0.0, 0.0), 0.0).shape)


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("PIXTABLE_OBJECT", "no pixel table"),
        ("ASTROMETRY_WCS", "no ASTROMETRY_WCS: places on the sky"),
        ("SKY_CONTINUUM", "no SKY_CONTINUUM: no continuum"),
        ("SKY_LINES", "no SKY_LINES: no line"),
        ("LSF_PROFILE", "no LSF_PROFILE: no line"),
    ],
)
def test_what_a_sky_subtraction_needs_must_be_there(exposed: Exposed, tag: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        check(scipost(), exposed.without(tag))


def test_without_a_sky_model_no_sky_is_needed(exposed: Exposed) -> None:
    frames = [frame for frame in exposed.frames if frame.tag in {"PIXTABLE_OBJECT", "ASTROMETRY_WCS"}]
    assert check(scipost(skymethod="none"), frames).rows == 13824


def _cut(hdus: fits.HDUList) -> None:
    hdus["CONTINUUM"].data = hdus["CONTINUUM"].data[10:20]


def _not_a_number(hdus: fits.HDUList) -> None:
    hdus["CONTINUUM"].data["flux"][4] = np.nan


def _renamed(hdus: fits.HDUList) -> None:
    hdus["CONTINUUM"].name = "SKY"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_cut, "Angstrom, the exposure from 65.*: it would be cut"),
        (_not_a_number, "some that are no numbers"),
        (_renamed, "no extension CONTINUUM"),
    ],
)
def test_a_sky_continuum_covers_the_exposure(
    exposed: Exposed, tmp_path: Path, change: Callable[[fits.HDUList], None], reason: str
) -> None:
    short = changed(exposed.sky[0].path, tmp_path / "short.fits", change)
    with pytest.raises(Refused, match=reason):
        check(scipost(), [*exposed.without("SKY_CONTINUUM"), Frame(short, "SKY_CONTINUUM")])


def test_a_sky_continuum_may_be_as_short_as_what_is_reduced(exposed: Exposed, tmp_path: Path) -> None:
    short = changed(exposed.sky[0].path, tmp_path / "short.fits", _cut)
    frames = [*exposed.without("SKY_CONTINUUM"), Frame(short, "SKY_CONTINUUM")]
    assert check(scipost(lambdamin=6569.0, lambdamax=6579.0), frames).rows == 13824


@pytest.mark.parametrize(
    ("leave_out", "columns", "reason"),
    [
        ("DEC_OFFSET", {}, "has no column DEC_OFFSET"),
        ("", {"DATE_OBS": ["2019-10-06T08:09:01", "x"]}, "has 0 lines for DATE-OBS"),
        ("", {"DATE_OBS": ["2019-10-06T08:09:01.500"] * 2}, "has 2 lines for DATE-OBS"),
        ("", {"RA_OFFSET": [np.nan, 0.0]}, "no number: it would not be moved"),
    ],
)
def test_every_exposure_has_its_line_in_a_list_of_offsets(
    exposed: Exposed, tmp_path: Path, leave_out: str, columns: Mapping[str, Any], reason: str
) -> None:
    path = write_offsets(tmp_path / "offsets.fits", exposed.exposures, leave_out=leave_out, **columns)
    with pytest.raises(Refused, match=reason):
        check(scipost(), [*exposed.frames, Frame(path, "OFFSET_LIST")])


def test_a_list_of_offsets_is_a_table(exposed: Exposed, tmp_path: Path) -> None:
    fits.PrimaryHDU().writeto(tmp_path / "offsets.fits")
    with pytest.raises(Refused, match="has no column DATE_OBS, RA_OFFSET, DEC_OFFSET"):
        check(scipost(), [*exposed.frames, Frame(tmp_path / "offsets.fits", "OFFSET_LIST")])


def _axes(**cards: Any) -> fits.Header:
    scale = 0.2 / 3600
    header = {
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CTYPE3": "AWAV", "CRVAL1": GALAXY.ra, "CRVAL2": GALAXY.dec,
        "CRVAL3": 6560.0, "CRPIX1": 20.0, "CRPIX2": 20.0, "CRPIX3": 1.0, "CD1_1": -scale, "CD1_2": 0.0, "CD2_1": 0.0,
        "CD2_2": scale, "CD3_3": 1.25,
    }  # fmt: skip
    return fits.Header({name: value for name, value in {**header, **cards}.items() if value is not None})


@pytest.mark.parametrize(
    ("cards", "reason"),
    [
        (
            {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN"},
            "axes RA---SIN, DEC--SIN, AWAV: the pipeline would take its own",
        ),
        ({"CTYPE3": "VELO"}, "the pipeline would take its own"),
        ({"CRVAL3": 6560}, "CRVAL3 is 6560 and must have a decimal point"),
        ({"CD1_1": None, "PC1_1": -0.2 / 3600}, "CD1_1 is None"),
        ({"CRVAL1": 359.0}, "both sides of right ascension 0"),
    ],
)
def test_a_grid_in_another_form_is_refused(
    exposed: Exposed, tmp_path: Path, cards: Mapping[str, Any], reason: str
) -> None:
    empty = fits.ImageHDU(np.zeros((4, 5, 6), np.float32), _axes(**cards))
    fits.HDUList([fits.PrimaryHDU(), empty]).writeto(tmp_path / "grid.fits")
    with pytest.raises(Refused, match=reason):
        check(scipost(), [*exposed.frames, Frame(tmp_path / "grid.fits", "OUTPUT_WCS")])


def test_a_grid_needs_pixels(exposed: Exposed, tmp_path: Path) -> None:
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(None, _axes(WCSAXES=3))]).writeto(tmp_path / "grid.fits")
    with pytest.raises(Refused, match="0 axes of pixels, not 2 or 3"):
        check(scipost(), [*exposed.frames, Frame(tmp_path / "grid.fits", "OUTPUT_WCS")])
    fits.PrimaryHDU().writeto(tmp_path / "nothing.fits")
    with pytest.raises(Refused, match="has no axes"):
        check(scipost(), [*exposed.frames, Frame(tmp_path / "nothing.fits", "OUTPUT_WCS")])


def test_a_grid_may_leave_wavelengths_to_the_pipeline(exposed: Exposed, tmp_path: Path) -> None:
    flat = fits.ImageHDU(np.zeros((5, 6), np.uint8), _axes(CTYPE3=None, CRVAL3=None, CRPIX3=None, CD3_3=None))
    fits.HDUList([fits.PrimaryHDU(), flat]).writeto(tmp_path / "grid.fits")
    assert check(scipost(), [*exposed.frames, Frame(tmp_path / "grid.fits", "OUTPUT_WCS")]).voxels is None


def test_a_filter_must_be_in_a_list(exposed: Exposed, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no FILTER_LIST has the filter SDSS_r"):
        check(scipost(filter="white,SDSS_r"), exposed.frames)
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(name="SDSS_r")]).writeto(tmp_path / "filters.fits")
    frames = [*exposed.frames, Frame(tmp_path / "filters.fits", "FILTER_LIST")]
    check(scipost(filter="white,SDSS_r"), frames)
    with pytest.raises(Refused, match="the filter SDSS_g: its image"):
        check(scipost(filter="SDSS_g,SDSS_r"), frames)


def test_a_response_of_another_mode_is_refused(exposed: Exposed, tmp_path: Path) -> None:
    response = fits.PrimaryHDU()
    response.header["HIERARCH ESO INS MODE"] = "WFM-AO-N"
    response.writeto(tmp_path / "response.fits")
    with pytest.raises(Refused, match="of mode WFM-AO-N, the exposure of WFM-NOAO-N"):
        check(scipost(), [*exposed.frames, Frame(tmp_path / "response.fits", "STD_RESPONSE")])


def test_a_missing_ifu_is_refused(exposed: Exposed) -> None:
    with pytest.raises(Refused, match="has 2 of 24 IFUs"):
        check(Recipe("muse_scipost", {}, {"skymethod": "none"}, ifus=24), exposed.frames)


def test_a_cube_that_takes_more_memory_than_there_is_is_refused(exposed: Exposed, tmp_path: Path) -> None:
    header = fits.Header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 3, "NAXIS1": 50_000, "NAXIS2": 50_000, "NAXIS3": 400})
    header.update(_axes())
    with (tmp_path / "grid.fits").open("wb") as file:  # of holes
        file.write(header.tostring().encode())
        file.truncate(file.tell() + -(-(10**12) // 2880) * 2880)
    with pytest.raises(Refused, match="13824 rows of pixel tables take 11444.* MB of memory, this machine has"):
        check(scipost(), [*exposed.frames, Frame(tmp_path / "grid.fits", "OUTPUT_WCS")])


@pytest.mark.parametrize("name", ["with blank.fits", "with$HOME.fits"])
def test_paths_that_esorex_reads_otherwise_are_refused(exposed: Exposed, tmp_path: Path, name: str) -> None:
    path = with_card(exposed.tables[0], tmp_path / name, "OBJECT", "NGC1385")
    with pytest.raises(Refused, match="no blanks and no"):
        set_of_frames([Frame(path, "PIXTABLE_OBJECT")])


def test_a_frame_needs_a_tag_and_a_file(exposed: Exposed, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="'' is no tag"):
        set_of_frames([Frame(exposed.tables[0], "")])
    with pytest.raises(Refused, match="there is no such file"):
        set_of_frames([Frame(tmp_path / "gone.fits", "PIXTABLE_OBJECT")])
