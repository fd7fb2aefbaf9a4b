"""The reference as an exposure would see it: moved, seen through the exposure's PSF, scaled and with a background.

Pure.  Both images are smoothed a little, so that splines lose nothing; the PSFs are brought together by a kernel of a
few round Gaussians whose weights are fitted, one of them negative where the reference is the more blurred of the two.
As the kernel is symmetric it cannot feign an offset; as it is normalised it changes no flux.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from processing.science.errors import NoOverlap
from processing.science.jackknife import solve
from processing.science.motion import Motion
from processing.science.noise import blur_good, mad_std, pixel_noise

__all__ = ["FEWEST", "Matched", "Seen", "Templates", "match", "robust_weights"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FEWEST: Final = 400
"""Good pixels, of one image or of both together: a square of 20, one or two stars wide."""

SMOOTHING: Final = 1.5
"""Sigma in pixels of the Gaussian that both images are smoothed with."""

WIDENINGS: Final = (0.0, 1.5, 3.0, 6.0)
"""Sigmas in pixels of the Gaussians that make up the kernel between the PSFs, the last for the wings."""

COVERED: Final = 0.8
"""Share of good pixels under the Gaussian that a smoothed pixel must have."""

MODEL_ERROR: Final = 0.03
"""What the model may be wrong by, of the flux: bright stars do not outweigh the rest of the field."""

OUTLIER: Final = 6.0
"""Residuals of more sigmas have no weight (Tukey's biweight): trails, cosmic rays, stars that vary."""

MATCHING_ROUNDS: Final = 4


@dataclass(frozen=True)
class Seen:
    """The templates under one motion.

    ``used`` tells the pixels that both images have, shape (ny, nx); ``columns`` are the templates of the whole grid,
    the last of them constant, shape (m, ny, nx); ``values`` is the image at the used pixels, shape (n).
    """

    used: Mask
    columns: Array
    values: Array

    @property
    def linear(self) -> Array:
        """The templates at the used pixels, shape (n, m)."""
        return self.columns[:, self.used].T

    def factors(self, weights: Array | None) -> Array:
        """Fit the templates' factors, shape (m), to the image; weights of shape (n)."""
        return solve(self.linear, self.values, np.ones(self.values.shape) if weights is None else weights)


@dataclass(frozen=True)
class Matched:
    """An exposure's image and the reference at one resolution on the exposure's pixels, for ``photometry``.

    Fluxes are as they were, to about 0.4 percent where one PSF is half as wide again as the other: their far wings are
    beyond the kernel.  ``noise`` is that of a pixel of each before it was smoothed.
    """

    image: Array
    reference: Array
    good: Mask
    noise: tuple[float, float]


class Templates:
    """Two images, smoothed, and the reference blurred in each of the kernel's ways.

    Parameters
    ----------
    image, reference, good, reference_good
        Of the same shape (ny, nx), finite everywhere.
    """

    def __init__(self, image: Array, reference: Array, good: Mask, reference_good: Mask) -> None:
        self.image, cover = blur_good(image, good, SMOOTHING)
        self._good: Final = good & (cover > COVERED)
        self._grid: Final[Array] = np.indices(image.shape, dtype=np.float64)
        blurred = [blur_good(reference, reference_good, float(np.hypot(SMOOTHING, width))) for width in WIDENINGS]
        self._cover: Final = np.where(reference_good, blurred[0][1], 0.0)
        self._splines: Final = [ndimage.spline_filter(template, mode="mirror") for template, _ in blurred]

    def see(self, motion: Motion) -> Seen:
        """Put the templates where a motion says they are.

        Raises
        ------
        NoOverlap
            Fewer than 400 good pixels of the image lie on good ones of the reference.
        """
        across, up = motion.to_reference(self._grid[1], self._grid[0])
        cover = ndimage.map_coordinates(self._cover, (up, across), order=1, mode="constant", cval=0.0)
        used: Mask = self._good & (cover > COVERED)
        if (count := int(used.sum())) < FEWEST:
            raise NoOverlap(f"of the image's good pixels {count} lie on good ones of the reference, {FEWEST} must")
        columns = [
            ndimage.map_coordinates(spline, (up, across), order=3, mode="mirror", prefilter=False)
            for spline in self._splines
        ]
        return Seen(used, np.array([*columns, np.ones(used.shape)]), self.image[used])


def match(
    image: NDArray[np.floating],
    reference: NDArray[np.floating],
    motion: Motion,
    *,
    good: Mask | None = None,
    reference_good: Mask | None = None,
) -> Matched:
    """Bring the reference onto an exposure's pixels and PSF, without a change to its fluxes.

    Parameters
    ----------
    image, reference
        Of the same shape (ny, nx) and pixel scale; what is not finite is left out.
    motion
        Of the image onto the reference, from ``align``.
    good, reference_good
        Pixels to use, same shape; all of them by default.

    Raises
    ------
    NoOverlap
        Fewer than 400 good pixels of the image lie on good ones of the reference.
    """
    usable = np.isfinite(image) if good is None else np.isfinite(image) & good
    usable_sky = np.isfinite(reference) if reference_good is None else np.isfinite(reference) & reference_good
    data = np.where(usable, image, 0.0).astype(np.float64)
    sky = np.where(usable_sky, reference, 0.0).astype(np.float64)
    templates = Templates(data, sky, usable, usable_sky)
    seen = templates.see(motion)
    weights: Array | None = None
    for _ in range(MATCHING_ROUNDS):
        factors = seen.factors(weights)
        model = seen.linear @ factors
        weights = robust_weights(seen.values - model, model)
    kernel = factors[:-1] / factors[:-1].sum()
    return Matched(
        image=np.where(seen.used, templates.image, np.nan),
        reference=np.where(seen.used, np.tensordot(kernel, seen.columns[:-1], axes=1), np.nan),
        good=seen.used,
        noise=(pixel_noise(data, usable), pixel_noise(sky, usable_sky)),
    )


def robust_weights(residuals: Array, model: Array) -> Array:
    """Return the inverse variance that faint pixels and the model's own error suggest, less for outliers.

    Parameters
    ----------
    residuals, model
        Shape (n), in the image's unit.
    """
    flux = np.abs(model - np.median(model))
    noise = mad_std(residuals[flux <= np.median(flux)])
    if not noise > 0:  # images without noise, as a simulation may have
        noise = max(float(np.abs(residuals).mean()), 1e-9 * float(flux.max()), 1e-300)
    variance = noise**2 + (MODEL_ERROR * flux) ** 2
    far = residuals**2 / (variance * OUTLIER**2)
    weights: Array = np.where(far < 1, (1 - far) ** 2, 0.0) / variance
    return weights
