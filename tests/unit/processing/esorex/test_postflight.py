"""What a run may have made without a word, each by one violation; the files are those of a real run, changed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from archive.errors import Refused
from processing.esorex.frame import Frame
from processing.esorex.postflight import check_filled, check_grid, check_log, check_place, products_of
from processing.esorex.preflight import Checked
from processing.esorex.recipe import Recipe
from processing.esorex.run import Outcome, run
from processing.esorex.table_checks import check_tables
from tests.support.pixel_tables import Exposed, changed, write_offsets

RECIPE = Recipe("muse_scipost", {"DATACUBE_FINAL": 1}, {"skymethod": "subtract-model", "lambdaref": -1.0})


@pytest.fixture(scope="module")
def outcome(exposed: Exposed, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run(RECIPE, exposed.frames, tmp_path_factory.mktemp("made") / "run")


@pytest.fixture
def made(outcome: Outcome, tmp_path: Path) -> Path:
    """A folder with what a run left."""
    folder = tmp_path / "run"
    shutil.copytree(outcome.one("DATACUBE_FINAL").parent, folder)
    return folder


def look(folder: Path, exposed: Exposed, frames: list[Frame] | None = None, recipe: Recipe = RECIPE) -> object:
    frames = frames or exposed.frames
    return products_of(folder, folder / "products.json", recipe, frames, Checked(check_tables(frames), None))


def test_a_run_that_went_well_is_whole(made: Path, exposed: Exposed) -> None:
    assert look(made, exposed)


def test_a_list_that_is_missing_or_empty_is_noticed(made: Path, exposed: Exposed) -> None:
    (made / "products.json").write_text("")
    with pytest.raises(Refused, match="left no list of its products"):
        look(made, exposed)
    (made / "products.json").unlink()
    with pytest.raises(Refused, match="left no list of its products"):
        look(made, exposed)


def test_a_product_that_was_left_out_is_noticed(made: Path, exposed: Exposed) -> None:
    two_images = Recipe("muse_scipost", {"DATACUBE_FINAL": 1, "IMAGE_FOV": 2})
    with pytest.raises(Refused, match="made 1 of 2 IMAGE_FOV, and said nothing"):
        look(made, exposed, recipe=two_images)


def test_a_product_that_is_gone_is_noticed(made: Path, exposed: Exposed) -> None:
    (made / "DATACUBE_FINAL.fits").unlink()
    with pytest.raises(Refused, match="DATACUBE_FINAL.fits cannot be read"):
        look(made, exposed)


@pytest.mark.parametrize("left", [2880 * 3, 200_000])
@pytest.mark.filterwarnings("ignore:File may have been truncated", "ignore:Error validating header")
def test_a_product_that_is_cut_off_is_noticed(made: Path, exposed: Exposed, left: int) -> None:
    with (made / "DATACUBE_FINAL.fits").open("r+b") as file:
        file.truncate(left)
    with pytest.raises(Refused, match=r"DATACUBE_FINAL.fits (is cut off|cannot be read)"):
        look(made, exposed)


def test_a_product_that_is_damaged_is_noticed(made: Path, exposed: Exposed) -> None:
    with fits.open(made / "DATACUBE_FINAL.fits") as hdus:
        place = hdus["STAT"].fileinfo()["datLoc"]
    with (made / "DATACUBE_FINAL.fits").open("r+b") as file:
        file.seek(place + 400)
        file.write(b"\x12")
    with pytest.raises(Refused, match="is damaged: the sum of its extension 2 differs"):
        look(made, exposed)


def test_an_input_that_was_overlooked_is_noticed(made: Path, exposed: Exposed, tmp_path: Path) -> None:
    offsets = Frame(write_offsets(tmp_path / "offsets.fits", exposed.exposures), "OFFSET_LIST")
    with pytest.raises(Refused, match="left offsets.fits out of what it made"):
        look(made, exposed, [*exposed.frames, offsets])
    with pytest.raises(Refused, match="left table1.fits out of what it made"):
        look(made, exposed, [*exposed.frames, Frame(exposed.tables[1], "PIXTABLE_OBJECT")])


def test_the_number_of_tables_in_a_cube_is_looked_at(made: Path, exposed: Exposed) -> None:
    cube = made / "DATACUBE_FINAL.fits"

    def change(hdus: fits.HDUList) -> None:
        hdus[0].header["ESO PRO DATANCOM"] = 2

    changed(cube, cube, change)
    with pytest.raises(Refused, match="DATACUBE_FINAL.fits is of 2 tables, there were 1"):
        look(made, exposed)


def test_axes_are_those_that_were_asked_for(outcome: Outcome) -> None:
    cube = outcome.one("DATACUBE_FINAL")
    wanted = fits.getheader(cube, "DATA")
    check_grid(cube, wanted)
    for keyword, value in (("NAXIS1", 7), ("CRPIX2", 8.0), ("CRVAL1", 54.0), ("CRVAL3", 1.0), ("CD1_2", 1e-5)):
        other = wanted.copy()
        other[keyword] = value
        with pytest.raises(Refused, match=f"{keyword} is .*, asked for was {value}"):
            check_grid(cube, other)


def test_a_cube_lies_where_the_exposure_looked(outcome: Outcome, exposed: Exposed) -> None:
    cube, header = outcome.one("DATACUBE_FINAL"), fits.getheader(exposed.tables[0])
    check_place(cube, header["RA"], header["DEC"])
    check_place(cube, header["RA"] - 360, header["DEC"])
    for ra, dec in ((header["RA"] + 0.02, header["DEC"]), (header["RA"], 0.0), (0.0, header["DEC"])):
        with pytest.raises(Refused, match="lies at 54.*, the exposure at"):
            check_place(cube, ra, dec)


def _empty(hdus: fits.HDUList) -> None:
    hdus["DATA"].data[:, 3:] = np.nan
    hdus["DATA"].data[1:] = np.nan


def test_a_cube_without_values_is_noticed(made: Path, outcome: Outcome) -> None:
    check_filled(outcome.one("DATACUBE_FINAL"), has_margin=False)
    empty = changed(made / "DATACUBE_FINAL.fits", made / "empty.fits", _empty)
    with pytest.raises(Refused, match="of 26400 voxels have a value, and the pipeline said nothing"):
        check_filled(empty, has_margin=False)


def test_a_cube_that_was_cut_is_noticed(outcome: Outcome) -> None:
    with pytest.raises(Refused, match="has values at its edges"):  # the pipeline's own grid has no margin
        check_filled(outcome.one("DATACUBE_FINAL"), has_margin=True)


def _without_a_table(log: str) -> str:
    return "\n".join(line for line in log.splitlines() if "Loading pixel table" not in line)


def _saying(words: str) -> Callable[[str], str]:
    return lambda log: f"{log}\n01:03:25 [WARNING] muse_x: [tid=000] {words}\n"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_without_a_table, "did not read table0.fits, and said nothing"),
        (_saying("No sky lines found in input frameset!"), "went on after: No sky lines"),
        (_saying("No LSF_PROFILE (cube format) specified for IFU 12!"), "went on after: No LSF_PROFILE"),
        (_saying("Using default MUSE WFM astrometry, output ..."), "went on after: Using default MUSE"),
        (_saying("Input OFFSET_LIST has unexpected format, proceeding without offset"), "went on after: Input OFFSET"),
        (_saying("RA_OFFSET for 2019 could not be read from OFFSET_LIST!"), "went on after: RA_OFFSET"),
        (_saying('No valid headers for OUTPUT_WCS found in "x"'), "went on after: No valid headers"),
        (_saying("Unexpected type for keyword RA in input header: int"), "went on after: Unexpected type"),
        (_saying("This seems to be lab data (RA=0.0)"), "went on after: This seems"),
    ],
)
def test_what_the_pipeline_went_on_without_is_noticed(
    outcome: Outcome, exposed: Exposed, change: Callable[[str], str], reason: str
) -> None:
    checked = Checked(check_tables(exposed.frames), None)
    check_log(RECIPE, outcome.log, checked)
    with pytest.raises(Refused, match=reason):
        check_log(RECIPE, change(outcome.log), checked)


def test_what_is_said_of_ifus_that_are_not_there_is_no_loss(outcome: Outcome, exposed: Exposed) -> None:
    change = _saying("No LSF_PROFILE (cube format) specified for IFU  1!")
    check_log(RECIPE, change(outcome.log), Checked(check_tables(exposed.frames), None))
