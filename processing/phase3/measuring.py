"""What is measured on a cube and its images for its header: one pass through the cube, in slabs."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from archive.cube import Cube
from archive.errors import Refused
from processing.phase3.facts import Measured
from processing.science.phase3_numbers import (
    Depth,
    SeenThrough,
    exposure_time,
    limiting_magnitude,
    resolving_power,
    sky_resolution,
)
from schema.exposures import Exposure
from schema.observations import Pointing

__all__ = ["measure", "median_exposure", "point_source"]

ANGSTROMS_A_NANOMETRE: Final = 10.0

Pixels = NDArray[np.float64]


def measure(cube: Cube, white: Path, *, mode: str | None, resolution: tuple[float, float | None]) -> Measured:
    """Read a cube through and return what its header says of it.

    Parameters
    ----------
    cube, white
        The cube, and the file of its white-light image.
    mode
        Of the instrument.
    resolution
        FWHM of a point source and its error, arcsec.

    Raises
    ------
    Refused
        It has no variance, or nothing in it.
    """
    depth, seen = Depth(), SeenThrough(cube.wavelengths)
    for slab in cube.slabs():
        seen.add(slab.start, slab.data, slab.mask)
        if slab.variance is not None:
            depth.add(slab.variance, slab.mask)
    limits, noise = seen.limits(mode), depth.noise()
    if limits is None:
        raise Refused(f"{cube.path.name}: nothing in the cube is good")
    if math.isnan(noise):
        raise Refused(f"{cube.path.name}: the cube has no variance")
    fwhm, error = resolution
    image, variance, good = _image(white)
    depth_of_image = limiting_magnitude(image, variance, good, fwhm=fwhm, pixel=cube.pixel_scale(), wavelengths=limits)
    if math.isnan(depth_of_image):
        raise Refused(f"{white.name}: the noise of the white image cannot be told")
    low, high = limits
    return Measured(
        wavelength_min=low / ANGSTROMS_A_NANOMETRE,
        wavelength_max=high / ANGSTROMS_A_NANOMETRE,
        resolving_power=resolving_power((low + high) / 2),
        sky_resolution=fwhm,
        sky_resolution_error=error,
        limiting_magnitude=depth_of_image,
        pixel_noise=noise,
    )


def median_exposure(path: Path) -> float:
    """Return the median of an exposure map over what was exposed.

    Raises
    ------
    Refused
        It has no image, or nothing was exposed.
    """
    median = exposure_time(_image(path)[0])
    if math.isnan(median):
        raise Refused("the exposure map says that nothing was exposed")
    return median


def point_source(
    exposures: Sequence[Exposure], pointings: Sequence[Pointing], given: float | None
) -> tuple[float, float | None]:
    """Return the FWHM of a point source and its error, arcsec.

    What a header or the homogenisation says; else the mean over the pointings of the exposures, weighted with the
    exposure times, as the survey measured them; else what the telescope tells, as ESO's pipeline takes it.
    """
    if given is not None:
        return given, None
    widths = {one.pointing_id: one.psf_fwhm for one in pointings}
    known = [(widths[e.pointing_id], e.exptime or 0.0) for e in exposures if e.pointing_id in widths]
    if known and sum(weight for _, weight in known) > 0:
        values, weights = np.array(known).T
        mean = float(np.average(values, weights=weights))
        scatter = math.sqrt(float(np.average((values - mean) ** 2, weights=weights)))
        return mean, scatter or None
    return sky_resolution(
        [e.ia_fwhm_linear for e in exposures],
        [e.airmass_start for e in exposures],
        [e.exptime or 0.0 for e in exposures],
        monitor=[seen for e in exposures for seen in (e.dimm_fwhm_start, e.dimm_fwhm_end)],
    )


def _image(path: Path) -> tuple[Pixels, Pixels | None, NDArray[np.bool_]]:
    """Return image, variance and where it is good."""
    with fits.open(path, memmap=False) as hdus:
        flat = {hdu.name: hdu.data for hdu in hdus if hdu.is_image and hdu.data is not None and hdu.data.ndim == 2}
    if not flat:
        raise Refused(f"{path.name}: no image of two axes")
    data = _double(flat.get("DATA", next(iter(flat.values()))))
    good = np.isfinite(data)
    if (quality := flat.get("DQ")) is not None:
        good &= quality == 0
    variance = flat.get("STAT")
    return data, None if variance is None else _double(variance), good


def _double(pixels: NDArray[Any]) -> Pixels:
    return pixels.astype(np.float64)
