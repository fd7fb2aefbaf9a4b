"""A job of many tiles for tests: the sum over all planes of a cube, and a diary of which tile was computed by whom."""

import os
import signal
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archive import products
from archive.archive import Archive
from archive.checkpoints import Arrays, folder_of
from archive.cube import Cube
from archive.execution import Progress
from archive.products import NewFile, Publication
from processing.tiles import Tiling, compute_tiles
from schema.jobs import Job
from schema.products import Product
from schema.provenance import Activity

SHAPE = (6, 8, 10)
TILES = 20


class Entry(NamedTuple):
    """A line of the diary: the tile, and by which process and in which network it was computed."""

    tile: int
    pid: int
    network: str


def order(archive: Archive, folder: Path, **more: Any) -> dict[str, Any]:
    """Put a cube into the store, and return the parameters of the job."""
    path = folder / "cube.fits"
    if not path.exists():
        write(path, np.random.default_rng(1).normal(100, 10, SHAPE).astype(np.float32))
    stored = archive.store.put(path)
    return {"sha256": stored.sha256, "image": f"image-{folder.name}", "diary": str(folder / "diary"), **more}


def write(path: Path, voxels: NDArray[np.float32]) -> None:
    """Write a cube."""
    from astropy.io import fits

    from tests.support.cubes import AXES

    header = fits.Header({**AXES, "CRPIX1": 1.0, "CRPIX2": 1.0})
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(voxels, header, name="DATA")]).writeto(path)


def expected(folder: Path) -> NDArray[np.float32]:
    """What the image must be: the same sums, done undisturbed and all at once."""
    from astropy.io import fits

    total: NDArray[np.float32] = np.sum(fits.getdata(folder / "cube.fits"), axis=0, dtype=np.float32)
    return total


def made(archive: Archive, parameters: Mapping[str, Any]) -> NDArray[np.float32]:
    """What the job has published."""
    (file,) = products.get(archive, parameters["image"]).artifacts
    image: NDArray[np.float32] = np.load(archive.store.get(file.sha256))
    return image


def diary(parameters: Mapping[str, Any]) -> list[Entry]:
    """What the diary says."""
    path = Path(parameters["diary"])
    lines = path.read_text().splitlines() if path.exists() else []
    return [Entry(int(tile), int(pid), network) for tile, pid, network in map(str.split, lines)]


def finished(archive: Archive, job: Job) -> set[int]:
    """The tiles of a job whose checkpoints are there."""
    return {int(path.stem) for path in folder_of(archive.settings.root, job.work_key).glob("*/*/[0-9]*.npz")}


def total(path: Path, tiling: Tiling, parameters: Mapping[str, Any], number: int) -> Arrays:
    """Sum up a tile, which takes ``seconds``; tile ``bad`` cannot be computed while there is a file ``fault``."""
    with Cube(path) as cube:
        slab = cube.spectra(*tiling.window(number))
    time.sleep(parameters.get("seconds", 0))
    if number == parameters.get("bad") and Path(parameters["fault"]).exists():
        raise ValueError("no light at all")
    with Path(parameters["diary"]).open("a") as file:
        file.write(f"{number} {os.getpid()} {Path('/proc/self/ns/net').readlink()}\n")
    return {"total": slab.data.sum(axis=0)}


def mosaic(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Sum up all tiles, and publish the image that they make together."""
    path, tiling = archive.store.get(parameters["sha256"]), Tiling(SHAPE[1:], (2, 2))
    compute = partial(total, path, tiling, dict(parameters))
    kept = compute_tiles(archive, job_id, compute, len(tiling), depends_on=parameters["sha256"], progress=progress)
    image = np.zeros(tiling.shape, np.float32)
    for number in range(len(tiling)):
        image[tiling.window(number)] = kept.read(number)["total"]
    stored = archive.store.write(lambda target: np.save(target, image))
    name = parameters["image"]
    product = Product(product_id=name, kind="image", title=name, collection="MUSE", calib_level=3)
    activity = Activity(activity_id=job_id, name="mosaic", parameters={})
    products.publish(
        archive, Publication(product, [NewFile(stored, f"{name}.npy", name, "application/octet-stream")], activity)
    )
    kept.remove()


def touch(folder: Path, number: int) -> None:
    """Leave a file ``tile-NUMBER``, as a computation that only says that it was done."""
    (folder / f"tile-{number}").write_text(f"{os.getpid()}\n")


def touch_slowly(folder: Path, number: int) -> None:
    """Do so after a while."""
    time.sleep(0.1)
    touch(folder, number)


def touch_but_die_of(deadly: int, folder: Path, number: int) -> None:
    """Do so, but for one that nobody survives."""
    if number == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    touch(folder, number)
