"""From a cube to the stars of its bins: binning, sums, and fits tile by tile."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from astropy.wcs.utils import proj_plane_pixel_area
from numpy.typing import NDArray

from archive import products
from archive.archive import Archive
from archive.checkpoints import Arrays, Checkpoints
from archive.cube import Cube
from archive.errors import Refused
from archive.execution import Progress
from archive.products import NewFile, Publication
from processing import choices, image_file
from processing.chosen import check
from processing.maps.engines import Engine, engine_of, has_ppxf
from processing.maps.field import measure_field
from processing.maps.products import STARS_KIND, is_fitted, stars_item, stars_product
from processing.maps.quality import Differences, agreement_rows
from processing.maps.sources import (
    EBV,
    TEMPLATES,
    VELOCITY,
    Galaxy,
    Templates,
    check_coverage,
    facts,
    fitted_planes,
    galaxy_of,
    open_cube,
    shared_noise,
    templates_of,
)
from processing.maps.spectral_noise import spectral_noise
from processing.maps.star_pictures import draw_bins, draw_fits
from processing.maps.star_tiles import StarTiles, bin_tiles
from processing.maps.stars_file import analysis_cards, stars_hdus
from processing.maps.sums import sum_bins
from processing.order import Order, Work
from processing.science.bins import Binning, bin_spaxels, nearest_bin
from processing.science.errors import Unmeasurable
from processing.science.extinction import correction
from processing.science.shared_noise import SharedNoise
from processing.science.stars import StarSettings
from processing.task import Task, own_file, per_gigabyte
from processing.tiles import compute_once, compute_tiles
from schema.products import Product, Role

__all__ = ["STARS", "STARS_KIND", "stars"]

VERSION: Final = 1
FITS: Final = "application/fits"
PNG: Final = "image/png"
MEMORY: Final = 4000 * 2**20
"""Of the job and the processes beside it, at the survey's sizes."""

FIRST: Final = 0.3
"""Part of the work that is binning and sums."""

Values = dict[str, NDArray[Any]]

PARAMETERS: Final[Mapping[str, Any]] = {
    "engine": str(Engine.BATCH),
    "signal_to_noise": Binning().target,
    "least_bins": Binning().least,
    "lowest_signal_to_noise": Binning().lowest,
    "monte_carlo": 0,
    "velocity": None,
    "ebv": None,
}

CHOICES: Final[Mapping[str, choices.Choice]] = {
    "engine": choices.name_among(Engine),
    "signal_to_noise": choices.number(0, 1e6, above=True),
    "least_bins": choices.whole(1),
    "lowest_signal_to_noise": choices.number(0, 1e6, above=True),
    "monte_carlo": choices.realisations(),
    "velocity": choices.fact(-1000, 1e5, "km/s"),
    "ebv": choices.fact(0, 10, "mag"),
}

STARS: Final = Task(
    "stars",
    version=VERSION,
    takes=frozenset({"cube"}),
    together=lambda product: product.product_id if is_fitted(product) else None,
    makes=stars_item,
    parameters=PARAMETERS,
    choices=CHOICES,
    facts=lambda archive, inputs: facts(archive, inputs[0].product),
    seconds=per_gigabyte(least=30.0, rate=60.0),
    memory=lambda _inputs: MEMORY,
    cores=2,
)


