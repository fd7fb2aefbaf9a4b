"""The noise that voxels share, against drops that are really let fall."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from processing.science.drizzle_noise import Drops, neighbour_correlation

Array = NDArray[np.float64]


def drizzle(noise: Array, phases: Array, pixfrac: float) -> tuple[Array, Array]:
    """Let one row of pixels fall on voxels of their size for each phase: values and variances, the middle of the row.

    ``noise`` is of shape (phases, realisations, pixels), of variance 1.
    """
    pixels = noise.shape[2]
    values, variances = np.zeros((2, *noise.shape))
    for shift in (0, 1):
        left = phases[:, np.newaxis] + (1 - pixfrac) / 2
        share = np.clip(np.minimum(left + pixfrac, shift + 1) - np.maximum(left, shift), 0, None)
        values[:, :, shift:] += share[:, :, np.newaxis] * noise[:, :, : pixels - shift]
        variances[:, :, shift:] += (share**2)[:, :, np.newaxis]
    return values[:, :, 1:] / pixfrac, variances[:, :, 1:] / pixfrac**2


@pytest.mark.parametrize("pixfrac", [0.3, 0.6, 0.8, 1.0])
def test_single_voxels_scatter_as_their_variance_says_and_sums_as_the_factor_says(pixfrac: float) -> None:
    rng = np.random.default_rng(int(100 * pixfrac))
    phases = rng.random(400)
    values, variances = drizzle(rng.normal(0, 1, (400, 50, 65)), phases, pixfrac)
    single = values.std(axis=1, ddof=1) ** 2
    assert np.sqrt(single.mean() / variances.mean()) == pytest.approx(1, abs=0.02)
    for length in (2, 8, 64):
        sums = values[:, :, :length].sum(axis=2).std(axis=1, ddof=1) ** 2
        told = variances[:, 0, :length].sum(axis=1)
        factor = Drops(pixfrac, pixfrac).sum_factor((length, 1, 1))
        assert np.sqrt(sums.mean() / told.mean()) == pytest.approx(factor, rel=0.05)


def test_axes_multiply_and_long_sums_are_those_of_fruchter_and_hook() -> None:
    drops = Drops(sky=0.8, wavelength=0.6)
    along, across = drops.sum_factor((30, 1, 1)), drops.sum_factor((1, 4, 5))
    assert drops.sum_factor((30, 4, 5)) == pytest.approx(along * across)
    assert drops.sum_factor((1, 1, 1)) == 1
    expected = (1 - 0.8 / 3) ** -1 * (1 - 0.6 / 3) ** -0.5
    assert drops.long_sum_factor == pytest.approx(expected)
    assert drops.sum_factor((10**6,) * 3) == pytest.approx(expected, rel=1e-5)


def test_smaller_drops_share_less_noise() -> None:
    shared = [neighbour_correlation(pixfrac) for pixfrac in (0.01, 0.4, 0.8, 1.0)]
    assert all(one < other for one, other in itertools.pairwise(shared))
    assert shared[0] < 0.002
    assert shared[-1] == pytest.approx(0.25)


@pytest.mark.parametrize("pixfrac", [0.0, -1.0, 1.2, float("nan")])
def test_drops_that_are_none_are_refused(pixfrac: float) -> None:
    with pytest.raises(ValueError, match="drops are larger than 0"):
        neighbour_correlation(pixfrac)


def test_a_block_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one voxel"):
        Drops(0.8, 0.8).sum_factor((0, 1, 1))
