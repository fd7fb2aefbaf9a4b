"""Trails of satellites in an exposure: straight lines proposed from what is brighter than the reference.

Pure.  A trail crosses the whole field.  Sums along lines of every angle and place (Radon's transform) find it below the
noise of a pixel; the part-by-part test keeps rows of stars and spiral arms from passing for one.  What becomes of a
proposal, and masks drawn by hand, are the business of ``drawn_masks``.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from processing.science.drawn_masks import Line
from processing.science.errors import TooFewPixels
from processing.science.noise import mad_std

__all__ = ["Trail", "propose_trails"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FEWEST: Final = 400
"""Good pixels."""

BACKGROUND: Final = 31
"""Side, in pixels, of the box whose median is taken off: wider than any trail, narrower than a galaxy."""

CEILING: Final = 4.0
"""Sigmas above which a pixel counts no more: a star must not outweigh a line."""

ANGLE_STEP: Final = 0.5
"""Degrees; over half a field of 320 pixels it moves the ends of a line by 1.4 pixels, less than a trail's width."""

SIGNIFICANT: Final = 8.0
"""Sigmas of the sum along the line, out of some hundred thousand lines tried."""

SHORTEST: Final = 0.3
"""Length of a line inside the image, as share of the shorter side: corners are left to the eye."""

PARTS: Final = 8
BRIGHT_PARTS: Final = 7
PART_SIGMAS: Final = 1.0
"""A trail is cut into so many parts, so many of which must be so many sigmas above zero."""

MOST_TRAILS: Final = 5
CENTRINGS: Final = 3
FEWEST_BRIGHT: Final = 20
WIDEST: Final = 15
"""Half-width in pixels up to which a trail's profile is followed."""


@dataclass(frozen=True)
class Trail:
    """A proposed trail: its line with the width to mask, the sigmas of the sum along it, its mean height."""

    line: Line
    significance: float
    level: float


