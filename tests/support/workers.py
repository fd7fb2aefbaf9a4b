"""The worker for queries in a thread, as the service has it in a process."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from archive.archive import Archive
from server.query_worker import do_queries


@contextmanager
def query_worker(archive: Archive) -> Iterator[None]:
    """Asynchronous queries are done while the block runs."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(do_queries(archive, stop.wait())))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
