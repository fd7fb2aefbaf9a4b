"""The noise of cubes that the real pipeline makes, against what STAT and the documented correlation say of it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from processing.esorex.frame import Frame
from processing.esorex.recipe import Recipe
from processing.esorex.run import run
from processing.mosaic_cards import common_drops
from processing.science.mosaic import Combination, Footprint
from processing.simulate.observation import Spectral
from processing.simulate.pixel_table import write_tables
from processing.simulate.static import write_astrometry
from tests.support import simulations

REALISATIONS = 50
SIGMA = 10.0
EXPOSURES = 2
PARAMETERS: dict[str, Any] = {
    "save": "cube", "skymethod": "none", "lambdaref": -1.0, "rvcorr": "bary", "filter": "white", "darcheck": "none",
    "autocalib": "none", "astrometry": True, "pixfrac": 0.8,
}  # fmt: skip
INSIDE = (slice(4, -4), slice(10, -10), slice(10, -10))

Cubes = NDArray[np.float64]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("esorex") is None, reason="esorex is not installed")
def test_voxels_scatter_as_stat_says_and_sums_as_the_documented_correlation_says(tmp_path: Path) -> None:
    primaries, data, variance = zip(*cubes(tmp_path), strict=True)
    drops = common_drops(primaries)
    assert drops is not None
    values, told = mosaics(list(data), list(variance))
    assert np.sqrt(values.var(axis=0, ddof=1).mean() / told.mean()) == pytest.approx(1, abs=0.1)
    for block in ((10, 1, 1), (1, 5, 5), (5, 5, 5), (10, 6, 6)):
        scatter, expected = summed(values, block).var(axis=0, ddof=1), summed(told, block).mean(axis=0)
        assert np.sqrt(scatter.mean() / expected.mean()) == pytest.approx(drops.sum_factor(block), rel=0.1)


def cubes(folder: Path) -> Iterator[tuple[fits.Header, Cubes, Cubes]]:
    """Make cubes of one exposure with the noise drawn anew each time."""
    simulation = simulations.simulation(size=6.0, spectral=Spectral(6550.0, 6600.0))
    write_tables(simulation.observation(simulation.exposures[0]), folder / "table.fits", None)
    write_astrometry(folder / "astrometry.fits", simulations.BLOCK, "WFM-NOAO-N", seed=1)
    rng = np.random.default_rng(5)
    with fits.open(folder / "table.fits") as table:
        for number in range(REALISATIONS):
            table["data"].data[:] = rng.normal(1000, SIGMA, table["data"].data.shape)
            table["stat"].data[:] = SIGMA**2
            table["dq"].data[:] = 0
            table.writeto(folder / "drawn.fits", overwrite=True)
            frames = [
                Frame(folder / "drawn.fits", "PIXTABLE_OBJECT"),
                Frame(folder / "astrometry.fits", "ASTROMETRY_WCS"),
            ]
            outcome = run(Recipe("muse_scipost", {"DATACUBE_FINAL": 1}, PARAMETERS), frames, folder / str(number))
            with fits.open(outcome.one("DATACUBE_FINAL")) as made:
                yield made[0].header, made["DATA"].data[INSIDE], made["STAT"].data[INSIDE]
            shutil.rmtree(folder / str(number))


def mosaics(data: list[Cubes], variance: list[Cubes]) -> tuple[Cubes, Cubes]:
    """Combine every two cubes."""
    depth, ny, nx = data[0].shape
    places = [Footprint(0, 0, nx, ny)] * EXPOSURES
    values, told = [], []
    for first in range(0, len(data), EXPOSURES):
        combination = Combination(places, [600.0] * EXPOSURES, (ny, nx), depth=depth)
        for number in range(EXPOSURES):
            combination.put(
                number, data[first + number].astype(np.float32), variance[first + number].astype(np.float32)
            )
        planes = combination.combine(depth)
        values.append(planes.data.astype(np.float64))
        told.append(planes.variance.astype(np.float64))
    return np.array(values), np.array(told)


def summed(cubes: Cubes, block: tuple[int, int, int]) -> Cubes:
    """Sum over blocks of the three last axes."""
    counts = [length // size for length, size in zip(cubes.shape[1:], block, strict=True)]
    whole = cubes[:, : counts[0] * block[0], : counts[1] * block[1], : counts[2] * block[2]]
    blocks = whole.reshape(-1, counts[0], block[0], counts[1], block[1], counts[2], block[2])
    total: Cubes = blocks.sum(axis=(2, 4, 6))
    return total
