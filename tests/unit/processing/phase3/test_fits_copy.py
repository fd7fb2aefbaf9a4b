"""A file written anew: sums that hold, pixels that stay, and errors that are told."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from archive.fits_structure import read_structure
from processing.phase3 import checksums
from processing.phase3.fits_copy import Part, copied
from processing.phase3.submitted import SubmittedFile


def write(path: Path, *, seed: int = 1) -> Path:
    rng = np.random.default_rng(seed)
    image = fits.ImageHDU(rng.normal(size=(3, 7, 11)).astype(np.float32), name="DATA")
    counts = fits.ImageHDU(rng.integers(0, 60000, (5, 5)).astype(np.uint16), name="COUNTS")
    table = fits.BinTableHDU.from_columns([fits.Column("X", "E", array=np.arange(9))], name="TABLE")
    fits.HDUList([fits.PrimaryHDU(), image, counts, table]).writeto(path)
    return path


@pytest.mark.parametrize("seed", range(8))
def test_sums_are_those_that_everybody_computes(seed: int, tmp_path: Path) -> None:
    source = write(tmp_path / "source.fits", seed=seed)
    hdus = read_structure(source)
    parts = [Part(hdu, None) for hdu in hdus]
    parts[1] = Part(hdus[1], fits.Header({"EXTNAME": "DATA", "SEED": seed}))
    assert copied(source, parts, tmp_path / "copy.fits") == (tmp_path / "copy.fits").stat().st_size
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(tmp_path / "copy.fits", checksum=True) as made, fits.open(source) as given:
            made.verify("exception")
            for one, other in zip(made[1:], given[1:], strict=True):
                np.testing.assert_array_equal(one.data, other.data)
            assert made["DATA"].header["SEED"] == seed
    for hdu in SubmittedFile.read(tmp_path / "copy.fits").hdus:
        data, whole = hdu.sums()
        assert (whole, hdu.text("DATASUM")) == ((1 << 32) - 1, str(data))


@pytest.mark.parametrize("total", [0, 1, 0xFFFFFFFF, 0x3A3B3C3D, 868229149, 0xC5C4C3C2])
def test_an_encoded_sum_is_of_letters_and_digits_and_adds_up_to_all_ones(total: int) -> None:
    text = checksums.encoded(total)
    assert len(text) == 16
    assert text.isascii()
    assert text.isalnum()
    turned = (text[1:] + text[:1]).encode()
    assert (
        checksums.add(checksums.add(0, turned), b"") % 0xFFFFFFFF
        == ((0xFFFFFFFF - total) + 4 * 0x30303030) % 0xFFFFFFFF
    )


def test_a_sum_does_not_depend_on_the_pieces() -> None:
    content = np.random.default_rng(3).bytes(2880 * 7)
    whole = checksums.add(0, content)
    total = 0
    for start in range(0, len(content), 2880):
        total = checksums.add(total, content[start : start + 2880])
    assert total == whole


def test_a_file_that_became_shorter_is_told(tmp_path: Path) -> None:
    source = write(tmp_path / "source.fits")
    parts = [Part(hdu, None) for hdu in read_structure(source)]
    source.write_bytes(source.read_bytes()[: 2880 * 2 + 100])
    with pytest.raises(OSError, match="shorter"):
        copied(source, parts, tmp_path / "copy.fits")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    source = write(tmp_path / "source.fits")
    with pytest.raises(FileExistsError):
        copied(source, [Part(hdu, None) for hdu in read_structure(source)], source)
