"""How an exposure's image lies on the reference image: offset and rotation, with errors that the images give.

Pure.  ``phase_correlation`` makes the first guess.  From there a weighted least-squares fit moves and turns the
reference, together with its scale, a background and the kernel between the PSFs (``templates``).  Fluxes are the
business of ``photometry``.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from processing.science.errors import NoMatch, NoOverlap, TooFewPixels
from processing.science.jackknife import covariance_without_each, solve
from processing.science.motion import Motion
from processing.science.phase_correlation import first_guess
from processing.science.templates import FEWEST, Seen, Templates, robust_weights

__all__ = ["Alignment", "align"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SIGNIFICANT: Final = 8.0
"""Sigmas that the peak of the phase correlation must reach: noise reaches 5, a galaxy without knots or stars 9."""

CERTAIN: Final = (0.25, 0.1)
"""Errors in pixels and degrees below which nobody needs to look."""

FARTHEST: Final = (6.0, 2.0)
"""Pixels and degrees that the fit may end from the first guess; beyond, it has found nothing to hold on to."""

BLOCK: Final = 20
"""Side, in pixels, of the squares left out in turn for the errors: a star with its wings."""

LONGEST_STEP: Final = 2.0
SMALLEST_STEP: Final = 1e-3
MOST_STEPS: Final = 25
"""Of the fit: pixels, or at the edge of the field what the rotation moves there."""


@dataclass(frozen=True)
class Alignment:
    """An exposure's motion onto the reference; errors in pixels and degrees, one sigma.

    Attributes
    ----------
    motion
        Where a pixel of the exposure lies on the reference.
    dx_error, dy_error, rotation_error
        From leaving out each block of the image in turn, the larger of two layouts of blocks, so noise, correlated or
        not, and what the model cannot do are in them.
    significance
        Sigmas of the first guess's peak.
    correlation
        Of the image and the model fitted to it, 0 to 1: the quality of the match.
    pixels
        Used in the fit.
    converged
        The last step was negligible.
    """

    motion: Motion
    dx_error: float
    dy_error: float
    rotation_error: float
    significance: float
    correlation: float
    pixels: int
    converged: bool

    @property
    def certain(self) -> bool:
        """Whether the fit converged to better than a quarter of a pixel and a tenth of a degree."""
        precise = max(self.dx_error, self.dy_error) < CERTAIN[0] and self.rotation_error < CERTAIN[1]
        return self.converged and precise


def align(
    image: NDArray[np.floating],
    reference: NDArray[np.floating],
    *,
    good: Mask | None = None,
    reference_good: Mask | None = None,
    reach: float | None = None,
    trial_rotations: tuple[float, ...] = (0.0, -1.0, 1.0),
) -> Alignment:
    """Find the offset and rotation of an image against a reference.

    Parameters
    ----------
    image, reference
        On grids of the same shape (ny, nx) and pixel scale, each in its own unit; what is not finite is left out.
    good, reference_good
        Pixels to use, same shape; all of them by default.
    reach
        Longest offset in either axis, pixels; by default a third of the image's shorter side.
    trial_rotations
        Degrees, where the search begins; the fit finds what lies about half a degree around each.

    Raises
    ------
    TooFewPixels
        The image has fewer than 400 good pixels.
    NoOverlap
        The image and the reference have fewer than 400 good pixels in common.
    NoMatch
        Nothing in the image stands out that the reference has as well, within reach.
    """
    if image.ndim != 2 or image.shape != reference.shape:
        raise ValueError(f"the image and its reference differ in shape: {image.shape} and {reference.shape}")
    data, usable = _checked(image, good)
    sky, usable_sky = _checked(reference, reference_good)
    if (count := int(usable.sum())) < FEWEST:
        raise TooFewPixels(f"the image has {count} good pixels, alignment needs {FEWEST}")
    if min(int(usable_sky.sum()), _in_common(usable, usable_sky, reach)) < FEWEST:
        raise NoOverlap(f"the image and the reference have fewer than {FEWEST} good pixels in common")
    guess = first_guess(
        data,
        sky,
        good=usable,
        reference_good=usable_sky,
        reach=min(image.shape) / 3 if reach is None else reach,
        rotations=trial_rotations,
    )
    if guess.significance < SIGNIFICANT:
        raise NoMatch(
            f"nothing in the image stands out that the reference has as well: the correlation's peak is at "
            f"{guess.significance:.1f} sigma, {SIGNIFICANT:g} are needed"
        )
    return _Fit(Templates(data, sky, usable, usable_sky)).refine(guess.motion, guess.significance)


def _checked(image: NDArray[np.floating], good: Mask | None) -> tuple[Array, Mask]:
    usable = np.isfinite(image) if good is None else np.isfinite(image) & good
    return np.where(usable, image, 0.0).astype(np.float64), usable


def _in_common(good: Mask, reference_good: Mask, reach: float | None) -> int:
    """Count the good pixels that the reference has within reach of the image's, each way: a bound, not a promise."""
    span = 2 * int(min(good.shape) / 3 if reach is None else reach) + 1
    return int((good & ndimage.maximum_filter(reference_good, span, mode="constant")).sum())


