"""Cubes with known truth, written by astropy; and files that are no cubes, each with its reason."""

import gzip
import itertools
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from archive.cube import Cube, NotACube, Slab, WaveKind
from archive.fits_structure import BLOCK

PIXEL = 0.2 / 3600
NZ, NY, NX = 7, 4, 6


def axes(**changes: Any) -> fits.Header:
    cards: dict[str, Any] = {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CTYPE3": "AWAV",
        "CUNIT1": "deg",
        "CUNIT2": "deg",
        "CUNIT3": "Angstrom",
        "CRVAL1": 185.7,
        "CRVAL2": 15.8,
        "CRVAL3": 4750.0,
        "CRPIX1": 3.5,
        "CRPIX2": 2.5,
        "CRPIX3": 1.0,
        "CD1_1": -PIXEL,
        "CD1_2": 0.0,
        "CD2_1": 0.0,
        "CD2_2": PIXEL,
        "CD3_3": 1.25,
        "BUNIT": "10**(-20)*erg/s/cm**2/Angstrom",
    }
    cards.update(changes)
    return fits.Header({keyword: value for keyword, value in cards.items() if value is not None})


def voxels(seed: int = 1, shape: tuple[int, ...] = (NZ, NY, NX)) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(100, 10, shape).astype(np.float32)


def write(path: Path, *hdus: Any, primary: Any = None) -> Path:
    fits.HDUList([primary or fits.PrimaryHDU(), *hdus]).writeto(path)
    return path


def muse_cube(path: Path, **changes: Any) -> Path:
    dq = np.zeros((NZ, NY, NX), dtype=np.int32)
    dq[2, 1, 3] = 1 << 27
    return write(
        path,
        fits.ImageHDU(voxels(), axes(**changes), "DATA"),
        fits.ImageHDU(voxels(2) ** 2, axes(**changes), "STAT"),
        fits.ImageHDU(dq, name="DQ"),
    )


def whole(slabs: Any) -> Slab:
    """Put slabs together again."""
    pieces = list(slabs)
    masks = [np.zeros(p.data.shape, dtype=np.bool_) if p.mask is None else p.mask for p in pieces]
    variances = [p.variance for p in pieces if p.variance is not None]
    return Slab(
        start=pieces[0].start,
        data=np.concatenate([p.data for p in pieces]),
        variance=np.concatenate(variances) if variances else None,
        mask=np.concatenate(masks),
    )


def bad_voxels(slab: Slab) -> list[list[int]]:
    assert slab.mask is not None
    indices: list[list[int]] = np.argwhere(slab.mask).tolist()
    return indices


def reason(path: Path) -> str:
    with pytest.raises(NotACube) as caught:
        Cube(path)
    return str(caught.value)


def test_a_cube_tells_its_axes_without_reading_a_voxel(tmp_path: Path) -> None:
    with Cube(muse_cube(tmp_path / "cube.fits")) as cube:
        assert cube.shape == (NZ, NY, NX)
        assert cube.wavelengths.tolist() == [4750.0 + 1.25 * plane for plane in range(NZ)]
        assert cube.wave_kind is WaveKind.AIR
        assert cube.unit == "10**(-20)*erg/s/cm**2/Angstrom"
        assert cube.primary["SIMPLE"] is True
        assert cube.header["EXTNAME"] == "DATA"
        assert cube.pixel_scale() == pytest.approx(0.2, rel=1e-6)
        assert cube.centre() == pytest.approx((185.7, 15.8), abs=1e-9)
        assert cube.field_of_view() == pytest.approx(math.hypot(NX, NY) * PIXEL, rel=1e-6)


@pytest.mark.parametrize("depth", [None, 1, 3, NZ, 100])
def test_slabs_of_any_depth_give_back_every_voxel_once(tmp_path: Path, depth: int | None) -> None:
    with Cube(muse_cube(tmp_path / "cube.fits")) as cube:
        slabs = list(cube.slabs(depth))
    assert [slab.start for slab in slabs] == list(range(0, NZ, depth or NZ))
    cubed = whole(slabs)
    assert np.array_equal(cubed.data, voxels())
    assert cubed.variance is not None
    assert np.array_equal(cubed.variance, voxels(2) ** 2)
    assert bad_voxels(cubed) == [[2, 1, 3]]


