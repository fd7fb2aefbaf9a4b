"""What maps depend on beside their cube: what somebody sets, the survey's table, the folder of templates."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from sqlalchemy import update

from archive import editions, jobs, products
from archive.archive import Archive
from archive.errors import Refused
from processing.chosen import choose
from processing.maps.map_task import MAPS_OF_CUBES
from processing.maps.star_task import STARS, stars
from processing.plan import make_plan
from processing.stellar_library import MODELS, select
from processing.task import FACTS, own_file
from schema.observations import Target
from tests.support import archives, galaxies
from tests.support.galaxies import TARGET

PACKAGE = Path("data") / MODELS
CUBE = f"{TARGET}_DATACUBE_native"
NAME = f"{TARGET}_STARS_native"
PREFIX = "ESO DRS MUSE MAPS"


@pytest.fixture
def vault(server: str, survey_template: str, tmp_path: Path) -> Iterator[Archive]:
    with (
        archives.fresh_database(server, template=survey_template) as url,
        archives.opened(url, tmp_path / "vault") as archive,
    ):
        yield archive


def with_templates(archive: Archive, folder: Path) -> Archive:
    """The same archive where the settings name a folder of templates."""
    return Archive(archive.settings.model_copy(update={"templates": folder}), archive.database, archive.store)


@pytest.fixture(scope="module")
def cube(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a galaxy of 5000 km/s."""
    galaxy = galaxies.simulate(systemic=5000.0, ebv=0.0)
    return galaxies.write(tmp_path_factory.mktemp("cube") / "cube.fits", galaxy)


def tell(archive: Archive, *, velocity: float, ebv: float) -> None:
    """Write into the survey's table of galaxies."""
    with archive.database.transaction() as session:
        session.execute(update(Target).where(Target.name == TARGET).values(systemic_velocity=velocity, ebv=ebv))


def due(archive: Archive, *written: str) -> dict[str, str]:
    tasks = choose((STARS, MAPS_OF_CUBES), written, [CUBE])
    return {o.item.product_id: str(o.reason) for s in make_plan(archive, [CUBE], tasks=tasks).steps for o in s.due}


def make(archive: Archive, *written: str, **forced: Any) -> None:
    """Make the stars, as somebody sets them; ``forced`` is what no plan would ask for."""
    (step,) = make_plan(archive, [CUBE], tasks=choose((STARS,), written, [CUBE])).steps
    parameters = step.order.to_parameters()
    for given in parameters["outputs"].values():
        given.update(forced)
    job = jobs.submit(archive.database, "stars", parameters)
    stars(archive, parameters, job.job_id, lambda _fraction, _words: None)


def header(archive: Archive) -> fits.Header:
    with fits.open(path(archive)) as hdus:
        return hdus[0].header.copy()


def path(archive: Archive) -> Path:
    file = own_file(products.get(archive, NAME))
    assert file is not None
    return archive.store.get(file.sha256)


def cut_templates(folder: Path, last: float) -> Path:
    """Models as the package has them, up to a wavelength."""
    folder.mkdir()
    for model in select(PACKAGE).models:
        with fits.open(model.path) as hdus:
            head = hdus[0].header
            count = int((last - head["CRVAL1"]) / head["CDELT1"]) + 1
            fits.PrimaryHDU(hdus[0].data[:count], head).writeto(folder / model.path.name)
    return folder


def test_what_is_given_of_a_galaxy_stays_and_else_the_survey_is_followed(vault: Archive, cube: Path) -> None:
    galaxies.take_in(vault, cube)
    make(vault, "stars.velocity=4990", "stars.ebv=0.02", "stars.least_bins=8")
    told = header(vault)
    assert (told["REDSHIFT"], told[f"{PREFIX} VELOCITY ORIGIN"]) == (4990, "GIVEN")
    assert (told[f"{PREFIX} EBV"], told[f"{PREFIX} EBV ORIGIN"]) == (0.02, "GIVEN")
    tell(vault, velocity=5000.0, ebv=0.0)
    assert NAME not in due(vault)
    assert due(vault, "stars.ebv=null")[NAME] == "parameters changed"
    make(vault, "stars.ebv=null", "stars.velocity=null")
    told = header(vault)
    assert (told["REDSHIFT"], told[f"{PREFIX} VELOCITY ORIGIN"]) == (5000, "SURVEY")
    assert (told[f"{PREFIX} EBV"], told[f"{PREFIX} EBV ORIGIN"]) == (0, "SURVEY")
    recorded = editions.current(vault.database)[NAME].parameters
    assert recorded["chosen"] == ["least_bins"]
    assert recorded[FACTS] == {"survey_velocity": 5000.0, "survey_ebv": 0.0}
    assert NAME not in due(vault)
    tell(vault, velocity=5000.0, ebv=0.1)
    assert due(vault)[NAME] == "input changed: survey_ebv"
    tell(vault, velocity=4000.0, ebv=0.0)
    assert due(vault)[NAME] == "input changed: survey_velocity"


