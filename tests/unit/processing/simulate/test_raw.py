"""Raw frames: where light falls on the detectors, how they are read out, and what headers say."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from archive.errors import Refused
from ingest.raw_frame import read_raw_frame
from processing.simulate import raw
from processing.simulate.raw_chip import QUADRANTS, RAW_COLUMNS, RAW_ROWS, read_out
from processing.simulate.raw_geometry import COLUMNS, ROWS, SLICE_ORDER, along, ifu_of, middle
from processing.simulate.raw_lamps import LAMPS, LINES, arc
from processing.simulate.raw_light import Lamplight, OnSky, electrons, extinction
from processing.simulate.raw_static import write_static
from tests.support.raw_light import CENTRE, LEVEL, STARS, START, light, looks, night


def test_the_slices_of_an_ifu_lie_beside_each_other_on_the_detector_and_fill_its_rows_on_the_sky() -> None:
    ifu = ifu_of(7)
    middles = np.array([each.middles() for each in ifu.slices])
    assert middles.min() - 38.25 > 21
    assert middles.max() + 38.25 < COLUMNS
    assert (np.diff(middles, axis=0) > 80).all()
    assert sorted(SLICE_ORDER) == list(range(1, 49))
    rows = {round(each.y - (ifu.number - 1) * 12 + 143.5) for each in ifu.slices}
    assert rows == set(range(12))


def test_wavelengths_grow_upwards_as_the_pipeline_wants_them() -> None:
    each = ifu_of(1).slices[20]
    wavelengths = each.wavelengths(each.across())
    assert (np.diff(wavelengths, axis=0) > 0).all()
    assert np.diff(wavelengths, axis=0).mean() == pytest.approx(1.25, rel=0.05)
    assert wavelengths.min() < 4650
    assert wavelengths.max() > 9350


def test_the_instrument_is_the_same_every_time_and_every_ifu_another() -> None:
    assert ifu_of(3) == ifu_of(3)
    assert ifu_of(3).slices[0].centre != ifu_of(4).slices[0].centre


def test_there_is_no_twenty_fifth_ifu() -> None:
    with pytest.raises(ValueError, match="no IFU 25"):
        ifu_of(25)


def test_the_middle_of_two_ifus_lies_between_them() -> None:
    _, y = middle([ifu_of(1), ifu_of(2)])
    assert y == pytest.approx(-132.0, abs=0.3)


def test_a_star_falls_where_its_place_on_the_sky_says() -> None:
    ifus = [ifu_of(1), ifu_of(2)]
    centre = middle(ifus)
    look = looks()[1]
    source = OnSky(look.true, CENTRE, centre, light, lambda w: 0 * w, 645.0, 1.2, "WFM-NOAO-N")
    x, y = -STARS[1][0] / 0.2 + centre[0], STARS[1][1] / 0.2 + centre[1]
    nearest = min((each for ifu in ifus for each in ifu.slices), key=lambda s: np.hypot((x - s.x) / 40, y - s.y))
    wavelengths, seen = source.at(nearest)
    places = np.arange(len(seen)) - (len(seen) - 1) / 2
    row = int(np.searchsorted(wavelengths, 6000))
    profile = seen[:, row] - np.median(seen[:, row])
    assert (places * profile).sum() / profile.sum() + nearest.x == pytest.approx(x, abs=0.1)
    assert along(np.array([10.0]))[0] == pytest.approx(-10 / 76.5 * 75)


def test_light_becomes_electrons_by_response_and_extinction() -> None:
    def even(east: np.ndarray, _north: np.ndarray, wavelengths: np.ndarray) -> np.ndarray:
        return np.full((east.size, wavelengths.size), LEVEL)

    source = OnSky(looks()[1].true, CENTRE, (0.0, 0.0), even, lambda w: 0 * w, 600.0, 1.0, "WFM-AO-N")
    wavelengths, seen = source.at(ifu_of(1).slices[0])
    at = int(np.searchsorted(wavelengths, 6900))
    dimmed = 10 ** (-0.4 * extinction(np.array([6900.0])))
    assert seen[0, at] == pytest.approx(LEVEL * 4e16 * 1e-20 * 600 * 1.25 * dimmed[0], rel=2e-3)
    notch = (wavelengths > 5810) & (wavelengths < 5960)
    assert (seen[:, notch] == 0).all()


def test_a_line_of_a_lamp_has_its_electrons_in_every_column() -> None:
    neon = LAMPS[0]
    each = ifu_of(1).slices[10]
    image = electrons(ifu_of(1), Lamplight(lambda w: arc(neon, w)))
    column = round(float(each.middles()[2000]))
    wavelengths = each.wavelengths(each.across())[:, column - each.columns.start]
    line = next(line for line in LINES if line.wavelength == 7032.413)
    near = np.abs(wavelengths - line.wavelength) < 8
    # Rows are not quite 1.25 Angstrom, for which the light is told.
    assert image[near, column].sum() == pytest.approx(line.electrons * each.throughput, rel=0.05)


def test_lines_of_the_catalogue_are_in_order_and_apart() -> None:
    wavelengths = np.array([line.wavelength for line in LINES])
    assert (np.diff(wavelengths) > 1.5).all()
    assert len(LINES) > 60
    assert {ion for lamp in LAMPS for ion in lamp.ions} == {line.ion for line in LINES}


def test_the_read_out_keeps_level_gain_and_noise_of_each_quadrant() -> None:
    seen = read_out(np.full((ROWS, COLUMNS), 5000.0, np.float32), np.random.default_rng(1))
    assert seen.shape == (RAW_ROWS, RAW_COLUMNS) == (4240, 4224)
    for quadrant in QUADRANTS:
        part = seen[quadrant.rows, quadrant.columns].astype(float)
        overscan = np.concatenate([part[:, :32].ravel(), part[:, -32:].ravel()])
        assert overscan.mean() == pytest.approx(quadrant.bias, abs=0.1)
        assert overscan.std() == pytest.approx(quadrant.noise / quadrant.gain, rel=0.02)
        lit = part[40:-40, 40:-40]
        assert (lit.mean() - quadrant.bias) * quadrant.gain == pytest.approx(5000, rel=1e-3)
        assert lit.var() * quadrant.gain**2 == pytest.approx(5000 + quadrant.noise**2, rel=0.02)


def test_frames_are_as_the_archive_and_the_pipeline_want_them(tmp_path: Path) -> None:
    ifus = [ifu_of(5)]
    (path,) = raw.write_looks(tmp_path, looks()[:1], ifus, seed=1)
    assert path.name == "MUSE.2018-01-20T01:16:43.461.fits.fz"
    frame = read_raw_frame(path)
    assert frame.dp_id == "MUSE.2018-01-20T01:16:43.461"
    assert (frame.facts["raw_tag"], frame.facts["tpl_start"], frame.facts["channels_live"]) == ("SKY", START, 1)
    with fits.open(path) as hdus:
        assert hdus[0].header["SIMULATE"] is True
        assert all(isinstance(hdus[0].header[word], float) for word in ("RA", "DEC", "EXPTIME", "LST"))
        assert hdus["CHAN05"].header["ESO DET OUT3 X"] == COLUMNS
        assert hdus["CHAN05"].data.dtype == np.uint16


def test_calibrations_that_come_as_files_are_taken_by_the_archive(tmp_path: Path) -> None:
    paths = write_static(tmp_path, START, ins_mode="WFM-NOAO-N", seed=1)
    frames = [read_raw_frame(path) for path in paths]
    assert all(frame.master for frame in frames)
    assert len({frame.dp_id for frame in frames}) == len(paths)
    assert {"LINE_CATALOG", "GEOMETRY_TABLE", "STD_RESPONSE"} <= {frame.facts["tag"] for frame in frames}


def test_no_ifu_and_one_that_does_not_exist_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no IFU is chosen"):
        list(raw.write_raw(tmp_path / "none", night(), looks(), []))
    with pytest.raises(Refused, match="no IFU 30"):
        list(raw.write_raw(tmp_path / "other", night(), looks(), [30]))


def test_a_folder_that_holds_something_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(Refused, match="folder of their own"):
        list(raw.write_raw(tmp_path, night(), looks(), [1]))
