"""The native mosaic of a galaxy: its exposure cubes combined in a stream, with exposure map and standard headers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import numpy as np
from astropy.io import fits

from archive import observations, products, survey
from archive.archive import Archive
from archive.cube import Cube
from archive.errors import Refused
from archive.execution import Progress
from archive.products import HeaderText, NewFile, Publication
from archive.store import Stored
from archive.survey import TargetRecord
from processing import image_file
from processing.cube_file import CubeFile
from processing.exposure_stack import ExposureCube, ExposureStack
from processing.mosaic_cards import combination_cards, common_drops
from processing.mosaic_file import combined
from processing.mosaic_header import Measuring, extensions_of, facts_of, headers_of
from processing.mosaic_products import map_product, mosaic_product
from processing.order import Order, Work
from processing.phase3.facts import Facts
from processing.phase3.headers import Content, Extension, headers_for
from processing.phase3.profiles import SDPS8, Role
from processing.science.mosaic import SURVEY, Clipping, Combination, Coverage, Weighting
from processing.task import Item, Task, own_file, per_gigabyte
from schema.products import Product, Resolution

__all__ = ["MOSAIC", "mosaic"]

VERSION: Final = 1
FITS: Final = "application/fits"
MEMORY: Final = 1800 * 2**20
CARDS_A_BLOCK: Final = 36
CARDS: Final = 80
"""Of a primary header without those that are one an exposure."""

CLIPPING: Final = Clipping(rounds=SURVEY.rounds, limit=SURVEY.limit, least=SURVEY.least, noise=SURVEY.limit)
"""As the survey clipped, but what lies within its own noise stays."""

PARAMETERS: Final[Mapping[str, Any]] = {
    "weighting": str(Weighting.EXPOSURE_TIME),
    "rounds": CLIPPING.rounds,
    "limit": CLIPPING.limit,
    "least": CLIPPING.least,
    "noise": CLIPPING.noise,
}


def mosaic(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Combine the exposures of a galaxy.

    Raises
    ------
    Refused
        An exposure is not on the galaxy's grid, or too little is known for the headers; the text says what.
    """
    work = Work(archive, Order.from_parameters("mosaic", parameters), job_id, version=VERSION)
    outstanding = work.outstanding()
    if not outstanding:
        return
    exposures = [_exposure(archive, one) for one in work.inputs]
    record = survey.find_target(archive.database, str(work.inputs[0].target))
    if record is None:
        raise Refused(f"{work.inputs[0].target} is no galaxy of the survey")
    given = next(iter(outstanding.values()))
    with ExposureStack(exposures) as stack:
        made = _combined(archive, work.inputs, stack, given, record, progress)
        _publish(archive, work, stack, made, record)


def outputs(inputs: Sequence[Item]) -> Iterator[Item]:
    """Yield the cube of a galaxy and its exposure map."""
    size = 2 * sum(item.size for item in inputs) // max(1, min(4, len(inputs)))
    product = mosaic_product([item.product for item in inputs])
    yield Item(product, size)
    yield Item(map_product(product), 1_000_000)


MOSAIC: Final = Task(
    "mosaic",
    version=VERSION,
    takes=frozenset({"exposure_cube"}),
    together=lambda product: product.target,
    makes=outputs,
    parameters=PARAMETERS,
    seconds=per_gigabyte(least=10.0, rate=15.0),
    memory=lambda _inputs: MEMORY,
    cores=2,
)


@dataclass(frozen=True)
class _Made:
    """The mosaic in the store, with what was learnt while it was made."""

    stored: Stored
    texts: tuple[HeaderText, ...]
    coverage: Coverage
    axes: fits.Header
    facts: Facts


