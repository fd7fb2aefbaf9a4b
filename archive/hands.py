"""The processes that a worker has its jobs done in: started when needed, kept warm, ended with what they started.

A hand leads a process group of its own.  Ending it means the group: first politely, so that unfinished files are
removed, then not so.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import structlog
from sqlalchemy import exc

from archive import claims, jobs, machine
from archive.archive import Archive
from archive.budget import Budget, NoRoom
from archive.execution import End, Outcome, Run
from archive.hand import Start
from archive.needs import Needs
from schema.jobs import Phase, What

__all__ = ["Hands"]

log = structlog.get_logger()

GRACE_SECONDS: Final = 3.0
ROOM_SECONDS: Final = 5.0
"""How long a job waits here for others to end before it goes back to the queue, where another worker finds it."""

LOOK_SECONDS: Final = 0.5
DATABASE_LOST: Final = "the database was lost"
CRASHED_SECONDS: Final = 2.0
WARM_BYTES: Final = 300 * 2**20
"""What a process may hold between two jobs: the next one answers for it, and may have said that it takes little."""

START_SECONDS: Final = 60.0
"""Time that a process has to be ready for jobs."""

ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""A job is one processor's work unless it says more: libraries must not take all of them by themselves."""


class Died(Exception):
    """The process of a hand ended before its job."""


