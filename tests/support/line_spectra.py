"""Spectra of gas and stars with known truth, drawn by scipy's error function and nothing of the code under test."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from processing.science.emission import Tile
from processing.science.lines import LINES, EmissionLine, Group

Array = NDArray[np.float64]

LIGHT = 299792.458
GRID: Array = 4840 + 1.25 * np.arange(1760, dtype=np.float64)
FREE = tuple(line for line in LINES if line.tied_to is None)


@dataclass(frozen=True)
class Truth:
    """Free fluxes (n, free lines), velocities and dispersions (n, groups) in km/s, with the exact spectra behind."""

    fluxes: Array
    velocity: Array
    sigma: Array
    spectra: Array
    noise: Array

    def flux(self, line: EmissionLine) -> Array:
        """Return the true flux of any line, tied or not."""
        names = [each.name for each in FREE]
        return self.fluxes[:, names.index(line.tied_to or line.name)] * line.ratio


def instrument_width(wavelength: Array) -> Array:
    """Return Bacon et al.'s dispersion in Angstrom, written out once more."""
    return (5.866e-8 * wavelength**2 - 9.187e-4 * wavelength + 6.040) / 2.3548200450309493


def line_profile(grid: Array, middle: Array, width: Array) -> Array:
    """Return Gaussians of unit flux averaged over the pixels, shape (n, pixels)."""
    steps = np.diff(grid)
    edges = np.concatenate(([grid[0] - steps[0] / 2], (grid[1:] + grid[:-1]) / 2, [grid[-1] + steps[-1] / 2]))
    below: Array = erf((edges - middle[:, np.newaxis]) / width[:, np.newaxis] / np.sqrt(2)) / 2
    profile: Array = np.diff(below, axis=1) / np.diff(edges)
    return profile


def gas(grid: Array, fluxes: Array, velocity: Array, sigma: Array, systemic: float = 0.0) -> Array:
    """Return the lines' spectra for free fluxes (n, free), velocities and dispersions (n, groups)."""
    names, groups = [line.name for line in FREE], list(Group)
    total = np.zeros((len(fluxes), grid.size))
    for line in LINES:
        group = groups.index(line.group)
        middle = line.wavelength * (1 + systemic / LIGHT) * np.exp(velocity[:, group] / LIGHT)
        width = np.hypot(sigma[:, group] / LIGHT * middle, instrument_width(middle))
        flux = fluxes[:, names.index(line.tied_to or line.name)] * line.ratio
        total += flux[:, np.newaxis] * line_profile(grid, middle, width)
    return total


def stars(grid: Array) -> Array:
    """Return a continuum with absorption in it, of mean level near 100."""
    x = (grid - grid.mean()) / (grid[-1] - grid[0])
    smooth: Array = 100 * (1 + 0.3 * x - 0.2 * x**2)
    for middle, depth, width in ((4861, 0.25, 9.0), (5175, 0.2, 12.0), (5890, 0.15, 4.0), (6563, 0.2, 8.0)):
        smooth = smooth * (1 - depth * np.exp(-0.5 * ((grid - middle) / width) ** 2))
    return smooth


def simulate(
    count: int,
    *,
    seed: int,
    peak: float,
    noise: float = 5.0,
    sigma: float = 45.0,
    grid: Array = GRID,
    systemic: float = 0.0,
) -> tuple[Tile, Truth]:
    """Draw spectra in which every free line's peak stands ``peak`` times the noise there above the continuum.

    Velocities spread by 60 km/s about the start, groups by 15 km/s about each other; the dispersion of each group is
    within a fifth of ``sigma``.  The stars' spectrum is warped by a polynomial that the fit must find.
    """
    rng = np.random.default_rng(seed)
    velocity = rng.normal(0, 60, (count, 1)) + rng.normal(0, 15, (count, len(Group)))
    dispersion = sigma * rng.uniform(0.8, 1.2, (count, len(Group)))
    middles = np.array([line.wavelength for line in FREE]) * (1 + systemic / LIGHT)
    of_line = dispersion[:, [list(Group).index(line.group) for line in FREE]]
    widths = np.hypot(of_line / LIGHT * middles, instrument_width(middles))
    deviation = noise * np.sqrt(1 + 0.5 * np.sin(grid / 40)) * np.ones((count, 1))
    fluxes = peak * np.interp(middles, grid, deviation[0]) * widths * np.sqrt(2 * np.pi)
    x = np.interp(np.log(grid), np.log(grid[[0, -1]]), (-1.0, 1.0))
    warp = np.polynomial.legendre.legval(x, np.vstack((np.ones(count), rng.normal(0, 0.05, (8, count)))))
    continuum = np.tile(stars(grid / (1 + systemic / LIGHT)), (count, 1))
    spectra = continuum * warp + gas(grid, fluxes, velocity, dispersion, systemic)
    tile = Tile(
        wavelength=grid,
        flux=spectra + deviation * rng.normal(size=spectra.shape),
        variance=deviation**2,
        good=np.ones(spectra.shape, dtype=np.bool_),
        continuum=continuum,
        velocity=np.zeros((count, len(Group))),
        sigma=np.full((count, len(Group)), 50.0),
        systemic_velocity=systemic,
    )
    return tile, Truth(fluxes, velocity, dispersion, spectra, deviation)
