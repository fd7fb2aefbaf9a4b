"""What is measured of a mosaic: one pass over its planes, one over some planes of its exposures.

Slabs go in, results of ``processing.science.quality`` come out; nothing is published or drawn here.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from archive.cube import Cube
from archive.errors import Refused
from archive.execution import Progress
from processing.exposure_stack import ExposureStack
from processing.filters import Curve
from processing.reference import Reference
from processing.science.bands import BandImages, plane_weights
from processing.science.errors import Unmeasurable
from processing.science.gap import AO_GAPS
from processing.science.mosaic import Footprint
from processing.science.motion import on_grid
from processing.science.noise import pixel_noise
from processing.science.overlaps import Overlap, Overlaps
from processing.science.quality import apertures, astrometry
from processing.science.quality.continuum import Continuum, window_within
from processing.science.quality.noise_spectrum import NoiseSpectrum, line_free
from processing.science.quality.typical import Window, windows

__all__ = ["APERTURE", "Exposures", "Planes", "Sky", "compare_exposures", "compare_with_reference", "measure_planes"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

APERTURE: Final = 5.0
"""Side of the apertures of the release's Figure 3, arcsec."""

COVERED: Final = 0.9
"""Of the planes that the best spaxels have: those with fewer lie at edges."""

PLANES_A_WINDOW: Final = 8
"""In which exposures are compared."""

THREADS: Final = 2
UNIT_MAGNITUDES: Final = 50.0
"""Of 1e-20: the list of filters tells zero points of erg/s/cm2/Angstrom, with the sign turned round."""


@dataclass(frozen=True)
class Planes:
    """What one pass over the planes of a cube tells.

    Parameters
    ----------
    noise, ratio
        Of each plane, as ``NoiseSpectrum`` has them.
    free
        Planes that lines of the galaxy do not reach.
    continuum
        Maps of noise and signal.
    image, variance
        In the reference's band, shape (ny, nx).
    covered
        Spaxels that have most planes, same shape.
    """

    wavelengths: Array
    noise: Array
    ratio: Array
    free: Mask
    continuum: Continuum
    image: Array
    variance: Array
    covered: Mask
    wcs: WCS
    pixel_scale: float


@dataclass(frozen=True)
class Sky:
    """How a mosaic's image compares with the reference; ``zero_point`` is the AB magnitude of one unit of flux."""

    apertures: apertures.Apertures
    aperture_pixels: int
    astrometry: astrometry.Astrometry
    band: str
    zero_point: float


@dataclass(frozen=True)
class Exposures:
    """How the exposures of a mosaic compare with each other.

    Parameters
    ----------
    footprints
        Of their cubes, counted from the mosaic's first pixel.
    fields
        What of these has values.
    """

    names: Sequence[str]
    footprints: Sequence[Footprint]
    fields: Sequence[Footprint]
    compared: Mapping[Window, Sequence[Overlap]]


def measure_planes(
    cube: Cube, curve: Curve, *, ins_mode: str | None, velocity: float | None, progress: Progress
) -> Planes:
    """Pass over a cube.

    Parameters
    ----------
    curve
        The reference's band.
    ins_mode
        Of the cube, which tells where it has a gap.
    velocity
        Of the galaxy, km/s, where its lines are; None if it is not known, and no plane is left out.

    Raises
    ------
    Refused
        The cube has no variance, or nothing of the band.
    """
    planes, rows, columns = cube.shape
    weights = plane_weights(curve.band, cube.wavelengths)
    if not weights.any():
        raise Refused(f"the cube has nothing of the band {curve.band.name}")
    band = {curve.band.name: weights}
    images = BandImages(band, cube.wavelengths, (rows, columns), gap=AO_GAPS.get(ins_mode or ""))
    noise = NoiseSpectrum(cube.shape)
    continuum = Continuum(cube.wavelengths, (rows, columns), window_within(cube.wavelengths))
    count = np.zeros((rows, columns), dtype=np.int32)
    for slab in cube.slabs():
        if slab.variance is None:
            raise Refused("the cube has no variance: there is nothing to hold its noise against")
        given = (slab.start, slab.data, slab.variance, slab.mask)
        images.add(*given)
        noise.add(*given)
        continuum.add(*given)
        count += len(slab.data) if slab.mask is None else (~slab.mask).sum(axis=0, dtype=np.int32)
        done = slab.start + len(slab.data)
        progress(done / planes, f"{done} of {planes} planes measured")
    image = images.images()[curve.band.name]
    free = np.ones(planes, np.bool_) if velocity is None else line_free(cube.wavelengths, velocity)
    return Planes(
        wavelengths=cube.wavelengths,
        noise=noise.told,
        ratio=noise.ratio,
        free=free,
        continuum=continuum,
        image=image.image,
        variance=np.full(image.image.shape, np.nan) if image.variance is None else image.variance,
        covered=~image.mask & (count >= COVERED * max(1, int(count.max()))),
        wcs=cube.celestial,
        pixel_scale=cube.pixel_scale(),
    )


