"""The mosaic of a galaxy: its exposure cubes combined in a stream, with exposure map and standard headers.

At native resolution they are combined as they are.  At any other each is convolved as it is read (``homogenising``):
the survey's own, copt, is one value of that, a FWHM that somebody asks for another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import numpy as np
import scipy
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

from archive import observations, products, survey
from archive.archive import Archive
from archive.checkpoints import Checkpoints
from archive.cube import Cube
from archive.errors import Refused
from archive.execution import Progress
from archive.products import HeaderText, NewFile, Publication
from archive.store import Stored
from archive.survey import TargetRecord
from processing import homogenised_picture, image_file
from processing.chosen import check
from processing.cube_file import CubeFile
from processing.exposure_stack import ExposureCube, ExposureStack
from processing.fsf import fsf_cards
from processing.homogenised_figures import StarWatch, figures, modelled
from processing.homogenising import LOGGED, Homogenised, homogenise, logged, logged_psfs, psf_rows
from processing.mosaic_cards import combination_cards, common_drops
from processing.mosaic_file import combined
from processing.mosaic_header import Measuring, extensions_of, facts_of, headers_of
from processing.mosaic_products import map_product, mosaic_product
from processing.mosaic_recipe import MosaicRecipe
from processing.mosaic_tasks import COPT, MOSAIC
from processing.mosaic_tiles import computed, gathered
from processing.noise_file import NOISE_FILE, noise_hdus
from processing.order import Order, Work
from processing.phase3.facts import Facts
from processing.phase3.headers import Content, Extension, headers_for
from processing.phase3.profiles import SDPS8, Role
from processing.science.mosaic import Clipping, Combination, Coverage, Weighting
from processing.science.shared_noise import SharedNoise
from processing.task import Task, own_file
from schema.base import Base
from schema.products import Product, Resolution
from schema.products import Role as FileRole

__all__ = ["homogenised_mosaic", "mosaic"]

FITS: Final = "application/fits"
PNG: Final = "image/png"
RESOLUTION: Final = "copt_{psf}asec"
"""What stands in the release's file names for the resolution of a homogenised mosaic."""

CARDS_A_BLOCK: Final = 36
CARDS: Final = 100
"""Of a primary header without those that are one an exposure."""


