"""Bring a MUSE image onto the flux scale of the reference R-band image: reference = a * muse + b.

Pure.  Both images lie on the same pixels and have the same PSF (``templates.match``).  They are cut into square chunks
of which the means are compared, without the pixels that disagree with the rest of their chunk: the median of a chunk
with stars in it would depend on each image's noise.  The line is York's (1966, 2004), with errors on both axes; what b
says about the sky is ``sky``'s business.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.errors import NoMatch, NoOverlap, TooFewPixels
from processing.science.noise import MAD_TO_SIGMA, mad_std, pixel_noise
from processing.science.york import Line, york

__all__ = ["FluxScale", "flux_scale"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

CHUNK: Final = 15
"""Side of a chunk in pixels: 3 arcsec, several PSFs."""

FEWEST: Final = 10
"""Chunks: with fewer, the line would be noise."""

FULL: Final = 0.3
"""Share of a chunk's pixels that must be good in both images."""

CLIP: Final = 3.5
"""Sigmas beyond which a chunk is left out."""

PIXEL_CLIP: Final = 4.0
"""Sigmas of its chunk's scatter about the line beyond which a pixel is left out: cosmic rays, cores of stars."""

MOST_ROUNDS: Final = 20

CONTRAST: Final = 2.0
"""Times their noise that the chunks of the MUSE image must differ for a slope to be told."""


@dataclass(frozen=True)
class FluxScale:
    """The line ``reference = a * muse + b``; errors are one sigma.

    Attributes
    ----------
    a, b
        Normalisation, and background in the reference's unit.
    a_error, b_error, covariance
        Of a and b, for the scatter that there is; what is wrong alike in all chunks, as the wings of PSFs that differ
        (see ``Matched``), is not in them.
    n, rejected
        Chunks used, and left out as outliers.
    chi2
        Per degree of freedom, of the noise of the pixels alone: above 1 is what the PSFs and the stars add.
    mismatch
        That addition, as the share of the scatter inside a chunk that its mean may be wrong by.
    """

    a: float
    b: float
    a_error: float
    b_error: float
    covariance: float
    n: int
    rejected: int
    chi2: float
    mismatch: float

    @property
    def certain(self) -> bool:
        """Whether a is positive and known to a tenth, and no more chunks were rejected than used."""
        return self.a > 0 and self.a_error < 0.1 * self.a and self.rejected <= self.n

    def apply(self, muse: Array) -> Array:
        """Return a MUSE image on the reference's scale."""
        return self.a * muse + self.b


@dataclass(frozen=True)
class _Chunks:
    """Means and their noise in both images, and the scatter inside each chunk; all of shape (n)."""

    muse: Array
    muse_noise: Array
    reference: Array
    reference_noise: Array
    scatter: Array

    def line(self, used: Mask, mismatch: float) -> Line:
        return york(
            self.muse[used],
            self.reference[used],
            self.muse_noise[used],
            np.hypot(self.reference_noise, mismatch * self.scatter)[used],
        )

    def normalised(self, line: Line, mismatch: float) -> Array:
        """Return each chunk's distance from a line in sigmas."""
        variance = self.reference_noise**2 + (line.slope * self.muse_noise) ** 2 + (mismatch * self.scatter) ** 2
        distances: Array = (self.reference - line.slope * self.muse - line.intercept) / np.sqrt(variance)
        return distances


def flux_scale(
    muse: NDArray[np.floating],
    reference: NDArray[np.floating],
    *,
    good: Mask | None = None,
    noise: tuple[float, float] | None = None,
    chunk: int = CHUNK,
) -> FluxScale:
    """Fit ``reference = a * muse + b`` over chunks of the good pixels.

    Parameters
    ----------
    muse, reference
        Images, shape (ny, nx), on the same pixels; what is not finite in either is left out.
    good
        Pixels to use, shape (ny, nx), bool; all by default.  Trails and stars that are saturated do not belong.
    noise
        Of a pixel of each image before any smoothing, one sigma; by default what neighbouring pixels tell.
    chunk
        Side of a chunk, pixels.

    Raises
    ------
    TooFewPixels
        One of the images has good pixels in fewer than ten chunks.
    NoOverlap
        Both have, but not together.
    NoMatch
        All chunks of the MUSE image are alike within their noise: there is no slope to be seen.
    """
    if muse.ndim != 2 or muse.shape != reference.shape:
        raise ValueError(f"the image and its reference differ in shape: {muse.shape} and {reference.shape}")
    if chunk < 2:
        raise ValueError(f"a chunk has at least 2 pixels a side, not {chunk}")
    of_muse, of_reference = np.isfinite(muse), np.isfinite(reference)
    for name, finite in (("MUSE image", of_muse), ("reference", of_reference)):
        if (count := _full_chunks(finite, chunk)) < FEWEST:
            raise TooFewPixels(f"the {name} has {count} chunks with enough good pixels, the line needs {FEWEST}")
    both = of_muse & of_reference if good is None else of_muse & of_reference & good
    if (count := _full_chunks(both, chunk)) < FEWEST:
        raise NoOverlap(f"the images have {count} chunks with enough good pixels in common, the line needs {FEWEST}")
    images = (muse.astype(np.float64), reference.astype(np.float64))
    if noise is None:
        noise = (pixel_noise(images[0], both), pixel_noise(images[1], both))
    chunks = _measured(images, noise, both, chunk)
    spread = mad_std(chunks.muse)
    extremes = float(np.ptp(np.quantile(chunks.muse, (0.02, 0.98))))
    if max(spread, extremes / 4) < CONTRAST * float(np.median(chunks.muse_noise)):
        raise NoMatch("all chunks of the MUSE image are alike within their noise: no slope can be told")
    return _clipped(chunks)


