"""Exposures are aligned by a job, the numbers are rows and a file, and a person has the last word."""

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from astropy.io import fits
from sqlalchemy import select

from archive import alignments, jobs, products, provenance
from archive.alignments import Held
from archive.archive import Archive
from archive.products import NewFile, Publication
from processing import alignment_file
from processing.alignment_cli import alignment
from processing.alignment_product import rows_of
from processing.alignments import ALIGNMENTS
from processing.exposure_cubes import EXPOSURE_CUBES
from processing.order import Work
from processing.plan import make_plan
from processing.submission import submit
from processing.task import own_file
from schema.alignment import Alignment
from schema.base import Base
from schema.jobs import Phase
from schema.products import Product
from tests.support.aligned_blocks import DP_IDS, TARGET, TRUTHS, product, publish, sky, take_in, take_in_reference
from tests.support.chain import do_queued
from tests.support.commands import Types, typing
from tests.support.fields import trailed
from tests.support.pointings import MIDDLE, POINTING, SIZE, SKY, images, wcs

FIRST, SECOND = DP_IDS
TASKS = (ALIGNMENTS, EXPOSURE_CUBES)


@pytest.fixture
def types(survey: Archive, monkeypatch: pytest.MonkeyPatch) -> Iterator[Types]:
    with typing(survey, monkeypatch, alignment) as typed:
        yield typed


def measured(archive: Archive, folder: Path) -> dict[str, Held]:
    take_in(archive, folder)
    assert done(archive) == (Phase.COMPLETED, None)
    return dict(alignments.find_all(archive.database, target=TARGET))


def done(archive: Archive) -> tuple[str, str | None]:
    """Do the one job that is due; how it ended."""
    (submitted,) = submit(archive, tasks=(ALIGNMENTS,))
    assert do_queued(archive) == ["alignments"]
    job = jobs.find(archive.database, submitted.job.job_id)
    assert job is not None
    return job.phase, job.error


def due(archive: Archive) -> dict[str, str]:
    return {one.item.product_id: str(one.reason) for step in make_plan(archive, tasks=TASKS).steps for one in step.due}


def values(row: Base) -> dict[str, object]:
    return {c.name: getattr(row, c.name) for c in row.__table__.columns if c.name != "made"}


def record(archive: Archive, dp_id: str) -> alignment_file.AlignmentRecord:
    file = own_file(products.get(archive, f"{dp_id}_ALIGNMENT"))
    assert file is not None
    return alignment_file.read(archive.store.get(file.sha256))


def test_a_job_finds_how_each_exposure_of_a_block_lies(survey: Archive, tmp_path: Path) -> None:
    found = measured(survey, tmp_path)
    assert list(found) == list(DP_IDS)
    for dp_id, truth in zip(DP_IDS, TRUTHS, strict=True):
        row, grid = found[dp_id].alignment, wcs()
        before = grid.pixel_to_world_values(MIDDLE + POINTING[0], MIDDLE + POINTING[1])
        x, y = truth.there(*POINTING)
        after = grid.pixel_to_world_values(MIDDLE + x, MIDDLE + y)
        east = (row.ra_offset - float(before[0] - after[0])) * math.cos(math.radians(-24.5))
        assert abs(east) * 3600 < 0.03  # the pipeline takes it off, hence before minus after
        assert abs(row.dec_offset - float(before[1] - after[1])) * 3600 < 0.03
        assert row.rotation == pytest.approx(truth.rotation, abs=0.03)
        assert row.flux_scale == pytest.approx(truth.a, rel=0.01)
        assert row.sky_level == pytest.approx(SKY)
        assert row.sky_factor == pytest.approx(1 - truth.b / (truth.a * SKY), abs=0.01)
        assert (row.quality, row.origin, row.filter) == ("good", "measured", "Cousins_R")
        assert found[dp_id].trails == ()
    assert due(survey) == {}


def test_rows_and_file_say_the_same_and_lead_back_to_what_was_used(survey: Archive, tmp_path: Path) -> None:
    image = trailed(images(TRUTHS[0])[0], (0.0, 20.0), (159.0, 130.0), level=40.0, width=5.0)
    take_in(survey, tmp_path, pictures=(image, None))
    assert done(survey) == (Phase.COMPLETED, None)
    for dp_id, held in alignments.find_all(survey.database).items():
        written = [values(row) for row in rows_of(record(survey, dp_id), f"{dp_id}_ALIGNMENT")]
        assert written == [values(row) for row in (held.alignment, *held.trails)]
        assert len(held.trails) == (1 if dp_id == FIRST else 0)
        file = own_file(held.product)
        assert file is not None
        assert fits.getheader(survey.store.get(file.sha256))["SIMULATE"] is True
    (step,) = provenance.history(survey, f"{FIRST}_ALIGNMENT")[:1]
    assert step.activity.name == "alignments"
    assert {one.name for one in step.used} >= {f"{FIRST}_FIELD_Cousins_R", "NGC1385_REFERENCE_Cousins_R"}


