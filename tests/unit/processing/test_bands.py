"""Band images against brute force: every weight, mean and variance has its truth worked out otherwise."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from processing.science.bands import BandImage, BandImages, Filter, filter_fraction, plane_weights, white
from processing.science.gap import AO_GAPS, Gap

Array = NDArray[np.float64]
MUSE: Array = 4750 + 1.25 * np.arange(3681, dtype=np.float64)
GAP = AO_GAPS["WFM-AO-N"]
SHAPE = (3, 4)


def triangle(low: float = 5380.0, peak: float = 6100.0, high: float = 7230.0) -> Filter:
    return Filter("triangle", np.array([low, peak, high]), np.array([0.0, 0.5, 0.0]))


def brute_force(band: Filter, low: float, high: float) -> float:
    """Integrate on a fine grid, by the rule of the middle."""
    step = (high - low) / 4000
    middles = low + step * (np.arange(4000) + 0.5)
    return float(np.interp(middles, band.wavelength, band.throughput, left=0, right=0).sum() * step)


def feed(images: BandImages, data: Array, variance: Array | None = None, mask: Any = None, depth: int = 100) -> None:
    for start in range(0, len(data), depth):
        planes = slice(start, start + depth)
        images.add(
            start,
            data[planes].astype(np.float32),
            None if variance is None else variance[planes].astype(np.float32),
            None if mask is None else mask[planes],
        )


def test_weights_are_the_integral_over_each_pixel_even_across_a_corner_of_the_curve() -> None:
    wavelengths: Array = np.arange(5300, 7300, 25, dtype=np.float64)
    band = triangle()
    expected = [brute_force(band, each - 12.5, each + 12.5) for each in wavelengths]
    assert plane_weights(band, wavelengths) == pytest.approx(expected, abs=2e-5)
    assert plane_weights(band, wavelengths).sum() == pytest.approx(0.5 * (7230 - 5380) / 2, rel=1e-12)


@given(
    steps=hnp.arrays(np.float64, st.integers(2, 12), elements=st.floats(0.1, 300)),
    data=st.data(),
    pixel=st.floats(0.5, 40),
)
def test_weights_of_any_curve_agree_with_brute_force(steps: Array, data: st.DataObject, pixel: float) -> None:
    curve = data.draw(hnp.arrays(np.float64, steps.size, elements=st.floats(0, 1)))
    band = Filter("any", 5000 + np.cumsum(steps), curve)
    wavelengths: Array = 5100 + pixel * np.arange(5, dtype=np.float64)
    expected = [brute_force(band, each - pixel / 2, each + pixel / 2) for each in wavelengths]
    assert plane_weights(band, wavelengths) == pytest.approx(expected, abs=pixel * 1e-3)


def test_a_filter_that_lies_elsewhere_weighs_nothing() -> None:
    assert not plane_weights(triangle(3000.0, 3500.0, 4000.0), MUSE).any()


def test_a_filter_half_inside_the_cube_says_so() -> None:
    box = Filter("box", np.array([4000.0, 5000.0]), np.array([1.0, 1.0]))
    wavelengths: Array = np.arange(4600, 6000, dtype=np.float64) + 0.5
    assert filter_fraction(box, wavelengths) == pytest.approx(0.4, abs=1e-12)
    assert filter_fraction(triangle(), MUSE) == pytest.approx(1.0, abs=1e-12)


def test_a_dark_filter_has_no_fraction() -> None:
    with pytest.raises(ValueError, match="no light"):
        filter_fraction(Filter("dark", np.array([1.0, 2.0]), np.zeros(2)), MUSE)


@pytest.mark.parametrize(
    ("wavelength", "throughput", "expected"),
    [
        ([1.0], [1.0], "two points"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], "two columns"),
        ([2.0, 1.0], [1.0, 1.0], "do not increase"),
        ([1.0, 1.0], [1.0, 1.0], "do not increase"),
        ([1.0, 2.0], [1.0, np.nan], "not finite"),
    ],
)
def test_a_curve_that_is_none_is_refused(wavelength: list[float], throughput: list[float], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Filter("bad", np.array(wavelength), np.array(throughput))


def test_wavelengths_that_do_not_increase_are_refused() -> None:
    with pytest.raises(ValueError, match="increase"):
        plane_weights(triangle(), MUSE[::-1])


def test_white_light_is_the_mean_and_not_the_sum_over_the_planes() -> None:
    data = np.random.default_rng(1).normal(5, 2, (300, *SHAPE)).astype(np.float32)
    images = BandImages({"white": white(MUSE[:300])}, MUSE[:300], SHAPE)
    feed(images, data.astype(np.float64), depth=70)
    result = images.images()["white"]
    assert result.image == pytest.approx(data.mean(axis=0, dtype=np.float64), rel=1e-12)
    assert result.variance is None
    assert not result.mask.any()
    assert not result.gap_filled


@pytest.mark.parametrize("depth", [1, 37, 1000, 4000])
def test_several_bands_in_one_pass_equal_the_formulae_over_the_good_voxels(depth: int) -> None:
    rng = np.random.default_rng(2)
    data = rng.normal(100, 10, (3681, *SHAPE)).astype(np.float32).astype(np.float64)
    variance = rng.uniform(1, 9, data.shape).astype(np.float32).astype(np.float64)
    mask = rng.random(data.shape) < 0.2
    data[mask] = np.nan
    weights = {"white": white(MUSE), "r": plane_weights(triangle(), MUSE)}
    images = BandImages(weights, MUSE, SHAPE)
    feed(images, data, variance, mask, depth)
    for name, image in images.images().items():
        w = np.where(mask, 0.0, weights[name][:, None, None])
        assert image.variance is not None
        assert image.image == pytest.approx((w * np.where(mask, 0, data)).sum(axis=0) / w.sum(axis=0), rel=1e-12)
        assert image.variance == pytest.approx((w**2 * variance).sum(axis=0) / w.sum(axis=0) ** 2, rel=1e-12)


def test_chunks_do_not_show_in_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    data = np.random.default_rng(3).normal(size=(50, 3, 5))
    mask = data > 1
    seen: list[BandImage] = []
    for size in (1, 130, 2**18):
        monkeypatch.setattr("processing.science.bands.CHUNK_VOXELS", size)
        images = BandImages({"white": white(MUSE[:50])}, MUSE[:50], (3, 5))
        feed(images, data, data**2, mask, depth=20)
        seen.append(images.images()["white"])
    for other in seen[1:]:
        assert other.image == pytest.approx(seen[0].image, rel=1e-12)
        assert other.variance == pytest.approx(seen[0].variance, rel=1e-12)


def test_where_nothing_contributes_the_image_is_masked() -> None:
    mask = np.zeros((100, *SHAPE), dtype=np.bool_)
    mask[:, 1, 2] = True
    weights = {"white": white(MUSE[:100]), "elsewhere": np.zeros(100)}
    images = BandImages(weights, MUSE[:100], SHAPE)
    feed(images, np.where(mask, np.nan, 7.0), np.where(mask, np.nan, 1.0), mask, depth=30)
    result = images.images()
    assert np.argwhere(result["white"].mask).tolist() == [[1, 2]]
    assert np.isnan(result["white"].image[1, 2])
    assert result["white"].variance is not None
    assert np.isnan(result["white"].variance[1, 2])
    assert result["white"].image[0, 0] == pytest.approx(7.0)
    assert result["elsewhere"].mask.all()


def test_a_voxel_without_known_variance_is_left_out() -> None:
    data, variance = np.ones((10, *SHAPE)), np.ones((10, *SHAPE))
    data[3, 0, 0], variance[3, 0, 0] = 1e6, np.nan
    images = BandImages({"white": white(MUSE[:10])}, MUSE[:10], SHAPE)
    feed(images, data, variance)
    result = images.images()["white"]
    assert result.image[0, 0] == pytest.approx(1.0)
    assert result.variance is not None
    assert result.variance[0, 0] == pytest.approx(1 / 9)


def test_faint_light_under_a_bright_cube_is_not_lost_to_float32() -> None:
    planes = 3681
    data = np.full((planes, 1, 1), 1e7)
    data[-1] = 1e7 + 1024
    images = BandImages({"white": white(MUSE)}, MUSE, (1, 1))
    feed(images, data, depth=1)
    assert images.images()["white"].image[0, 0] - 1e7 == pytest.approx(1024 / planes, rel=1e-6)


def test_planes_out_of_order_or_of_another_shape_are_refused() -> None:
    images = BandImages({"white": white(MUSE[:10])}, MUSE[:10], SHAPE)
    plane = np.ones((5, *SHAPE))
    with pytest.raises(ValueError, match="do not follow"):
        images.add(1, plane)
    with pytest.raises(ValueError, match="cannot be added"):
        images.add(0, np.ones((5, 9, 9)))
    images.add(0, plane)
    with pytest.raises(ValueError, match="some have none"):
        images.add(5, plane, plane)
    with pytest.raises(ValueError, match="5 of 10 planes"):
        images.images()
    with pytest.raises(ValueError, match="do not follow"):
        images.add(5, np.ones((6, *SHAPE)))
    with pytest.raises(ValueError, match="one weight for each"):
        BandImages({"white": white(MUSE[:9])}, MUSE[:10], SHAPE)


def test_a_deep_cube_needs_no_more_memory_than_a_shallow_one() -> None:
    shape = (60, 60)

    def peak(planes: int, gap: Gap) -> int:
        wavelengths: Array = 4750 + 1.25 * np.arange(planes, dtype=np.float64)
        mask = np.zeros((50, *shape), dtype=np.bool_)
        mask[:, 0, 0] = True
        slab = np.ones((50, *shape), dtype=np.float32)
        tracemalloc.start()
        images = BandImages({"white": white(wavelengths)}, wavelengths, shape, gap=gap)
        for start in range(0, planes, 50):
            images.add(start, slab, slab, mask)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(3000, GAP) < 1.2 * peak(1000, GAP)
    assert peak(3000, Gap(5000, 8000)) < 1.2 * peak(1000, GAP)
