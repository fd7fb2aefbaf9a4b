"""Spectra of stellar populations: read from a folder of files that are named as MILES names them, or made up.

E-MILES may not be passed on: it comes with a data package, or the user points at a folder.  The made-up spectra are
for whoever asks for them by name; they never stand in in silence.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from archive.errors import Refused

__all__ = ["ANALYTIC", "MODELS", "Population", "analytic", "black_body", "read_populations"]

Array = NDArray[np.float64]

MODELS: Final = Path("ppxf/miles_models")
"""Where the package has E-MILES, below the folder of the data packages."""

ANALYTIC: Final = "analytic"
"""Name that asks for made-up spectra."""

NAME: Final = re.compile(r"Z([mp])(\d\.\d+)T(\d+\.\d+)")
WANTED: Final = ((10.0, 0.0), (3.0, -0.4), (0.1, 0.0))
"""Ages in Gyr and metallicities of bulge, disk and young stars."""

FWHM: Final = 2.51
"""Resolution of MILES, Angstrom."""

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
    found = _named(folder)
    if not found:
        raise Refused(
            f"no stellar population models at {folder}: install the data package ppxf 8.2.6, point --templates at a "
            f"folder of files named as MILES names them, or ask for made-up spectra with --templates {ANALYTIC}"
        )
    return tuple(_read(_nearest(found, age, metallicity)) for age, metallicity in WANTED)


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


def _named(folder: Path) -> list[tuple[float, float, Path]]:
    """Return log age, metallicity and path of the models in a folder."""
    if not folder.is_dir():
        return []
    found = []
    for path in sorted(folder.glob("*.fits")):
        if (match := NAME.search(path.name)) is not None:
            sign, metallicity, age = match.groups()
            found.append((float(np.log10(float(age))), float(metallicity) * (-1 if sign == "m" else 1), path))
    return found


def _nearest(found: Sequence[tuple[float, float, Path]], age: float, metallicity: float) -> tuple[float, float, Path]:
    return min(found, key=lambda one: abs(one[0] - np.log10(age)) + abs(one[1] - metallicity))


def _read(model: tuple[float, float, Path]) -> Population:
    log_age, metallicity, path = model
    try:
        with fits.open(path, memmap=False) as hdus:
            header, flux = hdus[0].header, np.asarray(hdus[0].data, dtype=np.float64)
            pixels = np.arange(flux.size) + 1 - float(header.get("CRPIX1", 1.0))
            wavelength = float(header["CRVAL1"]) + float(header["CDELT1"]) * pixels
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise Refused(f"{path} is no model of MILES: {error}") from error
    kept = (wavelength >= RANGE[0]) & (wavelength <= RANGE[1])
    if flux.ndim != 1 or not ((wavelength[kept] >= NORMAL[0]) & (wavelength[kept] <= NORMAL[1])).any():
        raise Refused(f"{path} is no model of MILES: it does not reach {NORMAL[0]:g} to {NORMAL[1]:g} Angstrom")
    kept_wavelength, flux = wavelength[kept].astype(np.float64), flux[kept]
    return Population(path.stem, 10**log_age, metallicity, kept_wavelength, _normal(kept_wavelength, flux), FWHM)


def _normal(wavelength: Array, flux: Array) -> Array:
    window = (wavelength >= NORMAL[0]) & (wavelength <= NORMAL[1])
    normal: Array = flux / flux[window].mean()
    return normal
