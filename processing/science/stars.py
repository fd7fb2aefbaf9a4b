"""Fit the stellar kinematics of many spectra: velocities, dispersions, and errors that hold.

Pure: arrays in, arrays out.  Templates are prepared once a call; the spectra stay on the grid that they were observed
on, since rebinning would tie the noise of neighbours together.  ``star_spectra`` has the choices,
``stellar_templates`` the models, ``star_flags`` the reasons for caution.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.star_fit import WIDTH, Minimum, minimise, weigh
from processing.science.star_flags import SIGMA_LOST, STARS_LOST, StarFlag
from processing.science.star_model import StarModel, continuum_of, model_of
from processing.science.star_spectra import StarSettings, StarSpectra
from processing.science.stellar_templates import Library

__all__ = ["Library", "StarFits", "StarFlag", "StarSettings", "StarSpectra", "fit_stars", "judge_stars"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SETTLED: Final = 1e-2
"""How far chi2 may still fall by the next step: a tenth of an error."""

SMALLEST: Final = 1e-10
"""Share of its own that an unknown must have for its error to be told."""


@dataclass(frozen=True)
class StarFits:
    """What was found: NaN wherever a value did not hold, and the flags that say why.

    Attributes
    ----------
    velocity, velocity_error, sigma, sigma_error
        Shape (n), km/s: c ln(wavelength / wavelength at the systemic velocity), and the dispersion without the LSF.
    weights
        Of the library's templates, each of mean 1 over the range fitted, in the unit of flux, shape (n, templates).
    polynomial
        Legendre coefficients of what was added, over the range fitted, shape (n, order + 1).
    continuum
        The sum of the templates as seen through the LSF and the pixels, without the polynomial, in the unit of flux,
        shape (n, pixels) on the grid given; NaN where the library does not reach.
    chi2
        Reduced, shape (n).
    signal_to_noise
        Mean flux over mean noise of the pixels in the window, shape (n).
    trials
        Steps tried, shape (n).
    flags
        ``StarFlag``, shape (n).
    broader
        Pixels where the templates are broader than the LSF, shape (pixels).
    """

    velocity: Array
    velocity_error: Array
    sigma: Array
    sigma_error: Array
    weights: Array
    polynomial: Array
    continuum: Array
    chi2: Array
    signal_to_noise: Array
    trials: NDArray[np.int64]
    flags: NDArray[np.uint16]
    broader: NDArray[np.bool_]


def fit_stars(spectra: StarSpectra, library: Library, settings: StarSettings | None = None) -> StarFits:
    """Fit every spectrum, one after the other in one thread.

    A spectrum of 1720 pixels and 32 templates takes some ten milliseconds; the first call of a process compiles.

    Raises
    ------
    NoOverlap
        Too few pixels lie in the range to fit, or the library does not cover it.
    """
    settings = settings or StarSettings()
    model = model_of(spectra, library, settings)

    def fit(row: int, good: Mask) -> Minimum:
        flux, variance = (each[row, good].astype(np.float64) for each in (spectra.flux, spectra.variance))
        return minimise(model.templates, weigh(model.place[good], flux, variance, model.polynomials[:, good]), settings)

    return judge_stars(spectra, library, settings, model, fit)


def judge_stars(
    spectra: StarSpectra,
    library: Library,
    settings: StarSettings,
    model: StarModel,
    fit: Callable[[int, Mask], Minimum],
) -> StarFits:
    """Return what held of fits, whoever did them: ``fit`` is told a spectrum's row and its good pixels."""
    fits = _room(spectra, library, settings, model)
    fits.signal_to_noise[:] = signal_to_noise(spectra, settings)
    for row in range(len(spectra.flux)):
        _judge(fits, row, spectra, model, settings, fit)
    lowest = ~(fits.signal_to_noise >= settings.lowest_sn)
    fits.flags[lowest] |= np.uint16(StarFlag.LOW_SN)
    return fits


def signal_to_noise(spectra: StarSpectra, settings: StarSettings) -> Array:
    """Return mean flux over mean noise of the good pixels in the window, shape (n); NaN where there are none."""
    low, high = settings.noise_window
    within = (spectra.at_rest >= low) & (spectra.at_rest <= high)
    flux, variance = spectra.flux[:, within].astype(np.float64), spectra.variance[:, within].astype(np.float64)
    good = spectra.good[:, within] & np.isfinite(flux) & np.isfinite(variance) & (variance > 0)
    signal = np.where(good, flux, 0.0).sum(axis=1)
    noise = np.sqrt(np.where(good, variance, 0.0)).sum(axis=1)
    ratio: Array = np.divide(signal, noise, out=np.full(len(flux), np.nan), where=noise > 0)
    return ratio


