"""From the unknowns of the fits to what astronomers ask for: fluxes of every line, dispersions, peaks over noise."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.lsf import SPEED_OF_LIGHT, Lsf
from processing.science.spaxel_loop import Found
from processing.science.variable_projection import Problem

__all__ = ["Measured", "measure"]

Array = NDArray[np.float64]

PEAK: Final = 1 / np.sqrt(2 * np.pi)
"""Of a Gaussian of unit flux and dispersion."""


@dataclass(frozen=True)
class Measured:
    """All values as fitted, whether they held or not; an error is 0 where what it belongs to took no part.

    Shapes (n, lines) for fluxes, instrument and observed sigma and peaks over noise, (n, groups) for kinematics,
    (n, parameters, parameters) for the covariance of free fluxes, velocities and dispersions.
    """

    flux: Array
    flux_error: Array
    velocity: Array
    velocity_error: Array
    sigma: Array
    sigma_error: Array
    instrument_sigma: Array
    observed_sigma: Array
    amplitude_to_noise: Array
    covariance: Array


def measure(problem: Problem, found: Found, lsf: Lsf) -> Measured:
    """Work out everything from the unknowns and their covariance."""
    lines, sizes = problem.lines, problem.sizes
    amplitudes = found.unknowns[:, sizes.polynomial : sizes.linear]
    velocity = found.unknowns[:, sizes.linear : sizes.linear + sizes.groups]
    sigma = np.sqrt(found.unknowns[:, sizes.linear + sizes.groups :])
    covariance = _of_sigma(found.covariance, sigma)
    error = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    flux = amplitudes[:, lines.amplitude] * lines.ratio
    middle = lines.wavelength * np.exp(velocity[:, lines.group] / SPEED_OF_LIGHT)
    instrument = lsf.sigma(middle)
    observed = np.hypot(sigma[:, lines.group], instrument)
    width = observed / SPEED_OF_LIGHT * middle
    return Measured(
        flux=flux,
        flux_error=error[:, lines.amplitude] * lines.ratio,
        velocity=velocity,
        velocity_error=error[:, sizes.amplitudes : sizes.amplitudes + sizes.groups],
        sigma=sigma,
        sigma_error=error[:, sizes.amplitudes + sizes.groups :],
        instrument_sigma=instrument,
        observed_sigma=observed,
        amplitude_to_noise=flux * PEAK / width / found.noise,
        covariance=covariance,
    )


def _of_sigma(covariance: Array, sigma: Array) -> Array:
    """Turn the covariance of the variances u = sigma^2 into that of the dispersions; 0 where sigma is."""
    count, groups = sigma.shape
    scale = np.ones((count, covariance.shape[1]))
    scale[:, -groups:] = np.divide(0.5, sigma, out=np.zeros_like(sigma), where=sigma > 0)
    turned: Array = covariance * scale[:, :, np.newaxis] * scale[:, np.newaxis, :]
    return turned
