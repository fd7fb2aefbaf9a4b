"""The truth beside a simulation: what was put in, as one JSON file and as images on the galaxy's grid.

What the reduction is to find of an exposure is told in the reduction's own words: offsets as an OFFSET_LIST has them,
the rotation to add to the header's angle, the line ``reference = a * muse + b``, and ``alpha``, by which the sky
continuum that was taken off has to be multiplied.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from processing.science.lines import LINES
from processing.science.lsf import SPEED_OF_LIGHT
from processing.simulate.cards import mark
from processing.simulate.exposures import Exposure
from processing.simulate.gas import DISPERSIONS, VELOCITIES
from processing.simulate.geometry import SPAXEL, Field, from_plane
from processing.simulate.night import SkyLight
from processing.simulate.reference import Band, Frame, mean_in
from processing.simulate.scene import Light, Scene

__all__ = ["FILE", "IMAGES", "grid_of", "of_exposure", "write_images", "write_truth"]

Array = NDArray[np.float64]

FILE: Final = "truth.json"
IMAGES: Final = "truth.fits"
GRID: Final = 0.2
"""Of the galaxy's grid, arcsec."""


def grid_of(corners: tuple[Array, Array]) -> Frame:
    """Return the cut-out of the galaxy's grid that holds corners, arcsec east and north: its centre is a pixel's."""
    east, north = corners
    x0, y0 = int(np.ceil(east.max() / GRID)) + 1, int(np.ceil(-north.min() / GRID)) + 1
    shape = (y0 + int(np.ceil(north.max() / GRID)) + 2, x0 + int(np.ceil(-east.min() / GRID)) + 2)
    return Frame(GRID, shape, float(x0), float(y0))


def of_exposure(exposure: Exposure, band: Band, size: float) -> dict[str, Any]:
    """Return what is true of an exposure.

    Parameters
    ----------
    band
        Of the reference: ``b``, ``alpha`` and the sky's levels hold for it.
    size
        Side of the field, arcsec.
    """
    on_earth = band.wavelengths / (1 + exposure.velocity / SPEED_OF_LIGHT)
    true, taken = (float(sky(on_earth) @ band.weights) for sky in (exposure.sky, exposure.sky_taken))
    level = float(SkyLight(exposure.sky_taken.continuum_factor, 0.0)(on_earth) @ band.weights)
    trail = exposure.trail
    return {
        "dp_id": exposure.dp_id,
        "pointing": exposure.place.name,
        "observing_block": exposure.block.observing_block_id,
        "rank": exposure.rank,
        "exptime": exposure.exptime,
        "ins_mode": exposure.place.ins_mode,
        "ra_offset": exposure.ra_offset,
        "dec_offset": exposure.dec_offset,
        "ra_offset_arcsec": exposure.ra_offset * 3600 * float(np.cos(np.radians(exposure.true.dec))),
        "dec_offset_arcsec": exposure.dec_offset * 3600,
        "rotation": exposure.rotation,
        "a": 1 / exposure.transparency,
        "b": (taken - true) / exposure.transparency,
        "alpha": 1 + (true - taken) / level,
        "transparency": exposure.transparency,
        "sky_level": true,
        "sky_level_taken": taken,
        "sky_continuum_level_taken": level,
        "sky_continuum_factor": exposure.sky.continuum_factor,
        "sky_continuum_factor_taken": exposure.sky_taken.continuum_factor,
        "sky_line_factor_taken": exposure.sky_taken.line_factor,
        "barycentric_velocity": exposure.velocity,
        "psf": asdict(exposure.psf),
        "ra": exposure.true.ra,
        "dec": exposure.true.dec,
        "position_angle": exposure.true.position_angle,
        "trail": None if trail is None else _trail(exposure, size),
    }