def test_templates_that_end_as_miles_does_will_do_and_others_make_stars_due(
    vault: Archive, cube: Path, tmp_path: Path
) -> None:
    galaxies.take_in(vault, cube, target=None)
    miles = with_templates(vault, cut_templates(tmp_path / "miles", 7409.0))
    make(miles)
    with fits.open(path(vault)) as hdus:
        told = hdus[0].header
        assert np.isfinite(hdus["BINS"].data["V"]).mean() > 0.9
        assert hdus["BINS"].data["WEIGHTS"].shape[1] == len(hdus["TEMPLATES"].data)
        taken, wanted = hdus["TEMPLATES"].data, hdus["TEMPLATES_WANTED"].data
        found = taken[wanted["TEMPLATE"]]
        np.testing.assert_allclose(np.log10(found["AGE"] / wanted["WANTED_AGE"]), wanted["AGE_OFF"])
        np.testing.assert_allclose(found["METALLICITY"] - wanted["WANTED_METALLICITY"], wanted["METALLICITY_OFF"])
        assert len(wanted) == 32
    assert (told[f"{PREFIX} VELOCITY ORIGIN"], told[f"{PREFIX} TEMPLATES EXACT"]) == ("SPECTRUM", False)
    assert (told[f"{PREFIX} EBV"], told[f"{PREFIX} EBV ORIGIN"]) == (0, "ASSUMED")
    assert NAME not in due(miles)
    assert due(vault)[NAME] == "input changed: TEMPLATES"
    assert NAME not in due(with_templates(vault, tmp_path / "none"))
    model = select(tmp_path / "miles").models[0].path
    model.write_bytes(model.read_bytes() + bytes(2880))
    assert due(miles)[NAME] == "input changed: TEMPLATES"


def test_templates_that_end_too_early_are_refused_before_any_work(vault: Archive, cube: Path, tmp_path: Path) -> None:
    galaxies.take_in(vault, cube, target=None)
    with pytest.raises(Refused, match="the templates reach from 3541 to 6500 Angstrom"):
        make(with_templates(vault, cut_templates(tmp_path / "short", 6500.0)), "stars.velocity=5000")


def test_wrong_parameters_are_refused_before_any_work(vault: Archive, cube: Path) -> None:
    galaxies.take_in(vault, cube, target=None)
    for wrong in ({"monte_carlo": 1}, {"engine": "abacus"}, {"signal_to_noise": 0}, {"ebv": -1.0}):
        with pytest.raises(Refused, match=f"stars.{next(iter(wrong))} is"):
            make(vault, **wrong)


def test_stars_by_the_reference_are_those_of_our_own(vault: Archive, cube: Path) -> None:
    galaxies.take_in(vault, cube, target=None)
    with pytest.raises(Refused, match="Monte Carlo are those of the engine batch"):
        make(vault, "stars.engine=ppxf", "stars.monte_carlo=5")
    found = []
    for engine in ("batch", "ppxf"):
        make(vault, f"stars.engine={engine}", "stars.monte_carlo=0")
        file = own_file(products.get(vault, NAME))
        assert file is not None
        with fits.open(vault.store.get(file.sha256)) as hdus:
            assert hdus[0].header[f"{PREFIX} ENGINE"] == engine
            found.append({name: np.array(hdus["BINS"].data[name]) for name in ("V", "FORM_ERR_V", "FLAGS")})
    ours, theirs = found
    assert np.nanmedian(np.abs(ours["V"] - theirs["V"]) / ours["FORM_ERR_V"]) < 0.2
    np.testing.assert_array_equal(ours["FLAGS"], theirs["FLAGS"])