def _room(spectra: StarSpectra, library: Library, settings: StarSettings, model: StarModel) -> StarFits:
    """Make room for what is found: a spectrum that is not fitted stays NaN."""
    count, pixels = spectra.flux.shape
    unknown = np.full((6, count), np.nan)
    return StarFits(
        velocity=unknown[0],
        velocity_error=unknown[1],
        sigma=unknown[2],
        sigma_error=unknown[3],
        weights=np.full((count, len(library.names)), np.nan),
        polynomial=np.full((count, settings.order + 1), np.nan),
        continuum=np.full((count, pixels), np.nan),
        chi2=unknown[4],
        signal_to_noise=unknown[5],
        trials=np.zeros(count, dtype=np.int64),
        flags=np.zeros(count, dtype=np.uint16),
        broader=model.broader,
    )


def _judge(
    fits: StarFits,
    row: int,
    spectra: StarSpectra,
    model: StarModel,
    settings: StarSettings,
    fit: Callable[[int, Mask], Minimum],
) -> None:
    """Have one spectrum fitted and note what held."""
    flux, variance = spectra.flux[row].astype(np.float64), spectra.variance[row].astype(np.float64)
    called_good = model.usable & spectra.good[row] & np.isfinite(flux)
    good = called_good & np.isfinite(variance) & (variance > 0)
    flags = StarFlag(0)
    if (called_good & ~good).any():
        flags |= StarFlag.ZERO_VARIANCE
    if good.sum() < settings.fewest:
        fits.flags[row] = flags | StarFlag.NO_DATA
        return
    if (model.broader & good).any():
        flags |= StarFlag.TEMPLATES_BROADER
    found = fit(row, good)
    fits.trials[row] = found.trials
    error = _errors(found, settings)
    flags |= _flags(found, error, settings)
    fits.flags[row] = flags
    unknowns = settings.order + 1 + int((found.weights > 0).sum()) + 2
    fits.chi2[row] = found.chi2 / (int(good.sum()) - unknowns)
    if flags & STARS_LOST:
        return
    scale = np.sqrt(max(fits.chi2[row], 1.0)) if settings.scaled_errors else 1.0
    fits.velocity[row], fits.velocity_error[row] = found.velocity, error[0] * scale
    fits.weights[row], fits.polynomial[row] = found.weights, found.polynomial
    fits.continuum[row] = continuum_of(model, found.weights, found.velocity, found.variance)
    if not flags & SIGMA_LOST:
        fits.sigma[row] = np.sqrt(found.variance)
        fits.sigma_error[row] = error[1] / (2 * fits.sigma[row]) * scale


def _errors(found: Minimum, settings: StarSettings) -> Array:
    """Return the errors of velocity and variance; infinite where there is none, a variance at its bound held there."""
    errors, own = np.full(2, np.inf), np.diag(found.hessian)
    free = np.array([True, 0 < found.variance < settings.largest_sigma**2]) & (own > 0)
    scale = np.sqrt(own[free])
    correlation = found.hessian[np.ix_(free, free)] / np.outer(scale, scale)
    if (np.linalg.eigvalsh(correlation) > SMALLEST).all():
        errors[free] = np.sqrt(np.diag(np.linalg.inv(correlation))) / scale
    return errors


def _flags(found: Minimum, error: Array, settings: StarSettings) -> StarFlag:
    flags = StarFlag(0)
    width = np.hypot(np.sqrt(found.variance), WIDTH)
    for flag, true in (
        (StarFlag.NO_STARS, not (found.weights > 0).any()),
        (StarFlag.NOT_CONVERGED, not found.decrement <= SETTLED),
        (StarFlag.VELOCITY_AT_BOUND, abs(found.velocity) >= settings.velocity_range),
        (StarFlag.SIGMA_AT_ZERO, found.variance <= 0),
        (StarFlag.SIGMA_AT_BOUND, found.variance >= settings.largest_sigma**2),
        (StarFlag.UNCONSTRAINED, not error[0] <= width),
    ):
        flags |= flag if true else StarFlag(0)
    return flags