def stars(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Fit the stars of a cube.

    Raises
    ------
    Refused
        The cube, the templates or the parameters are none that can be used; the text says why.
    """
    work = Work(archive, Order.from_parameters("stars", parameters), job_id, version=VERSION)
    if not (outstanding := work.outstanding()):
        return
    (given,) = outstanding.values()
    check(STARS, given)
    (product,) = work.inputs
    with open_cube(archive, product) as cube:
        source = _source(archive, product, cube, given)
        galaxy, templates, file = source.galaxy, source.templates, own_file(product)
        depends_on = [VERSION, file.sha256 if file else None, templates.md5, galaxy.velocity, galaxy.ebv]
        binning = Binning(given["signal_to_noise"], given["least_bins"], lowest=given["lowest_signal_to_noise"])
        progress(0.0, "binning")
        binned = compute_once(archive, job_id, partial(_binned, source, binning), depends_on=depends_on, stage="bins")
        values = binned.read(0)
        count = len(bin_tiles(len(values["spaxels"])))
        fitted = compute_tiles(
            archive,
            job_id,
            StarTiles(binned, templates.folder.absolute(), source.settings, source.engine, given["monte_carlo"]),
            count,
            depends_on=[*depends_on, has_ppxf()],
            progress=lambda done, words: progress(FIRST + (1 - FIRST) * done, words),
            stage="stars",
        )
        values |= _gathered(fitted, count)
        for name in ("velocity_error", "sigma_error"):
            values[name] = values[name] * spectral_noise(cube.primary)
        values["nearest"] = nearest_bin(values["number"], np.isfinite(values["velocity_found"]))
        _publish(archive, work, source, values)
    fitted.remove()


@dataclass(frozen=True)
class _Source:
    """What is fitted, and with what; ``facts`` are those of the survey that were taken."""

    product: Product
    cube: Cube
    galaxy: Galaxy
    templates: Templates
    settings: StarSettings
    engine: Engine
    facts: Mapping[str, Any]
    noise: SharedNoise


def _source(archive: Archive, product: Product, cube: Cube, given: Mapping[str, Any]) -> _Source:
    """Find out what fits must be told, and see that they can be done."""
    templates, known, settings = templates_of(archive.settings), facts(archive, product), StarSettings()
    velocity, ebv = given.get("velocity"), given.get("ebv")
    galaxy = galaxy_of(product, cube, templates.read(), known, velocity=velocity, ebv=ebv)
    check_coverage(cube, galaxy.velocity, templates.read(), settings)
    taken = {name: known[name] for name, instead in ((VELOCITY, velocity), (EBV, ebv)) if instead is None}
    noise = shared_noise(archive, product, cube)
    return _Source(product, cube, galaxy, templates, settings, engine_of(given), taken, noise)


def _binned(source: _Source, binning: Binning) -> Arrays:
    """Put spaxels into bins and sum their spectra, the Milky Way's dust taken off."""
    cube, velocity = source.cube, source.galaxy.velocity
    window = source.settings.noise_window
    field = measure_field(cube, velocity, source.galaxy.ebv, window)
    middle = float(cube.wavelengths[fitted_planes(cube, velocity, window)].mean())
    try:
        bins = bin_spaxels(field.signal, field.noise, binning, source.noise.at(middle))
    except Unmeasurable as error:
        raise Refused(str(error)) from error
    if not len(bins):
        raise Refused(
            f"{source.product.product_id}: no spaxel has a signal to noise of {binning.lowest:g}: nothing to fit"
        )
    planes = fitted_planes(cube, velocity, source.settings.wavelengths)
    sums, wavelength = sum_bins(cube, planes, bins, source.noise), cube.wavelengths[planes]
    bright = correction(wavelength, source.galaxy.ebv)
    ra, dec = cube.celestial.all_pix2world(bins.x, bins.y, 0)
    square = float(proj_plane_pixel_area(cube.celestial)) * 3600**2
    return {
        "number": bins.number,
        "signal": field.signal,
        "noise": field.noise,
        "spaxels": bins.spaxels,
        "ra": ra % 360,
        "dec": dec,
        "area": bins.spaxels * square,
        "signal_to_noise": bins.signal_to_noise,
        "target": np.array(bins.target),
        "wavelength": wavelength,
        "velocity": np.array(velocity),
        "flux": (sums.flux * bright).astype(np.float32),
        "variance": (sums.variance * bright**2).astype(np.float32),
        "good": sums.good,
    }


def _gathered(fitted: Checkpoints, count: int) -> Values:
    """Return what all tiles found; differences between engines are of a few bins only, and of those that have both."""
    names, found = {"velocity": "velocity_found"}, dict[str, list[NDArray[Any]]]()
    for number in range(count):
        for name, values in fitted.read(number).items():
            found.setdefault(names.get(name, name), []).append(values)
    return {name: np.concatenate(values) for name, values in found.items()}


def _publish(archive: Archive, work: Work, source: _Source, values: Values) -> None:
    product = stars_product(source.product)
    name = product.product_id
    held = own_file(source.product)
    if templates_of(archive.settings).md5 != source.templates.md5:
        raise Refused(f"{source.templates.folder} has other templates than when the fits began: begin again")
    cards = analysis_cards(source.galaxy, source.templates, float(values["target"]), source.engine)
    file_name = held.file_name if held is not None else source.product.product_id
    hdus = stars_hdus(source.cube, values, source.templates, cards, source=file_name)
    stored = archive.store.write(lambda target: image_file.write(hdus, target))
    files = [NewFile(stored, f"{name}.fits", f"{name}.fits", FITS, headers=image_file.header_texts(hdus))]
    for what, picture, role in (
        ("BINS", draw_bins(values), Role.PREVIEW),
        ("FITS", draw_fits(values, source.settings), Role.AUXILIARY),
    ):
        drawn = archive.store.write(partial(_write, picture))
        files.append(NewFile(drawn, f"{name}_{what}.png", f"{name}_{what}.png", PNG, role=role))
    rows = agreement_rows(name, Differences.of(values))
    activity, used = work.record(
        name,
        role="CUBE",
        software=f"numpy/{np.__version__}",
        files={TEMPLATES: (source.templates.folder.name, source.templates.md5)},
        facts=source.facts,
    )
    products.publish(archive, Publication(product, files, activity, used, remakes=True, rows=rows))


def _write(content: bytes, target: Any) -> None:
    target.write(content)
