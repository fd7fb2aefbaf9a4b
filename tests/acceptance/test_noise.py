"""Exposures simulated fifty times with other noise, through the real pipeline: mosaics scatter as STAT says."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from processing.esorex.frame import Frame
from processing.esorex.grid import cutout
from processing.esorex.scipost import Exposure, cube_on_grid
from processing.exposure_stack import ExposureCube, ExposureStack
from processing.mosaic_cards import common_drops
from processing.mosaic_tasks import CLIPPING
from processing.science.drizzle_noise import Drops
from processing.science.mosaic import Combination
from processing.simulate.detector import Blemishes
from processing.simulate.observation import Spectral
from processing.simulate.pixel_table import write_tables
from processing.simulate.simulation import Simulation
from processing.simulate.static import write_astrometry, write_lsf, write_sky
from tests.support.pixel_tables import write_offsets
from tests.support.simulations import GALAXY, simulation

pytestmark = pytest.mark.slow

REALISATIONS = 50
SPECTRAL = Spectral(6560.0, 6590.0)
"""24 planes with H alpha and sky lines: the noise is not the same everywhere."""

ALL_FOUND = Blemishes(found=1.0)
"""A cosmic ray that is not found is no noise, and of two exposures nobody can tell which one was struck."""

Cubes = NDArray[np.float64]


@dataclass(frozen=True)
class Mosaics:
    """Mosaics that differ by noise alone: data and STAT, shape (realisations, planes, ny, nx), NaN outside."""

    data: Cubes
    stat: Cubes
    drops: Drops


@pytest.fixture(scope="module")
def mosaics(tmp_path_factory: pytest.TempPathFactory) -> Mosaics:
    folder = tmp_path_factory.mktemp("noise")
    made = simulation(size=12.0, scale=0.2, spectral=SPECTRAL)
    made = replace(made, exposures=tuple(replace(one, sky_taken=one.sky) for one in made.exposures))
    beside = write_beside(made, folder)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda n: mosaic(made, beside, folder / str(n), n), range(REALISATIONS)))
    data, stat, drops = zip(*done, strict=True)
    (common,) = set(drops)
    return Mosaics(np.array(data), np.array(stat), common)


def write_beside(made: Simulation, folder: Path) -> Exposure:
    """Write what the pipeline takes beside tables, the same for all realisations."""
    first = made.exposures[0]
    write_astrometry(folder / "astrometry.fits", first.block, first.place.ins_mode, seed=1)
    write_lsf(folder / "lsf.fits", first.block, first.place.ins_mode, seed=1)
    continuum, lines = write_sky(folder, first, GALAXY.name, SPECTRAL, seed=1)
    write_offsets(folder / "offsets.fits", made.exposures)
    sky = (Frame(continuum, "SKY_CONTINUUM"), Frame(lines, "SKY_LINES"))
    return Exposure(
        (), sky, (Frame(folder / "astrometry.fits", "ASTROMETRY_WCS"), Frame(folder / "lsf.fits", "LSF_PROFILE"))
    )


def mosaic(made: Simulation, beside: Exposure, folder: Path, number: int) -> tuple[Cubes, Cubes, Drops]:
    """Expose, reduce and combine with the noise of one realisation."""
    folder.mkdir()
    cubes = []
    for n, exposure in enumerate(made.exposures):
        table = folder / f"table{n}.fits"
        write_tables(replace(made.observation(exposure), realisation=number, blemishes=ALL_FOUND), table, None)
        offset = (exposure.ra_offset, exposure.dec_offset)
        part = cutout([fits.getheader(table)], (GALAXY.ra, GALAXY.dec), offset, exposure.rotation)
        outcome = cube_on_grid(
            replace(beside, tables=(table,)), folder / str(n), part=part, offsets=folder.parent / "offsets.fits"
        )
        cubes.append(ExposureCube(exposure.dp_id, outcome.one("DATACUBE_FINAL"), exposure.exptime))
        table.unlink()
    return combined(cubes)


def combined(cubes: Sequence[ExposureCube]) -> tuple[Cubes, Cubes, Drops]:
    """Combine as the mosaic's task does; only the planes of the table's wavelengths are kept."""
    with ExposureStack(cubes) as stack, ThreadPoolExecutor(1) as pool:
        planes = stack.shape[0]
        seconds = [one.exptime for one in cubes]
        combination = Combination(stack.footprints(), seconds, stack.shape[1:], depth=planes, clipping=CLIPPING)
        stack.put(combination, 0, planes, pool)
        made, drops = combination.combine(planes), common_drops(stack.primaries)
        inside = (stack.wavelengths() > SPECTRAL.low) & (stack.wavelengths() < SPECTRAL.high)
        assert drops is not None
        return made.data[inside].astype(np.float64), made.variance[inside].astype(np.float64), drops


def test_voxels_scatter_as_stat_says(mosaics: Mosaics) -> None:
    ratio = scatter(mosaics, (1, 1, 1))
    assert ratio.size > 50_000
    assert np.sqrt(np.mean(ratio)) == pytest.approx(1, abs=0.1)
    assert np.sqrt(np.median(ratio)) == pytest.approx(1, abs=0.1)


def test_bright_and_faint_voxels_do_so_alike(mosaics: Mosaics) -> None:
    ratio, stat = scatter(mosaics, (1, 1, 1)), blocks(mosaics.stat, (1, 1, 1)).mean(axis=0)
    stat = stat[np.isfinite(stat)]
    for part in np.array_split(np.argsort(stat), 5):
        assert np.sqrt(ratio[part].mean()) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("block", [(1, 3, 3), (3, 1, 1), (3, 3, 3), (12, 6, 6)])
def test_sums_scatter_as_the_documented_correlation_says(mosaics: Mosaics, block: tuple[int, int, int]) -> None:
    ratio = scatter(mosaics, block)
    assert ratio.size > 50
    assert np.sqrt(ratio.mean()) == pytest.approx(mosaics.drops.sum_factor(block), rel=0.1)
    assert np.sqrt(ratio.mean()) > 1.04  # or there was nothing to correct


def scatter(mosaics: Mosaics, block: tuple[int, int, int]) -> Cubes:
    """The variance of sums over the realisations, in units of what their voxels' STAT sums up to; whole blocks only."""
    sums, told = blocks(mosaics.data, block), blocks(mosaics.stat, block).mean(axis=0)
    ratio = sums.var(axis=0, ddof=1) / told
    found: Cubes = ratio[np.isfinite(ratio)]
    return found


def blocks(cubes: Cubes, block: tuple[int, int, int]) -> Cubes:
    """Sum over blocks of the three last axes."""
    counts = [length // size for length, size in zip(cubes.shape[1:], block, strict=True)]
    whole = cubes[:, : counts[0] * block[0], : counts[1] * block[1], : counts[2] * block[2]]
    parts = whole.reshape(-1, counts[0], block[0], counts[1], block[1], counts[2], block[2])
    total: Cubes = parts.sum(axis=(2, 4, 6))
    return total
