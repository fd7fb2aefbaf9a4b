"""Spectra brought to steps of one velocity, as pPXF asks for, without a loss: splines between steps that are finer.

Pure.  Our own fits stay on the grid observed; only the reference needs this.  An average over new pixels, as is often
taken instead, blurs what it averages and ties the noise of neighbours together, so that a fit no longer weighs the
spectrum as it was observed: velocities then move by a few tenths of their errors.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline

from processing.science.lsf import SPEED_OF_LIGHT
from processing.science.star_spectra import pixel_edges

__all__ = ["LogGrid", "LogSpectrum"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

DEGREE: Final = 9
"""Of the splines: lower ones tell lines that are little wider than a pixel for wider ones."""

PADDING: Final = 24
"""Pixels after which a spline has forgotten what was there."""

NOISE_LEFT: Final = 0.950
"""Part of the variance of white noise that such splines keep on average: what is lost is finer than any line."""


@dataclass(frozen=True)
class LogSpectrum:
    """A spectrum on a logarithmic grid.

    Attributes
    ----------
    flux, noise
        Over ``unit``, the median of the flux.
    good
        Numbers of the good places.
    expected
        Reduced chi2 of a model that is right, below 1 as there are more places than pixels.
    """

    flux: Array
    noise: Array
    good: NDArray[np.intp]
    unit: float
    expected: float


@dataclass(frozen=True)
class LogGrid:
    """Places in even steps of log wavelength: ``middles`` in Angstrom, ``velocity_scale`` apart, km/s."""

    middles: Array
    velocity_scale: float

    @classmethod
    def over(cls, wavelength: Array, velocity_scale: float | None = None) -> Self:
        """Return the grid from the first pixel to the last, as fine as the finest of them if no step is asked for."""
        logarithms = np.log(wavelength)
        if velocity_scale is None:
            velocity_scale = float(np.diff(logarithms).min()) * SPEED_OF_LIGHT
        size = int((logarithms[-1] - logarithms[0]) * SPEED_OF_LIGHT / velocity_scale * (1 + 1e-12)) + 1
        return cls(wavelength[0] * np.exp(velocity_scale / SPEED_OF_LIGHT * np.arange(size)), velocity_scale)

    def extended(self, pixels: int) -> "LogGrid":
        """Return the grid with more places at both ends."""
        step = self.velocity_scale / SPEED_OF_LIGHT
        more = np.arange(1, pixels + 1) * step
        before, after = self.middles[0] * np.exp(-more[::-1]), self.middles[-1] * np.exp(more)
        return LogGrid(np.concatenate((before, self.middles, after)), self.velocity_scale)

    def values(self, wavelength: Array, flux: Array) -> Array:
        """Return a spectrum's values at the places; beyond its ends it goes on as it ends."""
        spline = make_interp_spline(_beyond(wavelength), _beyond(flux), k=DEGREE)
        return np.asarray(spline(np.clip(self.middles, wavelength[0], wavelength[-1])), dtype=np.float64)

    def spectrum(
        self, wavelength: Array, flux: NDArray[np.floating], variance: NDArray[np.floating], good: Mask
    ) -> LogSpectrum:
        """Return a spectrum on the grid.

        The variance grows with the number of places a pixel has, so that every pixel weighs what it did, and a place
        is as good as the pixel that it lies in.
        """
        known = np.isfinite(flux) & np.isfinite(variance) & (variance > 0)
        good = good & known
        if not good.any():
            zero = np.zeros(self.middles.size)
            return LogSpectrum(zero, zero + 1, np.array([], dtype=np.intp), 1.0, 1.0)
        edges = pixel_edges(wavelength)
        pixel = np.searchsorted(edges, self.middles, side="right") - 1
        share = np.diff(np.log(edges))[pixel] * SPEED_OF_LIGHT / self.velocity_scale
        bridged = np.interp(wavelength, wavelength[known], flux[known].astype(np.float64))
        values, places = self.values(wavelength, bridged), np.flatnonzero(good[pixel])
        unit = (float(np.median(np.abs(values[places]))) if places.size else 0.0) or 1.0
        noise = np.where(known[pixel], np.sqrt(np.where(known, variance, 1.0).astype(np.float64)[pixel] * share), unit)
        expected = NOISE_LEFT * float(np.mean(1 / share[places])) if places.size else 1.0
        return LogSpectrum(values / unit, noise / unit, places, unit, expected)


def _beyond(values: Array) -> Array:
    """Go on at both ends as in a mirror turned over: without it splines of such a degree are wild there."""
    before, after = 2 * values[0] - values[PADDING:0:-1], 2 * values[-1] - values[-2 : -PADDING - 2 : -1]
    return np.concatenate((before, values, after))
