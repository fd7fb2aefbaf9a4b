"""Images of single exposures in the band of their galaxy's reference image: what they are aligned and scaled by.

Made from the cube that the pipeline writes of the exposure as its header points it, the sky taken off.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from archive import products
from archive.archive import Archive
from archive.cube import Cube
from archive.errors import Refused
from archive.execution import Progress
from archive.products import NewFile, Publication
from archive.scratch import scratch
from processing import block, image_file
from processing.alignments import the_reference
from processing.block import Taken
from processing.esorex import scipost
from processing.esorex.run import Outcome
from processing.filters import FILTER_LIST, Curve, read_curve
from processing.image_file import Band
from processing.names import exposure_of, of_exposure
from processing.order import Order, Work
from processing.science.bands import BandImage, BandImages, filter_fraction, plane_weights
from processing.science.gap import AO_GAPS
from processing.task import Item, Task, own_file
from schema.products import Product, Role

__all__ = ["FIELD_IMAGES", "KIND", "all_rows", "field_images", "first_tables", "largest_rows", "log_file", "software"]

VERSION: Final = 2
KIND: Final = "field_image"
FITS: Final = "application/fits"
TABLE_ROW_BYTES: Final = 28
IMAGE_BYTES: Final = 1_000_000
INHERITED: Final = ("EXPTIME", "ARCFILE", "ESO INS DROT POSANG", "SIMULATE", "SPECSYS")


def field_images(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Make an image of each exposure of a block.

    Raises
    ------
    Refused
        The pipeline fails on an exposure, or what it needs is not there; the text names it.
    """
    work = Work(archive, Order.from_parameters("field_images", parameters), job_id, version=VERSION)
    reference = the_reference(work.inputs)
    curve = read_curve(archive.settings.data, str(reference.filter))
    outstanding = work.outstanding()
    with scratch(archive.settings.root, job_id) as folder:
        exposures = block.take(archive, work.inputs, folder / "inputs")
        for number, taken in enumerate(exposures):
            name = _name(taken.dp_id, curve.band.name)
            if name not in outstanding:
                continue
            progress(number / len(exposures), f"muse_scipost on {taken.dp_id}")
            outcome = scipost.field_cube(taken.exposure, folder / str(number), wavelengths=_range(taken, curve))
            _publish(archive, work, taken, name, curve, outcome)


def outputs(inputs: Sequence[Item]) -> Iterator[Item]:
    """Yield an image for each exposure of a block."""
    reference = next(item.product for item in inputs if item.product.kind == "reference")
    for dp_id, table in first_tables(inputs).items():
        name = _name(dp_id, str(reference.filter))
        own = frozenset(one.product_id for one in of_exposure((item.product for item in inputs), dp_id))
        yield Item(_product(name, table, str(reference.filter)), IMAGE_BYTES, {"filter": reference.filter}, own)


def first_tables(inputs: Sequence[Item]) -> dict[str, Product]:
    """Return the first pixel table of each exposure, by its identifier."""
    found: dict[str, Product] = {}
    for item in inputs:
        if item.product.kind == "pixtable":
            found.setdefault(exposure_of(item.product), item.product)
    return found


def largest_rows(inputs: Sequence[Item]) -> int:
    """Return how many rows the tables of an exposure have, of the one that has most."""
    rows: dict[str, int] = {}
    for item in inputs:
        if item.product.kind == "pixtable":
            dp_id = exposure_of(item.product)
            rows[dp_id] = rows.get(dp_id, 0) + item.size // TABLE_ROW_BYTES
    return max(rows.values(), default=0)


