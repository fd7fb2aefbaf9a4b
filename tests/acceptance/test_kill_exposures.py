"""A night's frames come in while everything is killed again and again; in the end it is as if nothing had happened."""

import random
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archive.archive import open_archive
from archive.settings import Settings
from archive.verify import faults
from tests.acceptance.test_kill_anywhere import kill_everything
from tests.acceptance.test_raw_to_tap import MUSEVAULT, Operator
from tests.support.archives import SURVEY, short_folder
from tests.support.raw_frames import calibration, frame, write_raw
from tests.support.tables import everything

ROUNDS = 20
NIGHTS = 10
FIRST = datetime(2018, 6, 5, 1, 6, 43)
EPOCH = datetime(1858, 11, 17)
CALIBRATIONS = {"BIAS": 5, "FLAT,LAMP": 5, "WAVE": 9, "FLAT,SKY": 3, "STD": 1, "FLAT,LAMP,ILLUM": 1}


def cards(kind: str, start: datetime, number: int) -> dict[str, Any]:
    """One frame of a template: five minutes after the one before."""
    began = start + timedelta(seconds=16, minutes=5 * number)
    dp_time = began.isoformat(timespec="milliseconds")
    mjd = round((began - EPOCH) / timedelta(days=1), 8)
    template = {"ESO_TPL_START": start.isoformat(), "ESO_TPL_EXPNO": number + 1}
    if kind in {"OBJECT", "SKY"}:
        return frame(dp_time, mjd, ESO_DPR_TYPE=kind, **template)
    return calibration(kind, dp_time, mjd, **template)


def write_frames(folder: Path) -> list[Path]:
    """Thirty frames a night: a block of science, and its calibrations of the afternoon before."""
    folder.mkdir()
    paths = []
    for night in range(NIGHTS):
        start = FIRST + timedelta(days=night)
        made = [
            cards(kind, start, number)
            for number, kind in enumerate(("OBJECT", "SKY", "OBJECT", "OBJECT", "SKY", "OBJECT"))
        ]
        for place, (kind, count) in enumerate(CALIBRATIONS.items()):
            begin = start - timedelta(hours=10 - place)
            made += [cards(kind, begin, number) for number in range(count)]
        paths += [write_raw(folder, channels=2, more=200, **one) for one in made]
    return paths


@pytest.fixture
def roots() -> Iterator[tuple[Path, Path]]:
    with short_folder() as disturbed, short_folder() as calm:
        yield disturbed, calm


def stored(root: Path) -> int:
    return sum(1 for _ in (root / "store" / "files").glob("*/*"))


def kill_in_the_middle(operator: Operator, root: Path, tree: Path, chance: random.Random) -> bool:
    """Kill everything after some files, some lines of output, or some time; returns whether it was still at work."""
    command = [MUSEVAULT, "ingest", "exposures", str(tree)]
    before = stored(root)
    with subprocess.Popen(
        command, env=operator.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as started:
        match chance.choice(["files", "files", "lines", "lines", "time"]):
            case "files":
                enough = before + chance.randint(1, 30)
                while started.poll() is None and stored(root) < enough:
                    time.sleep(0.01)
            case "lines":
                assert started.stdout is not None
                for _ in range(chance.randint(1, 12)):
                    started.stdout.readline()
                time.sleep(chance.uniform(0.0, 0.4))
            case _:
                time.sleep(chance.uniform(0.1, 2.5))
        at_work = started.poll() is None
        kill_everything(root)
    return at_work


@pytest.mark.slow
def test_an_ingest_that_is_killed_at_any_moment_ends_as_an_undisturbed_one(
    roots: tuple[Path, Path], tmp_path: Path
) -> None:
    chance = random.Random(20261122)
    waiting = write_frames(tmp_path / "written")
    chance.shuffle(waiting)
    tree = tmp_path / "tree"
    tree.mkdir()
    disturbed, calm = map(Operator, roots)
    for operator in (disturbed, calm):
        operator.types("ingest", "release", SURVEY)
    interrupted = 0
    for arrived in range(ROUNDS):
        for path in waiting[arrived::ROUNDS]:
            path.rename(tree / path.name)
        interrupted += kill_in_the_middle(disturbed, roots[0], tree, chance)
    assert interrupted >= ROUNDS // 2
    disturbed.types("ingest", "exposures", tree)
    calm.types("ingest", "exposures", tree)
    tables, files = [], []
    for root in roots:
        with open_archive(Settings.model_validate({"root": root})) as archive:
            tables.append(everything(archive.database))
            files.append(sorted(archive.store.names()))
            assert list(faults(archive)) == []
            assert list((root / "store" / "incoming").iterdir()) == []
    assert len(tables[1]["survey.product"]) == len(waiting) == len(files[1]) == 30 * NIGHTS
    assert tables[1]["survey.association_member"] != []
    assert any('"rank": 2' in row for row in tables[1]["survey.exposure"])
    for name, rows in tables[1].items():
        assert tables[0][name] == rows, name
    assert files[0] == files[1]
