"""From raw frames to pixel tables by the pipeline, as the catalogue associates calibrations with them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.time import Time
from astropy.wcs import WCS

from archive import calibrations, jobs, products, provenance, reducible
from archive.archive import Archive
from archive.association_rules import Mode
from archive.errors import Refused
from archive.execution import Run
from archive.products import NewFile, Publication
from archive.scratch import scratch
from ingest.exposures import ingest_exposures
from ingest.outcome import Became
from processing import block
from processing.chain.orders import Ordered, orders
from processing.chain.tasks import MASTERS, PIXTABLES, SKY_SPECTRA, masters, pixtables, sky_spectra
from processing.esorex import scipost
from processing.simulate import raw
from processing.simulate.raw_chip import QUADRANTS
from processing.simulate.raw_geometry import ifu_of
from processing.simulate.raw_lamps import LAMPS
from processing.simulate.raw_static import write_static
from processing.submission import submit
from schema.exposures import Exposure
from schema.products import Product
from schema.provenance import Activity
from tests.support.raw_frames import write_raw
from tests.support.raw_light import CENTRE, LEVEL, LINE, MODE, STARS, START, TARGET, looks, night

TASKS: Mapping[str, Run] = {MASTERS: masters, PIXTABLES: pixtables, SKY_SPECTRA: sky_spectra}
KINDS = {"BIAS": 3, "FLAT,LAMP": 3, "WAVE": 9, "FLAT,SKY": 3, "STD": 1}


def take(archive: Archive, paths: Sequence[Path]) -> None:
    for outcome in ingest_exposures(archive, paths):
        assert outcome.became is Became.NEW, outcome.reason


def small_night(archive: Archive, folder: Path, *, response: bool = True, ifu: int | None = None) -> None:
    """Raw files of a night, tiny, of all IFUs or of one, and the calibrations that come as files."""
    folder.mkdir()
    static = folder / "static"
    static.mkdir()
    write_static(static, night().moment(-30, 12, 0), ins_mode=MODE, seed=1)
    if not response:
        (static / "STD_RESPONSE.fits").unlink()
    channels = 24 if ifu is None else 1
    hours = {"BIAS": 10, "FLAT,LAMP": 13, "WAVE": 14, "FLAT,SKY": 22, "STD": 23}
    for kind, count in KINDS.items():
        day = 19 if hours[kind] > 20 else 20
        for rank in range(count):
            moment = f"2018-01-{day}T{hours[kind]}:{rank:02d}:20.000"
            small(folder, moment, kind, f"2018-01-{day}T{hours[kind]}:00:00", catg="CALIB", channels=channels)
    small(folder, "2018-01-20T01:16:43.461", "SKY", "2018-01-20T01:16:28", channels=channels)
    small(folder, "2018-01-20T01:19:48.461", "OBJECT", "2018-01-20T01:16:28", channels=channels)
    for path in folder.glob("MUSE*.fits") if ifu is not None else ():
        path.write_bytes(path.read_bytes().replace(b"'CHAN01  '", f"'CHAN{ifu:02d}  '".encode()))
    take(archive, [folder])


def small(folder: Path, moment: str, kind: str, start: str, *, channels: int, catg: str = "SCIENCE") -> None:
    changed: dict[str, Any] = {
        "ARCFILE": f"MUSE.{moment}.fits", "DATE_OBS": moment, "MJD_OBS": round(float(Time(moment).mjd), 8),
        "ESO_DPR_TYPE": kind, "ESO_DPR_CATG": catg, "ESO_TPL_START": start, "ESO_INS_MODE": MODE,
    }  # fmt: skip
    write_raw(folder, channels=channels, **changed)


def kinds(plan: Sequence[Ordered]) -> list[str]:
    return [f"{one.order.task} {next(iter(one.order.outputs)).partition('_')[2]}" for one in plan]


def do(archive: Archive) -> None:
    """Do the jobs that are due, in their order."""
    for one in submit(archive, tasks=()):
        TASKS[one.job.task](archive, one.job.parameters, one.job.job_id, lambda _fraction, _words: None)


def test_the_catalogue_says_which_masters_an_exposure_needs_and_in_which_order(
    archive: Archive, tmp_path: Path
) -> None:
    small_night(archive, tmp_path / "night")
    plan = orders(archive)
    assert sorted(kinds(plan)) == [
        "masters MASTER_BIAS", "masters MASTER_FLAT", "masters TWILIGHT_CUBE", "masters WAVECAL_TABLE",
        "pixtables PIXTABLE_OBJECT-01", "sky_spectra SKY_CONTINUUM",
    ]  # fmt: skip
    places = {name: place for place, name in enumerate(kinds(plan))}
    assert plan[places["masters MASTER_BIAS"]].after == ()
    assert places["masters MASTER_BIAS"] in plan[places["masters MASTER_FLAT"]].after
    assert places["masters WAVECAL_TABLE"] in plan[places["masters TWILIGHT_CUBE"]].after
    assert set(plan[places["pixtables PIXTABLE_OBJECT-01"]].after) >= {places["masters WAVECAL_TABLE"]}
    assert all(place > before for place, one in enumerate(plan) for before in one.after)
    tables = plan[places["pixtables PIXTABLE_OBJECT-01"]].items
    assert len(tables) == 24
    assert {(table.product.kind, table.product.tpl_start) for table in tables} == {("pixtable", START)}


def test_an_exposure_whose_tables_came_from_outside_is_not_reduced_again(archive: Archive, tmp_path: Path) -> None:
    small_night(archive, tmp_path / "night")
    (dp_id,) = reducible.held_objects(archive.database)
    name = f"{dp_id}_PIXTABLE_OBJECT"
    (tmp_path / "table.fits").write_bytes(b"a table")
    stored = archive.store.put(tmp_path / "table.fits")
    product = Product(product_id=name, kind="pixtable", title=name, collection="SIM", calib_level=2, simulated=1)
    activity = Activity(activity_id="elsewhere", name="muse_scibasic", parameters={})
    new = NewFile(stored, f"{name}.fits", f"{name}.fits", "application/fits")
    products.publish(archive, Publication(product, [new], activity))
    assert reducible.held_objects(archive.database) == []
    assert submit(archive, tasks=()) == []


def test_what_is_planned_twice_is_submitted_once(archive: Archive, tmp_path: Path) -> None:
    small_night(archive, tmp_path / "night")
    first, again = submit(archive, tasks=()), submit(archive, tasks=())
    assert all(one.is_new for one in first)
    assert [one.job.job_id for one in again] == [one.job.job_id for one in first]
    assert not any(one.is_new for one in again)


def test_a_standard_star_is_reduced_only_where_no_response_is_held(archive: Archive, tmp_path: Path) -> None:
    small_night(archive, tmp_path / "night", response=False)
    assert "masters STD_RESPONSE" in kinds(orders(archive))


def test_twilight_is_left_out_where_the_ifu_is_missing_that_its_recipe_builds_on(
    archive: Archive, tmp_path: Path
) -> None:
    small_night(archive, tmp_path / "night", ifu=5)
    plan = orders(archive)
    assert not any("TWILIGHT" in name for name in kinds(plan))
    (tables,) = (one.order.outputs for one in plan if one.order.task == PIXTABLES)
    assert list(tables) == ["MUSE.2018-01-20T01:19:48.461_PIXTABLE_OBJECT-05"]


def test_an_archive_without_exposures_says_so(archive: Archive) -> None:
    with pytest.raises(Refused, match="no raw exposure is held of NGC1365"):
        orders(archive, ["NGC1365"])


def test_a_bias_is_made_by_the_pipeline_and_found_by_association_from_then_on(archive: Archive, tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    frames = _biases(folder, ifu=5)
    small(folder, "2018-01-20T13:20:20.000", "FLAT,LAMP", "2018-01-20T13:20:00", channels=24, catg="CALIB")
    take(archive, [folder])
    names = sorted(path.name.removesuffix(".fits.fz") for path in frames)
    assert reducible.channels(archive.database, names[0]) == (5,)
    assert products.get(archive, names[0]).simulated == 1
    name = f"{names[0]}_MASTER_BIAS"
    parameters = {"version": 1, "inputs": names, "outputs": {name: {"tag": "MASTER_BIAS"}}}
    job = jobs.submit(archive.database, MASTERS, parameters)
    masters(archive, parameters, job.job_id, lambda _fraction, _words: None)
    product = products.get(archive, name)
    assert (product.kind, product.prodcatg, product.simulated) == ("calibration", "MASTER_BIAS", 1)
    own, log = sorted(product.artifacts, key=lambda a: a.artifact_id)
    with fits.open(archive.store.get(own.sha256)) as hdus:
        for number, quadrant in enumerate(QUADRANTS, 1):
            assert hdus[0].header[f"ESO QC BIAS MASTER{number} RON"] == pytest.approx(quadrant.noise, rel=0.02)
        assert np.median(hdus["DATA"].data) == pytest.approx(0, abs=0.02)  # the pipeline takes the overscan's level off
    assert b"muse_bias" in archive.store.get(log.sha256).read_bytes()
    (flat,) = calibrations.associations(archive.database, ["MUSE.2018-01-20T13:20:20.000"], Mode.MASTER)
    assert ("MASTER_BIAS", name) in flat.calibrations
    masters(archive, parameters, job.job_id, lambda _fraction, _words: None)  # done already: nothing changes
    assert products.get(archive, name).ingested == product.ingested


def test_what_the_pipeline_cannot_reduce_is_told_with_the_ifu_and_nothing_is_made(
    archive: Archive, tmp_path: Path
) -> None:
    small_night(archive, tmp_path / "night", ifu=5)
    order = next(one.order for one in orders(archive) if "MASTER_BIAS" in next(iter(one.order.outputs)))
    with pytest.raises(Refused, match="IFU 5: muse_bias failed"):
        masters(archive, order.to_parameters(), "job", lambda _fraction, _words: None)
    assert products.find(archive, next(iter(order.outputs))) is None
    assert not list((tmp_path / "work").glob("*/scratch"))


def test_a_calibration_that_the_catalogue_does_not_have_yet_is_named(archive: Archive, tmp_path: Path) -> None:
    small_night(archive, tmp_path / "night")
    order = next(one.order for one in orders(archive) if one.order.task == PIXTABLES)
    with pytest.raises(Refused, match="muse_scibasic needs MASTER_BIAS, MASTER_FLAT, TRACE_TABLE, WAVECAL_TABLE"):
        pixtables(archive, order.to_parameters(), "job", lambda _fraction, _words: None)


def test_a_frame_whose_file_is_lost_is_named(archive: Archive, tmp_path: Path) -> None:
    small_night(archive, tmp_path / "night")
    order = next(one.order for one in orders(archive) if "MASTER_BIAS" in next(iter(one.order.outputs)))
    (file,) = products.get(archive, order.inputs[1]).artifacts
    archive.store.path(file.sha256).unlink()
    with pytest.raises(Refused, match=f"does not hold the file of {order.inputs[1]}"):
        masters(archive, order.to_parameters(), "job", lambda _fraction, _words: None)


def _biases(folder: Path, *, ifu: int) -> list[Path]:
    return list(raw.write_calibrations(folder, night(), [ifu_of(ifu)], kinds=frozenset({"BIAS"})))


@pytest.mark.slow
def test_two_ifus_go_from_bias_to_a_cube_that_shows_the_light_put_in(survey: Archive, tmp_path: Path) -> None:
    paths = list(raw.write_raw(tmp_path / "raw", night(), looks(), [1, 2]))
    assert len(paths) > 3 * len(LAMPS)
    take(survey, [tmp_path / "raw"])
    do(survey)
    assert not any(one.is_due for one in orders(survey))
    with survey.database.reading() as session:
        exposure = session.get(Exposure, _object_id())
        assert exposure is not None
        assert exposure.target == TARGET
    tables = sorted(products.latest(survey, kind="pixtable"), key=lambda table: table.product_id)
    assert [table.product_id for table in tables] == [f"{_object_id()}_PIXTABLE_OBJECT-{ifu:02d}" for ifu in (1, 2)]
    assert {table.target for table in tables} == {TARGET}
    inputs = [*tables, *products.latest(survey, kind="sky_continuum"), *products.latest(survey, kind="sky_lines")]
    assert all(product.simulated for product in inputs)
    with scratch(survey.settings.root, "test") as folder:
        (taken,) = block.take(survey, inputs, folder / "inputs")
        outcome = scipost.field_cube(taken.exposure, folder / "run", wavelengths=(6300.0, 6800.0))
        with fits.open(outcome.one("DATACUBE_FINAL")) as hdus:
            _check_cube(hdus["DATA"].data, hdus["DATA"].header)
    behind = {frame.dp_id for frame in provenance.raw_frames(survey, tables[0].product_id)}
    assert len(behind) == 1 + 3 + 3 + 9 + 3  # itself, biases, flats, arcs, twilight flats


def _object_id() -> str:
    return f"MUSE.{looks()[1].date.isoformat(timespec='milliseconds')}"


def _check_cube(data: Any, header: fits.Header) -> None:
    wavelengths = header["CRVAL3"] + header["CD3_3"] * (np.arange(len(data)) + 1 - header["CRPIX3"])
    free = (wavelengths > 6380) & (wavelengths < 6570) & (np.abs(wavelengths - LINE[0]) > 12)
    seen = np.isfinite(data[free]).sum(axis=0) > free.sum() / 2
    image = np.full(seen.shape, np.nan)
    image[seen] = np.nanmedian(data[free][:, seen], axis=0)
    assert np.nanmedian(image) == pytest.approx(LEVEL, rel=0.02)
    spectrum = np.nanmedian(data[:, seen], axis=1)
    near = np.abs(wavelengths - LINE[0]) < 10
    assert ((spectrum - LEVEL)[near]).sum() * header["CD3_3"] == pytest.approx(LINE[1], rel=0.05)
    rows, columns = (np.asarray(axis) for axis in np.mgrid[: image.shape[0], : image.shape[1]])
    for east, north, flux in STARS:
        ra = CENTRE[0] + east / 3600 / np.cos(np.radians(CENTRE[1]))
        x, y = WCS(header).celestial.all_world2pix(ra, CENTRE[1] + north / 3600, 0)
        of_star = seen & (np.hypot(columns - x, rows - y) < 6.5)
        light = (image - LEVEL)[of_star]
        assert light.sum() == pytest.approx(flux, rel=0.03)
        assert (columns[of_star] * light).sum() / light.sum() == pytest.approx(x, abs=0.15)
        assert (rows[of_star] * light).sum() / light.sum() == pytest.approx(y, abs=0.15)
