"""PSFs in headers, as mpdaf writes and reads them."""

import numpy as np
import pytest
from astropy.io import fits

from processing.fsf import fsf_cards, read_fsf
from processing.science.psf import AO_BETA, NO_AO_BETA, Psf

FIELDS = {"NGC1385-P01": Psf(0.67, NO_AO_BETA), "NGC1385-P02": Psf(0.49, AO_BETA, slope=-2e-5)}


def test_what_is_written_is_read_again() -> None:
    found = read_fsf(fsf_cards(FIELDS))
    wavelengths = np.array([4700.0, 6500.0, 9300.0])
    for psf, given in zip(found, FIELDS.values(), strict=True):
        assert psf.beta == given.beta
        np.testing.assert_allclose(psf.fwhm_at(wavelengths), given.fwhm_at(wavelengths), atol=1e-5)


def test_the_polynomial_is_mpdafs() -> None:
    """FWHM(l) is the polynomial, its highest power first, in (l - FSFLB1) / (FSFLB2 - FSFLB1) - 1/2."""
    header = fsf_cards(FIELDS)
    for field, psf in enumerate(FIELDS.values()):
        coefficients = [header[f"FSF{field:02d}F{k:02d}"] for k in range(header[f"FSF{field:02d}FNC"])]
        for wavelength in (5000.0, 8000.0):
            place = (wavelength - header["FSFLB1"]) / (header["FSFLB2"] - header["FSFLB1"]) - 0.5
            assert np.polyval(coefficients, place) == pytest.approx(float(psf.fwhm_at(np.array(wavelength))), abs=1e-5)
    assert header["NFIELDS"] == 2


@pytest.mark.parametrize(
    "change",
    [
        {"FSFMODE": "MOFFAT1"},
        {"FSFMODE": None},
        {"FSF00F00": "wide"},
        {"FSF00FNC": 3, "FSF00F02": 0.1},
        {"FSF00BNC": 2, "FSF00B01": 0.1},
        {"FSF00F01": -1.0},
        {"FSFLB1": None},
    ],
)
def test_what_cannot_be_used_is_as_if_it_were_not_there(change: dict[str, object]) -> None:
    header = fsf_cards({"one": Psf(0.6, AO_BETA)})
    for keyword, value in change.items():
        if value is None:
            del header[keyword]
        else:
            header[keyword] = value
    assert read_fsf(header) == ()
    assert read_fsf(fits.Header()) == ()