def test_slabs_are_float32_in_native_byte_order_and_may_be_written_to(tmp_path: Path) -> None:
    with Cube(muse_cube(tmp_path / "cube.fits")) as cube:
        slab = next(cube.slabs())
    assert slab.variance is not None
    for values in (slab.data, slab.variance):
        assert values.dtype == np.float32
        assert values.dtype.isnative
        assert values.flags.writeable
        assert values.flags.c_contiguous


def test_a_slab_without_bad_voxels_has_no_mask(tmp_path: Path) -> None:
    with Cube(muse_cube(tmp_path / "cube.fits")) as cube:
        assert [slab.start for slab in cube.slabs(2) if slab.mask is not None] == [2]


def test_nan_is_bad_where_there_is_no_dq(tmp_path: Path) -> None:
    data = voxels()
    data[3, 2, 1], data[4, 0, 0] = np.nan, np.inf
    with Cube(write(tmp_path / "cube.fits", fits.ImageHDU(data, axes(), "DATA"))) as cube:
        cubed = whole(cube.slabs(2))
    assert cubed.variance is None
    assert bad_voxels(cubed) == [[3, 2, 1], [4, 0, 0]]


def test_memory_is_bounded_by_the_budget_and_not_by_the_cube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = 10 * 4 * NY * NX
    monkeypatch.setattr("archive.cube.SLAB_BYTES", budget)
    data = voxels(shape=(200, NY, NX))
    with Cube(write(tmp_path / "long.fits", fits.ImageHDU(data, axes(), "DATA"))) as cube:
        slabs = list(cube.slabs())
    owners = [slab.data if slab.data.base is None else slab.data.base for slab in slabs]
    assert [len(slab.data) for slab in slabs] == [4] * 50
    assert all(isinstance(owner, np.ndarray) and owner.nbytes <= budget for owner in owners)


@pytest.mark.parametrize("piece", [8, 104, 4 * NX * NY])
def test_pieces_do_not_show_in_the_slabs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr("archive.cube.PIECE_BYTES", piece)
    with Cube(muse_cube(tmp_path / "cube.fits")) as cube:
        cubed = whole(cube.slabs(3))
    assert np.array_equal(cubed.data, voxels())
    assert bad_voxels(cubed) == [[2, 1, 3]]


def test_what_float32_cannot_hold_is_bad(tmp_path: Path) -> None:
    data = voxels().astype(np.float64)
    data[1, 2, 3] = 1e300
    with Cube(write(tmp_path / "cube.fits", fits.ImageHDU(data, axes(), "DATA"))) as cube:
        assert bad_voxels(whole(cube.slabs())) == [[1, 2, 3]]


def test_a_plane_larger_than_the_budget_is_a_slab_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.cube.SLAB_BYTES", 1)
    with Cube(muse_cube(tmp_path / "cube.fits")) as cube:
        assert [len(slab.data) for slab in cube.slabs()] == [1] * NZ


@pytest.mark.parametrize(
    ("rows", "columns"), [(slice(0, NY), slice(0, NX)), (slice(1, 3), slice(2, 5)), (slice(3, 4), slice(5, 6))]
)
def test_the_spectra_of_a_rectangle_are_those_of_the_slabs(tmp_path: Path, rows: slice, columns: slice) -> None:
    scaled = fits.ImageHDU(np.arange(NZ * NY * NX, dtype=np.int16).reshape(NZ, NY, NX), axes(), "DATA")
    scaled.header.update({"BSCALE": 0.5, "BZERO": 3.0, "BLANK": 17})
    for path in (muse_cube(tmp_path / "muse.fits"), write(tmp_path / "scaled.fits", scaled)):
        with Cube(path) as cube:
            whole_cube, found = whole(cube.slabs()), cube.spectra(rows, columns)
        where = (slice(None), rows, columns)
        assert found.data.dtype == np.float32
        np.testing.assert_array_equal(found.data, whole_cube.data[where])
        assert whole_cube.mask is not None
        bad = np.zeros(found.data.shape, np.bool_) if found.mask is None else found.mask
        np.testing.assert_array_equal(bad, whole_cube.mask[where])
        assert (found.variance is None) == (whole_cube.variance is None)
        if found.variance is not None and whole_cube.variance is not None:
            np.testing.assert_array_equal(found.variance, whole_cube.variance[where])


