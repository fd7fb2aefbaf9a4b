"""The velocity of a galaxy that no table tells: from one good spectrum, held against the templates at every redshift.

Tonry & Davis (1979, AJ 84, 1511): both on log wavelengths, without their continuum, multiplied at every shift.  It is
where fits begin, which then find their own velocities about it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from processing.science.errors import NoMatch
from processing.science.lsf import SPEED_OF_LIGHT
from processing.science.star_spectra import SKY, SKY_WIDTH
from processing.science.stellar_templates import Library

__all__ = ["systemic_velocity"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

STEP: Final = 60.0
"""Of the log wavelengths, km/s."""

SMOOTH: Final = 6000.0
"""Width over which a continuum is told from lines, km/s."""

CLIP: Final = 4.0
"""Deviations from which on a pixel is no star's: emission, sky, cosmic rays."""

SLOWEST, FASTEST = -1000.0, 120_000.0
"""km/s, as the logarithm of wavelengths: up to a redshift of 0.49."""

LEAST_COMMON: Final = 0.4
"""Part of the spectrum that the templates must cover."""

APART: Final = 2000.0
"""km/s from the best velocity from which on another is a rival."""

CLEAR: Final = 1.3
"""By what the best exceeds any rival."""


def systemic_velocity(wavelength: Array, flux: Array, good: Mask, library: Library) -> float:
    """Return c z in km/s, to some tens of km/s.

    Parameters
    ----------
    wavelength
        Observed, in air, Angstrom, shape (pixels).
    flux, good
        Of a spectrum with a signal to noise of ten or more, shape (pixels).
    library
        Of stars.

    Raises
    ------
    NoMatch
        No velocity stands out.
    """
    usable = good & np.isfinite(flux)
    for line in SKY:
        usable &= np.abs(np.log(wavelength / line)) * SPEED_OF_LIGHT > SKY_WIDTH
    if usable.sum() < 100:
        raise NoMatch("there is no spectrum to take a velocity from")
    seen = _lines(*_on_log(wavelength, np.where(usable, flux, np.nan)))
    model = _lines(*_on_log(library.wavelength, (library.flux / library.flux.mean(axis=1, keepdims=True)).mean(axis=0)))
    first = np.log(wavelength[0] / library.wavelength[0]) * SPEED_OF_LIGHT / STEP
    shifts = np.arange(int(SLOWEST / STEP), int(FASTEST / STEP))
    matches = np.array([_match(seen, model, first - shift) for shift in shifts])
    best = int(np.argmax(matches))
    rivals = matches[np.abs(shifts - shifts[best]) * STEP > APART]
    if not matches[best] > 0 or matches[best] < CLEAR * rivals.max(initial=0.0):
        raise NoMatch("the velocity of the galaxy is not known, and none stands out in its spectrum")
    return float(np.expm1((shifts[best] + _peak(matches, best)) * STEP / SPEED_OF_LIGHT) * SPEED_OF_LIGHT)


def _on_log(wavelength: Array, flux: Array) -> tuple[Array, Mask]:
    """Return a spectrum at even steps of log wavelength, and which of them are good."""
    size = int(np.log(wavelength[-1] / wavelength[0]) * SPEED_OF_LIGHT / STEP)
    places = wavelength[0] * np.exp(np.arange(size) * STEP / SPEED_OF_LIGHT)
    good = np.isfinite(flux)
    nearby = np.asarray(np.interp(places, wavelength, good.astype(np.float64)) > 0.999)
    return np.interp(places, wavelength[good], flux[good]), nearby


def _lines(flux: Array, good: Mask) -> Array:
    """Return the absorption lines in units of their scatter: 0 in the continuum and where nothing is good."""
    kept = good.copy()
    for _ in range(3):
        weight = gaussian_filter1d(kept.astype(np.float64), SMOOTH / STEP, mode="constant")
        level = gaussian_filter1d(np.where(kept, flux, 0.0), SMOOTH / STEP, mode="constant")
        ratio = np.where(kept, flux * weight / np.where(level > 0, level, np.inf) - 1, 0.0)
        scatter = 1.4826 * np.median(np.abs(ratio[kept])) if kept.any() else 0.0
        kept &= np.abs(ratio) < CLIP * max(scatter, 1e-12)
    lines: Array = np.where(kept, ratio, 0.0)
    return lines


def _match(seen: Array, model: Array, offset: float) -> float:
    """Return how well lines agree when the model's begin so many steps before; nothing where they hardly overlap."""
    start = round(offset)
    low, high = max(0, -start), min(seen.size, model.size - start)
    if high - low < LEAST_COMMON * seen.size:
        return 0.0
    one, other = seen[low:high], model[low + start : high + start]
    power = float(one @ one) * float(other @ other)
    return float(one @ other) / np.sqrt(power) * np.sqrt((high - low) / seen.size) if power > 0 else 0.0


def _peak(matches: Array, best: int) -> float:
    """Return where between the steps the largest of three is, by a parabola."""
    if not 0 < best < matches.size - 1:
        return 0.0
    before, here, after = matches[best - 1 : best + 2]
    bend = before - 2 * here + after
    return float((before - after) / (2 * bend)) if bend < 0 else 0.0
