"""What maps are made from: a cube that can be fitted, the galaxy in it, and the templates of stars."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np

from archive import observations
from archive.archive import Archive
from archive.cube import Cube, NotACube, WaveKind
from archive.errors import Refused
from archive.settings import Settings
from processing.alignment_product import file_of
from processing.noise_file import NOISE_FILE, read_noise
from processing.phase3.units import flux_unit
from processing.science.errors import NoOverlap, Unmeasurable
from processing.science.lsf import SPEED_OF_LIGHT
from processing.science.redshift import systemic_velocity
from processing.science.shared_noise import SharedNoise, SumNoise
from processing.science.star_model import model_of
from processing.science.star_spectra import StarSettings, StarSpectra
from processing.science.stellar_templates import Library
from processing.stellar_library import MODELS, Selection, current_library, select
from schema.products import Product

__all__ = [
    "EBV",
    "TEMPLATES",
    "VELOCITY",
    "Galaxy",
    "Origin",
    "Templates",
    "check_coverage",
    "facts",
    "fitted_planes",
    "galaxy_of",
    "open_cube",
    "shared_noise",
    "templates_of",
]

TEMPLATES: Final = "TEMPLATES"
VELOCITY: Final = "survey_velocity"
EBV: Final = "survey_ebv"
"""Names of what stars depend on beside their cube."""

BRIGHT: Final = 75.0
FAINT: Final = 25.0
"""Percentiles of a field's light: what is in the one and not in the other is the galaxy's, not what the sky left."""


class Origin(StrEnum):
    """Who told a velocity or a reddening; of a reddening that nobody told, 0 is assumed."""

    GIVEN = "GIVEN"
    SURVEY = "SURVEY"
    SPECTRUM = "SPECTRUM"
    ASSUMED = "ASSUMED"


@dataclass(frozen=True)
class Galaxy:
    """What fits must be told: systemic velocity (c z, km/s), the Milky Way's E(B-V), and who told them."""

    velocity: float
    ebv: float
    velocity_from: Origin
    ebv_from: Origin


@dataclass(frozen=True)
class Templates:
    """The templates that stars are fitted with: their folder, which were taken, and a checksum of their files."""

    folder: Path
    selection: Selection
    md5: str

    def read(self) -> Library:
        """Return the templates themselves; read once while the files are the same."""
        return current_library(self.folder)


def templates_of(settings: Settings) -> Templates:
    """Return the templates that the settings name, else those of the data packages.

    Raises
    ------
    Refused
        There are none.
    """
    folder = settings.templates or settings.data / MODELS
    selection = select(folder)
    return Templates(folder, selection, selection.md5)


def facts(archive: Archive, cube: Product) -> dict[str, Any]:
    """Return what the stars of a cube depend on beside it: the survey's row of the galaxy, and the templates.

    Templates that are not here are left out: they cannot have changed.
    """
    said = observations.find_target(archive.database, cube.target) if cube.target else None
    found: dict[str, Any] = {
        VELOCITY: None if said is None or said.systemic_velocity is None else float(said.systemic_velocity),
        EBV: None if said is None else float(said.ebv),
    }
    with suppress(Refused):
        found[TEMPLATES] = templates_of(archive.settings).md5
    return found


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


def galaxy_of(
    product: Product,
    cube: Cube,
    library: Library,
    known: Mapping[str, Any],
    *,
    velocity: float | None = None,
    ebv: float | None = None,
) -> Galaxy:
    """Return what fits must be told of the galaxy in a cube.

    Parameters
    ----------
    library
        To look for its velocity with, where nobody tells it.
    known
        What the survey says: the cube's ``facts``.
    velocity, ebv
        What somebody gives instead, km/s and mag.

    Raises
    ------
    Refused
        No velocity stands out.
    """
    speed, speed_from = _told(velocity, known[VELOCITY])
    dust, dust_from = _told(ebv, known[EBV])
    if speed is None:
        try:
            speed, speed_from = round(_seen_velocity(cube, library), 1), Origin.SPECTRUM
        except Unmeasurable as error:
            raise Refused(f"{product.product_id}: {error}; give it with --set stars.velocity=...") from error
    if dust is None:
        dust, dust_from = 0.0, Origin.ASSUMED
    return Galaxy(speed, dust, speed_from, dust_from)


def _told(given: float | None, said: float | None) -> tuple[float | None, Origin]:
    return (said, Origin.SURVEY) if given is None else (float(given), Origin.GIVEN)


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


def check_coverage(cube: Cube, velocity: float, library: Library, settings: StarSettings) -> None:
    """See that cube and templates reach far enough for the fits of stars.

    Raises
    ------
    Refused
        They do not.
    """
    wavelength = cube.wavelengths[fitted_planes(cube, velocity, settings.wavelengths)]
    one = np.ones((1, wavelength.size))
    try:
        model_of(StarSpectra(wavelength, one, one, one > 0, velocity), library, settings)
    except NoOverlap as error:
        raise Refused(str(error)) from error


def shared_noise(archive: Archive, product: Product, cube: Cube) -> SharedNoise:
    """Return what is told of noise that neighbouring spaxels share: none if nothing is.

    Of a homogenised mosaic its file of noise says it by place and wavelength, else the header everywhere.
    """
    told = next((one for one in product.artifacts if one.file_name.endswith(NOISE_FILE) and one.lost is None), None)
    if told is not None:
        return read_noise(archive.store.get(told.sha256, told.location))
    return SharedNoise.everywhere(_by_header(cube))


def _by_header(cube: Cube) -> SumNoise:
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
    return SumNoise.none() if drops is None else SumNoise.of_drops(drops.sky)
