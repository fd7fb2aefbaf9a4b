"""The dust's law against O'Donnell's published numbers."""

import numpy as np
import pytest

from processing.science.extinction import RV, correction


def odonnell(wavelength: float) -> float:
    """Return A(wavelength) / A(V) from the coefficients of O'Donnell (1994, ApJ 422, 158), 3030 to 9090 Angstrom."""
    y = 1e4 / wavelength - 1.82
    a = np.polyval([-0.505, 1.647, -0.827, -1.718, 1.137, 0.701, -0.609, 0.104, 1.0], y)
    b = np.polyval([3.347, -10.805, 5.491, 11.102, -7.985, -3.989, 2.908, 1.952, 0.0], y)
    return float(a + b / 3.1)


@pytest.mark.parametrize("wavelength", [4750.0, 4861.35, 5006.84, 5500.0, 6562.79, 7000.0, 8500.0, 9000.0])
def test_the_law_is_o_donnell_s(wavelength: float) -> None:
    magnitudes = 2.5 * np.log10(correction(np.array([wavelength]), 0.1)[0])
    assert magnitudes == pytest.approx(odonnell(wavelength) * RV * 0.1, rel=1e-3)


def test_blue_less_visual_is_the_reddening_itself() -> None:
    blue, visual = (2.5 * np.log10(correction(np.array([at]), 1 / RV)[0]) for at in (4400.0, 5495.0))
    assert visual == pytest.approx(1.0, abs=0.01)
    assert blue - visual == pytest.approx(1 / RV, abs=0.01)


def test_no_dust_changes_nothing_and_twice_the_dust_squares_the_factor() -> None:
    at = np.linspace(4750, 9300, 50)
    assert (correction(at, 0.0) == 1).all()
    assert correction(at, 0.4) == pytest.approx(correction(at, 0.2) ** 2)


def test_blue_light_is_dimmed_most() -> None:
    assert (np.diff(correction(np.linspace(4750, 9300, 50), 0.3)) < 0).all()


@pytest.mark.parametrize("ebv", [-0.1, np.nan, np.inf])
def test_a_reddening_that_is_none_is_refused(ebv: float) -> None:
    with pytest.raises(ValueError, match="no reddening"):
        correction(np.array([5000.0]), ebv)


@pytest.mark.parametrize("wavelength", [2000.0, 50000.0, np.nan])
def test_wavelengths_beyond_the_law_are_refused(wavelength: float) -> None:
    with pytest.raises(ValueError, match="3030 to 33333"):
        correction(np.array([5000.0, wavelength]), 0.1)
