"""From a cube and the stars of its bins to its maps: line fits tile by tile, put together into the file as released."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, Final

import numpy as np
from astropy.io import fits

from archive import jobs, products, survey
from archive.archive import Archive
from archive.checkpoints import Checkpoints, folder_of
from archive.cube import Cube
from archive.errors import Refused
from archive.execution import Progress
from archive.products import NewFile, Publication
from processing import choices, image_file
from processing.alignment_product import file_of
from processing.chosen import check
from processing.derived_header import primary_of
from processing.fsf import fsf_cards, read_fsf
from processing.maps.assembly import Maps
from processing.maps.engines import Engine, engine_of
from processing.maps.line_tiles import LineTiles, tiling
from processing.maps.map_pictures import Shown, draw_bpt, draw_maps, draw_spectra
from processing.maps.model_cube import write_model
from processing.maps.products import MAPS_KIND, STARS_KIND, file_name, key_of, maps_item, maps_product
from processing.maps.quality import Differences, agreement_rows
from processing.maps.sources import open_cube
from processing.maps.spectral_noise import spectral_noise
from processing.maps.stars_file import PREFIX, BinnedStars, read_stars
from processing.order import Order, Work
from processing.science.emission import FitSettings
from processing.science.stars import StarSettings
from processing.task import Task, own_file, per_gigabyte
from processing.tiles import compute_tiles
from schema.products import Product, Role

__all__ = ["MAPS_KIND", "MAPS_OF_CUBES", "maps"]

VERSION: Final = 1
FITS: Final = "application/fits"
PNG: Final = "image/png"
MEMORY: Final = 4000 * 2**20
MOST_SHOWN: Final = 3

PARAMETERS: Final[Mapping[str, Any]] = {"engine": str(Engine.BATCH), "model": False, "monte_carlo": 0}

CHOICES: Final[Mapping[str, choices.Choice]] = {
    "engine": choices.name_among(Engine),
    "model": choices.yes_or_no(),
    "monte_carlo": choices.realisations(),
}

MAPS_OF_CUBES: Final = Task(
    "maps",
    version=VERSION,
    takes=frozenset({"cube", STARS_KIND}),
    together=key_of,
    makes=maps_item,
    parameters=PARAMETERS,
    choices=CHOICES,
    seconds=per_gigabyte(least=30.0, rate=200.0),
    memory=lambda _inputs: MEMORY,
    cores=2,
)


def maps(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Make the maps of a cube.

    Raises
    ------
    Refused
        The cube is none that can be fitted, its stars are of another one, or a parameter will not do.
    """
    work = Work(archive, Order.from_parameters("maps", parameters), job_id, version=VERSION)
    if not (outstanding := work.outstanding()):
        return
    (given,) = outstanding.values()
    check(MAPS_OF_CUBES, given)
    product, stars = (_the(work.inputs, kind) for kind in ("cube", STARS_KIND))
    engine, model = engine_of(given), bool(given["model"])
    settings = FitSettings()
    with open_cube(archive, product) as cube:
        binned = read_stars(file_of(archive, stars))
        if binned.number.shape != cube.shape[1:]:
            raise Refused(f"{stars.product_id} is of a cube of {binned.number.shape}, not {cube.shape[1:]}")
        paths = file_of(archive, product), file_of(archive, stars)
        tiles = LineTiles(*paths, StarSettings().wavelengths, settings, engine, model, given["monte_carlo"])
        count = len(tiling(cube.shape[1:]))
        files = [own_file(one) for one in (product, stars)]
        depends_on = [VERSION, [None if file is None else file.sha256 for file in files]]
        fitted = compute_tiles(archive, job_id, tiles, count, depends_on=depends_on, progress=progress)
        source = _Source(archive, job_id, product, cube, binned, model=model)
        _publish(work, source, fitted, count)
    fitted.remove()


@dataclass(frozen=True)
class _Source:
    """What maps are made of, by which job, and whether the fitted spectra are asked for."""

    archive: Archive
    job_id: str
    product: Product
    cube: Cube
    binned: BinnedStars
    model: bool


def _the(inputs: Sequence[Product], kind: str) -> Product:
    return next(one for one in inputs if one.kind == kind)


