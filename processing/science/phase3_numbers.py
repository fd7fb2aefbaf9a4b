"""Numbers that ESO asks for in the header of a cube, computed as ESO's MUSE pipeline does where that is known.

Pure, and fed slab by slab: a cube may be of any size.  Fluxes are in 1e-20 erg/s/cm2/Angstrom, wavelengths in
Angstrom, unless said otherwise.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.noise import pixel_noise

__all__ = [
    "NOT_KNOWN",
    "Depth",
    "SeenThrough",
    "exposure_time",
    "limiting_magnitude",
    "nominal_range",
    "resolving_power",
    "sky_resolution",
]

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

FLUX_UNIT: Final = 1e-20

# The mode of the variances is looked for in a histogram, as the pipeline does.
BIN: Final = 0.04
MOST_VARIANCE: Final = 25.0
BINS: Final = round(MOST_VARIANCE / BIN)
WIDE_BIN: Final = 0.01
WIDE_BINS: Final = 4000
"""Of variances above what the pipeline looks at: bins of their logarithm, up to 1e41."""

FIRST_WAVELENGTHS: Final = {"WFM-NOAO-N": 4750.0, "WFM-NOAO-E": 4600.0, "WFM-AO-N": 4700.0, "WFM-AO-E": 4600.0}
LAST_WAVELENGTH: Final = 9350.0

RESOLVING_AT: Final = (4650.0, 7050.0, 9300.0)
RESOLVING: Final = (1674.8, 3026.9, 3767.9)
"""Resolving power of the wide field by wavelength; in between along straight lines."""

JANSKY: Final = 3.34e4
"""Turns erg/s/cm2/Angstrom times the square of Angstroms into Jansky."""

AB_ZERO: Final = 3631.0
SIGMAS: Final = 5.0
FWHM_PER_SIGMA: Final = 2 * math.sqrt(2 * math.log(2))

NOT_KNOWN: Final = (0.854, 0.496)
"""SKY_RES and its error of an exposure of which nothing is known, arcsec."""

REFERENCE_WAVELENGTH: Final = 7000.0
SEEING_WAVELENGTH: Final = 5000.0
OWN_ERROR: Final = 0.3
"""Of an image quality that was not measured on the data, arcsec."""


class Depth:
    """The typical noise of a voxel, from the mode of the variances of a cube (PIXNOISE)."""

    def __init__(self) -> None:
        self._counts: Final = np.zeros(BINS, dtype=np.int64)
        self._beyond: Final = np.zeros(WIDE_BINS, dtype=np.int64)

    def add(self, variance: Floats, mask: Mask | None) -> None:
        """Count the variances of a slab, where the mask is not True; what is no variance is left out."""
        good = np.isfinite(variance) & (variance > 0)
        if mask is not None:
            good &= ~mask
        values = variance[good]
        low = values < MOST_VARIANCE
        self._counts[:] += np.bincount((values[low] / BIN).astype(np.intp).clip(max=BINS - 1), minlength=BINS)
        if not low.all():
            place = np.log10(values[~low].astype(np.float64) / MOST_VARIANCE) / WIDE_BIN
            self._beyond[:] += np.bincount(place.astype(np.intp).clip(max=WIDE_BINS - 1), minlength=WIDE_BINS)

    def noise(self) -> float:
        """Return the noise in erg/s/cm2/Angstrom; NaN when there was no variance.

        Where most variances are beyond those of the pipeline's histogram, the mode is that of their logarithms.
        """
        if not self._counts.any() and not self._beyond.any():
            return math.nan
        if self._counts.sum() >= self._beyond.sum():
            mode = (int(self._counts.argmax()) + 0.5) * BIN
        else:
            mode = MOST_VARIANCE * 10 ** ((int(self._beyond.argmax()) + 0.5) * WIDE_BIN)
        return math.sqrt(mode) * FLUX_UNIT


class SeenThrough:
    """Which planes of a cube hold anything: WAVELMIN and WAVELMAX are those of the first and the last."""

    def __init__(self, wavelengths: Array) -> None:
        self._wavelengths: Final = wavelengths
        self._holds: Final = np.zeros(len(wavelengths), dtype=np.bool_)

    def add(self, start: int, data: Floats, mask: Mask | None) -> None:
        """Look at a slab that begins with plane ``start``."""
        good = np.isfinite(data) if mask is None else np.isfinite(data) & ~mask
        self._holds[start : start + len(data)] = good.any(axis=(1, 2))

    def limits(self, mode: str | None) -> tuple[float, float] | None:
        """Return first and last wavelength within what the instrument mode is made for; None when there is nothing."""
        low, high = nominal_range(mode)
        held = self._wavelengths[self._holds]
        held = held[(held >= low) & (held <= high)]
        return (float(held[0]), float(held[-1])) if held.size else None


def nominal_range(mode: str | None) -> tuple[float, float]:
    """Return the wavelengths between which an instrument mode is of use; the widest of one that is not known."""
    return FIRST_WAVELENGTHS.get(mode or "", min(FIRST_WAVELENGTHS.values())), LAST_WAVELENGTH


def resolving_power(wavelength: float) -> float:
    """Return lambda / dlambda of the wide field (SPEC_RES)."""
    return float(np.interp(wavelength, RESOLVING_AT, RESOLVING))


def exposure_time(exposure_map: NDArray[np.floating]) -> float:
    """Return the median of an exposure map over what was exposed (EXPTIME of a mosaic); NaN when nothing was."""
    exposed = exposure_map[np.isfinite(exposure_map) & (exposure_map > 0)]
    return float(np.median(exposed)) if exposed.size else math.nan


def sky_resolution(
    fwhm: Sequence[float | None],
    airmass: Sequence[float | None],
    exptime: Sequence[float],
    *,
    monitor: Sequence[float | None] = (),
) -> tuple[float, float]:
    """Return the FWHM of a point source on the white image and its error, arcsec, of exposures (SKY_RES, SKY_RERR).

    The means, weighted with the exposure times, of what the guide stars of the active optics tell for the zenith at
    5000 Angstrom, taken to the airmass of the exposure and to 7000 Angstrom as Kolmogorov's turbulence has it.  The
    error holds half the range of the seeing monitor.  Exposures that lack either are left out.

    Parameters
    ----------
    fwhm
        Of the guide stars (TEL IA FWHMLIN), arcsec.
    airmass, exptime
        Of the exposures.
    monitor
        Seeing of the monitor at any time of theirs, arcsec.
    """
    known = [(f, a, t) for f, a, t in zip(fwhm, airmass, exptime, strict=True) if f is not None and a is not None]
    if not known:
        return NOT_KNOWN
    colour = (REFERENCE_WAVELENGTH / SEEING_WAVELENGTH) ** -0.2
    quality = [f * a**0.6 * colour for f, a, _ in known]
    mean = float(np.average(quality, weights=[t for _, _, t in known]))
    seen = [value for value in monitor if value is not None]
    spread = max(seen) - min(seen) if seen else 0.0
    return mean, math.hypot(spread / 2, OWN_ERROR)


def limiting_magnitude(
    white: Array, variance: Array | None, good: Mask, *, fwhm: float, pixel: float, wavelengths: tuple[float, float]
) -> float:
    """Return the AB magnitude of a point source that stands out of a white image by five sigma (ABMAGLIM).

    Its flux density is the same at all frequencies.  The noise is the larger of what the image shows between
    neighbouring pixels and what its variance says, over the noise-equivalent area of a Gaussian PSF.

    Parameters
    ----------
    white, variance, good
        Image, its variance and where it is good, shape (ny, nx).
    fwhm, pixel
        Of the PSF, and the side of a pixel, arcsec.
    wavelengths
        First and last wavelength of the band.

    Returns
    -------
    NaN when the noise cannot be told.
    """
    shown = pixel_noise(white, good)
    said = math.nan
    if variance is not None:
        believed = variance[good & np.isfinite(variance) & (variance > 0)]
        said = math.sqrt(float(np.median(believed))) if believed.size else math.nan
    noise = np.nanmax([shown, said, 0.0])
    if noise == 0:
        return math.nan
    area = 4 * math.pi * (fwhm / FWHM_PER_SIGMA / pixel) ** 2
    low, high = wavelengths
    zero_point = -2.5 * math.log10(JANSKY * low * high / AB_ZERO) - 2.5 * math.log10(FLUX_UNIT)
    return float(zero_point - 2.5 * math.log10(SIGMAS * noise * math.sqrt(area)))
