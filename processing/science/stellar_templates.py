"""Templates of stars as an instrument shows them: broadened to its LSF, seen through its pixels, by log wavelength.

Pure.  What is prepared once serves every velocity and dispersion: a dispersion is a factor in Fourier space, a velocity
a place on a spline.  ``stars`` fits with them; files are read by ``processing.stellar_library``.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.interpolate import CubicSpline

from processing.science.errors import NoOverlap
from processing.science.lsf import FWHM_PER_SIGMA, SPEED_OF_LIGHT, Lsf

__all__ = ["Library", "Sight", "Templates", "prepare"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

NODES: Final = 8
"""Dispersions for which all templates are convolved; between these goes a polynomial, good to a millionth."""

BRIDGE: Final = 64
"""Pixels that lead from the end of the templates back to their beginning, as Fourier's circle asks for."""


@dataclass(frozen=True)
class Library:
    """Spectra of stellar populations.

    Parameters
    ----------
    names
        Of the templates.
    age, metallicity
        Gyr and [M/H], shape (templates).
    wavelength
        At rest, in air, increasing, shape (wavelengths), Angstrom.
    flux
        Per Angstrom, shape (templates, wavelengths).
    fwhm
        Resolution, Angstrom.

    Raises
    ------
    ValueError
        Shapes that do not belong together, no template, or values that are not finite.
    """

    names: tuple[str, ...]
    age: Array
    metallicity: Array
    wavelength: Array
    flux: Array
    fwhm: float

    def __post_init__(self) -> None:
        count = len(self.names)
        if count == 0 or self.age.shape != (count,) or self.metallicity.shape != (count,):
            raise ValueError("a library needs templates, and the age and metallicity of each")
        if self.wavelength.ndim != 1 or self.wavelength.size < 4 or not (np.diff(self.wavelength) > 0).all():
            raise ValueError("the wavelengths of a library must increase")
        if self.flux.shape != (count, self.wavelength.size) or not np.isfinite(self.flux).all():
            raise ValueError(f"{count} templates of {self.wavelength.size} wavelengths need as many finite fluxes")
        if not 0 <= self.fwhm < np.inf:
            raise ValueError(f"a resolution of {self.fwhm} Angstrom is none")


@dataclass(frozen=True)
class Sight:
    """How an instrument sees a galaxy.

    ``lsf`` and ``pixel``, its width in Angstrom, spread the light; ``redshift`` is the galaxy's.
    """

    lsf: Lsf
    pixel: float
    redshift: float

    def lacking(self, at_rest: Array, fwhm: float) -> Array:
        """Return by how much the LSF's variance exceeds that of templates, in (km/s)^2; negative where they exceed."""
        instrument = self.lsf.sigma(at_rest * (1 + self.redshift))
        own = fwhm / FWHM_PER_SIGMA / at_rest * SPEED_OF_LIGHT
        excess: Array = instrument**2 - own**2
        return excess

    def of_pixels(self, at_rest: Array) -> Array:
        """Return the variance that averaging over a pixel adds, in (km/s)^2."""
        spread: Array = (self.pixel / (at_rest * (1 + self.redshift)) * SPEED_OF_LIGHT) ** 2 / 12
        return spread


@dataclass(frozen=True)
class Templates:
    """Prepared templates.

    Attributes
    ----------
    spectra
        Fourier transforms of the coefficients of cubic B-splines, shape (templates, size // 2 + 1).
    square
        The frequencies' squares, in (km/s)^-2: exp(-variance square / 2) convolves with a Gaussian.
    size
        Of the circle.
    first, step
        Log wavelength at rest of the first coefficient, and between two.
    normal
        Means over the range before they were made 1, shape (templates).
    """

    spectra: NDArray[np.complex128]
    square: Array
    size: int
    first: float
    step: float
    normal: Array

    def place(self, at_rest: Array) -> Array:
        """Return where wavelengths lie, in steps from the first coefficient."""
        place: Array = (np.log(at_rest) - self.first) / self.step
        return place

    def broadened(self, spectra: NDArray[np.complex128], variance: float) -> Array:
        """Return the coefficients of any of the spectra, convolved with a variance in (km/s)^2."""
        coefficients: Array = irfft(spectra * np.exp(-variance / 2 * self.square), self.size)
        return coefficients


