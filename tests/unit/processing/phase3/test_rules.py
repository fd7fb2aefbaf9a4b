"""Every rule of the check: what keeps it, and what does not."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from processing.phase3.checker import BATCH_RULES, RULES, check
from processing.phase3.profiles import RELEASE_2021, SDPS8, Profile, Role
from tests.support.submissions import CUBE, NAMES, write_submission

WHITE, BAND, EXPMAP = NAMES[Role.WHITE], NAMES[Role.BAND], NAMES[Role.EXPMAP]

Damage = Callable[[Path], None]


def cards(name: str = CUBE, hdu: int = 0, **changes: Any) -> Damage:
    """Other values for some keywords of a file, None to remove one; _ stands for - in those of times."""

    def damage(folder: Path) -> None:
        with fits.open(folder / name, mode="update") as hdus:
            for keyword, value in changes.items():
                word = keyword.replace("_", "-") if keyword.startswith(("MJD", "DATE")) else keyword
                hdus[hdu].header.remove(word, ignore_missing=True)
                if value is not None:
                    hdus[hdu].header[word] = value

    return damage


def raw(name: str, old: bytes, new: bytes) -> Damage:
    """Other bytes in a file, as many."""

    def damage(folder: Path) -> None:
        content = (folder / name).read_bytes()
        assert old in content
        assert len(old) == len(new)
        (folder / name).write_bytes(content.replace(old, new, 1))

    return damage


def renamed(name: str, new: str) -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).rename(folder / new)

    return damage


def rebuilt(change: Callable[[fits.HDUList], None], name: str = CUBE) -> Damage:
    """Another structure."""

    def damage(folder: Path) -> None:
        with fits.open(folder / name) as hdus:
            made = fits.HDUList([hdu.copy() for hdu in hdus])
        change(made)
        made.writeto(folder / name, overwrite=True, checksum=True)

    return damage


def pixels(name: str, hdu: int, change: Callable[[np.ndarray[Any, Any]], object]) -> Damage:
    def apply(hdus: fits.HDUList) -> None:
        change(hdus[hdu].data)

    return rebuilt(apply, name)


def truncate(folder: Path) -> None:
    path = folder / CUBE
    path.write_bytes(path.read_bytes()[:-2880])


def twin(folder: Path) -> None:
    (folder / "again").mkdir()
    shutil.copy(folder / BAND, folder / "again" / BAND)


def with_readme(folder: Path) -> None:
    (folder / "readme.txt").write_text("read me")
    cards(ASSON5="readme.txt", ASSOC5="ANCILLARY.README", ASSOM5="0" * 32)(folder)


def sibling(folder: Path) -> None:
    """A homogenised cube that was made of the native one, and says that of another run."""
    name = "NGC1365_PHANGS_DATACUBE_copt_1.15asec.fits"
    shutil.copy(folder / CUBE, folder / name)
    cards(name, PROV1=CUBE, PROV2=None, PROV3=None, NCOMBINE=2)(folder)


def set_data(index: int, data: np.ndarray[Any, Any]) -> Callable[[fits.HDUList], None]:
    def change(hdus: fits.HDUList) -> None:
        hdus[index].data = data

    return change


def scaled(hdus: fits.HDUList) -> None:
    hdus[3].data = hdus[3].data.astype(np.uint16)


def repeat(hdus: fits.HDUList) -> None:
    hdus[0].header.append(("OBJECT", "NGC1365"), end=True)


def void(hdus: fits.HDUList) -> None:
    hdus[0].header["SKY_RERR"] = fits.card.UNDEFINED


def long_text(hdus: fits.HDUList) -> None:
    hdus[0].header["COMMENTS"] = "x" * 100


def unnamed(hdus: fits.HDUList) -> None:
    del hdus[3].header["EXTNAME"]


CASES: dict[str, Damage] = {
    "file-name-length": renamed(BAND, "N" * 70 + ".fits"),
    "file-name-ending": renamed(BAND, "image.fit"),
    "file-name-characters": renamed(BAND, "image of a galaxy.fits"),
    "whole-fits": truncate,
    "values": rebuilt(void),
    "text-length": rebuilt(long_text),
    "repeated-keyword": rebuilt(repeat),
    "padded-index": cards(PROV04="MUSE.2018-02-03T02:00:00.999"),
    "scaled-pixels": rebuilt(scaled),
    "checksum": raw(CUBE, b"CHECKSUM=", b"COMMENT  "),
    "datasum": raw(CUBE, b"DATASUM =", b"COMMENT  "),
    "checksums-hold": raw(CUBE, b"NGC1365", b"NGC1366"),
    "prodcatg": cards(BAND, PRODCATG="ANCILLARY.PICTURE"),
    "prodcatg-in-extension": cards(hdu=1, PRODCATG="SCIENCE.CUBE.IFS"),
    "origfile-in-extension": cards(hdu=1, ORIGFILE="cube.fits"),
    "reserved": cards(ARCFILE="ADP.2021-07-16T10:20:56.372.fits"),
    "extname": rebuilt(unnamed),
    "extname-unique": cards(hdu=3, EXTNAME="STAT"),
    "primary-empty": rebuilt(set_data(0, np.zeros((2, 2), np.float32))),
    "origin": cards(ORIGIN="MY DESK"),
    "noesodat": cards(NOESODAT=True),
    "telescop": cards(TELESCOP="MULTI"),
    "instrume": cards(INSTRUME=None),
    "object": cards(OBJECT=""),
    "ra": cards(RA=-3.0),
    "dec": cards(DEC="-36:08:25"),
    "radesys": cards(RADESYS="FK4"),
    "equinox": cards(EQUINOX=1950.0),
    "timesys": cards(TIMESYS="TT"),
    "exptime": cards(EXPTIME=0.0),
    "texptime": cards(TEXPTIME=None),
    "exptime-texptime": cards(TEXPTIME=600.0),
    "texptime-span": cards(MJD_END=58150.05),
    "mjd-obs": cards(MJD_OBS=8150.0),
    "mjd-end": cards(MJD_END="2018-02-03"),
    "mjd-order": cards(MJD_END=58150.0),
    "mjd-past": cards(MJD_END=99999.0),
    "mjd-end-exposure": cards(NCOMBINE=1, EXPTIME=900.0, MJD_END=58150.05),
    "date-obs": cards(DATE_OBS="1 February 2018"),
    "date-obs-mjd": cards(DATE_OBS="2018-02-01T01:00:03"),
    "date": cards(DATE="16/07/2021"),
    "prog-id": cards(PROG_ID="1100.B-0651(A)"),
    "prog-id-form": cards(PROGID2="1100B0651"),
    "progid-list": cards(PROGID2="1100.B-0651(A)"),
    "obid": cards(OBID1="200000001"),
    "obid-list": cards(OBID2=None, OBID3=200000002),
    "ncombine": cards(NCOMBINE=3.0),
    "obstech": cards(OBSTECH="IMAGE"),
    "fluxcal": cards(FLUXCAL="YES"),
    "procsoft": cards(PROCSOFT=None),
    "referenc": cards(REFERENC="Emsellem et al. 2022"),
    "prov": cards(PROV1=None, PROV2=None, PROV3=None),
    "provxtn": cards(PROVXTN=True),
    "prov-form": cards(PROV1="MUSE.2018-02-01T01:00:00.123.fits"),
    "prov-list": cards(PROV2="MUSE.2018-02-01T01:00:00.123"),
    "asson": cards(ASSON1=None),
    "asson-form": cards(ASSON5="preview.png"),
    "asson-list": cards(ASSON2=WHITE),
    "specsys": cards(SPECSYS="VACUUM"),
    "wavelmin": cards(WAVELMIN=7000.0),
    "wavelmax": cards(WAVELMAX=1050.0),
    "wavelength-order": cards(WAVELMIN=700.375, WAVELMAX=700.0),
    "wavelength-axis": cards(WAVELMIN=475.0),
    "spec-res": cards(SPEC_RES=30000.0),
    "sky-res": cards(SKY_RES=-1.0),
    "sky-rerr": cards(SKY_RERR=-0.1),
    "abmaglim": cards(ABMAGLIM=99.5),
    "pixnoise": cards(PIXNOISE=-1e-20),
    "strehl": cards(STREHL=1.5),
    "elliptic": cards(ELLIPTIC=-0.1),
    "forbidden": cards(FILTER="Blue"),
    "of-other-products": cards(M_EPOCH=False),
    "extensions": rebuilt(lambda hdus: hdus.append(fits.ImageHDU(np.zeros((4, 5, 6)), name="MORE"))),
    "data-first": rebuilt(lambda hdus: hdus.insert(1, hdus.pop(2))),
    "one-shape": rebuilt(set_data(3, np.zeros((4, 5, 7), np.uint8))),
    "one-place": cards(hdu=2, CRPIX1=4.5),
    "hduclass": cards(hdu=1, HDUCLASS="OGIP"),
    "hdudoc": cards(hdu=1, HDUDOC="DICD"),
    "hduvers": cards(hdu=1, HDUVERS="DICD version 6"),
    "hduclas1": cards(hdu=1, HDUCLAS1=None),
    "hduclas2": cards(hdu=2, HDUCLAS2="VARIANCE"),
    "hduclas3": cards(hdu=2, HDUCLAS3="MASKZERO"),
    "partners": cards(hdu=1, SCIDATA="DATA"),
    "bunit": cards(hdu=1, BUNIT="10**(-20)*erg/s/cm**2/Angstrom"),
    "ctype": cards(hdu=1, CTYPE3="VELO"),
    "cunit": cards(hdu=1, CUNIT3="Angstrom"),
    "crval": cards(hdu=1, CRVAL3=None),
    "crpix": cards(hdu=1, CRPIX3=None),
    "cd-matrix": cards(hdu=1, CD3_3=None),
    "wavelength-step": cards(hdu=1, CD3_3=-1.25),
    "no-cdelt": cards(hdu=1, CDELT3=1.25),
    "csyer": cards(hdu=1, CSYER1=None),
    "csyer-sign": cards(hdu=1, CSYER1=-1.0),
    "crder3": cards(hdu=1, CRDER3=None),
    "position": cards(RA=54.0),
    "no-chain": cards(WHITE, ASSON1=BAND),
    "white-flat": rebuilt(set_data(1, np.zeros((2, 5, 6), np.float32)), WHITE),
    "expmap-flat": rebuilt(set_data(1, np.ones((2, 5, 6), np.float32)), EXPMAP),
    "expmap-bitpix": rebuilt(set_data(1, np.ones((5, 6), np.float64)), EXPMAP),
    "expmap-bunit": cards(EXPMAP, hdu=1, BUNIT="min"),
    "expmap-voids": pixels(EXPMAP, 1, lambda data: data.__setitem__((0, 0), np.nan)),
    "expmap-times": pixels(EXPMAP, 1, lambda data: data.__setitem__((0, 0), -1.0)),
    "unique-names": twin,
    "associated-there": lambda folder: (folder / BAND).unlink(),
    "ancillary-wanted": cards(ASSON2=None),
    "white-light": cards(WHITE, PRODCATG="ANCILLARY.IMAGE"),
    "white-alike": cards(WHITE, hdu=1, CRPIX1=1.0),
    "expmap": lambda folder: (folder / EXPMAP).unlink(),
    "expmap-alike": cards(EXPMAP, hdu=1, CRVAL2=-36.0),
    "expmap-exptime": cards(EXPTIME=1000.0),
    "assom": with_readme,
    "sources-there": cards(PROV1="NGC1365_POINTING.fits"),
    "precursor-agrees": sibling,
    "own-source": cards(PROV1=CUBE),
}


def found(folder: Path, profile: Profile = SDPS8) -> set[str]:
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".fits", ".fit"})
    return {one.rule_id for one in check(files, profile).violations}


def test_every_rule_has_a_name_of_its_own_and_a_file_that_breaks_it() -> None:
    rules = [*(rule.rule_id for rule in RULES), *(rule.rule_id for rule in BATCH_RULES)]
    assert len(rules) == len(set(rules))
    assert set(CASES) == set(rules)
    assert len(rules) > 70


@pytest.mark.parametrize("rule_id", CASES)
def test_a_rule_is_broken_by_what_breaks_it(rule_id: str, tmp_path: Path) -> None:
    write_submission(tmp_path, SDPS8)
    CASES[rule_id](tmp_path)
    assert rule_id in found(tmp_path)


@pytest.mark.parametrize("profile", [RELEASE_2021, SDPS8], ids=lambda profile: profile.name)
def test_what_a_profile_writes_breaks_no_rule_of_it(profile: Profile, tmp_path: Path) -> None:
    report = check(write_submission(tmp_path, profile), profile)
    assert [(one.file, one.rule_id, one.message) for one in report.violations] == []
    assert report.rules > 70


def test_the_release_of_2021_is_not_up_to_the_standard_of_today(tmp_path: Path) -> None:
    write_submission(tmp_path, RELEASE_2021)
    assert found(tmp_path) == {"white-light", "expmap", "hduvers"}
