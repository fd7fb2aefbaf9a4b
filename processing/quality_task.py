"""The quality of a galaxy's mosaic: measured, told as rows of the catalogue and as a report, which come together.

What is measured says ``quality_measuring``, how ``processing.science.quality``; rows are made by ``quality_figures``,
the report by ``quality_report``.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from archive import products, survey
from archive.archive import Archive
from archive.cube import Cube, NotACube
from archive.errors import Refused
from archive.execution import Progress
from archive.products import NewFile, Publication
from archive.quality import REPORT
from processing.alignment_product import file_of
from processing.alignments import the_reference
from processing.exposure_stack import ExposureCube, ExposureStack
from processing.filters import FILTER_LIST, Curve, read_curve
from processing.mosaic_products import mosaic_product
from processing.names import exposure_of
from processing.order import Order, Work
from processing.quality_figures import figures
from processing.quality_measuring import Exposures, compare_exposures, compare_with_reference, measure_planes
from processing.quality_report import Picture, pictures, report
from processing.reference import read_reference
from processing.science.mosaic import Footprint
from processing.task import Item, Task, per_gigabyte
from schema.products import Product, Role
from schema.quality import Quality

__all__ = ["QUALITY", "quality"]

VERSION: Final = 2
HTML: Final = "text/html"
PNG: Final = "image/png"
REPORT_BYTES: Final = 1_500_000
BASE_MEMORY: Final = 1000 * 2**20
PIXEL_MEMORY: Final = 700
"""Bytes a pixel of the mosaic: maps, sums of a band and its gap, the reference on the mosaic's pixels."""

FIRST: Final = 0.7
"""Part of the work that is the pass over the mosaic."""


def quality(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Measure the mosaic of a galaxy against itself, its exposures and the reference.

    Raises
    ------
    Refused
        The mosaic has no variance, or the reference does not reach it; the text says what.
    """
    work = Work(archive, Order.from_parameters("quality", parameters), job_id, version=VERSION)
    if not work.outstanding():
        return
    (product,) = (one for one in work.inputs if one.kind == "cube")
    held = the_reference(work.inputs)
    curve = read_curve(archive.settings.data, str(held.filter))
    rows, shown = _measured(archive, product, held, curve, work.inputs, progress)
    _publish(archive, work, product, rows, shown, curve)


def outputs(inputs: Sequence[Item]) -> Iterator[Item]:
    """Yield the report of a galaxy's mosaic."""
    for item in inputs:
        if item.product.kind == "cube":
            yield Item(_report_product(item.product), REPORT_BYTES)


def _target_of(product: Product) -> str | None:
    """Return the galaxy of an exposure or of its native mosaic; None for any other cube."""
    if product.target is None or product.kind == "exposure_cube":
        return product.target
    return product.target if product.product_id == mosaic_product([product]).product_id else None


QUALITY: Final = Task(
    "quality",
    version=VERSION,
    takes=frozenset({"exposure_cube", "cube"}),
    beside=frozenset({"reference"}),
    reads={"FILTER_LIST": FILTER_LIST},
    together=_target_of,
    makes=outputs,
    seconds=per_gigabyte(least=10.0, rate=15.0),
    memory=lambda inputs: (
        BASE_MEMORY
        + PIXEL_MEMORY * sum((item.product.n_x or 0) * (item.product.n_y or 0) for item in inputs)
        + 20 * sum(item.size for item in inputs if item.product.kind == "reference")
    ),
    cores=2,
)


def _measured(
    archive: Archive, product: Product, held: Product, curve: Curve, inputs: Sequence[Product], progress: Progress
) -> tuple[tuple[Quality, ...], tuple[Picture, ...]]:
    record = survey.find_target(archive.database, str(product.target))
    velocity = None if record is None else record.target.systemic_velocity
    reference = read_reference(file_of(archive, held), curve.band)
    try:
        with Cube(file_of(archive, product)) as cube:
            planes = measure_planes(
                cube,
                curve,
                ins_mode=product.ins_mode,
                velocity=velocity,
                progress=lambda done, words: progress(FIRST * done, words),
            )
            exposures = _exposures(archive, cube, inputs, progress)
    except NotACube as error:
        raise Refused(f"{product.product_id} is no cube: {error}") from error
    sky = compare_with_reference(planes, reference, curve)
    rows = figures(product.product_id, planes, exposures, sky, unit=product.flux_unit)
    return rows, pictures(planes, exposures, sky)


def _exposures(archive: Archive, cube: Cube, inputs: Sequence[Product], progress: Progress) -> Exposures:
    """Compare the exposures, and count their places from the mosaic's first pixel."""
    held = [one for one in inputs if one.kind == "exposure_cube"]
    files = [ExposureCube(one.product_id, file_of(archive, one), one.exptime or 0.0) for one in held]
    with ExposureStack(files) as stack:
        found = compare_exposures(
            stack,
            [exposure_of(one) for one in held],
            progress=lambda done, words: progress(FIRST + (1 - FIRST) * done, words),
        )
        axes = stack.axes()
    x, y = (round(float(cube.header[name]) - float(axes[name])) for name in ("CRPIX1", "CRPIX2"))
    footprints, fields = (
        [Footprint(one.x + x, one.y + y, one.nx, one.ny) for one in several]
        for several in (found.footprints, found.fields)
    )
    return Exposures(found.names, footprints, fields, found.compared)


def _publish(
    archive: Archive,
    work: Work,
    product: Product,
    rows: Sequence[Quality],
    shown: Sequence[Picture],
    curve: Curve,
) -> None:
    import matplotlib as mpl

    page = _report_product(product)
    name = page.product_id
    stored = archive.store.write(lambda target: target.write(report(product, rows, shown).encode()))
    files = [NewFile(stored, f"{name}.html", f"{name}.html", HTML)]
    files += [_picture(archive, name, one, is_first=number == 0) for number, one in enumerate(shown)]
    activity, used = work.record(
        name,
        software=f"numpy/{np.__version__} matplotlib/{mpl.__version__}",
        files={"FILTER_LIST": (FILTER_LIST.name, curve.md5)},
    )
    products.publish(archive, Publication(page, files, activity, used, remakes=True, rows=rows))


def _picture(archive: Archive, name: str, picture: Picture, *, is_first: bool) -> NewFile:
    """Store a picture; the first one stands for the report."""
    stored = archive.store.write(lambda target: target.write(picture.png))
    file_name = f"{name}_{picture.name}.png"
    return NewFile(stored, file_name, file_name, PNG, role=Role.PREVIEW if is_first else Role.AUXILIARY)


def _report_product(cube: Product) -> Product:
    same = ("collection", "target", "target_name", "resolution", "calib_level", "simulated")
    also = ("ra", "dec", "facility", "instrument", "ins_mode", "mjd_start", "mjd_end", "n_exposures")
    return Product(
        product_id=cube.product_id.replace("_DATACUBE_", "_QUALITY_"),
        kind=REPORT,
        title=f"{cube.target}, quality of the MUSE mosaic",
        **{name: getattr(cube, name) for name in (*same, *also)},
    )
