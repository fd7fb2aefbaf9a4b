"""Alignments of the exposures of a block: measured on their images against the reference, kept as rows and as files."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from archive import products
from archive.archive import Archive
from archive.errors import Refused
from archive.execution import Progress
from processing.aligning import Aligned, align_exposure
from processing.alignment_file import AlignmentRecord
from processing.alignment_product import alignment_id, file_of, product_of, publication
from processing.block import block_of
from processing.filters import FILTER_LIST, Curve, read_curve
from processing.names import exposure_of, of_exposure
from processing.order import Order, Work
from processing.reference import Reference, read_reference
from processing.science.errors import NoMatch, Unmeasurable
from processing.science.gap import AO_GAPS
from processing.science.sky import sky_level
from processing.task import Item, Task, per_gigabyte
from schema.alignment import Origin
from schema.products import Product

__all__ = ["ALIGNMENTS", "alignments", "unmeasured"]

VERSION: Final = 1
FILE_BYTES: Final = 20_000
MEMORY: Final = 700 * 2**20


def alignments(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Measure the exposures of a block, those that can be.

    Raises
    ------
    Refused
        Exposures cannot be aligned, the others are; the text says which, and why.
    """
    work = Work(archive, Order.from_parameters("alignments", parameters), job_id, version=VERSION)
    held = the_reference(work.inputs)
    images = [one for one in work.inputs if one.kind == "field_image" and one.filter == held.filter]
    curve = read_curve(archive.settings.data, str(held.filter))
    reference = read_reference(file_of(archive, held), curve.band)
    outstanding = work.outstanding()
    failed = []
    for number, image in enumerate(images):
        name = alignment_id(image)
        if name not in outstanding:
            continue
        progress(number / len(images), f"aligning {exposure_of(image)}")
        sky = _nearest_sky(work.inputs, image)
        try:
            record = _measured(archive, image, sky, held, reference, curve)
        except Unmeasurable as error:
            failed.append(f"{exposure_of(image)} cannot be aligned to {held.product_id}: {error}")
            continue
        own = of_exposure(work.inputs, exposure_of(image))
        made_by = work.record(name, files={"FILTER_LIST": (FILTER_LIST.name, curve.md5)}, inputs=own)
        products.publish(archive, publication(archive, record, image, made_by, remakes=True))
    if failed:
        raise Refused("; ".join(failed))


def the_reference(inputs: Sequence[Product]) -> Product:
    """Return the one reference image among products.

    Raises
    ------
    Refused
        There are several: nobody can tell which one is meant.
    """
    found = [one for one in inputs if one.kind == "reference"]
    if len(found) != 1:
        names = ", ".join(sorted(one.product_id for one in found)) or "none"
        raise Refused(f"exposures are aligned to one reference image, here there are: {names}")
    return found[0]


def outputs(inputs: Sequence[Item]) -> Iterator[Item]:
    """Yield an alignment for each image in a reference's band."""
    bands = {item.product.filter for item in inputs if item.product.kind == "reference"}
    for item in inputs:
        if item.product.kind == "field_image" and item.product.filter in bands:
            own = of_exposure((one.product for one in inputs), exposure_of(item.product))
            yield Item(product_of(item.product), FILE_BYTES, of=frozenset(one.product_id for one in own))


ALIGNMENTS: Final = Task(
    "alignments",
    version=VERSION,
    takes=frozenset({"field_image", "sky_continuum"}),
    beside=frozenset({"reference"}),
    reads={"FILTER_LIST": FILTER_LIST},
    together=block_of,
    makes=outputs,
    seconds=per_gigabyte(least=5.0, rate=2000.0),
    memory=lambda inputs: MEMORY + 20 * sum(item.size for item in inputs if item.product.kind == "reference"),
)


def _measured(
    archive: Archive, image: Product, sky: Product, held: Product, reference: Reference, curve: Curve
) -> AlignmentRecord:
    """Measure one exposure."""
    with fits.open(file_of(archive, image), memmap=False) as hdus:
        header, wcs = hdus[0].header, WCS(hdus["DATA"].header).celestial
        data, good = hdus["DATA"].data.astype(np.float64), hdus["DQ"].data == 0
    level = _sky_level(archive, sky, image, curve)
    pointing = (float(header["RA"]), float(header["DEC"]))
    found = align_exposure(data, wcs, reference, good=good, sky_level=level, pointing=pointing)
    return _record(exposure_of(image), header, held, found)


