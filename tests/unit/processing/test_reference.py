"""Reference images of every unit come to MUSE's own, each by its filter's own pivot wavelength."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from archive.errors import Refused
from processing.filters import pivot, read_curve
from processing.reference import read_reference
from processing.science.bands import Filter

FLUX = "10**(-20)*erg/s/cm**2/Angstrom"
WCS_CARDS = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 2.0, "CRPIX2": 2.0, "CRVAL1": 54.0, "CRVAL2": -24.0,
    "CD1_1": -5e-5, "CD2_2": 5e-5,
}  # fmt: skip


def box(middle: float) -> Filter:
    """A filter so narrow that its pivot is its middle."""
    return Filter("box", np.linspace(middle - 1, middle + 1, 21), np.ones(21))


def written(path: Path, unit: str | None, *, value: float = 2.0) -> Path:
    hdu = fits.ImageHDU(np.full((3, 4), value, np.float32), name="DATA")
    hdu.header.update(WCS_CARDS)
    if unit is not None:
        hdu.header["BUNIT"] = unit
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    return path


@pytest.mark.parametrize(("name", "wavelength"), [("SDSS_g", 4702.50), ("SDSS_r", 6175.58), ("SDSS_i", 7489.98)])
def test_the_pivots_of_the_survey_s_filters_are_those_of_their_curves(name: str, wavelength: float) -> None:
    assert pivot(read_curve(Path("data"), name).band) == pytest.approx(wavelength, abs=0.01)


def test_a_microjansky_at_the_survey_s_wide_field_imager_is_what_its_pipeline_took_it_for(tmp_path: Path) -> None:
    reference = read_reference(written(tmp_path / "r.fits", "uJy", value=1.0), box(6483.58))
    assert reference.image == pytest.approx(71.317, abs=0.002)


@pytest.mark.parametrize(
    ("unit", "microjanskys"),
    [("uJy", 1.0), ("microJy", 1.0), ("mJy", 1e3), ("Jy", 1e6), ("nanomaggy", 3.631), ("nmgy", 3.631)],
)
def test_units_of_flux_density_differ_by_their_factors_alone(tmp_path: Path, unit: str, microjanskys: float) -> None:
    band = box(6231.0)
    image = read_reference(written(tmp_path / "r.fits", unit), band).image
    one = read_reference(written(tmp_path / "one.fits", "uJy"), band).image
    assert image == pytest.approx(one * microjanskys)


def test_two_filters_bring_the_same_flux_density_to_two_fluxes(tmp_path: Path) -> None:
    path = written(tmp_path / "r.fits", "uJy")
    red, blue = (read_reference(path, box(middle)).image[0, 0] for middle in (6518.7, 6227.5))
    assert blue / red == pytest.approx((6518.7 / 6227.5) ** 2)


def test_an_image_in_muse_s_unit_stays_as_it_is_and_where_it_is(tmp_path: Path) -> None:
    reference = read_reference(written(tmp_path / "r.fits", FLUX), box(6000.0))
    assert reference.image.shape == (3, 4)
    assert (reference.image == 2.0).all()
    assert np.array(reference.wcs.pixel_to_world_values(1.0, 1.0)) == pytest.approx((54.0, -24.0))


@pytest.mark.parametrize("unit", [None, "adu", "mag", "uJy/beam", "MJy/sr"])
def test_another_unit_is_refused_by_name(tmp_path: Path, unit: str | None) -> None:
    with pytest.raises(Refused, match=f"BUNIT '{unit or ''}' of the reference image is no flux per pixel"):
        read_reference(written(tmp_path / "r.fits", unit), box(6000.0))


def test_an_image_without_a_value_and_a_file_without_an_image_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no value at all"):
        read_reference(written(tmp_path / "r.fits", FLUX, value=np.nan), box(6000.0))
    fits.PrimaryHDU(np.ones((2, 3, 4))).writeto(tmp_path / "cube.fits")
    with pytest.raises(Refused, match="no image of two axes"):
        read_reference(tmp_path / "cube.fits", box(6000.0))
