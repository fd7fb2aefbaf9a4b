"""The loops of ``mosaic`` and ``overlaps``, compiled: from the values that fall on voxels to their clipped means.

A strip of neighbouring voxels of one row that the same exposures cover is worked on at a time, exposure by exposure, so
that each inner loop runs along the strip without a branch and fills the vector units.  Values are put in order by
exchanging the smaller and the larger of two rows; a value that is bad or left out is infinite, so it ends up last and
is no part of any sum.  Only the voxels in which something is left out, some in a hundred, are then looked at one by
one.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.science.compiled import compiled
from processing.science.mosaic_stack import BY_EXPOSURE_TIME, BY_VARIANCE, Made, Part, Rule, Stack

__all__ = ["combine_part", "count_differences"]

Floats = NDArray[np.float32]
Array = NDArray[np.float64]
Ints = NDArray[np.int64]

MAD_TO_SIGMA: Final = 1.4826
"""To four digits, as the survey's program had it."""

STRIP: Final = 256
"""Voxels at most: all that is known of them stays in the processor's nearest cache."""

INFINITE: Final = np.float32(np.inf)


class _Strip(NamedTuple):
    """The values on a strip, shape (exposures, STRIP), and what is found of them, shape (STRIP).

    ``near`` lists the exposures that cover the strip, ``place`` where its first voxel is in the stack's flat arrays.
    """

    value: Floats
    variance: Floats
    ordered: Floats
    rising: Array
    found: NDArray[np.int32]
    left: NDArray[np.int32]
    middle: Array
    limit: Array
    flux: Array
    spread: Array
    weight: Array
    few: Array
    near: Ints
    place: Ints


class _Here(NamedTuple):
    """Where a strip is in the mosaic, how many voxels it has, and how many exposures cover it."""

    plane: int
    y: int
    x: int
    size: int
    exposures: int


@compiled
def combine_part(stack: Stack, rule: Rule, part: Part, made: Made, good: Ints) -> None:
    """Combine a part of the mosaic; ``good`` counts each exposure's good values."""
    width, strip = made.data.shape[2], _new_strip(stack.start.size)
    for plane in range(part.planes):
        for y in range(part.first, part.last):
            x = 0
            while x < width:
                here = _look_around(stack, strip, plane, y, x, min(STRIP, width - x))
                x += here.size
                _gather(stack, strip, here, good)
                if rule.rounds > 0:
                    _clip(rule, strip, here)
                _sum_up(stack, rule, strip, here)
                _note(stack, strip, here, made)
                _write(strip, here, made)


@compiled
def _new_strip(exposures: int) -> _Strip:
    shape = (exposures, STRIP)
    return _Strip(
        np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape),
        np.empty(STRIP, np.int32), np.empty(STRIP, np.int32),
        np.empty(STRIP), np.empty(STRIP), np.empty(STRIP), np.empty(STRIP), np.empty(STRIP), np.empty(exposures),
        np.empty(exposures, np.int64), np.empty(exposures, np.int64),
    )  # fmt: skip


@compiled
def _look_around(stack: Stack, strip: _Strip, plane: int, y: int, x: int, size: int) -> _Here:
    """List the exposures that cover a strip, which ends where one of them begins or ends."""
    count = 0
    for e in range(stack.start.size):
        row, begin, end = y - stack.y0[e], stack.x0[e] - x, stack.x0[e] + stack.columns[e] - x
        if row < 0 or row >= stack.rows[e] or end <= 0:
            continue
        if begin > 0:
            size = min(size, begin)
            continue
        size = min(size, end)
        start = stack.start[e] * stack.depth + (plane * stack.rows[e] + row) * stack.columns[e]
        strip.near[count], strip.place[count] = e, start - begin
        count += 1
    return _Here(plane, y, x, size, count)


