"""What is missing or out of date is planned and made, in order, once; and nothing else."""

import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from archive import jobs, products
from archive.archive import Archive
from archive.errors import Refused
from archive.worker import drain
from ingest.products import ingest_products
from processing.cascade import TASKS
from processing.cli import plan as plan_command
from processing.cli import process as process_command
from processing.filters import FILTER_LIST
from processing.order import Order
from processing.plan import make_plan
from processing.submission import submit
from processing.task import Task
from processing.tasks import BAND_IMAGES
from schema.jobs import Job, Phase
from schema.products import Artifact
from tests.support.chain import CHAIN, IMAGE_SUM, SUM_LIST, content, do_queued, image_sum, table
from tests.support.commands import typing
from tests.support.cubes import write_cube

BANDS = next(task for task in TASKS if task.name == "band_images")


@pytest.fixture
def cube(archive: Archive, tmp_path: Path) -> str:
    return take(archive, write_cube(tmp_path / "cube.fits", value=3.0))


def take(archive: Archive, path: Path) -> str:
    (outcome,) = ingest_products(archive, [path], collection="MUSE")
    assert outcome.key is not None, outcome.reason
    return outcome.key


def made(archive: Archive, tasks: Sequence[Task] = CHAIN, names: Sequence[str] = ()) -> list[str]:
    submit(archive, names, tasks=tasks)
    return do_queued(archive)


def due(archive: Archive, tasks: Sequence[Task] = CHAIN, names: Sequence[str] = ()) -> dict[str, str]:
    steps = make_plan(archive, names, tasks=tasks).steps
    return {one.item.product_id: str(one.reason) for step in steps for one in step.due}


def images(cube: str) -> list[str]:
    """The images of a cube that all bands reach, white light first."""
    return [f"{cube}_IMAGE_{band}" for band in ("white", "SDSS_g", "SDSS_r", "SDSS_i")]


def change(task: Task) -> tuple[Task, ...]:
    """The chain with a task in the place of the one of its name."""
    return tuple(task if one.name == task.name else one for one in CHAIN)


def test_a_chain_of_three_is_made_in_order_and_a_second_call_does_nothing(archive: Archive, cube: str) -> None:
    submitted = submit(archive, tasks=CHAIN)
    assert [(one.job.task, one.job.phase) for one in submitted] == [
        ("band_images", Phase.QUEUED),
        ("image_sum", Phase.PENDING),
        ("sum_list", Phase.PENDING),
    ]
    drain(archive, table)
    assert content(archive, "MUSE_LIST") == b"90\n"
    assert due(archive) == {}
    assert submit(archive, tasks=CHAIN) == []
    phases = [job.phase for job in jobs.latest(archive.database)]
    assert phases == [Phase.COMPLETED] * 3
    assert {job.parameters["inputs"][0] for job in jobs.latest(archive.database)} == {
        cube,
        f"{cube}_IMAGE_white",
        f"{cube}_IMAGE_white_SUM",
    }


def test_jobs_ask_for_what_the_cascade_says_and_are_as_urgent_as_asked(archive: Archive, cube: str) -> None:
    (one,) = submit(archive, [cube], priority=7)
    (step,) = make_plan(archive).steps
    assert (one.job.memory, one.job.timeout, one.job.cores) == (step.needs.memory, step.needs.timeout, 1)
    assert one.job.priority == 7


def test_a_changed_parameter_remakes_what_depends_on_it_only(archive: Archive, cube: str) -> None:
    made(archive)
    image = products.get(archive, f"{cube}_IMAGE_white")
    doubled = change(replace(IMAGE_SUM, parameters={"scale": 2}))
    sum_id = f"{cube}_IMAGE_white_SUM"
    assert due(archive, doubled) == {sum_id: "parameters changed", "MUSE_LIST": f"depends on {sum_id}"}
    assert made(archive, doubled) == ["image_sum", "sum_list"]
    assert content(archive, "MUSE_LIST") == b"180\n"
    assert products.get(archive, image.product_id).ingested == image.ingested
    assert due(archive, doubled) == {}
    assert set(due(archive)) == {sum_id, "MUSE_LIST"}


