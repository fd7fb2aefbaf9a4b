"""Files of single IFUs put into one."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from archive.errors import Refused
from processing.chain.merging import merge


def of_ifu(folder: Path, ifu: int, *, name: str = "DATA") -> Path:
    """A master of one IFU as the pipeline writes it."""
    primary = fits.PrimaryHDU()
    primary.header["EXTNAME"] = f"CHAN{ifu:02d}"
    primary.header["OBJECT"] = "BIAS"
    primary.header["HIERARCH ESO DET CHIP NAME"] = f"chip {ifu}"
    image = fits.ImageHDU(np.full((3, 4), ifu, np.float32), name=name)
    path = folder / f"MASTER-{ifu:02d}.fits"
    fits.HDUList([primary, image]).writeto(path)
    return path


def test_each_ifu_has_its_extensions_with_what_the_header_said_of_it(tmp_path: Path) -> None:
    merged = merge([of_ifu(tmp_path, 7), of_ifu(tmp_path, 2)], tmp_path / "MASTER.fits")
    with fits.open(merged) as hdus:
        assert [hdu.name for hdu in hdus[1:]] == ["CHAN02.DATA", "CHAN07.DATA"]
        assert hdus["CHAN07.DATA"].header["ESO DET CHIP NAME"] == "chip 7"
        assert (hdus["CHAN07.DATA"].data == 7).all()


def test_the_primary_header_says_what_holds_for_all_of_them(tmp_path: Path) -> None:
    merged = merge([of_ifu(tmp_path, 7), of_ifu(tmp_path, 2)], tmp_path / "MASTER.fits")
    header = fits.getheader(merged)
    assert header["OBJECT"] == "BIAS"
    assert "ESO DET CHIP NAME" not in header
    assert "EXTNAME" not in header


def test_ifus_that_are_not_there_can_be_filled_in_and_say_so(tmp_path: Path) -> None:
    merged = merge([of_ifu(tmp_path, 7, name="LSF_PROFILE")], tmp_path / "LSF.fits", fill=True)
    with fits.open(merged) as hdus:
        assert len(hdus) == 25
        assert hdus["CHAN03.LSF_PROFILE"].header["COPIED"] == "CHAN07"
        assert "COPIED" not in hdus["CHAN07.LSF_PROFILE"].header


def test_two_files_of_one_ifu_are_refused(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    with pytest.raises(Refused, match="two files of one IFU"):
        merge([of_ifu(tmp_path, 7), of_ifu(tmp_path / "again", 7)], tmp_path / "MASTER.fits")


def test_a_file_of_no_ifu_is_refused(tmp_path: Path) -> None:
    fits.PrimaryHDU().writeto(tmp_path / "any.fits")
    with pytest.raises(Refused, match="which IFU"):
        merge([tmp_path / "any.fits"], tmp_path / "MASTER.fits")
