"""By how much the sky taken from an exposure has to be more or less, for its flux to go through the reference's zero.

Pure.  The sky continuum is averaged through the reference's filter, as the image was, and the background that
``photometry`` found is made a factor of it: alpha = 1 - b / (a Sky1).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.science.bands import Filter, plane_weights
from processing.science.errors import NoOverlap, TooFewPixels
from processing.science.gap import Gap
from processing.science.photometry import FluxScale

__all__ = ["SkyFactor", "sky_factor", "sky_level"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SkyFactor:
    """What to multiply the sky continuum by, its error (one sigma), and the level of the sky that was taken off."""

    alpha: float
    alpha_error: float
    level: float

    @property
    def certain(self) -> bool:
        """Whether the factor is positive and known to a tenth: a sky far from the one taken off is another night's."""
        return self.alpha > 0 and self.alpha_error < 0.1


def sky_level(
    continuum: NDArray[np.floating], wavelengths: NDArray[np.floating], band: Filter, *, gap: Gap | None = None
) -> float:
    """Average the sky continuum through a filter, sum(w s) / sum(w), a straight line drawn across the AO gap.

    Parameters
    ----------
    continuum, wavelengths
        Shape (n), the wavelengths increasing, in Angstrom.  What is not finite, outside the gap, is left out.
    band
        The reference image's filter.
    gap
        The entry of ``AO_GAPS`` for the exposure's mode: whatever stands there, the continuum of its two edges is used.

    Returns
    -------
    The level, in the continuum's unit, which for ``sky_factor`` must be the image's own: flux per spaxel.

    Raises
    ------
    TooFewPixels
        Fewer than two wavelengths of the continuum are good, or none on one side of the gap.
    NoOverlap
        The filter passes no light where the continuum is known.
    """
    if continuum.shape != wavelengths.shape or continuum.ndim != 1:
        raise ValueError(f"the sky has {continuum.shape} values at {wavelengths.shape} wavelengths")
    at, sky = wavelengths.astype(np.float64), continuum.astype(np.float64)
    known = np.isfinite(sky)
    if gap is not None:
        inside = (at >= gap.low) & (at <= gap.high)
        known &= ~inside
    if int(known.sum()) < 2:
        raise TooFewPixels(f"the sky continuum is known at {int(known.sum())} wavelengths, two are needed")
    if gap is not None and inside.any():
        sky = _bridged(sky, at, known, inside)
        known |= inside
    weights = np.where(known, plane_weights(band, at), 0.0)
    if not weights.sum() > 0:
        raise NoOverlap(f"filter {band.name} passes no light where the sky continuum is known")
    return float(weights[known] @ sky[known] / weights.sum())


def _bridged(sky: Array, at: Array, known: NDArray[np.bool_], inside: NDArray[np.bool_]) -> Array:
    """Return the sky with a straight line across the gap, between the nearest good wavelengths on both sides."""
    first, last = at[inside][[0, -1]]
    if not (known & (at < first)).any() or not (known & (at > last)).any():
        raise TooFewPixels("the sky continuum is not known on both sides of the AO gap")
    bridged: Array = np.where(inside, np.interp(at, at[known], sky[known]), sky)
    return bridged


def sky_factor(scale: FluxScale, level: float) -> SkyFactor:
    """Return alpha = 1 - b / (a level), with the errors of a and b and what they have in common.

    Parameters
    ----------
    scale
        The line ``reference = a * muse + b`` of the exposure.
    level
        Of the sky that was taken off, from ``sky_level``, in the MUSE image's unit.

    Raises
    ------
    ValueError
        The level or a is not positive: no factor of such a sky is the background.
    """
    if not (np.isfinite(level) and level > 0):
        raise ValueError(f"the level of the sky taken off is {level:g}, a factor needs it positive")
    if not (np.isfinite(scale.a) and scale.a > 0):
        raise ValueError(f"the flux scale is {scale.a:g}, a factor needs it positive")
    ratio = scale.b / scale.a
    variance = (scale.b_error**2 - 2 * ratio * scale.covariance + (ratio * scale.a_error) ** 2) / scale.a**2
    return SkyFactor(alpha=1 - ratio / level, alpha_error=float(np.sqrt(max(variance, 0.0))) / level, level=level)
