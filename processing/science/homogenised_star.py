"""What becomes of a star when a kernel homogenises it, against the Gaussian that it should become.  Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from processing.science.kernels import Kernels, noise_gain
from processing.science.psf import Gaussian, Psf

__all__ = ["FARTHEST", "RADIUS", "HomogenisedStar", "homogenised_star"]

Array = NDArray[np.float64]

RADIUS: Final = 1.0
"""Arcsec, within which light is counted."""

FARTHEST: Final = 6.0
"""Arcsec, to which profiles reach."""


@dataclass(frozen=True)
class HomogenisedStar:
    """A star after the convolution.

    Parameters
    ----------
    radii
        Of the pixels near the middle, arcsec, from the middle outwards, shape (n).
    before, after, target
        What these have of a light that is 1 in all, shape (n).
    fwhm
        Where its profile falls to half, arcsec.
    peak, encircled
        In units of the target's: the brightest pixel, and the light within 1 arcsec.
    ellipticity
        1 - b/a, of its second moments within 1 arcsec.
    noise_gain
        Root of the sum of the kernel's squares.
    """

    radii: Array
    before: Array
    after: Array
    target: Array
    fwhm: float
    peak: float
    encircled: float
    ellipticity: float
    noise_gain: float


def homogenised_star(psf: Psf, kernels: Kernels, fwhm: float, wavelength: float, *, pixel: float) -> HomogenisedStar:
    """Return what becomes of a star on the middle of a pixel.

    Parameters
    ----------
    psf, kernels
        Of the pointing.
    fwhm
        Of the target, arcsec.
    wavelength
        Angstrom.
    pixel
        Arcsec.
    """
    kernel = kernels.at(wavelength)
    size = 3 * kernels.size
    before = psf.image(wavelength, size=size, pixel=pixel)
    after: Array = signal.fftconvolve(before, kernel, mode="same")
    target = Gaussian(fwhm).image(size=size, pixel=pixel)
    radii = _radii(size, pixel)
    near, shown = radii <= RADIUS, radii < FARTHEST
    outwards = np.argsort(radii[shown], kind="stable")
    profiles = [image[shown][outwards] for image in (radii, before, after, target)]
    return HomogenisedStar(
        radii=profiles[0],
        before=profiles[1],
        after=profiles[2],
        target=profiles[3],
        fwhm=_half_width(after, pixel),
        peak=float(after.max() / target.max()),
        encircled=float(after[near].sum() / target[near].sum()),
        ellipticity=_ellipticity(np.where(near, after, 0.0)),
        noise_gain=noise_gain(kernel),
    )


def _radii(size: int, pixel: float) -> Array:
    along = (np.arange(size) - size // 2) * pixel
    radii: Array = np.hypot(along[:, np.newaxis], along)
    return radii


def _half_width(image: Array, pixel: float) -> float:
    """Return the FWHM along an axis; between pixels the logarithm is a parabola in the square of the radius."""
    middle = len(image) // 2
    along = image[middle, middle:] / image[middle, middle]
    outside = int(np.argmax(along < 0.5))
    squares, values = np.arange(len(along)) ** 2.0, np.log(np.maximum(along, 1e-12))
    low, high = outside - 1, outside
    half = np.interp(np.log(0.5), [values[high], values[low]], [squares[high], squares[low]])
    return float(2 * np.sqrt(half) * pixel)


def _ellipticity(image: Array) -> float:
    middle = len(image) // 2
    along = np.arange(len(image)) - middle
    rows, columns = np.meshgrid(along, along, indexing="ij")
    across = (image * rows * columns).sum()
    moments = np.array([[(image * rows**2).sum(), across], [across, (image * columns**2).sum()]])
    small, large = np.linalg.eigvalsh(moments / image.sum())
    return float(1 - np.sqrt(small / large))
