"""Which workers there are: each writes itself down when it begins and off when it ends.

The heartbeat is procrastinate's.  Of one that died the queue drops the number after some silence; then it is no worker
any more here either.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

import procrastinate
import psycopg
from procrastinate.manager import JobManager
from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from archive.database import Database
from schema.jobs import Worker

__all__ = ["Attendant", "Means", "Registrar", "forget_gone", "present"]

PRESENT: Final = text("""
    SELECT worker.worker_id, host, pid, cores, memory, queues, started,
           (SELECT count(*) FROM jobs.job JOIN queue.procrastinate_jobs AS entry ON entry.id = job.queue_id
            WHERE job.phase = 'EXECUTING' AND entry.worker_id = worker.worker_id) AS doing,
           greatest(extract(epoch FROM now() - last_heartbeat), 0)::double precision AS silent
    FROM jobs.worker JOIN queue.procrastinate_workers AS heart ON heart.id = worker.worker_id
    ORDER BY host, pid, worker.worker_id
""")
FORGET_GONE: Final = text("""
    DELETE FROM jobs.worker
    WHERE NOT EXISTS (SELECT FROM queue.procrastinate_workers AS heart WHERE heart.id = worker.worker_id)
""")

HEARTBEAT: Final = text("""
    INSERT INTO queue.procrastinate_workers (id) OVERRIDING SYSTEM VALUE VALUES (:worker)
    ON CONFLICT (id) DO UPDATE SET last_heartbeat = now()
""")


@dataclass(frozen=True)
class Means:
    """What a worker takes jobs with: cores, bytes of memory (None: it does not count them), queues (None: all)."""

    cores: int
    memory: int | None
    queues: Sequence[str] | None


class Attendant(NamedTuple):
    """A worker that is there: how many jobs it does, and for how many seconds nothing was heard of it."""

    worker_id: int
    host: str
    pid: int
    cores: int
    memory: int | None
    queues: list[str] | None
    started: datetime
    doing: int
    silent: float

    def is_alive(self, timeout: float) -> bool:
        """Tell whether it was heard of within some seconds."""
        return self.silent <= timeout


class Registrar(JobManager):
    """Procrastinate's face of the queue, for one worker, that writes the worker down too."""

    def __init__(self, connector: procrastinate.BaseConnector, database: Database, means: Means) -> None:
        super().__init__(connector)
        self._database: Final = database
        self._means: Final = means
        self._writing: Final = threading.Lock()
        self._has_left = False

    async def register_worker(self) -> int:
        """Have a number given to the worker, and write it down under it."""
        worker_id = await super().register_worker()
        self._has_left = False
        await asyncio.to_thread(self._be_there, worker_id)
        return worker_id

    async def update_heartbeat(self, worker_id: int) -> None:
        """Say that the worker is there; one that was taken for dead while it was silent comes back under its number."""
        await asyncio.to_thread(self._be_there, worker_id)

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> procrastinate.jobs.Job | None:
        """Take an entry from the queue, even before the first heartbeat after a long silence."""
        try:
            return await super().fetch_job(queues, worker_id)
        except procrastinate.exceptions.ConnectorException as error:
            if not isinstance(error.__cause__, psycopg.errors.ForeignKeyViolation):  # its number is gone
                raise
            await self.update_heartbeat(worker_id)
            return await super().fetch_job(queues, worker_id)

    async def unregister_worker(self, worker_id: int) -> None:
        """Write it off."""
        await asyncio.to_thread(self._leave, worker_id)
        await super().unregister_worker(worker_id)

    def _be_there(self, worker_id: int) -> None:
        with self._writing:
            if not self._has_left:  # a heartbeat that was under way at the end must not bring the worker back
                with self._database.transaction() as session:
                    session.execute(HEARTBEAT, {"worker": worker_id})
                    _enter(session, worker_id, self._means)

    def _leave(self, worker_id: int) -> None:
        with self._writing:
            self._has_left = True
            with self._database.transaction() as session:
                session.execute(delete(Worker).where(Worker.worker_id == worker_id))


def present(database: Database) -> list[Attendant]:
    """Return the workers that are there, those too that have been silent for a while."""
    with database.reading() as session:
        return [Attendant(*row) for row in session.execute(PRESENT)]


def forget_gone(database: Database) -> None:
    """Drop the workers whose numbers the queue has dropped."""
    with database.transaction() as session:
        session.execute(FORGET_GONE)


def _enter(session: Session, worker_id: int, means: Means) -> None:
    session.execute(
        insert(Worker)
        .values(
            worker_id=worker_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            cores=means.cores,
            memory=means.memory,
            queues=None if means.queues is None else list(means.queues),
            started=datetime.now(UTC).replace(tzinfo=None),
        )
        .on_conflict_do_nothing()
    )