def prepare(
    library: Library,
    sight: Sight,
    wavelengths: tuple[float, float],
    *,
    step: float,
    margin: float,
    normal: Array | None = None,
) -> Templates:
    """Prepare templates for wavelengths at rest.

    Parameters
    ----------
    library, sight
        What is seen and how.  Where the templates are broader than the LSF they are not broadened to it.
    wavelengths
        First and last to be asked for, Angstrom at rest.
    step, margin
        Of the log wavelengths, and what must be there beyond them, km/s.
    normal
        What the templates are divided by: their means over the wavelengths by default.

    Raises
    ------
    NoOverlap
        The library does not reach so far.
    """
    reach = np.exp(np.array([-1, 1]) * (margin + 4 * step) / SPEED_OF_LIGHT)
    low, high = np.asarray(wavelengths) * reach
    if low < library.wavelength[0] or high > library.wavelength[-1]:
        raise NoOverlap(
            f"the templates reach from {library.wavelength[0]:.0f} to {library.wavelength[-1]:.0f} Angstrom at rest, "
            f"and {low:.0f} to {high:.0f} are needed"
        )
    size = int(np.ceil(np.log(high / low) * SPEED_OF_LIGHT / step)) + 1
    logarithms = np.log(low) + step / SPEED_OF_LIGHT * np.arange(size)
    at_rest = np.exp(logarithms)
    near = (library.wavelength > low * 0.99) & (library.wavelength < high * 1.01)
    flux = CubicSpline(library.wavelength[near], library.flux[:, near], axis=1)(at_rest)
    within = (at_rest >= wavelengths[0]) & (at_rest <= wavelengths[1])
    means: Array = flux[:, within].mean(axis=1) if normal is None else normal
    if not (means > 0).all():
        raise NoOverlap(f"template {library.names[int(np.argmin(means))]} has no light at these wavelengths")
    variance = np.maximum(sight.lacking(at_rest, library.fwhm), 0.0) + sight.of_pixels(at_rest)
    whole = next_fast_len(size + BRIDGE, real=True)
    square = (2 * np.pi * np.arange(whole // 2 + 1) / whole / step) ** 2
    seen = _varying(_circle(flux / means[:, np.newaxis], whole), square, variance)
    cubic = (2 + np.cos(np.sqrt(square) * step)) / 3  # a B-spline's own transform, at whole steps
    spectra = rfft(_circle(seen, whole)) / cubic
    return Templates(spectra, square, whole, float(logarithms[0]), step / SPEED_OF_LIGHT, means)


def _circle(flux: Array, size: int) -> Array:
    """Lead spectra back to where they begin by a smooth bridge, up to a size."""
    rise = np.linspace(0, 1, size - flux.shape[1] + 2)[1:-1]
    share = rise**2 * (3 - 2 * rise)
    bridge = flux[:, -1:] + (flux[:, :1] - flux[:, -1:]) * share
    return np.hstack((flux, bridge))


def _varying(circle: Array, square: Array, variance: Array) -> Array:
    """Convolve with Gaussians whose variance changes along the spectrum, by Lagrange's polynomial in the variance."""
    angles = (2 * np.arange(NODES) + 1) * np.pi / (2 * NODES)
    nodes = variance.max() * (1 - np.cos(angles)) / 2  # Chebyshev's, where the polynomial errs least
    spectra = rfft(circle)
    total = np.zeros((len(circle), variance.size))
    for node in nodes:
        others = nodes[nodes != node]
        share = np.prod((variance - others[:, np.newaxis]) / (node - others)[:, np.newaxis], axis=0)
        total += share * irfft(spectra * np.exp(-node / 2 * square), circle.shape[1])[:, : variance.size]
    return total
