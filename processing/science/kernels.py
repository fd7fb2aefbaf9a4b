"""Kernels that turn the PSF of a pointing into one Gaussian, whatever the wavelength.

Pure.  They are Wiener filters as pypher makes them (Boucaud et al. 2016, A&A 596, A63): in Fourier space
K = conj(P) T / (|P|^2 + mu |L|^2), P being the PSF, T the Gaussian and L the Laplacian.  The survey had boxes of 3 FWHM
and mu = 1e-4; a star then keeps the wings of the Moffat profile and lacks 4 to 13 percent of its peak.  Here boxes
reach 10 FWHM to either side and mu is 5e-7, which costs 2 to 24 percent more noise, the most where the PSF has the
width of two or three pixels: nothing but the missing part of the peak makes the difference.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from processing.science.psf import Gaussian, Psf

__all__ = ["LEAST_BROADENING", "Engine", "Kernels", "Recipe", "around", "noise_gain", "target_fwhm", "wiener"]

Array = NDArray[np.float64]

LEAST_BROADENING: Final = 0.2
"""Arcsec, in quadrature, by which the survey's target is wider than the worst PSF."""

KNOT: Final = 50.0
"""Angstrom between the wavelengths for which kernels are computed; between these they are interpolated."""

LAPLACIAN: Final = np.array([[0.0, -1.0, 0.0], [-1.0, 4.0, -1.0], [0.0, -1.0, 0.0]])


class Engine(StrEnum):
    """Who computes a kernel: the same numbers come out."""

    OWN = "musevault"
    PYPHER = "pypher"


@dataclass(frozen=True)
class Recipe:
    """How kernels are made: ``regularisation`` is mu, ``reach`` the half width of the box in FWHM of the target."""

    regularisation: float = 5e-7
    reach: float = 10.0
    engine: Engine = Engine.OWN

    def box(self, fwhm: float, pixel: float) -> int:
        """Return the width of the box, an odd number of pixels."""
        return 2 * math.ceil(self.reach * fwhm / pixel) + 1


def target_fwhm(psfs: "list[Psf] | tuple[Psf, ...]", wavelengths: Array) -> float:
    """Return the FWHM of the Gaussian to which the survey homogenised a mosaic, arcsec.

    The widest PSF of all pointings and wavelengths, and 0.2 arcsec in quadrature.

    Parameters
    ----------
    psfs
        Of the pointings.
    wavelengths
        Of the cube, Angstrom; the PSF being linear, its ends tell.
    """
    ends = np.array([wavelengths[0], wavelengths[-1]])
    worst = max(float(psf.fwhm_at(ends).max()) for psf in psfs)
    return math.hypot(worst, LEAST_BROADENING)


def wiener(source: Array, target: Array, regularisation: float) -> Array:
    """Return the kernel that turns one image of a point into another.

    Parameters
    ----------
    source, target
        On the middles of boxes of one size, odd, shape (n, n).
    regularisation
        mu.
    """
    shape = source.shape
    laplacian = np.zeros(shape)
    laplacian[:3, :3] = LAPLACIAN
    smooth = fft.rfft2(np.roll(laplacian, (-1, -1), axis=(0, 1)))
    seen, wanted = (fft.rfft2(fft.ifftshift(image)) for image in (source, target))
    transform = np.conj(seen) * wanted / (np.abs(seen) ** 2 + regularisation * np.abs(smooth) ** 2)
    kernel: Array = fft.fftshift(fft.irfft2(transform, s=shape))
    return kernel


def around(ends: Array) -> Array:
    """Return the first and last wavelength for which kernels are computed, of a cube's first and last."""
    first, last = np.floor(ends / KNOT)
    return KNOT * np.array([first, last + 1])


def noise_gain(kernel: Array) -> float:
    """Return by what a convolution multiplies noise that is not correlated."""
    return float(np.sqrt((kernel**2).sum()))


class Kernels:
    """The kernels of one PSF at all wavelengths, computed at knots 50 Angstrom apart.

    Between two knots the kernel is taken as linear in wavelength: off by less than 1e-5 of its peak.

    Parameters
    ----------
    psf
        Of the pointing.
    fwhm
        Of the Gaussian, arcsec.
    pixel
        Of the cube, arcsec.

    Raises
    ------
    ValueError
        The Gaussian is narrower than the PSF at some wavelength where a kernel is asked for.
    """

    def __init__(self, psf: Psf, fwhm: float, pixel: float, recipe: Recipe | None = None) -> None:
        self._psf: Final = psf
        self._fwhm: Final = fwhm
        self._pixel: Final = pixel
        self._recipe: Final = recipe or Recipe()
        self.size: Final = self._recipe.box(fwhm, pixel)
        self._knot: Final = lru_cache(maxsize=4)(self._computed)

    def around(self, wavelength: float) -> tuple[int, float]:
        """Return the number of the knot below a wavelength, and how far it lies on the way to the next, 0 to 1."""
        number = math.floor(wavelength / KNOT)
        return number, wavelength / KNOT - number

    def knot(self, number: int) -> Array:
        """Return the kernel at a knot, shape (size, size), on the middle of its box; its sum is 1."""
        return self._knot(number)

    def at(self, wavelength: float) -> Array:
        """Return the kernel at a wavelength, likewise."""
        number, part = self.around(wavelength)
        kernel: Array = (1 - part) * self.knot(number) + part * self.knot(number + 1)
        return kernel

    def _computed(self, number: int) -> Array:
        wavelength = number * KNOT
        if (width := float(self._psf.fwhm_at(np.array(wavelength)))) >= self._fwhm:
            raise ValueError(
                f"a PSF of {width:.3f} arcsec at {wavelength:.0f} Angstrom cannot become a Gaussian of {self._fwhm:.3f}"
            )
        source = self._psf.image(wavelength, size=self.size, pixel=self._pixel)
        target = Gaussian(self._fwhm).image(size=self.size, pixel=self._pixel)
        kernel = _by(self._recipe.engine, source, target, self._recipe.regularisation)
        normalised: Array = kernel / kernel.sum()
        return normalised


def _by(engine: Engine, source: Array, target: Array, regularisation: float) -> Array:
    if engine is Engine.OWN:
        return wiener(source, target, regularisation)
    from pypher import pypher

    kernel: Array = pypher.homogenization_kernel(target, source, regularisation)[0]
    return kernel
