"""Cubes of single exposures on the grid of their galaxy: moved, turned and scaled as aligned, the sky normalised.

The pipeline takes the offset and the flux scale from an OFFSET_LIST.  The rotation goes into the astrometric
calibration that is given with the table, which turns the field as another angle of the derotator would; so the table,
10 GB of a whole field, is neither copied nor changed.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

from archive import products, survey
from archive.archive import Archive
from archive.cube import Cube
from archive.errors import Refused
from archive.execution import Progress
from archive.products import HeaderText, NewFile, Publication
from archive.scratch import scratch
from archive.store import Stored
from processing import alignment_file, block
from processing.aligning import Band
from processing.alignment_file import AlignmentRecord
from processing.block import Taken
from processing.cube_file import CubeFile
from processing.esorex import scipost
from processing.esorex.frame import Frame
from processing.esorex.grid import Cutout, cutout
from processing.esorex.run import Outcome
from processing.esorex.scipost import Exposure
from processing.field_images import all_rows, first_tables, largest_rows, log_file, software
from processing.names import exposure_of, of_exposure
from processing.order import Order, Work
from processing.science.drawn_masks import Line, mask_of
from processing.task import Item, Task, own_file
from schema.products import Product

__all__ = ["EXPOSURE_CUBES", "KIND", "exposure_cubes"]

VERSION: Final = 1
KIND: Final = "exposure_cube"
FITS: Final = "application/fits"
ASTROMETRY: Final = "ASTROMETRY_WCS"
ROW_TO_VOXEL_BYTES: Final = 12
"""Of an exposure's cube for each row of its tables: data, variance and quality of the box around a turned field."""