def all_rows(inputs: Sequence[Item]) -> int:
    """Return how many rows all tables have."""
    return sum(item.size // TABLE_ROW_BYTES for item in inputs if item.product.kind == "pixtable")


FIELD_IMAGES: Final = Task(
    "field_images",
    version=VERSION,
    takes=block.KINDS,
    beside=frozenset({"reference"}),
    finds=block.CALIBRATIONS,
    reads={"FILTER_LIST": FILTER_LIST},
    together=block.block_of,
    makes=outputs,
    seconds=lambda inputs: scipost.seconds(all_rows(inputs)),
    memory=lambda inputs: scipost.memory(largest_rows(inputs)),
    insists=frozenset(block.SKY),
)


def _range(taken: Taken, curve: Curve) -> tuple[float, float]:
    """Return where the band lets light through, within what was observed, Angstrom."""
    product = taken.product
    seen = curve.band.wavelength[curve.band.throughput > 0]
    low = max(float(seen.min()), (product.wavelength_min or 0.0) * 1e10)
    high = min(float(seen.max()), (product.wavelength_max or 1.0) * 1e10)
    if low >= high:
        raise Refused(f"{taken.dp_id}: the band {curve.band.name} of the reference lies outside what was observed")
    return low, high


def _image(cube: Cube, curve: Curve, ins_mode: str | None) -> BandImage:
    _, rows, columns = cube.shape
    weights = {curve.band.name: plane_weights(curve.band, cube.wavelengths)}
    total = BandImages(weights, cube.wavelengths, (rows, columns), gap=AO_GAPS.get(ins_mode or ""))
    for slab in cube.slabs():
        total.add(slab.start, slab.data, slab.variance, slab.mask)
    return total.images()[curve.band.name]


def _publish(archive: Archive, work: Work, taken: Taken, name: str, curve: Curve, outcome: Outcome) -> None:
    with Cube(outcome.one("DATACUBE_FINAL")) as cube:
        image = _image(cube, curve, taken.product.ins_mode)
        band = Band(curve.band.name, "ANCILLARY.IMAGE", filter_fraction(curve.band, cube.wavelengths), curve.zero_point)
        file = own_file(taken.product)
        hdus = image_file.image_hdus(cube, image, band, source=file.file_name if file else taken.dp_id)
        for keyword in INHERITED:
            if keyword in cube.primary:
                hdus[0].header.append(cube.primary.cards[keyword])
        product = _product(name, taken.product, curve.band.name)
        product.footprint, (product.ra, product.dec) = cube.footprint(), cube.centre()
        _, product.n_y, product.n_x = cube.shape
        product.pixel_scale, product.flux_unit = cube.pixel_scale(), cube.unit
    stored = archive.store.write(lambda target: image_file.write(hdus, target))
    activity, used = work.record(
        name,
        software=software(outcome),
        files={"FILTER_LIST": (FILTER_LIST.name, curve.md5)},
        found=taken.found,
        inputs=of_exposure(work.inputs, taken.dp_id),
    )
    texts = image_file.header_texts(hdus)
    new = NewFile(stored, f"{name}.fits", f"{name}.fits", FITS, headers=texts)
    products.publish(
        archive, Publication(product, [new, log_file(archive, name, outcome)], activity, used, remakes=True)
    )


def software(outcome: Outcome) -> str:
    """Return the pipeline with its version, as its product says."""
    made = outcome.products["DATACUBE_FINAL"][0].header
    return str(made.get("ESO PRO REC1 PIPE ID", "muse"))


def log_file(archive: Archive, name: str, outcome: Outcome) -> NewFile:
    """Keep the log with what was made."""
    stored = archive.store.write(lambda target: target.write(outcome.log.encode()))
    return NewFile(stored, f"{name}.log", f"{name}.log", "text/plain", role=Role.AUXILIARY)


def _name(dp_id: str, band: str) -> str:
    return f"{dp_id}_FIELD_{band}"


def _product(name: str, table: Product, band: str) -> Product:
    """An image of an exposure inherits from its table what is of the exposure."""
    same = (
        "collection", "target", "target_name", "ra", "dec", "mjd_start", "mjd_end", "exptime", "facility", "instrument",
        "ins_mode", "run_id", "programme_id", "eso_ob_id", "tpl_start", "n_exposures", "simulated", "wavelength_min",
        "wavelength_max",
    )  # fmt: skip
    return Product(
        product_id=name,
        kind=KIND,
        title=f"{table.target_name or 'unnamed target'}, one exposure of MUSE in {band}",
        filter=band,
        calib_level=2,
        n_wavelength=1,
        **{column: getattr(table, column) for column in same},
    )
