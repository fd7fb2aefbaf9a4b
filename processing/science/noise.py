"""Noise of an image from the image itself, untouched by what it shows; means over what is good of it.

Pure.  The scale of a distribution is always 1.4826 times the median absolute deviation, that of a Gaussian's sigma.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["blur_good", "mad_std", "pixel_noise"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

MAD_TO_SIGMA: Final = 1.482602218505602


def mad_std(values: Array) -> float:
    """Return the standard deviation of the values as their median absolute deviation tells it; NaN of none."""
    if values.size == 0:
        return float("nan")
    return float(MAD_TO_SIGMA * np.median(np.abs(values - np.median(values))))


def pixel_noise(image: Array, good: Mask) -> float:
    """Return the white noise of an image, from second differences along both axes: slopes leave them alone.

    Noise that a resampling has smoothed is understated.  NaN where no three good pixels lie side by side.
    """
    across = image[:, 2:] - 2 * image[:, 1:-1] + image[:, :-2]
    along = image[2:] - 2 * image[1:-1] + image[:-2]
    differences = np.concatenate(
        (
            across[good[:, 2:] & good[:, 1:-1] & good[:, :-2]],
            along[good[2:] & good[1:-1] & good[:-2]],
        )
    )
    return mad_std(differences) / float(np.sqrt(6))


def blur_good(image: Array, good: Mask, sigma: float) -> tuple[Array, Array]:
    """Blur an image by a Gaussian, over its good pixels only.

    Parameters
    ----------
    image, good
        Shape (ny, nx); what is not good may be anything.
    sigma
        Of the Gaussian, pixels.

    Returns
    -------
    The blurred image and how much of the Gaussian lay on good pixels, 0 to 1, both of shape (ny, nx).  Where nothing
    good is near, the image is the median of the good ones.
    """
    values = image[good]
    middle = float(np.median(values)) if values.size else 0.0
    cover: Array = ndimage.gaussian_filter(good.astype(np.float64), sigma, mode="constant")
    sums: Array = ndimage.gaussian_filter(np.where(good, image - middle, 0.0), sigma, mode="constant")
    return np.divide(sums, cover, out=np.zeros_like(sums), where=cover > 1e-6) + middle, cover
