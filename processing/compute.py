"""Where the tiles of a job are computed: in this process, in processes beside it, or by the workers of a cluster.

The three are values of one kind (``Pool``).  What travels is a function's name, its parameters and a tile's number;
whoever computes a tile reads and writes files for itself, so results never pass through a scheduler.
"""

import math
import platform
import queue
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from archive import faults
from archive.errors import Refused, SchedulerAway
from archive.settings import Settings

if TYPE_CHECKING:  # importing it takes a second, which jobs without a cluster need not wait for
    from distributed import Client, Future, LocalCluster

__all__ = ["Compute", "Pool", "TileFailed", "pool"]

log = structlog.get_logger()

Compute = Callable[[int], None]
"""Computes one tile, known by its number; it can be pickled."""

AHEAD: Final = 2
"""Tiles given out for each thread: the next one is there when one is finished, and a scheduler holds no more."""

CONNECT_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 1.0
MUST_AGREE: Final = ("musevault", "numpy", "dask", "distributed", "cloudpickle", "msgpack")
"""Packages that must be the same in all who compute: another version may compute another thing."""

LOCAL: Final = {
    "distributed.worker.profile.enabled": False,  # a look at the stack every 10 ms is for dashboards
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.scheduler.work-stealing": False,  # tiles wait here, not in queues of workers
}


class TileFailed(Exception):
    """The function raised for a tile: that is the end of the job.  Whether it may pass its cause tells."""

    def __init__(self, number: int, error: BaseException) -> None:
        self.message: Final = f"tile {number}: {faults.reason(error)}"
        super().__init__(self.message)


class Pool(Protocol):
    """Those who compute tiles."""

    def each(self, compute: Compute, numbers: Sequence[int]) -> Iterator[int | None]:
        """Compute tiles, and yield the number of each that is finished, in any order; None while nobody is there.

        Raises
        ------
        TileFailed
            The function raised.
        SchedulerAway
            The scheduler was lost.
        """


class ThisProcess:
    """One tile after the other, here."""

    def each(self, compute: Compute, numbers: Sequence[int]) -> Iterator[int | None]:
        """Compute tiles in their order."""
        for number in numbers:
            try:
                compute(number)
            except Exception as error:
                raise TileFailed(number, error) from error
            yield number


class DaskWorkers:
    """The workers of a Dask scheduler, however many there are meanwhile; what one loses others do again."""

    def __init__(self, client: "Client") -> None:
        self._client: Final = client

    def each(self, compute: Compute, numbers: Sequence[int]) -> Iterator[int | None]:
        """Compute tiles, a bounded number in flight."""
        checked = partial(_checked, compute, versions())
        ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        waiting, running = list(reversed(numbers)), dict["Future", int]()
        threads, looked = 0, -math.inf
        try:
            while waiting or running:
                if time.monotonic() > looked + LOOK_SECONDS:  # workers come and go
                    threads, looked = self._threads(), time.monotonic()
                for _ in range(min(len(waiting), max(1, AHEAD * threads) - len(running))):
                    future = self._client.submit(checked, number := waiting.pop(), pure=False)
                    running[future] = number
                    future.add_done_callback(ended.put)
                try:
                    future = ended.get(timeout=LOOK_SECONDS)
                except queue.Empty:
                    if not threads:
                        yield None
                    continue
                yield self._finished(future, running.pop(future))
        finally:
            with suppress(Exception):  # the scheduler may be the one that is gone
                self._client.cancel(list(running), force=True)

    def _threads(self) -> int:
        try:
            return sum(self._client.nthreads().values())
        except OSError as error:
            raise SchedulerAway("the Dask scheduler was lost") from error

    @staticmethod
    def _finished(future: "Future", number: int) -> int:
        if future.status == "error":
            error = future.exception()
            if isinstance(error, _Unlike):
                raise Refused(str(error)) from error
            raise TileFailed(number, error) from error
        if future.status != "finished":  # cancelled, since the scheduler that knew it is gone
            raise SchedulerAway("the Dask scheduler was lost")
        return number


@contextmanager
def pool(settings: Settings, *, cores: int, memory: int, folder: Path) -> Iterator[Pool]:
    """Have those who compute tiles for as long as the block runs: as the settings name them, else as many as cores.

    Parameters
    ----------
    settings
        Of the archive.
    cores, memory
        What the job may take here: processors, and bytes, 0 when they are not counted.
    folder
        Where processes may put what they need meanwhile.

    Raises
    ------
    SchedulerAway
        The scheduler of the settings does not answer.
    Refused
        It has other versions of what must agree.
    """
    if settings.dask_scheduler is not None:
        with _connected(settings.dask_scheduler) as client:
            yield DaskWorkers(client)
    elif cores > 1:
        with _beside(cores, memory, folder) as client:
            yield DaskWorkers(client)
    else:
        yield ThisProcess()


@contextmanager
def _beside(processes: int, memory: int, folder: Path) -> Iterator["Client"]:
    """Start processes of one thread each, which end with the block, and with this process if it is killed."""
    import dask
    from distributed import Client

    with dask.config.set(LOCAL), _local_cluster(processes, memory, folder) as cluster, Client(cluster) as client:
        yield client


def _local_cluster(processes: int, memory: int, folder: Path) -> "LocalCluster":
    from distributed import LocalCluster

    try:
        return LocalCluster(
            n_workers=processes,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # without an address it takes a port of its own choice
            scheduler_kwargs={"dashboard": False},
            memory_limit=memory // processes if memory else None,
            local_directory=str(folder),
        )
    except RuntimeError as error:  # one of them was killed before it was there
        raise SchedulerAway("the processes that compute tiles cannot be started") from error


@contextmanager
def _connected(address: str) -> Iterator["Client"]:
    import warnings

    from distributed import Client
    from distributed.versions import VersionMismatchWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VersionMismatchWarning)  # refused below, with its reason
            client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SchedulerAway(f"the Dask scheduler {address} does not answer") from error
    with client:
        theirs = client.get_versions()["scheduler"]["packages"]["distributed"]
        if theirs != version("distributed"):
            ours = version("distributed")
            raise Refused(
                f"the Dask scheduler {address} has distributed {theirs}, this program {ours}: they must agree"
            )
        yield client


class _Unlike(Exception):
    """A worker has other versions than the job."""


def _checked(compute: Compute, expected: dict[str, str], number: int) -> None:
    """Compute a tile, on a worker that may have come at any time and from anywhere."""
    for name, own in versions().items():
        if own != expected[name]:
            raise _Unlike(
                f"the Dask worker on {socket.gethostname()} has {name} {own}, this program {expected[name]}:"
                " they must agree"
            )
    compute(number)


@cache
def versions() -> dict[str, str]:
    """Return the versions of this process that decide what it computes."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in MUST_AGREE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found
