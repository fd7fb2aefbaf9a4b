"""Everything is killed at any moment, again and again; the next run recovers, nothing is lost or doubled."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from archive.archive import open_archive
from archive.cluster import Cluster
from archive.processes import of_cluster
from archive.settings import Settings
from archive.verify import faults
from schema.products import Artifact, Product
from tests.acceptance.test_raw_to_tap import MUSEVAULT, Operator, free_port
from tests.support.archives import REAL_CUBE, SURVEY, short_folder

ROUNDS = 12
LONGEST_SECONDS = 9.0


@pytest.fixture
def root() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


def kill_everything(root: Path) -> int:
    """Kill -9 every process that works for the archive: commands, workers, service, PostgreSQL."""
    mark = f"MUSEVAULT_ROOT={root}\0".encode()
    ours = set(of_cluster(Cluster(root).data))
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes() + b"\0":
                ours.add(int(entry.name))
        except OSError:
            continue
    for pid in ours:
        with suppress(ProcessLookupError):  # it ended by itself meanwhile
            os.kill(pid, signal.SIGKILL)
    return len(ours)


@pytest.mark.slow
def test_a_demo_that_is_killed_at_any_moment_goes_on(root: Path) -> None:
    operator = Operator(root)
    demo = ["demo", "--quick", "--survey", str(SURVEY), "--cube", str(REAL_CUBE), "--port", str(free_port())]
    chance = random.Random(20261122)
    for _ in range(ROUNDS):
        started = subprocess.Popen(
            [MUSEVAULT, *demo], env=operator.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(0.2, LONGEST_SECONDS))
        assert kill_everything(root) > 0
        started.wait()
    said = operator.types(*demo, "--exit")
    assert "ok  pages" in said
    with open_archive(Settings.model_validate({"root": root})) as archive:
        with archive.database.reading() as session:
            assert session.query(Product).count() == 7
            assert session.query(Artifact).count() == 17
        assert [f for f in faults(archive) if f.artifact_id is not None] == []
        assert list((root / "store" / "incoming").iterdir()) == []
