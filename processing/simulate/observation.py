"""One exposure of a scene, slice by slice: wavelengths, places, light, and what the detectors make of it.  Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.simulate.detector import Blemishes, Exposed, expose
from processing.simulate.exposures import Exposure, chance
from processing.simulate.geometry import Layout, Slice, plane
from processing.simulate.scene import Light, barycentric
from processing.simulate.templates import black_body

__all__ = ["Observation", "Rows", "Spectral"]

Array = NDArray[np.float64]

SUN: Final = 5800.0
"""Kelvin: satellites shine by its light."""


@dataclass(frozen=True)
class Spectral:
    """The wavelengths of the tables' rows, Angstrom, on the Earth; each slice has its own phase."""

    low: float
    high: float
    step: float = 1.25

    @property
    def count(self) -> int:
        """How many there are."""
        return int((self.high - self.low) / self.step)

    def of(self, one: Slice) -> Array:
        """Return those of a slice."""
        wavelengths: Array = self.low + self.step * (np.arange(self.count, dtype=np.float64) + 0.5 + one.phase)
        return wavelengths


@dataclass(frozen=True)
class Rows:
    """The rows of a slice: places of n spaxels, from the middle of the field, and what they saw at m wavelengths."""

    slice: Slice
    x: Array
    y: Array
    wavelengths: Array
    seen: Exposed


@dataclass(frozen=True)
class Observation:
    """One exposure of a scene: everything that its rows follow from.

    ``realisation`` changes the noise and nothing else.
    """

    exposure: Exposure
    target: str
    centre: tuple[float, float]
    light: Light
    layout: Layout
    spectral: Spectral
    seed: int
    scale: float = 1.0
    realisation: int = 0
    blemishes: Blemishes = field(default_factory=Blemishes)

    def rows(self) -> Iterator[Rows]:
        """Yield the rows slice by slice."""
        for one in self.layout.slices:
            wavelengths = self.spectral.of(one)
            x, y = one.x - self.layout.middle[0], one.y - self.layout.middle[1]
            rng = chance(self.seed, self.exposure.dp_id, one.ifu, one.number, self.realisation)
            seen = expose(
                self.noiseless(x, y, wavelengths),
                wavelengths,
                exptime=self.exposure.exptime,
                ins_mode=self.exposure.place.ins_mode,
                rng=rng,
                blemishes=self.blemishes,
            )
            yield Rows(one, x, y, wavelengths, seen)

    def noiseless(self, x: Array, y: Array, wavelengths: Array) -> Array:
        """Return the light with sky and trail at places in spaxels from the middle: shape (n, m)."""
        exposure = self.exposure
        east, north = plane(*exposure.true.sky(x, y), *self.centre)
        light = exposure.transparency * self.light(east, north, barycentric(wavelengths, exposure.velocity))
        light += exposure.sky(wavelengths)
        if exposure.trail is not None:
            light += np.outer(exposure.trail.light(x, y), black_body(wavelengths, SUN))
        return light
