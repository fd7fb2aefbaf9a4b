"""The filled gap of images, against truth worked out otherwise: filled first and then averaged, or many noisy cubes."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from processing.science.bands import BandImages, Filter, plane_weights, white
from processing.science.gap import AO_GAPS, Gap

Array = NDArray[np.float64]
MUSE: Array = 4750 + 1.25 * np.arange(3681, dtype=np.float64)
GAP = AO_GAPS["WFM-AO-N"]
SHAPE = (3, 4)
TRIANGLE = Filter("triangle", np.array([5380.0, 6100.0, 7230.0]), np.array([0.0, 0.5, 0.0]))


def feed(images: BandImages, data: Array, variance: Array | None = None, mask: Any = None, depth: int = 100) -> None:
    for start in range(0, len(data), depth):
        planes = slice(start, start + depth)
        images.add(
            start,
            data[planes].astype(np.float32),
            None if variance is None else variance[planes].astype(np.float32),
            None if mask is None else mask[planes],
        )


def notched(wavelengths: Array, gap: Gap = GAP, shape: tuple[int, int] = SHAPE) -> NDArray[np.bool_]:
    """Mask the gap's planes in every spaxel."""
    planes = (wavelengths >= gap.low) & (wavelengths <= gap.high)
    return np.broadcast_to(planes[:, None, None], (wavelengths.size, *shape)).copy()


@pytest.mark.parametrize("mode", ["WFM-AO-N", "WFM-AO-E"])
@pytest.mark.parametrize("depth", [7, 100, 4000])
def test_the_gap_of_a_sloping_spectrum_is_filled_exactly(mode: str, depth: int) -> None:
    gap = AO_GAPS[mode]
    slopes = np.linspace(-0.02, 0.03, 12).reshape(SHAPE)
    data = 200 + slopes * (MUSE[:, None, None] - 6000)
    mask = notched(MUSE, gap)
    weights = {"white": white(MUSE), "r": plane_weights(TRIANGLE, MUSE)}
    images = BandImages(weights, MUSE, SHAPE, gap=gap)
    feed(images, np.where(mask, np.nan, data), np.ones(data.shape), mask, depth)
    for name, image in images.images().items():
        truth = np.tensordot(weights[name], data, axes=1) / weights[name].sum()
        assert image.gap_filled
        assert image.image == pytest.approx(truth, rel=2e-7)


def test_without_filling_the_same_spectrum_comes_out_wrong() -> None:
    data = np.broadcast_to(200 + 0.03 * (MUSE[:, None, None] - 6000), (3681, *SHAPE)).copy()
    weights = plane_weights(TRIANGLE, MUSE)
    images = BandImages({"r": weights}, MUSE, SHAPE)
    feed(images, data, mask=notched(MUSE))
    truth = np.tensordot(weights, data, axes=1) / weights.sum()
    result = images.images()["r"]
    assert not result.gap_filled
    assert np.abs(result.image / truth - 1).min() > 1e-3


def test_filling_equals_interpolating_the_cube_first() -> None:
    rng = np.random.default_rng(4)
    data = rng.normal(50, 5, (3681, *SHAPE)).astype(np.float32).astype(np.float64)
    mask = notched(MUSE)
    images = BandImages({"r": plane_weights(TRIANGLE, MUSE)}, MUSE, SHAPE, gap=GAP)
    feed(images, data, mask=mask, depth=64)
    inside = np.flatnonzero(mask[:, 0, 0])
    blue, red = slice(inside[0] - 21, inside[0]), slice(inside[-1] + 1, inside[-1] + 22)
    left, right = np.median(data[blue], axis=0), np.median(data[red], axis=0)
    share = (MUSE[inside] - MUSE[blue].mean()) / (MUSE[red].mean() - MUSE[blue].mean())
    data[inside] = left + (right - left) * share[:, None, None]
    truth = np.tensordot(plane_weights(TRIANGLE, MUSE), data, axes=1) / plane_weights(TRIANGLE, MUSE).sum()
    assert images.images()["r"].image == pytest.approx(truth, rel=1e-9)