def _combined(
    archive: Archive,
    inputs: Sequence[Product],
    stack: ExposureStack,
    given: Mapping[str, Any],
    record: TargetRecord,
    progress: Progress,
) -> _Made:
    """Combine block by block into a file of the store, and measure what its header tells."""
    combination = Combination(
        stack.footprints(),
        [float(one.exptime or 0.0) for one in inputs],
        stack.shape[1:],
        depth=stack.depth(),
        weighting=Weighting(given["weighting"]),
        clipping=Clipping(given["rounds"], given["limit"], given["least"], given["noise"]),
    )
    axes = stack.axes()
    extensions = extensions_of(axes, stack)
    measuring = Measuring(stack)
    made: list[tuple[Facts, tuple[HeaderText, ...]]] = []

    def fill(target: BinaryIO) -> None:
        room = -(-(CARDS + 4 * len(inputs)) // CARDS_A_BLOCK)
        headers = headers_of(facts_of(archive, inputs, record, stack, None), extensions)
        file = CubeFile(target, fits.Header(), headers[1], stack.shape, room=room)
        with file:
            for planes in combined(stack, combination, file):
                measuring.add(planes.start, planes.data, planes.variance, planes.mask != 0)
                stop = planes.start + len(planes.data)
                progress(stop / stack.shape[0], f"{stop} of {stack.shape[0]} planes")
            facts = facts_of(archive, inputs, record, stack, (measuring, combination.coverage()))
            primary = headers_of(facts, extensions)[0]
            drops = common_drops(stack.primaries)
            primary.extend(combination_cards(combination.weighting, combination.clipping, drops), end=True)
            file.describe(primary)
        made.append((facts, file.headers()))

    stored = archive.store.write(fill)
    return _Made(stored, made[0][1], combination.coverage(), axes, made[0][0])


def _publish(archive: Archive, work: Work, stack: ExposureStack, made: _Made, record: TargetRecord) -> None:
    product = mosaic_product(work.inputs)
    with Cube(archive.store.get(made.stored.sha256)) as cube:
        product.footprint, (product.ra, product.dec) = cube.footprint(), cube.centre()
        product.field_of_view, product.pixel_scale = cube.field_of_view(), cube.pixel_scale()
        product.n_wavelength, product.n_y, product.n_x = cube.shape
        product.wavelength_min, product.wavelength_max = (float(w) * 1e-10 for w in cube.wavelengths[[0, -1]])
        product.wavelength_kind, product.flux_unit = str(cube.wave_kind), cube.unit
    measured = made.facts.measured
    product.exptime, product.prodcatg = made.facts.exptime, SDPS8.categories[Role.CUBE]
    if measured is not None:
        product.spatial_resolution, product.resolving_power = measured.sky_resolution, measured.resolving_power
    outstanding = work.outstanding()
    name = product.product_id
    if name in outstanding:
        file = NewFile(
            made.stored, f"{name}.fits", _file_name(archive, record) or f"{name}.fits", FITS, headers=made.texts
        )
        made_by = work.record(name, software=f"numpy/{np.__version__}")
        products.publish(archive, Publication(product, [file], made_by[0], made_by[1], remakes=True))
    exposures = map_product(product)
    if exposures.product_id in outstanding:
        _publish_map(archive, work, stack, made, exposures)


def _publish_map(archive: Archive, work: Work, stack: ExposureStack, made: _Made, product: Product) -> None:
    name = product.product_id
    extension = Extension("DATA", Content.DATA, extensions_of(made.axes, stack)[0].axes.flat, "s")
    facts = made.facts.ancillary(sources=(f"{mosaic_product(work.inputs).product_id}.fits",), band=None)
    primary, header = headers_for(SDPS8, Role.EXPMAP, facts, [extension])
    hdus = fits.HDUList([fits.PrimaryHDU(header=primary), fits.ImageHDU(made.coverage.seconds, header, name="DATA")])
    stored = archive.store.write(lambda target: image_file.write(hdus, target))
    new = NewFile(stored, f"{name}.fits", f"{name}.fits", FITS, headers=image_file.header_texts(hdus))
    made_by = work.record(name, software=f"numpy/{np.__version__}")
    products.publish(archive, Publication(product, [new], made_by[0], made_by[1], remakes=True))


def _file_name(archive: Archive, record: TargetRecord) -> str | None:
    """Return how the release calls the native cube of a galaxy."""
    rules = observations.naming_rules(archive.database, record.release.release_id)
    own = (rule for rule in rules if rule.kind == "cube" and rule.resolution == Resolution.NATIVE)
    return next((rule.pattern.format(target=record.target.name) for rule in own), None)


def _exposure(archive: Archive, product: Product) -> ExposureCube:
    file = own_file(product)
    if file is None:
        raise Refused(f"{product.product_id}: its file is lost")
    if product.exptime is None:
        raise Refused(f"{product.product_id}: how long it was exposed is not known")
    return ExposureCube(product.product_id, archive.store.get(file.sha256, file.location), product.exptime)
