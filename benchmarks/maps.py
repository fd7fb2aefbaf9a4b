"""A whole cube of 300 x 300 spaxels, from cube to maps on two processes, killed in mid-run and gone on with.

Against a quarter of an hour and 4 GB a process.  The worker is killed with all that it has started when half of the
line fits are there; what was finished and is computed once more is counted.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import numpy as np

from archive import jobs
from archive.archive import Archive, open_archive
from archive.checkpoints import folder_of
from archive.log import configure
from archive.settings import Settings
from benchmarks.report import report
from processing.maps.line_tiles import tiling
from processing.maps.map_task import MAPS_OF_CUBES
from processing.maps.star_task import STARS
from processing.submission import submit
from schema.jobs import Phase
from tests.support import galaxies
from tests.support.archives import short_folder

LIMIT: Final = 15 * 60.0
MEMORY: Final = 4 * 2**30
TIMES: Final = (15, 13)
"""That the small galaxy is repeated, to 300 x 312 spaxels."""


def main() -> None:
    """Measure and report."""
    configure()
    with short_folder() as root, tempfile.TemporaryDirectory() as compiled:
        os.environ |= {"NUMBA_CACHE_DIR": compiled, "MUSEVAULT_ROOT": str(root), "OMP_NUM_THREADS": "1"}
        settings = Settings.model_validate({"root": root, "data": Path("data").absolute()})
        with open_archive(settings) as archive:
            _take_in(archive)
            begin, memory = time.perf_counter(), _Memory()
            tasks = submit(archive, [f"{galaxies.TARGET}_DATACUBE_native"], tasks=(STARS, MAPS_OF_CUBES))
            job_id = tasks[-1].job.job_id
            again = _killed_and_gone_on_with(archive, job_id)
            seconds = time.perf_counter() - begin
            assert jobs.named(archive.database, job_id).phase == Phase.COMPLETED
    spaxels = TIMES[0] * TIMES[1] * galaxies.SHAPE[0] * galaxies.SHAPE[1]
    report(f"cube of {spaxels:,} spaxels to maps, s against the limit", seconds, LIMIT, 1, more_is_better=False)
    report(
        "the same, largest process, MB against the limit", memory.peak / 2**20, MEMORY / 2**20, 1, more_is_better=False
    )
    report("the same, finished tiles that a kill -9 lost", again, 1, 0, more_is_better=False)


def _take_in(archive: Archive) -> None:
    galaxy = galaxies.simulate(systemic=1493.0, ebv=0.0)
    whole = [np.tile(each, (1, *TIMES)) for each in (galaxy.cube, galaxy.variance)]
    path = galaxies.write(archive.settings.root / "cube.fits", galaxy, voxels=(whole[0], whole[1]))
    galaxies.take_in(archive, path, target=None, shape=whole[0].shape[1:])
    path.unlink()


def _killed_and_gone_on_with(archive: Archive, job_id: str) -> int:
    """Kill a worker half-way through the line fits, and let another end them; returns finished tiles done again."""
    kept = folder_of(archive.settings.root, jobs.named(archive.database, job_id).work_key) / "tiles"
    count, seen = len(tiling((TIMES[0] * galaxies.SHAPE[0], TIMES[1] * galaxies.SHAPE[1]))), dict[str, int]()
    first = _worker()
    while len(seen) < count // 2:
        time.sleep(0.1)
        seen = {path.name: path.stat().st_mtime_ns for path in kept.glob("*/*.npz")}
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    again = set[str]()
    second = _worker()
    while jobs.named(archive.database, job_id).phase not in {Phase.COMPLETED, Phase.ERROR}:
        again |= {path.name for path in kept.glob("*/*.npz") if _changed(path, seen)}
        time.sleep(0.1)
    second.send_signal(signal.SIGTERM)
    second.wait()
    return len(again)


def _changed(path: Path, seen: dict[str, int]) -> bool:
    try:
        return path.stat().st_mtime_ns != seen.get(path.name, path.stat().st_mtime_ns)
    except FileNotFoundError:  # all is done, and it was removed
        return False


def _worker() -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).with_name("musevault")), "worker", "--drain"]
    return subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)


class _Memory:
    """The largest resident memory that any process of the archive has, looked at while there is one."""

    def __init__(self) -> None:
        self.peak = 0
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while True:
            for path in Path("/proc").glob("[0-9]*/status"):
                try:
                    told = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
                    if "python" in told["Name"] or "musevault" in told["Name"]:
                        self.peak = max(self.peak, int(told.get("VmHWM", "0 kB").split()[0]) * 1024)
                except (OSError, KeyError, ValueError):
                    continue
            time.sleep(1)
