"""Which exposures are simulated, and what is wrong with each: pointing, rotation, transparency, sky, trails.  Pure.

Every exposure has its own chance, drawn from the seed and its name: what goes wrong with one does not depend on how
many others there are.  Only who is turned and who is crossed by a satellite is decided among all.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from astropy.time import Time
from numpy.typing import NDArray

from processing.science.psf import AO_BETA, NO_AO_BETA, Psf
from processing.simulate.earth import SIDEREAL, airmass, barycentric_velocity, sidereal_time
from processing.simulate.geometry import SPAXEL, Field
from processing.simulate.night import SkyLight

__all__ = ["Block", "Exposure", "Place", "Trail", "chance", "plan", "sky_date", "sky_dp_id"]

Array = NDArray[np.float64]

EXPTIME: Final = 645.0
SKY_EXPTIME: Final = 120.0
BEFORE_SKY: Final = 15.0
BEFORE_OBJECTS: Final = 180.0
OVERHEAD: Final = 75.0
"""Seconds: a template begins with its sky exposure, then takes the objects one after the other."""

LARGEST_OFFSET: Final = 1.0
ROTATED: Final = 0.2
ROTATION: Final = (0.1, 0.3)
"""Part of the exposures that are turned, and by how many degrees."""

TRANSPARENCY: Final = (0.86, 1.02)
SKY: Final = (0.94, 1.06)
SKY_TAKEN: Final = (0.10, 0.18)
"""How far the level of the offset sky is from that of the exposures, either way."""

LINES_TAKEN: Final = 0.003
CROSSED: Final = 0.15
"""Part of the exposures that a satellite crosses."""


@dataclass(frozen=True)
class Block:
    """An observing block: a start of the template, UTC, and the ranks of the exposures in the mosaic."""

    observing_block_id: str
    tpl_start: datetime
    run_id: str
    ob_id: int
    ranks: tuple[int, ...]


@dataclass(frozen=True)
class Place:
    """A pointing of the survey: degrees, arcsec, mode of the instrument, and its blocks.

    ``ra`` and ``dec`` are where its fields are simulated.
    """

    name: str
    ra: float
    dec: float
    fwhm: float
    ins_mode: str
    position_angle: float
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Trail:
    """A satellite's trail in spaxels from the middle of a field: where its normal points, how far off it passes.

    ``angle`` in radians from the x axis; ``flux`` on the line per spaxel, 1e-20 erg/s/cm2/Angstrom; ``fwhm`` in
    spaxels.
    """

    angle: float
    distance: float
    flux: float
    fwhm: float

    def light(self, x: Array, y: Array) -> Array:
        """Return the flux per spaxel at places in spaxels from the middle."""
        off = x * np.cos(self.angle) + y * np.sin(self.angle) - self.distance
        light: Array = self.flux * np.exp(-4 * np.log(2) * (off / self.fwhm) ** 2)
        return light

    def ends(self, reach: float) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return two points of the line, ``reach`` spaxels either way from where it is nearest to the middle."""
        near = np.array([np.cos(self.angle), np.sin(self.angle)]) * self.distance
        along = np.array([-np.sin(self.angle), np.cos(self.angle)]) * reach
        first, last = near - along, near + along
        return (float(first[0]), float(first[1])), (float(last[0]), float(last[1]))


@dataclass(frozen=True)
class Exposure:
    """An exposure: where it looked, where its header says that it looked, and through what.

    ``sky`` is over it, ``sky_taken`` is what the offset sky of its block told; ``velocity`` is the telescope's towards
    what it looks at, km/s: what is to be added to velocities seen.  ``sidereal`` is the local sidereal time at the
    start, in seconds, ``airmass`` is that at start and end.
    """

    dp_id: str
    date: datetime
    rank: int
    exptime: float
    place: Place
    block: Block
    true: Field
    told: Field
    psf: Psf
    transparency: float
    sky: SkyLight
    sky_taken: SkyLight
    trail: Trail | None
    velocity: float
    sidereal: float
    airmass: tuple[float, float]

    @property
    def mjd(self) -> float:
        """Start, modified Julian date."""
        return float(Time(self.date).mjd)

    @property
    def ra_offset(self) -> float:
        """What an OFFSET_LIST has to say: degrees of right ascension to take off the header's."""
        return (self.told.ra - self.true.ra + 180) % 360 - 180

    @property
    def dec_offset(self) -> float:
        """The same of declination."""
        return self.told.dec - self.true.dec

    @property
    def rotation(self) -> float:
        """Degrees to add to the header's position angle."""
        return self.true.position_angle - self.told.position_angle


