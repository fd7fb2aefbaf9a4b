"""Fields of sky with known truth: a galaxy, its HII knots and foreground stars, drawn where they are, never resampled.

Everything is a Moffat profile (stars, knots) or a sum of Gaussians (the galaxy) put down at its place after the motion,
so that no interpolation of the code under test is repeated here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SCALE = 0.2
"""Arcsec a pixel."""


@dataclass(frozen=True)
class Field:
    """Places in pixels about the middle of the field, fluxes in total counts, knots' own FWHM in pixels."""

    size: int
    stars: Array
    star_flux: Array
    knots: Array
    knot_flux: Array
    knot_width: Array
    galaxy: float = 60.0
    galaxy_place: tuple[float, float] = (-6.0, 9.0)


def draw_field(
    rng: np.random.Generator, *, size: int = 160, stars: int = 8, knots: int = 40, galaxy: float = 60.0
) -> Field:
    """Scatter stars over more than the field, knots where the galaxy is."""
    half = size / 2
    return Field(
        size=size,
        stars=rng.uniform(-1.2 * half, 1.2 * half, (stars, 2)),
        star_flux=10 ** rng.uniform(3.0, 4.6, stars),
        knots=rng.normal(0, 0.5 * half, (knots, 2)),
        knot_flux=10 ** rng.uniform(2.0, 3.3, knots),
        knot_width=rng.uniform(0.5, 4.0, knots),
        galaxy=galaxy,
    )


def expose(
    field: Field,
    *,
    fwhm: float,
    beta: float = 2.8,
    dx: float = 0.0,
    dy: float = 0.0,
    rotation: float = 0.0,
) -> Array:
    """Draw the noiseless image of an exposure whose pixel p lies on the sky at R(rotation) p + (dx, dy), pixels.

    ``fwhm`` in pixels; places, as p, are counted from the middle of the field.
    """
    half = (field.size - 1) / 2
    y, x = np.indices((field.size, field.size), dtype=np.float64) - half
    cosine, sine = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    on_sky_x, on_sky_y = cosine * x - sine * y + dx, sine * x + cosine * y + dy
    image = np.zeros(x.shape)
    for (star_x, star_y), flux in zip(field.stars, field.star_flux, strict=True):
        image += flux * moffat(on_sky_x - star_x, on_sky_y - star_y, fwhm, beta)
    for (knot_x, knot_y), flux, width in zip(field.knots, field.knot_flux, field.knot_width, strict=True):
        image += flux * moffat(on_sky_x - knot_x, on_sky_y - knot_y, float(np.hypot(fwhm, width)), beta)
    along = (on_sky_x - field.galaxy_place[0]) * 0.8 + (on_sky_y - field.galaxy_place[1]) * 0.6
    across = (on_sky_y - field.galaxy_place[1]) * 0.8 - (on_sky_x - field.galaxy_place[0]) * 0.6
    for share, width in ((0.3, 0.08), (0.4, 0.2), (0.3, 0.45)):
        radius = along**2 + (across / 0.6) ** 2
        image += field.galaxy * share * np.exp(-radius / (2 * (width * field.size) ** 2))
    return image


def moffat(x: Array, y: Array, fwhm: float, beta: float) -> Array:
    """Return a Moffat profile of unit flux at pixel centres."""
    core = fwhm / (2 * np.sqrt(2 ** (1 / beta) - 1))
    profile: Array = (beta - 1) / (np.pi * core**2) * (1 + (x**2 + y**2) / core**2) ** -beta
    return profile


def trailed(
    image: Array, start: tuple[float, float], stop: tuple[float, float], *, level: float, width: float
) -> Array:
    """Add a satellite's trail along the line through two pixels (x, y), Gaussian across, FWHM in pixels."""
    y, x = np.indices(image.shape, dtype=np.float64)
    long_x, long_y = stop[0] - start[0], stop[1] - start[1]
    off = ((x - start[0]) * long_y - (y - start[1]) * long_x) / np.hypot(long_x, long_y)
    added: Array = image + level * np.exp(-4 * np.log(2) * (off / width) ** 2)
    return added
