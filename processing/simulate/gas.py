"""HII regions and diffuse gas: where they are, which lines they send, how these move.  Pure.

Wavelengths, groups and fixed ratios are those of ``processing.science.lines``; the others stand here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from processing.science.lines import LINES, EmissionLine, Group
from processing.science.lsf import FWHM_PER_SIGMA, MUSE_LSF, SPEED_OF_LIGHT
from processing.simulate.galaxy import Galaxy

__all__ = ["DIFFUSE", "REGIONS", "Regions", "add_lines", "line_ratio", "regions_of"]

Array = NDArray[np.float64]

DIFFUSE, REGIONS = 0, 1
"""The two kinds of gas: indices below."""

COUNT: Final = 1800
FLUXES: Final = (2e3, 4e5)
"""Faintest and brightest region in H alpha without dust, 1e-20 erg/s/cm2."""

SLOPE: Final = -1.7
WIDTHS: Final = (15.0, 40.0)
"""Sigma of the regions, pc."""

EQUIVALENT_WIDTH: Final = 250.0
"""Of H alpha against the young stars of a region, Angstrom."""

BALMER: Final = 1 / 2.86
RATIOS: Final[Mapping[str, tuple[float, float]]] = {
    "HA6562": (1.0, 1.0),
    "HB4861": (BALMER, BALMER),
    "OIII5006": (0.7 * BALMER, 0.25 * BALMER),
    "NI5197": (0.012, 0.003),
    "NI5200": (0.012, 0.003),
    "NII5754": (0.006, 0.004),
    "HEI5875": (0.035, 0.040),
    "OI6300": (0.070, 0.015),
    "SIII6312": (0.003, 0.005),
    "NII6583": (0.60, 0.40),
    "SII6716": (0.42, 0.18),
    "SII6730": (0.30, 0.13),
}
"""Flux against H alpha without dust, of diffuse gas and of regions, one scale length from the centre."""

GRADIENTS: Final[Mapping[str, float]] = {"NII6583": -0.25, "NII5754": -0.25, "OIII5006": 0.45}
"""Change of the ratio's natural logarithm over a scale length: metals become rarer outwards."""

DISPERSIONS: Final[Mapping[Group, tuple[float, float]]] = {
    Group.HYDROGEN: (38.0, 24.0),
    Group.LOW: (36.0, 20.0),
    Group.HIGH: (42.0, 28.0),
}
"""Intrinsic dispersion of diffuse gas and regions, km/s."""

VELOCITIES: Final[Mapping[Group, float]] = {Group.HYDROGEN: 0.0, Group.LOW: 2.0, Group.HIGH: -4.0}
"""Of the groups against the gas as a whole, km/s."""

FARTHEST: Final = 5.0
"""Sigmas after which a line is cut."""


@dataclass(frozen=True)
class Regions:
    """HII regions: arcsec east and north, H alpha flux without dust (1e-20 erg/s/cm2), sigma in arcsec; shape (n)."""

    east: Array
    north: Array
    flux: Array
    sigma: Array


def regions_of(galaxy: Galaxy, rng: np.random.Generator) -> Regions:
    """Scatter HII regions over the arms of a galaxy."""
    radius = galaxy.scale_length * rng.gamma(2.0, 0.8, 4 * COUNT)
    azimuth = rng.uniform(-np.pi, np.pi, radius.size)
    kept = np.flatnonzero(rng.uniform(size=radius.size) < 0.15 + 0.85 * galaxy.arms(radius, azimuth))[:COUNT]
    east, north = galaxy.sky(radius[kept], azimuth[kept])
    low, high = (each ** (1 + SLOPE) for each in FLUXES)
    flux = (low + rng.uniform(size=kept.size) * (high - low)) ** (1 / (1 + SLOPE))
    narrowest, widest = np.log(WIDTHS)
    sigma = np.exp(rng.uniform(narrowest, widest, kept.size)) / galaxy.scale
    return Regions(east, north, flux, np.maximum(sigma, 0.15))


def line_ratio(line: EmissionLine, kind: int, radius: Array) -> Array:
    """Return the flux of a line against H alpha, without dust; ``radius`` in scale lengths."""
    leader = line.tied_to or line.name
    outwards = np.exp(GRADIENTS.get(leader, 0.0) * (np.minimum(radius, 4.0) - 1))
    fixed = line.ratio if line.tied_to else 1.0
    ratio: Array = fixed * RATIOS[leader][kind] * outwards
    return ratio


def add_lines(
    spectra: Array, wavelengths: Array, width: float, *, fluxes: Array, radius: Array, velocity: Array
) -> None:
    """Add the lines to spectra of shape (n, m), each integrated over the pixels' width in wavelength.

    Parameters
    ----------
    fluxes
        In H alpha, without dust, of diffuse gas and regions: shape (2, n, m), at each wavelength as the PSF has it.
    radius
        In scale lengths, shape (n).
    velocity
        Of the gas, km/s, shape (n).
    """
    for line in LINES:
        speed = velocity + VELOCITIES[line.group]
        centre = line.wavelength * (1 + speed / SPEED_OF_LIGHT)
        lsf = MUSE_LSF.fwhm(centre) / FWHM_PER_SIGMA
        for kind in (DIFFUSE, REGIONS):
            sigma = np.hypot(lsf, DISPERSIONS[line.group][kind] / SPEED_OF_LIGHT * centre)
            reach = FARTHEST * float(sigma.max()) + width
            first, last = np.searchsorted(wavelengths, (centre.min() - reach, centre.max() + reach))
            if first == last:
                continue
            offset = wavelengths[np.newaxis, first:last] - centre[:, np.newaxis]
            upper = special.ndtr((offset + width / 2) / sigma[:, np.newaxis])
            lower = special.ndtr((offset - width / 2) / sigma[:, np.newaxis])
            ratio = line_ratio(line, kind, radius)[:, np.newaxis]
            spectra[:, first:last] += ratio * fluxes[kind, :, first:last] * (upper - lower) / width
