"""What the tasks of the cascade do: inputs from the archive, science on slabs, products out through the one door."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from astropy.io import fits
from PIL import Image

from archive import products
from archive.archive import Archive
from archive.cube import Cube
from archive.execution import Progress
from archive.products import NewFile, Publication
from archive.store import Stored
from processing import image_file
from processing.bands import WHITE, image_product
from processing.filters import FILTER_LIST, Curve, read_curve
from processing.image_file import Band
from processing.order import Order, Work
from processing.science import preview
from processing.science.bands import BandImage, BandImages, filter_fraction, plane_weights, white
from processing.science.gap import AO_GAPS
from schema.products import Product, Role
from schema.provenance import Activity, Used

__all__ = ["BAND_IMAGES", "band_images"]

BAND_IMAGES: Final = 1
"""Version of what ``band_images`` computes: to be raised when that changes, so that its images are made again."""

FITS: Final = "application/fits"
PNG: Final = "image/png"


def band_images(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Make images of a cube in the bands of the order, all in one pass, with their previews.

    Raises
    ------
    Refused
        The cube or a filter is not there.
    """
    work = Work(archive, Order.from_parameters("band_images", parameters), job_id, version=BAND_IMAGES)
    (product,) = work.inputs
    outstanding = {given["filter"]: name for name, given in work.outstanding().items()}
    curves = {name: read_curve(archive.settings.data, name) for name in outstanding if name != WHITE}
    source = next(a for a in product.artifacts if a.role == Role.THIS)
    with Cube(archive.store.get(source.sha256, source.location)) as cube:
        for name, image in _images(cube, list(outstanding), curves, product.ins_mode, progress).items():
            curve = curves.get(name)
            hdus = image_file.image_hdus(cube, image, _band(name, cube, curve), source=source.file_name)
            files = {} if curve is None else {"FILTER_LIST": (FILTER_LIST.name, curve.md5)}
            made_by = work.record(outstanding[name], role="CUBE", software=f"numpy/{np.__version__}", files=files)
            _publish(archive, product, name, image, hdus=hdus, made_by=made_by)


def _images(
    cube: Cube, filters: Sequence[str], curves: Mapping[str, Curve], ins_mode: str | None, progress: Progress
) -> dict[str, BandImage]:
    weights = {
        name: white(cube.wavelengths) if name == WHITE else plane_weights(curves[name].band, cube.wavelengths)
        for name in filters
    }
    if not weights:
        return {}
    planes, rows, columns = cube.shape
    total = BandImages(weights, cube.wavelengths, (rows, columns), gap=AO_GAPS.get(ins_mode or ""))
    told = 0.0
    for slab in cube.slabs():
        total.add(slab.start, slab.data, slab.variance, slab.mask)
        fraction = (slab.start + len(slab.data)) / planes
        if fraction - told >= 0.1:
            progress(fraction, f"{fraction:.0%} of {planes} planes")
            told = fraction
    return total.images()


def _band(name: str, cube: Cube, curve: Curve | None) -> Band:
    if curve is None:
        return Band(name, "ANCILLARY.IMAGE.WHITELIGHT", 1.0)
    return Band(name, "ANCILLARY.IMAGE", filter_fraction(curve.band, cube.wavelengths), curve.zero_point)


def _publish(
    archive: Archive,
    cube: Product,
    band: str,
    image: BandImage,
    *,
    hdus: fits.HDUList,
    made_by: tuple[Activity, list[Used]],
) -> None:
    """Publish an image; the picture of the white one stands for its cube too."""
    product = image_product(cube, band)
    stored = archive.store.write(lambda target: image_file.write(hdus, target))
    file = NewFile(
        stored=stored,
        artifact_id=f"{product.product_id}.fits",
        file_name=f"{product.product_id}.fits",
        media_type=FITS,
        headers=image_file.header_texts(hdus),
    )
    picture = _store_png(archive, preview.grey(image.image))
    publication = Publication(
        product=product,
        files=[file, _preview(product.product_id, picture)],
        activity=made_by[0],
        used=made_by[1],
        remakes=True,
        pictures={cube.product_id: _preview(cube.product_id, picture)} if band == WHITE else {},
    )
    products.publish(archive, publication)


def _preview(product_id: str, stored: Stored) -> NewFile:
    name = f"{product_id}.png"
    return NewFile(stored=stored, artifact_id=name, file_name=name, media_type=PNG, role=Role.PREVIEW)


def _store_png(archive: Archive, pixels: np.ndarray[Any, Any]) -> Stored:
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, format="PNG", optimize=True)
    return archive.store.write(lambda target: target.write(encoded.getvalue()))