def _sky_level(archive: Archive, sky: Product, image: Product, curve: Curve) -> float:
    """Return the sky continuum through the band; the pipeline takes it as flux per spaxel, whatever its unit."""
    with fits.open(file_of(archive, sky), memmap=False) as hdus:
        table = hdus["CONTINUUM"].data
        flux, wavelengths = np.asarray(table["flux"], np.float64), np.asarray(table["lambda"], np.float64)
    low, high = (image.wavelength_min or 0.0) * 1e10, (image.wavelength_max or 1.0) * 1e10
    seen = (wavelengths >= low) & (wavelengths <= high)
    level = sky_level(flux[seen], wavelengths[seen], curve.band, gap=AO_GAPS.get(image.ins_mode or ""))
    if not level > 0:
        raise NoMatch(f"the sky continuum that was taken off is {level:.3g} in the band: there is nothing to scale")
    return level


def unmeasured(archive: Archive, image: Product) -> tuple[AlignmentRecord, list[Product]]:
    """Return where an alignment by hand begins of an exposure that cannot be measured: nothing moved, nothing scaled.

    The products that it comes from are returned with it.

    Raises
    ------
    Refused
        The exposure has no reference in the band of its image, or no sky.
    """
    beside = products.latest(archive, kind="reference", target=image.target)
    held = next((one for one in beside if one.filter == image.filter), None)
    skies = [one for one in products.latest(archive, kind="sky_continuum") if block_of(one) == block_of(image)]
    if held is None or not skies:
        raise Refused(f"{exposure_of(image)} has no {'reference image' if held is None else 'sky continuum'}")
    sky = _nearest_sky(skies, image)
    curve = read_curve(archive.settings.data, str(held.filter))
    header = fits.getheader(file_of(archive, image))
    try:
        level = _sky_level(archive, sky, image, curve)
    except Unmeasurable as error:
        raise Refused(f"{exposure_of(image)}: {error}") from error
    record = AlignmentRecord(
        dp_id=exposure_of(image),
        date_obs=str(header["DATE-OBS"]),
        mjd_obs=float(header["MJD-OBS"]),
        filter=str(held.filter),
        reference_id=held.product_id,
        ra_offset=0.0,
        dec_offset=0.0,
        rotation=0.0,
        flux_scale=1.0,
        background=0.0,
        sky_level=level,
        sky_factor=1.0,
        quality="offset flux sky",
        origin=Origin.BY_HAND,
    )
    return record, [image, held, sky]


def _record(dp_id: str, header: fits.Header, held: Product, found: Aligned) -> AlignmentRecord:
    scale, sky, alignment = found.scale, found.sky, found.alignment
    return AlignmentRecord(
        dp_id=dp_id,
        date_obs=str(header["DATE-OBS"]),
        mjd_obs=float(header["MJD-OBS"]),
        filter=str(held.filter),
        reference_id=held.product_id,
        ra_offset=-found.offset.ra,
        dec_offset=-found.offset.dec,
        offset_error=found.offset_error,
        rotation=found.offset.rotation,
        rotation_error=alignment.rotation_error,
        flux_scale=scale.a,
        flux_scale_error=scale.a_error,
        background=scale.b,
        background_error=scale.b_error,
        sky_level=sky.level,
        sky_factor=sky.alpha,
        sky_factor_error=sky.alpha_error,
        correlation=alignment.correlation,
        significance=alignment.significance,
        n_chunks=scale.n,
        n_rejected=scale.rejected,
        chi2=scale.chi2,
        quality=found.quality,
        origin=Origin.MEASURED,
        note=None,
        trails=found.trails,
    )


def _nearest_sky(inputs: Sequence[Product], image: Product) -> Product:
    skies = [one for one in inputs if one.kind == "sky_continuum"]
    return min(skies, key=lambda one: abs((one.mjd_start or 0.0) - (image.mjd_start or 0.0)))
