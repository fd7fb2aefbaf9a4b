"""Run a recipe: in a folder of its own, from an argument list, under a time limit; checked before and after.

esorex writes products and its log into the folder in which it runs and moves them afterwards, so that two runs in one
folder take each other's files: every run gets a new folder.  A run that fails, hangs or is killed leaves files there
alone.  Which calibrations go in is the caller's business.
"""

import ctypes
import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from archive.errors import Refused
from processing.esorex import amounts, preflight
from processing.esorex.frame import Frame, set_of_frames
from processing.esorex.log_text import error_of, warnings_of
from processing.esorex.postflight import Made, check_log, products_of
from processing.esorex.recipe import Limits, Recipe
from processing.esorex.versions import versions_of

__all__ = ["Outcome", "run"]

PROGRAM: Final = "esorex"
LOG: Final = "recipe.log"
SOF: Final = "frames.sof"
PRODUCTS: Final = "products.json"
SAID: Final = "said.txt"
PR_SET_PDEATHSIG: Final = 1
ROOM: Final = 2**20
"""Bytes that a disk takes which is not full."""


@dataclass(frozen=True)
class Outcome:
    """What a run made, and its record.

    Parameters
    ----------
    products
        Files by category (PRO CATG), in the order of their names.
    command
        The argument list, without the folder's path.
    parameters
        Those that were given, as an activity records them.
    versions
        Of esorex, cpl and muse.
    log
        The whole log.
    warnings
        Those that mean something.
    """

    products: Mapping[str, tuple[Made, ...]]
    command: tuple[str, ...]
    parameters: Mapping[str, Any]
    versions: Mapping[str, str]
    log: str
    warnings: tuple[str, ...]
    seconds: float

    def one(self, category: str) -> Path:
        """Return the only product of a category."""
        (made,) = self.products[category]
        return made.path


def run(recipe: Recipe, frames: Sequence[Frame], folder: Path, limits: Limits | None = None) -> Outcome:
    """Run a recipe on frames.

    Parameters
    ----------
    folder
        To be made by this call: one that is there already is refused, whatever is in it.
    limits
        By default, the time that the pixel tables among the frames can take.

    Raises
    ------
    Refused
        The pipeline is not installed, a frame cannot be given, the recipe fails, hangs, crashes, or does not make what
        it must; the text says which and what the pipeline said.
    OSError
        The disk is full: that may pass.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise Refused("esorex is not installed: the packages are esorex and cpl-plugin-muse")
    text = set_of_frames(frames)
    checked = preflight.check(recipe, frames)
    limits = limits or Limits(amounts.limit(checked.rows, checked.voxels))
    _make(folder, amounts.disk(checked.rows, checked.voxels))
    (folder / SOF).write_text(text)
    options = ["--output-dir=.", "--log-dir=.", f"--log-file={LOG}", "--log-level=info", "--time=false"]
    command = [program, *options, f"--products-sof={PRODUCTS}", *recipe.arguments(), SOF]
    begin = time.monotonic()
    code = _wait(command, folder, limits)
    log = _read(folder / LOG)
    try:
        _judge(recipe, code, log or _read(folder / SAID), limits)
        products = products_of(folder, folder / PRODUCTS, recipe, frames, checked)
        check_log(recipe, log, checked)
    except Refused as error:
        _check_room(recipe, folder, error)
        raise
    return Outcome(
        products=products,
        command=(PROGRAM, *command[1:]),
        parameters={f"{recipe.name}.{name}": value for name, value in recipe.parameters.items()},
        versions=versions_of(log),
        log=log,
        warnings=warnings_of(log),
        seconds=time.monotonic() - begin,
    )


def _make(folder: Path, room: int) -> None:
    """Make the folder, on a disk that has room."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise Refused(f"{folder} is there already: every run has a folder of its own") from error
    free = shutil.disk_usage(folder).free
    if free < room + ROOM:
        raise OSError(errno.ENOSPC, f"the disk is full: {room >> 20} MB are needed, {free >> 20} are left", str(folder))


def _environment(home: Path, limits: Limits) -> dict[str, str]:
    """A home without settings: those of the user would change parameters that nobody asked for."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": str(home), "LC_ALL": "C", "OMP_NUM_THREADS": str(limits.threads)}


def _wait(command: Sequence[str], folder: Path, limits: Limits) -> int | None:
    """Return the exit status, None when it took too long and was killed.

    It stays in our process group, by which a worker counts the memory of a job and ends it, and dies with us.
    """
    home = folder / "home"
    home.mkdir()
    libc = ctypes.CDLL(None)  # not in the child: another thread may hold the loader's lock
    with (folder / SAID).open("wb") as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(home, limits),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL),  # noqa: PLW1509  only a system call
        )
        try:
            return process.wait(timeout=limits.seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                _kill_all(process.pid)
                process.wait()


def _kill_all(pid: int) -> None:
    """Kill a process and what it started: stopped first, so that it starts no more meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    for child in _children(pid):
        _kill_all(child)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, listing.read_text().split())
    return found


def _judge(recipe: Recipe, code: int | None, said: str, limits: Limits) -> None:
    """Raise what the exit status says."""
    if code is None:
        raise Refused(f"{recipe.name} was ended after {limits.seconds:g} s: it hung")
    if code < 0:
        raise Refused(f"{recipe.name} crashed: {signal.Signals(-code).name}")
    if code > 0:
        words = error_of(said) or " ".join(said.split())[-300:]
        raise Refused(f"{recipe.name} failed with status {code}: {words or 'it said nothing'}")


def _check_room(recipe: Recipe, folder: Path, error: Refused) -> None:
    """Raise what a full disk says: the pipeline says nothing of it, whatever it fails by then."""
    try:
        with (folder / "room").open("wb", buffering=0) as file:
            left = ROOM
            while left:
                left -= file.write(bytes(left))
    except OSError as full:
        raise OSError(full.errno, f"{recipe.name}: {os.strerror(full.errno or 0)}", str(folder)) from error
    (folder / "room").unlink()


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""