def test_a_cosmic_ray_beside_the_gap_does_not_tilt_the_line() -> None:
    data = np.full((3681, *SHAPE), 10.0)
    mask = notched(MUSE)
    edge = int(np.flatnonzero(mask[:, 0, 0])[0]) - 3
    data[edge] = 1e6
    mask[edge - 3 : edge - 1] = True
    weights = np.where(np.arange(3681) == edge, 0.0, 1.0)
    images = BandImages({"all": weights}, MUSE, SHAPE, gap=GAP)
    feed(images, data, mask=mask)
    assert images.images()["all"].image == pytest.approx(np.full(SHAPE, 10.0), rel=1e-9)


def test_only_spaxels_with_a_gap_and_with_both_sides_of_it_are_filled() -> None:
    data = np.broadcast_to(np.where(MUSE < 5890, 1.0, 3.0)[:, None, None], (3681, *SHAPE)).copy()
    mask = np.zeros(data.shape, dtype=np.bool_)
    gap = notched(MUSE)[:, 0, 0]
    mask[gap, 0, 0] = True  # a gap: filled
    mask[np.flatnonzero(gap)[:5], 0, 1] = True  # a few bad voxels: not
    mask[MUSE < 5970, 0, 2] = True  # nothing at the blue side: not
    images = BandImages({"white": white(MUSE)}, MUSE, SHAPE, gap=GAP)
    feed(images, data, mask=mask)
    result = images.images()["white"]
    dropped = np.where(mask, 0.0, data).sum(axis=0) / (~mask).sum(axis=0)
    unfilled = np.ones(SHAPE, dtype=np.bool_)
    unfilled[0, 0] = False
    assert result.gap_filled
    assert result.image[unfilled] == pytest.approx(dropped[unfilled])
    share = gap.sum() * 2.0  # the line runs from 1 to 3 evenly about the middle of the gap
    assert result.image[0, 0] == pytest.approx((data[~gap, 0, 0].sum() + share) / 3681, rel=1e-3)


def test_an_unharmed_cube_is_left_alone_though_its_mode_has_a_gap() -> None:
    data = np.random.default_rng(5).normal(size=(3681, *SHAPE)).astype(np.float32)
    images = BandImages({"white": white(MUSE)}, MUSE, SHAPE, gap=GAP)
    feed(images, data.astype(np.float64))
    result = images.images()["white"]
    assert not result.gap_filled
    assert result.image == pytest.approx(data.mean(axis=0, dtype=np.float64), abs=1e-12)


def test_a_band_clear_of_the_gap_is_not_called_filled() -> None:
    box = Filter("box", np.array([7000.0, 8000.0]), np.array([1.0, 1.0]))
    weights = {"box": plane_weights(box, MUSE), "white": white(MUSE)}
    images = BandImages(weights, MUSE, SHAPE, gap=GAP)
    feed(images, np.ones((3681, *SHAPE)), mask=notched(MUSE))
    assert {name: image.gap_filled for name, image in images.images().items()} == {"box": False, "white": True}


@pytest.mark.parametrize("part", [slice(0, 900), slice(900, 3681), slice(0, 10), slice(1000, 3681)])
def test_a_cube_that_ends_in_or_outside_the_gap_is_left_unfilled(part: slice) -> None:
    wavelengths = MUSE[part]
    images = BandImages({"white": white(wavelengths)}, wavelengths, SHAPE, gap=GAP)
    feed(images, np.ones((wavelengths.size, *SHAPE)), mask=notched(wavelengths))
    result = images.images()["white"]
    assert not result.gap_filled
    assert result.image == pytest.approx(np.ones(SHAPE))


def test_the_variance_with_a_filled_gap_is_the_scatter_of_many_noisy_cubes() -> None:
    wavelengths = MUSE[780:1040]
    shape = (60, 100)
    rng = np.random.default_rng(6)
    sigma = 3.0
    data = rng.normal(0, sigma, (wavelengths.size, *shape))
    images = BandImages({"white": white(wavelengths)}, wavelengths, shape, gap=GAP)
    feed(images, data, np.full(data.shape, sigma**2), notched(wavelengths, shape=shape))
    result = images.images()["white"]
    assert result.gap_filled
    assert result.variance is not None
    assert result.variance.mean() == pytest.approx(result.image.var(), rel=0.06)  # 6000 spaxels: 1.8 % at one sigma