def test_a_slab_of_no_planes_is_refused(tmp_path: Path) -> None:
    with Cube(muse_cube(tmp_path / "cube.fits")) as cube, pytest.raises(ValueError, match="at least one plane"):
        next(cube.slabs(0))


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "f4", "f8"])
def test_every_kind_of_pixel_becomes_float32(tmp_path: Path, kind: str) -> None:
    data = np.arange(NZ * NY * NX).reshape(NZ, NY, NX).astype(kind)
    with Cube(write(tmp_path / "cube.fits", fits.ImageHDU(data, axes(), "DATA"))) as cube:
        cubed = whole(cube.slabs(3))
    assert cubed.data.dtype == np.float32
    assert np.array_equal(cubed.data, data.astype(np.float32))


def test_scaled_integers_come_back_in_their_unit_and_blank_is_bad(tmp_path: Path) -> None:
    stored = np.arange(NZ * NY * NX, dtype=np.int16).reshape(NZ, NY, NX)
    hdu = fits.ImageHDU(stored, axes(BLANK=5), "DATA")
    path = write(tmp_path / "cube.fits", hdu)
    with fits.open(path, mode="update", do_not_scale_image_data=True) as hdus:
        hdus["DATA"].header.update(BSCALE=0.5, BZERO=-3.0)
    with Cube(path) as cube:
        cubed = whole(cube.slabs(3))
    assert np.isnan(cubed.data.ravel()[5])
    assert bad_voxels(cubed) == [[0, 0, 5]]
    assert np.array_equal(np.delete(cubed.data.ravel(), 5), np.delete(stored.ravel() * 0.5 - 3, 5))


def test_an_unsigned_dq_flags_what_is_not_zero_after_scaling(tmp_path: Path) -> None:
    dq = np.zeros((NZ, NY, NX), dtype=np.uint16)
    dq[1, 1, 1] = 40000
    path = write(tmp_path / "c.fits", fits.ImageHDU(voxels(), axes(), "DATA"), fits.ImageHDU(dq, name="DQ"))
    with Cube(path) as cube:
        assert bad_voxels(whole(cube.slabs())) == [[1, 1, 1]]


def test_the_first_image_of_three_axes_serves_where_none_is_named_data(tmp_path: Path) -> None:
    picture = fits.ImageHDU(np.zeros((3, 3), dtype=np.float32), name="PREVIEW")
    with Cube(write(tmp_path / "odd.fits", picture, fits.ImageHDU(voxels(), axes(), "FLUX"))) as cube:
        assert cube.header["EXTNAME"] == "FLUX"
    with Cube(write(tmp_path / "primary.fits", primary=fits.PrimaryHDU(voxels(), axes()))) as cube:
        assert np.array_equal(whole(cube.slabs()).data, voxels())


@pytest.mark.parametrize(
    ("unit", "first", "step"),
    [("angstrom", 4750.0, 1.25), ("nm", 475.0, 0.125), ("m", 4.75e-7, 1.25e-10), ("um", 0.475, 1.25e-4)],
)
def test_wavelengths_are_in_angstrom_whatever_the_unit_of_the_axis(
    tmp_path: Path, unit: str, first: float, step: float
) -> None:
    with Cube(muse_cube(tmp_path / "cube.fits", CUNIT3=unit, CRVAL3=first, CD3_3=step)) as cube:
        assert cube.wavelengths == pytest.approx([4750.0 + 1.25 * plane for plane in range(NZ)], abs=1e-6)


def test_the_step_may_be_cdelt3_and_the_wavelengths_in_vacuum(tmp_path: Path) -> None:
    cards = {"CTYPE3": "WAVE", "CD3_3": None, "CDELT3": 2.5, "CRPIX3": 2.0}
    for keyword in ("CD1_1", "CD1_2", "CD2_1", "CD2_2"):
        cards[keyword] = None
    with Cube(muse_cube(tmp_path / "cube.fits", CDELT1=-PIXEL, CDELT2=PIXEL, **cards)) as cube:
        assert cube.wavelengths[:2].tolist() == [4747.5, 4750.0]
        assert cube.wave_kind is WaveKind.VACUUM
        assert cube.pixel_scale() == pytest.approx(0.2, rel=1e-6)