def write_truth(
    path: Path, scene: Scene, exposures: Sequence[Exposure], band: Band, *, size: float, about: Mapping[str, Any]
) -> None:
    """Write the truth but for images; ``about`` is what was asked for, and says where it was made smaller."""
    galaxy = scene.galaxy
    east, north = np.array([[star.east, star.north] for star in scene.stars]).reshape(-1, 2).T
    ra, dec = from_plane(east, north, galaxy.ra, galaxy.dec)
    stars = [
        {
            "ra": float(ra[n]),
            "dec": float(dec[n]),
            "flux_6500": star.flux,
            "flux_in_band": float(star.spectrum(band.wavelengths) @ band.weights),
            "temperature": star.temperature,
        }
        for n, star in enumerate(scene.stars)
    ]
    document = {
        "simulated": True,
        **about,
        "galaxy": {**asdict(galaxy), "scale_length": galaxy.scale_length, "rotation_speed": galaxy.speed},
        "populations": [
            {"name": one.name, "age": one.age, "metallicity": one.metallicity} for one in scene.populations
        ],
        "lines": [line.name for line in LINES],
        "gas": {
            group: {
                "velocity": VELOCITIES[group],
                "dispersion_diffuse": DISPERSIONS[group][0],
                "dispersion_regions": DISPERSIONS[group][1],
            }
            for group in DISPERSIONS
        },
        "band": {"filter": band.filter.name, "low": band.low, "high": band.high, "fraction": band.fraction},
        "stars": stars,
        "exposures": [of_exposure(one, band, size) for one in exposures],
    }
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def write_images(
    path: Path,
    lights: Mapping[str, Light],
    band: Band,
    grid: Frame,
    *,
    fields: Mapping[str, Field],
    size: float,
    seed: int,
) -> dict[str, float]:
    """Write images without noise, sky or clouds on the galaxy's grid; returns the sum of each pointing's field.

    Two a pointing, with its PSF, NaN outside of it and its surroundings: in the reference's band, named by the
    pointing, and the flux in H alpha.  And maps of velocities, dispersions and dust.

    Parameters
    ----------
    lights, fields
        By the pointing's name.
    size
        Side of a field, arcsec.
    """
    galaxy = next(iter(lights.values())).scene.galaxy
    y, x = np.indices(grid.shape, dtype=np.float64)
    east, north = grid.plane(x, y)
    hdus = [fits.PrimaryHDU()]
    mark(hdus[0].header, seed=seed)
    sums = {}
    for name, light in lights.items():
        image, lines = np.full((2, *grid.shape), np.nan)
        near = np.hypot(east - light.disc.east, north - light.disc.north) <= light.disc.radius
        for row in np.flatnonzero(near.any(axis=1)):
            places = east[row, near[row]], north[row, near[row]]
            image[row, near[row]] = mean_in(band, light, *places)
            lines[row, near[row]] = light.h_alpha(*places)
        hdus.append(fits.ImageHDU(image.astype(np.float32), name=name))
        hdus.append(fits.ImageHDU(lines.astype(np.float32), name=f"{name}_HA6562"))
        right, up = fields[name].spaxels(*from_plane(east, north, galaxy.ra, galaxy.dec))
        inside = np.maximum(np.abs(right), np.abs(up)) <= size / SPAXEL / 2
        sums[name] = float(np.nansum(image[inside]))
    maps = {
        "V_STARS": galaxy.stellar_velocity(east, north),
        "SIGMA_STARS": galaxy.stellar_dispersion(east, north),
        "V_GAS": galaxy.gas_velocity(east, north),
        "A_V": galaxy.dust(east, north),
    }
    hdus += [fits.ImageHDU(image.astype(np.float32), name=name) for name, image in maps.items()]
    for hdu in hdus[1:]:
        hdu.header.update(grid.cards(galaxy))
        mark(hdu.header, seed=seed)
    fits.HDUList(hdus).writeto(path)
    return sums


def _trail(exposure: Exposure, size: float) -> dict[str, Any]:
    trail = exposure.trail
    if trail is None:
        raise ValueError(f"no trail crosses {exposure.dp_id}")
    ends = np.array(trail.ends(size / SPAXEL))
    ra, dec = exposure.true.sky(ends[:, 0], ends[:, 1])
    told_ra, told_dec = exposure.told.sky(ends[:, 0], ends[:, 1])
    return {
        "ra": [float(each) for each in ra],
        "dec": [float(each) for each in dec],
        "told_ra": [float(each) for each in told_ra],
        "told_dec": [float(each) for each in told_dec],
        "flux": trail.flux,
        "fwhm_arcsec": trail.fwhm * SPAXEL,
    }
