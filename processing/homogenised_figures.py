"""How well a mosaic was homogenised, as rows of ``survey.quality``: of the model in each pointing, and of its stars.

The model is a star with the pointing's PSF that goes through the pointing's kernels.  Stars are looked for in the
mosaic itself, as its planes pass.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.homogenising import SUMS, Homogenised, told_at
from processing.science.homogenised_star import HomogenisedStar, homogenised_star
from processing.science.quality.stars import centred, find_stars
from schema.quality import Figure, Quality

__all__ = ["Modelled", "StarWatch", "figures", "modelled"]

Array = NDArray[np.float64]

WIDTH: Final = 40.0
"""Of the window about each in which stars are looked for."""

SEEN: Final = 0.5
ARCSEC: Final = "arcsec"


@dataclass(frozen=True)
class Modelled:
    """A star of a pointing at a wavelength, homogenised."""

    pointing_id: str
    wavelength: float
    star: HomogenisedStar


def modelled(homogenised: Homogenised, wavelengths: Array, pixel: float) -> tuple[Modelled, ...]:
    """Return what becomes of a star in every pointing; ``wavelengths`` are the cube's."""
    return tuple(
        Modelled(
            one.pointing_id,
            wavelength,
            homogenised_star(one.psf, homogenised.kernels[one.pointing_id], homogenised.fwhm, wavelength, pixel=pixel),
        )
        for one in homogenised.pointings
        for wavelength in told_at(wavelengths)
    )


class StarWatch:
    """Looks at the planes of a mosaic as they pass, for the stars in it."""

    def __init__(self, wavelengths: Array, shape: tuple[int, int], *, fwhm: float, pixel: float) -> None:
        self._fwhm: Final = fwhm
        self._pixel: Final = pixel
        self._windows: Final = {
            middle: set(np.flatnonzero(np.abs(wavelengths - middle) < WIDTH / 2).tolist())
            for middle in told_at(wavelengths)
        }
        self._sums: Final = {middle: np.zeros(shape) for middle in self._windows}
        self._counts: Final = {middle: np.zeros(shape, np.int32) for middle in self._windows}

    def add(self, start: int, data: NDArray[np.float32]) -> None:
        """Look at the next planes."""
        for middle, planes in self._windows.items():
            for plane in sorted(planes.intersection(range(start, start + len(data)))):
                values = data[plane - start]
                good = np.isfinite(values)
                self._sums[middle][good] += values[good]
                self._counts[middle] += good

    def widths(self) -> Mapping[float, Array]:
        """Return the FWHM, arcsec, that the stars of the middle window have in each window."""
        images = {middle: self._image(middle) for middle in self._windows}
        image, good = images[sorted(images)[len(images) // 2]]
        width = self._fwhm / self._pixel
        stars = find_stars(image, good, fwhm=width) if good.any() else ()
        found: dict[float, Array] = {}
        for middle, (at, seen) in images.items():
            fitted = (centred(at, seen, star.x, star.y, fwhm=width) for star in stars)
            found[middle] = np.array([star.fwhm * self._pixel for star in fitted if star is not None])
        return found

    def _image(self, middle: float) -> tuple[Array, NDArray[np.bool_]]:
        count = self._counts[middle]
        image: Array = self._sums[middle] / np.maximum(count, 1)
        return image, count > SEEN * max(1, len(self._windows[middle]))


def figures(
    product_id: str, homogenised: Homogenised, models: tuple[Modelled, ...], widths: Mapping[float, Array]
) -> list[Quality]:
    """Return the rows about a mosaic.

    Parameters
    ----------
    models, widths
        Of ``modelled`` and ``StarWatch``.
    """
    return [
        Quality(product_id=product_id, figure=str(figure), part=part, measured=value, error=error, unit=unit, n=n)
        for figure, part, value, error, unit, n in _told(homogenised, models, widths)
        if math.isfinite(value)
    ]


Told = tuple[Figure, str, float, float | None, str | None, int | None]


def _told(homogenised: Homogenised, models: tuple[Modelled, ...], widths: Mapping[float, Array]) -> Iterator[Told]:
    yield Figure.PSF_TARGET, "", homogenised.fwhm, None, ARCSEC, len(homogenised.pointings)
    stars = [one.star for one in models]
    worst = max(stars, key=lambda star: abs(star.encircled - 1))
    yield Figure.PSF_ENCIRCLED, "", worst.encircled, None, None, None
    yield Figure.PSF_PEAK, "", max(stars, key=lambda star: abs(star.peak - 1)).peak, None, None, None
    yield Figure.NOISE_GAIN, "", max(star.noise_gain for star in stars), None, None, None
    for one in models:
        part = f"{one.pointing_id} {one.wavelength:.0f}"
        yield Figure.PSF_FWHM, part, one.star.fwhm, None, ARCSEC, None
        yield Figure.PSF_ENCIRCLED, part, one.star.encircled, None, None, None
        yield Figure.PSF_PEAK, part, one.star.peak, None, None, None
        yield Figure.NOISE_GAIN, part, one.star.noise_gain, None, None, None
    for name, of in homogenised.noise.items():
        for wavelength, noise in of.items():
            for width, factor in zip(SUMS, noise.sums, strict=True):
                yield Figure.NOISE_OF_SUMS, f"{name} {wavelength:.0f} {width} x {width}", factor, None, None, None
    for middle, found in widths.items():
        if found.size:
            scatter = float(found.std(ddof=1) / math.sqrt(found.size)) if found.size > 1 else None
            part = f"{middle - WIDTH / 2:.0f}-{middle + WIDTH / 2:.0f}"
            yield Figure.STAR_FWHM, part, float(np.median(found)), scatter, ARCSEC, int(found.size)
