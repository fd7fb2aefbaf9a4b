"""From a cube to its maps: a galaxy of known truth, what the file is like, what goes wrong."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from archive import jobs, products
from archive.archive import Archive
from archive.checkpoints import folder_of
from archive.errors import Refused
from archive.quality import find
from archive.tasks import installed
from archive.worker import drain
from processing.maps.map_task import MAPS_OF_CUBES, maps
from processing.maps.star_task import STARS, stars
from processing.plan import make_plan
from processing.science.fit_flags import FitFlag
from processing.science.lsf import MUSE_LSF, SPEED_OF_LIGHT
from processing.submission import submit
from processing.task import Task, own_file
from schema.jobs import Phase
from schema.products import Role
from schema.quality import Figure
from tests.support import archives, galaxies
from tests.support.galaxies import EMPTY, SHAPE, TARGET, Galaxy
from tests.support.line_spectra import FREE
from tests.support.staff import worker

Array = NDArray[np.float64]

NAME = f"{TARGET}_MAPS_native"


@pytest.fixture(scope="module")
def made(
    server: str, survey_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Archive, Galaxy]]:
    """An archive in which the maps of the galaxy were made by a worker; to be read only."""
    root = tmp_path_factory.mktemp("maps")
    with (
        archives.fresh_database(server, template=survey_template) as url,
        archives.opened(url, root / "vault") as archive,
    ):
        galaxy = galaxies.of_survey(archive)
        galaxies.take_in(archive, galaxies.write(root / "cube.fits", galaxy))
        submitted = submit(archive, [TARGET], tasks=(STARS, MAPS_OF_CUBES))
        drain(archive, installed)
        ended = [jobs.named(archive.database, one.job.job_id) for one in submitted]
        assert [(one.phase, one.error) for one in ended] == [(Phase.COMPLETED, None)] * 2
        yield archive, galaxy


@pytest.fixture
def vault(server: str, survey_template: str, tmp_path: Path) -> Iterator[Archive]:
    with (
        archives.fresh_database(server, template=survey_template) as url,
        archives.opened(url, tmp_path / "vault") as archive,
    ):
        yield archive


def path_of(archive: Archive, product_id: str) -> Path:
    file = own_file(products.get(archive, product_id))
    assert file is not None
    return archive.store.get(file.sha256)


def images(archive: Archive, product_id: str = NAME) -> dict[str, Any]:
    with fits.open(path_of(archive, product_id)) as hdus:
        return {hdu.name: np.array(hdu.data) for hdu in hdus[1:]}


def until(met: Callable[[], bool], *, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it does not come to pass"
        time.sleep(0.02)


def make(archive: Archive, task: Task, **changed: Any) -> None:
    """Do what the plan says is due of a task, perhaps by other parameters."""
    (step,) = make_plan(archive, [TARGET], tasks=(task,)).steps
    parameters = step.order.to_parameters()
    for given in parameters["outputs"].values():
        given.update(changed)
    job = jobs.submit(archive.database, task.name, parameters)
    work = stars if task is STARS else maps
    work(archive, parameters, job.job_id, lambda _fraction, _words: None)


def test_the_file_is_laid_out_as_released_and_goes_on_with_what_was_missed(made: tuple[Archive, Galaxy]) -> None:
    lines = ["HB4861", "OIII4958", "OIII5006", "NII6548", "HA6562", "NII6583", "SII6716", "SII6730"]
    released = ["BIN_ID", "V_STARS", "FORM_ERR_V_STARS", "SIGMA_STARS", "FORM_ERR_SIGMA_STARS"]
    each = ["FLUX", "FLUX_ERR", "VEL", "VEL_ERR", "SIGMA", "SIGMA_ERR"]
    released += [f"{line}_{what}" for line in lines for what in each]
    with fits.open(path_of(made[0], NAME), checksum=True) as hdus:
        assert [hdu.name for hdu in hdus[1:54]] == released
        assert {(hdu.data.dtype.str, hdu.data.shape) for hdu in hdus[1:54]} == {(">f8", SHAPE)}
        assert hdus[0].header["REDSHIFT"] == pytest.approx(made[1].systemic)
        assert hdus[0].header["PRODCATG"] == "ANCILLARY.IMAGE"
        assert {hdu.header["CTYPE1"] for hdu in hdus[1:]} == {"RA---TAN"}
        assert hdus["HA6562_VEL"].header["BUNIT"] == "km/s"
        more = {hdu.name for hdu in hdus[54:]}
    assert {"STARS_FLUX", "SNR", "BIN_SNR", "STARS_CHI2", "LINES_CHI2", "STARS_FLAGS", "EBV_STARS"} <= more
    assert {"HA6562_FLAGS", "HA6562_SIGMA_INST", "HA6562_AN", "BIN_RA", "BIN_DEC", "BIN_AREA"} <= more
    file = own_file(products.get(made[0], NAME))
    assert file is not None
    assert file.file_name == f"{TARGET}_MAPS_native.fits"


def test_stars_are_found_as_they_move(made: tuple[Archive, Galaxy]) -> None:
    found, truth = images(made[0]), made[1]
    held = np.isfinite(found["V_STARS"])
    assert held.mean() > 0.9
    number = found["BIN_ID"][held].astype(int)
    weight = np.bincount(number)
    truths = [np.bincount(number, each[held]) / weight for each in (truth.velocity, truth.sigma)]
    for name, true in zip(("V_STARS", "SIGMA_STARS"), truths, strict=True):
        one, error = (np.bincount(number, found[each][held]) / weight for each in (name, f"FORM_ERR_{name}"))
        pulls = (one - true) / error
        assert abs(np.median(pulls)) < 0.5
        assert np.std(pulls) < 1.5
    snr = found["BIN_SNR"][held]
    assert 25 < np.median(snr) < 45


def test_what_a_bin_has_all_its_spaxels_have_and_groups_move_as_one(made: tuple[Archive, Galaxy]) -> None:
    found = images(made[0])
    number = found["BIN_ID"]
    for name in ("V_STARS", "SIGMA_STARS", "BIN_RA", "BIN_AREA", "STARS_CHI2"):
        for one in np.unique(number[number >= 0]):
            values = found[name][number == one]
            assert np.all((values == values[0]) | (np.isnan(values) & np.isnan(values[0])))
    for weak, strong, ratio in (("OIII4958", "OIII5006", 0.35), ("NII6548", "NII6583", 0.34)):
        for what in ("FLUX", "FLUX_ERR"):
            np.testing.assert_allclose(found[f"{weak}_{what}"], ratio * found[f"{strong}_{what}"], rtol=1e-12)
    for group in (("HB4861", "HA6562"), ("NII6548", "NII6583", "SII6716", "SII6730"), ("OIII4958", "OIII5006")):
        own = []
        for line in group:
            np.testing.assert_array_equal(found[f"{line}_VEL"], found[f"{group[0]}_VEL"])
            own.append(found[f"{line}_SIGMA"] ** 2 - found[f"{line}_SIGMA_INST"] ** 2)
        for each in own[1:]:
            np.testing.assert_allclose(each, own[0], rtol=1e-6, atol=1e-6)
    middle = 6562.79 * (1 + made[1].systemic / SPEED_OF_LIGHT)
    assert np.nanmedian(found["HA6562_SIGMA_INST"]) == pytest.approx(float(MUSE_LSF.sigma(np.array(middle))), rel=1e-3)


def test_gas_is_found_as_it_shines_without_the_dust_before_it(made: tuple[Archive, Galaxy]) -> None:
    found, truth = images(made[0]), made[1]
    strong = found["HA6562_AN"] > 8
    assert strong.sum() > 100
    true = truth.fluxes[..., [line.name for line in FREE].index("HA6562")]
    ratio = (found["HA6562_FLUX"] / true)[strong]
    assert np.median(ratio) == pytest.approx(1, abs=0.01)
    pulls = ((found["HA6562_FLUX"] - true) / found["HA6562_FLUX_ERR"])[strong]
    assert 0.8 < np.std(pulls) < 1.2
    moved = (found["HA6562_VEL"] - truth.gas_velocity)[strong]
    assert abs(np.median(moved)) < 1
    assert 0.8 < np.std(moved / found["HA6562_VEL_ERR"][strong]) < 1.25
    intrinsic = np.sqrt(found["HA6562_SIGMA"] ** 2 - found["HA6562_SIGMA_INST"] ** 2)[strong]
    assert np.nanmedian(intrinsic - truth.gas_sigma[..., 0][strong]) == pytest.approx(0, abs=3)


def test_nobody_observed_the_corner(made: tuple[Archive, Galaxy]) -> None:
    found = images(made[0])
    assert np.isnan(found["BIN_ID"][EMPTY]).all()
    assert np.isnan(found["HA6562_FLUX"][EMPTY]).all()
    assert (found["HA6562_FLAGS"][EMPTY] == FitFlag.NO_DATA).all()


def test_lines_say_where_the_stars_under_them_are_those_of_another_bin(made: tuple[Archive, Galaxy]) -> None:
    found = images(made[0])
    other = (found["HA6562_FLAGS"].astype(int) & FitFlag.OTHER_STARS) != 0
    assert not other[np.isfinite(found["V_STARS"])].any()
    observed = (found["HA6562_FLAGS"].astype(int) & FitFlag.NO_DATA) == 0
    assert other[observed & np.isnan(found["V_STARS"])].all()


def test_both_engines_fitted_some_and_their_agreement_is_told(made: tuple[Archive, Galaxy]) -> None:
    archive = made[0]
    for name in (NAME, f"{TARGET}_STARS_native"):
        told = find(archive.database, products.get(archive, name))
        assert told is not None
        medians = [one.measured for one in told.figures if one.figure == Figure.ENGINE_MEDIAN]
        assert medians
        assert all(0 <= one < 1 for one in medians)


def test_pictures_belong_to_the_maps_and_a_second_look_does_nothing(made: tuple[Archive, Galaxy]) -> None:
    archive = made[0]
    held = products.get(archive, NAME).artifacts
    assert {(one.role, one.file_name) for one in held if one.media_type == "image/png"} == {
        (Role.PREVIEW, f"{NAME}_MAPS.png"),
        (Role.AUXILIARY, f"{NAME}_BPT.png"),
        (Role.AUXILIARY, f"{NAME}_SPECTRA.png"),
    }
    assert make_plan(archive, [TARGET], tasks=(STARS, MAPS_OF_CUBES)).steps == ()


def test_the_fitted_spectra_are_a_cube_for_who_asks(vault: Archive, tmp_path: Path) -> None:
    galaxy = galaxies.of_survey(vault)
    galaxies.take_in(vault, galaxies.write(tmp_path / "cube.fits", galaxy))
    make(vault, STARS)
    make(vault, MAPS_OF_CUBES, model=True)
    (file,) = (one for one in products.get(vault, NAME).artifacts if one.file_name.endswith("_MODEL.fits"))
    with fits.open(vault.store.get(file.sha256)) as hdus:
        model, header = np.array(hdus["MODEL"].data), hdus["MODEL"].header
    first = round((header["CRVAL3"] - galaxies.GRID[0]) / 1.25)
    seen = galaxy.cube[first : first + len(model)]
    left = (seen - model)[:, 10, 12] / galaxies.SIGMA
    assert np.std(left) == pytest.approx(1, abs=0.1)
    assert abs(np.mean(left)) < 0.1


def test_an_unknown_galaxy_gets_its_velocity_from_its_spectrum(vault: Archive, tmp_path: Path) -> None:
    galaxy = galaxies.simulate(systemic=5000.0, ebv=0.0)
    galaxies.take_in(vault, galaxies.write(tmp_path / "cube.fits", galaxy), target=None)
    (step,) = make_plan(vault, [f"{TARGET}_DATACUBE_native"], tasks=(STARS,)).steps
    parameters = step.order.to_parameters()
    job = jobs.submit(vault.database, "stars", parameters)
    stars(vault, parameters, job.job_id, lambda _fraction, _words: None)
    with fits.open(path_of(vault, f"{TARGET}_STARS_native")) as hdus:
        assert hdus[0].header["REDSHIFT"] == pytest.approx(5000, abs=60)
        assert np.nanmedian(hdus["BINS"].data["V"]) == pytest.approx(5000 - hdus[0].header["REDSHIFT"], abs=10)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ({"kind": "WAVE"}, "in vacuum"),
        ({"unit": "erg/s/cm2/Hz"}, "unit"),
        ({"stat": False}, "no variance"),
    ],
)
def test_a_cube_that_cannot_be_fitted_is_refused_with_the_reason(
    vault: Archive, tmp_path: Path, spoil: dict[str, Any], reason: str
) -> None:
    galaxies.take_in(vault, galaxies.write(tmp_path / "cube.fits", galaxies.of_survey(vault), **spoil))
    with pytest.raises(Refused, match=reason):
        make(vault, STARS)


def test_nothing_but_nan_or_no_variance_above_zero_is_said_so(vault: Archive, tmp_path: Path) -> None:
    galaxy = galaxies.of_survey(vault)
    galaxy.variance[:] = 0
    galaxies.take_in(vault, galaxies.write(tmp_path / "cube.fits", galaxy))
    with pytest.raises(Refused, match="no spaxel has good values with a variance above zero"):
        make(vault, STARS)


def test_a_field_too_faint_for_one_bin_is_refused_and_one_faint_bin_is_flagged(vault: Archive, tmp_path: Path) -> None:
    galaxies.take_in(vault, galaxies.write(tmp_path / "faint.fits", galaxies.of_survey(vault, centre=1.0)))
    with pytest.raises(Refused, match="signal to noise of 5"):
        make(vault, STARS, lowest_signal_to_noise=5.0)


def test_templates_that_are_not_there_are_named(server: str, survey_template: str, tmp_path: Path) -> None:
    with (
        archives.fresh_database(server, template=survey_template) as url,
        archives.opened(url, tmp_path / "vault", templates=tmp_path / "none") as archive,
    ):
        galaxies.take_in(archive, galaxies.write(tmp_path / "cube.fits", galaxies.of_survey(archive)))
        with pytest.raises(Refused, match="there is no folder"):
            make(archive, STARS)


@pytest.mark.slow
def test_a_killed_worker_leaves_finished_tiles_and_the_next_one_goes_on(vault: Archive, tmp_path: Path) -> None:
    galaxies.take_in(vault, galaxies.write(tmp_path / "cube.fits", galaxies.of_survey(vault)))
    make(vault, STARS)
    (submitted,) = submit(vault, [TARGET], tasks=(MAPS_OF_CUBES,))
    kept = folder_of(vault.settings.root, submitted.job.work_key) / "tiles"
    with worker(vault) as first:
        until(lambda: len(list(kept.glob("*/*.npz"))) >= 2)
        first.kill()
    before = {path.name: path.stat().st_mtime_ns for path in kept.glob("*/*.npz")}
    with worker(vault):
        until(lambda: jobs.named(vault.database, submitted.job.job_id).phase in {Phase.EXECUTING, Phase.COMPLETED})
        seen: dict[str, int] = {}
        while jobs.named(vault.database, submitted.job.job_id).phase != Phase.COMPLETED:
            seen |= {path.name: path.stat().st_mtime_ns for path in kept.glob("*/*.npz") if path.exists()}
            time.sleep(0.02)
    assert {name: seen.get(name) for name in before} == before
    assert np.isfinite(images(vault)["HA6562_FLUX"]).mean() > 0.5
    assert not kept.parent.exists()


@pytest.mark.slow
def test_maps_by_the_reference_are_the_same_maps(made: tuple[Archive, Galaxy], vault: Archive, tmp_path: Path) -> None:
    galaxies.take_in(vault, galaxies.write(tmp_path / "cube.fits", made[1]))
    make(vault, STARS, engine="ppxf")
    make(vault, MAPS_OF_CUBES, engine="ppxf")
    reference, own = images(vault), images(made[0])
    assert list(reference) == list(own)
    assert np.array_equal(reference["BIN_ID"], own["BIN_ID"], equal_nan=True)
    for value, error in (
        ("V_STARS", "FORM_ERR_V_STARS"),
        ("SIGMA_STARS", "FORM_ERR_SIGMA_STARS"),
        *((f"HA6562_{what}", f"HA6562_{what}_ERR") for what in ("FLUX", "VEL", "SIGMA")),
    ):
        both = np.isfinite(reference[value]) & np.isfinite(own[value])
        assert both.sum() > 0.97 * np.isfinite(own[value]).sum()
        apart = np.abs(reference[value] - own[value])[both] / own[error][both]
        assert np.median(apart) < 0.1, value
        assert np.quantile(apart, 0.99) < 0.5, value
    same = reference["HA6562_FLAGS"] == own["HA6562_FLAGS"]
    assert same[own["HA6562_AN"] >= 5].mean() > 0.98
    assert len(products.get(vault, NAME).artifacts) == len(products.get(made[0], NAME).artifacts)
