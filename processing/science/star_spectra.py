"""What a fit of stellar kinematics begins with: the spectra of bins, and the survey's choices of how to fit them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.science.lines import LINES
from processing.science.lsf import MUSE_LSF, SPEED_OF_LIGHT, Lsf

__all__ = ["MASKED", "StarSettings", "StarSpectra", "Window", "pixel_edges"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LINE_WIDTH: Final = 1200.0
"""Full width that is masked about an emission line, km/s: a disk's rotation, and the line itself to three sigma."""

SODIUM_WIDTH: Final = 800.0
"""About the sodium between the stars, which rotates as the gas does and is a narrow line."""

SKY_WIDTH: Final = 600.0
"""About a line of the night sky, which does not move and is as narrow as the instrument makes it."""

SODIUM: Final = (5889.95, 5895.92)
SKY: Final = (5577.34, 5889.95, 5895.92, 6300.30, 6363.78)
"""Angstrom in air: oxygen and sodium, the lines that no subtraction of the sky takes away without a trace."""


@dataclass(frozen=True)
class Window:
    """Wavelengths that no star is fitted to: ``width`` km/s in all about ``wavelength``, in air, Angstrom.

    It is at rest with the galaxy, or with the observer when ``observed``.
    """

    wavelength: float
    width: float
    observed: bool = False


MASKED: Final = (
    *(Window(line.wavelength, LINE_WIDTH) for line in LINES),
    *(Window(wavelength, SODIUM_WIDTH) for wavelength in SODIUM),
    *(Window(wavelength, SKY_WIDTH, observed=True) for wavelength in SKY),
)
"""All lines of the survey's table, what absorbs between the stars, and the sky's brightest lines."""


@dataclass(frozen=True)
class StarSpectra:
    """Spectra to fit.

    Parameters
    ----------
    wavelength
        Middles of the pixels, observed, in air, increasing, shape (pixels), Angstrom; a cube's own steps.
    flux, variance, good
        Shape (n, pixels); variance in the unit of flux squared.  Values that are not finite count as bad.
    systemic_velocity
        Of the target, in km/s: wavelengths at rest are multiplied by 1 + v/c, and velocities count from there.

    Raises
    ------
    ValueError
        Shapes that do not belong together, no spectrum, or wavelengths that do not increase.
    """

    wavelength: Array
    flux: NDArray[np.floating]
    variance: NDArray[np.floating]
    good: Mask
    systemic_velocity: float = 0.0

    def __post_init__(self) -> None:
        if self.wavelength.ndim != 1 or self.wavelength.size < 2 or not (np.diff(self.wavelength) > 0).all():
            raise ValueError("the wavelengths of spectra must increase")
        if self.flux.ndim != 2 or 0 in self.flux.shape or self.flux.shape[1] != self.wavelength.size:
            raise ValueError(f"spectra of shape {self.flux.shape} do not fit {self.wavelength.size} wavelengths")
        for name in ("variance", "good"):
            if getattr(self, name).shape != self.flux.shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, the spectra {self.flux.shape}")
        if self.good.dtype != np.bool_:
            raise ValueError(f"good must be true or false, not {self.good.dtype}")
        if not np.isfinite(self.systemic_velocity) or self.systemic_velocity <= -SPEED_OF_LIGHT:
            raise ValueError("the systemic velocity is not a number of km/s")

    @property
    def at_rest(self) -> Array:
        """Wavelengths as a star at the systemic velocity emits them."""
        return self.wavelength / (1 + self.systemic_velocity / SPEED_OF_LIGHT)


@dataclass(frozen=True)
class StarSettings:
    """How to fit: the release's choices unless told otherwise.

    Parameters
    ----------
    wavelengths
        First and last to fit, at rest, Angstrom.
    order
        Of the additive polynomial of Legendre's.
    masked
        What is left out.
    lsf
        The instrument's, of light before it falls on pixels: models are averaged over these, as lines are.
    velocity_range, largest_sigma
        How far velocities may go from the systemic one, either way, and dispersions from zero; km/s.
    start_sigma
        Where dispersions begin, km/s; velocities begin where the mean template fits best.
    velocity_scale
        Step of the templates' logarithmic wavelengths, km/s.
    noise_window, lowest_sn
        Where the signal to noise per pixel is measured (at rest, Angstrom), and below which a fit is flagged.
    fewest
        Good pixels without which nothing is fitted.
    scaled_errors
        Whether errors grow with the root of a reduced chi2 above one, as the release's do.
    tolerance, trials
        A fit ends when the next step would lower chi2 by less, or after so many trials.

    Raises
    ------
    ValueError
        Ranges that are none.
    """

    wavelengths: tuple[float, float] = (4850.0, 7000.0)
    order: int = 12
    masked: tuple[Window, ...] = MASKED
    lsf: Lsf = MUSE_LSF
    velocity_range: float = 1000.0
    largest_sigma: float = 500.0
    start_sigma: float = 100.0
    velocity_scale: float = 30.0
    noise_window: tuple[float, float] = (5300.0, 5500.0)
    lowest_sn: float = 10.0
    fewest: int = 100
    scaled_errors: bool = True
    tolerance: float = 1e-4
    trials: int = 40

    def __post_init__(self) -> None:
        if not 0 < self.wavelengths[0] < self.wavelengths[1]:
            raise ValueError(f"{self.wavelengths} is no range of wavelengths")
        if self.order < 0 or min(self.velocity_range, self.largest_sigma, self.velocity_scale) <= 0:
            raise ValueError("a fit needs a polynomial of order 0 or more and ranges above 0")
        if not 0 < self.start_sigma < self.largest_sigma:
            raise ValueError(f"a dispersion cannot begin at {self.start_sigma:g} of {self.largest_sigma:g} km/s")

    def usable(self, spectra: StarSpectra) -> Mask:
        """Tell which pixels lie in the range and under no mask, shape (pixels)."""
        at_rest = spectra.at_rest
        usable = (at_rest >= self.wavelengths[0]) & (at_rest <= self.wavelengths[1])
        for window in self.masked:
            wavelength = spectra.wavelength if window.observed else at_rest
            usable &= np.abs(np.log(wavelength / window.wavelength)) * SPEED_OF_LIGHT > window.width / 2
        return usable


def pixel_edges(wavelength: Array) -> Array:
    """Return where pixels meet: half-way between their middles, shape (pixels + 1)."""
    middles = (wavelength[1:] + wavelength[:-1]) / 2
    ends = 2 * wavelength[[0, -1]] - middles[[0, -1]]
    edges: Array = np.concatenate((ends[:1], middles, ends[1:]))
    return edges
