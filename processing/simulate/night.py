"""What the night sky sends: a continuum and the lines of the air, as the pipeline's sky files describe them.  Pure.

Fluxes are per spaxel.  The pipeline takes those in its sky files off as they stand, whatever area their unit names:
for pixel tables in units of flux that is so too.  Wavelengths are those on the Earth.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from processing.science.lsf import FWHM_PER_SIGMA, MUSE_LSF

__all__ = ["SKY_LINES", "SkyLight", "SkyLine", "continuum"]

Array = NDArray[np.float64]

FARTHEST: Final = 6.0
"""Sigmas after which a line is cut."""


@dataclass(frozen=True)
class SkyLine:
    """A line of the air; ``flux`` in 1e-20 erg/s/cm2 per spaxel, lines of one ``group`` vary together."""

    name: str
    wavelength: float
    flux: float
    group: int


_OXYGEN, _SODIUM, _OH = 0, 1, 2
SKY_LINES: Final = (
    SkyLine("OI 5577", 5577.34, 6000.0, _OXYGEN),
    SkyLine("OI 6300", 6300.30, 2400.0, _OXYGEN),
    SkyLine("OI 6364", 6363.78, 800.0, _OXYGEN),
    SkyLine("NaI 5890", 5889.95, 1000.0, _SODIUM),
    SkyLine("NaI 5896", 5895.92, 520.0, _SODIUM),
    *(
        SkyLine(f"OH {wavelength:.0f}", wavelength, 40.0 * flux, _OH)
        for wavelength, flux in (
            (6257.96, 4), (6287.43, 5), (6498.73, 8), (6533.04, 9), (6553.62, 7), (6577.28, 4), (6596.64, 5),
            (6828.47, 6), (6863.96, 18), (6923.22, 22), (6949.05, 9), (6978.26, 8), (7003.86, 5), (7244.91, 20),
            (7276.41, 34), (7284.44, 9), (7303.72, 22), (7316.28, 40), (7329.15, 13), (7340.89, 33), (7369.25, 17),
            (7401.69, 9), (7524.10, 12), (7571.75, 14), (7712.10, 9), (7750.64, 42), (7794.11, 48), (7821.50, 44),
            (7841.27, 14), (7853.24, 17), (7913.71, 45), (7949.20, 9), (7964.65, 62), (7993.33, 58), (8025.81, 33),
            (8344.60, 55), (8382.39, 26), (8399.17, 84), (8415.23, 13), (8430.17, 72), (8452.25, 24), (8465.35, 52),
            (8493.39, 37), (8504.63, 20), (8548.71, 8), (8761.76, 14), (8767.91, 42), (8778.33, 30), (8791.18, 37),
            (8827.10, 82), (8836.02, 22), (8867.61, 28), (8885.85, 98), (8903.11, 33), (8919.64, 92), (8943.39, 45),
            (8957.92, 96), (8988.37, 46), (9001.12, 26), (9037.95, 30), (9310.64, 40), (9337.85, 55), (9375.96, 95),
        )
    ),
)  # fmt: skip
"""The stronger lines, about as strong as over Paranal."""


@dataclass(frozen=True)
class SkyLight:
    """The sky of an exposure against the one described here: how many times its continuum, and its lines."""

    continuum_factor: float
    line_factor: float

    def __call__(self, wavelengths: Array) -> Array:
        """Return the flux per spaxel, 1e-20 erg/s/cm2/Angstrom, lines integrated over the wavelengths' step."""
        width = float(np.median(np.diff(wavelengths))) if wavelengths.size > 1 else 1.25
        total = self.continuum_factor * continuum(wavelengths)
        for line in SKY_LINES:
            sigma = _sigma(line.wavelength)
            reach = FARTHEST * sigma + width
            if not wavelengths[0] - reach < line.wavelength < wavelengths[-1] + reach:
                continue
            first, last = np.searchsorted(wavelengths, (line.wavelength - reach, line.wavelength + reach))
            offset = wavelengths[first:last] - line.wavelength
            upper, lower = (special.ndtr((offset + end * width / 2) / sigma) for end in (1, -1))
            total[first:last] += self.line_factor * line.flux * (upper - lower) / width
        return total


def _sigma(wavelength: float) -> float:
    return float(MUSE_LSF.fwhm(np.array(wavelength))) / FWHM_PER_SIGMA


def continuum(wavelengths: Array) -> Array:
    """Return the continuum per spaxel: about 20.9 magnitudes in R, a little moonlight in the blue."""
    blue = 0.35 * np.exp(-(wavelengths - 4700) / 900)
    red = 0.1 * (wavelengths - 7000) / 2000
    continuum: Array = 36 * (1 + blue + red + 0.06 * np.exp(-0.5 * ((wavelengths - 5950) / 250) ** 2))
    return continuum