def compare_with_reference(planes: Planes, reference: Reference, curve: Curve) -> Sky:
    """Compare magnitudes in apertures, and the places of stars.

    Raises
    ------
    Refused
        The reference does not reach the field.
    """
    rows, columns = planes.image.shape
    try:
        there = on_grid(reference.image, reference.wcs, grid=planes.wcs, shape=(rows, columns))
    except Unmeasurable as error:
        raise Refused(f"magnitudes cannot be compared: {error}") from error
    side = max(1, round(APERTURE / planes.pixel_scale))
    good = planes.covered & np.isfinite(there)
    its_noise = float(np.sqrt(np.nanmedian(planes.variance[good]))) if good.any() else float("nan")
    return Sky(
        apertures=apertures.compare(
            planes.image, there, good=good, noise=(its_noise, pixel_noise(there, good)), side=side
        ),
        aperture_pixels=side**2,
        astrometry=astrometry.compare(planes.image, planes.wcs, reference.image, reference.wcs, good=planes.covered),
        band=curve.band.name,
        zero_point=UNIT_MAGNITUDES - curve.zero_point,
    )


def compare_exposures(stack: ExposureStack, names: Sequence[str], *, progress: Progress) -> Exposures:
    """Compare all exposures that overlap, in some planes of each window of wavelengths.

    Raises
    ------
    Refused
        An exposure has no variance.
    """
    footprints, wavelengths = stack.footprints(), stack.wavelengths()
    every = windows(wavelengths)
    compared: dict[Window, Sequence[Overlap]] = {}
    with ThreadPoolExecutor(THREADS) as pool:
        for number, window in enumerate(every):
            overlaps = Overlaps(footprints)
            inside = np.flatnonzero(window.of(wavelengths))
            chosen = np.linspace(0, inside.size - 1, min(PLANES_A_WINDOW, inside.size)).round().astype(int)
            for plane in inside[chosen].tolist() if overlaps.pairs else ():
                _compare(stack, overlaps, plane, pool)
            compared[window] = overlaps.results()
            progress((number + 1) / len(every), f"exposures compared at {window} Angstrom")
        middle = len(wavelengths) // 2
        fields = list(pool.map(lambda n: _field(stack, n, footprints[n], middle), range(len(footprints))))
    return Exposures(names, footprints, fields, compared)


def _field(stack: ExposureStack, number: int, place: Footprint, plane: int) -> Footprint:
    """Return the part of an exposure's cube that has values in a plane; all of it where none has."""
    data, _ = stack.values(number, plane, plane + 1)
    rows, columns = np.nonzero(np.isfinite(data[0]))
    if not rows.size:
        return place
    x, y = int(columns.min()), int(rows.min())
    return Footprint(place.x + x, place.y + y, int(columns.max()) + 1 - x, int(rows.max()) + 1 - y)


def _compare(stack: ExposureStack, overlaps: Overlaps, plane: int, pool: ThreadPoolExecutor) -> None:
    numbers = sorted({number for pair in overlaps.pairs for number in pair})
    read = pool.map(lambda n: stack.values(n, plane, plane + 1), numbers)
    held = {n: (data[0], variance[0]) for n, (data, variance) in zip(numbers, read, strict=True)}
    list(pool.map(lambda pair: overlaps.add(pair, held[pair[0]], held[pair[1]]), overlaps.pairs))
