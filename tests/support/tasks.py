"""Tasks for tests of the engine: they do what jobs do to machines, good and bad."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archive.archive import Archive
from archive.errors import Refused
from archive.execution import Progress, Run
from archive.faults import Interrupted

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


def table() -> Mapping[str, Run]:
    """All of them, as a worker's process asks for them."""
    return {run.__name__: run for run in (note, nothing, sleep, refuse, stumble, crash, hiccup, interrupt, swell)}
