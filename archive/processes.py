"""Which processes belong to a PostgreSQL data directory, and how to end those that outlived their server."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

__all__ = ["end", "of_cluster"]

PATIENCE_SECONDS = 10.0


def of_cluster(data: Path) -> list[int]:
    """Return the PostgreSQL processes that work in a data directory: each of its processes does."""
    return [pid for pid in _all() if _folder(pid) == data and _is_postgres(pid)]


def end(pids: Sequence[int]) -> None:
    """End processes: politely, and after some seconds not so.

    Orphaned backends leave by themselves as soon as they look up from their query.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    _send(pids, signal.SIGQUIT)
    while _alive(pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    _send(_alive(pids), signal.SIGKILL)
    while _alive(pids):
        time.sleep(0.05)


def _all() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _folder(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:  # gone, or not ours to look at
        return None


def _is_postgres(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"
    except OSError:
        return False


def _alive(pids: Sequence[int]) -> list[int]:
    return [pid for pid in pids if _folder(pid) is not None]


def _send(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