class _Fit:
    """Gauss and Newton's way from a first guess to the best motion."""

    def __init__(self, templates: Templates) -> None:
        ny, nx = templates.image.shape
        y, x = np.indices((ny, nx), dtype=np.float64)
        self._templates: Final = templates
        self._right, self._up = x - (nx - 1) / 2, y - (ny - 1) / 2
        self._radius: Final = float(np.hypot(nx, ny)) / 2
        # A star on the border of two blocks is in the middle of one of the second layout.
        self._layouts: Final = [
            ((y + shift) // BLOCK * (nx // BLOCK + 2) + (x + shift) // BLOCK).astype(np.intp)
            for shift in (0, BLOCK // 2)
        ]

    def refine(self, motion: Motion, significance: float) -> Alignment:
        """Step until the steps are negligible, then take stock."""
        converged, first = False, motion
        trust = np.ones(self._right.shape)
        for _ in range(MOST_STEPS):
            seen = self._templates.see(motion)
            design, model = self._linearised(seen, motion, trust[seen.used])
            residuals = seen.values - model
            weights = robust_weights(residuals, model)
            trust = np.zeros(trust.shape)
            trust[seen.used] = weights
            step = solve(design, residuals, weights)
            motion = self._moved(motion, step)
            if converged := bool(_length(step) < SMALLEST_STEP):
                break
            if self._is_far(motion, first):
                raise NoMatch("nothing in the image holds the fit: it left its first guess by pixels or degrees")
        return self._judged(motion, trust, significance, converged=converged)

    def _linearised(self, seen: Seen, motion: Motion, weights: Array) -> tuple[Array, Array]:
        """Return the model's derivatives and the model itself at the used pixels."""
        model = np.tensordot(seen.factors(weights), seen.columns, axes=1)
        moved = np.stack([slope[seen.used] for slope in self._slopes(model, motion)], axis=1)
        return np.hstack([moved, seen.linear]), model[seen.used]

    def _slopes(self, model: Array, motion: Motion) -> tuple[Array, Array, Array]:
        """Return the model's derivatives by dx, dy and rotation, the last in radians times the field's radius."""
        cosine, sine = np.cos(np.radians(motion.rotation)), np.sin(np.radians(motion.rotation))
        up, right = np.gradient(model)
        by_dx, by_dy = cosine * right - sine * up, sine * right + cosine * up
        turn_x, turn_y = -sine * self._right - cosine * self._up, cosine * self._right - sine * self._up
        return by_dx, by_dy, (by_dx * turn_x + by_dy * turn_y) / self._radius

    def _moved(self, motion: Motion, step: Array) -> Motion:
        dx, dy, arc = (float(each) for each in step[:3] * min(1.0, LONGEST_STEP / max(_length(step), 1e-12)))
        turn = float(np.degrees(arc / self._radius))
        return Motion(motion.dx + dx, motion.dy + dy, motion.rotation + turn, motion.centre)

    def _is_far(self, motion: Motion, first: Motion) -> bool:
        distance = max(abs(motion.dx - first.dx), abs(motion.dy - first.dy))
        return distance > FARTHEST[0] or abs(motion.rotation - first.rotation) > FARTHEST[1]

    def _judged(self, motion: Motion, trust: Array, significance: float, *, converged: bool) -> Alignment:
        seen = self._templates.see(motion)
        design, model = self._linearised(seen, motion, trust[seen.used])
        residuals = seen.values - model
        weight = robust_weights(residuals, model)
        variances = [
            np.diagonal(covariance_without_each(blocks[seen.used], design, residuals, weight))[:3]
            for blocks in self._layouts
        ]
        dx, dy, arc = np.sqrt(np.maximum(*variances))
        return Alignment(
            motion=motion,
            dx_error=float(dx),
            dy_error=float(dy),
            rotation_error=float(np.degrees(arc / self._radius)),
            significance=significance,
            correlation=_correlation(seen.values, model, weight),
            pixels=int((weight > 0).sum()),
            converged=converged,
        )


def _length(step: Array) -> float:
    return float(np.abs(step[:3]).max())


def _correlation(values: Array, model: Array, weights: Array) -> float:
    weights = weights / weights.sum()
    values, model = values - weights @ values, model - weights @ model
    spread = float(np.sqrt((weights @ values**2) * (weights @ model**2)))
    return float(weights @ (values * model)) / spread if spread > 0 else 0.0
