"""The light of the calibration unit: lamps with lines, and one without.  Pure.

Wavelengths are those of NIST's tables, in air; how bright a line is was chosen.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from processing.science.lsf import FWHM_PER_SIGMA, MUSE_LSF

__all__ = ["LAMPS", "LINES", "Lamp", "LampLine", "arc", "continuum"]

Array = NDArray[np.float64]

PIXEL: Final = 1.25
STEP: Final = 0.05
REACH: Final = 6.0
"""Sigmas after which a line is cut."""


@dataclass(frozen=True)
class LampLine:
    """A line: ion, wavelength in Angstrom, electrons a column in one exposure, and how far the pipeline may trust it.

    Quality 5 lines are looked for first; 3 is good enough for the fit.
    """

    ion: str
    wavelength: float
    electrons: float
    quality: int


@dataclass(frozen=True)
class Lamp:
    """A lamp: its number in headers, its name, and the ions of its gas."""

    number: int
    name: str
    ions: frozenset[str]


LAMPS: Final = (
    Lamp(3, "Ne", frozenset({"NeI"})),
    Lamp(4, "Xe", frozenset({"XeI"})),
    Lamp(5, "HgCd", frozenset({"HgI", "CdI"})),
)

_BRIGHT: Final = 15e3
"""Of most lines, electrons a column."""


def _lines(ion: str, wavelengths: str) -> list[LampLine]:
    """Read lines; a star marks those that are not as well separated, a number after a colon how bright one is."""
    found = []
    for word in wavelengths.split():
        wavelength, _, factor = word.strip("*").partition(":")
        found.append(LampLine(ion, float(wavelength), _BRIGHT * float(factor or 1), 3 if word.endswith("*") else 5))
    return found


LINES: Final = tuple(
    sorted(
        [
            *_lines("HgI", "5460.735:4 5769.598:1.5 5790.663:1.5"),
            *_lines("CdI", "4678.149:2 4799.912:2.5 5085.822:4 6438.470:3"),
            *_lines(
                "NeI",
                "5330.778:0.3 5341.094:0.4* 5400.562:0.6 5764.419:0.3 5852.488:4 5881.895:1.5 5944.834:2 5975.534:0.8 "
                "6029.997:0.8 6074.338:2 6096.163:2.5 6143.063:3 6163.594:1.2 6217.281:1.2 6266.495:2 6304.789:1 "
                "6334.428:3 6382.991:3.5 6402.248:5 6506.528:4 6532.882:2 6598.953:2.5 6678.276:4 6717.043:2 "
                "6929.467:4 7032.413:4.5 7173.938:2 7245.167:3.5 7438.898:1.5 8136.406:0.7 8300.326:1.2 8377.608:2.5 "
                "8495.360:1.5 8591.259:1 8634.647:1.2 8654.383:1* 8853.867:1 8919.501:0.5 9148.672:0.8 9201.759:0.8",
            ),
            *_lines(
                "XeI",
                "4624.276:0.5 4671.226:0.7 4697.021:0.2 4734.152:0.4 4807.019:0.3 4829.709:0.2 4843.294:0.2 "
                "4923.152:0.5* 5028.280:0.3 6318.062:0.4 6668.920:0.3 6827.315:0.3 6882.155:0.8 "
                "7119.598:0.9 7584.680:0.4 7642.024:0.6 7802.651:0.2 7887.393:0.4 7967.342:0.5 8231.634:4 8280.116:3 "
                "8346.822:2.5 8409.189:1.5 8819.411:3 8952.251:1.5 9045.446:1.5 9162.652:1.5 9513.377:0.6",
            ),
        ],
        key=lambda line: line.wavelength,
    )
)
"""The lines of all lamps, by wavelength."""


def arc(lamp: Lamp, wavelengths: Array) -> Array:
    """Return the electrons a pixel of an exposure of a lamp, at wavelengths of any shape."""
    grid = np.arange(4500.0, 9850.0, STEP)
    total = np.zeros(grid.size)
    for line in (line for line in LINES if line.ion in lamp.ions):
        sigma = float(MUSE_LSF.fwhm(np.array(line.wavelength))) / FWHM_PER_SIGMA
        reach = REACH * sigma + PIXEL
        first, last = np.searchsorted(grid, (line.wavelength - reach, line.wavelength + reach))
        offset = grid[first:last] - line.wavelength
        upper, lower = (special.ndtr((offset + end * PIXEL / 2) / sigma) for end in (1, -1))
        total[first:last] += line.electrons * (upper - lower)
    return np.interp(wavelengths, grid, total)


def continuum(wavelengths: Array) -> Array:
    """Return the electrons a pixel of an exposure of the lamp without lines."""
    lamp: Array = 8e3 + 14e3 * np.exp(-0.5 * ((wavelengths - 7400) / 1700) ** 2)
    return lamp
