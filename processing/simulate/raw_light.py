"""The light that falls on a detector: of nothing, of a lamp, or of the sky, as electrons a pixel.  Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special

from processing.science.gap import AO_GAPS
from processing.simulate.detector import RESPONSE, UNIT, sensitivity
from processing.simulate.geometry import Field, plane
from processing.simulate.raw_geometry import BLUR, COLUMNS, LENGTH, ROWS, WIDTH, Ifu, RawSlice, along

__all__ = ["LIMITS", "Lamplight", "Light", "OnSky", "Source", "electrons", "extinction"]

Array = NDArray[np.float64]
Image = NDArray[np.float32]

CHANNEL: Final = 1.25
"""Angstrom that the pipeline takes a pixel to span."""

LIMITS: Final = (4560.0, 9780.0)
"""First and last wavelength that falls on any detector, Angstrom."""

SAMPLES: Final = 1.0
"""Spaxels along a slice between the places at which the light is asked for."""


class Light(Protocol):
    """What the sky sends from places, arcsec east and north, of shape (n), at wavelengths, Angstrom, of shape (m)."""

    def __call__(self, east: Array, north: Array, wavelengths: Array, /) -> Array:
        """Return flux per spaxel, 1e-20 erg/s/cm2/Angstrom, shape (n, m)."""


@dataclass(frozen=True)
class Lamplight:
    """Even light of a lamp: from wavelengths, Angstrom, to electrons a pixel."""

    spectrum: Callable[[Array], Array]


@dataclass(frozen=True)
class OnSky:
    """What the telescope looks at.

    Parameters
    ----------
    field
        Where its middle, ``middle`` in spaxels of the geometry, is, and how it is turned.
    centre
        Right ascension and declination from which the light counts east and north.
    sky
        Flux per spaxel of the air itself at wavelengths.
    airmass, transparency
        What is between; extinction acts on the air's light too, as the pipeline believes.
    stretch
        Barycentric wavelength over that seen here.
    """

    field: Field
    centre: tuple[float, float]
    middle: tuple[float, float]
    light: Light
    sky: Callable[[Array], Array]
    exptime: float
    airmass: float
    ins_mode: str
    transparency: float = 1.0
    stretch: float = 1.0

    def at(self, each: RawSlice) -> tuple[Array, Array]:
        """Return wavelengths (m) and electrons a pixel (n, m) at n places along a slice."""
        wavelengths = np.arange(*LIMITS, CHANNEL)
        places = _places()
        x, y = each.sky_places(places)
        ra, dec = self.field.sky(x - self.middle[0], y - self.middle[1])
        east, north = plane(ra, dec, *self.centre)
        flux = self.transparency * self.light(east, north, wavelengths * self.stretch) + self.sky(wavelengths)
        gap = AO_GAPS.get(self.ins_mode)
        if gap is not None:
            flux[:, (wavelengths >= gap.low) & (wavelengths <= gap.high)] = 0.0
        factor = RESPONSE * UNIT * self.exptime * CHANNEL * sensitivity(wavelengths)
        return wavelengths, flux * factor * 10 ** (-0.4 * self.airmass * extinction(wavelengths))


Source = Lamplight | OnSky | None
"""What light there is; None with the shutter closed."""


def extinction(wavelengths: Array) -> Array:
    """Return the extinction of the air, magnitudes an airmass."""
    magnitudes: Array = 0.04 + 0.12 * (5000 / wavelengths) ** 4
    return magnitudes


def electrons(ifu: Ifu, source: Source) -> Image:
    """Return what falls on the detector of an IFU: electrons a pixel, shape (rows, columns), without noise."""
    image = np.zeros((ROWS, COLUMNS), np.float32)
    if source is None:
        return image
    for each in ifu.slices:
        across = each.across()
        edges = special.ndtr((WIDTH / 2 - np.abs(across)) / BLUR)
        light = _lit(each, source, across)
        image[:, each.columns] += (each.throughput * edges * light).astype(np.float32)
    return image


def _lit(each: RawSlice, source: Lamplight | OnSky, across: Array) -> Array:
    wavelengths = each.wavelengths(across)
    if isinstance(source, Lamplight):
        return source.spectrum(wavelengths)
    sampled, values = source.at(each)
    places = _places()
    coordinates = np.stack([(along(across) - places[0]) / SAMPLES, (wavelengths - sampled[0]) / CHANNEL])
    return np.asarray(ndimage.map_coordinates(values, coordinates, order=3, mode="nearest"))


def _places() -> Array:
    """Where along a slice light is asked for, spaxels from its middle: a little more than all of it."""
    half = np.ceil((LENGTH / 2 + 4) / SAMPLES) * SAMPLES
    return np.arange(-half, half + SAMPLES / 2, SAMPLES)
