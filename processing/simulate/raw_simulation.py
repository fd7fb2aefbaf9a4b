"""Raw frames of a simulation's exposures: the same pointings, dates, light and sky as its pixel tables have.

The chosen IFUs are only a part of the field: their middle is put where the field's middle is, for there RA and DEC
point.  Trails of satellites are left out.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processing.simulate.exposures import Exposure, chance, sky_date
from processing.simulate.geometry import FULL_SIZE, Field, plane
from processing.simulate.raw import OBJECT, SKY, Look, Night, write_raw
from processing.simulate.raw_cards import Sort, Template
from processing.simulate.raw_light import LIMITS, Light
from processing.simulate.scene import Disc, Scene, barycentric, make_scene
from processing.simulate.simulation import Simulation

__all__ = ["write_raw_frames"]

Array = NDArray[np.float64]

MOVING: Final = 40.0
"""Largest barycentric correction, km/s."""

SKY_AWAY: Final = 0.15
"""Degrees by which the sky exposure is taken beside the galaxy."""


def write_raw_frames(simulation: Simulation, folder: Path, ifus: Sequence[int]) -> Iterator[Path]:
    """Write raw frames of all exposures with their nights' calibrations, a folder a night and mode; yields the paths.

    Raises
    ------
    Refused
        An IFU does not exist.
    """
    scene = _whole_scene(simulation)
    nights: dict[str, list[Exposure]] = {}
    for exposure in simulation.exposures:
        evening = exposure.block.tpl_start - timedelta(hours=12)
        nights.setdefault(f"{evening:%Y-%m-%d}_{exposure.place.ins_mode}", []).append(exposure)
    for name, exposures in nights.items():
        first = exposures[0]
        night = Night(first.block.tpl_start, first.place.ins_mode, simulation.request.seed)
        looks = [*_skies(simulation, exposures), *(_look(simulation, scene, one) for one in exposures)]
        yield from write_raw(folder / name, night, looks, ifus)


def _whole_scene(simulation: Simulation) -> Scene:
    """Return the scene at all wavelengths that the detectors see: chance makes the same regions and stars again."""
    request = simulation.request
    galaxy = request.galaxy
    centres = [plane(np.array(one.ra), np.array(one.dec), galaxy.ra, galaxy.dec) for one in request.places]
    edge = np.array(LIMITS)
    return make_scene(
        galaxy,
        request.populations,
        fields=[(float(east), float(north)) for east, north in centres],
        size=request.size,
        wavelengths=(float(barycentric(edge, -MOVING)[0]), float(barycentric(edge, MOVING)[1])),
        rng=chance(request.seed, galaxy.name),
    )


def _look(simulation: Simulation, scene: Scene, exposure: Exposure) -> Look:
    galaxy = simulation.request.galaxy
    place = exposure.place
    east, north = plane(np.array(place.ra), np.array(place.dec), galaxy.ra, galaxy.dec)
    light: Light = scene.through(exposure.psf, Disc(float(east), float(north), FULL_SIZE / np.sqrt(2) + 1))
    return Look(
        template=_template(simulation, exposure, OBJECT),
        rank=exposure.rank + 1,
        date=exposure.date,
        true=exposure.true,
        told=exposure.told,
        centre=(galaxy.ra, galaxy.dec),
        light=light,
        sky=exposure.sky,
        transparency=exposure.transparency,
        velocity=exposure.velocity,
    )


def _skies(simulation: Simulation, exposures: Sequence[Exposure]) -> Iterator[Look]:
    """Yield the sky exposure of each block."""
    for exposure in {one.block.observing_block_id: one for one in exposures}.values():
        told = exposure.told
        field = Field(told.ra, told.dec + SKY_AWAY, told.position_angle)
        yield Look(
            template=_template(simulation, exposure, SKY),
            rank=1,
            date=sky_date(exposure.block),
            true=field,
            told=field,
            centre=(field.ra, field.dec),
            light=None,
            sky=exposure.sky_taken,
        )


def _template(simulation: Simulation, exposure: Exposure, sort: Sort) -> Template:
    block = exposure.block
    return Template(
        sort=sort,
        start=block.tpl_start,
        count=max(block.ranks) + 1,
        ins_mode=exposure.place.ins_mode,
        run_id=block.run_id,
        ob_id=block.ob_id,
        target=simulation.request.galaxy.name,
    )
