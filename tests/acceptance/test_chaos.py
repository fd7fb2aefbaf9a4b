"""Two hundred jobs of all kinds, while workers, PostgreSQL, the disk and the store fail at random moments.

At the end every job is over, once, and says how and why; every product is whole and there once; nothing is left.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archive import jobs, products
from archive.archive import Archive, open_archive
from archive.checkpoints import folder_of
from archive.needs import Needs
from archive.queues import INGEST
from archive.settings import Settings
from archive.verify import faults
from ingest.manner import Manner
from ingest.outcome import Became
from ingest.products import ingest_products
from ingest.releases import ingest_release
from ingest.watch import look_through
from processing.submission import submit
from schema.jobs import Event, Job, Phase, What
from tests.support import mosaics
from tests.support.archives import SURVEY, short_folder
from tests.support.cubes import write_cube
from tests.support.disks import Mount, mounted, small_disk
from tests.support.monkey import Monkey, Workers, patiently, processes
from tests.support.raw_frames import frame, write_raw

SEED = 20261122
JOBS = 200
CUBES = 24
FOLDERS = 8
MOSAICS = 4
TASKS: dict[str, tuple[int, dict[str, Any]]] = {
    "make": (60, {"bytes": 200_000}),
    "sleep": (30, {}),
    "hiccup": (20, {"times": 1}),
    "crash_once": (14, {}),
    "refuse": (10, {}),
    "interrupt": (6, {}),
    "stumble": (4, {}),
    "crash": (2, {}),
    "nothing": (18, {}),
}
DEEDS = {
    "kill_worker": 5,
    "kill_hand": 6,
    "kill_postgres": 2,
    "kill_dask_worker": 3,
    "fill_disk": 2,
    "take_store_away": 2,
    "cancel": 8,
}
LONGEST_SECONDS = 280.0
NIGHT = datetime(2018, 6, 5, 1, 6, 43)
EPOCH = datetime(1858, 11, 17)
ENDED = {Phase.COMPLETED: What.COMPLETED, Phase.ERROR: What.FAILED, Phase.ABORTED: What.ABORTED}
SETBACKS = {What.LOST, What.POSTPONED, What.INTERRUPTED}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Mount]:
    """The store's disk: too small for more than what comes, and seen at the archive's folder."""
    with short_folder() as root, small_disk(tmp_path / "disk", megabytes=32) as disk:
        (disk / "store").mkdir()
        with mounted(disk / "store", root / "store") as mount:
            yield mount


@pytest.fixture
def archive(store: Mount) -> Iterator[Archive]:
    settings = {"worker_timeout": 3.0, "worker_cores": 2, "worker_grace": 5.0, "data": Path("data").absolute()}
    with open_archive(Settings.model_validate({"root": store.place.parent, **settings})) as archive:
        ingest_release(archive.database, SURVEY)
        yield archive


def write_folders(place: Path) -> list[Path]:
    """Folders into which others put files: three raw frames and a cube in each."""
    folders = []
    for number in range(FOLDERS):
        folder = place / f"incoming-{number}"
        folder.mkdir()
        for nth in range(3):
            began = NIGHT + timedelta(hours=number, minutes=11 * nth)
            mjd = round((began - EPOCH) / timedelta(days=1), 8)
            write_raw(folder, channels=2, more=100, **frame(began.isoformat(timespec="milliseconds"), mjd))
        write_cube(folder / f"LATER-{number}.fits", value=100.0 + number)
        folders.append(folder)
    return folders


def submit_all(archive: Archive, place: Path, folders: list[Path]) -> list[Job]:
    """Work of all sorts, mixed: what the archive does by itself, and jobs that ill-treat whoever does them."""
    cubes = [write_cube(place / f"CUBE-{n}.fits", shape=(80, 20, 20), value=float(n + 1)) for n in range(CUBES)]
    assert all(outcome.became is Became.NEW for outcome in ingest_products(archive, cubes, collection="MUSE"))
    submitted = []
    for number in range(MOSAICS):
        (place / f"mosaic-{number}").mkdir()
        order = mosaics.order(archive, place / f"mosaic-{number}", seconds=0.5)
        submitted.append(jobs.submit(archive.database, "mosaic", order, needs=Needs(cores=2), priority=9))
    mixed = orders(place)
    random.Random(SEED).shuffle(mixed)
    submitted += [jobs.submit(archive.database, task, parameters) for task, parameters in mixed[::2]]
    submitted += [one.job for one in submit(archive)]
    for folder in folders:
        watch = {"folders": [str(folder)], "link": False, "settle": 0}
        submitted.append(jobs.submit(archive.database, "ingest.watch", watch, queue=INGEST))
    return submitted + [jobs.submit(archive.database, task, parameters) for task, parameters in mixed[1::2]]


def orders(place: Path) -> list[tuple[str, dict[str, Any]]]:
    """Jobs of the tasks for tests, each with something that is its own."""
    found = []
    for task, (number, given) in TASKS.items():
        for n in range(number):
            own = {
                "name": f"{task}-{n}",
                "counter": str(place / f"{task}-{n}"),
                "seconds": 0.1 * n,
                "child": n % 2 == 0,
            }
            found.append((task, {**given, **own}))
    return found


def check_story(job: Job, story: list[Event], cancelled: set[str]) -> None:
    """A job that was begun again says before why; it ends once, as its phase says, and not without a reason."""
    told = [(Phase(job.phase), job.task), *((event.what, event.words) for event in story)]
    whats = [What(event.what) for event in story]
    assert job.phase in ENDED, told
    assert job.phase != Phase.ABORTED or job.job_id in cancelled, told
    assert job.phase == Phase.COMPLETED or job.error, told
    assert [what for what in whats if what in ENDED.values()] == [ENDED[Phase(job.phase)]], told
    begun_before = False
    for event in story:
        if event.what == What.BEGUN:
            assert not begun_before, told
            begun_before = True
        elif event.what in SETBACKS:
            assert event.words, told
            begun_before = False


def check_ends(done: dict[str, list[Job]]) -> None:
    """What a job came to is what its task does, or that too much happened to it."""
    too_much = ("given up after", "given up: ")
    for task, reason in (("refuse", "no such cube"), ("stumble", "KeyError"), ("crash", "given up: 5 times")):
        for job in done.pop(task):
            assert job.phase == Phase.ABORTED or reason in (job.error or "") or too_much[0] in (job.error or ""), (
                job.error
            )
    for job in (job for some in done.values() for job in some):
        assert job.phase != Phase.ERROR or any(words in (job.error or "") for words in too_much), (job.task, job.error)


@pytest.mark.slow
def test_every_job_ends_once_whatever_fails_meanwhile(archive: Archive, store: Mount, tmp_path: Path) -> None:
    root = archive.settings.root
    folders = write_folders(tmp_path)
    submitted = submit_all(archive, tmp_path, folders)
    assert len(submitted) == JOBS
    workers = Workers(archive, 3)
    monkey = Monkey(archive, workers, store, random.Random(SEED))
    end = time.monotonic() + LONGEST_SECONDS
    try:
        workers.look()
        monkey.rage(DEEDS)
        while patiently(lambda: jobs.outstanding(archive.database)):
            assert time.monotonic() < end, [(j.task, j.phase, j.progress_text) for j in outstanding(archive)]
            workers.look()
            time.sleep(0.2)
        assert set(workers.leave()) == {0}
        assert processes(root) == []
    finally:
        workers.end()
    assert set(monkey.done) >= {"worker", "hand", "postgres", "dask worker", "full disk", "store away", "cancel"}

    done: dict[str, list[Job]] = {}
    for job in submitted:
        known = jobs.find(archive.database, job.job_id)
        assert known is not None
        check_story(known, jobs.story(archive.database, job.job_id), monkey.cancelled)
        done.setdefault(known.task, []).append(known)
    phases = Counter(job.phase for some in done.values() for job in some)
    assert phases[Phase.COMPLETED] >= JOBS * 0.8, phases

    assert list((root / "store" / "incoming").iterdir()) == []
    assert [fault for fault in faults(archive) if fault.artifact_id is not None] == []
    for job in (job for some in done.values() for job in some if job.phase == Phase.COMPLETED):
        assert not folder_of(root, job.work_key).exists(), job.task
        for name in (job.parameters["name"],) if job.task == "make" else job.parameters.get("outputs", ()):
            assert len(products.get(archive, name).artifacts) >= 1
        if job.task == "mosaic":
            folder = Path(job.parameters["diary"]).parent
            assert (mosaics.made(archive, job.parameters) == mosaics.expected(folder)).all()
    check_ends(done)

    became = {o.became for o in look_through(archive, folders, Manner(link=False, settle=0))}
    assert became <= {Became.NEW, Became.KNOWN}
    names = {path.name for path in root.iterdir()}
    assert names <= {"store", "work", "postgres", "postgres.lock", "postgres.users"}


def outstanding(archive: Archive) -> list[Job]:
    return jobs.latest(archive.database, limit=JOBS, phases=(Phase.QUEUED, Phase.EXECUTING))
