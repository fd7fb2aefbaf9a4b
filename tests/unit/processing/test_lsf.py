"""The line spread function against values worked out by hand."""

import numpy as np
import pytest

from processing.science.lsf import MUSE_LSF


def test_the_width_is_that_of_the_deep_field() -> None:
    expected = [5.866e-8 * 25e6 - 9.187e-4 * 5000 + 6.040, 3.3038]
    assert MUSE_LSF.fwhm(np.array([5000.0, 4000.0])) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ("wavelength", "sigma"),
    [(4861.35, 77.52), (5006.84, 74.01), (5400.0, 65.8), (6562.79, 49.22), (6583.45, 49.01), (7000.0, 45.2)],
)
def test_the_dispersion_in_velocity_is_known_at_the_lines(wavelength: float, sigma: float) -> None:
    assert MUSE_LSF.sigma(np.array([wavelength]))[0] == pytest.approx(sigma, abs=0.06)
