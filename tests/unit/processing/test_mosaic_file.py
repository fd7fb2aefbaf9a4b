"""Mosaics from file to file: what is written block by block is what the exposures give all at once, and is whole."""

import io
import tracemalloc
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from archive.cube import Cube
from archive.errors import Refused
from processing.cube_file import CubeFile
from processing.exposure_stack import ExposureCube, ExposureStack
from processing.mosaic_cards import combination_cards, common_drops
from processing.mosaic_file import combined
from processing.phase3 import fitsverify
from processing.science.drizzle_noise import Drops
from processing.science.mosaic import SURVEY, Combination, Weighting
from processing.science.overlaps import Overlap, Overlaps
from tests.support import exposure_cubes
from tests.support.disks import small_disk

Floats = NDArray[np.float32]


def write_mosaic(
    cubes: Sequence[ExposureCube], target: BinaryIO, *, depth: int | None = None, overlaps: bool = False
) -> tuple[Overlap, ...]:
    """Combine exposures into a file."""
    with ExposureStack(cubes) as stack:
        combination = Combination(
            stack.footprints(),
            [each.exptime for each in cubes],
            stack.shape[1:],
            depth=depth or stack.depth(),
        )
        compared = Overlaps(stack.footprints()) if overlaps else None
        headers = dict.fromkeys(("DATA", "STAT", "DQ"), stack.axes())
        cards = combination_cards(combination.weighting, combination.clipping, common_drops(stack.primaries))
        with CubeFile(target, cards, headers, stack.shape) as file:
            for _ in combined(stack, combination, file, overlaps=compared, threads=2):
                pass
        return () if compared is None else compared.results()


def mosaic_of(cubes: Sequence[ExposureCube], **how: Any) -> bytes:
    target = io.BytesIO()
    write_mosaic(cubes, target, **how)
    return target.getvalue()


