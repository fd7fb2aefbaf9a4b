"""Planes convolved to one PSF: edges, fluxes, noise."""

import numpy as np
import pytest
from numpy.typing import NDArray

from processing.science.convolution import Convolver
from processing.science.correlated_noise import WHITE, Correlation, convolved, drizzled, inflation
from processing.science.kernels import Kernels
from processing.science.psf import AO_BETA, NO_AO_BETA, Psf

SHAPE = (120, 140)
WAVELENGTH = 6510.0
KERNELS = Kernels(Psf(0.74, NO_AO_BETA), 0.92, 0.2)
ALL = np.ones(SHAPE, np.bool_)
ONES = np.ones(SHAPE, np.float32)

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def holes() -> Mask:
    """A turned field with a column, a trail and single pixels missing."""
    y, x = np.indices(SHAPE)
    good: Mask = (y + 0.3 * x > 20) & (y - 0.3 * x < 100) & (x != 70) & (np.abs(y - x) > 2)
    good[50, 100] = False
    return good


@pytest.mark.parametrize(("psf", "fwhm"), [(Psf(0.74, NO_AO_BETA), 0.92), (Psf(0.58, AO_BETA), 1.25)])
def test_a_flat_field_stays_flat_up_to_every_edge(psf: Psf, fwhm: float) -> None:
    good = holes()
    data = np.where(good, np.float32(5), np.float32(np.nan))
    mean, _, kept = Convolver(Kernels(psf, fwhm, 0.2), SHAPE).convolve(WAVELENGTH, data, ONES, good)
    assert not (kept & ~good).any()
    assert kept.sum() > 0.99 * good.sum()
    np.testing.assert_allclose(mean[kept], 5, rtol=1e-5)
    assert np.isnan(mean[~kept]).all()


def test_light_is_neither_lost_nor_made() -> None:
    data = np.zeros(SHAPE, np.float32)
    data[60, 70], data[55, 66] = 1e5, 300
    mean, _, _ = Convolver(KERNELS, SHAPE).convolve(WAVELENGTH, data, ONES, ALL)
    assert mean.sum(dtype=np.float64) == pytest.approx(data.sum(dtype=np.float64), rel=1e-5)


def test_light_does_not_come_round_from_the_other_side() -> None:
    data = np.zeros(SHAPE, np.float32)
    data[:, 1] = 1e4
    mean, _, _ = Convolver(KERNELS, SHAPE).convolve(WAVELENGTH, data, ONES, ALL)
    assert np.abs(mean[:, -40:]).max() < 1e-3


def test_what_is_masked_does_not_matter() -> None:
    good = holes()
    rng = np.random.default_rng(0)
    data = rng.normal(100, 3, SHAPE).astype(np.float32)
    other = np.where(good, data, np.float32(1e9))
    first, second = (Convolver(KERNELS, SHAPE).convolve(WAVELENGTH, each, ONES, good) for each in (data, other))
    np.testing.assert_array_equal(first[0], second[0])


def test_it_is_the_convolution_that_the_kernel_says() -> None:
    data = np.random.default_rng(1).normal(0, 1, SHAPE).astype(np.float32)
    variance = np.random.default_rng(2).uniform(1, 2, SHAPE).astype(np.float32)
    mean, spread, _ = Convolver(KERNELS, SHAPE).convolve(WAVELENGTH, data, variance, ALL)
    kernel, half = KERNELS.at(WAVELENGTH), KERNELS.size // 2
    row, column = 60, 70
    window = slice(row - half, row + half + 1), slice(column - half, column + half + 1)
    assert mean[row, column] == pytest.approx((kernel * data[window]).sum(), abs=1e-5)
    assert spread[row, column] == pytest.approx((kernel**2 * variance[window]).sum(), rel=1e-5)


def test_planes_may_come_in_any_order() -> None:
    rng = np.random.default_rng(3)
    planes = {wavelength: rng.normal(0, 1, SHAPE).astype(np.float32) for wavelength in (6501.0, 6549.0, 6551.0, 4800.0)}
    one, masks = Convolver(KERNELS, SHAPE), (ALL, holes())
    for wavelength, good in [(w, masks[n % 2]) for n, w in enumerate([*planes, *reversed(planes)])]:
        data = np.where(good, planes[wavelength], np.nan).astype(np.float32)
        fresh = Convolver(KERNELS, SHAPE).convolve(wavelength, data, ONES, good)
        for mine, other in zip(one.convolve(wavelength, data, ONES, good), fresh, strict=True):
            np.testing.assert_array_equal(mine, other)