def test_measuring_again_gives_the_same_numbers(survey: Archive, tmp_path: Path) -> None:
    first = {dp_id: values(held.alignment) for dp_id, held in measured(survey, tmp_path).items()}
    take_in_reference(survey, tmp_path, images(TRUTHS[0])[1] + 1.0, wcs())
    assert due(survey) == {f"{one}_ALIGNMENT": "input changed: NGC1385_REFERENCE_Cousins_R" for one in DP_IDS}
    assert done(survey) == (Phase.COMPLETED, None)
    moved = {dp_id: values(held.alignment) for dp_id, held in alignments.find_all(survey.database).items()}
    assert moved != first
    take_in_reference(survey, tmp_path, images(TRUTHS[0])[1], wcs())
    assert done(survey) == (Phase.COMPLETED, None)
    again = {dp_id: values(held.alignment) for dp_id, held in alignments.find_all(survey.database).items()}
    assert again == first


def make_cubes(archive: Archive) -> None:
    """Publish the cubes that the plan asks for, as their task would, without the pipeline."""
    for number, dp_id in enumerate(DP_IDS):
        publish(archive, product(dp_id, "PIXTABLE_OBJECT", "pixtable", number), [fits.PrimaryHDU()])
    publish(archive, product(FIRST, "SKY_LINES", "sky_lines", 0), [fits.PrimaryHDU()])
    (step,) = make_plan(archive, tasks=TASKS).steps
    assert step.task is EXPOSURE_CUBES
    work = Work(archive, step.order, "job-of-the-cubes", version=EXPOSURE_CUBES.version)
    for one in step.due:
        made, name = one.item.product, f"{one.item.product_id}.fits"
        stored = archive.store.write(partial(_write, name.encode()))
        own = [product for product in work.inputs if one.item.of is None or product.product_id in one.item.of]
        activity, used = work.record(made.product_id, inputs=own)
        new = NewFile(stored, name, name, "application/fits")
        cube = Product(**{c.name: getattr(made, c.name) for c in Product.__table__.columns if c.computed is None})
        products.publish(archive, Publication(cube, [new], activity, used, remakes=True))
    assert due(archive) == {}


def _write(content: bytes, target: BinaryIO) -> None:
    target.write(content)


def test_what_is_set_by_hand_stays_and_what_depends_on_it_is_due(survey: Archive, types: Types, tmp_path: Path) -> None:
    before = measured(survey, tmp_path)
    make_cubes(survey)
    table = tmp_path / "table.csv"
    table.write_text(types("export", TARGET).stdout)
    assert types("import", table).stdout == ""  # nothing differs
    assert due(survey) == {}
    table.write_text(f"dp_id,dec_offset [arcsec],flux_scale\n{FIRST},0.5,1.2\n{SECOND},,\n")
    result = types("import", table, "--note", "by the bright star")
    assert (result.exit_code, result.stdout) == (0, f"{FIRST}  set by hand\n")

    row, was = alignments.find_all(survey.database)[FIRST].alignment, before[FIRST].alignment
    assert (row.dec_offset, row.flux_scale) == (0.5 / 3600, 1.2)
    assert (row.ra_offset, row.rotation, row.rotation_error) == (was.ra_offset, was.rotation, was.rotation_error)
    assert row.sky_factor == pytest.approx(1 - was.background / (1.2 * SKY))
    assert (row.origin, row.note, row.offset_error) == ("by hand", "by the bright star", None)
    assert [values(one) for one in rows_of(record(survey, FIRST), f"{FIRST}_ALIGNMENT")] == [values(row)]
    assert values(alignments.find_all(survey.database)[SECOND].alignment) == values(before[SECOND].alignment)

    step = provenance.history(survey, f"{FIRST}_ALIGNMENT")[0]
    assert (step.activity.name, step.activity.task_version) == ("alignment by hand", None)
    assert step.activity.parameters["note"] == "by the bright star"
    assert step.activity.parameters["by"]
    assert f"{FIRST}_ALIGNMENT.fits" in {one.name for one in step.used}
    reasons = due(survey)
    assert reasons == {f"{FIRST}_CUBE": f"input changed: {FIRST}_ALIGNMENT"}  # and not that of the other exposure


def test_a_reset_has_it_measured_again_as_it_was(survey: Archive, types: Types, tmp_path: Path) -> None:
    before = measured(survey, tmp_path)
    assert types("reset", FIRST).stdout == f"{FIRST}  was not set by hand\n"
    assert due(survey) == {}
    table = tmp_path / "table.csv"
    table.write_text(f"dp_id,rotation\n{FIRST},0.5\n")
    types("import", table)
    assert due(survey) == {}
    assert types("reset", FIRST, SECOND).stdout == (
        f"{FIRST}  is to be measured again\n{SECOND}  was not set by hand\n"
    )
    assert due(survey) == {f"{FIRST}_ALIGNMENT": "version changed"}
    assert done(survey) == (Phase.COMPLETED, None)
    after = alignments.find_all(survey.database)
    assert {one: values(held.alignment) for one, held in after.items()} == {
        one: values(held.alignment) for one, held in before.items()
    }
    assert due(survey) == {}


