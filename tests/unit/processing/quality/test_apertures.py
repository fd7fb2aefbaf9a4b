"""Magnitudes in apertures, against differences that were put in."""

import numpy as np
import pytest
from numpy.typing import NDArray

from processing.science.quality.apertures import Apertures, compare

Array = NDArray[np.float64]
SHAPE, SIDE = (250, 200), 25


def fields(*, offset: float = 0.0, scatter: float = 0.0, noise: float = 1.0) -> tuple[Array, Array]:
    """A galaxy and the same one fainter by ``offset`` mag, with zero points that scatter from place to place."""
    rng = np.random.default_rng(2)
    y, x = np.indices(SHAPE)
    light = 400 * np.exp(-np.hypot(y - 125, x - 100) / 60)
    blocks = rng.normal(offset, scatter, (SHAPE[0] // SIDE, SHAPE[1] // SIDE)).repeat(SIDE, 0).repeat(SIDE, 1)
    image = light * 10 ** (-0.4 * blocks) + rng.normal(0, noise, SHAPE)
    return image, light + rng.normal(0, noise, SHAPE)


def measured(image: Array, reference: Array, noise: float = 1.0) -> Apertures:
    return compare(image, reference, good=np.isfinite(image), noise=(noise, noise), side=SIDE)


@pytest.mark.parametrize("offset", [-0.06, 0.0, 0.3])
def test_an_offset_and_its_scatter_are_found(offset: float) -> None:
    found = measured(*fields(offset=offset, scatter=0.04)).offset
    assert found.n > 60
    assert found.median == pytest.approx(offset, abs=4 * found.error)
    assert found.error < 0.01
    assert found.scatter == pytest.approx(0.04, abs=0.015)


def test_apertures_that_are_too_faint_have_no_magnitude() -> None:
    image, reference = fields(noise=30.0)
    found = measured(image, reference, noise=30.0)
    assert 0 < found.image.size < 70
    assert np.isfinite(found.differences).all()
    assert found.image.min() > 30 * 30 / SIDE


def test_apertures_over_an_edge_are_left_out() -> None:
    image, reference = fields()
    whole = measured(image, reference).image.size
    image[:, :40] = np.nan
    reference[0, 60] = np.nan
    assert measured(image, reference).image.size == whole - 2 * 10


def test_a_field_without_a_bright_aperture_has_no_offset() -> None:
    image, reference = fields()
    found = measured(image - 1000, reference).offset
    assert found.n == 0
    assert np.isnan(found.median)


def test_an_aperture_without_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        compare(np.ones((5, 5)), np.ones((5, 5)), good=np.ones((5, 5), np.bool_), noise=(1, 1), side=0)
