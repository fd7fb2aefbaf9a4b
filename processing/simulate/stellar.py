"""Spectra of moving stars: populations at the instrument's resolution, for any velocity and dispersion, by table.

Pure.  The populations are broadened once, on logarithmic wavelengths, for a few dispersions; between these, and
between wavelengths, straight lines are drawn.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from processing.science.lsf import FWHM_PER_SIGMA, MUSE_LSF, SPEED_OF_LIGHT
from processing.simulate.templates import Population

__all__ = ["SpectrumTable"]

Array = NDArray[np.float64]

STEP: Final = 12.0
"""Of the logarithmic wavelengths, km/s."""

MARGIN: Final = 3000.0
"""By which the table reaches beyond the wavelengths asked for, km/s: velocities within a galaxy, and convolution."""

DISPERSIONS: Final = (20.0, 40.0, 70.0, 110.0, 160.0, 220.0)
FARTHEST: Final = 4.5
"""Sigmas after which a Gaussian is cut."""


class SpectrumTable:
    """Broadened populations.

    Parameters
    ----------
    populations
        Whose spectra they are.
    wavelengths
        First and last wavelength to be asked for, Angstrom, in the observer's frame.
    velocity
        Of the galaxy, km/s: around it the table is good for +-1500 km/s.
    """

    def __init__(self, populations: Sequence[Population], wavelengths: tuple[float, float], velocity: float) -> None:
        shift = np.log1p(velocity / SPEED_OF_LIGHT)
        low, high = (float(np.log(each)) - shift for each in wavelengths)
        step = STEP / SPEED_OF_LIGHT
        self._low: Final = low - MARGIN / SPEED_OF_LIGHT
        size = int(np.ceil((high - low) / step)) + 2 * int(MARGIN / STEP)
        rest = np.exp(self._low + step * np.arange(size))
        self._table: Final = np.array(
            [[_broadened(each, rest, sigma, velocity) for sigma in DISPERSIONS] for each in populations]
        )
        self._slopes: Final = np.diff(self._table)

    def __call__(self, wavelengths: Array, velocity: Array, dispersion: Array) -> Array:
        """Return the spectra of all populations: shape (populations, n, m) at m wavelengths for n places."""
        at = np.log(wavelengths)[np.newaxis] - np.log1p(velocity / SPEED_OF_LIGHT)[:, np.newaxis]
        at = (at - self._low) * (SPEED_OF_LIGHT / STEP)
        place = np.clip(at.astype(np.intp), 0, self._table.shape[2] - 2)
        part = at - place
        nodes = np.asarray(DISPERSIONS)
        above = np.clip(np.searchsorted(nodes, dispersion), 1, nodes.size - 1)
        share = np.clip((dispersion - nodes[above - 1]) / (nodes[above] - nodes[above - 1]), 0.0, 1.0)
        spectra = np.zeros((self._table.shape[0], *at.shape))
        for node in np.unique(np.concatenate((above - 1, above))):
            weight = np.where(above == node, share, 0.0) + np.where(above - 1 == node, 1 - share, 0.0)
            used = weight > 0
            if not used.any():
                continue
            lower, inside = place[used], part[used]
            for spectrum, table, slopes in zip(spectra, self._table[:, node], self._slopes[:, node], strict=True):
                spectrum[used] += weight[used, np.newaxis] * (table[lower] + inside * slopes[lower])
        return spectra


def _broadened(population: Population, rest: Array, dispersion: float, velocity: float) -> Array:
    """Resample a population and convolve it with the stars' dispersion and what its resolution lacks of the LSF."""
    flux = np.interp(rest, population.wavelength, population.flux)
    observed = rest * (1 + velocity / SPEED_OF_LIGHT)
    lacking = np.sqrt(np.maximum(MUSE_LSF.fwhm(observed) ** 2 - population.fwhm**2, 0.0)) / FWHM_PER_SIGMA
    sigma = np.hypot(dispersion, lacking / observed * SPEED_OF_LIGHT) / STEP
    reach = int(np.ceil(FARTHEST * sigma.max()))
    total, weights = np.zeros(rest.size), np.zeros(rest.size)
    padded = np.pad(flux, reach, mode="edge")
    for offset in range(-reach, reach + 1):
        weight = special.ndtr((offset + 0.5) / sigma) - special.ndtr((offset - 0.5) / sigma)
        total += weight * padded[reach + offset : reach + offset + rest.size]
        weights += weight
    broadened: Array = total / weights
    return broadened