def _publish(work: Work, source: _Source, fitted: Checkpoints, count: int) -> None:
    archive, product = source.archive, maps_product(source.product)
    job = jobs.named(archive.database, source.job_id)
    name, folder = product.product_id, folder_of(archive.settings.root, job.work_key)
    noisier = spectral_noise(source.cube.primary)
    made = Maps(source.binned, fitted, count, folder=folder, noisier=noisier)
    held = own_file(source.product)
    primary = _primary(source, work, "" if held is None else held.file_name)
    record = survey.find_target(archive.database, product.target) if product.target else None
    hdus = fits.HDUList(
        [
            fits.PrimaryHDU(header=primary),
            *made.hdus(source.cube, str(product.target_name or source.product.product_id)),
        ]
    )
    stored = archive.store.write(lambda target: image_file.write(hdus, target))
    called = file_name(archive, None if record is None else record.release.release_id, product)
    files = [NewFile(stored, f"{name}.fits", called, FITS, headers=image_file.header_texts(hdus))]
    for what, picture, role in (
        ("MAPS", draw_maps(made, float(product.pixel_scale or 0.2)), Role.PREVIEW),
        ("BPT", draw_bpt(made), Role.AUXILIARY),
        ("SPECTRA", draw_spectra(_most_telling(fitted, count, source)), Role.AUXILIARY),
    ):
        if picture is not None:
            drawn = archive.store.write(partial(_write, picture))
            files.append(NewFile(drawn, f"{name}_{what}.png", f"{name}_{what}.png", PNG, role=role))
    if source.model:
        whole = archive.store.write(partial(write_model, source.cube, source.binned, fitted, count, primary))
        files.append(NewFile(whole, f"{name}_MODEL.fits", f"{name}_MODEL.fits", FITS, role=Role.AUXILIARY))
    rows = agreement_rows(name, Differences.of_parts(fitted.read(number) for number in range(count)))
    activity, used = work.record(name, software=f"numpy/{np.__version__}")
    products.publish(archive, Publication(product, files, activity, used, remakes=True, rows=rows))


def _primary(source: _Source, work: Work, cube_file: str) -> fits.Header:
    primary = primary_of(source.cube.primary, "ANCILLARY.IMAGE", source=cube_file)
    stars = _the(work.inputs, STARS_KIND)
    primary["PROV2"] = (f"{stars.product_id}.fits", "made from")
    primary["REDSHIFT"] = (source.binned.velocity, "[km/s] what the velocities are relative to")
    for keyword in ("SKY_RES", "SKY_RERR"):
        if keyword in source.cube.primary:
            primary.append(source.cube.primary.cards[keyword], end=True)
    if psfs := read_fsf(source.cube.primary):
        primary.extend(fsf_cards({str(number): psf for number, psf in enumerate(psfs, 1)}), end=True)
    settings = FitSettings()
    primary[f"{PREFIX} VELOCITY ORIGIN"] = (source.binned.velocity_from, "who told REDSHIFT")
    primary[f"{PREFIX} EBV"] = (source.binned.ebv, "[mag] dust taken off")
    primary[f"{PREFIX} EBV ORIGIN"] = (source.binned.ebv_from, "who told it")
    primary[f"{PREFIX} NOISE WAVE"] = (round(spectral_noise(source.cube.primary), 4), "that errors grew by")
    primary[f"{PREFIX} BINS"] = (len(source.binned.table["SPAXELS"]), "number of bins")
    primary[f"{PREFIX} ENGINE"] = (str(next(iter(work.order.outputs.values()))["engine"]), "that did the fits")
    primary[f"{PREFIX} LINES ORDER"] = (settings.order, "of the polynomial, multiplicative")
    primary[f"{PREFIX} LINES LOWEST AN"] = (settings.lowest_an, "peak to noise of a flag")
    for row, line in enumerate(settings.lines, 1):
        primary[f"{PREFIX} LINE{row} NAME"] = (line.name, "line that was fitted")
        primary[f"{PREFIX} LINE{row} WAVE"] = (line.wavelength, "[Angstrom] in air, at rest")
    return primary


def _most_telling(fitted: Checkpoints, count: int, source: _Source) -> list[Shown]:
    """Return spectra to be shown, of those that the tiles kept: the brightest, a middling and the faintest."""
    kept: list[Shown] = []
    for number in range(count):
        part = fitted.read(number)
        for n, row in enumerate(part.get("shown_row", ())):
            y, x = divmod(int(part["place"][row]), source.cube.shape[2])
            spectra = part["shown_wavelength"], part["shown_flux"][n], part["shown_model"][n]
            kept.append(Shown(x, y, float(part["shown_height"][n]), *spectra, velocity=source.binned.velocity))
    kept.sort(key=lambda one: -one.height)
    places = dict.fromkeys(round(k * (len(kept) - 1) / (MOST_SHOWN - 1)) for k in range(MOST_SHOWN) if kept)
    return [kept[place] for place in places]


def _write(content: bytes, target: BinaryIO) -> None:
    target.write(content)
