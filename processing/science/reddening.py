"""How much dust is before the stars: E(B-V) by the law of Calzetti et al. (2000, ApJ 533, 682), Rv 4.05.

The fits of kinematics add a polynomial, which takes up any reddening.  So the templates are held against the spectrum
once more, where the kinematics say, without it: for each E(B-V) their best weights follow from linear equations.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from processing.science.cholesky import Equations, Factor
from processing.science.lsf import SPEED_OF_LIGHT
from processing.science.positive import improve
from processing.science.splines import sample
from processing.science.star_model import StarModel, model_of
from processing.science.star_spectra import StarSettings, StarSpectra
from processing.science.stars import StarFits
from processing.science.stellar_templates import Library

__all__ = ["attenuation", "stellar_reddening"]

Array = NDArray[np.float64]

RV: Final = 4.05
BREAK: Final = 6300.0
"""Angstrom, where the law changes its form."""

MOST: Final = 1.5
"""Largest E(B-V) that is looked for; what runs up to it was not found."""

TOLERANCE: Final = 1e-4


def attenuation(wavelength: Array) -> Array:
    """Return A(wavelength) / E(B-V) at wavelengths at rest between 1200 and 22000 Angstrom."""
    inverse = 1e4 / wavelength
    blue = 2.659 * (-2.156 + inverse * (1.509 + inverse * (-0.198 + inverse * 0.011))) + RV
    law: Array = np.where(wavelength < BREAK, blue, 2.659 * (-1.857 + 1.040 * inverse) + RV)
    return law


def stellar_reddening(
    spectra: StarSpectra, library: Library, fits: StarFits, settings: StarSettings | None = None
) -> Array:
    """Return E(B-V) of the stars of each spectrum, mag, shape (n); NaN without kinematics, or where it is not found.

    Raises
    ------
    NoOverlap
        As ``fit_stars``.
    """
    settings = settings or StarSettings()
    model, law = model_of(spectra, library, settings), attenuation(spectra.at_rest)
    found = np.full(len(spectra.flux), np.nan)
    for row in np.flatnonzero(np.isfinite(fits.velocity)):
        flux, variance = spectra.flux[row].astype(np.float64), spectra.variance[row].astype(np.float64)
        good = model.usable & spectra.good[row] & np.isfinite(flux) & np.isfinite(variance) & (variance > 0)
        weight = 1 / np.sqrt(variance[good])
        sigma = float(np.nan_to_num(fits.sigma[row]))
        columns = _columns(model, model.place[good], weight, (float(fits.velocity[row]), sigma))
        found[row] = _best(columns, flux[good] * weight, law[good])
    return found


def _columns(model: StarModel, place: Array, weight: Array, kinematics: tuple[float, float]) -> Array:
    """Return the templates over the noise, shape (templates, pixels)."""
    velocity, sigma = kinematics
    columns = np.empty((len(model.templates.spectra), place.size))
    coefficients = model.templates.broadened(model.templates.spectra, sigma**2)
    sample(coefficients, place - velocity / SPEED_OF_LIGHT / model.templates.step, weight, columns)
    return columns


def _best(columns: Array, flux: Array, law: Array) -> float:
    weights = np.zeros(len(columns))

    def misfit(ebv: float) -> float:
        dimmed = columns * 10 ** (-0.4 * ebv * law)
        equations = Equations(np.ascontiguousarray(dimmed @ dimmed.T), dimmed @ flux)
        size = len(columns)
        improve(equations, Factor(np.zeros((size, size)), np.zeros(size), np.zeros(size, dtype=np.bool_)), weights)
        return float(weights @ equations.matrix @ weights - 2 * weights @ equations.vector)

    found = minimize_scalar(misfit, bounds=(0.0, MOST), method="bounded", options={"xatol": TOLERANCE})
    if misfit(0.0) <= found.fun:
        return 0.0
    return float(found.x) if found.x < MOST - 10 * TOLERANCE else np.nan
