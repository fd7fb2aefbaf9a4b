"""A mosaic of two pointings with different PSFs, homogenised: stars, noise, what is told of it, what goes wrong."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from astropy.io import fits
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image
from sqlalchemy import select, update

from archive import jobs, products
from archive import quality as told_quality
from archive.archive import Archive
from archive.checkpoints import folder_of
from archive.cube import Cube
from archive.errors import Refused
from archive.tasks import installed
from archive.worker import drain
from processing.chosen import choose
from processing.fsf import fsf_cards, read_fsf
from processing.mosaic_tasks import COPT, MOSAIC
from processing.mosaics import homogenised_mosaic, mosaic
from processing.noise_file import read_noise
from processing.plan import make_plan
from processing.resolution import tasks_for
from processing.science.kernels import target_fwhm
from processing.science.psf import AO_BETA, Psf
from processing.science.star_psf import fit_moffat
from processing.submission import submit
from processing.task import Task, own_file
from schema.jobs import Phase
from schema.observations import Pointing
from schema.products import Role
from schema.psf import PsfRow
from schema.quality import Figure
from tests.support import archives, two_pointings
from tests.support.schedulers import cluster, free_port
from tests.support.two_pointings import PIXEL, ROWS, SHIFT, SIDE, STARS, TARGET, WAVELENGTHS, take_in

Array = NDArray[np.float64]

NAME = f"{TARGET}_DATACUBE_copt"
GAUSSIAN = 30.0
"""A Moffat profile of such an exponent is as good as one."""


@pytest.fixture(scope="module")
def made(server: str, survey_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Archive, str]]:
    """An archive with its services in which the mosaic was homogenised; to be read only."""
    root = tmp_path_factory.mktemp("homogenised")
    with archives.fresh_database(server, template=survey_template) as url, archives.served(url, root) as served:
        take_in(served[0], root)
        make(served[0], COPT)
        yield served


@pytest.fixture
def vault(server: str, survey_template: str, tmp_path: Path) -> Iterator[Archive]:
    with (
        archives.fresh_database(server, template=survey_template) as url,
        archives.opened(url, tmp_path / "vault") as archive,
    ):
        yield archive


def make(archive: Archive, task: Task, job_id: str = "job", **changed: Any) -> None:
    """Do what the plan says is due of a task, perhaps by other parameters."""
    (step,) = make_plan(archive, [TARGET], tasks=(task,)).steps
    parameters = step.order.to_parameters()
    for given in parameters["outputs"].values():
        given.update(changed)
    work = mosaic if task is MOSAIC else homogenised_mosaic
    work(archive, parameters, job_id, lambda _fraction, _words: None)


def path_of(archive: Archive, product_id: str) -> Path:
    file = own_file(products.get(archive, product_id))
    assert file is not None
    return archive.store.get(file.sha256)


def widths(archive: Archive, product_id: str, wavelength: float) -> dict[str, Array]:
    """The FWHM, arcsec, of the stars that lie in either pointing alone, and in both."""
    with Cube(path_of(archive, product_id)) as cube:
        plane = int(np.argmin(np.abs(cube.wavelengths - wavelength)))
        slab = cube.slab(plane, plane + 1)
    image = slab.data[0].astype(np.float64)
    found: dict[str, list[float]] = {"first": [], "both": [], "second": []}
    for x, y in STARS:
        where = "second" if x > SIDE else "both" if x > SHIFT else "first"
        fitted = fit_moffat(np.nan_to_num(image), np.isfinite(image), (x, y), fwhm=2.9, beta=GAUSSIAN)
        if fitted is not None:
            found[where].append(fitted[0] * PIXEL)
    return {where: np.array(several) for where, several in found.items()}


@pytest.mark.parametrize("wavelength", [4900.0, 6500.0, 9000.0])
def test_stars_of_both_pointings_have_one_width(made: tuple[Archive, str], wavelength: float) -> None:
    archive, _ = made
    target = target_fwhm([two_pointings.psfs(archive)[name] for name in ("NGC1385-P01", "NGC1385-P02")], WAVELENGTHS)
    found = {where: np.median(several) for where, several in widths(archive, NAME, wavelength).items()}
    assert found["first"] == pytest.approx(found["second"], rel=0.02)
    for width in found.values():
        assert width == pytest.approx(target, rel=0.02)


def test_without_it_they_do_not(made: tuple[Archive, str]) -> None:
    archive, _ = made
    psfs = two_pointings.psfs(archive)
    assert psfs["NGC1385-P01"].fwhm / psfs["NGC1385-P02"].fwhm > 1.2


def test_the_file_is_called_and_described_as_the_release_has_it(made: tuple[Archive, str]) -> None:
    archive, _ = made
    product = products.get(archive, NAME)
    target = target_fwhm([two_pointings.psfs(archive)["NGC1385-P01"]], WAVELENGTHS)
    assert (product.resolution, product.calib_level) == ("copt", 3)
    assert product.spatial_resolution == pytest.approx(target, abs=1e-6)
    file = own_file(product)
    assert file is not None
    assert file.file_name == f"{TARGET}_PHANGS_DATACUBE_copt_{target:.2f}asec.fits"
    with fits.open(path_of(archive, NAME)) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "DATA", "STAT", "DQ"]
        assert hdus["DATA"].shape == (len(WAVELENGTHS), ROWS, SHIFT + SIDE)
        primary = hdus[0].header
        assert primary["SKY_RES"] == pytest.approx(target, abs=1e-3)
        assert primary["ESO DRS MUSE MOSAIC PSF FWHM"] == pytest.approx(target, abs=1e-4)
    assert products.find(archive, f"{TARGET}_IMAGE_expmap_copt") is not None


def test_noise_is_as_stat_and_the_header_say(made: tuple[Archive, str]) -> None:
    archive, _ = made
    with fits.open(path_of(archive, NAME)) as hdus:
        data, stat = hdus["DATA"].data, hdus["STAT"].data
        primary = hdus[0].header
    factors = {width: primary[f"ESO DRS MUSE MOSAIC NOISE SUM{width}"] for width in (3, 9)}
    planes = [plane for plane in range(data.shape[0]) if abs(WAVELENGTHS[plane] - 6500) < 350 and plane != 7]
    corner = (slice(80, 98), slice(64, 100))  # without stars
    noise, variance = data[planes][:, *corner], stat[planes][:, *corner]
    noise = noise - noise.mean(axis=(1, 2), keepdims=True)
    assert np.sqrt((noise**2 / variance).mean()) == pytest.approx(1, abs=0.15)
    for width, most in ((3, 0.2), (9, 0.35)):
        sums, variances = (
            np.add.reduceat(np.add.reduceat(each, range(0, 18, width), 1), range(0, 36, width), 2)
            for each in (noise, variance)
        )
        assert np.sqrt((sums**2 / variances).mean()) == pytest.approx(factors[width], rel=most)


@pytest.mark.parametrize("first", [4900.0, 8930.0])
def test_sums_are_as_noisy_as_the_file_of_noise_says_in_either_pointing_and_in_both(
    vault: Archive, tmp_path: Path, first: float
) -> None:
    """Planes that differ in nothing but their noise are realisations of it."""
    count = 60
    wavelengths = first + 1.25 * np.arange(count, dtype=np.float64)
    take_in(vault, tmp_path, wavelengths=wavelengths)
    make(vault, COPT, fwhm=0.7)
    with fits.open(path_of(vault, NAME)) as hdus:
        data, stat = (np.delete(hdus[name].data, 7, axis=0).astype(np.float64) for name in ("DATA", "STAT"))
    (file,) = (one for one in products.get(vault, NAME).artifacts if one.file_name.endswith("_NOISE.fits"))
    noise = read_noise(vault.store.get(file.sha256)).at(float(wavelengths.mean()))
    kinds = noise.kinds(data.shape[1:])
    steps = np.delete(np.arange(float(count)), 7)
    steps -= steps.mean()
    slopes = np.tensordot(steps, data, axes=1) / (steps**2).sum()  # the PSF's change makes stars differ a little
    left = data - data.mean(axis=0) - steps[:, np.newaxis, np.newaxis] * slopes
    left *= np.sqrt((count - 1) / (count - 3))
    found = {}
    for name, columns in (("first", (45, 90)), ("both", (104, 122)), ("second", (140, 221))):
        part = np.s_[:, 10:91, columns[0] : columns[1]]
        (kind,) = set(kinds[part[1:]].ravel())
        assert (left[part] ** 2 / stat[part]).mean() == pytest.approx(1, rel=0.05)
        for width in (3, 9):
            sums, variances = (blocks(each[part], width) for each in (left, stat))
            seen = float((sums**2 / variances).mean())
            told = float(noise.squared(np.array([kind]), width**2)[0])
            assert np.sqrt(seen) == pytest.approx(np.sqrt(told), rel=0.05)
            found[name, width] = told
    assert found["second", 9] > 1.2 * found["both", 9] > 1.2 * found["first", 9]


def blocks(planes: Array, width: int) -> Array:
    """Sums over squares of spaxels."""
    rows, columns = (size // width for size in planes.shape[1:])
    cut = planes[:, : rows * width, : columns * width]
    sums: Array = cut.reshape(len(planes), rows, width, columns, width).sum(axis=(2, 4))
    return sums


def test_a_star_has_its_width_between_two_kernels_that_were_computed(vault: Archive, tmp_path: Path) -> None:
    take_in(vault, tmp_path, wavelengths=np.array([6500.0, 6525.0]))
    make(vault, COPT, fwhm=0.7)
    found = widths(vault, NAME, 6525.0)
    for several in found.values():
        assert np.median(several) == pytest.approx(0.7, rel=0.02)


def test_edges_and_gap_stay_true(made: tuple[Archive, str]) -> None:
    archive, _ = made
    with fits.open(path_of(archive, NAME)) as hdus:
        data, quality = hdus["DATA"].data, hdus["DQ"].data
    assert np.isnan(data[7]).all()
    assert (quality[7] != 0).all()
    assert np.isnan(data[20, :6, :40]).all()
    beside = np.concatenate([data[20, 6, 2:38], data[20, 0, 42:70]])
    assert np.median(beside) == pytest.approx(30, rel=0.03)


def test_the_psfs_are_told_with_their_origin_and_error(made: tuple[Archive, str]) -> None:
    archive, _ = made
    with archive.database.reading() as session:
        rows = {(row.pointing_id, row.origin): row for row in session.scalars(select(PsfRow))}
    for name in ("NGC1385-P01", "NGC1385-P02"):
        logged, seen, true = rows[name, "log"], rows[name, "stars"], two_pointings.psfs(archive)[name]
        assert (logged.used, seen.used) == (1, 0)
        assert (logged.fwhm, logged.beta, logged.fwhm_error) == (true.fwhm, true.beta, None)
        assert seen.fwhm_error is not None
        assert seen.fwhm == pytest.approx(true.fwhm, abs=max(0.01, 4 * seen.fwhm_error))
        assert seen.slope == pytest.approx(10 * true.slope, abs=2e-5)
        assert seen.n_stars is not None
        assert seen.n_stars > 10


def test_how_well_it_was_done_is_told_in_rows_in_a_picture_and_on_the_page(made: tuple[Archive, str]) -> None:
    archive, url = made
    told = told_quality.find(archive.database, products.get(archive, NAME))
    assert told is not None
    found = {(row.figure, row.part): row.measured for row in told.figures}
    target = found[Figure.PSF_TARGET, ""]
    assert found[Figure.PSF_ENCIRCLED, ""] == pytest.approx(1, abs=0.002)
    for window in ("4880-4920", "6480-6520", "8980-9020"):
        assert found[Figure.STAR_FWHM, window] == pytest.approx(target, rel=0.03)
    assert found[Figure.PSF_FWHM, "NGC1385-P02 9000"] == pytest.approx(target, rel=0.003)
    gain = found[Figure.NOISE_GAIN, "NGC1385-P01 6500"]
    assert found[Figure.NOISE_OF_SUMS, "NGC1385-P01 6500 15 x 15"] == pytest.approx(1 / gain, rel=0.1)
    page = requests.get(f"{url}/products/{NAME}", timeout=30).text
    assert "Light within 1 arcsec" in page
    assert f"{NAME}_PSF.png" in page
    picture = requests.get(f"{url}/files/{NAME}_PSF.png", timeout=30).content
    with Image.open(io.BytesIO(picture)) as opened:
        assert min(opened.size) > 300
    auxiliary = [one.artifact_id for one in products.get(archive, NAME).artifacts if one.role == Role.AUXILIARY]
    assert sorted(auxiliary) == [f"{NAME}_NOISE.fits", f"{NAME}_PSF.png"]


def test_the_native_mosaic_tells_the_psfs_as_mpdaf_reads_them(vault: Archive, tmp_path: Path) -> None:
    take_in(vault, tmp_path)
    make(vault, MOSAIC)
    header = fits.getheader(path_of(vault, f"{TARGET}_DATACUBE_native"))
    found, true = read_fsf(header), two_pointings.psfs(vault)
    for psf, name in zip(found, ("NGC1385-P01", "NGC1385-P02"), strict=True):
        assert psf.fwhm == pytest.approx(true[name].fwhm, abs=1e-4)
        assert psf.beta == true[name].beta
        assert name in header.comments[f"FSF{found.index(psf):02d}FNC"]


def test_other_resolutions_are_other_values(vault: Archive, tmp_path: Path) -> None:
    take_in(vault, tmp_path)
    for label, asked in (("1.50asec", {"fwhm": 1.5}), ("150pc", {"physical": "150pc"})):
        tasks = tasks_for(vault, [TARGET], **asked)
        (task,) = (one for one in tasks if one.parameters.get("resolution") == label)
        assert task.name == COPT.name
        make(vault, task, job_id=label)
        product = products.get(vault, f"{TARGET}_DATACUBE_{label}")
        expected = 1.5 if label == "1.50asec" else 150 / 84
        assert product.spatial_resolution == pytest.approx(expected, rel=0.02)
        file = own_file(product)
        assert file is not None
        assert file.file_name == f"{TARGET}_PHANGS_DATACUBE_{label}.fits"
        (step,) = make_plan(vault, [product.product_id]).steps
        assert f"{TARGET}_IMAGE_white_{label}" in {due.item.product_id for due in step.due}
        found = {where: np.median(w) for where, w in widths(vault, product.product_id, 6500.0).items() if w.size}
        for width in found.values():
            assert width == pytest.approx(product.spatial_resolution, rel=0.04)


def test_mosaics_are_due_when_the_log_has_another_psf_those_of_other_resolutions_too(
    vault: Archive, tmp_path: Path
) -> None:
    take_in(vault, tmp_path)
    (task,) = (one for one in tasks_for(vault, [TARGET], fwhm=1.5) if one.parameters.get("resolution") == "1.50asec")
    for one in (MOSAIC, COPT, task):
        make(vault, one, job_id=str(one.parameters.get("resolution")))
    cubes = {f"{TARGET}_DATACUBE_{resolution}" for resolution in ("native", "copt", "1.50asec")}
    assert not cubes & due(vault).keys()
    with vault.database.transaction() as session:
        session.execute(update(Pointing).where(Pointing.pointing_id == f"{TARGET}-P01").values(psf_fwhm=0.8))
    told = due(vault)
    assert cubes <= told.keys()
    assert {told[name] for name in cubes} == {"LOGGED_PSFS"}
    (step,) = (one for one in make_plan(vault, [TARGET]).steps if f"{TARGET}_DATACUBE_1.50asec" in one.order.outputs)
    assert step.order.outputs[f"{TARGET}_DATACUBE_1.50asec"]["fwhm"] == 1.5


def due(archive: Archive) -> dict[str, str | None]:
    """What is due, and because of what."""
    steps = make_plan(archive, [TARGET]).steps
    return {one.item.product_id: one.reason.of for step in steps for one in step.due}


def test_workers_of_a_scheduler_make_the_same_mosaics(vault: Archive, tmp_path: Path) -> None:
    take_in(vault, tmp_path)
    made = {}
    for task in (MOSAIC, COPT):
        make(vault, task)
        made[task.name] = [voxels(path_of(vault, f"{TARGET}_{what}")) for what in products_of(task)]
    with cluster(free_port()) as settings:
        shared = replace(vault, settings=vault.settings.model_copy(update={"dask_scheduler": settings.dask_scheduler}))
        for task in (MOSAIC, COPT):
            again = replace(task, version=task.version, parameters={**task.parameters, "limit": 5.0 + 1e-9})
            (one,) = submit(shared, [TARGET], tasks=(again,))
            drain(shared, installed)
            done = jobs.find(vault.database, one.job.job_id)
            assert done is not None
            assert (done.phase, done.error) == (Phase.COMPLETED, None)
            assert not folder_of(vault.settings.root, jobs.named(vault.database, one.job.job_id).work_key).exists()
            for before, what in zip(made[task.name], products_of(task), strict=True):
                for mine, its in zip(before, voxels(path_of(vault, f"{TARGET}_{what}")), strict=True):
                    np.testing.assert_array_equal(mine, its)


def products_of(task: Task) -> tuple[str, str]:
    resolution = "native" if task is MOSAIC else "copt"
    return f"DATACUBE_{resolution}", f"IMAGE_expmap_{resolution}"


def voxels(path: Path) -> list[Array]:
    with fits.open(path) as hdus:
        return [np.array(hdu.data) for hdu in hdus if hdu.data is not None]


def test_the_psf_may_be_taken_from_the_stars(vault: Archive, tmp_path: Path) -> None:
    """When the log is wrong: both pointings have stars of 0.7 arcsec."""
    take_in(vault, tmp_path, truth={"NGC1385-P01": Psf(0.7, AO_BETA), "NGC1385-P02": Psf(0.6, AO_BETA)})
    (task,) = choose((COPT,), ["homogenised_mosaic.psf=stars"], [TARGET])
    make(vault, task)
    expected = target_fwhm([Psf(0.7, AO_BETA)], WAVELENGTHS)
    assert products.get(vault, NAME).spatial_resolution == pytest.approx(expected, abs=0.015)
    found = widths(vault, NAME, 6500.0)
    assert np.median(found["first"]) == pytest.approx(np.median(found["second"]), rel=0.02)


def test_a_psf_in_the_headers_of_exposures_is_read(vault: Archive, tmp_path: Path) -> None:
    take_in(vault, tmp_path, **dict(fsf_cards({"field": Psf(0.55, AO_BETA)})))
    make(vault, COPT, psf="header")
    assert products.get(vault, NAME).spatial_resolution == pytest.approx(
        target_fwhm([Psf(0.55, AO_BETA)], WAVELENGTHS), abs=1e-4
    )


def test_what_cannot_be_done_is_refused_with_its_reason(vault: Archive, tmp_path: Path) -> None:
    take_in(vault, tmp_path)
    with pytest.raises(Refused, match=r"a PSF of 0\.40 arcsec cannot be had: NGC1385-P01 has 0\.54, so ask for 0\.57"):
        make(vault, COPT, fwhm=0.4)
    with pytest.raises(Refused, match=r"a PSF of 0\.55 arcsec cannot be had: .* noise would be 1\.\d+ times"):
        make(vault, COPT, fwhm=0.545)
    with pytest.raises(Refused, match="no PSF of NGC1385-P01 is known from the header of its 2 exposures"):
        make(vault, COPT, psf="header")
    assert products.find(vault, NAME) is None


@pytest.mark.parametrize(
    ("names", "asked", "words"),
    [
        ([TARGET], {"fwhm": 1.0, "physical": "100pc"}, "not both"),
        ([TARGET], {"fwhm": -1.0}, "no resolution"),
        ([TARGET], {"fwhm": 11.0}, "at most 10 arcsec"),
        ([TARGET], {"physical": "100kpc"}, "at most 10 arcsec"),
        ([TARGET], {"physical": "far"}, "no length"),
        ([TARGET], {"physical": "0pc"}, "no length"),
        ([], {"physical": "100pc"}, "one galaxy"),
        (["NGC0000"], {"physical": "100pc"}, "one galaxy"),
        ([TARGET, "NGC0628"], {"physical": "100pc"}, "one galaxy"),
    ],
)
def test_a_resolution_that_is_none_is_refused(
    made: tuple[Archive, str], names: list[str], asked: dict[str, Any], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        tasks_for(made[0], names, **asked)


def test_the_command_knows_both_ways_of_asking() -> None:
    from processing.cli import plan, process

    for command in (plan, process):
        words = CliRunner().invoke(command, ["--help"]).output
        assert "--fwhm" in words
        assert "--physical" in words
