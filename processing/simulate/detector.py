"""What the detectors add to light: noise, cosmic rays, dead pixels, and nothing where the notch filter keeps light out.

Pure.  Noise is Gaussian with the variance that photons and read-out have, which is also what STAT will say.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.gap import AO_GAPS

__all__ = ["BAD", "COSMIC_RAY", "RESPONSE", "UNIT", "Blemishes", "Exposed", "expose", "sensitivity"]

Array = NDArray[np.float64]

COSMIC_RAY: Final = 1 << 5
BAD: Final = 1 << 14
"""Flags of the pipeline's pixel tables."""

RESPONSE: Final = 4e16
"""Electrons a second and Angstrom for 1 erg/s/cm2/Angstrom, where MUSE sees best."""

READ_OUT: Final = 2.8
UNIT: Final = 1e-20
CHANNEL: Final = 1.25
"""Angstrom that a detector's pixel spans."""


@dataclass(frozen=True)
class Blemishes:
    """How often things go wrong: cosmic rays a row of the table, the part of them found, dead pixels a row."""

    cosmic_rays: float = 2e-4
    found: float = 0.9
    dead: float = 5e-5


@dataclass(frozen=True)
class Exposed:
    """Rows of a pixel table: flux, variance and flags of n spaxels at m wavelengths, shape (n, m)."""

    data: NDArray[np.float32]
    variance: NDArray[np.float32]
    flags: NDArray[np.int32]


def sensitivity(wavelengths: Array) -> Array:
    """Return the throughput against the best."""
    return np.maximum(0.1, 1 - 0.55 * ((wavelengths - 6900) / 2500) ** 2)


def expose(
    light: Array,
    wavelengths: Array,
    *,
    exptime: float,
    ins_mode: str,
    rng: np.random.Generator,
    blemishes: Blemishes | None = None,
) -> Exposed:
    """Expose the detectors to light.

    Parameters
    ----------
    light
        Flux per spaxel with the sky, 1e-20 erg/s/cm2/Angstrom, shape (n, m).
    wavelengths
        Shape (m), evenly spaced, Angstrom.
    exptime
        Seconds.
    ins_mode
        Whether there is a notch filter, and where.
    """
    blemishes = blemishes or Blemishes()
    step = float(np.median(np.diff(wavelengths))) if wavelengths.size > 1 else CHANNEL
    electrons = RESPONSE * UNIT * exptime * step * sensitivity(wavelengths)  # of one unit of flux
    gap = AO_GAPS.get(ins_mode)
    if gap is not None:
        inside = (wavelengths >= gap.low) & (wavelengths <= gap.high)
        light = np.where(inside, 0.0, light)
    variance = np.maximum(light, 0.0) / electrons + READ_OUT**2 * 2 * step / CHANNEL / electrons**2
    data = light + np.sqrt(variance) * rng.standard_normal(light.shape, dtype=np.float32)
    flags = np.zeros(light.shape, dtype=np.int32)
    _strike(data, flags, electrons, blemishes, rng)
    dead = rng.integers(0, data.size, rng.poisson(blemishes.dead * data.size))
    data.flat[dead] = np.nan
    flags.flat[dead] |= BAD
    if gap is not None:
        flags[:, inside] |= BAD
    return Exposed(data.astype(np.float32), variance.astype(np.float32), flags)


def _strike(
    data: Array, flags: NDArray[np.int32], electrons: Array, blemishes: Blemishes, rng: np.random.Generator
) -> None:
    """Let cosmic rays leave tracks along the wavelengths, most of which the pipeline has found."""
    for _ in range(rng.poisson(blemishes.cosmic_rays * data.size)):
        row, first = rng.integers(data.shape[0]), rng.integers(data.shape[1])
        track = slice(first, first + rng.geometric(0.5))
        data[row, track] += rng.exponential(400.0) / electrons[track]
        if rng.uniform() < blemishes.found:
            flags[row, track] |= COSMIC_RAY