class Hand:
    """One process."""

    def __init__(
        self, process: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.pid: Final = process.pid
        self.name: Final = f"{socket.gethostname()}:{process.pid}"
        self._process: Final = process
        self._reader: Final = reader
        self._writer: Final = writer

    @classmethod
    async def start(cls, start: Start) -> "Hand":
        """Start a process and wait until it is ready.

        Raises
        ------
        Died
            It could not be started, ended, or was not ready in time.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_connection(sock=ours)
            try:
                process = subprocess.Popen(  # noqa: ASYNC220  takes a millisecond; nobody waits for its end here
                    [sys.executable, "-m", "archive.hand", str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    env={**ONE_THREAD, **os.environ},
                    start_new_session=True,
                )
            except OSError as error:
                writer.close()
                raise Died(f"could not be started: {error}") from error
        hand = cls(process, reader, writer)
        try:
            async with asyncio.timeout(START_SECONDS):
                await hand._say(start.line())
                await hand._hear()
        except TimeoutError as error:
            await hand.end()
            raise Died(f"was not ready within {START_SECONDS:g} s") from error
        except BaseException:
            await hand.end()
            raise
        return hand

    async def do(self, job_id: str) -> Outcome:
        """Do a job.

        Raises
        ------
        Died
            The process ended.
        """
        await self._say(f"{job_id}\n".encode())
        answer = json.loads(await self._hear())
        return Outcome(End(answer["end"]), answer["wait"])

    async def end(self) -> None:
        """End the process and all that it started."""
        self._writer.close()
        for number, patience in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, None)):
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._process.wait, patience)

    async def _say(self, line: bytes) -> None:
        try:
            self._writer.write(line)
            await self._writer.drain()
        except OSError as error:
            raise Died(await self._how()) from error

    async def _hear(self) -> bytes:
        try:
            line = await self._reader.readline()
        except OSError as error:
            raise Died(await self._how()) from error
        if not line:
            raise Died(await self._how())
        return line

    async def _how(self) -> str:
        status = await asyncio.to_thread(self._process.wait)
        return f"ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


class Attempt:
    """A job in a hand, with what may end it before its time."""

    def __init__(self, needs: Needs) -> None:
        self.needs: Final = needs
        self.group: int | None = None
        self.is_dropped = False
        self._verdict: Final[asyncio.Future[str | None]] = asyncio.get_running_loop().create_future()

    def condemn(self, reason: str | None) -> None:
        """Let it be ended: for a reason that is recorded, or for one that its row tells already."""
        if not self._verdict.done():
            self._verdict.set_result(reason)

    def drop(self) -> None:
        """Let it be ended, and its job be given back."""
        self.is_dropped = True
        self.condemn(None)

    @property
    def is_condemned(self) -> bool:
        """Tell whether it is to be ended."""
        return self._verdict.done()

    async def verdict(self) -> str | None:
        """Wait until it is to be ended."""
        return await asyncio.shield(self._verdict)


class Hands:
    """The hands of one worker, as many as its budget has room for."""

    def __init__(self, archive: Archive, tasks: Callable[[], Mapping[str, Run]], budget: Budget) -> None:
        self._archive: Final = archive
        self._start: Final = Start(archive.settings, archive.database.url, tasks)
        self._budget: Final = budget
        self._idle: Final[list[Hand]] = []
        self._asked: Final[set[str]] = set()
        self._attempts: Final[dict[str, Attempt]] = {}
        self._unsettled: Final[list[claims.Return]] = []

    @property
    def at_once(self) -> int:
        """How many jobs can be done at once."""
        return self._budget.cores

    async def do(self, job_id: str, needs: Needs) -> Outcome:
        """Do a job when there is room for it; all that happens to it is recorded."""
        if job_id in self._asked:  # it was taken back from somebody who lives, and is done here meanwhile
            return Outcome(End.AGAIN, ROOM_SECONDS)
        self._asked.add(job_id)
        try:
            await self._await_store()
            async with self._budget.taken(needs, job_id, patience=ROOM_SECONDS):
                attempt = self._attempts[job_id] = Attempt(needs)
                try:
                    return await self._do(job_id, attempt)
                finally:
                    del self._attempts[job_id]
        except NoRoom as reason:
            await asyncio.to_thread(jobs.explain, self._archive.database, job_id, f"waits: {reason}")
            return Outcome(End.AGAIN, ROOM_SECONDS)
        finally:
            self._asked.discard(job_id)

    def cancelled(self, job_id: str) -> None:
        """Hear that a job was aborted; it may be nobody's here."""
        if (attempt := self._attempts.get(job_id)) is not None:
            attempt.condemn(None)

    def drop(self) -> None:
        """End the work on all jobs, which go back to the queue; of those that cannot, ``unsettled`` tells."""
        for attempt in self._attempts.values():
            attempt.drop()

    @property
    def unsettled(self) -> tuple[claims.Return, ...]:
        """What could not be written down since the database was away."""
        return tuple(self._unsettled)

    async def watch(self) -> None:
        """Look after the memory of the jobs, for as long as the worker lives."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            watched = {a.group: a for a in self._attempts.values() if a.group is not None and a.needs.memory}
            if watched:
                for group, held in (await asyncio.to_thread(machine.taken, watched)).items():
                    limit = watched[group].needs.memory
                    if held > limit:
                        watched[group].condemn(f"it took {held >> 20} MB of memory and had said {limit >> 20} MB")

    async def end(self) -> None:
        """End the processes that nobody uses."""
        await asyncio.gather(*(hand.end() for hand in self._idle))
        self._idle.clear()

    async def _do(self, job_id: str, attempt: Attempt) -> Outcome:
        try:
            hand = self._idle.pop() if self._idle else await self._started(attempt)
        except Died as how:
            log.warning("no process can be started for jobs", how=str(how))
            return Outcome(End.AGAIN, CRASHED_SECONDS)
        if hand is None:
            return Outcome(End.AGAIN, CRASHED_SECONDS)
        attempt.group = hand.pid
        answer = asyncio.create_task(hand.do(job_id))
        condemned = asyncio.create_task(attempt.verdict())
        try:
            await asyncio.wait({answer, condemned}, timeout=attempt.needs.timeout, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return await self._answered(job_id, hand, answer)
            if not attempt.is_condemned:
                attempt.condemn(f"it took longer than {attempt.needs.timeout:g} s")
            await hand.end()
            if attempt.is_dropped:
                await self._put_back(job_id, hand, What.INTERRUPTED, DATABASE_LOST)
                return Outcome(End.AGAIN, CRASHED_SECONDS)
            await self._condemned(job_id, hand, await attempt.verdict())
            return Outcome(End.OVER)
        except asyncio.CancelledError:  # the worker is to stop
            await hand.end()
            if attempt.is_condemned and not attempt.is_dropped:
                await self._condemned(job_id, hand, await attempt.verdict())
            else:
                await self._put_back(job_id, hand, What.INTERRUPTED, "its worker was stopped")
            raise
        finally:
            answer.cancel()
            condemned.cancel()

    async def _started(self, attempt: Attempt) -> Hand | None:
        """Start a hand for an attempt, None if that is to be ended meanwhile: nothing of its job has begun."""
        starting, condemned = asyncio.create_task(Hand.start(self._start)), asyncio.create_task(attempt.verdict())
        try:
            await asyncio.wait({starting, condemned}, return_when=asyncio.FIRST_COMPLETED)
            return await starting if starting.done() else None
        finally:
            condemned.cancel()
            if not starting.done():
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)

    async def _condemned(self, job_id: str, hand: Hand, reason: str | None) -> None:
        """Write down why a job was ended, unless its row tells already."""
        if reason is not None:
            database = self._archive.database
            await asyncio.to_thread(jobs.finish, database, job_id, Phase.ERROR, error=reason, worker=hand.name)
            log.warning("job ended", job=job_id, reason=reason)

    async def _answered(self, job_id: str, hand: Hand, answer: asyncio.Task[Outcome]) -> Outcome:
        try:
            outcome = answer.result()
        except Died as how:
            await hand.end()  # what it had started may live
            log.warning("the process of a job died", job=job_id, how=str(how))
            await self._put_back(job_id, hand, What.LOST, f"its process {how}")
            return Outcome(End.AGAIN, CRASHED_SECONDS)
        if left := await asyncio.to_thread(machine.companions, hand.pid):
            log.warning("a job left processes behind, which are ended", job=job_id, count=len(left))
            await hand.end()
        elif (held := (await asyncio.to_thread(machine.taken, [hand.pid]))[hand.pid]) > WARM_BYTES:
            log.info("a process that has grown is ended", job=job_id, megabytes=held >> 20)
            await hand.end()
        else:
            self._idle.append(hand)
        if outcome.end is End.DROPPED:
            await self._put_back(job_id, hand, What.INTERRUPTED, DATABASE_LOST)
            return Outcome(End.AGAIN, CRASHED_SECONDS)
        return outcome

    async def _put_back(self, job_id: str, hand: Hand, what: What, words: str) -> None:
        job = claims.Return(job_id, hand.name, what, words)
        try:
            await asyncio.to_thread(claims.put_back, self._archive.database, job)
        except exc.OperationalError:
            self._unsettled.append(job)

    async def _await_store(self) -> None:
        """Wait for a store that is away before a job is begun: it could but fail."""
        patience = time.monotonic() + ROOM_SECONDS
        while not await asyncio.to_thread(self._archive.store.is_here):
            if time.monotonic() > patience:
                raise NoRoom("the store is away")
            await asyncio.sleep(LOOK_SECONDS)
