"""FITS files of every kind, written by astropy; and files that are none, each with its reason."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from archive.fits_structure import BLOCK, BrokenFits, Scaling, read_structure
from tests.support.cubes import write_cube

SHAPE = (7, 4, 6)


def reason(path: Path) -> str:
    with pytest.raises(BrokenFits) as caught:
        read_structure(path)
    return str(caught.value)


def test_the_structure_of_any_fits_file_can_be_read(tmp_path: Path) -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("x", "D", array=np.arange(300.0))], name="List")
    path = tmp_path / "mixed.fits"
    picture = fits.ImageHDU(np.zeros((2, 3), dtype=np.int16), name="PICTURE")
    fits.HDUList([fits.PrimaryHDU(), table, picture]).writeto(path)
    structure = read_structure(path)
    with fits.open(path) as truth:
        places = [(hdu.fileinfo()["datLoc"], hdu.size) for hdu in truth]
    assert [(hdu.data_offset, hdu.data_size) for hdu in structure] == places
    assert [hdu.name for hdu in structure] == ["", "LIST", "PICTURE"]
    assert [hdu.is_image for hdu in structure] == [True, False, True]
    assert structure[2].shape == (2, 3)
    assert structure[2].dtype == np.dtype(">i2")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(5000), "not a FITS file"),
        (b"SIMPLE  =", "truncated"),
        (b"SIMPLE  =".ljust(2 * BLOCK), "truncated"),
        (gzip.compress(b"SIMPLE  =", mtime=0), "compressed with gzip"),
    ],
)
def test_a_foreign_file_is_refused_with_its_reason(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "foreign.fits"
    path.write_bytes(content)
    assert expected in reason(path)


def test_rubbish_after_the_last_extension_is_refused(tmp_path: Path) -> None:
    path = write_cube(tmp_path / "cube.fits", shape=SHAPE)
    path.write_bytes(path.read_bytes() + b"x" * BLOCK)
    assert "after HDU 3" in reason(path)


def test_a_header_without_end_is_given_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.fits_structure.LONGEST_HEADER", 3 * BLOCK)
    path = tmp_path / "endless.fits"
    path.write_bytes(b"SIMPLE  =                    T".ljust(80).ljust(10 * BLOCK))
    assert "has no end" in reason(path)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (b"BITPIX  =                  -32", b"BITPIX  =                   12", "BITPIX cannot be 12"),
        (b"NAXIS3  =                    7", b"NAXIS3  =                   -7", "NAXIS3 should be a whole number"),
        (b"NAXIS3  =                    7", b"NAXIS3  =            700000000", "truncated"),
        (b"NAXIS3  =                    7", b"NAXOS3  =                    7", "NAXIS3 should be a whole number"),
    ],
)
def test_a_damaged_header_is_refused_with_its_reason(
    tmp_path: Path, before: bytes, after: bytes, expected: str
) -> None:
    path = write_cube(tmp_path / "cube.fits", shape=SHAPE)
    path.write_bytes(path.read_bytes().replace(before, after, 1))
    assert expected in reason(path)


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ({}, [1, 2, 3]),
        ({"BSCALE": 0.5, "BZERO": -3.0}, [-2.5, -2.0, -1.5]),
        ({"BLANK": 2}, [1, np.nan, 3]),
        ({"BZERO": 32768}, [32769, 32770, 32771]),
    ],
)
def test_stored_integers_become_physical_values(cards: dict[str, float], expected: list[float]) -> None:
    scaling = Scaling.of(fits.Header({"BITPIX": 16, **cards}))
    assert np.array_equal(scaling.physical(np.array([1, 2, 3], dtype=">i2")), expected, equal_nan=True)


def test_floats_have_no_blank_and_what_needs_no_scaling_is_not_copied() -> None:
    stored = np.array([1.0, 2.0], dtype=">f4")
    assert Scaling.of(fits.Header({"BITPIX": -32, "BLANK": 2})).physical(stored) is stored


@pytest.mark.parametrize("value", ["x", True])
def test_a_scale_that_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(BrokenFits, match="BSCALE should be a number"):
        Scaling.of(fits.Header({"BITPIX": 16, "BSCALE": value}))
