"""A pixel-integrated line and its derivatives against scipy's integral and against small differences."""

import numpy as np
import pytest
from numpy.typing import NDArray

from processing.science.profiles import BY_FLUX, BY_VARIANCE, BY_VELOCITY, Lines, fill_profile, place
from tests.support.line_spectra import LIGHT, instrument_width, line_profile

Array = NDArray[np.float64]
WAVELENGTH: Array = 6500 + 1.25 * np.arange(120, dtype=np.float64)
EDGES: Array = 6499.375 + 1.25 * np.arange(121, dtype=np.float64)
LINES = Lines(
    np.array([6562.79]),
    np.zeros(1, dtype=np.int64),
    np.zeros(1, dtype=np.int64),
    np.ones(1),
    np.array([5.866e-8, -9.187e-4, 6.040]),
)


def spectrum(velocity: float, variance: float, kind: int = BY_FLUX, edges: Array = EDGES) -> Array:
    columns = np.full((3, edges.size), np.nan)
    first, count = fill_profile(place(LINES, 0, velocity, variance), edges, columns)
    whole = np.zeros(edges.size - 1)
    whole[first : first + count] = columns[kind, :count]
    return whole


@pytest.mark.parametrize(("velocity", "sigma"), [(0.0, 0.0), (30.0, 45.0), (-170.0, 120.0)])
def test_a_line_is_the_mean_of_a_gaussian_over_each_pixel(velocity: float, sigma: float) -> None:
    middle = 6562.79 * np.exp(np.array([velocity]) / LIGHT)
    width = np.hypot(sigma / LIGHT * middle, instrument_width(middle))
    assert spectrum(velocity, sigma**2) == pytest.approx(line_profile(WAVELENGTH, middle, width)[0], abs=1e-9)
    assert (spectrum(velocity, sigma**2) * 1.25).sum() == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize(("kind", "step"), [(BY_VELOCITY, (0.01, 0.0)), (BY_VARIANCE, (0.0, 0.5))])
@pytest.mark.parametrize("variance", [100.0, 2500.0, 40000.0])
def test_derivatives_are_those_of_small_differences(kind: int, step: tuple[float, float], variance: float) -> None:
    after = spectrum(20 + step[0], variance + step[1])
    before = spectrum(20 - step[0], variance - step[1])
    expected = (after - before) / (2 * sum(step))
    assert spectrum(20, variance, kind) == pytest.approx(expected, abs=2e-5 * np.abs(expected).max())


def test_the_variance_has_a_derivative_where_the_line_has_no_width_of_its_own() -> None:
    assert np.abs(spectrum(0, 0, BY_VARIANCE)).max() > 0


def test_a_line_outside_the_grid_has_no_pixels_and_one_at_its_edge_only_those_that_are() -> None:
    assert not spectrum(30000, 2500).any()
    assert not spectrum(-30000, 2500).any()
    at_edge = LIGHT * np.log(EDGES[-1] / 6562.79)
    assert (spectrum(at_edge, 2500) * 1.25).sum() == pytest.approx(0.5, abs=1e-9)