def propose_trails(
    residual: NDArray[np.floating], *, good: Mask | None = None, significant: float = SIGNIFICANT
) -> tuple[Trail, ...]:
    """Find straight lines across a field, the most significant first.

    Parameters
    ----------
    residual
        The exposure minus the reference, at one resolution, shape (ny, nx); what is not finite is left out.
    good
        Pixels to use, same shape.
    significant
        Sigmas that the sum along a line needs.

    Returns
    -------
    At most five trails; none is the usual answer.

    Raises
    ------
    TooFewPixels
        Fewer than 400 pixels are good.
    """
    usable = np.isfinite(residual) if good is None else np.isfinite(residual) & good
    if (count := int(usable.sum())) < FEWEST:
        raise TooFewPixels(f"the residual has {count} good pixels, {FEWEST} are needed to look for trails")
    heights = np.where(usable, residual, 0.0).astype(np.float64)
    heights[~usable] = np.median(heights[usable])
    heights -= ndimage.median_filter(heights[::3, ::3], BACKGROUND // 3 | 1)[_thirds(heights.shape)]
    noise = mad_std(heights[usable])
    if not noise > 0:
        return ()
    lines = _Lines(heights.shape)
    found: list[Trail] = []
    while len(found) < MOST_TRAILS:
        trail = lines.best(np.clip(heights / noise, -CEILING, CEILING), heights, usable, significant)
        if trail is None:
            break
        found.append(trail)
        usable = usable & ~trail.line.mask(heights.shape)
    return tuple(found)


def _thirds(shape: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return rows // 3, columns // 3


class _Lines:
    """All lines across an image: by the angle of their normal, degrees, and their distance from the middle, pixels."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._shape: Final = shape
        y, x = np.indices(shape, dtype=np.float64)
        self._x, self._y = x - (shape[1] - 1) / 2, y - (shape[0] - 1) / 2
        self._reach: Final = int(np.hypot(*shape) / 2) + 2
        self._angles: Final = np.arange(0.0, 180.0, ANGLE_STEP)

    def best(self, sigmas: Array, heights: Array, good: Mask, significant: float) -> Trail | None:
        """Return the most significant line that is bright all along, None when there is none."""
        values, x, y = sigmas[good], self._x[good], self._y[good]
        table = np.array([self._along(values, x, y, angle) for angle in self._angles])
        scatter = max(1.0, mad_std(table[table != 0]))
        table /= scatter
        for _ in range(MOST_TRAILS):
            row, column = np.unravel_index(int(table.argmax()), table.shape)
            if table[row, column] < significant:
                return None
            angle, place, height = self._refined(values, x, y, float(self._angles[row]))
            if self._is_bright_all_along(values, x, y, angle=angle, place=place):
                angle, place = self._centred(heights[good], x, y, angle=angle, place=place)
                return self._measured(heights, good, angle=angle, place=place, significance=height / scatter)
            table[max(0, row - 4) : row + 5, max(0, column - 4) : column + 5] = 0.0
        return None

    def _along(self, values: Array, x: Array, y: Array, angle: float) -> Array:
        """Return the sums along all lines of one angle, two pixels wide, in sigmas; 0 where a line is too short."""
        bins = (_distance(x, y, angle) + self._reach).astype(np.intp)
        sums = np.bincount(bins, values, 2 * self._reach + 1)
        counts = np.bincount(bins, minlength=2 * self._reach + 1)
        sums[1:] += sums[:-1].copy()
        counts[1:] += counts[:-1].copy()
        long_enough = counts >= 2 * SHORTEST * min(self._shape)
        return np.where(long_enough, sums / np.sqrt(np.maximum(counts, 1)), 0.0)

    def _refined(self, values: Array, x: Array, y: Array, angle: float) -> tuple[float, float, float]:
        """Return angle, distance and sigmas of the best line about an angle."""
        trials = angle + np.linspace(-ANGLE_STEP, ANGLE_STEP, 21)
        table = np.array([self._along(values, x, y, float(trial)) for trial in trials])
        row, column = np.unravel_index(int(table.argmax()), table.shape)
        return float(trials[row]), float(column - self._reach), float(table[row, column])

    def _is_bright_all_along(self, values: Array, x: Array, y: Array, *, angle: float, place: float) -> bool:
        near = np.abs(_distance(x, y, angle) - place) <= 1.5
        along = _distance(x[near], y[near], angle + 90)
        order = np.argsort(along)
        parts = [part for part in np.array_split(values[near][order], PARTS) if part.size]
        bright = [float(part.sum() / np.sqrt(part.size)) > PART_SIGMAS for part in parts]
        return sum(bright) >= BRIGHT_PARTS

    def _centred(self, heights: Array, x: Array, y: Array, *, angle: float, place: float) -> tuple[float, float]:
        """Return a line along the middle of the trail: of a bright one, all of whose width is at the ceiling."""
        for _ in range(CENTRINGS):
            off, along = _distance(x, y, angle) - place, _distance(x, y, angle + 90)
            peak = float(np.median(heights[np.abs(off) <= 1.0]))
            near = np.abs(off) <= WIDEST / 2
            weights = np.clip(heights[near] - peak / 2, 0, peak)
            if int((weights > 0).sum()) < FEWEST_BRIGHT:
                break
            slope, shift = np.polyfit(along[near], off[near], 1, w=np.sqrt(weights))
            turn = -np.arctan(slope)
            angle, place = angle + float(np.degrees(turn)), float((place + shift) * np.cos(turn))
        return angle, place

    def _measured(self, heights: Array, good: Mask, *, angle: float, place: float, significance: float) -> Trail:
        """Follow the profile across a line outwards, until it is no longer above its noise."""
        off = _distance(self._x, self._y, angle) - place
        offsets = np.arange(-WIDEST, WIDEST + 1)
        profile, error = np.zeros(offsets.size), np.full(offsets.size, np.inf)
        for index, offset in enumerate(offsets):
            there = heights[good & (np.abs(off - offset) <= 0.5)]
            if there.size:
                profile[index] = np.median(there)
                error[index] = 1.2533 * mad_std(there) / np.sqrt(there.size)
        above = profile > np.maximum(error, 0.02 * profile[WIDEST - 1 : WIDEST + 2].max())
        left, right = WIDEST, WIDEST
        while left > 0 and above[left - 1]:
            left -= 1
        while right < 2 * WIDEST and above[right + 1]:
            right += 1
        middle = place + (offsets[left] + offsets[right]) / 2
        return Trail(
            line=self._line(angle, float(middle), float(offsets[right] - offsets[left] + 3)),
            significance=significance,
            level=float(profile[left : right + 1].max()),
        )

    def _line(self, angle: float, place: float, width: float) -> Line:
        cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        x, y = (self._shape[1] - 1) / 2 + place * cosine, (self._shape[0] - 1) / 2 + place * sine
        return Line(
            (float(x - self._reach * sine), float(y + self._reach * cosine)),
            (float(x + self._reach * sine), float(y - self._reach * cosine)),
            width,
        )


def _distance(x: Array, y: Array, angle: float) -> Array:
    """Return how far points lie along a direction, degrees from the x axis."""
    along: Array = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    return along