def _clipped(chunks: _Chunks) -> FluxScale:
    """Fit, estimate the mismatch and leave out the outliers until none joins or leaves."""
    mismatch = 1.0
    line = _rough_line(chunks.muse, chunks.reference)
    used = np.ones(chunks.muse.shape, dtype=np.bool_)
    for _ in range(MOST_ROUNDS):
        mismatch = _mismatch(chunks, line)
        kept = np.abs(chunks.normalised(line, mismatch)) < CLIP
        if int(kept.sum()) < FEWEST:
            raise NoMatch(f"the line leaves {int(kept.sum())} chunks that agree with it, {FEWEST} are needed")
        before, line = line, chunks.line(kept, mismatch)
        settled = abs(line.slope - before.slope) < 1e-3 * line.slope_error
        if (kept == used).all() and settled:
            break
        used = kept
    count = int(used.sum())
    freedom = max(count - 2, 1)
    # What the model of the noise leaves unexplained widens the errors; what it overstates does not narrow them.
    stretch = max(1.0, float((chunks.normalised(line, mismatch)[used] ** 2).sum()) / freedom)
    return FluxScale(
        a=line.slope,
        b=line.intercept,
        a_error=line.slope_error * float(np.sqrt(stretch)),
        b_error=line.intercept_error * float(np.sqrt(stretch)),
        covariance=line.covariance * stretch,
        n=count,
        rejected=chunks.muse.size - count,
        chi2=float((chunks.normalised(line, 0.0)[used] ** 2).sum()) / freedom,
        mismatch=mismatch,
    )


def _mismatch(chunks: _Chunks, line: Line) -> float:
    """Return the share of the chunks' scatter that makes the middle one of the distances what it is of a Gaussian."""

    def excess(share: float) -> float:
        return float(MAD_TO_SIGMA * np.median(np.abs(chunks.normalised(line, share)))) - 1

    if excess(0.0) <= 0:
        return 0.0
    low, high = 0.0, 1.0
    while excess(high) > 0 and high < 1e6:
        low, high = high, 2 * high
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return high


def _full_chunks(good: Mask, side: int) -> int:
    return int((_cut(good, side).mean(axis=1) >= FULL).sum())


def _cut(image: NDArray[np.generic], side: int) -> NDArray[np.generic]:
    """Return the chunks as rows of pixels; the remainder at the far edges is left out."""
    rows, columns = image.shape[0] // side, image.shape[1] // side
    whole = image[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return whole.swapaxes(1, 2).reshape(rows * columns, side * side)


def _measured(images: tuple[Array, Array], noise: tuple[float, float], good: Mask, side: int) -> _Chunks:
    """Measure medians, draw a rough line, and with it tell which pixels the means may hold."""
    parts = _cut(good, side)
    full = parts.mean(axis=1) >= FULL
    muse, reference = (np.where(parts, _cut(image, side), np.nan)[full] for image in images)
    floor = 1e-9 * max(float(np.ptp(np.nanmedian(muse, axis=1))), 1e-300)  # for images without noise
    rough = _rough_line(np.nanmedian(muse, axis=1), np.nanmedian(reference, axis=1))
    residuals = reference - rough.slope * muse
    residuals -= np.nanmedian(residuals, axis=1)[:, None]
    spread = MAD_TO_SIGMA * np.nanmedian(np.abs(residuals), axis=1)[:, None] + floor
    kept = np.abs(residuals) <= PIXEL_CLIP * spread  # False where NaN
    share = 1 / np.sqrt(kept.sum(axis=1))
    deviations = np.abs(reference - np.nanmedian(reference, axis=1)[:, None])
    return _Chunks(
        muse=np.mean(muse, axis=1, where=kept),
        muse_noise=share * noise[0] + floor,
        reference=np.mean(reference, axis=1, where=kept),
        reference_noise=share * noise[1] + floor,
        scatter=MAD_TO_SIGMA * np.nanmedian(deviations, axis=1) + floor,
    )


def _rough_line(muse: Array, reference: Array) -> Line:
    """Return the line by the median of slopes between chunks of the fainter and the brighter half."""
    order = np.argsort(muse)
    half = order.size // 2
    low, high = order[:half], order[-half:]
    rise = muse[high] - muse[low]
    if not (rise > 0).any():
        return Line(0.0, float(np.median(reference)), 0.0, 0.0, 0.0)
    slope = float(np.median((reference[high] - reference[low])[rise > 0] / rise[rise > 0]))
    return Line(slope, float(np.median(reference - slope * muse)), 0.0, 0.0, 0.0)
