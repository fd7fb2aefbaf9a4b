"""Dask schedulers with a worker, as processes of their own."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from archive.settings import Settings

NO_PAGES = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


@contextmanager
def running(*words: str) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, *words], stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def cluster(port: int, *, as_if: str = "") -> Iterator[Settings]:
    """A scheduler and a worker; ``as_if`` is said first in the worker's process, which is then another's."""
    address = f"tcp://127.0.0.1:{port}"
    work = f"{as_if}\nfrom distributed.cli.dask_worker import main\nmain()"
    words = (address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", *NO_PAGES)
    with (
        running("-m", "distributed.cli.dask_scheduler", "--host", address, *NO_PAGES),
        running("-c", work, *words),
    ):
        yield Settings.model_validate({"dask_scheduler": address})