def test_trails_are_drawn_and_taken_away_by_hand_and_shown(survey: Archive, types: Types, tmp_path: Path) -> None:
    measured(survey, tmp_path)
    table = tmp_path / "table.csv"
    table.write_text(f"dp_id,trails\n{FIRST},54.36 -24.51 54.38 -24.49 2.5; 54.36 -24.5 54.38 -24.5 3\n")
    assert types("import", table).exit_code == 0
    first, second = alignments.find_all(survey.database)[FIRST].trails
    assert (first.ra_start, first.dec_stop, first.width, first.origin) == (54.36, -24.49, 2.5, "by hand")
    shown = types("show", FIRST).stdout
    assert "54.360000 -24.500000 to 54.380000 -24.500000, 3.00 arcsec wide, by hand" in shown
    assert "reference    NGC1385_REFERENCE_Cousins_R in Cousins_R" in shown
    table.write_text(f"dp_id,trails\n{FIRST},\n")
    types("import", table)
    assert alignments.find_all(survey.database)[FIRST].trails == ()
    assert second.number == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"{SECOND},nan", "line 3: MUSE.2019-10-06T08:20:11.001: rotation is no finite number"),
        (f"{SECOND},45", "line 3: MUSE.2019-10-06T08:20:11.001: rotation is 45, allowed is -10 to 10"),
        ("MUSE.2000-01-01T00:00:00.000,0.1", "line 3: MUSE.2000-01-01T00:00:00.000 has no alignment"),
    ],
)
def test_a_table_with_one_wrong_line_changes_nothing(
    survey: Archive, types: Types, tmp_path: Path, line: str, words: str
) -> None:
    before = measured(survey, tmp_path)
    table = tmp_path / "table.csv"
    table.write_text(f"dp_id,rotation\n{FIRST},0.5\n{line}\n")
    result = types("import", table)
    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    after = alignments.find_all(survey.database)
    assert {one: held.alignment.made for one, held in after.items()} == {
        one: held.alignment.made for one, held in before.items()
    }


@pytest.mark.parametrize("words", [("show", "MUSE.none"), ("reset", "MUSE.none"), ("export", "NGC0000")])
def test_what_is_not_there_is_said_in_one_line(types: Types, words: tuple[str, ...]) -> None:
    result = types(*words)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert words[1] in result.stderr


def noise() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.random.default_rng(3).normal(0, 2, (SIZE, SIZE))


@pytest.mark.parametrize(
    ("picture", "words"),
    [(np.full((SIZE, SIZE), np.nan), "the image has 0 good pixels"), (noise(), "nothing in the image stands out")],
    ids=["all NaN", "no stars"],
)
def test_an_exposure_that_cannot_be_aligned_is_named_and_left_to_a_person(
    survey: Archive,
    types: Types,
    tmp_path: Path,
    picture: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    words: str,
) -> None:
    take_in(survey, tmp_path, pictures=(None, picture))
    phase, error = done(survey)
    assert phase == Phase.ERROR
    assert f"{SECOND} cannot be aligned to NGC1385_REFERENCE_Cousins_R: {words}" in str(error)
    assert FIRST not in str(error)
    assert list(alignments.find_all(survey.database)) == [FIRST]  # the other one is good
    assert products.find(survey, f"{SECOND}_ALIGNMENT") is None
    assert due(survey) == {f"{SECOND}_ALIGNMENT": "missing"}
    table = tmp_path / "table.csv"
    table.write_text(f"dp_id,ra_offset,flux_scale,quality\n{SECOND},0.4,1.1,sky\n")
    result = types("import", table)
    assert (result.exit_code, result.stdout) == (0, f"{SECOND}  set by hand\n")
    row = alignments.find_all(survey.database)[SECOND].alignment
    assert (row.flux_scale, row.dec_offset, row.sky_factor, row.quality) == (1.1, 0.0, 1.0, "sky")
    assert due(survey) == {}


def test_a_reference_that_does_not_overlap_ends_the_job_and_changes_nothing(survey: Archive, tmp_path: Path) -> None:
    before = measured(survey, tmp_path)
    take_in_reference(survey, tmp_path, images(TRUTHS[0])[1], wcs(ra=150.0))
    phase, error = done(survey)
    assert phase == Phase.ERROR
    for dp_id in DP_IDS:
        assert f"{dp_id} cannot be aligned" in str(error)
    assert "the reference does not reach the exposure's field" in str(error)
    with survey.database.reading() as session:
        rows = {row.dp_id: row.made for row in session.scalars(select(Alignment))}
    assert rows == {one: held.alignment.made for one, held in before.items()}


def test_a_sky_that_is_none_ends_the_job_with_the_exposure_named(survey: Archive, tmp_path: Path) -> None:
    take_in(survey, tmp_path)
    publish(survey, product(FIRST, "SKY_CONTINUUM", "sky_continuum", 0), sky(0.0))
    phase, error = done(survey)
    assert phase == Phase.ERROR
    assert f"{FIRST} cannot be aligned to NGC1385_REFERENCE_Cousins_R: the sky" in str(error)
