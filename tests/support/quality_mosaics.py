"""The mosaic of a small survey galaxy in an archive, with its exposures and its reference, and all faults put in."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

from archive import products
from archive.archive import Archive
from archive.products import NewFile, Publication
from ingest.reference import ingest_reference
from processing.plan import make_plan
from processing.quality_task import QUALITY, quality
from processing.task import own_file
from schema.products import Product
from schema.provenance import Activity
from tests.support import exposure_cubes

Array = NDArray[np.float64]

TARGET: Final = "NGC1385"
MOSAIC: Final = f"{TARGET}_DATACUBE_native"
REPORT: Final = f"{TARGET}_QUALITY_native"
BAND: Final = "Cousins_R"
UNIT: Final = "10**(-20)*erg/s/cm**2/Angstrom"
PLANES, SIDE, SHIFT = 24, 110, 90
"""Planes from 6500 Angstrom on; pixels of an exposure, and how far the neighbours of the first field lie from it."""

SIGMA: Final = 4.0
EXPOSURES: Final = (
    ("MUSE.2019-10-06T08:09:01.500", 0),
    ("MUSE.2019-10-06T08:20:11.001", 0),
    ("MUSE.2019-10-07T08:09:01.500", SHIFT),
    ("MUSE.2019-10-07T08:20:11.001", SHIFT),
)
"""With the first column of each."""


@dataclass(frozen=True)
class Faults:
    """What is wrong with the mosaic.

    Parameters
    ----------
    noise
        Real noise in units of what variances tell.
    bias
        By how much the second field is too bright, in sigmas of a difference.
    magnitude
        Mosaic minus reference.
    north
        The same for declination, arcsec.
    """

    noise: float = 1.12
    bias: float = 0.4
    magnitude: float = 0.05
    north: float = 0.06


def take_in(archive: Archive, folder: Path, faults: Faults, *, stars: bool = True, seed: int = 1) -> None:
    """Bring exposures, mosaic and reference into an archive with the survey's log."""
    rng = np.random.default_rng(seed)
    light, columns = sky(stars=stars), SHIFT + SIDE
    total, count = np.zeros((PLANES, SIDE, columns)), np.zeros((SIDE, columns))
    for dp_id, first in EXPOSURES:
        part = slice(first, first + SIDE)
        data = light[:, part] + rng.normal(0, SIGMA * faults.noise, (PLANES, SIDE, SIDE))
        data += faults.bias * SIGMA * np.sqrt(2) * (first > 0)
        total[:, :, part] += data
        count[:, part] += 1
        path = folder / f"{dp_id}_{seed}.fits"
        write(path, data, np.full(data.shape, SIGMA**2), first)
        publish(archive, f"{dp_id}_CUBE", "exposure_cube", path)
    mosaic = total / count
    path = folder / f"mosaic_{seed}.fits"
    write(path, mosaic, np.broadcast_to(SIGMA**2 / count, mosaic.shape), 0)
    publish(archive, MOSAIC, "cube", path)
    take_in_reference(archive, folder, light * 10 ** (0.4 * faults.magnitude), faults.north)


def take_in_reference(archive: Archive, folder: Path, image: Array, north: float) -> None:
    """Bring a reference in whose stars lie south of the mosaic's."""
    with fits.open(folder / "mosaic_1.fits") as hdus:
        axes = WCS(hdus["DATA"].header).celestial.to_header()
    axes["CRVAL2"] -= north / 3600
    axes.update({"BUNIT": UNIT, "FILTER": BAND})
    noisy = image + np.random.default_rng(9).normal(0, 0.3, image.shape)
    path = folder / "reference.fits"
    fits.PrimaryHDU(noisy.astype(np.float32), axes).writeto(path, overwrite=True)
    ingest_reference(archive, path, target=TARGET, collection="SIM")


def sky(*, stars: bool = True) -> Array:
    """A galaxy with stars, shape (SIDE, SHIFT + SIDE)."""
    y, x = np.indices((SIDE, SHIFT + SIDE), dtype=np.float64)
    light = 20 + 80 * np.exp(-((y - 60) ** 2 + (x - 90) ** 2) / 60**2)
    for x0 in range(20, SHIFT + SIDE - 15, 25) if stars else ():
        for y0 in range(20, SIDE - 15, 25):
            place = x0 + 0.31 * y0 % 1, y0 + 0.17 * x0 % 1
            light += 400 * (1 + ((x - place[0]) ** 2 + (y - place[1]) ** 2) / 4.5**2) ** -2.8
    return light


def write(path: Path, data: Array, variance: Array, first: int) -> None:
    """Write a cube whose first column is ``first`` on the grid."""
    planes = (each.astype(np.float32) for each in (data, variance))
    exposure_cubes.write(path, *planes, corner=(first, 0), CRVAL3=6500.0, BUNIT=UNIT)


def publish(archive: Archive, name: str, kind: str, path: Path) -> None:
    """Publish a cube as one that came from outside, in place of the one before."""
    product = Product(
        product_id=name,
        kind=kind,
        title=name,
        collection="SIM",
        target=TARGET,
        target_name=TARGET,
        resolution="native",
        calib_level=3,
        simulated=1,
        exptime=600.0,
        flux_unit=UNIT,
        ins_mode="WFM-NOAO-N",
        n_y=SIDE,
        n_x=SHIFT + SIDE,
    )
    stored = archive.store.put(path)
    activity = Activity(activity_id=f"{name} {stored.sha256}", name="unknown", parameters={})
    new = NewFile(stored, f"{name}.fits", f"{name}.fits", "application/fits")
    products.publish(archive, Publication(product, [new], activity, replaces=True))


def replace_without_variance(archive: Archive, folder: Path) -> None:
    """Put a mosaic in the place of the one that is there that says nothing of its noise."""
    path = folder / "bare.fits"
    data = np.ones((PLANES, SIDE, SHIFT + SIDE), np.float32)
    exposure_cubes.write(path, data, None, CRVAL3=6500.0, BUNIT=UNIT)
    publish(archive, MOSAIC, "cube", path)


def measure(archive: Archive, job_id: str = "job") -> None:
    """Do what the plan says is due."""
    do(archive, order(archive), job_id)


def do(archive: Archive, parameters: dict[str, Any], job_id: str) -> None:
    """Do a job in this process."""
    quality(archive, parameters, job_id, lambda _fraction, _words: None)


def order(archive: Archive) -> dict[str, Any]:
    """Return the parameters of the one job that is due."""
    (step,) = make_plan(archive, [TARGET], tasks=(QUALITY,)).steps
    return step.order.to_parameters()


def file_of(archive: Archive, product_id: str) -> bytes:
    """The file of a product."""
    file = own_file(products.get(archive, product_id))
    assert file is not None
    return archive.store.get(file.sha256).read_bytes()
