"""The grid of a galaxy, on which all its exposures become cubes: they differ by whole pixels and can be combined.

The grid has no edges: a tangential projection about the catalogue's centre of the galaxy, pixels of 0.2 arcsec with the
centre in the middle of one, planes of 1.25 Angstrom from 4700.  Every exposure is a cut-out of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from astropy.coordinates import angular_separation
from astropy.io import fits
from astropy.wcs import WCS

from archive.errors import Refused

__all__ = ["STEP", "Cutout", "cutout", "write_output_wcs"]

SCALE: Final = 0.2 / 3600
FIRST: Final = 4700.0
LAST: Final = 9400.0
STEP: Final = 1.25
COARSE: Final = 100.0
"""Angstrom: wavelengths begin and end at multiples of it, so that exposures of one mode have the same planes."""

FARTHEST: Final = 0.5
"""Degrees from the centre of a galaxy: what lies beyond is of another, or the centre is."""

MARGIN: Final = 12
"""Pixels around the field: drops reach beyond the centres of spaxels, and astrometry moves the field by a few."""


@dataclass(frozen=True)
class Cutout:
    """A part of a galaxy's grid.

    Parameters
    ----------
    ra, dec
        The galaxy's centre, degrees, which is the middle of pixel (0, 0) of the grid.
    x, y
        Grid pixel of the first column and row.
    shape
        Planes, rows, columns.
    first
        Wavelength of the first plane, Angstrom.
    """

    ra: float
    dec: float
    x: int
    y: int
    shape: tuple[int, int, int]
    first: float

    @property
    def header(self) -> fits.Header:
        """The axes, as the pipeline takes them: CDi_j, all numbers with decimal points."""
        planes, rows, columns = self.shape
        return fits.Header({
            "NAXIS1": columns, "NAXIS2": rows, "NAXIS3": planes,
            "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CTYPE3": "AWAV",
            "CUNIT1": "deg", "CUNIT2": "deg", "CUNIT3": "Angstrom",
            "CRVAL1": float(self.ra), "CRVAL2": float(self.dec), "CRVAL3": float(self.first),
            "CRPIX1": float(1 - self.x), "CRPIX2": float(1 - self.y), "CRPIX3": 1.0,
            "CD1_1": -SCALE, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": SCALE, "CD3_3": STEP,
            "CD1_3": 0.0, "CD2_3": 0.0, "CD3_1": 0.0, "CD3_2": 0.0,
        })  # fmt: skip


def cutout(
    tables: Sequence[fits.Header], centre: tuple[float, float], offset: tuple[float, float], rotation: float
) -> Cutout:
    """Return the part of a galaxy's grid that an exposure covers.

    Parameters
    ----------
    tables
        Primary headers of its PIXTABLE_OBJECT: one, or one an IFU.
    centre
        The galaxy's, degrees.
    offset
        RA_OFFSET and DEC_OFFSET as the pipeline subtracts them, degrees.
    rotation
        Degrees to be added to the derotator's angle.

    Raises
    ------
    Refused
        A table does not say how far it reaches, or the exposure lies off the grid.
    """
    table, edges = tables[0], {axis: _limits(tables, axis) for axis in ("X", "Y", "LAMBDA")}
    ra, dec = table["RA"] - offset[0], table["DEC"] - offset[1]
    away = math.degrees(angular_separation(*map(math.radians, (ra, dec, *centre))))
    if away > FARTHEST:
        raise Refused(f"the exposure at {ra:.4f} {dec:.4f} lies {away:.1f} degrees from the centre of its galaxy")
    half_x, half_y = ((high - low) / 2 for low, high in (edges["X"], edges["Y"]))
    angle = -math.radians(table.get("ESO INS DROT POSANG", 0.0) + rotation)
    field = WCS(naxis=2)
    field.wcs.ctype, field.wcs.crval, field.wcs.crpix = ["RA---TAN", "DEC--TAN"], [ra, dec], [1.0, 1.0]
    field.wcs.cd = SCALE * np.array([[-math.cos(angle), -math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    corners = [(x, y) for x in (-half_x, half_x) for y in (-half_y, half_y)]
    sky = field.all_pix2world(corners, 0)
    x, y = _grid(centre).all_world2pix(sky, 0).T
    low = math.floor(edges["LAMBDA"][0] / COARSE) * COARSE
    high = math.ceil(edges["LAMBDA"][1] / COARSE) * COARSE
    first, last = max(FIRST, low), min(LAST, high)
    if first >= last:
        raise Refused(f"the exposure at {ra:.4f} {dec:.4f}, {low:g} to {high:g} Angstrom, lies off its galaxy's grid")
    left, bottom = math.floor(x.min()) - MARGIN, math.floor(y.min()) - MARGIN
    right, top = math.ceil(x.max()) + MARGIN, math.ceil(y.max()) + MARGIN
    shape = (round((last - first) / STEP) + 1, top - bottom + 1, right - left + 1)
    return Cutout(centre[0], centre[1], left, bottom, shape, first)


def write_output_wcs(path: Path, part: Cutout) -> fits.Header:
    """Write a cube of nothing with the axes of a cut-out, for tag OUTPUT_WCS; returns the axes.

    It is compressed to almost nothing and takes no memory: all voxels are one.
    """
    axes = part.header
    nothing = np.broadcast_to(np.int16(0), part.shape)
    header = fits.Header([card for card in axes.cards if not card.keyword.startswith("NAXIS")])
    hdu = fits.CompImageHDU(nothing, header, tile_shape=(1, *part.shape[1:]))
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    return axes


def _grid(centre: tuple[float, float]) -> WCS:
    grid = WCS(naxis=2)
    grid.wcs.ctype, grid.wcs.crval, grid.wcs.crpix = ["RA---TAN", "DEC--TAN"], list(centre), [1.0, 1.0]
    grid.wcs.cd = SCALE * np.array([[-1.0, 0.0], [0.0, 1.0]])
    return grid


def _limits(tables: Sequence[fits.Header], axis: str) -> tuple[float, float]:
    key = f"ESO DRS MUSE PIXTABLE LIMITS {axis}"
    try:
        return min(float(one[f"{key} LOW"]) for one in tables), max(float(one[f"{key} HIGH"]) for one in tables)
    except KeyError as error:
        raise Refused(f"a pixel table does not say its limits: {error.args[0]}") from error
