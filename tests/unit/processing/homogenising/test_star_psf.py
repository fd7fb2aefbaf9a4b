"""The width of a PSF from stars, and a line through widths."""

import numpy as np
import pytest
from numpy.typing import NDArray

from processing.science.psf import AO_BETA, NO_AO_BETA, PIVOT, Psf
from processing.science.star_psf import Width, fit_moffat, line_through

Array = NDArray[np.float64]
PIXEL = 0.2


def star(psf: Psf, wavelength: float, *, noise: float, rng: np.random.Generator) -> Array:
    y, x = np.indices((41, 41), dtype=np.float64)
    light = 4000 * psf.density(np.hypot(x - 20.3, y - 19.8) * PIXEL, wavelength) * PIXEL**2
    return light + 5 + 0.1 * x + rng.normal(0, noise, x.shape)


@pytest.mark.parametrize("beta", [AO_BETA, NO_AO_BETA])
def test_the_width_of_a_star_is_found_with_its_error(beta: float) -> None:
    rng, psf, good = np.random.default_rng(0), Psf(0.7, beta), np.ones((41, 41), np.bool_)
    found = [fit_moffat(star(psf, PIVOT, noise=3, rng=rng), good, (20, 20), fwhm=3.0, beta=beta) for _ in range(60)]
    widths, errors = np.array([one for one in found if one is not None]).T
    assert len(widths) == 60
    assert widths.mean() * PIXEL == pytest.approx(0.7, abs=0.003)
    assert widths.std() == pytest.approx(errors.mean(), rel=0.3)


def test_the_slope_is_found_too_and_errors_hold() -> None:
    rng, good, pulls = np.random.default_rng(1), np.ones((41, 41), np.bool_), []
    psf = Psf(0.6, NO_AO_BETA, slope=-4e-5)
    for _ in range(20):
        stars = []
        for _ in range(3):
            widths = []
            for wavelength in (5000.0, PIVOT, 9000.0):
                image = star(psf, wavelength, noise=3, rng=rng)
                fitted = fit_moffat(image, good, (20, 20), fwhm=3.0, beta=NO_AO_BETA)
                assert fitted is not None
                widths.append(Width(wavelength, fitted[0] * PIXEL, fitted[1] * PIXEL))
            stars.append(widths)
        found = line_through(stars, NO_AO_BETA)
        assert found is not None
        assert found.stars == 3
        pulls.append([(found.psf.fwhm - 0.6) / found.fwhm_error, (found.psf.slope + 4e-5) / found.slope_error])
    assert np.abs(np.mean(pulls, axis=0)).max() < 1
    assert np.std(pulls, axis=0).max() < 1.6


def test_over_a_short_range_the_slope_is_the_surveys() -> None:
    found = line_through([[Width(6500.0, 0.6, 0.01)], [Width(6510.0, 0.61, 0.01)]], AO_BETA)
    assert found is not None
    assert found.psf.slope == Psf(0.6, AO_BETA).slope
    assert found.psf.fwhm == pytest.approx(0.605, abs=0.001)


def test_edges_holes_and_emptiness_have_no_width() -> None:
    rng, good = np.random.default_rng(2), np.ones((41, 41), np.bool_)
    image = star(Psf(0.7, AO_BETA), PIVOT, noise=1, rng=rng)
    assert fit_moffat(image, good, (2, 20), fwhm=3, beta=AO_BETA) is None
    assert fit_moffat(np.zeros((41, 41)), good, (20, 20), fwhm=3, beta=AO_BETA) is None
    good[21, 21] = False
    assert fit_moffat(image, good, (20, 20), fwhm=3, beta=AO_BETA) is None
    assert line_through([], AO_BETA) is None
