"""A monkey in the machine room: ends processes without warning, fills the disk, takes the store away.

It strikes only processes that carry the mark of one archive in their environment.
"""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sqlalchemy import exc, func, select

from archive import jobs
from archive.archive import Archive
from archive.cluster import Cluster
from archive.errors import Refused
from archive.processes import of_cluster
from schema.jobs import Event, Job, Phase
from tests.support.disks import Mount
from tests.support.staff import hire

HAND = "archive.hand"
DASK = "multiprocessing.spawn"
STAFF = "tests.support.staff"
PATIENCE_SECONDS = 120.0
LONGEST_SECONDS = 15.0

FULL = "cannot store a file: No space left on device"
AWAY = "the store is away"

Answer = TypeVar("Answer")


def patiently(ask: Callable[[], Answer]) -> Answer:
    """Ask the database until it answers."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except exc.DBAPIError:
            if time.monotonic() > end:
                raise
            time.sleep(0.3)


def processes(root: Path, word: str = "") -> list[int]:
    """The processes that work for an archive, but its PostgreSQL's, with a word in their command line."""
    return sorted(set(_marked(root, word)) - set(of_cluster(Cluster(root).data)))


def _marked(root: Path, word: str) -> Iterator[int]:
    mark = f"\0MUSEVAULT_ROOT={root}\0".encode()
    for entry in Path("/proc").iterdir():
        with suppress(OSError):  # it ended, or is not ours
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            if mark in b"\0" + (entry / "environ").read_bytes() + b"\0" and word in (entry / "cmdline").read_text():
                yield int(entry.name)


@dataclass
class Workers:
    """Workers that are replaced when they die, as systemd does it."""

    archive: Archive
    number: int
    there: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def look(self) -> None:
        """Replace the dead."""
        self.there = [each for each in self.there if each.poll() is None]
        self.there += [hire(self.archive) for _ in range(self.number - len(self.there))]

    def leave(self) -> list[int]:
        """Tell them to stop; returns how they ended."""
        for each in self.there:
            each.send_signal(signal.SIGTERM)
        return [each.wait(timeout=PATIENCE_SECONDS) for each in self.there]

    def end(self) -> None:
        """End all that is left of them, whatever happened."""
        for each in self.there:
            each.kill()
            each.wait()
        for pid in processes(self.archive.settings.root):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@dataclass
class Monkey:
    """What it does, and how often it did."""

    archive: Archive
    workers: Workers
    store: Mount
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    cancelled: set[str] = field(default_factory=set)

    def rage(self, plan: dict[str, int]) -> None:
        """Do everything so many times, in any order, at any moment."""
        deeds = [name for name, times in plan.items() for _ in range(times)]
        self.chance.shuffle(deeds)
        for name in deeds:
            self._rest(self.chance.uniform(0.3, 2.0))
            getattr(self, name)()

    def kill_worker(self) -> None:
        self._strike("worker", [each.pid for each in self.workers.there])

    def kill_hand(self) -> None:
        self._strike("hand", processes(self.archive.settings.root, HAND))

    def kill_dask_worker(self) -> None:
        root = self.archive.settings.root
        for _ in range(60):
            if found := processes(root, DASK):
                self._strike("dask worker", found)
                return
            self._rest(0.2)

    def kill_postgres(self) -> None:
        for pid in of_cluster(Cluster(self.archive.settings.root).data):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.done["postgres"] += 1

    def fill_disk(self) -> None:
        """Fill it until a job has felt it."""
        before, end = self._felt(FULL), time.monotonic() + LONGEST_SECONDS
        filler = self.store.disk.parent / "filler"
        try:
            with filler.open("wb", buffering=0) as file:
                while self._felt(FULL) == before and time.monotonic() < end:
                    with suppress(OSError):  # until there is no room left; what others free is taken, too
                        while True:
                            file.write(bytes(1 << 12))
                    self._rest(0.1)
        finally:
            filler.unlink()
        self.done["full disk"] += self._felt(FULL) > before

    def take_store_away(self) -> None:
        """Take it away until a job has felt it, and a little longer."""
        before, end = self._felt(AWAY), time.monotonic() + LONGEST_SECONDS
        self.store.take_away()
        try:
            while self._felt(AWAY) == before and time.monotonic() < end:
                self._rest(0.1)
            self._rest(self.chance.uniform(0.0, 3.0))
            assert list(self.store.place.iterdir()) == []
        finally:
            self.store.bring()
        self.done["store away"] += self._felt(AWAY) > before

    def cancel(self) -> None:
        phases = (Phase.QUEUED, Phase.EXECUTING)
        under_way = patiently(lambda: jobs.latest(self.archive.database, limit=1000, phases=phases))
        if not under_way:
            return
        chosen = self.chance.choice(under_way).job_id
        with suppress(Refused):  # it has just ended
            patiently(lambda: jobs.cancel(self.archive.database, chosen, reason="nobody wants it"))
        self.cancelled.add(chosen)
        self.done["cancel"] += 1

    def _felt(self, words: str) -> int:
        """How many jobs were put off, or wait, for such a reason."""

        def count() -> int:
            with self.archive.database.reading() as session:
                put_off = select(func.count()).select_from(Event).where(Event.words.contains(words))
                waits = select(func.count()).select_from(Job).where(Job.progress_text == f"waits: {words}")
                return (session.scalar(put_off) or 0) + (session.scalar(waits) or 0)

        return patiently(count)

    def _strike(self, name: str, pids: list[int]) -> None:
        if pids:
            with suppress(ProcessLookupError):
                os.kill(self.chance.choice(pids), signal.SIGKILL)
                self.done[name] += 1

    def _rest(self, seconds: float) -> None:
        time.sleep(seconds)
        self.workers.look()
