"""The check on real files of MUSE: what they really lack, rule by rule."""

from pathlib import Path

import pytest
from astropy.io import fits

from processing.phase3 import fitsverify
from processing.phase3.checker import check
from processing.phase3.headers import primary_header
from processing.phase3.parts import kept_cards
from processing.phase3.profiles import RELEASE_2021, SDPS8, Role
from tests.support.submissions import FACTS

REAL = Path("data/mpdaf/data")

MEASURED = ["wavelmin", "wavelmax", "spec-res", "sky-res", "abmaglim", "pixnoise"]
NOT_IN_2014 = ["texptime", "mjd-end", "prog-id", "obid", "ncombine", "obstech", "fluxcal", "procsoft", "referenc",
               "prov", "asson", "specsys", *MEASURED]  # fmt: skip
QUALITY_WITHOUT_AXES = ["one-place", "ctype", "cunit", "crval", "crpix", "cd-matrix", "csyer"]
OLD_CLASSES = ["data-first", "hduclass", "hdudoc", "hduvers", "hduclas1", "hduclas2", "partners", "bunit"]


def broken(name: str, **given: bool) -> set[str]:
    return {one.rule_id for one in check([REAL / name], SDPS8, **given).violations}


def test_the_real_cube_of_2014_breaks_the_rules_that_it_breaks() -> None:
    assert broken("sdetect/minicube.fits") == {
        "prodcatg", "date", "reserved", "checksum", "datasum", "checksums-hold", "no-cdelt", "crder3", "white-light",
        "expmap", *NOT_IN_2014, *QUALITY_WITHOUT_AXES, *OLD_CLASSES,
    }  # fmt: skip


def test_its_faults_are_told_in_words() -> None:
    told = {(one.rule_id, one.message) for one in check([REAL / "sdetect/minicube.fits"], SDPS8).violations}
    assert ("bunit", "STAT: BUNIT is '10**(-20)*erg/s/cm**2/Angstrom**2'") in told
    assert ("data-first", "HDUCLAS2 of the extensions: 'DATA', 'DATA', ''") in told
    assert ("no-cdelt", "DATA has CDELT1, CDELT2") in told
    assert ("specsys", "there is no SPECSYS") in told


def test_a_check_of_headers_reads_no_pixels() -> None:
    assert "checksums-hold" not in broken("sdetect/minicube.fits", headers_only=True)
    assert "checksum" in broken("sdetect/minicube.fits", headers_only=True)


def test_the_real_piece_of_a_mosaic_lies_elsewhere_than_its_header_says() -> None:
    found = broken("sdetect/subcub_mosaic.fits")
    assert {"position", "one-shape", "prodcatg", "checksum", *NOT_IN_2014} <= found
    assert not {"whole-fits", "extname", "csyer", "bunit-missing", "expmap-voids"} & found


def test_a_real_image_is_taken_as_one() -> None:
    assert broken("obj/IMAGE-HDFS-1.34.fits") == {"prodcatg", "checksum", "datasum", "ancillary-wanted"}


def test_the_rules_of_2021_ask_for_no_white_light_image() -> None:
    found = {one.rule_id for one in check([REAL / "sdetect/minicube.fits"], RELEASE_2021).violations}
    assert not {"white-light", "expmap"} & found
    assert "hduvers" in found


@pytest.mark.skipif(not fitsverify.is_installed(), reason="fitsverify is not installed")
def test_fitsverify_finds_the_same_sums_and_the_same_date_wrong(tmp_path: Path) -> None:
    said = fitsverify.verify(REAL / "sdetect/minicube.fits")
    assert (said.warnings, said.errors) == (5, 1)
    assert any("DATE" in message for message in said.messages)
    (tmp_path / "rubbish.fits").write_text("rubbish")
    assert fitsverify.verify(tmp_path / "rubbish.fits").errors == 1


def test_rubbish_is_told_as_rubbish(tmp_path: Path) -> None:
    (tmp_path / "empty.fits").touch()
    (tmp_path / "rubbish.fits").write_bytes(b"rubbish" * 1000)
    report = check([tmp_path / "empty.fits", tmp_path / "rubbish.fits"], SDPS8)
    assert [(one.file, one.rule_id) for one in report.violations] == [
        ("empty.fits", "whole-fits"),
        ("rubbish.fits", "whole-fits"),
    ]


def test_of_a_real_header_what_the_observatory_wrote_is_kept_and_breaks_no_rule(tmp_path: Path) -> None:
    primary = fits.getheader(REAL / "sdetect/minicube.fits")
    kept = list(kept_cards(primary))
    assert len(kept) > 1200
    header = primary_header(SDPS8, Role.CUBE, FACTS)
    header.extend(kept, end=True)
    fits.PrimaryHDU(header=header).writeto(tmp_path / "kept.fits", checksum=True)
    assert fits.getheader(tmp_path / "kept.fits")["ESO INS MODE"] == "WFM-NOAO-N"
    found = {one.rule_id for one in check([tmp_path / "kept.fits"], SDPS8).violations}
    assert not {"values", "text-length", "repeated-keyword", "checksums-hold", "reserved"} & found
    if fitsverify.is_installed():
        assert fitsverify.verify(tmp_path / "kept.fits").is_clean