def turned(corners: list[float], centre: tuple[float, float]) -> list[float]:
    """Return position angles of the corners as seen from the centre, degrees from north through east."""
    middle = SkyCoord(*centre, unit="deg")
    points = SkyCoord(corners[0::2], corners[1::2], unit="deg")
    return [float(angle) for angle in middle.position_angle(points).deg]


@pytest.mark.parametrize("flip", [1, -1])
@pytest.mark.parametrize("angle", [0, 37, 90, 200])
def test_the_footprint_goes_round_counter_clockwise_at_any_rotation_and_parity(
    tmp_path: Path, angle: float, flip: int
) -> None:
    cos, sin = math.cos(math.radians(angle)) * PIXEL, math.sin(math.radians(angle)) * PIXEL
    matrix = {"CD1_1": -cos * flip, "CD1_2": sin, "CD2_1": sin * flip, "CD2_2": cos}
    with Cube(muse_cube(tmp_path / "cube.fits", **matrix)) as cube:
        corners, centre = cube.footprint(), cube.centre()
    angles = turned(corners, centre)
    steps = [(after - before) % 360 for before, after in itertools.pairwise([*angles, angles[0]])]
    assert len(corners) == 8
    assert all(isinstance(value, float) for value in corners)
    assert sum(steps) == pytest.approx(360)  # once round, from north through east: against the clock on the sky


def test_the_footprint_reaches_the_outer_edges_of_the_outer_pixels(tmp_path: Path) -> None:
    with Cube(muse_cube(tmp_path / "cube.fits")) as cube:
        corners = cube.footprint()
    east, south, west = corners[0], corners[1], corners[2]
    assert (east - west) * math.cos(math.radians(15.8)) == pytest.approx(NX * PIXEL, rel=1e-5)
    assert corners[5] - south == pytest.approx(NY * PIXEL, rel=1e-5)


@pytest.mark.parametrize("place", ["data", "primary"])
@pytest.mark.parametrize("keyword", ["RADESYS", "RADECSYS"])
def test_the_frame_is_found_in_either_header_under_either_name_and_footprints_are_icrs(
    tmp_path: Path, place: str, keyword: str
) -> None:
    frame = {keyword: "FK5", "EQUINOX": 1975.0}
    primary = fits.PrimaryHDU(header=fits.Header({keyword: "FK5"}) if place == "primary" else None)
    data = axes(**(frame if place == "data" else {"EQUINOX": 1975.0}))
    path = write(tmp_path / "cube.fits", fits.ImageHDU(voxels(), data, "DATA"), primary=primary)
    truth = SkyCoord(185.7, 15.8, unit="deg", frame="fk5", equinox="J1975").icrs
    with Cube(path) as cube:
        assert cube.centre() == pytest.approx((truth.ra.deg, truth.dec.deg), abs=1e-8)


def test_cards_that_astropy_warns_of_are_taken_in_silence(tmp_path: Path) -> None:
    noisy = {"CDELT1": 1.0, "CDELT2": 1.0, "RADECSYS": "FK5", "MJD-OBS": 57000.0, "DATE-OBS": "2014-12-08T02:48:44.999"}
    with Cube(muse_cube(tmp_path / "cube.fits", **noisy)) as cube:
        assert cube.pixel_scale() == pytest.approx(0.2, rel=1e-6)


def test_a_truncated_cube_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    complete = muse_cube(tmp_path / "cube.fits").read_bytes()
    last = len(complete) - BLOCK  # a whole last HDU missing cannot be noticed
    for length in (100, BLOCK, BLOCK + 100, 2 * BLOCK + 10, last, len(complete) - 1):
        part = tmp_path / f"{length}.fits"
        part.write_bytes(complete[:length])
        expected = "no image of three axes" if length == BLOCK else "truncated"
        assert expected in reason(part)


