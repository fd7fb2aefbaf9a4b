"""Simulate exposures of a galaxy into a folder: the whole sequence, one exposure after the other."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archive.errors import Refused
from processing.science.bands import Filter
from processing.simulate import truth
from processing.simulate.exposures import Exposure, Place, chance, plan
from processing.simulate.galaxy import Galaxy
from processing.simulate.geometry import SPAXEL, Field, Layout, layout, plane
from processing.simulate.observation import Observation, Spectral
from processing.simulate.pixel_table import write_tables
from processing.simulate.reference import Band, band_of, take_reference, write_reference
from processing.simulate.scene import Disc, Light, Scene, barycentric, make_scene
from processing.simulate.static import write_astrometry, write_lsf, write_sky
from processing.simulate.templates import Population

__all__ = ["OUTPUTS", "Request", "Simulation", "prepare", "write"]

Array = NDArray[np.float64]

TABLES: Final = ("object", "reduced")
OUTPUTS: Final = (*TABLES, "raw")
"""Pixel tables before and after sky subtraction, and raw frames of some IFUs with their calibrations."""

AROUND: Final = 10.0
"""Arcsec by which the reference reaches beyond the fields."""

MOVING: Final = 40.0
"""Largest barycentric correction, km/s."""


@dataclass(frozen=True)
class Request:
    """What is to be simulated.

    Parameters
    ----------
    places
        Pointings, at the places where their fields are simulated.
    size
        Side of a field, arcsec.
    scale
        How much smaller the mosaic of pointings is than the real one.
    band
        Filter of the reference.
    most
        Exposures a pointing at most; all of the log by default.
    realisation
        Another number gives other noise on the same exposures.
    """

    galaxy: Galaxy
    places: tuple[Place, ...]
    size: float
    scale: float
    spectral: Spectral
    band: Filter
    populations: tuple[Population, ...]
    seed: int
    most: int | None = None
    realisation: int = 0
    ifus: tuple[int, ...] = (1, 10)


@dataclass(frozen=True)
class Simulation:
    """What a request comes to."""

    request: Request
    exposures: tuple[Exposure, ...]
    layout: Layout
    scene: Scene
    band: Band
    lights: dict[str, Light]
    corners: tuple[Array, Array]

    def observation(self, exposure: Exposure) -> Observation:
        """Return one of the exposures with all that its rows follow from."""
        request, galaxy = self.request, self.request.galaxy
        return Observation(
            exposure=exposure,
            target=galaxy.name,
            centre=(galaxy.ra, galaxy.dec),
            light=self.lights[exposure.place.name],
            layout=self.layout,
            spectral=request.spectral,
            seed=request.seed,
            scale=request.scale,
            realisation=request.realisation,
        )


def prepare(request: Request) -> Simulation:
    """Plan the exposures and make the scene.

    Raises
    ------
    Refused
        There is nothing that could be simulated so.
    """
    spectral = request.spectral
    if not 4000 <= spectral.low < spectral.high <= 10000 or not spectral.step > 0 or spectral.count < 2:
        raise Refused("wavelengths are to be two or more between 4000 and 10000 Angstrom, the lower first")
    try:
        fields = layout(request.size)
    except ValueError as error:
        raise Refused(str(error)) from error
    band = band_of(request.band, spectral.low, spectral.high)
    exposures = plan(request.places, size=request.size, seed=request.seed, most=request.most)
    if not exposures:
        raise Refused("no exposure to simulate")
    galaxy = request.galaxy
    centres = [plane(np.array(p.ra), np.array(p.dec), galaxy.ra, galaxy.dec) for p in request.places]
    edge = np.array([spectral.low - spectral.step, spectral.high + spectral.step])
    scene = make_scene(
        galaxy,
        request.populations,
        fields=[(float(east), float(north)) for east, north in centres],
        size=request.size,
        wavelengths=(float(barycentric(edge, -MOVING)[0]), float(barycentric(edge, MOVING)[1])),
        rng=chance(request.seed, galaxy.name),
    )
    radius = request.size / np.sqrt(2) + 1
    lights = {
        place.name: scene.through(
            next(e.psf for e in exposures if e.place is place), Disc(float(east), float(north), radius)
        )
        for place, (east, north) in zip(request.places, centres, strict=True)
    }
    return Simulation(request, exposures, fields, scene, band, lights, _corners(exposures, request))


def write(
    simulation: Simulation,
    out: Path,
    *,
    outputs: Sequence[str] = TABLES,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Write everything into a folder that is not there or empty, whole or not at all; ``tell`` hears of each file.

    Raises
    ------
    Refused
        The folder holds something, or cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Refused(f"{out} is there already: a simulation goes into a folder of its own")
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        for path in _write_all(simulation, part, outputs):
            tell(str(path.relative_to(part)))
        if out.exists():
            out.rmdir()
        part.rename(out)
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_all(simulation: Simulation, out: Path, outputs: Sequence[str]) -> Iterator[Path]:
    yield from _write_beside(simulation, out)
    yield from _write_truth(simulation, _in(out, "truth"))
    for exposure in simulation.exposures:
        before = _in(out, "pixtables") / f"{exposure.dp_id}_PIXTABLE_OBJECT.fits" if "object" in outputs else None
        after = _in(out, "reduced") / f"{exposure.dp_id}_PIXTABLE_REDUCED.fits" if "reduced" in outputs else None
        if before or after:
            write_tables(simulation.observation(exposure), before, after)
        yield from filter(None, (before, after))
    if "raw" in outputs:
        from processing.simulate.raw_simulation import write_raw_frames  # it builds on this module

        yield from write_raw_frames(simulation, _in(out, "raw"), simulation.request.ifus)


def _write_beside(simulation: Simulation, out: Path) -> Iterator[Path]:
    """Write what belongs to all exposures, or to a block of them."""
    request, exposures = simulation.request, simulation.exposures
    galaxy, seed, first = request.galaxy, request.seed, exposures[0]
    path = _in(out, "static") / "ASTROMETRY_WCS.fits"
    write_astrometry(path, first.block, first.place.ins_mode, seed=seed)
    yield path
    path = out / "static" / "LSF_PROFILE.fits"
    write_lsf(path, first.block, first.place.ins_mode, seed=seed)
    yield path
    for exposure in {one.block.observing_block_id: one for one in exposures}.values():
        yield from write_sky(_in(out, "sky"), exposure, galaxy.name, request.spectral, seed=seed)
    path = _in(out, "reference") / f"{galaxy.name}_{simulation.band.filter.name}.fits"
    rng = chance(seed, galaxy.name, "reference")
    taken = take_reference(simulation.scene, simulation.band, corners=simulation.corners, margin=AROUND, rng=rng)
    write_reference(path, taken, galaxy, seed=seed)
    yield path


def _write_truth(simulation: Simulation, folder: Path) -> Iterator[Path]:
    request = simulation.request
    grid = truth.grid_of(simulation.corners)
    path = folder / truth.IMAGES
    fields = {one.name: Field(one.ra, one.dec, one.position_angle) for one in request.places}
    sums = truth.write_images(
        path, simulation.lights, simulation.band, grid, fields=fields, size=request.size, seed=request.seed
    )
    yield path
    about = {
        "target": request.galaxy.name,
        "seed": request.seed,
        "realisation": request.realisation,
        "size": request.size,
        "scale": request.scale,
        "wavelengths": [request.spectral.low, request.spectral.high, request.spectral.step],
        "pointings": [place.name for place in request.places],
        "flux_in_field": sums,
    }
    path = folder / truth.FILE
    truth.write_truth(path, simulation.scene, simulation.exposures, simulation.band, size=request.size, about=about)
    yield path


def _in(out: Path, name: str) -> Path:
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _corners(exposures: Sequence[Exposure], request: Request) -> tuple[Array, Array]:
    """Return the corners of all fields, arcsec east and north, those where they are and those where they are told."""
    half = request.size / SPAXEL / 2
    x, y = np.array([-half, half, half, -half]), np.array([-half, -half, half, half])
    galaxy = request.galaxy
    corners = [plane(*field.sky(x, y), galaxy.ra, galaxy.dec) for one in exposures for field in (one.true, one.told)]
    return np.concatenate([east for east, _ in corners]), np.concatenate([north for _, north in corners])
