"""What maps are made from: a cube that can be fitted, the galaxy in it, and the templates of stars."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from archive import survey
from archive.archive import Archive
from archive.cube import Cube, NotACube, WaveKind
from archive.errors import Refused
from archive.settings import Settings
from processing.alignment_product import file_of
from processing.phase3.units import flux_unit
from processing.science.bins import SumNoise
from processing.science.errors import Unmeasurable
from processing.science.lsf import SPEED_OF_LIGHT
from processing.science.redshift import systemic_velocity
from processing.science.stellar_templates import Library
from processing.stellar_library import MODELS, Selection, models_in, read_library
from schema.products import Product

__all__ = ["Galaxy", "Templates", "fitted_planes", "galaxy_of", "open_cube", "shared_noise", "templates_of"]

BRIGHT: Final = 75.0
FAINT: Final = 25.0
"""Percentiles of a field's light: what is in the one and not in the other is the galaxy's, not what the sky left."""


@dataclass(frozen=True)
class Galaxy:
    """What fits must be told: systemic velocity (c z, km/s), the Milky Way's E(B-V), and whether the survey said so."""

    velocity: float
    ebv: float
    of_survey: bool


@dataclass(frozen=True)
class Templates:
    """The templates that stars are fitted with: their folder, which were taken, and a checksum of their names."""

    folder: Path
    selection: Selection

    @property
    def md5(self) -> str:
        """Of the files that were taken."""
        digest = hashlib.md5(usedforsecurity=False)
        for model in self.selection.models:
            digest.update(model.path.name.encode() + model.path.read_bytes())
        return digest.hexdigest()

    def read(self) -> Library:
        """Return the templates themselves; read once a process."""
        return _library(self.folder)


def templates_of(settings: Settings) -> Templates:
    """Return the templates that the settings name, else those of the data packages.

    Raises
    ------
    Refused
        There are none.
    """
    folder = settings.templates or settings.data / MODELS
    _, selection = read_library(folder)
    return Templates(folder, selection)


@cache
def _library(folder: Path) -> Library:
    return read_library(folder)[0]


@contextmanager
def open_cube(archive: Archive, product: Product) -> Iterator[Cube]:
    """Open a cube that can be fitted.

    Raises
    ------
    Refused
        It is none, has no variance, another unit, or wavelengths in vacuum: all lines of the survey are in air.
    """
    try:
        with Cube(file_of(archive, product)) as cube:
            flux_unit(cube.unit or "")
            if cube.wave_kind != WaveKind.AIR:
                raise Refused(
                    f"{product.product_id}: its wavelengths are in vacuum, those of lines and templates in air"
                )
            if not cube.has_variance:
                raise Refused(f"{product.product_id}: it has no variance (STAT), without which nothing can be fitted")
            yield cube
    except NotACube as error:
        raise Refused(f"{product.product_id} is no cube: {error}") from error


def galaxy_of(archive: Archive, product: Product, cube: Cube, library: Library) -> Galaxy:
    """Return what the survey's tables tell of the galaxy; of any other its velocity is taken from its spectrum.

    Raises
    ------
    Refused
        No velocity stands out.
    """
    record = survey.find_target(archive.database, product.target) if product.target else None
    if record is not None and record.target.systemic_velocity is not None:
        return Galaxy(float(record.target.systemic_velocity), float(record.target.ebv), of_survey=True)
    try:
        velocity = _seen_velocity(cube, library)
    except Unmeasurable as error:
        raise Refused(f"{product.product_id}: {error}") from error
    return Galaxy(round(velocity, 1), 0.0 if record is None else float(record.target.ebv), of_survey=False)


def _seen_velocity(cube: Cube, library: Library) -> float:
    """Take the velocity from what the bright spaxels have and the faint ones lack."""
    total, count = np.zeros(cube.shape[1:]), np.zeros(cube.shape[1:], dtype=np.int64)
    for slab in cube.slabs():
        good = np.isfinite(slab.data) if slab.mask is None else ~slab.mask
        total += np.where(good, slab.data, 0.0).sum(axis=0, dtype=np.float64)
        count += good.sum(axis=0)
    seen = count > cube.shape[0] / 2
    light = np.divide(total, count, out=np.full(total.shape, np.nan), where=seen)
    if seen.sum() < 2:
        raise Unmeasurable("there is no spectrum to take a velocity from")
    faint, bright = np.percentile(light[seen], (FAINT, BRIGHT))
    chosen = seen & (light >= bright), seen & (light <= faint)
    spectrum = np.full(cube.shape[0], np.nan)
    for slab in cube.slabs():
        good = np.isfinite(slab.data) if slab.mask is None else ~slab.mask
        for place, (plane, its) in enumerate(zip(slab.data, good, strict=True), slab.start):
            parts = [plane[its & where] for where in chosen]
            if all(part.size for part in parts):
                spectrum[place] = parts[0].mean(dtype=np.float64) - parts[1].mean(dtype=np.float64)
    return systemic_velocity(cube.wavelengths, spectrum, np.isfinite(spectrum), library)


def fitted_planes(cube: Cube, velocity: float, wavelengths: tuple[float, float]) -> slice:
    """Return the planes between two wavelengths at rest with a galaxy.

    Raises
    ------
    Refused
        The cube has none.
    """
    at_rest = cube.wavelengths / (1 + velocity / SPEED_OF_LIGHT)
    within = np.flatnonzero((at_rest >= wavelengths[0]) & (at_rest <= wavelengths[1]))
    if within.size == 0:
        low, high = wavelengths
        raise Refused(
            f"the cube reaches from {at_rest[0]:.0f} to {at_rest[-1]:.0f} Angstrom at rest, "
            f"and {low:g} to {high:g} are fitted"
        )
    return slice(int(within[0]), int(within[-1]) + 1)


def shared_noise(cube: Cube) -> SumNoise:
    """Return what the header tells of noise that neighbouring spaxels share; none if it tells nothing."""
    from processing.homogenising import SUMS
    from processing.mosaic_cards import PREFIX, common_drops

    prefix = PREFIX.removeprefix("HIERARCH ")
    sums = {width: cube.primary.get(f"{prefix} NOISE SUM{width}") for width in SUMS}
    if all(isinstance(each, float) for each in sums.values()):
        long = float(cube.primary.get(f"{prefix} NOISE PLANE", sums[SUMS[-1]]))
        return SumNoise.of_squares({**{float(w): float(f) for w, f in sums.items()}, 10.0 * SUMS[-1]: long})
    sky = cube.primary.get(f"{prefix} DROP SKY")
    if isinstance(sky, float) and 0 < sky <= 1:
        return SumNoise.of_drops(sky)
    drops = common_drops([cube.primary])
    return SumNoise() if drops is None else SumNoise.of_drops(drops.sky)


def names_of(templates: Templates) -> str:
    """Return how many models of which family were taken, for headers."""
    return f"{len(templates.selection.models)} of {models_in(templates.folder)[0].family}"
