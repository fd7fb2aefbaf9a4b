"""What this machine has: processors and memory, as far as the control group lets us use them; what a group takes."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

__all__ = ["companions", "cores", "memory", "taken"]

CGROUP: Final = Path("/sys/fs/cgroup")
ANONYMOUS: Final = ("RssAnon", "RssShmem")
"""Memory that is a process's own; pages of files that it reads are the kernel's to drop."""

HOUSEKEEPERS: Final = (b"multiprocessing.resource_tracker", b"multiprocessing.forkserver")
"""Processes that Python keeps beside one that has had others, for the next time."""


def cores() -> int:
    """Return how many processors this process may keep busy."""
    allowed = len(os.sched_getaffinity(0))
    quota = _text(CGROUP / "cpu.max").split()
    if len(quota) == 2 and quota[0] != "max":
        allowed = min(allowed, max(1, int(quota[0]) // int(quota[1])))
    return allowed


def memory() -> int:
    """Return how many bytes of memory there are."""
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = (_text(CGROUP / name).strip() for name in ("memory.max", "memory/memory.limit_in_bytes"))
    return min([whole, *(int(limit) for limit in limits if limit.isdigit())])


def taken(groups: Collection[int]) -> dict[int, int]:
    """Return how many bytes the processes of each process group hold of their own."""
    found = dict.fromkeys(groups, 0)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (group := _group(folder)) in found:
            found[group] += _held(folder)
    return found


def companions(leader: int) -> list[int]:
    """Return the processes that live in a group beside its leader, without Python's own."""
    folders = (folder for folder in Path("/proc").iterdir() if folder.name.isdigit() and int(folder.name) != leader)
    return [int(folder.name) for folder in folders if _group(folder) == leader and _does_something(folder)]


def _does_something(folder: Path) -> bool:
    """Tell whether a process lives and is no housekeeper; one that has ended has no command any more."""
    try:
        command = (folder / "cmdline").read_bytes()
    except OSError:
        return False
    return bool(command) and not any(name in command for name in HOUSEKEEPERS)


def _group(folder: Path) -> int:
    fields = _text(folder / "stat").rpartition(")")[2].split()  # the name before may hold anything
    return int(fields[2]) if len(fields) > 2 else 0


def _held(folder: Path) -> int:
    kilobytes = 0
    for line in _text(folder / "status").splitlines():
        name, _, value = line.partition(":")
        if name in ANONYMOUS:
            kilobytes += int(value.split()[0])
    return kilobytes * 1024


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")  # names of processes are any bytes, and cut in the middle of letters
    except OSError:  # not this kind of system, or a process that has gone
        return ""