@pytest.mark.usefixtures("cube")
def test_a_raised_version_remakes_what_depends_on_it_only(archive: Archive) -> None:
    made(archive)
    raised = change(replace(SUM_LIST, version=2))
    assert due(archive, raised) == {"MUSE_LIST": "version changed"}
    assert made(archive, raised) == ["sum_list"]
    assert due(archive, raised) == {}


def test_images_of_an_earlier_version_are_made_again(archive: Archive, cube: str) -> None:
    made(archive, change(replace(BANDS, version=BAND_IMAGES - 1)))
    assert due(archive) == {
        **dict.fromkeys(images(cube), "version changed"),
        f"{cube}_IMAGE_white_SUM": f"depends on {cube}_IMAGE_white",
        "MUSE_LIST": f"depends on {cube}_IMAGE_white_SUM",
    }
    assert made(archive) == ["band_images", "image_sum", "sum_list"]
    assert due(archive) == {}


def test_another_input_remakes_what_was_made_from_it(archive: Archive, cube: str) -> None:
    made(archive)
    doubled, sum_id = replace(IMAGE_SUM, parameters={"scale": 2}), f"{cube}_IMAGE_white_SUM"
    order = Order("image_sum", 1, (f"{cube}_IMAGE_white",), {sum_id: {"scale": 2}})
    image_sum(archive, order.to_parameters(), "by hand", lambda _fraction, _words: None)
    assert due(archive, change(doubled)) == {"MUSE_LIST": f"input changed: {sum_id}"}
    assert made(archive, change(doubled)) == ["sum_list"]
    assert content(archive, "MUSE_LIST") == b"180\n"


def test_one_more_input_remakes_what_is_made_of_all_and_leaves_the_others(archive: Archive, tmp_path: Path) -> None:
    take(archive, write_cube(tmp_path / "a.fits", value=1.0))
    made(archive)
    other = take(archive, write_cube(tmp_path / "b.fits", value=2.0))
    assert due(archive) == {
        **dict.fromkeys(images(other), "missing"),
        f"{other}_IMAGE_white_SUM": "missing",
        "MUSE_LIST": f"depends on {other}_IMAGE_white_SUM",
    }
    assert made(archive) == ["band_images", "image_sum", "sum_list"]
    assert content(archive, "MUSE_LIST") == b"30\n60\n"


def test_other_filter_curves_remake_the_images_that_were_made_with_them(
    archive: Archive, cube: str, tmp_path: Path
) -> None:
    made(archive)
    curves = tmp_path / "data" / FILTER_LIST
    curves.parent.mkdir(parents=True)
    shutil.copyfile(archive.settings.data / FILTER_LIST, curves)
    elsewhere = Archive(
        archive.settings.model_copy(update={"data": tmp_path / "data"}), archive.database, archive.store
    )
    assert due(elsewhere) == {}
    curves.write_bytes(curves.read_bytes() + bytes(2880))
    assert due(elsewhere) == dict.fromkeys(images(cube)[1:], "input changed: filter_list.fits")


def test_a_product_whose_file_is_lost_is_made_again_but_not_from_an_input_that_is_lost(
    archive: Archive, cube: str
) -> None:
    made(archive)
    lose(archive, f"{cube}_IMAGE_white_SUM.txt")
    assert set(due(archive)) == {f"{cube}_IMAGE_white_SUM", "MUSE_LIST"}
    assert made(archive) == ["image_sum", "sum_list"]
    lose(archive, f"{cube}.fits")
    raised = change(replace(BANDS, version=BAND_IMAGES + 1))
    assert due(archive, raised) == {}


def lose(archive: Archive, artifact_id: str) -> None:
    with archive.database.transaction() as session:
        session.execute(update(Artifact).where(Artifact.artifact_id == artifact_id).values(lost=func.now()))


@pytest.mark.usefixtures("cube")
def test_what_was_ingested_is_never_made_again(archive: Archive) -> None:
    same = replace(BANDS, version=BAND_IMAGES + 1, makes=lambda inputs: inputs)
    assert due(archive, [same]) == {}


