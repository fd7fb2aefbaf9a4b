"""Neighbouring spaxels put together until each bin has the signal to noise that a fit of the stars needs.

The bins are those of Cappellari (2025, MNRAS 544, 1432), whose package does the geometry.  Noise that neighbours share
makes a bin noisier than its variances say; ``shared_noise`` is by how much.
"""

import math
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from processing.science.errors import Unmeasurable
from processing.science.shared_noise import SumNoise

__all__ = ["FAINT", "NOTHING", "Binning", "Bins", "bin_spaxels", "nearest_bin"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

NOTHING: Final = -2
"""In place of a bin's number: there is no spectrum."""

FAINT: Final = -1
"""There is a spectrum, too faint to be put into a bin."""


@dataclass(frozen=True)
class Binning:
    """How spaxels are put into bins.

    Parameters
    ----------
    target
        Signal to noise per pixel of wavelength that a bin shall have.
    least
        Bins that there shall be: a field that is too faint for as many gets a lower target instead.
    lowest_target
        Below which the target is never lowered.
    lowest
        Signal to noise of a spaxel that goes into a bin: below it, what the sky left behind weighs more than stars.
    """

    target: float = 35.0
    least: int = 40
    lowest_target: float = 8.0
    lowest: float = 1.0

    def __post_init__(self) -> None:
        if min(self.target, self.lowest_target) <= 0 or self.least < 1:
            raise ValueError("bins need a signal to noise above 0, and there is at least one")


@dataclass(frozen=True)
class Bins:
    """Which bin each spaxel belongs to.

    Attributes
    ----------
    number
        Of the bin, from 0 on, or ``FAINT`` or ``NOTHING``; shape (ny, nx).
    nearest
        Of the bin whose stars are the nearest: the own one, or that of the nearest spaxel which has one; ``NOTHING``
        where there is no spectrum, or no bin at all.  Shape (ny, nx).
    spaxels
        Of each bin, shape (bins).
    x, y
        Centres, weighted by light, in spaxels from the first one's middle, shape (bins).
    signal_to_noise
        With the noise that neighbours share, shape (bins).
    target
        Signal to noise that was aimed at.
    """

    number: NDArray[np.int32]
    nearest: NDArray[np.int32]
    spaxels: NDArray[np.int64]
    x: Array
    y: Array
    signal_to_noise: Array
    target: float

    def __len__(self) -> int:
        """Count the bins."""
        return len(self.spaxels)


def bin_spaxels(signal: Array, noise: Array, binning: Binning | None = None, shared: SumNoise | None = None) -> Bins:
    """Put spaxels into bins.

    A field that does not reach the lowest target as a whole is one bin; whoever fits it sees its signal to noise.

    Parameters
    ----------
    signal, noise
        Of the spaxels, shape (ny, nx); NaN where there is no spectrum.
    binning
        How; as the survey did by default.
    shared
        Noise that neighbours share: none by default.

    Raises
    ------
    ValueError
        The shapes differ.
    Unmeasurable
        The package that makes the bins is not there, or finds none.
    """
    binning, shared = binning or Binning(), shared or SumNoise.none()
    if signal.ndim != 2 or signal.shape != noise.shape:
        raise ValueError(f"signal has shape {signal.shape}, noise {noise.shape}")
    there = np.isfinite(signal) & np.isfinite(noise) & (noise > 0)
    ratio = np.divide(signal, noise, out=np.full(signal.shape, -np.inf), where=there)
    chosen = there & (ratio >= binning.lowest)
    number = np.where(there, FAINT, NOTHING).astype(np.int32)
    target = binning.target
    if chosen.any():
        spaxels = _Spaxels(np.argwhere(chosen), signal[chosen], noise[chosen] ** 2, shared.kinds(signal.shape)[chosen])
        target = _target(spaxels, binning, shared)
        number[chosen] = _numbers(spaxels, target, shared)
    return _bins(number, signal, noise, target, shared)


@dataclass(frozen=True)
class _Spaxels:
    """Those that go into bins: rows and columns, shape (n, 2); signal, variance and kind of their noise, shape (n)."""

    places: NDArray[np.int64]
    signal: Array
    variance: Array
    kind: NDArray[np.intp]


def _target(spaxels: _Spaxels, binning: Binning, shared: SumNoise) -> float:
    """Return what can be aimed at, so that there are enough bins."""
    size = max(1, spaxels.signal.size // binning.least)
    variance = float((spaxels.variance * shared.squared(spaxels.kind, size)).sum())
    within_reach = float(spaxels.signal.sum()) / math.sqrt(variance * binning.least)
    return min(binning.target, max(within_reach, binning.lowest_target))


def _numbers(spaxels: _Spaxels, target: float, shared: SumNoise) -> NDArray[np.int64]:
    """Return the bin of each of the chosen spaxels; numbers follow the rows."""
    places, signal, variance, kind = spaxels.places, spaxels.signal, spaxels.variance, spaxels.kind

    @lru_cache(maxsize=4096)
    def noisier(size: int) -> Array:
        return shared.squared(np.arange(len(shared.factors)), size)

    def capacity(of: NDArray[np.integer]) -> float:
        members = np.atleast_1d(of)
        by_kind = noisier(members.size)
        if by_kind.size == 1:  # as in most cubes: this is called a hundred thousand times
            noise = variance[members].sum() * by_kind[0]
        else:
            noise = (variance[members] * by_kind[kind[members]]).sum()
        return float(signal[members].sum() ** 2 / noise)

    if (signal**2 >= target**2 * variance).all():
        return np.arange(signal.size)
    if capacity(np.arange(signal.size)) <= target**2:
        return np.zeros(signal.size, dtype=np.int64)
    power_bin = _power_bin()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it takes the scatter of a single bin, too
        try:
            found = power_bin(places[:, ::-1].astype(np.float64), capacity, target**2, pixelsize=1.0, verbose=0)
        except IndexError:  # it found no round bin that reaches the target, as in a strip
            return np.zeros(signal.size, dtype=np.int64)
        except ValueError as error:
            raise Unmeasurable(f"the spaxels cannot be put into bins: {error}") from error
    _, first, inverse = np.unique(found.bin_num, return_index=True, return_inverse=True)
    order: NDArray[np.int64] = np.argsort(np.argsort(first))[inverse]
    return order


def _power_bin() -> Any:
    try:
        from powerbin import PowerBin
    except ImportError as error:
        raise Unmeasurable("bins need the package powerbin: pip install 'musevault[analysis]'") from error
    return PowerBin


def _bins(number: NDArray[np.int32], signal: Array, noise: Array, target: float, shared: SumNoise) -> Bins:
    within: Mask = np.asarray(number >= 0)
    which = number[within]
    count = int(which.max(initial=-1)) + 1
    y, x = (axis.astype(np.float64) for axis in np.nonzero(within))
    light = signal[within]
    spaxels = np.bincount(which, minlength=count)
    total = np.bincount(which, light, count)
    noisier = shared.squared(shared.kinds(number.shape)[within], spaxels[which])
    variance = np.bincount(which, noise[within] ** 2 * noisier, count)
    return Bins(
        number=number,
        nearest=nearest_bin(number, np.ones(count, dtype=np.bool_)),
        spaxels=spaxels,
        x=np.bincount(which, light * x, count) / total,
        y=np.bincount(which, light * y, count) / total,
        signal_to_noise=total / np.sqrt(variance),
        target=target,
    )


def nearest_bin(number: NDArray[np.int32], held: Mask) -> NDArray[np.int32]:
    """Return of each spaxel its own bin, or that of the nearest spaxel whose bin is held; where none is, ``NOTHING``.

    Parameters
    ----------
    number
        As ``Bins`` has it, shape (ny, nx).
    held
        Which bins may be taken, shape (bins).
    """
    from scipy.ndimage import distance_transform_edt

    without: Mask = np.asarray(number < 0)
    without[~without] = ~held[number[~without]]
    if without.all():
        return np.full(number.shape, NOTHING, dtype=np.int32)
    places: Any = distance_transform_edt(without, return_distances=False, return_indices=True)
    rows, columns = places
    nearest: NDArray[np.int32] = np.where(number == NOTHING, np.int32(NOTHING), number[rows, columns])
    return nearest
