"""Tasks for tests of the engine: they do what jobs do to machines, good and bad."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from archive.archive import Archive
from archive.errors import Refused
from archive.execution import Progress, Run
from archive.faults import Interrupted
from archive.products import NewFile, Publication, publish
from archive.tasks import installed
from schema.products import Product
from schema.provenance import Activity
from tests.support.mosaics import mosaic

Parameters = Mapping[str, Any]


def note(_archive: Archive, parameters: Parameters, job_id: str, progress: Progress) -> None:
    """Add a line to the file ``diary``."""
    progress(0.5, "half way")
    with Path(parameters["diary"]).open("a") as diary:
        diary.write(f"{parameters['name']} {job_id} {os.getpid()}\n")


def nothing(_archive: Archive, _parameters: Parameters, _job_id: str, _progress: Progress) -> None:
    """Do nothing."""


def sleep(_archive: Archive, parameters: Parameters, _job_id: str, progress: Progress) -> None:
    """Say who begins, and sleep ``seconds``; with ``child``, a program that it waits for does."""
    if parameters.get("child"):
        with subprocess.Popen(["sleep", str(parameters["seconds"])]) as child:
            progress(0.5, f"begun by {os.getpid()} with {child.pid}")
        return
    progress(0.5, f"begun by {os.getpid()}")
    time.sleep(parameters["seconds"])


def litter(_archive: Archive, parameters: Parameters, _job_id: str, progress: Progress) -> None:
    """Leave a program behind that sleeps ``seconds``."""
    child = subprocess.Popen(["sleep", str(parameters["seconds"])])
    progress(0.5, f"begun by {os.getpid()} with {child.pid}")
    child.returncode = 0  # nobody waits for it; this says so


def deaf(_archive: Archive, parameters: Parameters, _job_id: str, progress: Progress) -> None:
    """Hear no polite signal, and sleep ``seconds``."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    progress(0.5, "deaf")
    time.sleep(parameters["seconds"])


def refuse(_archive: Archive, _parameters: Parameters, _job_id: str, _progress: Progress) -> None:
    """Find the input wrong."""
    raise Refused("no such cube")


def stumble(_archive: Archive, _parameters: Parameters, _job_id: str, _progress: Progress) -> None:
    """Have a fault of its own."""
    raise KeyError("x")


def crash(_archive: Archive, _parameters: Parameters, _job_id: str, _progress: Progress) -> None:
    """Die as of a broken pointer."""
    os.kill(os.getpid(), signal.SIGSEGV)


def hiccup(_archive: Archive, parameters: Parameters, _job_id: str, _progress: Progress) -> None:
    """Fail for ``times`` times for a reason that passes, which the file ``counter`` counts."""
    counter = Path(parameters["counter"])
    done = len(counter.read_text()) if counter.exists() else 0
    counter.write_text("x" * (done + 1))
    if done < parameters["times"]:
        raise OSError(28, "No space left on device")


def interrupt(_archive: Archive, parameters: Parameters, _job_id: str, _progress: Progress) -> None:
    """Be interrupted the first time."""
    counter = Path(parameters["counter"])
    if not counter.exists():
        counter.touch()
        raise Interrupted("the worker is to stop")


def swell(_archive: Archive, parameters: Parameters, _job_id: str, progress: Progress) -> None:
    """Take ``bytes`` of memory and hold them for ``seconds``."""
    held = bytearray(os.urandom(1)) * parameters["bytes"]
    progress(0.5, f"{len(held)} bytes")
    time.sleep(parameters["seconds"])


def hoard(_archive: Archive, parameters: Parameters, _job_id: str, _progress: Progress) -> None:
    """Take ``bytes`` of memory and never give them back."""
    _hoarded.append(bytearray(os.urandom(1)) * parameters["bytes"])


_hoarded: list[bytearray] = []


def crash_once(archive: Archive, parameters: Parameters, job_id: str, progress: Progress) -> None:
    """Die the first time."""
    counter = Path(parameters["counter"])
    if not counter.exists():
        counter.touch()
        crash(archive, parameters, job_id, progress)


def make(archive: Archive, parameters: Parameters, job_id: str, progress: Progress) -> None:
    """Make a product of ``bytes`` random bytes, a part after the other; with ``gate``, when that file is there."""
    gate = Path(parameters["gate"]) if "gate" in parameters else None

    def fill(target: BinaryIO) -> None:
        for part in range(10):
            target.write(os.urandom(parameters["bytes"] // 10))
            progress(part / 10, "writing")
        while gate is not None and not gate.exists():
            time.sleep(0.02)

    name = parameters["name"]
    stored = archive.store.write(fill)
    product = Product(product_id=name, kind="image", title=name, collection="MUSE", calib_level=3)
    activity = Activity(activity_id=job_id, name="make", parameters={})
    publish(archive, Publication(product, [NewFile(stored, f"{name}.bin", name, "application/octet-stream")], activity))


def table() -> Mapping[str, Run]:
    """All of them, as a worker's process asks for them."""
    runs = (
        note,
        nothing,
        sleep,
        deaf,
        litter,
        refuse,
        stumble,
        crash,
        crash_once,
        hiccup,
        interrupt,
        swell,
        hoard,
        make,
        mosaic,
    )
    return {run.__name__: run for run in runs}


class AllTasks(Mapping[str, Run]):
    """These, and those of the installation, which are loaded when they are asked for."""

    def __getitem__(self, name: str) -> Run:
        return _added().get(name) or installed()[name]

    def __contains__(self, name: object) -> bool:
        return name in _added() or name in installed()

    def __iter__(self) -> Iterator[str]:
        return iter([*_added(), *installed()])

    def __len__(self) -> int:
        return len(list(iter(self)))


def _added() -> Mapping[str, Run]:
    from tests.support.mosaics import mosaic

    return {**table(), "mosaic": mosaic}


def all_tasks() -> Mapping[str, Run]:
    """All that can be done, as a worker's process asks for it."""
    return AllTasks()
