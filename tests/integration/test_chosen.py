"""What somebody sets for products stays with them, edition after edition, until it is set otherwise."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
import pytest
from sqlalchemy import select

from archive import editions
from archive.archive import Archive
from ingest.products import ingest_products
from processing.choices import whole
from processing.chosen import choose
from processing.cli import plan as plan_command
from processing.cli import process as process_command
from processing.plan import make_plan
from processing.submission import submit
from processing.task import CHOSEN, Task
from processing.tasks import BAND_IMAGES
from schema.jobs import Job
from tests.support.chain import CHAIN, IMAGE_SUM, content, do_queued
from tests.support.commands import typing
from tests.support.cubes import write_cube

SETTABLE = tuple(replace(one, choices={"scale": whole(1)}) if one.name == "image_sum" else one for one in CHAIN)


@pytest.fixture
def summed(archive: Archive, tmp_path: Path) -> str:
    """The identifier of the sum that is made of a cube."""
    (outcome,) = ingest_products(archive, [write_cube(tmp_path / "cube.fits", value=3.0)], collection="MUSE")
    assert outcome.key is not None, outcome.reason
    return f"{outcome.key}_IMAGE_white_SUM"


def setting(*written: str, tasks: Sequence[Task] = SETTABLE) -> Sequence[Task]:
    return choose(tasks, written, ())


def made(archive: Archive, tasks: Sequence[Task] = SETTABLE) -> list[str]:
    submit(archive, tasks=tasks)
    return do_queued(archive)


def due(archive: Archive, tasks: Sequence[Task] = SETTABLE) -> dict[str, str]:
    return {one.item.product_id: str(one.reason) for step in make_plan(archive, tasks=tasks).steps for one in step.due}


def newer_images() -> tuple[Task, ...]:
    return tuple(replace(one, version=BAND_IMAGES + 1) if one.name == "band_images" else one for one in SETTABLE)


def test_what_is_set_is_kept_by_the_next_plan_until_it_is_set_otherwise(archive: Archive, summed: str) -> None:
    assert made(archive, setting("image_sum.scale=2")) == ["band_images", "image_sum", "sum_list"]
    assert content(archive, summed) == b"180\n"
    assert editions.current(archive.database)[summed].parameters == {"scale": 2, CHOSEN: ["scale"]}
    assert due(archive) == {}
    assert due(archive, setting("image_sum.scale=2")) == {}
    back = setting("image_sum.scale=1")
    assert due(archive, back) == {summed: "parameters changed", "MUSE_LIST": f"depends on {summed}"}
    assert made(archive, back) == ["image_sum", "sum_list"]
    assert editions.current(archive.database)[summed].parameters == {"scale": 1}
    assert due(archive) == {}


def test_a_remake_for_another_reason_keeps_what_was_set(archive: Archive, summed: str) -> None:
    made(archive, setting("image_sum.scale=2"))
    assert due(archive, newer_images())[summed] == f"depends on {summed.removesuffix('_SUM')}"
    raised = tuple(replace(one, version=2) if one.name == "image_sum" else one for one in SETTABLE)
    assert due(archive, raised)[summed] == "version changed"
    assert made(archive, raised) == ["image_sum", "sum_list"]
    assert content(archive, summed) == b"180\n"
    assert due(archive, raised) == {}


def test_a_job_on_its_way_is_not_joined_by_one_without_what_was_set(archive: Archive, summed: str) -> None:
    first = submit(archive, tasks=setting("image_sum.scale=2"))
    again = submit(archive, tasks=SETTABLE)
    assert [(one.job.job_id, one.is_new) for one in again] == [(one.job.job_id, False) for one in first]
    do_queued(archive)
    assert content(archive, summed) == b"180\n"


def test_products_of_before_follow_the_task_as_ever(archive: Archive, summed: str) -> None:
    made(archive, tuple(replace(IMAGE_SUM, parameters={"scale": 2}) if t.name == "image_sum" else t for t in SETTABLE))
    assert due(archive)[summed] == "parameters changed"


@pytest.mark.usefixtures("summed")
@pytest.mark.parametrize("command", [plan_command, process_command])
def test_what_cannot_be_set_is_said_in_one_line_and_nothing_is_submitted(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, command: click.Command
) -> None:
    monkeypatch.setenv("MUSEVAULT_DATA", str(archive.settings.data))
    with typing(archive, monkeypatch, command) as types:
        for wrong, reason in (
            ("stars.monte_carlo=1", "stars.monte_carlo is 0, or from 2 to 1000000, not 1"),
            ("maps.nothing=1", "maps.nothing cannot be set; what can is mosaic.weighting"),
            ("maps.model", "maps.model: write TASK.PARAMETER=VALUE, such as stars.monte_carlo=20"),
        ):
            told = types("--set", "stars.engine=ppxf", "--set", wrong)
            assert (told.exit_code, told.stdout) == (1, "")
            assert told.stderr.splitlines()[-1].startswith(f"Error: {reason}")
        assert types("--set", "stars.monte_carlo=20").exit_code == 0
    with archive.database.reading() as session:
        submitted = set(session.scalars(select(Job.task)))
    assert submitted == ({"band_images"} if command is process_command else set())
