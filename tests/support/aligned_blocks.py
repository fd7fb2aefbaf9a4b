"""A block of two exposures in an archive before it is aligned: images of a drawn field, sky, reference."""

import io
from collections.abc import Sequence
from datetime import datetime
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
from processing.filters import pivot, read_curve
from schema.exposures import Exposure
from schema.products import Product
from schema.provenance import Activity
from tests.support.pointings import MIDDLE, POINTING, SIZE, SKY, Truth, images, wcs

Array = NDArray[np.float64]

TARGET: Final = "NGC1385"
BAND: Final = "Cousins_R"
DP_IDS: Final = ("MUSE.2019-10-06T08:09:01.500", "MUSE.2019-10-06T08:20:11.001")
TRUTHS: Final = (Truth(), Truth(-1.2, 4.4, -0.15, 0.94, 3.0))
TEMPLATE: Final = datetime(2019, 10, 6, 8, 6, 1)
MJD: Final = 58762.339600694


def take_in(archive: Archive, folder: Path, *, pictures: Sequence[Array | None] = (None, None)) -> None:
    """Bring a block into an archive with the survey's log; ``pictures`` are instead of what was exposed."""
    for number, (dp_id, truth, picture) in enumerate(zip(DP_IDS, TRUTHS, pictures, strict=True)):
        image = images(truth)[0] if picture is None else picture
        publish(archive, product(dp_id, f"FIELD_{BAND}", "field_image", number), field_image(dp_id, image, number))
    publish(archive, product(DP_IDS[0], "SKY_CONTINUUM", "sky_continuum", 0), sky())
    take_in_reference(archive, folder, images(TRUTHS[0])[1], wcs())


def take_in_reference(archive: Archive, folder: Path, image: Array, grid: WCS) -> None:
    """Bring a reference in microjanskys in, instead of the one before."""
    per_microjansky = 1e-9 * 2.99792458e18 / pivot(read_curve(archive.settings.data, BAND).band) ** 2
    header = grid.to_header()
    header.update({"BUNIT": "uJy", "FILTER": BAND})
    path = folder / "reference.fits"
    fits.PrimaryHDU((image / per_microjansky).astype(np.float32), header).writeto(path, overwrite=True)
    ingest_reference(archive, path, target=TARGET, collection="SIM")


def product(dp_id: str, what: str, kind: str, number: int) -> Product:
    """A product of an exposure of the block."""
    return Product(
        product_id=f"{dp_id}_{what}",
        kind=kind,
        title=what,
        collection="SIM",
        target=TARGET,
        target_name=TARGET,
        filter=BAND if kind == "field_image" else None,
        calib_level=2,
        simulated=1,
        ra=54.37,
        dec=-24.5,
        mjd_start=MJD + number * 0.0078,
        ins_mode="WFM-NOAO-N",
        tpl_start=TEMPLATE,
        wavelength_min=4750e-10,
        wavelength_max=9350e-10,
    )


def publish(archive: Archive, one: Product, hdus: Sequence[Any]) -> None:
    """Publish a file as what came from outside."""
    target = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(target)
    stored = archive.store.write(lambda file: file.write(target.getvalue()))
    name = f"{one.product_id}.fits"
    activity = Activity(activity_id=f"{one.product_id} {stored.sha256}", name="unknown", parameters={})
    exposure = Exposure(dp_id=one.product_id.partition("_")[0], known_from="product")
    new = NewFile(stored, name, name, "application/fits")
    products.publish(archive, Publication(one, [new], activity, exposures=[exposure], replaces=True))


def field_image(dp_id: str, image: Array, number: int) -> list[Any]:
    """An image of an exposure as the task before writes it."""
    grid = wcs()
    ra, dec = grid.pixel_to_world_values(MIDDLE + POINTING[0], MIDDLE + POINTING[1])
    primary = fits.PrimaryHDU()
    primary.header.update({
        "DATE-OBS": dp_id.removeprefix("MUSE."), "MJD-OBS": MJD + number * 0.0078, "RA": float(ra), "DEC": float(dec),
        "ARCFILE": f"{dp_id}.fits",
    })  # fmt: skip
    axes = grid.to_header()
    bad = ~np.isfinite(image)
    return [
        primary,
        fits.ImageHDU(image.astype(np.float32), axes, name="DATA"),
        fits.ImageHDU(np.full((SIZE, SIZE), 4.0, np.float32), axes, name="STAT"),
        fits.ImageHDU(bad.astype(np.uint8), axes, name="DQ"),
    ]


def sky(level: float = SKY) -> list[Any]:
    """A sky continuum that is the same at all wavelengths."""
    wavelengths = np.arange(4700.0, 9400.0, 1.25)
    columns = [
        fits.Column("lambda", "D", array=wavelengths),
        fits.Column("flux", "D", array=np.full(wavelengths.size, level)),
    ]
    return [fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name="CONTINUUM")]
