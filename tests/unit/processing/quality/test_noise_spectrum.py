"""The noise that a cube shows, against noise that was put in."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from processing.science.lines import LINES
from processing.science.quality.noise_spectrum import NoiseSpectrum, line_free
from processing.science.quality.typical import typical, windows

Floats = NDArray[np.float32]
Slab = tuple[int, Floats, Floats, NDArray[np.bool_] | None]

SHAPE = (60, 70, 80)
WAVELENGTHS = 6500 + 1.25 * np.arange(SHAPE[0], dtype=np.float64)


def galaxy() -> NDArray[np.float64]:
    """A galaxy that is far brighter than the noise, with a slope along wavelength."""
    y, x = np.indices(SHAPE[1:])
    light = 3000 * np.exp(-np.hypot(y - 30, x - 40) / 12)
    slope = 1 + 0.002 * np.arange(SHAPE[0])[:, None, None]
    return np.asarray(light * slope)


def slabs(
    *, real: float = 1.0, depth: int = 7, line: bool = False, kernel: tuple[float, ...] = (1.0,)
) -> Iterator[Slab]:
    """Noise of ``real`` times what its variances say; the right half of the field is twice as noisy."""
    rng = np.random.default_rng(3)
    sigma = np.where(np.arange(SHAPE[2]) < 40, 10.0, 20.0) * np.ones(SHAPE)
    white = np.apply_along_axis(np.convolve, 0, rng.normal(size=SHAPE), np.array(kernel), mode="same")
    cube = galaxy() + sigma * real * white / np.sqrt(np.square(kernel).sum())
    if line:
        cube += 2000 * np.exp(-(((WAVELENGTHS - 6562.8) / 1.5) ** 2) / 2)[:, None, None] * rng.random(SHAPE[1:])
    mask = np.zeros(SHAPE, np.bool_)
    mask[:, :5] = True
    cube[mask] = 1e9
    for start in range(0, SHAPE[0], depth):
        part = slice(start, start + depth)
        yield start, cube[part].astype(np.float32), (sigma[part] ** 2).astype(np.float32), mask[part]


def measured(given: Iterator[Slab]) -> NoiseSpectrum:
    spectrum = NoiseSpectrum(SHAPE)
    for slab in given:
        spectrum.add(*slab)
    return spectrum


@pytest.mark.parametrize("real", [1.0, 1.12, 0.8])
def test_noise_is_seen_as_it_is_whatever_the_variances_tell(real: float) -> None:
    spectrum = measured(slabs(real=real))
    seen = typical(spectrum.ratio)
    assert seen.n == SHAPE[0] - 4
    assert seen.median == pytest.approx(real, rel=0.01)
    assert seen.scatter / seen.median < 0.03
    assert np.isnan(spectrum.ratio[[0, 1, -2, -1]]).all()


def test_noise_told_is_the_middle_of_what_variances_say() -> None:
    told = measured(slabs(real=3.0)).told
    assert told.shape == SHAPE[:1]
    assert ((told >= 10) & (told <= 20)).all()


def test_slabs_of_any_depth_give_the_same() -> None:
    one, other = measured(slabs(depth=1)), measured(slabs(depth=60))
    np.testing.assert_array_equal(one.ratio, other.ratio)


def test_noise_that_neighbouring_planes_share_is_not_understated() -> None:
    """As a drizzled spectrum's: neighbours are correlated, others are not."""
    assert typical(measured(slabs(kernel=(0.2, 1.0))).ratio).median == pytest.approx(1, rel=0.01)


def test_planes_of_lines_are_told_and_the_others_know_nothing_of_them() -> None:
    ratio, free = measured(slabs(line=True)).ratio, line_free(WAVELENGTHS, 0.0)
    assert np.nanmax(ratio[~free]) > 3
    assert typical(ratio[free]).median == pytest.approx(1, rel=0.01)
    assert np.nanmax(ratio[free]) < 1.1


def test_lines_move_with_the_galaxy() -> None:
    at_rest = next(line.wavelength for line in LINES if line.name == "HA6562")
    wavelengths = at_rest * (1 + 1500 / 299792.458) + np.array([-40.0, 0.0])
    assert line_free(wavelengths, 1500.0).tolist() == [True, False]
    assert not line_free(np.array([at_rest]), 0.0)[0]


def test_planes_out_of_order_are_refused() -> None:
    spectrum = NoiseSpectrum(SHAPE)
    with pytest.raises(ValueError, match="plane 7 does not follow"):
        spectrum.add(7, *list(slabs())[1][1:])


def test_a_cube_without_values_has_no_noise() -> None:
    spectrum = NoiseSpectrum((10, 20, 20))
    nothing = np.full((10, 20, 20), np.nan, np.float32)
    spectrum.add(0, nothing, nothing, None)
    assert np.isnan(spectrum.ratio).all()
    assert np.isnan(spectrum.told).all()


@pytest.mark.parametrize(("low", "high"), [(4700.0, 9400.0), (6500.0, 6700.0), (5300.0, 5304.0)])
def test_windows_are_round_few_and_hold_every_plane_once(low: float, high: float) -> None:
    wavelengths = np.arange(low, high, 1.25)
    found = windows(wavelengths)
    assert 1 <= len(found) <= 25
    assert np.sum([window.of(wavelengths) for window in found], axis=0).tolist() == [1] * wavelengths.size
    assert all(window.low % 5 == 0 for window in found)


def test_a_window_is_written_without_needless_digits() -> None:
    assert [str(window) for window in windows(np.arange(6500.0, 6520.0, 1.25))] == [
        "6500-6505",
        "6505-6510",
        "6510-6515",
        "6515-6520",
    ]