def mosaic(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Combine the exposures of a galaxy.

    Raises
    ------
    Refused
        An exposure is not on the galaxy's grid, or too little is known for the headers; the text says what.
    """
    _make(archive, MOSAIC, parameters, job_id, progress)


def homogenised_mosaic(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Combine the exposures of a galaxy, each convolved to one point spread function.

    Raises
    ------
    Refused
        As ``mosaic``; or the PSF of a pointing is not known, or wider than what is asked for.
    """
    _make(archive, COPT, parameters, job_id, progress)


@dataclass(frozen=True)
class _Made:
    """The mosaic in the store, with what was learnt while it was made."""

    stored: Stored
    texts: tuple[HeaderText, ...]
    coverage: Coverage
    axes: fits.Header
    facts: Facts
    homogenised: Homogenised | None
    widths: Mapping[float, NDArray[np.float64]]
    noise: SharedNoise | None


def _make(archive: Archive, page: Task, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    work = Work(archive, Order.from_parameters(page.name, parameters), job_id, version=page.version)
    outstanding = work.outstanding()
    if not outstanding:
        return
    exposures = [_exposure(archive, one) for one in work.inputs]
    record = survey.find_target(archive.database, str(work.inputs[0].target))
    if record is None:
        raise Refused(f"{work.inputs[0].target} is no galaxy of the survey")
    given = next(iter(outstanding.values()))
    check(page, given)
    facts = {LOGGED: logged_psfs(archive, work.inputs)}
    product = mosaic_product(work.inputs, given.get("resolution", Resolution.NATIVE))
    with ExposureStack(exposures) as stack:
        smooth = homogenise(archive, work.inputs, stack, record, given) if "psf" in given else None
        recipe = MosaicRecipe(
            tuple(exposures),
            () if smooth is None else smooth.smoothing,
            Weighting(given["weighting"]),
            Clipping(given["rounds"], given["limit"], given["least"], given["noise"]),
        )
        task = _Task(work.inputs, product, recipe, record, smooth, facts)
        parts = None
        if archive.settings.dask_scheduler is not None:
            depends_on = [
                page.version,
                [one.path.name for one in exposures],
                [one.identity() for one in recipe.smoothing],
            ]
            parts = computed(archive, job_id, recipe, stack.shape, depends_on=depends_on, progress=progress)
        made = _combined(archive, task, stack, parts, progress)
        _publish(archive, work, task, stack, made)
    if parts is not None:
        parts[0].remove()


@dataclass(frozen=True)
class _Task:
    """What is combined into which product, and how."""

    inputs: Sequence[Product]
    product: Product
    recipe: MosaicRecipe
    record: TargetRecord
    homogenised: Homogenised | None
    depends_on: Mapping[str, Any]

    def facts(self, archive: Archive, stack: ExposureStack, seen: tuple[Measuring, Coverage] | None = None) -> Facts:
        """Return what the header tells."""
        fwhm = None if self.homogenised is None else self.homogenised.fwhm
        return facts_of(archive, self.inputs, self.record, stack, self.product, seen, fwhm=fwhm)


def _combined(
    archive: Archive, task: _Task, stack: ExposureStack, parts: tuple[Checkpoints, int] | None, progress: Progress
) -> _Made:
    """Combine block by block into a file of the store, and measure what its header tells.

    ``parts`` are planes that were combined elsewhere, and how many are in one.
    """
    inputs, smooth = task.inputs, task.homogenised
    combination = task.recipe.prepare(stack)
    axes = stack.axes()
    extensions = extensions_of(axes, stack)
    measuring = Measuring(stack)
    watch = None
    if smooth is not None:
        pixel = stack.first.pixel_scale()
        watch = StarWatch(stack.wavelengths(), stack.shape[1:], fwhm=smooth.fwhm, pixel=pixel)
    made: list[tuple[Facts, tuple[HeaderText, ...]]] = []

    def fill(target: BinaryIO) -> None:
        room = -(-(CARDS + 9 * len(inputs)) // CARDS_A_BLOCK)
        headers = headers_of(task.facts(archive, stack), extensions)
        file = CubeFile(target, fits.Header(), headers[1], stack.shape, room=room)
        with file:
            planned = (
                combined(stack, combination, file)
                if parts is None
                else gathered(*parts, stack.shape[0], combination, file)
            )
            for planes in planned:
                measuring.add(planes.start, planes.data, planes.variance, planes.mask != 0)
                if watch is not None:
                    watch.add(planes.start, planes.data)
                stop = planes.start + len(planes.data)
                progress(stop / stack.shape[0] if parts is None else 1.0, f"{stop} of {stack.shape[0]} planes")
            facts = task.facts(archive, stack, (measuring, combination.coverage()))
            primary = headers_of(facts, extensions)[0]
            drops = common_drops(stack.primaries)
            primary.extend(combination_cards(combination.weighting, combination.clipping, drops), end=True)
            if smooth is not None:
                primary.update(smooth.cards())
            elif psfs := logged(archive, inputs, task.record):
                primary.extend(fsf_cards(psfs), end=True)
            file.describe(primary)
        made.append((facts, file.headers()))

    stored = archive.store.write(fill)
    widths = {} if watch is None else watch.widths()
    noise = None if smooth is None else _noise(smooth, combination)
    return _Made(stored, made[0][1], combination.coverage(), axes, made[0][0], smooth, widths, noise)


def _noise(smooth: Homogenised, combination: Combination) -> SharedNoise:
    seconds = {name: one.seconds for name, one in combination.coverage_of(smooth.of_exposures).items()}
    counts = -1.0 if combination.weighting is Weighting.INVERSE_VARIANCE else 1.0
    return smooth.shared_noise(seconds, counts=counts)


def _publish(archive: Archive, work: Work, task: _Task, stack: ExposureStack, made: _Made) -> None:
    product, record = task.product, task.record
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
        file_name = _file_name(archive, record, product, made.homogenised) or f"{name}.fits"
        files = [NewFile(made.stored, f"{name}.fits", file_name, FITS, headers=made.texts)]
        rows: list[Base] = []
        if made.homogenised is not None and made.noise is not None:
            told, picture = _told(archive, product, made.homogenised, stack.wavelengths(), made.widths)
            files += [picture, _noise_file(archive, product, made.noise, made.axes, file_name)]
            rows += told
        software = f"numpy/{np.__version__} scipy/{scipy.__version__}"
        made_by = work.record(name, software=software, facts=task.depends_on)
        publication = Publication(product, files, made_by[0], made_by[1], remakes=True, rows=rows)
        products.publish(archive, publication)
    exposures = map_product(product)
    if exposures.product_id in outstanding:
        _publish_map(archive, work, product, stack, made)


def _told(
    archive: Archive,
    product: Product,
    smooth: Homogenised,
    wavelengths: NDArray[np.float64],
    widths: Mapping[float, NDArray[np.float64]],
) -> tuple[list[Base], NewFile]:
    """Return how well a mosaic was homogenised: as rows, and as a picture."""
    name, pixel = product.product_id, float(product.pixel_scale or 0.0)
    models = modelled(smooth, wavelengths, pixel)
    rows = [*psf_rows(name, smooth), *figures(name, smooth, models, widths)]
    drawn = homogenised_picture.draw(models, smooth.fwhm)
    stored = archive.store.write(lambda target: target.write(drawn))
    return rows, NewFile(stored, f"{name}_PSF.png", f"{name}_PSF.png", PNG, role=FileRole.AUXILIARY)


def _noise_file(archive: Archive, product: Product, noise: SharedNoise, axes: fits.Header, cube: str) -> NewFile:
    """Return the file that tells what neighbours share of the noise."""
    hdus = noise_hdus(noise, WCS(axes).celestial.to_header(), cube)
    name = f"{product.product_id}{NOISE_FILE}"
    stored = archive.store.write(lambda target: image_file.write(hdus, target))
    return NewFile(stored, name, name, FITS, role=FileRole.AUXILIARY, headers=image_file.header_texts(hdus))


def _publish_map(archive: Archive, work: Work, cube: Product, stack: ExposureStack, made: _Made) -> None:
    product = map_product(cube)
    name = product.product_id
    extension = Extension("DATA", Content.DATA, extensions_of(made.axes, stack)[0].axes.flat, "s")
    facts = made.facts.ancillary(sources=(f"{cube.product_id}.fits",), band=None)
    primary, header = headers_for(SDPS8, Role.EXPMAP, facts, [extension])
    hdus = fits.HDUList([fits.PrimaryHDU(header=primary), fits.ImageHDU(made.coverage.seconds, header, name="DATA")])
    stored = archive.store.write(lambda target: image_file.write(hdus, target))
    new = NewFile(stored, f"{name}.fits", f"{name}.fits", FITS, headers=image_file.header_texts(hdus))
    made_by = work.record(name, software=f"numpy/{np.__version__}")
    products.publish(archive, Publication(product, [new], made_by[0], made_by[1], remakes=True))


def _file_name(archive: Archive, record: TargetRecord, product: Product, smooth: Homogenised | None) -> str | None:
    """Return how the release calls the cube of a galaxy; at a resolution of somebody's own, in the manner of copt."""
    rules = observations.naming_rules(archive.database, record.release.release_id)
    own = Resolution.NATIVE if smooth is None else Resolution.COPT
    pattern = next((rule.pattern for rule in rules if rule.kind == "cube" and rule.resolution == own), None)
    if pattern is None or smooth is None:
        return None if pattern is None else pattern.format(target=record.target.name)
    if product.resolution != Resolution.COPT:
        pattern = pattern.replace(RESOLUTION, str(product.resolution))
    return pattern.format(target=record.target.name, psf=f"{smooth.fwhm:.2f}")


def _exposure(archive: Archive, product: Product) -> ExposureCube:
    file = own_file(product)
    if file is None:
        raise Refused(f"{product.product_id}: its file is lost")
    if product.exptime is None:
        raise Refused(f"{product.product_id}: how long it was exposed is not known")
    return ExposureCube(product.product_id, archive.store.get(file.sha256, file.location), product.exptime)