def plan(places: Sequence[Place], *, size: float, seed: int, most: int | None = None) -> tuple[Exposure, ...]:
    """Return the exposures of pointings, at most so many each, in order of time.

    Parameters
    ----------
    size
        Side of the field, arcsec: trails cross it.
    """
    wanted = sorted(_wanted(places, most), key=lambda one: one[3])
    rng = chance(seed, "which exposures")
    turned = _chosen(len(wanted), ROTATED, rng)
    crossed = _chosen(len(wanted), CROSSED, rng)
    return tuple(
        _exposure(*one, size=size, seed=seed, is_turned=n in turned, is_crossed=n in crossed)
        for n, one in enumerate(wanted)
    )


def chance(seed: int, *words: str | int) -> np.random.Generator:
    """Return the generator that belongs to a seed and a name."""
    name = zlib.crc32("/".join(str(word) for word in words).encode())
    return np.random.default_rng([seed, name])


def sky_dp_id(block: Block) -> str:
    """Return the identifier of a block's sky exposure."""
    return _dp_id(sky_date(block))


def sky_date(block: Block) -> datetime:
    """Return when a block's sky exposure began."""
    return _date(block, BEFORE_SKY)


def _wanted(places: Sequence[Place], most: int | None) -> Iterator[tuple[Place, Block, int, datetime]]:
    for place in places:
        ranks = [(block, rank) for block in place.blocks for rank in block.ranks]
        for block, rank in ranks[:most]:
            yield place, block, rank, _date(block, BEFORE_OBJECTS + (rank - 1) * (EXPTIME + OVERHEAD))


def _date(block: Block, seconds: float) -> datetime:
    """Return a moment so long after a template's start; the milliseconds tell exposures apart."""
    thousandths = zlib.crc32(f"{block.observing_block_id}+{seconds}".encode()) % 1000
    return block.tpl_start + timedelta(seconds=seconds, milliseconds=thousandths)


def _dp_id(date: datetime) -> str:
    return f"MUSE.{date.isoformat(timespec='milliseconds')}"


def _chosen(count: int, part: float, rng: np.random.Generator) -> frozenset[int]:
    """Choose so many of all, and at least one of three."""
    number = max(round(part * count), 1 if count >= 3 else 0)
    return frozenset(int(one) for one in rng.permutation(count)[:number])


def _exposure(
    place: Place, block: Block, rank: int, date: datetime, *, size: float, seed: int, is_turned: bool, is_crossed: bool
) -> Exposure:
    rng = chance(seed, _dp_id(date))
    distance, direction = LARGEST_OFFSET * np.sqrt(rng.uniform(0.05, 1)), rng.uniform(0, 2 * np.pi)
    rotation = rng.choice((-1, 1)) * rng.uniform(*ROTATION)
    told = place.position_angle + 90.0 * (rank - 1)
    true = Field(place.ra, place.dec, told + (rotation if is_turned else 0.0))
    told_ra = place.ra + distance * np.sin(direction) / 3600 / np.cos(np.radians(place.dec))
    told_field = Field(float(told_ra) % 360, float(place.dec + distance * np.cos(direction) / 3600), told)
    transparency, sky = rng.uniform(*TRANSPARENCY), rng.uniform(*SKY)
    trail = _trail(size, place.fwhm, rng)
    return Exposure(
        dp_id=_dp_id(date),
        date=date,
        rank=rank,
        exptime=EXPTIME,
        place=place,
        block=block,
        true=true,
        told=told_field,
        psf=Psf(place.fwhm, AO_BETA if "-AO-" in place.ins_mode else NO_AO_BETA),
        transparency=float(transparency),
        sky=SkyLight(float(sky), 1.0),
        sky_taken=_sky_taken(block, seed),
        trail=trail if is_crossed else None,
        velocity=barycentric_velocity(place.ra, place.dec, date + timedelta(seconds=EXPTIME / 2)),
        sidereal=(sidereal := sidereal_time(date)),
        airmass=(
            airmass(place.ra, place.dec, sidereal),
            airmass(place.ra, place.dec, sidereal + EXPTIME * SIDEREAL),
        ),
    )


def _sky_taken(block: Block, seed: int) -> SkyLight:
    rng = chance(seed, block.observing_block_id, "sky")
    off = rng.choice((-1, 1)) * rng.uniform(*SKY_TAKEN)
    return SkyLight(float(1 + off), float(1 + rng.uniform(-LINES_TAKEN, LINES_TAKEN)))


def _trail(size: float, fwhm: float, rng: np.random.Generator) -> Trail:
    distance = rng.uniform(-0.3, 0.3) * size / SPAXEL
    return Trail(rng.uniform(0, np.pi), float(distance), rng.uniform(60, 200), float(np.hypot(fwhm, 0.6)) / SPAXEL)
