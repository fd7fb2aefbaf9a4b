"""A small galaxy as a cube of known truth: stars that rotate, gas that rotates otherwise, dust before both."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from archive import products, survey
from archive.archive import Archive
from archive.products import NewFile, Publication
from processing.science.extinction import correction
from processing.science.lines import Group
from schema.products import Product
from schema.provenance import Activity
from tests.support import star_spectra
from tests.support.cubes import AXES, HEADER
from tests.support.line_spectra import FREE, LIGHT, gas

Array = NDArray[np.float64]

TARGET: Final = "NGC1385"
SHAPE: Final = (20, 24)
GRID: Final[Array] = 4750 + 1.25 * np.arange(1900, dtype=np.float64)
UNIT: Final = "10**(-20)*erg/s/cm**2/Angstrom"
CENTRE: Final = 300.0
"""Light of the stars in the middle; ``SIGMA`` is the noise of a voxel."""

SIGMA: Final = 10.0
SCALE: Final = 8.0
EMPTY: Final = (slice(0, 2), slice(0, 3))
"""A corner that nobody observed."""


@dataclass(frozen=True)
class Galaxy:
    """Of each spaxel, shape (ny, nx): velocities relative to the systemic one and dispersions, km/s; fluxes of lines.

    ``cube`` and ``variance`` have the shape (planes, ny, nx), as observed.
    """

    systemic: float
    ebv: float
    velocity: Array
    sigma: Array
    gas_velocity: Array
    gas_sigma: Array
    fluxes: Array
    cube: NDArray[np.float32]
    variance: NDArray[np.float32]


def simulate(*, systemic: float, ebv: float, seed: int = 1, centre: float = CENTRE) -> Galaxy:
    """Draw the galaxy."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(SHAPE, dtype=np.float64)
    y, x = y - SHAPE[0] / 2, x - SHAPE[1] / 2
    radius = np.hypot(x, y)
    velocity, sigma = 60 * x / (radius + 4), 110 - 2 * radius
    gas_velocity = 90 * x / (radius + 3)
    gas_sigma = np.stack((35 + radius, 45 + radius, 40 + radius), axis=-1)
    strength = centre * (0.4 + 4 * np.exp(-((radius - 6) ** 2) / 8))
    fluxes = strength[..., np.newaxis] * rng.uniform(0.4, 2.0, len(FREE))
    stars = _stars(velocity, sigma, centre * np.exp(-radius / SCALE), systemic)
    flat = np.repeat(gas_velocity[..., np.newaxis], len(Group), axis=2).reshape(-1, len(Group))
    lines = gas(GRID, fluxes.reshape(-1, len(FREE)), flat, gas_sigma.reshape(-1, len(Group)), systemic)
    light = (stars + lines) / correction(GRID, ebv)
    cube = (light + SIGMA * rng.normal(size=light.shape)).T.reshape(GRID.size, *SHAPE).astype(np.float32)
    cube[(slice(None), *EMPTY)] = np.nan
    variance = np.full(cube.shape, np.float32(SIGMA**2))
    return Galaxy(systemic, ebv, velocity, sigma, gas_velocity, gas_sigma, fluxes, cube, variance)


def write(
    path: Path,
    galaxy: Galaxy,
    *,
    kind: str = "AWAV",
    unit: str = UNIT,
    stat: bool = True,
    voxels: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
) -> Path:
    """Write the cube as a file; ``voxels`` are other data and variance."""
    data, variance = voxels or (galaxy.cube, galaxy.variance)
    axes = {**AXES, "CRPIX1": (SHAPE[1] + 1) / 2, "CRPIX2": (SHAPE[0] + 1) / 2, "CTYPE3": kind, "BUNIT": unit}
    header = fits.Header({**axes, "CRVAL3": float(GRID[0]), "CD3_3": 1.25})
    primary = fits.Header({**HEADER, "OBJECT": TARGET, "HIERARCH ESO OBS TARG NAME": TARGET})
    hdus = [fits.PrimaryHDU(header=primary), fits.ImageHDU(data, header, name="DATA")]
    if stat:
        hdus.append(fits.ImageHDU(variance, header, name="STAT"))
    fits.HDUList(hdus).writeto(path)
    return path


def of_survey(archive: Archive, **more: Any) -> Galaxy:
    """Draw the galaxy with the velocity and the reddening that the survey tells."""
    record = survey.find_target(archive.database, TARGET)
    assert record is not None
    assert record.target.systemic_velocity is not None
    return simulate(systemic=float(record.target.systemic_velocity), ebv=float(record.target.ebv), **more)


def take_in(
    archive: Archive,
    path: Path,
    *,
    resolution: str = "native",
    target: str | None = TARGET,
    shape: tuple[int, int] = SHAPE,
) -> str:
    """Publish a cube as the mosaic of the galaxy; returns its identifier."""
    name = f"{TARGET}_DATACUBE_{resolution}"
    product = Product(
        product_id=name,
        kind="cube",
        title=name,
        collection="SIM",
        target=target,
        target_name=TARGET,
        resolution=resolution,
        calib_level=3,
        simulated=1,
        exptime=2400.0,
        mjd_start=58762.3,
        mjd_end=58762.31,
        flux_unit=UNIT,
        pixel_scale=0.2,
        n_y=shape[0],
        n_x=shape[1],
        n_wavelength=GRID.size,
        wavelength_min=float(GRID[0]) * 1e-10,
        wavelength_max=float(GRID[-1]) * 1e-10,
        wavelength_kind="AWAV",
    )
    stored = archive.store.put(path)
    activity = Activity(activity_id=f"{name} {stored.sha256}", name="unknown", parameters={})
    new = NewFile(stored, f"{name}.fits", f"{name}.fits", "application/fits")
    products.publish(archive, Publication(product, [new], activity, replaces=True))
    return name


def _stars(velocity: Array, sigma: Array, level: Array, systemic: float) -> Array:
    """Return the stars' light of all spaxels on the pixels, shape (spaxels, planes)."""
    fine, models = star_spectra._drawn()
    mixed = models[[3, 14, 22]].mean(axis=0)
    spread = star_spectra._on_pixels(tuple(GRID), systemic)
    at = star_spectra._observed(systemic) - np.log1p(systemic / LIGHT)
    rows = []
    for v, s, bright in zip(velocity.ravel(), sigma.ravel(), level.ravel(), strict=True):
        moved = gaussian_filter1d(mixed, s / star_spectra.STEP, truncate=7.0)
        seen = spread @ np.asarray(CubicSpline(fine, moved)(at - v / LIGHT))
        rows.append(bright * seen / seen.mean())
    return np.array(rows)
