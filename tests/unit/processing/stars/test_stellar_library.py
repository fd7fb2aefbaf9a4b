"""Folders of MILES: which models stand for those wanted, and folders that will not do."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from archive.errors import Refused
from processing.stellar_library import (
    MODELS,
    RANGE,
    SURVEY,
    Match,
    Model,
    Selection,
    current_library,
    models_in,
    nearest,
    read_library,
    select,
)

PACKAGE = Path("data") / MODELS
SHORT = (5000.0, 5200.0)


def write(folder: Path, name: str, *, first: float = 4900.0, size: int = 500, step: float = 0.9) -> Path:
    """Write a model of MILES, bright at its beginning."""
    hdu = fits.PrimaryHDU(np.linspace(2, 1, size, dtype=np.float32))
    hdu.header["CRVAL1"], hdu.header["CDELT1"], hdu.header["CRPIX1"] = first, step, 1.0
    path = folder / name
    hdu.writeto(path)
    return path


def name_of(age: float, metallicity: float, *, family: str = "ch") -> str:
    sign = "m" if metallicity < 0 else "p"
    return f"E{family}1.30Z{sign}{abs(metallicity):.2f}T{age:07.4f}_iTp0.00_baseFe.fits"


def test_the_survey_wants_thirty_two_of_eight_ages_and_four_metallicities() -> None:
    assert len(SURVEY) == len(set(SURVEY)) == 32
    ages, metals = sorted({age for age, _ in SURVEY}), sorted({metals for _, metals in SURVEY})
    assert (ages[0], ages[-1], len(ages)) == (0.15, 14.0, 8)
    assert metals == [-1.49, -0.35, 0.06, 0.4]
    assert np.diff(np.log10(ages)) == pytest.approx(np.log10(14 / 0.15) / 7, abs=0.08)  # MILES has no others between


def test_names_tell_age_and_metallicity(tmp_path: Path) -> None:
    write(tmp_path, "Ech1.30Zm0.35T00.1500_iTp0.00_baseFe.fits")
    write(tmp_path, "Ech1.30Zp0.06T14.0000_iTp0.00_baseFe.fits")
    (tmp_path / "notes.fits").write_text("no model")
    young, old = models_in(tmp_path)
    assert (young.age, young.metallicity) == (0.15, -0.35)
    assert (old.age, old.metallicity) == (14.0, 0.06)
    assert young.family == old.family


def test_a_folder_with_all_that_the_survey_wants_gives_exactly_that(tmp_path: Path) -> None:
    for age, metallicity in SURVEY:
        write(tmp_path, name_of(age, metallicity))
    library, selection = read_library(tmp_path, wavelengths=SHORT)
    assert selection.exact
    assert list(zip(library.age, library.metallicity, strict=True)) == list(SURVEY)
    assert library.flux.shape == (32, library.wavelength.size)
    assert SHORT[0] <= library.wavelength[0] < library.wavelength[-1] <= SHORT[1]


def test_values_come_from_where_the_header_puts_them(tmp_path: Path) -> None:
    write(tmp_path, name_of(1.0, 0.0))
    library, _ = read_library(tmp_path, [(1.0, 0.0)], wavelengths=SHORT)
    expected = np.interp(library.wavelength, 4900 + 0.9 * np.arange(500), np.linspace(2, 1, 500))
    assert library.flux[0] == pytest.approx(expected, rel=1e-6)


def test_the_package_stands_in_and_says_how_near_it_is() -> None:
    library, selection = read_library(PACKAGE)
    assert not selection.exact
    assert max(abs(each.age_off) for each in selection.matches) < 0.06
    assert max(abs(each.metallicity_off) for each in selection.matches) == pytest.approx(0.18, abs=0.005)
    assert library.wavelength[0] == pytest.approx(RANGE[0], abs=1)
    assert library.wavelength[-1] == pytest.approx(RANGE[1], abs=1)
    first = selection.matches[0]
    assert (first.age, first.metallicity) == (0.15, -1.49)
    assert first.model.path.name.startswith("Eun1.30Zm1.31T00.1585")
    assert first.age_off == pytest.approx(0.024, abs=0.001)


def test_a_model_that_stands_for_several_is_taken_once(tmp_path: Path) -> None:
    write(tmp_path, name_of(1.0, 0.0))
    library, selection = read_library(tmp_path, [(0.9, 0.0), (1.1, 0.0)], wavelengths=SHORT)
    assert len(library.names) == 1
    assert len(selection.matches) == 2


def test_the_nearest_counts_age_and_metals_in_dex() -> None:
    one, other = (Model(Path("x"), "", age, metals) for age, metals in ((1.0, 0.0), (10.0, 0.4)))
    assert nearest([one, other], 2.0, 0.1) is one
    assert nearest([one, other], 5.0, 0.3) is other
    match = Match(5.0, 0.3, other)
    assert match.age_off == pytest.approx(0.301, abs=0.001)
    assert match.metallicity_off == pytest.approx(0.1)
    assert Selection((Match(10.0, 0.4, other),)).exact


def test_no_folder_and_no_models_are_two_things(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there is no folder"):
        read_library(tmp_path / "nowhere")
    with pytest.raises(Refused, match="no models in"):
        read_library(tmp_path)
    assert models_in(tmp_path / "nowhere") == ()


def test_models_of_two_families_are_not_mixed(tmp_path: Path) -> None:
    write(tmp_path, name_of(1.0, 0.0, family="ch"))
    write(tmp_path, name_of(2.0, 0.0, family="un"))
    with pytest.raises(Refused, match="2 families"):
        read_library(tmp_path, wavelengths=SHORT)


def test_of_models_that_reach_less_far_there_is_what_they_have(tmp_path: Path) -> None:
    write(tmp_path, name_of(1.0, 0.0), first=3540.5, size=4300)
    library, _ = read_library(tmp_path)
    assert (library.wavelength[0], library.wavelength[-1]) == pytest.approx((RANGE[0], 7409.6), abs=1)
    with pytest.raises(Refused, match="has nothing between 8000 and 9000"):
        read_library(tmp_path, wavelengths=(8000.0, 9000.0))


def test_files_that_are_replaced_are_read_again_and_have_another_checksum(tmp_path: Path) -> None:
    path = write(tmp_path, name_of(1.0, 0.0), first=5000.0)
    before, md5 = current_library(tmp_path), select(tmp_path).md5
    assert current_library(tmp_path) is before
    path.unlink()
    write(tmp_path, name_of(1.0, 0.0), first=5100.0)
    assert current_library(tmp_path).wavelength[0] == pytest.approx(5100)
    assert select(tmp_path).md5 != md5
    path.unlink()
    (tmp_path / name_of(1.0, 0.0)).symlink_to(tmp_path / "nowhere")
    with pytest.raises(Refused, match="cannot be read"):
        current_library(tmp_path)


def test_models_on_other_steps_are_refused(tmp_path: Path) -> None:
    write(tmp_path, name_of(1.0, 0.0))
    write(tmp_path, name_of(10.0, 0.0), step=0.8)
    with pytest.raises(Refused, match="other wavelengths than"):
        read_library(tmp_path, [(1.0, 0.0), (10.0, 0.0)], wavelengths=SHORT)


def test_files_that_are_no_spectra_are_refused(tmp_path: Path) -> None:
    path = tmp_path / name_of(1.0, 0.0)
    path.write_bytes(b"SIMPLE  = nothing")
    with pytest.raises(Refused, match="is no model of MILES"):
        read_library(tmp_path, wavelengths=SHORT)
    path.unlink()
    fits.PrimaryHDU(np.ones((3, 4))).writeto(path)
    with pytest.raises(Refused, match="is no model of MILES"):
        read_library(tmp_path, wavelengths=SHORT)


def test_values_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, name_of(1.0, 0.0))
    with fits.open(path, mode="update") as hdus:
        hdus[0].data[150] = np.nan
    with pytest.raises(Refused, match="not numbers"):
        read_library(tmp_path, wavelengths=SHORT)
