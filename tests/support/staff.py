"""Workers for tests, as processes of their own: ``python -m tests.support.staff SETTINGS``."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from archive.archive import Archive
from archive.settings import Settings
from archive.staying import stay
from tests.support.tasks import all_tasks


@contextmanager
def worker(archive: Archive, **settings: object) -> Iterator[subprocess.Popen[bytes]]:
    """A worker on an archive, that can do what ``tests.support.tasks`` has; told to stop at the end of the block."""
    process = hire(archive, **settings)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def hire(archive: Archive, **settings: object) -> subprocess.Popen[bytes]:
    """Start such a worker, for whoever ends it."""
    told = archive.settings.model_dump(mode="json") | settings
    marked = {**os.environ, "MUSEVAULT_ROOT": str(archive.settings.root)}  # by which its processes are known
    return subprocess.Popen([sys.executable, "-m", "tests.support.staff", json.dumps(told)], env=marked)


def main() -> None:
    """Work until a signal comes."""
    stay(Settings.model_validate(json.loads(sys.argv[1])), queues=None, tasks=all_tasks)


if __name__ == "__main__":
    main()
