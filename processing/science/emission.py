"""Fit the emission lines of every spectrum of a tile: fluxes, kinematics of three groups, and errors that hold.

Pure: arrays in, arrays out, one call of machine code a tile, to be run in a pool of processes or threads.  The
continuum is the stellar model of the spectrum's bin times a polynomial of Legendre's, multiplicative as the release
has it; lines are Gaussians integrated over the pixel, whose intrinsic dispersions are tied within a group and whose
instrumental ones come from the LSF.  The spectra stay on the grid that they were observed on, any that increases: a
fit needs no logarithmic one, and rebinning would tie the noise of neighbours together.  ``variable_projection`` is the
method, ``fit_flags`` the judgement, ``lines`` the list.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.science.fit_flags import FLUX_LOST, KINEMATICS_LOST, SIGMA_LOST, FitFlag, Flagged, flags_of
from processing.science.measured import Measured, measure
from processing.science.spaxel_loop import Found, fit_spectra
from processing.science.tile import FitSettings, Tile, parameter_names, problem_of, spectra_of, widest_window
from processing.science.variable_projection import Problem

__all__ = ["FitSettings", "LineFits", "Tile", "fit_tile", "line_fits", "line_room"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Flags = NDArray[np.uint16]


@dataclass(frozen=True)
class LineFits:
    """What was found: NaN wherever a value did not hold, and the flags that say why.

    Attributes
    ----------
    flux, flux_error
        Of the lines in the order of the settings, shape (n, lines), in the unit of flux times Angstrom.
    velocity, velocity_error, sigma, sigma_error
        Shape (n, groups), km/s: c ln(wavelength / wavelength at rest), and the intrinsic dispersion.
    instrument_sigma, observed_sigma, observed_sigma_error
        Shape (n, lines), km/s: the LSF's dispersion where the line was found, that of the line as observed (the
        release's SIGMA), and its error.
    amplitude_to_noise
        Peak over the noise under the line, shape (n, lines).
    parameters, covariance
        Names of free fluxes, velocities and dispersions, and their covariance, shape (n, parameters, parameters), with
        the polynomial's freedom in it; NaN for what took no part.
    polynomial
        Legendre coefficients of the continuum's factor over the logarithm of the grid's range, shape (n, order + 1).
    chi2, degrees_of_freedom, trials
        Shape (n).
    flags, group_flags
        ``FitFlag`` of lines, shape (n, lines), and of groups, (n, groups).
    """

    flux: Array
    flux_error: Array
    velocity: Array
    velocity_error: Array
    sigma: Array
    sigma_error: Array
    instrument_sigma: Array
    observed_sigma: Array
    observed_sigma_error: Array
    amplitude_to_noise: Array
    parameters: tuple[str, ...]
    covariance: Array
    polynomial: Array
    chi2: Array
    degrees_of_freedom: NDArray[np.int64]
    trials: NDArray[np.int64]
    flags: Flags
    group_flags: Flags


def fit_tile(tile: Tile, settings: FitSettings | None = None) -> LineFits:
    """Fit every spectrum of a tile, one after the other in one thread, without Python's lock.

    A spectrum of 1720 pixels takes well under a millisecond; the first call of a process compiles for some seconds.
    """
    settings = settings or FitSettings()
    problem, spectra = problem_of(tile, settings), spectra_of(tile, settings)
    found = line_room(len(tile.flux), problem)
    fit_spectra(problem, spectra, widest_window(tile, settings), found)
    measured = measure(problem, found, settings.lsf)
    flagged = flags_of(problem, spectra, found, measured, settings.lowest_an)
    return line_fits(settings, problem, found, measured, flagged)


def line_room(count: int, problem: Problem) -> Found:
    """Make room for what the loop finds: a spectrum that is not fitted stays NaN."""
    sizes, lines = problem.sizes, problem.lines.wavelength.size
    free = sizes.total - sizes.polynomial
    return Found(
        np.full((count, sizes.total), np.nan),
        np.zeros((count, sizes.total), dtype=np.bool_),
        np.full((count, free, free), np.nan),
        np.full((count, sizes.groups), np.nan),
        np.full(count, np.nan),
        np.zeros((count, lines)),
        np.full((count, lines), np.nan),
        *(np.zeros(count, dtype=np.int64) for _ in range(3)),
    )


def line_fits(settings: FitSettings, problem: Problem, found: Found, measured: Measured, flagged: Flagged) -> LineFits:
    """Keep the values that held."""
    sizes, group = problem.sizes, problem.lines.group
    no_flux, no_kinematics = flagged.lines & FLUX_LOST != 0, flagged.groups & KINEMATICS_LOST != 0
    no_sigma = flagged.groups & SIGMA_LOST != 0
    no_flux_error = flagged.lines & (FLUX_LOST & ~FitFlag.FLUX_AT_ZERO) != 0
    sigma, sigma_error = measured.sigma, measured.sigma_error
    observed_error = sigma[:, group] * sigma_error[:, group] / measured.observed_sigma
    return LineFits(
        flux=_without(measured.flux, no_flux),
        flux_error=_without(measured.flux_error, no_flux_error),
        velocity=_without(measured.velocity, no_kinematics),
        velocity_error=_without(measured.velocity_error, no_kinematics),
        sigma=_without(sigma, no_sigma),
        sigma_error=_without(sigma_error, no_sigma),
        instrument_sigma=_without(measured.instrument_sigma, no_kinematics[:, group]),
        observed_sigma=_without(measured.observed_sigma, no_sigma[:, group]),
        observed_sigma_error=_without(observed_error, no_sigma[:, group]),
        amplitude_to_noise=_without(measured.amplitude_to_noise, no_flux),
        parameters=parameter_names(settings),
        covariance=_covariance(problem, measured, no_flux_error, no_kinematics, no_sigma),
        polynomial=found.unknowns[:, : sizes.polynomial],
        chi2=found.chi2,
        degrees_of_freedom=np.where(np.isfinite(found.chi2), found.pixels - found.active.sum(axis=1), 0),
        trials=found.trials,
        flags=flagged.lines,
        group_flags=flagged.groups,
    )


def _without(values: Array, lost: Mask) -> Array:
    return np.where(lost, np.nan, values)


def _covariance(problem: Problem, measured: Measured, no_flux: Mask, no_kinematics: Mask, no_sigma: Mask) -> Array:
    """Return the covariance with NaN in the rows and columns of what did not hold."""
    lost = np.zeros((len(no_flux), problem.sizes.amplitudes), dtype=np.bool_)
    lost[:, problem.lines.amplitude] = no_flux
    lost = np.hstack((lost, no_kinematics, no_sigma))
    covariance: Array = np.where(lost[:, :, np.newaxis] | lost[:, np.newaxis, :], np.nan, measured.covariance)
    return covariance
