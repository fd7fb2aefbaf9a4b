"""Maps of signal and noise, against what was put in."""

import numpy as np
import pytest

from processing.science.quality.continuum import Continuum, window_within
from processing.science.quality.typical import Window

WAVELENGTHS = np.arange(5200.0, 5600.0, 10.0)


def test_signal_to_noise_is_that_of_a_voxel_within_the_window() -> None:
    signal = np.array([[10.0, 40.0], [70.0, 0.0]])
    continuum = Continuum(WAVELENGTHS, (2, 2), Window(5300, 5500))
    for start in range(0, 40, 7):
        planes = WAVELENGTHS[start : start + 7]
        inside = (planes >= 5300) & (planes < 5500)
        data = np.where(inside[:, None, None], signal, 1e6).astype(np.float32)
        variance = np.full(data.shape, 4.0, np.float32)
        continuum.add(start, data, variance, None)
    np.testing.assert_allclose(continuum.signal_to_noise, signal / 2, rtol=1e-6)
    np.testing.assert_allclose(continuum.noise, 2.0, rtol=1e-6)


def test_bad_voxels_are_left_out_and_nothing_is_nan() -> None:
    continuum = Continuum(WAVELENGTHS, (1, 2), Window(5300, 5500))
    data = np.full((40, 1, 2), 6.0, np.float32)
    mask = np.zeros(data.shape, np.bool_)
    data[::2, 0, 0], mask[::2, 0, 0] = 1e9, True
    data[:, 0, 1] = np.nan
    continuum.add(0, data, np.ones_like(data), mask)
    np.testing.assert_allclose(continuum.signal_to_noise[0], [6.0, np.nan])


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(4700, 9400, (5300, 5500)), (6500, 6800, (6500, 6700)), (4000, 5400, (5200, 5400)), (6500, 6600, (6500, 6600))],
)
def test_a_cube_without_the_surveys_wavelengths_is_measured_next_to_them(
    low: float, high: float, expected: tuple[float, float]
) -> None:
    window = window_within(np.array([low, high], dtype=np.float64))
    assert (window.low, window.high) == expected