@compiled
def _gather(stack: Stack, strip: _Strip, here: _Here, good: Ints) -> None:
    """Collect the values of a strip, as they are and in rising order; good ones are finite with a variance above 0."""
    found = strip.found[: here.size]
    found[:] = 0
    for k in range(here.exposures):
        begin, end = strip.place[k], strip.place[k] + here.size
        data, variance = stack.data[begin:end], stack.variance[begin:end]
        value, its_variance = strip.value[k, : here.size], strip.variance[k, : here.size]
        for j in range(here.size):
            is_good = (abs(data[j]) < INFINITE) & (variance[j] > 0) & (variance[j] < INFINITE)
            value[j] = data[j] if is_good else INFINITE
            its_variance[j] = variance[j] if is_good else np.float32(1)
            found[j] += np.int32(is_good)
        good[strip.near[k]] += _finite(value)
        _insert(value, strip.ordered, k)


@compiled
def _finite(values: Floats) -> int:
    count = np.int32(0)
    for j in range(values.size):
        count += np.int32(values[j] < INFINITE)
    return int(count)


@compiled
def _insert(values: Floats, ordered: Floats, count: int) -> None:
    """Put one more value into each voxel's ``count`` ordered ones: the larger of two always goes on to the next row."""
    last = ordered[count, : values.size]
    for j in range(values.size):
        last[j] = values[j]
    for m in range(count):
        _exchange(ordered[m, : values.size], last)


@compiled
def _exchange(row: NDArray[Any], last: NDArray[Any]) -> None:
    for j in range(row.size):
        low, high = min(row[j], last[j]), max(row[j], last[j])
        row[j], last[j] = low, high


@compiled
def _clip(rule: Rule, strip: _Strip, here: _Here) -> None:
    """Leave out outliers: find the limits of the first round everywhere, and where they leave something out, go on."""
    _find_limits(rule, strip, here)
    left = strip.left[: here.size]
    left[:] = 0
    for k in range(here.exposures):
        value, variance = strip.value[k], strip.variance[k]
        for j in range(here.size):
            left[j] += np.int32(_is_near(rule, value[j], variance[j], strip.middle[j], strip.limit[j]))
    for j in range(here.size):
        if left[j] < strip.found[j] and left[j] >= max(rule.least, 1):
            _leave_out(rule, strip, here.exposures, j)


