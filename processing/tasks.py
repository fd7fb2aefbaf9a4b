"""What the tasks of the cascade do: inputs from the archive, science on slabs, products out through the one door."""

import io
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from astropy.io import fits
from PIL import Image

from archive import products
from archive.archive import Archive
from archive.cube import Cube
from archive.execution import Progress
from archive.products import NewFile, Publication, activity_id
from archive.store import Stored
from musevault import __version__
from processing import image_file
from processing.filters import FILTER_LIST, Curve, read_curve
from processing.image_file import Band
from processing.names import image_id
from processing.science import preview
from processing.science.bands import BandImage, BandImages, filter_fraction, plane_weights, white
from processing.science.gap import AO_GAPS
from schema.products import Product, Role
from schema.provenance import Activity, Used

__all__ = ["WHITE", "band_images"]

WHITE: Final = "white"
FITS: Final = "application/fits"
PNG: Final = "image/png"


def band_images(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Make images of a cube in the given bands, all in one pass, with their previews.

    Parameters are ``product``, the cube's identifier, and ``filters``, names of bands: ``white`` or a filter's.

    Raises
    ------
    Refused
        The cube or a filter is not there.
    """
    started = _now()
    product = products.get(archive, parameters["product"])
    filters = [name for name in parameters["filters"] if products.find(archive, image_id(product, name)) is None]
    curves = {name: read_curve(archive.settings.data, name) for name in filters if name != WHITE}
    source = next(a for a in product.artifacts if a.role == Role.THIS)
    with Cube(archive.store.get(source.sha256)) as cube:
        images = _images(cube, filters, curves, product.ins_mode, progress)
        for name, image in images.items():
            band = _band(name, cube, curves.get(name))
            activity, used = _activity(product, name, curves.get(name), job_id, started)
            hdus = image_file.image_hdus(cube, image, band, source=source.file_name)
            _publish(archive, product, band, image, hdus=hdus, made_by=(activity, used))
    _show(archive, product)


def _show(archive: Archive, cube: Product) -> None:
    """Let the picture of its white image stand for a cube too; also when an earlier run died before it came to that."""
    white_image = products.find(archive, image_id(cube, WHITE))
    if white_image is None or any(a.role == Role.PREVIEW for a in cube.artifacts):
        return
    picture = next(a for a in white_image.artifacts if a.role == Role.PREVIEW)
    name = f"{cube.product_id}.png"
    stored = Stored(picture.sha256, picture.file_size)
    file = NewFile(stored=stored, artifact_id=name, file_name=name, media_type=PNG, role=Role.PREVIEW)
    products.attach(archive, cube.product_id, file)


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


def _activity(
    product: Product, name: str, curve: Curve | None, job_id: str, started: datetime
) -> tuple[Activity, list[Used]]:
    identity = activity_id("band_images", job_id, name)
    activity = Activity(
        activity_id=identity,
        name="band_images",
        software=f"musevault/{__version__} numpy/{np.__version__}",
        started=started,
        ended=_now(),
        host=socket.gethostname(),
        job_id=job_id,
        parameters={"product": product.product_id, "filter": name},
    )
    used = [Used(activity_id=identity, entity=product.product_id, product_id=product.product_id, role="CUBE")]
    if curve is not None:
        used.append(Used(activity_id=identity, entity=FILTER_LIST.name, role="FILTER_LIST", md5=curve.md5))
    return activity, used


def _publish(
    archive: Archive,
    cube: Product,
    band: Band,
    image: BandImage,
    *,
    hdus: fits.HDUList,
    made_by: tuple[Activity, list[Used]],
) -> None:
    product_id = image_id(cube, band.name)
    stored = archive.store.write(lambda target: image_file.write(hdus, target))
    file = NewFile(
        stored=stored,
        artifact_id=f"{product_id}.fits",
        file_name=f"{product_id}.fits",
        media_type=FITS,
        headers=image_file.header_texts(hdus),
    )
    publication = Publication(
        product=_image_product(cube, product_id, band),
        files=[file, _preview(archive, product_id, image)],
        activity=made_by[0],
        used=made_by[1],
    )
    products.publish(archive, publication)


def _image_product(cube: Product, product_id: str, band: Band) -> Product:
    """An image inherits from its cube everything that is not of its own."""
    own = {"product_id", "kind", "title", "prodcatg", "filter", "n_wavelength", "resolving_power"}
    own |= {"footprint_spoly", "ingested"}
    inherited = {c.name: getattr(cube, c.name) for c in Product.__table__.columns if c.name not in own}
    title = f"{cube.target_name or cube.product_id}, MUSE image in {'white light' if band.name == WHITE else band.name}"
    return Product(
        product_id=product_id,
        kind="image",
        title=title,
        prodcatg=band.prodcatg,
        filter=band.name,
        n_wavelength=1,
        **inherited,
    )


def _preview(archive: Archive, product_id: str, image: BandImage) -> NewFile:
    stored = _store_png(archive, preview.grey(image.image))
    name = f"{product_id}.png"
    return NewFile(stored=stored, artifact_id=name, file_name=name, media_type=PNG, role=Role.PREVIEW)


def _store_png(archive: Archive, pixels: np.ndarray[Any, Any]) -> Stored:
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, format="PNG", optimize=True)
    return archive.store.write(lambda target: target.write(encoded.getvalue()))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
