"""A small sky for raw frames: a level, a line, stars; and a night to take it in."""

from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.simulate import raw
from processing.simulate.geometry import Field
from processing.simulate.night import SkyLight
from processing.simulate.raw_cards import Sort, Template

Array = NDArray[np.float64]

LEVEL: Final = 50.0
LINE: Final = (6440.0, 300.0)
"""Wavelength and flux per spaxel."""

STARS: Final = ((-20.0, -1.0, 4e4), (-5.0, 0.8, 6e4), (8.0, -0.5, 5e4), (22.0, 1.2, 3e4))
"""Arcsec east and north, and flux density."""

FWHM: Final = 0.8
LINE_FWHM: Final = 2.6
PER_SIGMA: Final = 2.35482
TARGET: Final = "NGC1365"
CENTRE: Final = (53.4015, -36.1404)
START: Final = datetime(2018, 1, 20, 1, 16, 28)
MODE: Final = "WFM-NOAO-N"


def light(east: Array, north: Array, wavelengths: Array) -> Array:
    """Flux per spaxel."""
    sigma = LINE_FWHM / PER_SIGMA
    line = LINE[1] * np.exp(-0.5 * ((wavelengths - LINE[0]) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    total: Array = np.full((east.size, wavelengths.size), LEVEL) + line
    for x, y, flux in STARS:
        s = FWHM / PER_SIGMA
        density = np.exp(-0.5 * ((east - x) ** 2 + (north - y) ** 2) / s**2) / (2 * np.pi * s**2)
        total += np.outer(density * 0.04, np.full(wavelengths.size, flux))
    return total


def night() -> raw.Night:
    """The night of the exposures."""
    return raw.Night(START, MODE, seed=1)


def looks() -> list[raw.Look]:
    """An exposure of the sky beside the target, and one of the target."""
    field, beside = Field(*CENTRE, 0.0), Field(CENTRE[0], CENTRE[1] + 0.15, 0.0)
    first, second = (START + timedelta(seconds=s, milliseconds=461) for s in (15, 200))
    return [
        raw.Look(template(raw.SKY), 1, first, beside, beside, CENTRE, None, SkyLight(1.0, 1.0)),
        raw.Look(template(raw.OBJECT), 2, second, field, field, CENTRE, light, SkyLight(1.0, 1.0)),
    ]


def template(sort: Sort) -> Template:
    """The template that both are of."""
    return Template(sort, START, 2, MODE, "1100.B-0651(A)", 1234567, TARGET)