def test_a_plane_without_anything_stays_one() -> None:
    nothing = np.full(SHAPE, np.nan, np.float32)
    mean, spread, kept = Convolver(KERNELS, SHAPE).convolve(WAVELENGTH, nothing, nothing, ~ALL)
    assert np.isnan(mean).all()
    assert np.isnan(spread).all()
    assert not kept.any()


def noise(rng: np.random.Generator, before: Correlation) -> NDArray[np.float32]:
    """Noise of unit variance whose neighbours are correlated as those of a drizzled plane."""
    white = rng.normal(0, 1, (SHAPE[0] + 2, SHAPE[1] + 2))
    if before is WHITE:
        return white[1:-1, 1:-1].astype(np.float32)
    beside = before.values[1, 0]
    share = (1 - np.sqrt(1 - 4 * beside**2)) / (2 * beside)  # of a neighbour: share / (1 + share^2) is beside
    along = (white[1:] + share * white[:-1]) / np.sqrt(1 + share**2)
    plane: NDArray[np.float32] = ((along[:, 1:] + share * along[:, :-1]) / (1 + share**2) ** 0.5).astype(np.float32)
    return plane[: SHAPE[0], : SHAPE[1]]


@pytest.mark.parametrize("before", [WHITE, drizzled(0.8)], ids=["white", "drizzled"])
def test_fifty_realisations_scatter_as_is_said(before: Correlation) -> None:
    """Single spaxels to 5 percent, sums of 3 x 3 and 9 x 9 as the correlation has them."""
    rng, convolver = np.random.default_rng(4), Convolver(KERNELS, SHAPE, before)
    made = [convolver.convolve(WAVELENGTH, noise(rng, before), ONES, ALL) for _ in range(50)]
    seen, told = np.array([mean for mean, _, _ in made]), made[0][1]
    assert np.sqrt(np.mean(seen.var(axis=0) / told)) == pytest.approx(1, abs=0.05)
    correlation = convolved(KERNELS.at(WAVELENGTH), before)
    for width in (3, 9):
        sums, variances = in_blocks(seen, width), in_blocks(told[np.newaxis], width)
        assert np.sqrt(np.mean(sums**2 / variances)) == pytest.approx(correlation.sum_factor(width, width), rel=0.05)


def in_blocks(planes: NDArray[np.float32], width: int) -> Array:
    rows, columns = (size // width * width for size in planes.shape[1:])
    cut = planes[:, :rows, :columns].astype(np.float64)
    sums: Array = cut.reshape(len(planes), rows // width, width, columns // width, width).sum(axis=(2, 4))
    return sums


def test_noise_at_an_edge_is_told_there_too() -> None:
    rng, good = np.random.default_rng(5), holes()
    convolver = Convolver(KERNELS, SHAPE)
    planes = [np.where(good, rng.normal(0, 1, SHAPE), np.nan).astype(np.float32) for _ in range(200)]
    made = [convolver.convolve(WAVELENGTH, plane, ONES, good) for plane in planes]
    kept = made[0][2]
    beside = kept & ~np.roll(good, 1, axis=0)
    seen = np.array([mean[beside] for mean, _, _ in made]).var(axis=0)
    assert np.mean(seen / made[0][1][beside]) == pytest.approx(1, abs=0.05)


def test_white_noise_is_not_inflated_and_drizzled_noise_is() -> None:
    kernel = KERNELS.at(WAVELENGTH)
    assert inflation(kernel) == pytest.approx(1)
    assert 1.2 < inflation(kernel, drizzled(0.8)) < convolved(kernel, drizzled(0.8)).long_sum_factor


@pytest.mark.parametrize("values", [np.ones((2, 2)), np.ones((3, 1)), np.zeros((3, 3))])
def test_what_is_no_correlation_is_refused(values: Array) -> None:
    with pytest.raises(ValueError, match="a correlation is 1 in the middle"):
        Correlation(values)