def test_what_is_no_whole_fits_file_is_no_cube_for_the_same_reason(tmp_path: Path) -> None:
    path = tmp_path / "packed.fits.gz"
    path.write_bytes(gzip.compress(b"SIMPLE  ="))
    assert reason(path) == "the file is compressed with gzip: unpack it first"
    path.write_bytes(muse_cube(tmp_path / "cube.fits").read_bytes() + b"x" * BLOCK)
    assert "after HDU 3" in reason(path)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"CTYPE3": "VELO"}, "CTYPE3 is 'VELO'"),
        ({"CTYPE3": None}, "CTYPE3 is ''"),
        ({"CUNIT3": "Hz"}, "CUNIT3 is 'Hz'"),
        ({"CD3_3": None}, "neither CD3_3 nor CDELT3"),
        ({"CD3_3": -1.25}, "neither CD3_3 nor CDELT3"),
        ({"CD3_3": "wide"}, "CD3_3 should be a number"),
        ({"CRVAL3": None}, "CRVAL3 should be a number"),
        ({"CD1_3": 0.1}, "mixed with the celestial"),
        ({"CTYPE1": None, "CTYPE2": None}, "name no sky projection"),
        ({"CTYPE1": "PIXEL", "CTYPE2": "PIXEL"}, "name no sky projection"),
        ({"CTYPE2": "RA---TAN"}, "no usable celestial axes"),
        ({"CRPIX2": " 2.5"}, "CRPIX2 should be a number"),
        ({"RADESYS": "NONSENSE"}, "no usable celestial axes"),
        ({"CD1_1": 0.0, "CD2_2": 0.0}, "no usable celestial axes"),
        ({"CRVAL2": 123.0}, "no usable celestial axes"),
        ({"CD1_1": -100.0, "CD2_2": 100.0, "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN"}, "off the sky"),
    ],
)
def test_a_cube_that_cannot_be_placed_is_refused_with_its_reason(
    tmp_path: Path, changes: dict[str, Any], expected: str
) -> None:
    assert expected in reason(muse_cube(tmp_path / "cube.fits", **changes))


def test_images_and_tables_are_no_cubes(tmp_path: Path) -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("x", "D", array=np.arange(3.0))])
    flat = fits.ImageHDU(np.zeros((3, 3), dtype=np.float32), name="DATA")
    assert "three axes" in reason(write(tmp_path / "image.fits", flat))
    assert "three axes" in reason(write(tmp_path / "table.fits", table))
    compressed = fits.CompImageHDU(voxels(), axes(), name="DATA")
    assert "three axes" in reason(write(tmp_path / "packed.fits", compressed))


def test_a_cube_without_voxels_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "cube.fits"
    header = fits.Header({"SIMPLE": True, "BITPIX": -32, "NAXIS": 3, "NAXIS1": 4, "NAXIS2": 0, "NAXIS3": 9})
    path.write_bytes(header.tostring().encode())
    assert "the image is empty" in reason(path)


@pytest.mark.parametrize("name", ["STAT", "DQ"])
def test_companions_of_another_shape_are_refused(tmp_path: Path, name: str) -> None:
    other = fits.ImageHDU(voxels(shape=(NZ, NY, NX + 1)), name=name)
    assert f"{name} has shape" in reason(write(tmp_path / "cube.fits", fits.ImageHDU(voxels(), axes(), "DATA"), other))


def test_a_scale_that_is_no_number_is_refused_before_any_voxel_is_read(tmp_path: Path) -> None:
    path = muse_cube(tmp_path / "cube.fits", FILLER="x")
    path.write_bytes(path.read_bytes().replace(b"FILLER  = 'x       '", b"BSCALE  = 'x       '"))
    assert "BSCALE should be a number" in reason(path)


def test_a_file_cut_while_it_is_read_is_an_error_and_not_zeros(tmp_path: Path) -> None:
    path = muse_cube(tmp_path / "cube.fits")
    with Cube(path) as cube:
        os.truncate(path, BLOCK * 3)
        with pytest.raises(OSError, match="became shorter"):
            list(cube.slabs(1))


def test_a_missing_file_is_no_matter_of_format(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Cube(tmp_path / "none.fits")


@given(position=st.integers(min_value=0, max_value=3 * BLOCK - 1), byte=st.integers(min_value=0, max_value=255))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.filterwarnings(
    "ignore::astropy.io.fits.verify.VerifyWarning", "ignore::astropy.utils.exceptions.AstropyUserWarning"
)
def test_one_damaged_byte_in_the_headers_is_survived_or_refused(tmp_path: Path, position: int, byte: int) -> None:
    path = tmp_path / "cube.fits"
    if not path.exists():
        muse_cube(path)
    damaged = bytearray(path.read_bytes())
    damaged[position] = byte
    other = tmp_path / "damaged.fits"
    other.write_bytes(damaged)
    try:
        with Cube(other) as cube:
            cube.footprint()
            for _ in cube.slabs():
                pass
    except NotACube:
        pass
