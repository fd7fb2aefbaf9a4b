"""What is wrong with the inputs of a reduction, or with the machine: the job says so, and what is there stays.

A small simulation is reduced once; every test spoils something in its own copy of the archive.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from sqlalchemy import update

from archive import jobs, products
from archive.archive import Archive
from archive.cube import Cube
from archive.follow_up import follow_up
from archive.products import NewFile, Publication
from archive.tasks import installed
from archive.worker import drain
from ingest.exposures import ingest_exposures
from ingest.products import ingest_products
from ingest.reference import ingest_reference
from processing.esorex import amounts
from processing.simulate.observation import Spectral
from processing.simulate.simulation import write
from processing.submission import submit
from processing.task import own_file
from schema.jobs import Phase
from schema.observations import Target
from schema.products import Product
from schema.provenance import Activity
from tests.support import archives, pixel_tables, simulations
from tests.support.chain import do_queued
from tests.support.disks import small_disk

TARGET = simulations.GALAXY.name
BAND = "Cousins_R"
MADE = frozenset({"field_image", "alignment", "exposure_cube", "cube", "image"})
SPECTRAL = Spectral(6565.0, 6585.0)

Array = np.ndarray[Any, np.dtype[np.float64]]

pytestmark = pytest.mark.skipif(shutil.which("esorex") is None, reason="esorex is not installed")


@dataclass(frozen=True)
class Reduced:
    """A simulation, and an archive in which it was reduced: database and folder to copy."""

    simulation: Path
    database: str
    vault: Path


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulation") / "sim"
    write(simulations.simulation(size=12.0, scale=0.2, spectral=SPECTRAL), folder, outputs=("object",))
    return folder


@pytest.fixture(scope="module")
def reduced(
    server: str, survey_template: str, simulation: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reduced]:
    vault = tmp_path_factory.mktemp("reduced") / "vault"
    with archives.fresh_database(server, template=survey_template) as url:
        with archives.opened(url, vault) as archive:
            take_in(archive, simulation)
            assert set(done(archive).values()) == {(Phase.COMPLETED, None)}
            assert {one.kind for one in products.latest(archive)} >= MADE
        yield Reduced(simulation, archives.database_name(url), vault)


@pytest.fixture
def again(server: str, reduced: Reduced, tmp_path: Path) -> Iterator[Archive]:
    """A copy of the archive in which everything was made."""
    shutil.copytree(reduced.vault, tmp_path / "vault")
    with (
        archives.fresh_database(server, template=reduced.database) as url,
        archives.opened(url, tmp_path / "vault") as archive,
    ):
        yield archive


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a program of the name esorex before the real one."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    def write_program(text: str) -> None:
        path = tmp_path / "bin/esorex"
        path.parent.mkdir()
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    return write_program


def take_in(archive: Archive, folder: Path, *, without: str = "nothing") -> None:
    """Take a simulation in, but for the files with a word in their names."""
    files = [path for name in ("pixtables", "sky") for path in sorted((folder / name).iterdir())]
    taken = list(ingest_products(archive, [one for one in files if without not in one.name], collection="SIM"))
    assert all(one.key is not None for one in taken), [one.reason for one in taken]
    statics = [one for one in sorted((folder / "static").iterdir()) if without not in one.name]
    assert all(one.key is not None for one in ingest_exposures(archive, statics))
    ingest_reference(archive, folder / "reference" / f"{TARGET}_{BAND}.fits", target=TARGET, collection="SIM")
    follow_up(archive.database)


def spoil(archive: Archive, product_id: str, change: Callable[[fits.HDUList], object], folder: Path) -> None:
    """Bring another content of a product that came from outside."""
    held = products.get(archive, product_id)
    file = own_file(held)
    assert file is not None
    path = pixel_tables.changed(archive.store.get(file.sha256), folder / "spoilt.fits", change)
    stored = archive.store.put(path)
    new = NewFile(stored, file.artifact_id, file.file_name, "application/fits")
    columns = [column.name for column in Product.__table__.columns if column.computed is None]
    product = Product(**{name: getattr(held, name) for name in columns})
    activity = Activity(activity_id=f"{product_id} {stored.sha256}", name="unknown", parameters={})
    assert products.publish(archive, Publication(product, [new], activity, replaces=True))


def done(archive: Archive) -> dict[str, tuple[str, str | None]]:
    """Do all that is due; how the job of each task ended."""
    submitted = submit(archive)
    do_queued(archive)
    ended = {}
    for one in submitted:
        job = jobs.find(archive.database, one.job.job_id)
        assert job is not None
        ended[job.task] = (job.phase, job.error)
    return ended


def held(archive: Archive, *kinds: str) -> dict[str, tuple[object, ...]]:
    """What there is of products of some kinds: when each was made, and the content of its files, which are there."""
    found: dict[str, tuple[object, ...]] = {}
    for product in products.latest(archive):
        if product.kind in (kinds or MADE):
            sums = sorted(file.sha256 for file in product.artifacts)
            assert all(archive.store.get(one).stat().st_size for one in sums)
            found[product.product_id] = (product.ingested, *sums)
    return found


def table_of(archive: Archive, number: int = 0) -> str:
    """The identifier of a pixel table, in order of time."""
    return sorted(one.product_id for one in products.latest(archive, kind="pixtable"))[number]


def fails(archive: Archive, task: str, *, kinds: tuple[str, ...] = ()) -> str:
    """Do what is due: a task must end in ERROR, and leave products as they were; returns its reason."""
    before = held(archive, *kinds)
    ended = done(archive)
    phase, error = ended.pop(task)
    assert phase == Phase.ERROR
    assert held(archive, *kinds) == before
    assert {phase for phase, _ in ended.values()} <= {Phase.COMPLETED, Phase.ABORTED}
    assert not list(archive.settings.root.glob("**/scratch"))
    return str(error)


def all_flagged(hdus: fits.HDUList) -> None:
    hdus["dq"].data[:] = 1 << 5


def one_nan(hdus: fits.HDUList) -> None:
    hdus["data"].data[np.flatnonzero(hdus["dq"].data[:, 0] == 0)[7]] = np.nan


def lost_ifu(hdus: fits.HDUList) -> None:
    """The rows of an IFU are gone, and the header does not know."""
    ifus = hdus["origin"].data[:, 0].astype(np.int64) >> 6 & 31
    for hdu in hdus[1:]:
        hdu.data = hdu.data[ifus != ifus[0]]


def card(keyword: str, value: str | float) -> Callable[[fits.HDUList], None]:
    def change(hdus: fits.HDUList) -> None:
        hdus[0].header[keyword] = value

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (all_flagged, "all values are flagged"),
        (one_nan, "data that is not flagged is no number"),
        (lost_ifu, "PIXTABLE MERGED is 5, its rows are of 4 IFUs"),
        (card("SIMULATE", 0), "has 5 of 24 IFUs, not 1, 2, 3"),
        (card("ESO INS MODE", "NFM-AO-N"), "mode NFM-AO-N is none of WFM-NOAO-N"),
        (card("RA", 54), "RA is 54 and must have a decimal point"),
    ],
)
def test_a_pixel_table_that_cannot_be_reduced_ends_the_job(
    again: Archive, tmp_path: Path, change: Callable[[fits.HDUList], object], reason: str
) -> None:
    name = table_of(again)
    spoil(again, name, change, tmp_path)
    words = fails(again, "field_images")
    assert words.startswith(f"{name}.fits: ") or "the exposure of 2019-10-06T08:09:01.500" in words
    assert reason in words


def nothing_but_sky(hdus: fits.HDUList) -> None:
    """No galaxy and no star: noise about the sky."""
    rng = np.random.default_rng(1)
    sigma = np.sqrt(hdus["stat"].data)
    hdus["data"].data[:] = 38 + sigma * rng.standard_normal(sigma.shape)


def test_an_exposure_without_stars_ends_the_alignment(again: Archive, tmp_path: Path) -> None:
    spoil(again, table_of(again, 1), nothing_but_sky, tmp_path)
    words = fails(again, "alignments", kinds=("alignment", "exposure_cube", "cube", "image"))
    assert words.startswith(f"MUSE.2019-10-06T08:21:01.170 cannot be aligned to {TARGET}_REFERENCE_{BAND}: ")


def test_the_table_of_an_ifu_that_is_missing_is_missed(survey: Archive, simulation: Path, tmp_path: Path) -> None:
    shutil.copytree(simulation, tmp_path / "sim")
    table, other = sorted((tmp_path / "sim/pixtables").iterdir())
    other.unlink()
    pixel_tables.with_card(table, table, "SIMULATE", 0)
    parts = pixel_tables.split(table, tmp_path)
    assert len(parts) == 5
    for part in parts[1:]:
        part.rename(table.with_name(f"{table.stem}-{part.stem[-2:]}.fits"))
    table.unlink()
    take_in(survey, tmp_path / "sim")
    assert len(products.latest(survey, kind="pixtable")) == 4
    words = fails(survey, "field_images")
    assert "the exposure of 2019-10-06T08:09:01.500 has 4 of 24 IFUs, not 1, 2" in words


def away(hdus: fits.HDUList) -> None:
    next(one for one in hdus if one.header.get("NAXIS") == 2).header["CRVAL1"] += 0.5


def counts(hdus: fits.HDUList) -> None:
    next(one for one in hdus if one.header.get("NAXIS") == 2).header["BUNIT"] = "adu"


def no_value(hdus: fits.HDUList) -> None:
    next(one for one in hdus if one.header.get("NAXIS") == 2).data[:] = np.nan


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (away, "the reference does not reach the exposure's field"),
        (counts, "BUNIT 'adu' of the reference image is no flux per pixel"),
        (no_value, "the reference image has no value at all"),
    ],
)
def test_a_reference_that_is_none_ends_the_alignment(
    again: Archive, reduced: Reduced, tmp_path: Path, change: Callable[[fits.HDUList], object], reason: str
) -> None:
    source = reduced.simulation / "reference" / f"{TARGET}_{BAND}.fits"
    spoilt = pixel_tables.changed(source, tmp_path / "reference.fits", change)
    ingest_reference(again, spoilt, target=TARGET, collection="SIM")
    assert reason in fails(again, "alignments", kinds=("alignment", "exposure_cube", "cube", "image"))


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("SKY_CONTINUUM", "its block has no SKY_CONTINUUM"),
        ("SKY_LINES", "its block has no SKY_LINES"),
        ("ASTROMETRY", "has no ASTROMETRY_WCS: take one in with musevault ingest exposures"),
        ("LSF", "there is no LSF_PROFILE: no line would be taken off"),
    ],
)
def test_what_a_block_lacks_is_told_by_its_job(survey: Archive, simulation: Path, word: str, reason: str) -> None:
    take_in(survey, simulation, without=word)
    assert reason in fails(survey, "field_images")


def test_astrometry_of_another_mode_is_none(survey: Archive, simulation: Path, tmp_path: Path) -> None:
    shutil.copytree(simulation, tmp_path / "sim")
    path = tmp_path / "sim/static/ASTROMETRY_WCS.fits"
    pixel_tables.with_card(path, path, "ESO INS MODE", "NFM-AO-N")
    pixel_tables.with_card(path, path, "ESO INS OPTI2 NAME", "NFM")
    take_in(survey, tmp_path / "sim")
    assert "has no ASTROMETRY_WCS" in fails(survey, "field_images")


def test_a_line_spread_function_of_another_mode_is_none(survey: Archive, simulation: Path, tmp_path: Path) -> None:
    shutil.copytree(simulation, tmp_path / "sim")
    path = tmp_path / "sim/static/LSF_PROFILE.fits"
    pixel_tables.with_card(path, path, "ESO INS MODE", "WFM-AO-N")
    take_in(survey, tmp_path / "sim")
    assert "there is no LSF_PROFILE" in fails(survey, "field_images")


def due_again(archive: Archive, folder: Path) -> None:
    """Let the images of an exposure be due, for no reason of importance."""
    spoil(archive, table_of(archive), card("OBSERVER", "somebody"), folder)


@pytest.mark.parametrize(
    ("ra", "reason"),
    [(None, "the centre of its galaxy is not known"), (57.0, "2.4 degrees from the centre of its galaxy")],
)
def test_without_the_centre_of_its_galaxy_there_is_no_cube(
    again: Archive, tmp_path: Path, ra: float | None, reason: str
) -> None:
    due_again(again, tmp_path)
    move_the_galaxy(again, ra)
    assert reason in fails(again, "exposure_cubes", kinds=("exposure_cube", "cube", "image"))


def move_the_galaxy(archive: Archive, ra: float | None) -> None:
    with archive.database.transaction() as session:
        session.execute(update(Target).where(Target.name == TARGET).values(ra=ra))


def test_without_esorex_the_job_says_which_packages_it_wants(
    again: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    due_again(again, tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert fails(again, "field_images") == "esorex is not installed: the packages are esorex and cpl-plugin-muse"


def test_a_pipeline_that_crashes_ends_the_job(again: Archive, tmp_path: Path, program: Callable[[str], None]) -> None:
    due_again(again, tmp_path)
    program("ulimit -c 0\nkill -SEGV $$")
    assert fails(again, "field_images") == "muse_scipost crashed: SIGSEGV"


def test_a_pipeline_that_hangs_is_ended_with_its_job(
    again: Archive, tmp_path: Path, program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    due_again(again, tmp_path)
    program("exec sleep 600")
    monkeypatch.setattr(amounts, "LEAST_LIMIT", 0.5)
    monkeypatch.setattr(amounts, "PATIENCE", 0.0)
    assert fails(again, "field_images") == "muse_scipost was ended after 0.5 s: it hung"


def test_a_worker_tells_of_a_crash_of_the_pipeline_too(
    again: Archive, tmp_path: Path, program: Callable[[str], None]
) -> None:
    due_again(again, tmp_path)
    program("ulimit -c 0\nkill -KILL $$")
    before, submitted = held(again), submit(again)
    drain(again, installed)
    job = jobs.find(again.database, submitted[0].job.job_id)
    assert job is not None
    assert (job.task, job.phase, job.error) == ("field_images", Phase.ERROR, "muse_scipost crashed: SIGKILL")
    assert held(again) == before


@pytest.fixture
def small(server: str, reduced: Reduced, tmp_path: Path) -> Iterator[Archive]:
    """A copy on a disk on which there is little room."""
    size = sum(path.stat().st_size for path in reduced.vault.rglob("*") if path.is_file())
    with (
        small_disk(tmp_path / "disk", megabytes=(size >> 20) + 40) as disk,
        archives.fresh_database(server, template=reduced.database) as url,
    ):
        shutil.copytree(reduced.vault, disk / "vault")
        with archives.opened(url, disk / "vault") as archive:
            yield archive


@pytest.mark.parametrize(
    ("room", "task", "reason"),
    [(150_000, "field_images", "the disk is full"), (4_000_000, "exposure_cubes", "7 MB are needed, 3 are left")],
)
def test_a_full_disk_ends_the_job_unless_it_passes(
    small: Archive, tmp_path: Path, room: int, task: str, reason: str
) -> None:
    due_again(small, tmp_path)
    fill = tmp_path / "disk/fill"
    fill.write_bytes(bytes(shutil.disk_usage(fill.parent).free - room))
    words = fails(small, task, kinds=("exposure_cube", "cube", "image"))
    assert reason in words
    assert words.endswith("given up after 6 times")
    fill.unlink()
    assert set(done(small).values()) == {(Phase.COMPLETED, None)}


def test_a_disk_that_is_full_when_the_pipeline_is_done_leaves_nothing(
    small: Archive, tmp_path: Path, program: Callable[[str], None]
) -> None:
    due_again(small, tmp_path)
    real = shutil.which("esorex")
    program(f'{real} "$@"\ncode=$?\nhead -c 1G /dev/zero > {tmp_path}/disk/fill 2> {tmp_path}/said\nexit $code')
    assert "the disk is full" in fails(small, "field_images")
    assert not list(small.store.folder.rglob("*.part"))


def test_a_galaxy_across_right_ascension_0_becomes_the_same_mosaic(
    survey: Archive, again: Archive, tmp_path: Path
) -> None:
    elsewhere = simulations.simulation(size=12.0, scale=0.2, spectral=SPECTRAL)
    turn = np.mean([one.told.ra for one in elsewhere.exposures])
    galaxy = replace(simulations.GALAXY, ra=float((simulations.GALAXY.ra - turn) % 360))
    place = simulations.place(ra=galaxy.ra)
    across = simulations.simulation(galaxy=galaxy, places=(place,), size=12.0, scale=0.2, spectral=SPECTRAL)
    assert sorted(one.told.ra > 180 for one in across.exposures) == [False, True]
    write(across, tmp_path / "sim", outputs=("object",))
    move_the_galaxy(survey, galaxy.ra)
    take_in(survey, tmp_path / "sim")
    assert set(done(survey).values()) == {(Phase.COMPLETED, None)}
    image, wanted = white(survey), white(again)
    good = np.isfinite(image) & np.isfinite(wanted)
    assert good.sum() > 0.95 * np.isfinite(wanted).sum()
    assert image[good].sum() == pytest.approx(wanted[good].sum(), rel=0.005)
    assert np.corrcoef(image[good], wanted[good])[0, 1] > 0.99
    product = products.get(survey, f"{TARGET}_DATACUBE_native")
    assert product.ra is not None
    assert min(product.ra, 360 - product.ra) < 0.001


def white(archive: Archive) -> Array:
    """The image of a mosaic at the wavelengths that all exposures have, its galaxy's centre in the middle."""
    file = own_file(products.get(archive, f"{TARGET}_DATACUBE_native"))
    assert file is not None
    image = np.full((201, 201), np.nan)
    with Cube(archive.store.get(file.sha256)) as cube:
        first, last = np.searchsorted(cube.wavelengths, [SPECTRAL.low + 5, SPECTRAL.high - 5])
        mean = cube.slab(int(first), int(last)).data.mean(axis=0, dtype=np.float64)
        x, y = (101 - round(cube.header[f"CRPIX{axis}"]) for axis in (1, 2))
    image[y : y + mean.shape[0], x : x + mean.shape[1]] = mean
    return image
