"""A shift and a turn that bring an exposure onto its reference: on pixels, and on the sky.

Pure.  Images are on grids of the same pixel scale.  To put a reference on an exposure's grid is ``on_grid``'s business,
to find the motion that of ``alignment``.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area
from numpy.typing import NDArray
from scipy import ndimage

from processing.science.errors import NoOverlap

__all__ = ["Motion", "SkyOffset", "on_grid", "sky_offset"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

COVERED: Final = 0.99
"""How much of an interpolated value must come from good pixels."""


@dataclass(frozen=True)
class Motion:
    """Where a pixel of the exposure lies on the reference: ``centre + R(rotation) (pixel - centre) + (dx, dy)``.

    Offsets in pixels, counted from 0 at the middle of the first pixel; rotation in degrees, from the x towards the
    y axis, about ``centre`` (x, y).
    """

    dx: float
    dy: float
    rotation: float
    centre: tuple[float, float]

    def to_reference(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return the pixels of the reference that pixels of the exposure fall on."""
        cosine, sine = np.cos(np.radians(self.rotation)), np.sin(np.radians(self.rotation))
        right, up = x - self.centre[0], y - self.centre[1]
        return (
            self.centre[0] + cosine * right - sine * up + self.dx,
            self.centre[1] + sine * right + cosine * up + self.dy,
        )

    def resample(self, reference: Array) -> Array:
        """Return the reference as the exposure's pixels see it, by cubic splines; NaN where it does not reach.

        The exposure's grid has the reference's shape.
        """
        grid = np.indices(reference.shape, dtype=np.float64)
        across, up = self.to_reference(*grid[::-1])
        return _interpolate(reference, across, up)


@dataclass(frozen=True)
class SkyOffset:
    """What to add to an exposure's pointing, degrees: ``ra`` in right ascension (not yet times cos dec), ``dec``.

    ``rotation`` is to be added to the position angle of the field, degrees, from north through east.
    """

    ra: float
    dec: float
    rotation: float


def sky_offset(motion: Motion, wcs: WCS) -> SkyOffset:
    """Turn a motion on pixels into one on the sky; right ascension goes the short way around.

    Parameters
    ----------
    motion
        Of the exposure against a reference on the same grid.
    wcs
        Celestial, of that grid.
    """
    x, y = np.array([motion.centre[0]] * 2), np.array([motion.centre[1], motion.centre[1] + 1.0])
    before = np.array(wcs.pixel_to_world_values(x, y))
    after = np.array(wcs.pixel_to_world_values(*motion.to_reference(x, y)))
    turn = _position_angle(after) - _position_angle(before)
    return SkyOffset(
        ra=float(_short_way(after[0, 0] - before[0, 0])),
        dec=float(after[1, 0] - before[1, 0]),
        rotation=float(_short_way(turn)),
    )


def on_grid(image: Array, wcs: WCS, *, grid: WCS, shape: tuple[int, int]) -> Array:
    """Interpolate an image at the pixels of another grid, by cubic splines.

    Parameters
    ----------
    image
        Shape (ny, nx), flux per pixel; NaN where it is bad.
    wcs, grid
        Celestial, of the image and of the grid wanted; fluxes scale with the ratio of their pixels' areas.
    shape
        Of the grid wanted.

    Returns
    -------
    Flux per pixel of the grid, NaN where the image does not reach.

    Raises
    ------
    NoOverlap
        The image has not one good pixel on the grid.
    """
    y, x = np.indices(shape, dtype=np.float64)
    across, up = wcs.world_to_pixel_values(*grid.pixel_to_world_values(x, y))
    values = _interpolate(image, np.asarray(across), np.asarray(up))
    if not np.isfinite(values).any():
        raise NoOverlap("the reference does not reach the exposure's field")
    return values * float(proj_plane_pixel_area(grid) / proj_plane_pixel_area(wcs))


def _interpolate(image: Array, x: Array, y: Array) -> Array:
    good = np.isfinite(image)
    if not good.any():
        return np.full(x.shape, np.nan)
    filled = np.where(good, image, np.median(image[good]))
    places = np.where(np.isfinite(x) & np.isfinite(y), (y, x), -10.0)
    values: Array = ndimage.map_coordinates(filled, places, order=3, mode="nearest")
    cover = ndimage.map_coordinates(good.astype(np.float64), places, order=1, mode="constant", cval=0.0)
    return np.where(cover > COVERED, values, np.nan)


def _position_angle(ends: Array) -> float:
    """Return the angle, degrees, from north through east, of the short way from one point of the sky to another."""
    east = _short_way(ends[0, 1] - ends[0, 0]) * np.cos(np.radians(ends[1].mean()))
    return float(np.degrees(np.arctan2(east, ends[1, 1] - ends[1, 0])))


def _short_way(degrees: float) -> float:
    return (degrees + 180) % 360 - 180
