"""Spectra of stars with known truth: the library's, moved, broadened and put on pixels by no code under test.

The light is drawn on steps of 5 km/s, convolved with the stars' motions, shifted, and only then spread by what the LSF
has beyond the templates and averaged over the pixels.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d
from scipy.special import erf

from processing.science.lines import Group
from processing.science.lsf import FWHM_PER_SIGMA
from processing.science.stars import Library, StarSpectra
from processing.stellar_library import MODELS, read_library
from tests.support.line_spectra import FREE, GRID, LIGHT, gas, instrument_width

Array = NDArray[np.float64]

STEP: Final = 5.0
"""Of the drawn light, km/s."""

SHARPEST: Final = 0.15
"""Angstrom: what is left of the LSF where the templates are broader, so that no light falls between the steps."""

MIXED: Final = 3
"""Templates in one spectrum."""

LEVEL: Final = 100.0


@dataclass(frozen=True)
class StarTruth:
    """Velocities and dispersions (n), km/s; the stars alone, all light without noise, and the noise (n, pixels)."""

    velocity: Array
    sigma: Array
    continuum: Array
    light: Array
    noise: Array


@cache
def library() -> Library:
    """The models of the data package that stand for the survey's."""
    return read_library(Path("data") / MODELS)[0]


def simulate(
    count: int,
    *,
    seed: int,
    sn: float = 35.0,
    sigma: tuple[float, float] = (50.0, 150.0),
    spread: float = 100.0,
    systemic: float = 1500.0,
    grid: Array = GRID,
) -> tuple[StarSpectra, StarTruth]:
    """Draw spectra of ``sn`` between 5300 and 5500 Angstrom, of old and young stars, with lines that the fit must mask.

    Velocities spread by so many km/s about the systemic one; dispersions are uniform.  A smooth light that is no
    star's, of some percent, is added.
    """
    rng = np.random.default_rng(seed)
    velocity, dispersion = rng.normal(0, spread, count), rng.uniform(*sigma, count)
    spread_out = _on_pixels(tuple(grid), systemic)
    stars = np.array([spread_out @ _light(rng, v, s, systemic) for v, s in zip(velocity, dispersion, strict=True)])
    stars *= LEVEL / stars.mean(axis=1, keepdims=True)
    x = np.linspace(-1, 1, grid.size)
    smooth = np.polynomial.legendre.legval(x, rng.normal(0, 0.02, (6, count)))
    fluxes = LEVEL * rng.uniform(0.5, 5, (count, len(FREE)))
    moving = np.repeat(velocity[:, np.newaxis], len(Group), axis=1)
    light = stars + LEVEL * smooth + gas(grid, fluxes, moving, np.full(moving.shape, 40.0), systemic)
    window = (grid > 5300 * (1 + systemic / LIGHT)) & (grid < 5500 * (1 + systemic / LIGHT))
    shape = np.sqrt(1 + 0.5 * np.sin(grid / 40))
    noise = light[:, window].mean(axis=1, keepdims=True) / sn * shape / shape[window].mean()
    spectra = StarSpectra(
        wavelength=grid,
        flux=light + noise * rng.normal(size=light.shape),
        variance=noise**2,
        good=np.ones(light.shape, dtype=np.bool_),
        systemic_velocity=systemic,
    )
    return spectra, StarTruth(velocity, dispersion, stars, light, noise)


def _light(rng: np.random.Generator, velocity: float, sigma: float, systemic: float) -> Array:
    """Return what a few populations that move together shine, on the observed logarithms."""
    fine, models = _drawn()
    names = rng.choice(len(models), MIXED, replace=False)
    mixed = rng.dirichlet(np.ones(MIXED)) @ models[names]
    moved = gaussian_filter1d(mixed, sigma / STEP, truncate=7.0)
    shone: Array = CubicSpline(fine, moved)(_observed(systemic) - np.log1p(systemic / LIGHT) - velocity / LIGHT)
    return shone


@cache
def _drawn() -> tuple[Array, Array]:
    """Return logarithms of wavelengths at rest and the models there, each of mean 1."""
    known = library()
    fine = np.arange(np.log(4500.0), np.log(7500.0), STEP / LIGHT)
    models: Array = CubicSpline(np.log(known.wavelength), known.flux, axis=1)(fine)
    models /= models.mean(axis=1, keepdims=True)
    return fine, models


def _observed(systemic: float) -> Array:
    """Return the logarithms of observed wavelengths that light is drawn at."""
    logarithms: Array = np.arange(np.log(4600.0), np.log(7350.0), STEP / LIGHT) + np.log1p(systemic / LIGHT)
    return logarithms


@cache
def _on_pixels(wavelength: tuple[float, ...], systemic: float) -> sparse.csr_array:
    """Return what the instrument and its pixels make of light at the observed logarithms, as a matrix."""
    grid, at = np.array(wavelength), np.exp(_observed(systemic))
    template = library().fwhm * (1 + systemic / LIGHT) / FWHM_PER_SIGMA
    width = np.sqrt(np.maximum(instrument_width(at) ** 2 - template**2, SHARPEST**2))
    half = np.diff(grid).mean() / 2
    rows, columns, shares = [], [], []
    for row, middle in enumerate(grid):
        near = np.flatnonzero(np.abs(at - middle) < half + 7 * width.max())
        ends = np.array([[-half], [half]]) + middle
        below = erf((ends - at[near]) / width[near] / np.sqrt(2)) / 2
        rows.append(np.full(near.size, row))
        columns.append(near)
        shares.append((below[1] - below[0]) * at[near] * STEP / LIGHT / (2 * half))
    whole = tuple(np.concatenate(each) for each in (shares, rows, columns))
    return sparse.csr_array((whole[0], (whole[1], whole[2])), shape=(grid.size, at.size))
