"""Foreground stars: points of known place and flux, a few in every field.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.simulate.templates import black_body

__all__ = ["Star", "scatter"]

Array = NDArray[np.float64]

EACH: Final = (7, 14)
"""Fewest and most stars a field."""

ROOM: Final = 40.0
"""Square arcsec a star, between these two."""

SHY: Final = 1.4
"""Arcsec that they keep from the edges of their field."""

APART: Final = 1.8
"""Arcsec from one star to the next, less in the smallest fields; where there is no room, there are fewer."""

FLUXES: Final = (1.5e3, 2.5e4)
"""Faintest and brightest at 6500 Angstrom, 1e-20 erg/s/cm2/Angstrom: about 20.6 to 17.5 magnitudes."""

TEMPERATURES: Final = (3800.0, 7500.0)
TRIES: Final = 200


@dataclass(frozen=True)
class Star:
    """A star, arcsec east and north of the galaxy's centre; ``flux`` in 1e-20 erg/s/cm2/Angstrom at 6500 Angstrom."""

    east: float
    north: float
    flux: float
    temperature: float

    def spectrum(self, wavelengths: Array) -> Array:
        """Return the flux at wavelengths in Angstrom."""
        return self.flux * black_body(wavelengths, self.temperature)


def scatter(fields: Sequence[tuple[float, float]], size: float, rng: np.random.Generator) -> tuple[Star, ...]:
    """Scatter stars over fields.

    Parameters
    ----------
    fields
        Their centres, arcsec east and north.
    size
        Their side, arcsec; stars lie where a field turned by any angle would have them.
    """
    room = max(0.2 * size, size / 2 - SHY)
    apart = min(APART, size / 4)
    count = int(np.clip(size**2 / ROOM, *EACH))
    places: list[tuple[float, float]] = []
    for field in fields:
        for _ in range(count):
            for _ in range(TRIES):
                east, north = (float(each) for each in np.asarray(field) + rng.uniform(-room, room, 2))
                inside = np.hypot(east - field[0], north - field[1]) < room
                if inside and all(np.hypot(east - e, north - n) > apart for e, n in places):
                    places.append((east, north))
                    break
    faintest, brightest = np.log(FLUXES)
    fluxes = np.exp(rng.uniform(faintest, brightest, len(places)))
    temperatures = rng.uniform(*TEMPERATURES, len(places))
    return tuple(
        Star(east, north, float(flux), float(temperature))
        for (east, north), flux, temperature in zip(places, fluxes, temperatures, strict=True)
    )
