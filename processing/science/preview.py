"""Turn images into pictures for a screen: an asinh stretch in grey or in colour, north up, east to the left.

Pure: arrays in, arrays of bytes out; whoever asks for the picture encodes it.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["colour", "grey"]

Image = NDArray[np.floating]
Bytes = NDArray[np.uint8]

PERCENTILES: Final = (1.0, 99.5)
"""Of the finite pixels: what becomes black and what becomes white."""

SOFTENING: Final = 0.1
"""Where asinh bends from linear to logarithmic, as a fraction of the range (Lupton et al.: faint arms and a core)."""


def grey(image: Image, *, at_least: int = 400) -> Bytes:
    """Return a grey picture with transparency.

    Parameters
    ----------
    image
        Shape (ny, nx), any unit, first row at the bottom as FITS has it; east to the left as in any usual WCS.
    at_least
        Pixels that the longer side should have: a smaller image is enlarged by a whole factor.  0 leaves it as it is.

    Returns
    -------
    Grey and alpha, shape (rows, columns, 2), top row first; what is not finite in the image is black and transparent.

    Raises
    ------
    ValueError
        The image has not two axes, or no pixels.
    """
    return _finish([_stretch(image, _limits(image))], np.isfinite(image), at_least)


def colour(red: Image, green: Image, blue: Image, *, at_least: int = 400) -> Bytes:
    """Return a picture in colour with transparency, from images in three bands: for MUSE i, r, g.

    Each band is stretched between its own percentiles, so that the field as a whole is neither red nor blue.

    Parameters
    ----------
    red, green, blue
        Images of one shape (ny, nx), as in ``grey``.
    at_least
        As in ``grey``.

    Returns
    -------
    Red, green, blue and alpha, shape (rows, columns, 4), top row first; a pixel is transparent unless all are finite.

    Raises
    ------
    ValueError
        The images have not two axes, no pixels, or different shapes.
    """
    bands = (red, green, blue)
    if len({band.shape for band in bands}) != 1:
        raise ValueError("the images of the three bands differ in shape")
    known = np.logical_and.reduce([np.isfinite(band) for band in bands])
    return _finish([_stretch(band, _limits(band)) for band in bands], known, at_least)


def _limits(image: Image) -> tuple[float, float]:
    if image.ndim != 2 or image.size == 0:
        raise ValueError(f"no image to show: its shape is {image.shape}")
    finite = image[np.isfinite(image)]
    if finite.size == 0:
        return 0.0, 0.0
    low, high = np.percentile(finite.astype(np.float64), PERCENTILES)
    if high <= low:
        low, high = finite.min(), finite.max()  # a few sources on an empty sky
    return float(low), float(high)


def _stretch(image: Image, limits: tuple[float, float]) -> Bytes:
    """Map the limits to 0 and 255 along an asinh; an image without contrast becomes black."""
    low, high = limits
    if not high > low:
        return np.zeros(image.shape, dtype=np.uint8)
    level = np.nan_to_num((np.clip(image, low, high).astype(np.float64) - low) / (high - low))
    return np.rint(255 * np.arcsinh(level / SOFTENING) / math.asinh(1 / SOFTENING)).astype(np.uint8)


def _finish(channels: list[Bytes], known: NDArray[np.bool_], at_least: int) -> Bytes:
    """Darken what is unknown, add alpha, put the first row at the bottom, enlarge."""
    alpha = np.where(known, np.uint8(255), np.uint8(0))
    picture = np.stack([*(np.where(known, channel, np.uint8(0)) for channel in channels), alpha], axis=-1)[::-1]
    factor = max(1, math.ceil(at_least / max(known.shape)))
    return np.ascontiguousarray(picture.repeat(factor, axis=0).repeat(factor, axis=1))
