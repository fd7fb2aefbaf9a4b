"""What a fit of emission lines begins with: spectra and settings, and both as the compiled loop takes them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.science.legendre import polynomials
from processing.science.lines import LINES, EmissionLine, Group
from processing.science.lsf import MUSE_LSF, SPEED_OF_LIGHT, Lsf
from processing.science.normal_equations import Grid, Sizes
from processing.science.profiles import REACH, Lines
from processing.science.spaxel_loop import Spectra
from processing.science.star_spectra import pixel_edges
from processing.science.variable_projection import Control, Problem

__all__ = ["FitSettings", "Tile", "parameter_names", "problem_of", "spectra_of", "widest_window"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Tile:
    """Spectra to fit.

    Parameters
    ----------
    wavelength
        Middles of the pixels, observed, in air, increasing, shape (pixels), Angstrom.
    flux, variance, good
        Shape (n, pixels); variance in the unit of flux squared.  Values that are not finite count as bad.
    continuum
        The stars in each spectrum's bin, in the unit of flux, shape (n, pixels); zero where there are none.
    velocity, sigma
        Where to begin, in km/s, shape (n, groups) in the order of ``Group``.
    systemic_velocity
        Of the target, in km/s: wavelengths at rest are multiplied by 1 + v/c, and velocities count from there.

    Raises
    ------
    ValueError
        Shapes that do not belong together, no spectrum, or wavelengths that do not increase.
    """

    wavelength: Array
    flux: NDArray[np.floating]
    variance: NDArray[np.floating]
    good: Mask
    continuum: NDArray[np.floating]
    velocity: Array
    sigma: Array
    systemic_velocity: float = 0.0

    def __post_init__(self) -> None:
        if self.wavelength.ndim != 1 or self.wavelength.size < 2 or not (np.diff(self.wavelength) > 0).all():
            raise ValueError("the wavelengths of a tile must increase")
        if self.flux.ndim != 2 or 0 in self.flux.shape or self.flux.shape[1] != self.wavelength.size:
            raise ValueError(f"spectra of shape {self.flux.shape} do not fit {self.wavelength.size} wavelengths")
        for name in ("variance", "good", "continuum"):
            if getattr(self, name).shape != self.flux.shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, the spectra {self.flux.shape}")
        if self.good.dtype != np.bool_:
            raise ValueError(f"good must be true or false, not {self.good.dtype}")
        for name in ("velocity", "sigma"):
            if getattr(self, name).shape != (len(self.flux), len(Group)):
                raise ValueError(f"{name} must give {len(Group)} groups for each of {len(self.flux)} spectra")
        if not np.isfinite(self.systemic_velocity):
            raise ValueError("the systemic velocity is not a number")


@dataclass(frozen=True)
class FitSettings:
    """How to fit: the release's choices unless told otherwise.

    ``order`` is the polynomial's; velocities may move ``velocity_range`` km/s from their start, dispersions up to
    ``largest_sigma``; ``lowest_an`` is the peak over noise below which a line is flagged; a fit ends when the next step
    would lower chi2 by less than ``tolerance``, or after so many ``trials``.

    Raises
    ------
    ValueError
        No line, or one tied to another that is not there or moves with another group.
    """

    lines: tuple[EmissionLine, ...] = LINES
    lsf: Lsf = MUSE_LSF
    order: int = 8
    non_negative: bool = True
    velocity_range: float = 500.0
    largest_sigma: float = 500.0
    lowest_an: float = 3.0
    tolerance: float = 1e-6
    trials: int = 60

    def __post_init__(self) -> None:
        free = {line.name: line.group for line in self.free}
        for line in self.lines:
            if free.get(line.tied_to or line.name) != line.group:
                raise ValueError(f"line {line.name} is tied to {line.tied_to}, which is not a free line of its group")
        if self.order < 0 or not self.free:
            raise ValueError("a fit needs at least one line and a polynomial of order 0 or more")

    @property
    def free(self) -> tuple[EmissionLine, ...]:
        """The lines whose fluxes are free."""
        return tuple(line for line in self.lines if line.tied_to is None)


def parameter_names(settings: FitSettings) -> tuple[str, ...]:
    """Return the names of free fluxes, velocities and dispersions in the order of the covariance."""
    fluxes = [f"flux {line.name}" for line in settings.free]
    return (*fluxes, *(f"{kind} {group}" for kind in ("velocity", "sigma") for group in Group))


def problem_of(tile: Tile, settings: FitSettings) -> Problem:
    """Return what all spectra share."""
    edges = pixel_edges(tile.wavelength)
    legendre = polynomials(tile.wavelength, (float(edges[0]), float(edges[-1])), settings.order)
    amplitudes, groups = len(settings.free), len(Group)
    linear = settings.order + 1 + amplitudes
    sizes = Sizes(settings.order + 1, amplitudes, groups, linear, linear + 2 * groups)
    control = Control(settings.tolerance, settings.trials, settings.non_negative)
    return Problem(_lines_of(tile, settings), Grid(edges, legendre), sizes, control)


def _lines_of(tile: Tile, settings: FitSettings) -> Lines:
    free, groups = [line.name for line in settings.free], list(Group)
    return Lines(
        np.array([line.wavelength for line in settings.lines]) * (1 + tile.systemic_velocity / SPEED_OF_LIGHT),
        np.array([free.index(line.tied_to or line.name) for line in settings.lines], dtype=np.int64),
        np.array([groups.index(line.group) for line in settings.lines], dtype=np.int64),
        np.array([line.ratio for line in settings.lines]),
        np.array(settings.lsf.coefficients),
    )


def spectra_of(tile: Tile, settings: FitSettings) -> Spectra:
    """Return the tile in double precision, with the bounds of what is searched for."""
    variance = np.clip(tile.sigma, 0.0, settings.largest_sigma) ** 2
    reach = settings.velocity_range
    return Spectra(
        _plain(tile.flux),
        _plain(tile.variance),
        np.ascontiguousarray(tile.good),
        _plain(tile.continuum),
        np.hstack((tile.velocity, variance)),
        np.hstack((tile.velocity - reach, np.zeros_like(variance))),
        np.hstack((tile.velocity + reach, np.full_like(variance, settings.largest_sigma**2))),
    )


def _plain(values: NDArray[np.floating]) -> Array:
    """Return values as the compiled loop takes them: double precision, in order, in the machine's own bytes."""
    return np.ascontiguousarray(values, dtype=np.float64)


def widest_window(tile: Tile, settings: FitSettings) -> int:
    """Return how many pixels the widest line allowed may cover."""
    own = tile.wavelength[-1] * settings.largest_sigma / SPEED_OF_LIGHT
    width = np.hypot(own, settings.lsf.sigma(tile.wavelength).max() / SPEED_OF_LIGHT * tile.wavelength[-1])
    return min(int(2 * REACH * width / np.diff(tile.wavelength).min()) + 4, tile.wavelength.size)
