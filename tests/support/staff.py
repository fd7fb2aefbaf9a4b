"""Workers for tests, as processes of their own: ``python -m tests.support.staff SETTINGS``."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from archive.archive import Archive, open_archive
from archive.settings import Settings
from archive.worker import work
from tests.support.tasks import table


@contextmanager
def worker(archive: Archive, **settings: object) -> Iterator[subprocess.Popen[bytes]]:
    """A worker on an archive, that can do what ``tests.support.tasks`` has; told to stop at the end of the block."""
    told = archive.settings.model_dump(mode="json") | settings
    process = subprocess.Popen([sys.executable, "-m", "tests.support.staff", json.dumps(told)])
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main() -> None:
    """Work until a signal comes."""
    with open_archive(Settings.model_validate(json.loads(sys.argv[1]))) as archive:
        work(archive, table)


if __name__ == "__main__":
    main()
