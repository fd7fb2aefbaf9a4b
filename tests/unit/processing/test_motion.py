"""Motions on pixels and on the sky, at right ascension zero too."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from numpy.typing import NDArray

from processing.science.alignment import align
from processing.science.errors import NoOverlap
from processing.science.motion import Motion, on_grid, sky_offset
from tests.support.fields import draw_field, expose

Array = NDArray[np.float64]
CENTRE = (79.5, 79.5)


def celestial(ra: float, dec: float, *, scale: float = 0.2, angle: float = 0.0, middle: float = 79.5) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.crpix = [middle + 1, middle + 1]
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wcs.wcs.cd = scale / 3600 * np.array([[-cosine, sine], [sine, cosine]])
    return wcs


def hills(x: Array, y: Array) -> Array:
    """Return smooth hills per square pixel of 0.2 arcsec, wherever they are asked for."""
    heights: Array = sum(
        height * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (2 * width**2))
        for at_x, at_y, width, height in ((40, 60, 5, 100), (110, 95, 8, 60), (90, 30, 4, 200), (70, 120, 20, 30))
    ) + np.zeros(x.shape)
    return heights


def test_resampling_is_where_a_motion_says() -> None:
    field = draw_field(np.random.default_rng(1))
    moved = Motion(2.3, -4.6, 0.4, CENTRE).resample(expose(field, fwhm=4.5))
    truth = expose(field, fwhm=4.5, dx=2.3, dy=-4.6, rotation=0.4)
    seen = np.isfinite(moved)
    assert seen.mean() > 0.9
    assert np.abs(moved - truth)[seen].max() < 0.01 * truth.max()
    assert not seen[:3].any()


@pytest.mark.parametrize("ra", [0.0, 0.003, 359.999, 180.0])
def test_a_reference_of_other_pixels_keeps_its_flux_across_right_ascension_zero(ra: float) -> None:
    grid = celestial(ra, -20.0)
    other = celestial(ra - 0.002, -20.001, scale=0.238, angle=3.0, middle=149.5)
    y, x = np.indices((300, 300), dtype=np.float64)
    image = (0.238 / 0.2) ** 2 * hills(*grid.world_to_pixel_values(*other.pixel_to_world_values(x, y)))
    rows, columns = np.indices((160, 160), dtype=np.float64)
    truth = hills(columns, rows)
    assert np.abs(on_grid(image, other, grid=grid, shape=(160, 160)) - truth).max() < 2e-3 * truth.max()


def test_a_reference_of_another_field_does_not_overlap() -> None:
    with pytest.raises(NoOverlap, match="does not reach"):
        on_grid(np.ones((160, 160)), celestial(40.0, -20.0), grid=celestial(0.0, -20.0), shape=(160, 160))
    with pytest.raises(NoOverlap):
        on_grid(np.ones((160, 160)), celestial(180.0, 20.0), grid=celestial(0.0, -20.0), shape=(160, 160))
    with pytest.raises(NoOverlap):
        on_grid(np.full((160, 160), np.nan), celestial(0.0, -20.0), grid=celestial(0.0, -20.0), shape=(160, 160))


@pytest.mark.parametrize("ra", [0.0, 0.0005, 359.9995, 75.0])
@pytest.mark.parametrize("dec", [0.0, -54.0, 70.0])
def test_an_offset_on_the_sky_is_small_wherever_the_field_is(ra: float, dec: float) -> None:
    wcs, motion = celestial(ra, dec), Motion(15.0, -10.0, 0.25, CENTRE)
    offset = sky_offset(motion, wcs)
    assert offset.ra * np.cos(np.radians(dec)) * 3600 == pytest.approx(-3.0, abs=1e-3)
    assert offset.dec * 3600 == pytest.approx(-2.0, abs=2e-3)
    turned_by_the_pole = -offset.ra * np.sin(np.radians(dec))
    assert offset.rotation + turned_by_the_pole == pytest.approx(0.25, abs=5e-3)


def test_a_corrected_pointing_brings_the_stars_to_their_places() -> None:
    """The chain across right ascension zero: a wrong header, the offset found, the header mended."""
    rng = np.random.default_rng(3)
    field = draw_field(rng)
    truth = celestial(0.0002, 15.0, angle=0.3)
    wrong = celestial(359.9994, 15.0005)
    reference = expose(field, fwhm=4.5) + rng.normal(0, 1, (160, 160))  # drawn on the wrong header's grid
    right, up = wrong.world_to_pixel_values(*truth.pixel_to_world_values(*CENTRE))
    image = expose(field, fwhm=3.0, dx=float(right) - 79.5, dy=float(up) - 79.5, rotation=0.3)
    offset = sky_offset(align(image + rng.normal(0, 2, image.shape), reference).motion, wrong)
    mended = SkyCoord(359.9994 + offset.ra, 15.0005 + offset.dec, unit="deg")
    assert mended.separation(SkyCoord(0.0002, 15.0, unit="deg")).arcsec < 0.03
    assert offset.rotation == pytest.approx(0.3, abs=0.03)
