"""Masks as they are drawn: lines and polygons on an image, by the trail finder or by hand; the hand has the last word.

Pure.  Points are (x, y) in pixels, counted from 0 at the middle of the first pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Line", "Polygon", "mask_of"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A band of full ``width`` pixels along the line through two points.

    ``margin`` is how far it goes on beyond them, pixels; None is to the edges of the image.

    Raises
    ------
    ValueError
        The two points are one, the width is not positive, or something is not finite.
    """

    start: Point
    stop: Point
    width: float
    margin: float | None = None

    def __post_init__(self) -> None:
        if not np.isfinite([*self.start, *self.stop, self.width, self.margin or 0.0]).all():
            raise ValueError("a line's points and width are finite numbers")
        if self.start == self.stop:
            raise ValueError(f"a line needs two points, both are {self.start}")
        if self.width <= 0 or (self.margin is not None and self.margin < 0):
            raise ValueError("a line's width is positive and its margin not negative")

    def mask(self, shape: tuple[int, int]) -> Mask:
        """Return the pixels of an image of a shape (ny, nx) whose middle lies in the band."""
        y, x = np.indices(shape, dtype=np.float64)
        long_x, long_y = self.stop[0] - self.start[0], self.stop[1] - self.start[1]
        length = float(np.hypot(long_x, long_y))
        right, up = x - self.start[0], y - self.start[1]
        inside: Mask = np.abs(right * long_y - up * long_x) <= self.width / 2 * length
        if self.margin is not None:
            along = (right * long_x + up * long_y) / length
            inside &= (along >= -self.margin) & (along <= length + self.margin)
        return inside


@dataclass(frozen=True)
class Polygon:
    """The inside of a closed line through at least three points; where it crosses itself, what is inside is odd.

    Raises
    ------
    ValueError
        Fewer than three points, or points that are not finite.
    """

    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        if len(self.points) < 3:
            raise ValueError(f"a polygon needs three points, this one has {len(self.points)}")
        if not np.isfinite(self.points).all():
            raise ValueError("a polygon's points are finite numbers")

    def mask(self, shape: tuple[int, int]) -> Mask:
        """Return the pixels of an image of a shape (ny, nx) whose middle lies inside."""
        y, x = np.indices(shape, dtype=np.float64)
        inside = np.zeros(shape, dtype=np.bool_)
        for (x0, y0), (x1, y1) in zip(self.points, (*self.points[1:], self.points[0]), strict=True):
            if y0 == y1:  # a level edge is crossed by no level ray
                continue
            crossed = (y0 > y) != (y1 > y)
            inside ^= crossed & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
        return inside


def mask_of(
    shape: tuple[int, int],
    *,
    proposed: Sequence[Line | Polygon] = (),
    drawn: Sequence[Line | Polygon] = (),
    kept: Sequence[Line | Polygon] = (),
) -> Mask:
    """Unite proposals with what was drawn by hand; True is to be left out.

    Parameters
    ----------
    shape
        Of the image, (ny, nx).
    proposed
        By a program: held against ``kept``.
    drawn
        By hand: masked whatever else is said.
    kept
        By hand: where no proposal holds.
    """
    return (_union(shape, proposed) & ~_union(shape, kept)) | _union(shape, drawn)


def _union(shape: tuple[int, int], shapes: Sequence[Line | Polygon]) -> Mask:
    union = np.zeros(shape, dtype=np.bool_)
    for each in shapes:
        union |= each.mask(shape)
    return union
