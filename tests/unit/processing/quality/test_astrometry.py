"""Stars are found and lie where they were put, on grids that differ in scale, rotation and seeing."""

import numpy as np
import pytest
from astropy.wcs import WCS
from numpy.typing import NDArray

from processing.science.quality.astrometry import Astrometry, compare
from processing.science.quality.stars import centred, find_stars

Array = NDArray[np.float64]

SHAPE = (240, 260)
CENTRE = (359.9995, -24.5)
"""The field lies across right ascension 0."""


def grid(scale: float, shape: tuple[int, int], *, turned: float = 0.0) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = CENTRE
    wcs.wcs.crpix = [(shape[1] + 1) / 2 + 0.3, (shape[0] + 1) / 2 - 0.2]
    angle = np.radians(turned)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    wcs.wcs.cd = turn @ np.diag([-scale, scale]) / 3600
    return wcs


def sky(number: int = 25) -> Array:
    """Right ascension, declination and brightness of stars that do not touch."""
    rng = np.random.default_rng(4)
    steps = np.linspace(-18, 18, 5)
    east, north = (each.ravel() for each in np.meshgrid(steps, steps))
    east, north = east + rng.uniform(-1.5, 1.5, 25), north + rng.uniform(-1.5, 1.5, 25)
    ra = CENTRE[0] + east / 3600 / np.cos(np.radians(CENTRE[1]))
    return np.array([ra % 360, CENTRE[1] + north / 3600, rng.uniform(300, 3000, 25)]).T[:number]


def picture(
    stars: Array, wcs: WCS, shape: tuple[int, int], *, fwhm: float, noise: float = 2.0, galaxy: float = 200.0
) -> Array:
    """Stars of a Moffat profile on a galaxy, with noise; fwhm in pixels."""
    y, x = np.indices(shape, dtype=np.float64)
    image = galaxy * np.exp(-np.hypot(y - shape[0] / 2, x - shape[1] / 2) / (shape[0] / 4))
    alpha = fwhm / 2 / np.sqrt(2 ** (1 / 2.8) - 1)
    for ra, dec, height in stars:
        x0, y0 = wcs.world_to_pixel_values(ra, dec)
        image += height * (1 + ((x - x0) ** 2 + (y - y0) ** 2) / alpha**2) ** -2.8
    return image + np.random.default_rng(5).normal(0, noise, shape)


def measured(*, east: float = 0.0, north: float = 0.0, scatter: float = 0.0) -> Astrometry:
    """Stars of the image lie ``east`` and ``north``, arcsec, of those of a coarser reference."""
    stars = sky()
    moved, rng = stars.copy(), np.random.default_rng(6)
    moved[:, 0] += (east + rng.normal(0, scatter, 25)) / 3600 / np.cos(np.radians(CENTRE[1]))
    moved[:, 1] += (north + rng.normal(0, scatter, 25)) / 3600
    wcs, reference = grid(0.2, SHAPE), grid(0.3, (200, 210), turned=3.0)
    image = picture(moved, wcs, SHAPE, fwhm=4.5)
    there = picture(stars, reference, (200, 210), fwhm=3.5)
    return compare(image, wcs, there, reference, good=np.ones(SHAPE, np.bool_))


def test_stars_that_lie_in_their_places_have_no_offset() -> None:
    found = measured()
    assert len(found.stars) >= 22
    assert abs(found.east.median) < 0.005
    assert abs(found.north.median) < 0.005
    assert max(found.east.scatter, found.north.scatter) < 0.02
    assert found.fwhm == pytest.approx(0.9, rel=0.15)


def test_an_offset_and_its_scatter_are_found() -> None:
    found = measured(east=0.05, north=-0.03, scatter=0.04)
    assert found.east.median == pytest.approx(0.05, abs=3 * found.east.error)
    assert found.north.median == pytest.approx(-0.03, abs=3 * found.north.error)
    assert found.east.scatter == pytest.approx(0.04, rel=0.5)
    assert found.east.error < 0.02


def test_the_error_of_a_place_is_what_places_scatter_by() -> None:
    wcs, pulls = grid(0.2, (40, 40)), []
    star = np.array([[CENTRE[0], CENTRE[1], 100.0]])
    truth = tuple(float(each) for each in wcs.world_to_pixel_values(*CENTRE))
    clean = picture(star, wcs, (40, 40), fwhm=4.0, noise=0.0, galaxy=0.0)
    rng = np.random.default_rng(7)
    for _ in range(60):
        found = centred(clean + rng.normal(0, 4, (40, 40)), np.ones((40, 40), np.bool_), *truth, fwhm=4.0)
        assert found is not None
        pulls += [(found.x - truth[0]) / found.error, (found.y - truth[1]) / found.error]
    assert 0.75 < np.std(pulls) < 1.3


def test_what_is_long_or_broad_is_no_star() -> None:
    y, x = np.indices((80, 160), dtype=np.float64)
    good = np.ones((80, 160), np.bool_)
    round_ones = sum(500 * np.exp(-((x - at) ** 2 + (y - 40) ** 2) / 2 / 1.8**2) for at in (30, 60, 90))
    long_one = 500 * np.exp(-(((x - 130) / 4) ** 2 + ((y - 40) / 1.8) ** 2) / 2)
    image = round_ones + long_one + np.random.default_rng(8).normal(0, 2, (80, 160))
    assert sorted(round(star.x) for star in find_stars(image, good, fwhm=4.0)) == [30, 60, 90]


def test_stars_at_edges_and_on_bad_pixels_are_left_out() -> None:
    wcs = grid(0.2, SHAPE)
    image, good = picture(sky(), wcs, SHAPE, fwhm=4.5), np.ones(SHAPE, np.bool_)
    every = find_stars(image, good, fwhm=4.0)
    good[:, :120] = False
    image[~good] = np.nan
    left = find_stars(image, good, fwhm=4.0)
    assert 0 < len(left) < len(every)
    assert min(star.x for star in left) > 125


def test_noise_alone_has_no_stars() -> None:
    image = np.random.default_rng(9).normal(0, 5, SHAPE)
    assert find_stars(image, np.ones(SHAPE, np.bool_), fwhm=4.0) == ()
    found = compare(image, grid(0.2, SHAPE), image, grid(0.2, SHAPE), good=np.ones(SHAPE, np.bool_))
    assert found.stars == ()
    assert np.isnan(found.fwhm)


def test_another_star_near_by_is_not_taken_for_the_one() -> None:
    found = measured(east=1.4)
    assert all(np.hypot(one.east, one.north) < 1.0 for one in found.stars)
