"""Pictures of images whose look is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from processing.science.preview import colour, grey


def ramp(ny: int = 20, nx: int = 30) -> NDArray[np.float64]:
    return np.arange(ny * nx, dtype=np.float64).reshape(ny, nx)


def test_the_first_row_of_the_image_is_at_the_bottom_and_east_stays_left() -> None:
    image = np.zeros((50, 50))
    image[:10, :20] = 100.0  # bottom left in FITS: south-east on the sky
    picture = grey(image, at_least=0)
    assert (picture[-10:, :20, 0] == 255).all()
    assert not picture[:40, :, 0].any()
    assert not picture[:, 20:, 0].any()


def test_grey_has_one_channel_and_alpha_and_colour_three() -> None:
    assert grey(ramp(), at_least=0).shape == (20, 30, 2)
    assert colour(ramp(), ramp(), ramp(), at_least=0).shape == (20, 30, 4)
    assert grey(ramp()).dtype == np.uint8
    assert grey(ramp()).flags.c_contiguous


def test_brighter_is_never_darker_and_the_range_is_used() -> None:
    levels = grey(ramp(), at_least=0)[::-1, :, 0].ravel().astype(int)
    assert (np.diff(levels) >= 0).all()
    assert levels[0] == 0
    assert levels[-1] == 255


def test_faint_light_is_lifted() -> None:
    levels = grey(ramp(), at_least=0)[::-1, :, 0].ravel()
    assert levels[60] > 60  # a tenth of the range


def test_one_hot_pixel_does_not_darken_the_rest() -> None:
    image = ramp(50, 50)
    calm = grey(image, at_least=0)
    image[25, 25] = 1e9
    hot = grey(image, at_least=0)
    differences = np.abs(calm[..., 0].astype(int) - hot[..., 0].astype(int))
    assert np.sort(differences.ravel())[-2] <= 2


@pytest.mark.parametrize("unknown", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_dark_and_transparent(unknown: float) -> None:
    image = ramp()
    image[0, 0] = unknown
    picture = grey(image, at_least=0)
    assert picture[-1, 0].tolist() == [0, 0]
    assert (picture[..., 1] == 255).sum() == image.size - 1


def test_a_colour_is_transparent_where_any_band_is_unknown() -> None:
    red, green, blue = ramp(), ramp(), ramp()
    green[3, 3] = np.nan
    picture = colour(red, green, blue, at_least=0)
    assert picture[::-1][3, 3].tolist() == [0, 0, 0, 0]
    assert (picture[..., 3] == 255).sum() == red.size - 1


def test_a_red_star_is_red() -> None:
    red, dark = np.zeros((40, 40)), np.zeros((40, 40))
    red[10:13, 10:13] = 5.0
    assert colour(red, dark, dark, at_least=0)[::-1][11, 11].tolist() == [255, 0, 0, 255]


def test_a_lone_star_on_an_empty_sky_is_shown() -> None:
    image = np.zeros((50, 50))
    image[3, 4] = 9.0
    assert np.argwhere(grey(image, at_least=0)[::-1, :, 0] == 255).tolist() == [[3, 4]]


def test_an_image_of_nothing_is_a_transparent_picture() -> None:
    assert not grey(np.full((5, 5), np.nan)).any()


def test_an_image_without_contrast_is_black() -> None:
    picture = grey(np.full((5, 5), 7.0), at_least=0)
    assert not picture[..., 0].any()
    assert (picture[..., 1] == 255).all()


@pytest.mark.parametrize(
    ("shape", "at_least", "expected"),
    [((40, 40), 400, (400, 400)), ((30, 41), 400, (300, 410)), ((999, 1231), 400, (999, 1231)), ((5, 5), 0, (5, 5))],
)
def test_small_images_are_enlarged_by_a_whole_factor(
    shape: tuple[int, int], at_least: int, expected: tuple[int, int]
) -> None:
    assert grey(ramp(*shape), at_least=at_least).shape[:2] == expected


def test_enlarging_makes_squares_of_pixels() -> None:
    small = grey(ramp(4, 5), at_least=0)
    large = grey(ramp(4, 5), at_least=15)
    assert np.array_equal(large[1::3, 1::3], small)
    assert np.array_equal(large[0::3, 2::3], small)


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(ValueError, match="no image"):
        grey(np.zeros(5))
    with pytest.raises(ValueError, match="no image"):
        grey(np.zeros((0, 5)))
    with pytest.raises(ValueError, match="differ"):
        colour(ramp(3, 3), ramp(3, 3), ramp(3, 4))


@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=8),
        elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
    )
)
def test_any_image_makes_a_picture(image: NDArray[np.float32]) -> None:
    picture = grey(image, at_least=16)
    assert max(picture.shape[:2]) >= 16
    assert (picture[..., 1] == 255).any() == np.isfinite(image).any()