def test_a_failed_step_leaves_what_depends_on_it_undone_and_says_so(archive: Archive, cube: str) -> None:
    failing = change(replace(IMAGE_SUM, parameters={"scale": 1, "fails": True}))
    submitted = submit(archive, tasks=failing)
    assert do_queued(archive) == ["band_images", "image_sum"]
    ended = {one.job.task: jobs.find(archive.database, one.job.job_id) for one in submitted}
    assert {task: job.phase for task, job in ended.items() if job} == {
        "band_images": Phase.COMPLETED,
        "image_sum": Phase.ERROR,
        "sum_list": Phase.ABORTED,
    }
    assert "what it needs was not made" in (getattr(ended["sum_list"], "error", None) or "")
    assert set(due(archive)) == {f"{cube}_IMAGE_white_SUM", "MUSE_LIST"}
    assert made(archive) == ["image_sum", "sum_list"]


@pytest.mark.usefixtures("cube")
def test_two_who_process_at_once_submit_once(archive: Archive) -> None:
    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(lambda _: submit(archive, tasks=CHAIN), range(4)))
    assert sorted(sum(one.is_new for one in mine) for mine in told) == [0, 0, 0, 3]
    assert len({one.job.job_id for mine in told for one in mine}) == 3
    with archive.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 3
    assert do_queued(archive) == ["band_images", "image_sum", "sum_list"]


def test_a_name_chooses_what_is_made_of_it_and_what_that_needs(archive: Archive, tmp_path: Path) -> None:
    one = take(archive, write_cube(tmp_path / "a.fits", value=1.0))
    other = take(archive, write_cube(tmp_path / "b.fits", value=2.0))
    assert set(due(archive, TASKS, [other])) == set(images(other))
    assert (
        len(due(archive, CHAIN, [f"{one}_IMAGE_white_SUM"])) == 2 * len(images(one)) + 3
    )  # the list needs the other sum, too
    assert len(due(archive, (*TASKS, IMAGE_SUM), [f"{one}_IMAGE_white_SUM"])) == len(images(one)) + 1
    with pytest.raises(Refused, match="NGC0000 is neither a product nor a galaxy with products"):
        make_plan(archive, ["NGC0000"])


def test_estimates_follow_how_long_earlier_jobs_took(archive: Archive, cube: str) -> None:
    before = make_plan(archive, tasks=CHAIN)
    made(archive)
    with archive.database.transaction() as session:
        session.execute(text("UPDATE jobs.job SET ended = started + interval '180 s' WHERE task = 'image_sum'"))
    raised = change(replace(IMAGE_SUM, version=2, seconds=lambda _inputs: 2.0))
    after = make_plan(archive, [cube], tasks=raised)
    assert [step.seconds for step in before.steps if step.task.name == "image_sum"] == [2.0]
    assert [step.seconds for step in after.steps if step.task.name == "image_sum"] == pytest.approx([180.0])
    size = products.get(archive, f"{cube}_IMAGE_white_SUM").artifacts[0].file_size
    assert [step.disk for step in after.steps if step.task.name == "image_sum"] == [size]


def test_the_commands_plan_process_and_say_when_there_is_nothing_to_do(
    archive: Archive, cube: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSEVAULT_DATA", str(archive.settings.data))
    with typing(archive, monkeypatch, plan_command) as plans:
        lines = plans().stdout.splitlines()
        assert lines[0].split() == ["product", "why", "task", "time", "memory", "disk"]
        assert lines[1].split()[:3] == [f"{cube}_IMAGE_white", "missing", "band_images"]
        assert lines[-1].split()[:4] == [str(len(images(cube))), "products", "1", "job"]
        told = json.loads(plans(cube, "--json").stdout)
        assert [one["product"] for one in told["steps"][0]["products"]] == images(cube)
        assert told["steps"][0]["inputs"] == [cube]
        assert told["totals"]["memory"] == told["steps"][0]["memory"] > 0
        unknown = plans("nobody")
        assert (unknown.exit_code, unknown.stdout) == (1, "")
        assert unknown.stderr.splitlines()[-1] == "Error: nobody is neither a product nor a galaxy with products"
    with typing(archive, monkeypatch, process_command) as processes:
        assert f"band_images  {' '.join(images(cube))}" in processes(cube).stdout
        assert "QUEUED already" in processes(cube, "--now").stdout
        assert processes().stdout == "nothing to do\n"
    with typing(archive, monkeypatch, plan_command) as plans:
        assert plans().stdout == "nothing to do\n"
        assert json.loads(plans("--json").stdout)["steps"] == []