def exposure_cubes(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Make the cube of each exposure of a block.

    Raises
    ------
    Refused
        The pipeline fails on an exposure, or what it needs is not there; the text names it.
    """
    work = Work(archive, Order.from_parameters("exposure_cubes", parameters), job_id, version=VERSION)
    outstanding = work.outstanding()
    aligned = {exposure_of(one): one for one in work.inputs if one.kind == "alignment"}
    with scratch(archive.settings.root, job_id) as folder:
        exposures = block.take(archive, work.inputs, folder / "inputs")
        for number, taken in enumerate(exposures):
            name = f"{taken.dp_id}_CUBE"
            if name not in outstanding:
                continue
            if taken.dp_id not in aligned:
                raise Refused(f"{taken.dp_id} has no alignment")
            progress(number / len(exposures), f"muse_scipost on {taken.dp_id}")
            record = alignment_file.read(_path(archive, aligned[taken.dp_id]))
            _publish(archive, work, taken, name, _reduced(archive, taken, record, folder / str(number)))


def outputs(inputs: Sequence[Item]) -> Iterator[Item]:
    """Yield a cube for each exposure that is aligned."""
    aligned = {exposure_of(item.product) for item in inputs if item.product.kind == "alignment"}
    for dp_id, table in first_tables(inputs).items():
        if dp_id in aligned:
            size = sum(i.size for i in inputs if i.product.kind == "pixtable" and exposure_of(i.product) == dp_id)
            own = frozenset(one.product_id for one in of_exposure((item.product for item in inputs), dp_id))
            yield Item(_product(f"{dp_id}_CUBE", table), size * ROW_TO_VOXEL_BYTES // 28, of=own)


EXPOSURE_CUBES: Final = Task(
    "exposure_cubes",
    version=VERSION,
    takes=block.KINDS | {"alignment"},
    finds=block.CALIBRATIONS,
    together=block.block_of,
    makes=outputs,
    seconds=lambda inputs: scipost.seconds(all_rows(inputs)),
    memory=lambda inputs: scipost.memory(largest_rows(inputs)),
)


@dataclass(frozen=True)
class _Reduced:
    """What the pipeline made of an exposure, and by what."""

    record: AlignmentRecord
    outcome: Outcome
    part: Cutout


def _reduced(archive: Archive, taken: Taken, record: AlignmentRecord, folder: Path) -> _Reduced:
    """Run the pipeline on an exposure."""
    folder.mkdir()
    known = survey.find_target(archive.database, str(taken.product.target))
    if known is None or known.target.ra is None or known.target.dec is None:
        raise Refused(f"{taken.dp_id}: the centre of its galaxy is not known, so there is no grid")
    centre = (known.target.ra, known.target.dec)
    tables = [fits.getheader(table) for table in taken.exposure.tables]
    around = 360.0 * round((tables[0]["RA"] - centre[0]) / 360)  # to the galaxy's side of right ascension 0
    moved = replace(record, ra_offset=record.ra_offset + around)
    part = cutout(tables, centre, (moved.ra_offset, moved.dec_offset), record.rotation)
    offsets = folder / "offsets.fits"
    alignment_file.write_offsets([moved], offsets)
    sky = [_normalised(frame, record.sky_factor, folder) for frame in taken.exposure.sky]
    calibrations = [_turned(frame, record.rotation, folder) for frame in taken.exposure.calibrations]
    exposure = Exposure(taken.exposure.tables, sky, calibrations)
    return _Reduced(record, scipost.cube_on_grid(exposure, folder / "cube", part=part, offsets=offsets), part)


def _normalised(frame: Frame, factor: float, folder: Path) -> Frame:
    """Return the sky continuum times a factor; the lines are left as they are."""
    if frame.tag != "SKY_CONTINUUM":
        return frame
    path = folder / f"normalised_{frame.path.name}"
    with fits.open(frame.path, memmap=False) as hdus:
        hdus["CONTINUUM"].data["flux"] *= factor
        hdus[0].header["SKYFACT"] = (factor, "factor of the sky continuum")
        hdus.writeto(path)
    return Frame(path, frame.tag)


def _turned(frame: Frame, rotation: float, folder: Path) -> Frame:
    """Return the astrometric calibration of a field turned as POSANG + rotation would turn it."""
    if frame.tag != ASTROMETRY:
        return frame
    angle = -math.radians(rotation)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    path = folder / f"turned_{frame.path.name}"
    with fits.open(frame.path, memmap=False) as hdus:
        header = hdus[0].header
        matrix = turn @ np.array([[header["CD1_1"], header["CD1_2"]], [header["CD2_1"], header["CD2_2"]]])
        for (row, column), value in np.ndenumerate(matrix):
            header[f"CD{row + 1}_{column + 1}"] = float(value)
        hdus.writeto(path)
    return Frame(path, frame.tag)


def _publish(archive: Archive, work: Work, taken: Taken, name: str, made: _Reduced) -> None:
    product = _product(name, taken.product)
    with Cube(made.outcome.one("DATACUBE_FINAL")) as cube:
        stored, texts = _store(archive, cube, made.record, made.part)
        product.footprint, (product.ra, product.dec) = cube.footprint(), cube.centre()
        product.n_wavelength, product.n_y, product.n_x = cube.shape
        product.pixel_scale, product.flux_unit = cube.pixel_scale(), cube.unit
        product.wavelength_min = float(cube.wavelengths[0]) * 1e-10
        product.wavelength_max = float(cube.wavelengths[-1]) * 1e-10
    made_by = work.record(
        name, software=software(made.outcome), found=taken.found, inputs=of_exposure(work.inputs, taken.dp_id)
    )
    new = NewFile(stored, f"{name}.fits", f"{name}.fits", FITS, headers=texts)
    files = [new, log_file(archive, name, made.outcome)]
    products.publish(archive, Publication(product, files, made_by[0], made_by[1], remakes=True))


def _store(
    archive: Archive, cube: Cube, record: AlignmentRecord, part: Cutout
) -> tuple[Stored, tuple[HeaderText, ...]]:
    """Write the pipeline's cube with what is masked, as DATA, STAT and DQ."""
    masked = _trails(cube, record.trails)
    axes = fits.Header([card for card in part.header.cards if not card.keyword.startswith("NAXIS")])
    axes["BUNIT"] = cube.unit or ""
    headers = {"DATA": axes, "STAT": _with_unit(axes, f"({cube.unit})**2"), "DQ": _with_unit(axes, None)}
    texts: list[tuple[HeaderText, ...]] = []

    def fill(target: BinaryIO) -> None:
        with CubeFile(target, _primary(cube.primary, record), headers, cube.shape) as file:
            for slab in cube.slabs():
                bad = np.zeros(slab.data.shape, np.bool_) if slab.mask is None else slab.mask
                bad = bad | masked
                data = np.where(bad, np.nan, slab.data)
                variance = np.full(data.shape, np.nan) if slab.variance is None else slab.variance
                file.write(slab.start, data, np.where(bad, np.nan, variance), bad)
        texts.append(file.headers())

    return archive.store.write(fill), texts[0]


def _trails(cube: Cube, bands: Sequence[Band]) -> NDArray[np.bool_]:
    """Return which pixels lie in a masked band."""
    wcs: WCS = cube.celestial
    lines = []
    for band in bands:
        (ra_start, dec_start), (ra_stop, dec_stop) = band.start, band.stop
        x, y = wcs.world_to_pixel_values([ra_start, ra_stop], [dec_start, dec_stop])
        start, stop = (float(x[0]), float(y[0])), (float(x[1]), float(y[1]))
        lines.append(Line(start, stop, width=band.width / cube.pixel_scale()))
    return mask_of(cube.shape[1:], drawn=lines)


def _primary(header: fits.Header, record: AlignmentRecord) -> fits.Header:
    """The pipeline's header, with what the alignment did to the exposure."""
    made = fits.Header([card for card in header.cards if card.keyword not in {"CHECKSUM", "DATASUM", "PIPEFILE"}])
    angle = float(made.get("ESO INS DROT POSANG", 0.0))
    made["HIERARCH ESO INS DROT POSANG ORIG"] = angle
    made["HIERARCH ESO INS DROT POSANG"] = angle + record.rotation
    made["SKYFACT"] = (record.sky_factor, "factor of the sky continuum")
    made["FLUXFACT"] = (record.flux_scale, "factor of the flux")
    made["DRA"] = (record.ra_offset, "[deg] taken off the right ascension")
    made["DDEC"] = (record.dec_offset, "[deg] taken off the declination")
    return made


def _with_unit(axes: fits.Header, unit: str | None) -> fits.Header:
    header = axes.copy()
    if unit is None:
        del header["BUNIT"]
    else:
        header["BUNIT"] = unit
    return header


def _path(archive: Archive, product: Product) -> Path:
    file = own_file(product)
    if file is None:
        raise Refused(f"{product.product_id}: its file is lost")
    return archive.store.get(file.sha256, file.location)


def _product(name: str, table: Product) -> Product:
    same = (
        "collection", "target", "target_name", "ra", "dec", "mjd_start", "mjd_end", "exptime", "facility", "instrument",
        "ins_mode", "run_id", "programme_id", "eso_ob_id", "tpl_start", "n_exposures", "simulated", "wavelength_min",
        "wavelength_max", "wavelength_kind",
    )  # fmt: skip
    return Product(
        product_id=name,
        kind=KIND,
        title=f"{table.target_name or 'unnamed target'}, cube of one exposure of MUSE",
        calib_level=2,
        **{column: getattr(table, column) for column in same},
    )