@compiled
def _find_limits(rule: Rule, strip: _Strip, here: _Here) -> None:
    """Find the median and how far from it values may lie; where there is no value, whatever comes out has no effect."""
    for j in range(here.size):
        count = max(strip.found[j], 1)
        strip.middle[j] = (float(strip.ordered[(count - 1) // 2, j]) + float(strip.ordered[count // 2, j])) / 2
    for k in range(here.exposures):
        ordered, last = strip.ordered[k], strip.rising[k, : here.size]
        for j in range(here.size):
            last[j] = abs(ordered[j] - strip.middle[j])
        for m in range(k):
            _exchange(strip.rising[m, : here.size], last)
    for j in range(here.size):
        count = max(strip.found[j], 1)
        deviation = (strip.rising[(count - 1) // 2, j] + strip.rising[count // 2, j]) / 2
        strip.limit[j] = rule.limit * MAD_TO_SIGMA * deviation


@compiled
def _is_near(rule: Rule, value: float, variance: float, middle: float, limit: float) -> bool:
    away = abs(value - middle)
    return (away < limit) | (away * away < rule.noise * rule.noise * variance)


@compiled
def _leave_out(rule: Rule, strip: _Strip, exposures: int, j: int) -> None:
    """Finish one voxel, of which the first round leaves out something; a round that would leave too few is not done."""
    for turn in range(rule.rounds):
        if turn > 0:
            _find_limit(rule, strip, exposures, j)
        middle, limit, found, near = strip.middle[j], strip.limit[j], 0, 0
        for k in range(exposures):
            found += strip.value[k, j] < INFINITE
            near += _is_near(rule, strip.value[k, j], strip.variance[k, j], middle, limit)
        if near == found or near < max(rule.least, 1):
            return
        for k in range(exposures):
            if not _is_near(rule, strip.value[k, j], strip.variance[k, j], middle, limit):
                strip.value[k, j] = INFINITE


@compiled
def _find_limit(rule: Rule, strip: _Strip, exposures: int, j: int) -> None:
    """Find median and limit of what is left on one voxel."""
    count = 0
    for k in range(exposures):
        if strip.value[k, j] < INFINITE:
            strip.few[count] = strip.value[k, j]
            count += 1
    few = strip.few[:count]
    strip.middle[j] = _median(few)
    for k in range(count):
        few[k] = abs(few[k] - strip.middle[j])
    strip.limit[j] = rule.limit * MAD_TO_SIGMA * _median(few)


@compiled
def _median(values: Array) -> float:
    """Return the median of a few values, which are put in order."""
    for k in range(1, values.size):
        value, place = values[k], k
        while place > 0 and values[place - 1] > value:
            values[place] = values[place - 1]
            place -= 1
        values[place] = value
    return float((values[(values.size - 1) // 2] + values[values.size // 2]) / 2)


@compiled
def _sum_up(stack: Stack, rule: Rule, strip: _Strip, here: _Here) -> None:
    """Sum up what is left, weighted."""
    flux, spread, total = strip.flux[: here.size], strip.spread[: here.size], strip.weight[: here.size]
    flux[:], spread[:], total[:] = 0.0, 0.0, 0.0
    for k in range(here.exposures):
        value, variance = strip.value[k], strip.variance[k]
        seconds = stack.seconds[strip.near[k]] if rule.weighting == BY_EXPOSURE_TIME else 1.0
        for j in range(here.size):
            kept = value[j] < INFINITE
            weight = 1 / float(variance[j]) if rule.weighting == BY_VARIANCE else seconds
            weight = weight if kept else 0.0
            flux[j] += weight * (float(value[j]) if kept else 0.0)
            spread[j] += weight * weight * float(variance[j])
            total[j] += weight


@compiled
def _note(stack: Stack, strip: _Strip, here: _Here, made: Made) -> None:
    """Note of which exposures the voxels are made."""
    for k in range(here.exposures):
        e = strip.near[k]
        first = stack.start[e] + (here.y - stack.y0[e]) * stack.columns[e] + here.x - stack.x0[e]
        used, value = made.planes_used[first : first + here.size], strip.value[k, : here.size]
        for j in range(used.size):
            used[j] += np.uint16(value[j] < INFINITE)
        if not made.present[e, here.plane] and _finite(value) > 0:
            made.present[e, here.plane] = True


@compiled
def _write(strip: _Strip, here: _Here, made: Made) -> None:
    """Write the means: 0/0, which is NaN, where there is nothing."""
    x, end = here.x, here.x + here.size
    data, variance = made.data[here.plane, here.y, x:end], made.variance[here.plane, here.y, x:end]
    mask = made.mask[here.plane, here.y, x:end]
    for j in range(here.size):
        total = strip.weight[j]
        data[j], variance[j] = strip.flux[j] / total, strip.spread[j] / (total * total)
        mask[j] = total == 0


@compiled
def count_differences(
    one: Floats, its_variance: Floats, other: Floats, other_variance: Floats, reach: float, histogram: Ints
) -> None:
    """Count differences of two images, in units of what their variances let expect, into bins from -reach to reach.

    What is further away goes into the bins at the ends.  All images have one shape, (ny, nx).
    """
    bins = histogram.size
    for y in range(one.shape[0]):
        for x in range(one.shape[1]):
            variance = its_variance[y, x] + other_variance[y, x]
            difference = (one[y, x] - other[y, x]) / np.sqrt(variance)
            if not (np.isfinite(difference) and its_variance[y, x] > 0 and other_variance[y, x] > 0):
                continue
            place = (difference + reach) / (2 * reach) * bins
            histogram[int(min(max(place, 0.0), bins - 1.0))] += 1
