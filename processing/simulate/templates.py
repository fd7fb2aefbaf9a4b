"""Spectra of stellar populations to simulate with: three of those that ``stellar_library`` reads, or made up.

The made-up spectra are for whoever asks for them by name; they never stand in in silence.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archive.errors import Refused
from processing.stellar_library import FWHM, MODELS, Model, models_in, nearest, read_model

__all__ = ["ANALYTIC", "MODELS", "Population", "analytic", "black_body", "read_populations"]

Array = NDArray[np.float64]

ANALYTIC: Final = "analytic"
"""Name that asks for made-up spectra."""

WANTED: Final = ((10.0, 0.0), (3.0, -0.4), (0.1, 0.0))
"""Ages in Gyr and metallicities of bulge, disk and young stars."""

RANGE: Final = (4000.0, 10000.0)
NORMAL: Final = (6400.0, 6600.0)
"""Angstrom, where the mean of each spectrum is made 1."""

FEATURES: Final = ((4861.35, 6.0, 0.3), (5175.0, 30.0, 0.2), (5270.0, 12.0, 0.15), (5892.9, 8.0, 0.25),
                   (6562.79, 6.0, 0.2), (8498.0, 5.0, 0.2), (8542.0, 6.0, 0.35), (8662.0, 6.0, 0.3))  # fmt: skip
"""Wavelength, sigma and depth of the absorption in made-up spectra, Angstrom."""


@dataclass(frozen=True)
class Population:
    """The rest-frame spectrum of stars of one age (Gyr) and metallicity, of mean 1 around 6500 Angstrom in air."""

    name: str
    age: float
    metallicity: float
    wavelength: Array
    flux: Array
    fwhm: float


def read_populations(folder: Path) -> tuple[Population, ...]:
    """Read the models nearest in age and metallicity to those of a bulge, a disk and young stars.

    Raises
    ------
    Refused
        The folder is not there, has no models, or one of them cannot be read.
    """
    found = models_in(folder)
    if not found:
        raise Refused(
            f"no stellar population models at {folder}: install the data package ppxf 8.2.6, point --templates at a "
            f"folder of files named as MILES names them, or ask for made-up spectra with --templates {ANALYTIC}"
        )
    return tuple(_read(nearest(found, age, metallicity)) for age, metallicity in WANTED)


def analytic() -> tuple[Population, ...]:
    """Make up spectra: black bodies with a few absorption lines."""
    wavelength = np.arange(*RANGE, 0.5, dtype=np.float64)
    made = []
    for (age, metallicity), temperature in zip(WANTED, (4500.0, 5500.0, 15000.0), strict=True):
        flux = black_body(wavelength, temperature)
        for centre, sigma, depth in FEATURES:
            flux *= 1 - depth * min(1.0, 5000 / temperature) * np.exp(-0.5 * ((wavelength - centre) / sigma) ** 2)
        made.append(Population(f"{ANALYTIC} {age:g} Gyr", age, metallicity, wavelength, _normal(wavelength, flux), 0.0))
    return tuple(made)


def black_body(wavelength: Array, temperature: float) -> Array:
    """Return the spectrum of a black body by wavelength (Angstrom), 1 at 6500 Angstrom."""
    exponent = 1.4387769e8 / temperature
    shape = (wavelength / 6500.0) ** -5 * np.expm1(exponent / 6500.0) / np.expm1(exponent / wavelength)
    return np.asarray(shape, dtype=np.float64)


def _read(model: Model) -> Population:
    wavelength, flux = read_model(model, RANGE)
    if not ((wavelength >= NORMAL[0]) & (wavelength <= NORMAL[1])).any():
        raise Refused(f"{model.path} is no model of MILES: it does not reach {NORMAL[0]:g} to {NORMAL[1]:g} Angstrom")
    return Population(model.path.stem, model.age, model.metallicity, wavelength, _normal(wavelength, flux), FWHM)


def _normal(wavelength: Array, flux: Array) -> Array:
    window = (wavelength >= NORMAL[0]) & (wavelength <= NORMAL[1])
    normal: Array = flux / flux[window].mean()
    return normal
