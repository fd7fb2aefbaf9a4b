"""The reference image of a galaxy: what a survey telescope saw of the same scene in a broad band, free of sky.

Pure but for ``write_reference``.  The band's mean is taken as that of a MUSE cube is; of a band that the simulated
wavelengths hold in part, that part is used, and the header says so.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from archive.errors import Refused
from processing.science.bands import Filter, filter_fraction, plane_weights
from processing.science.psf import Psf
from processing.simulate.cards import mark
from processing.simulate.galaxy import Galaxy
from processing.simulate.scene import SPAXEL_AREA, Disc, Light, Scene

__all__ = ["Band", "Frame", "Reference", "band_of", "mean_in", "take_reference", "write_reference"]

Array = NDArray[np.float64]

PIXEL: Final = 0.238
"""Arcsec, of the Wide Field Imager."""

BETA: Final = 3.0
FWHM: Final = (0.8, 1.0)
NOISE: Final = 0.6
"""Of a pixel, 1e-20 erg/s/cm2/Angstrom."""

TILE: Final = 160
"""Pixels along the side of what is made at a time."""

MOST_WAVELENGTHS: Final = 400
FINEST: Final = 1.25
UNIT: Final = "10**(-20)*erg/s/cm**2/Angstrom"


@dataclass(frozen=True)
class Band:
    """A filter as far as wavelengths from ``low`` to ``high`` hold it; ``fraction`` of it is inside."""

    filter: Filter
    low: float
    high: float
    fraction: float
    wavelengths: Array
    weights: Array


@dataclass(frozen=True)
class Frame:
    """A grid in the plane that touches the sky at the galaxy's centre: north up, ``step`` arcsec.

    Pixels are counted from 0; the galaxy's centre falls on pixel ``x0``, ``y0``.
    """

    step: float
    shape: tuple[int, int]
    x0: float
    y0: float

    def plane(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return arcsec east and north of pixels."""
        return -(x - self.x0) * self.step, (y - self.y0) * self.step

    def cards(self, galaxy: Galaxy) -> dict[str, str | float]:
        """Return the cards that place the grid on the sky."""
        return {
            "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CUNIT1": "deg", "CUNIT2": "deg",
            "CRPIX1": self.x0 + 1, "CRPIX2": self.y0 + 1, "CRVAL1": galaxy.ra, "CRVAL2": galaxy.dec,
            "CD1_1": -self.step / 3600, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": self.step / 3600, "RADESYS": "ICRS",
        }  # fmt: skip


@dataclass(frozen=True)
class Reference:
    """An image in a band, flux per pixel, and what it was seen through."""

    image: NDArray[np.float32]
    frame: Frame
    psf: Psf
    band: Band


def band_of(curve: Filter, low: float, high: float) -> Band:
    """Return the part of a filter between two wavelengths.

    Raises
    ------
    Refused
        There is none.
    """
    first, last = max(low, float(curve.wavelength[0])), min(high, float(curve.wavelength[-1]))
    if first >= last:
        raise Refused(f"filter {curve.name} passes no light from {low:g} to {high:g} Angstrom: choose another")
    step = max(FINEST, (last - first) / MOST_WAVELENGTHS)
    wavelengths: Array = first + step * (np.arange(int((last - first) / step), dtype=np.float64) + 0.5)
    if wavelengths.size < 2:
        raise Refused(f"filter {curve.name} has less than two wavelengths from {low:g} to {high:g} Angstrom")
    weights = plane_weights(curve, wavelengths)
    if not weights.sum() > 0:
        raise Refused(f"filter {curve.name} passes no light from {low:g} to {high:g} Angstrom: choose another")
    return Band(curve, first, last, filter_fraction(curve, wavelengths), wavelengths, weights / weights.sum())


def mean_in(band: Band, light: Light, east: Array, north: Array) -> Array:
    """Return the light's mean in a band at places, per spaxel."""
    mean: Array = light(east, north, band.wavelengths) @ band.weights
    return mean


def take_reference(
    scene: Scene, band: Band, *, corners: tuple[Array, Array], margin: float, rng: np.random.Generator
) -> Reference:
    """Take an image that reaches so many arcsec beyond what is to be covered.

    Parameters
    ----------
    corners
        Arcsec east and north of what is to be covered.
    """
    east, north = corners
    x0 = (east.max() + margin) / PIXEL
    y0 = -(north.min() - margin) / PIXEL
    shape = (int(np.ceil((np.ptp(north) + 2 * margin) / PIXEL)), int(np.ceil((np.ptp(east) + 2 * margin) / PIXEL)))
    frame = Frame(PIXEL, shape, float(x0), float(y0))
    psf = Psf(float(rng.uniform(*FWHM)), BETA)
    image = rng.normal(0.0, NOISE, shape)
    for row in range(0, shape[0], TILE):
        for column in range(0, shape[1], TILE):
            part = np.s_[row : min(row + TILE, shape[0]), column : min(column + TILE, shape[1])]
            image[part] += _tile(scene, psf, band, frame, part)
    return Reference(image.astype(np.float32), frame, psf, band)


def write_reference(path: Path, reference: Reference, galaxy: Galaxy, *, seed: int) -> None:
    """Write the image."""
    hdu = fits.PrimaryHDU(reference.image)
    mark(hdu.header, seed=seed)
    band = reference.band
    cards = {
        "TELESCOP": "MPI-2.2", "INSTRUME": "WFI", "OBJECT": galaxy.name, "FILTER": band.filter.name, "BUNIT": UNIT,
        "SIMFMIN": band.low, "SIMFMAX": band.high, "SIMFFRAC": round(band.fraction, 5),
        "PSF_FWHM": reference.psf.fwhm, "PSF_BETA": reference.psf.beta, **reference.frame.cards(galaxy),
    }  # fmt: skip
    hdu.header.update(cards)
    hdu.header.comments["SIMFMIN"] = "[Angstrom] the band is simulated from here"
    hdu.header.comments["SIMFMAX"] = "[Angstrom] to here"
    hdu.header.comments["SIMFFRAC"] = "part of the band that was simulated"
    hdu.writeto(path)


def _tile(scene: Scene, psf: Psf, band: Band, frame: Frame, part: tuple[slice, slice]) -> Array:
    y, x = np.mgrid[part].astype(np.float64)
    east, north = frame.plane(x, y)
    middle_east, middle_north = float(np.mean(east)), float(np.mean(north))
    radius = float(np.hypot(east - middle_east, north - middle_north).max())
    light = scene.through(psf, Disc(middle_east, middle_north, radius + 1))
    rows = [mean_in(band, light, one, other) for one, other in zip(east, north, strict=True)]
    return np.array(rows) * (frame.step**2 / SPAXEL_AREA)
