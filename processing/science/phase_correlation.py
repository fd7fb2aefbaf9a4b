"""A first guess of the motion between two images: whole pixels and a parabola, at a few trial rotations.

Pure.  All that is compared is phases: scale, background and the wings of the PSF do not matter.  The answer is good to
a fraction of a pixel, for ``alignment`` to begin with.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from processing.science.motion import Motion
from processing.science.noise import blur_good, mad_std

__all__ = ["Guess", "first_guess"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FINE: Final = 1.5
COARSE: Final = 10.0
"""Sigmas, in pixels, of the Gaussians between which structure is compared: below is noise, above are slopes."""

KNEE: Final = 5.0
"""Structure of more than so many times its usual size counts little more: a bright star is one star."""


@dataclass(frozen=True)
class Guess:
    """A motion, and how far its peak stands above the scatter of the correlation, in sigmas of that scatter."""

    motion: Motion
    significance: float


def first_guess(
    image: Array, reference: Array, *, good: Mask, reference_good: Mask, reach: float, rotations: tuple[float, ...]
) -> Guess:
    """Find the highest peak of the phase correlation.

    Parameters
    ----------
    image, reference, good, reference_good
        On grids of the same shape (ny, nx) and scale.
    reach
        Longest offset in either axis to consider, pixels.
    rotations
        Trials, degrees.
    """
    ny, nx = image.shape
    shape = (fft.next_fast_len(2 * ny, real=True), fft.next_fast_len(2 * nx, real=True))
    of_image = fft.rfft2(_structure(image, good), shape)
    still = np.where(reference_good, reference, np.nan)
    centre = ((nx - 1) / 2, (ny - 1) / 2)
    guesses = []
    for rotation in rotations:
        turned = still if rotation == 0 else Motion(0.0, 0.0, rotation, centre).resample(still)
        correlation = _correlate(of_image, fft.rfft2(_structure(turned, np.isfinite(turned)), shape), shape)
        x, y, significance = _peak(correlation, reach)
        cosine, sine = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
        # The reference was turned first and shifted then: the shift is along the turned axes.
        motion = Motion(cosine * x - sine * y, sine * x + cosine * y, rotation, centre)
        guesses.append(Guess(motion, significance))
    return max(guesses, key=lambda guess: guess.significance)


def _structure(image: Array, good: Mask) -> Array:
    """Return what is between fine and coarse, in units of its own scatter, zero towards the edges and what is bad."""
    fine, cover = blur_good(image, good, FINE)
    coarse, _ = blur_good(image, good, COARSE)
    detail = np.where(good, fine - coarse, 0.0)
    scatter = mad_std(detail[good])
    if not scatter > 0:
        scatter = float(np.abs(detail).max()) or 1.0
    structure: Array = np.arctan(detail / (KNEE * scatter)) * np.clip(2 * cover - 1, 0, 1)
    return structure


def _correlate(of_image: NDArray[np.complex128], of_turned: NDArray[np.complex128], shape: tuple[int, int]) -> Array:
    """Return the correlation of phases, weighted towards what a PSF lets through."""
    cross = of_turned * of_image.conj()
    frequencies = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :])
    weight = np.exp(-2 * (np.pi * FINE * frequencies) ** 2)
    size = np.abs(cross)
    phases = np.divide(cross, size, out=np.zeros_like(cross), where=size > 1e-12 * size.max())
    correlation: Array = fft.irfft2(phases * weight, shape)
    return correlation


def _peak(correlation: Array, reach: float) -> tuple[float, float, float]:
    """Return the offset (x, y) of the highest value within reach and its height in sigmas of all of them."""
    span = int(min(reach, min(correlation.shape) / 2 - 2))
    near = np.roll(correlation, (span + 1, span + 1), axis=(0, 1))[: 2 * span + 3, : 2 * span + 3]
    inner = near[1:-1, 1:-1]
    y, x = np.unravel_index(int(inner.argmax()), inner.shape)
    patch = near[y : y + 3, x : x + 3]
    scatter = mad_std(inner.ravel())  # farther out less of the images overlaps, and less scatters
    significance = float(patch[1, 1] / scatter) if scatter > 0 else 0.0
    return float(x - span + _vertex(patch[1])), float(y - span + _vertex(patch[:, 1])), significance


def _vertex(three: Array) -> float:
    """Return where the parabola through three values, the middle one the highest, has its top: -0.5 to 0.5."""
    curvature = float(three[0] - 2 * three[1] + three[2])
    return 0.0 if curvature >= 0 else float(np.clip((three[0] - three[2]) / (2 * curvature), -0.5, 0.5))
