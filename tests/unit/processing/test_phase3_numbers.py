"""Numbers for headers of cubes, on arrays whose answers are known."""

import math

import numpy as np
import pytest

from processing.science.phase3_numbers import (
    NOT_KNOWN,
    Depth,
    SeenThrough,
    exposure_time,
    limiting_magnitude,
    resolving_power,
    sky_resolution,
)


def depth_of(variance: np.ndarray[tuple[int, ...], np.dtype[np.float32]], pieces: int = 1) -> float:
    depth = Depth()
    for piece in np.array_split(variance, pieces):
        depth.add(piece, None)
    return depth.noise()


def test_the_noise_of_a_voxel_is_the_root_of_the_mode_of_the_variances_as_in_a_real_product() -> None:
    variance = np.full((4, 5, 6), 3.25, np.float32)
    variance[0] = np.linspace(5, 20, 30).reshape(5, 6)
    assert f"{depth_of(variance):.4E}" == "1.8055E-20"


def test_slabs_give_what_the_whole_gives() -> None:
    variance = np.random.default_rng(1).normal(4.0, 0.3, (40, 8, 8)).astype(np.float32)
    assert depth_of(variance) == depth_of(variance, pieces=7)
    assert depth_of(variance) == pytest.approx(2e-20, rel=0.05)


def test_what_is_no_variance_does_not_count() -> None:
    variance = np.full((2, 4, 4), np.nan, np.float32)
    variance[0, 0] = (4.0, -1.0, 0.0, np.inf)
    assert depth_of(variance) == pytest.approx(2e-20, rel=0.01)
    depth = Depth()
    depth.add(variance, np.ones(variance.shape, dtype=bool))
    assert math.isnan(depth.noise())


def test_variances_beyond_those_of_the_pipeline_have_a_mode_too() -> None:
    assert depth_of(np.full((2, 3, 3), 400.0, np.float32)) == pytest.approx(20e-20, rel=0.02)


def test_the_first_and_the_last_wavelength_are_those_of_planes_that_hold_something() -> None:
    wavelengths = np.arange(4700.0, 9401.0, 100.0)
    data = np.ones((len(wavelengths), 2, 2), np.float32)
    data[:3] = np.nan
    seen = SeenThrough(wavelengths)
    for start in range(0, len(data), 10):
        seen.add(start, data[start : start + 10], None)
    assert seen.limits("WFM-AO-N") == (5000.0, 9300.0)
    assert seen.limits("WFM-NOAO-N") == (5000.0, 9300.0)
    nothing = SeenThrough(wavelengths)
    nothing.add(0, data, np.ones(data.shape, dtype=bool))
    assert nothing.limits(None) is None


def test_a_mode_without_blue_light_begins_where_it_is_of_use() -> None:
    wavelengths = np.arange(4700.0, 9401.0, 1.25)
    seen = SeenThrough(wavelengths)
    seen.add(0, np.ones((len(wavelengths), 1, 1), np.float32), None)
    assert seen.limits("WFM-NOAO-N") == (4750.0, 9350.0)
    assert seen.limits("WFM-AO-N") == (4700.0, 9350.0)


def test_the_resolving_power_is_that_of_the_table() -> None:
    assert resolving_power(7050.0) == 3026.9
    assert resolving_power(4650.0) == 1674.8
    assert 3026.9 < resolving_power(8000.0) < 3767.9


def test_the_time_behind_a_pixel_leaves_out_what_was_not_exposed() -> None:
    seconds = np.array([[0.0, 0.0, 0.0], [600.0, 1200.0, 1200.0], [np.nan, 0.0, 1800.0]])
    assert exposure_time(seconds) == 1200.0
    assert math.isnan(exposure_time(np.zeros((3, 3))))


def test_a_point_source_is_as_wide_as_the_guide_stars_say_at_the_airmass_of_the_exposure() -> None:
    fwhm, error = sky_resolution([0.8, 0.8], [1.0, 1.0], [600.0, 300.0], monitor=[0.9, 0.5, None])
    assert fwhm == pytest.approx(0.8 * 1.4**-0.2)
    assert error == pytest.approx(math.hypot(0.2, 0.3))
    weighted, _ = sky_resolution([0.6, 1.2], [1.0, 1.0], [900.0, 300.0])
    assert weighted == pytest.approx(0.75 * 1.4**-0.2)
    assert sky_resolution([0.8], [2.0], [1.0])[0] == pytest.approx(0.8 * 2**0.6 * 1.4**-0.2)
    assert sky_resolution([None, 0.8], [1.0, None], [1.0, 1.0]) == NOT_KNOWN


def test_a_point_source_at_the_limit_stands_out_by_five_sigma() -> None:
    """A star of the limiting magnitude, measured with its own PSF as weight, in many fields of noise."""
    rng = np.random.default_rng(5)
    noise, fwhm, pixel, band = 0.3, 0.9, 0.2, (4750.0, 9350.0)
    white = rng.normal(0, noise, (300, 300))
    limit = limiting_magnitude(white, None, np.ones(white.shape, dtype=bool), fwhm=fwhm, pixel=pixel, wavelengths=band)
    frequency_flux = 3631 * 10 ** (-0.4 * limit)  # Jy
    flux = frequency_flux / (3.34e4 * band[0] * band[1]) / 1e-20
    y, x = np.mgrid[-15:16, -15:16]
    psf = np.exp(-(x**2 + y**2) / 2 / (fwhm / 2.3548 / pixel) ** 2)
    psf /= psf.sum()
    fields = [rng.normal(0, noise, psf.shape) + flux * psf for _ in range(400)]
    measured = np.array([(field * psf).sum() / (psf**2).sum() for field in fields])
    assert measured.mean() / measured.std() == pytest.approx(5.0, rel=0.1)


def test_an_image_smoother_than_its_variance_is_believed_no_deeper_than_that() -> None:
    flat, good = np.full((20, 20), 3.0), np.ones((20, 20), dtype=bool)
    given = {"fwhm": 0.8, "pixel": 0.2, "wavelengths": (4750.0, 9350.0)}
    shallow = limiting_magnitude(flat, np.full((20, 20), 0.04), good, **given)  # type: ignore[arg-type]
    deep = limiting_magnitude(flat, np.full((20, 20), 0.0004), good, **given)  # type: ignore[arg-type]
    assert deep - shallow == pytest.approx(2.5)
    assert 20 < shallow < 30
    assert math.isnan(limiting_magnitude(flat, None, good, **given))  # type: ignore[arg-type]
