"""Waiting for a job's phase to change: PostgreSQL tells (LISTEN/NOTIFY), nobody polls.

One connection listens for all who wait in a process.  It is opened for the first of them, and given up when it breaks
and nobody waits.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
import structlog

from archive import jobs
from archive.database import Database
from schema.jobs import Phase

__all__ = ["PhaseWatch"]

log = structlog.get_logger()

RETRY_SECONDS: Final = 0.5
LOOK_SECONDS: Final = 1.0
"""How often the listener looks up to see whether it is to end."""


class PhaseWatch:
    """Lets threads sleep until a job's phase is another one; at most ``most`` of them."""

    def __init__(self, database: Database, *, most: int) -> None:
        self._database: Final = database
        self._places: Final = threading.BoundedSemaphore(most)
        self._lock: Final = threading.Lock()
        self._waiting: Final[dict[str, list[threading.Event]]] = {}
        self._listener: threading.Thread | None = None
        self._ready: Final = threading.Event()
        self._closed = False

    def wait(self, job_id: str, phase: Phase, *, seconds: float) -> None:
        """Return when the job's phase is not ``phase`` any more, or after some seconds.

        At once when too many wait already: they would take the threads that answer others.
        """
        with self._told(job_id) as told:
            if told is None:
                return
            deadline = time.monotonic() + seconds
            self._ready.wait(seconds)
            while self._is(job_id, phase) and (left := deadline - time.monotonic()) > 0:
                told.wait(left)
                told.clear()

    def change(self, job_id: str, *, seconds: float) -> None:
        """Return when anything of the job changes, its progress too, or after some seconds."""
        with self._told(job_id) as told:
            if told is not None and self._ready.wait(seconds):
                told.wait(seconds)

    def close(self) -> None:
        """Wake all who wait and stop listening."""
        with self._lock:
            self._closed = True
            listener = self._listener
        self._wake()
        if listener is not None:
            listener.join()

    @contextmanager
    def _told(self, job_id: str) -> Iterator[threading.Event | None]:
        """Yield what is set when something is told of a job, or None when too many wait already."""
        if not self._places.acquire(blocking=False):
            yield None
            return
        told = threading.Event()
        try:
            self._enter(job_id, told)
            yield told
        finally:
            self._leave(job_id, told)
            self._places.release()

    def _is(self, job_id: str, phase: Phase) -> bool:
        """Ask the database, after every call: what was said before the question is not lost."""
        known = None if self._closed else jobs.find(self._database, job_id)
        return known is not None and known.phase == phase

    def _enter(self, job_id: str, told: threading.Event) -> None:
        with self._lock:
            self._waiting.setdefault(job_id, []).append(told)
            if self._listener is None and not self._closed:
                self._listener = threading.Thread(target=self._listen, name="phases", daemon=True)
                self._listener.start()

    def _leave(self, job_id: str, told: threading.Event) -> None:
        with self._lock:
            self._waiting[job_id].remove(told)
            if not self._waiting[job_id]:
                del self._waiting[job_id]

    def _wake(self, job_id: str | None = None) -> None:
        """Call those who wait for a job, or for any."""
        with self._lock:
            for name in [job_id] if job_id is not None else list(self._waiting):
                for told in self._waiting.get(name, ()):
                    told.set()

    def _listen(self) -> None:
        while not self._done():
            try:
                self._hear()
            except psycopg.Error as error:
                log.warning("the database does not tell of phases", reason=str(error).strip())
                time.sleep(RETRY_SECONDS)
            finally:
                self._ready.clear()
                self._wake()

    def _hear(self) -> None:
        with psycopg.connect(self._database.url, autocommit=True) as connection:
            connection.execute(f"LISTEN {jobs.CHANNEL}")
            self._ready.set()
            self._wake()
            while not self._closed:
                for notification in connection.notifies(timeout=LOOK_SECONDS):
                    self._wake(notification.payload.partition(" ")[0])

    def _done(self) -> bool:
        """Whether the listener may go: nobody waits; said under the lock, so that nobody comes meanwhile."""
        with self._lock:
            if self._closed or not self._waiting:
                self._listener = None
                return True
            return False