def opened(content: bytes) -> fits.HDUList:
    """Open a file, whose checksums must be right."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return fits.open(io.BytesIO(content), checksum=True)


def test_a_mosaic_is_where_its_exposures_are_and_has_what_they_have(tmp_path: Path) -> None:
    data = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
    one = exposure_cubes.write(tmp_path / "one.fits", data, np.full_like(data, 2), corner=(5, 1))
    other = exposure_cubes.write(tmp_path / "other.fits", data + 100, np.full_like(data, 6), corner=(-2, 3))
    with opened(mosaic_of([one, other])) as hdus:
        assert [(hdu.name, hdu.header["BITPIX"]) for hdu in hdus] == [
            ("PRIMARY", 8),
            ("DATA", -32),
            ("STAT", -32),
            ("DQ", 8),
        ]
        assert hdus["DATA"].data.shape == (2, 5, 11)
        assert (hdus["DATA"].data[:, 0:3, 7:11] == data).all()
        assert (hdus["DATA"].data[:, 2:5, 0:4] == data + 100).all()
        assert (hdus["STAT"].data[:, 2:5, 0:4] == 6).all()
        seen = np.isfinite(hdus["DATA"].data)
        assert seen.sum() == 2 * 2 * 12
        assert (hdus["DQ"].data == ~seen).all()
        assert np.isnan(hdus["STAT"].data[~seen]).all()
        for name in ("DATA", "STAT", "DQ"):
            assert (hdus[name].header["CRPIX1"], hdus[name].header["CRPIX2"]) == (10 + 2, 20 - 1)


@pytest.mark.parametrize("depth", [1, 2, 3, 100])
def test_how_many_planes_pass_at_a_time_makes_no_difference_to_any_byte(tmp_path: Path, depth: int) -> None:
    cubes = exposure_cubes.dithered(tmp_path, planes=7, side=11)  # planes of an odd number of bytes
    assert mosaic_of(cubes, depth=depth) == mosaic_of(cubes)


def test_the_file_is_clean_to_fitsverify_and_a_cube_to_the_archive(tmp_path: Path) -> None:
    cubes = exposure_cubes.dithered(tmp_path)
    path = tmp_path / "mosaic.fits"
    path.write_bytes(mosaic_of(cubes, depth=2))
    if fitsverify.is_installed():
        assert fitsverify.verify(path).messages == ()
    with Cube(path) as cube, Cube(cubes[0].path) as first:
        assert cube.wavelengths.tolist() == first.wavelengths.tolist()
        sky, same = cube.celestial.pixel_to_world(0, 0), first.celestial.pixel_to_world(0, 0)
        assert sky.separation(same).arcsec < 1e-6


def test_the_header_tells_how_it_was_combined_and_what_sums_must_expect(tmp_path: Path) -> None:
    cubes = exposure_cubes.dithered(tmp_path)
    with opened(mosaic_of(cubes)) as hdus:
        said = {
            card.keyword.removeprefix("ESO DRS MUSE MOSAIC "): card.value
            for card in hdus[0].header.cards
            if "MOSAIC" in card.keyword
        }
    assert said == {
        "WEIGHT": "exposure time",
        "CLIP ROUNDS": 2,
        "CLIP LIMIT": 5.0,
        "CLIP LEAST": 2,
        "CLIP NOISE": 0.0,
        "DROP SKY": 0.8,
        "DROP WAVE": 0.8,
        "NOISE PLANE": 1.3636,
        "NOISE LONG": 1.5924,
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Drops(0.8, 0.8)),
        ({"HIERARCH ESO PRO REC1 PARAM9 VALUE": "0.6"}, Drops(0.6, 0.6)),
        ({"HIERARCH ESO PRO REC1 PARAM9 VALUE": "0.6,0.7"}, Drops(0.6, 0.7)),
        ({"HIERARCH ESO PRO REC1 PARAM9 VALUE": "much"}, None),
        ({"HIERARCH ESO PRO REC1 PARAM9 VALUE": "1.5"}, None),
        ({"HIERARCH ESO PRO REC1 PARAM2 VALUE": "nearest"}, None),
        ({"HIERARCH ESO PRO REC1 PARAM9 NAME": "other"}, None),
    ],
)
def test_the_drops_are_those_that_the_pipeline_tells_of(changes: dict[str, str], expected: Drops | None) -> None:
    header = fits.Header({**exposure_cubes.PIPELINE, **changes})
    assert common_drops([header, header]) == expected


def test_of_exposures_with_different_drops_nothing_is_said() -> None:
    other = fits.Header({**exposure_cubes.PIPELINE, "HIERARCH ESO PRO REC1 PARAM9 VALUE": "0.5"})
    assert common_drops([fits.Header(exposure_cubes.PIPELINE), other]) is None
    cards = combination_cards(Weighting.NONE, SURVEY, None)
    assert not [keyword for keyword in cards if "DROP" in keyword or "NOISE LONG" in keyword]


def test_exposures_are_compared_where_they_overlap(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    cubes = []
    for number, (corner, level) in enumerate([((0, 0), 50.0), ((10, 0), 50.0), ((0, 10), 53.0), ((90, 90), 50.0)]):
        data = rng.normal(level, 3, (6, 30, 30)).astype(np.float32)
        path = tmp_path / f"{number}.fits"
        cubes.append(exposure_cubes.write(path, data, np.full_like(data, 9), corner=corner))
    found = {(each.first, each.second): each for each in write_mosaic(cubes, io.BytesIO(), depth=4, overlaps=True)}
    assert set(found) == {(0, 1), (0, 2), (1, 2)}
    assert found[0, 1].values == 6 * 30 * 20
    assert found[0, 1].median == pytest.approx(0, abs=0.06)
    assert found[0, 2].median == pytest.approx(-3 / np.sqrt(18), abs=0.06)
    assert all(each.scatter == pytest.approx(1, abs=0.06) for each in found.values())


def test_an_exposure_that_begins_some_planes_later_is_put_where_it_belongs(tmp_path: Path) -> None:
    data = np.arange(4 * 3 * 4, dtype=np.float32).reshape(4, 3, 4)
    early = exposure_cubes.write(tmp_path / "early.fits", data, np.ones_like(data))
    late = exposure_cubes.write(tmp_path / "late.fits", data, np.ones_like(data), CRVAL3=5300.0 + 2 * 1.25)
    for depth in (1, 4, 6):
        with opened(mosaic_of([late, early], depth=depth)) as hdus:
            assert hdus["DATA"].header["CRVAL3"] == 5300
            made = hdus["DATA"].data
            assert (made[:2] == data[:2]).all()
            assert (made[4:] == data[2:]).all()
            assert made[2:4] == pytest.approx((data[2:] + data[:2]) / 2)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"CRVAL1": 53.5}, "other is on another grid: CRVAL1 is 53.5, elsewhere 53.4015"),
        ({"CD1_1": -0.3 / 3600}, "other is on another grid: CD1_1"),
        ({"CD2_1": 1e-6}, "other is on another grid: CD2_1"),
        ({"CTYPE3": "WAVE"}, "other is on another grid: CTYPE3 is WAVE"),
        ({"CD3_3": 2.5}, "other is on another grid: CD3_3"),
        ({"CRPIX1": 10.3}, "other misses the grid by 0.300 pixels"),
        ({"CRVAL3": 5300.6}, "other misses the grid by 0.480 pixels"),
        ({"BUNIT": "adu"}, "other is in adu, the others in "),
    ],
)
def test_an_exposure_on_another_grid_is_refused_by_its_name(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    data = np.ones((2, 3, 4), np.float32)
    one = exposure_cubes.write(tmp_path / "one.fits", data, data)
    other = exposure_cubes.write(tmp_path / "other.fits", data, data, **changes)
    with pytest.raises(Refused) as refused:
        mosaic_of([one, other])
    assert reason in str(refused.value)


def test_an_exposure_without_variance_is_refused_by_its_name(tmp_path: Path) -> None:
    data = np.ones((2, 3, 4), np.float32)
    one = exposure_cubes.write(tmp_path / "one.fits", data, data)
    other = exposure_cubes.write(tmp_path / "other.fits", data, None)
    with pytest.raises(Refused, match=r"other.* has no variance"):
        mosaic_of([one, other])


@pytest.mark.parametrize("make", [lambda path: path.write_text("no"), lambda path: path.write_bytes(b"")])
def test_what_is_no_cube_is_refused_by_its_name(tmp_path: Path, make: Callable[[Path], object]) -> None:
    data = np.ones((2, 3, 4), np.float32)
    one = exposure_cubes.write(tmp_path / "one.fits", data, data)
    make(tmp_path / "other.fits")
    with pytest.raises(Refused, match="other is no cube"):
        mosaic_of([one, ExposureCube("other", tmp_path / "other.fits", 600.0)])


def test_a_file_that_becomes_shorter_meanwhile_ends_in_an_error(tmp_path: Path) -> None:
    cubes = exposure_cubes.dithered(tmp_path, planes=40)
    with ExposureStack(cubes) as stack:
        combination = Combination(stack.footprints(), [600.0] * 4, stack.shape[1:], depth=2)
        file = CubeFile(io.BytesIO(), fits.Header(), dict.fromkeys(("DATA", "STAT", "DQ"), stack.axes()), stack.shape)
        blocks = combined(stack, combination, file, threads=2)
        next(blocks)
        with cubes[2].path.open("r+b") as shrinking:
            shrinking.truncate(20000)
        with pytest.raises(OSError, match="became shorter"):
            list(blocks)


def test_a_disk_that_is_full_ends_in_an_error(tmp_path: Path) -> None:
    (tmp_path / "cubes").mkdir()
    cubes = exposure_cubes.dithered(tmp_path / "cubes", planes=40, side=80)
    with (
        small_disk(tmp_path / "disk", megabytes=1) as disk,
        pytest.raises(OSError, match="No space left"),
        (disk / "mosaic.fits").open("w+b") as target,
    ):
        write_mosaic(cubes, target, depth=4)


def test_memory_is_the_same_for_any_number_of_planes(tmp_path: Path) -> None:
    peaks = []
    for planes in (20, 200):
        folder = tmp_path / str(planes)
        folder.mkdir()
        cubes = exposure_cubes.dithered(folder, planes=planes, side=60)
        with (tmp_path / "mosaic.fits").open("w+b") as target:
            write_mosaic(cubes, target, depth=5)
            tracemalloc.start()
            write_mosaic(cubes, target, depth=5)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
