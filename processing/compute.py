"""Where the tiles of a job are computed: in this process, in processes beside it, or by the workers of a cluster.

The three are values of one kind (``Pool``).  What travels is a function's name, its parameters and a tile's number;
whoever computes a tile reads and writes files for itself, so results never pass through a scheduler.
"""

import logging
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
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from archive import faults
from archive.errors import Refused, SchedulerAway
from archive.settings import Settings

if TYPE_CHECKING:  # importing it takes a second, which jobs without a cluster need not wait for
    from distributed import Client, Future, LocalCluster

__all__ = ["Compute", "DaskWorkers", "Pool", "ThisProcess", "TileFailed", "beside", "pool"]

log = structlog.get_logger()

Compute = Callable[[int], None]
"""Computes one tile, known by its number; it can be pickled."""

AHEAD: Final = 2
"""Tiles given out for each thread: the next one is there when one is finished, and a scheduler holds no more."""

CONNECT_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 1.0
LOST: Final = "the Dask scheduler was lost"
MUST_AGREE: Final = ("musevault", "numpy", "dask", "distributed", "cloudpickle", "msgpack")
"""Packages that must be the same in all who compute: another version may compute another thing."""

LOCAL: Final = {
    "distributed.worker.profile.enabled": False,  # a look at the stack every 10 ms is for dashboards
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.scheduler.work-stealing": False,  # tiles wait here, not in queues of workers
    # Dask's own would also give memory back after each array and take it anew, which costs a tile some percent
    "distributed.nanny.pre-spawn-environ": dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
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
        """Compute tiles, a bounded number in flight.

        Dask gives a tile up that was lost with several workers, though another on the same worker may have killed
        them: such tiles are computed once more at the end, each by itself.
        """
        checked, suspects = partial(_checked, compute, versions()), list[int]()
        yield from self._together(checked, numbers, suspects.append)
        for number in suspects:
            yield from self._together(checked, [number], _blame)

    def _together(
        self, checked: Compute, numbers: Sequence[int], suspect: Callable[[int], None]
    ) -> Iterator[int | None]:
        ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        waiting, running = list(reversed(numbers)), dict["Future", int]()
        threads, looked = 0, -math.inf
        try:
            while waiting or running:
                if time.monotonic() > looked + LOOK_SECONDS:  # workers come and go
                    threads, looked = self._threads(), time.monotonic()
                for _ in range(min(len(waiting), max(1, AHEAD * threads) - len(running))):
                    with self._heard():
                        future = self._client.submit(checked, number := waiting.pop(), pure=False)
                    running[future] = number
                    future.add_done_callback(ended.put)
                try:
                    future = ended.get(timeout=LOOK_SECONDS)
                except queue.Empty:
                    if not threads:
                        yield None
                    continue
                number = running.pop(future)
                if self._is_finished(future, number):
                    yield number
                else:
                    suspect(number)
        finally:
            with suppress(Exception):  # the scheduler may be the one that is gone
                self._client.cancel(list(running), force=True)

    def _threads(self) -> int:
        with self._heard():
            return int(sum(self._client.nthreads().values()))

    @contextmanager
    def _heard(self) -> Iterator[None]:
        """Whatever fails while the scheduler does not hear us fails for that reason."""
        try:
            yield
        except Exception as error:
            if isinstance(error, OSError) or self._client.status != "running":
                raise SchedulerAway(LOST) from error
            raise

    @staticmethod
    def _is_finished(future: "Future", number: int) -> bool:
        """Tell whether a tile is finished; if not, it was lost with too many workers."""
        from distributed import KilledWorker

        if future.status == "finished":
            return True
        if future.status != "error":  # cancelled, since the scheduler that knew it is gone
            raise SchedulerAway(LOST)
        match error := future.exception():
            case KilledWorker():
                return False
            case _Unlike():
                raise Refused(str(error)) from error
            case _:
                raise TileFailed(number, error) from error


class LostWithWorkers(Exception):
    """Whoever computes the tile dies."""


def _blame(number: int) -> None:
    raise TileFailed(number, LostWithWorkers("whoever computes it dies, perhaps since it takes too much memory"))


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
        with _connected(settings.dask_scheduler) as workers:
            yield workers
    elif cores > 1:
        with beside(cores, memory=memory, folder=folder) as workers:
            yield workers
    else:
        yield ThisProcess()


@contextmanager
def beside(processes: int, *, memory: int, folder: Path) -> Iterator[DaskWorkers]:
    """Have processes of one thread each, which end with the block, and with this process if it is killed.

    They listen on this machine only, share ``memory`` bytes (0: not counted), and lay what they need into ``folder``.
    """
    import dask
    from distributed import Client

    logging.getLogger("distributed").setLevel(logging.WARNING)  # its comings and goings are no one's business
    with dask.config.set(LOCAL), _local_cluster(processes, memory, folder) as cluster, Client(cluster) as client:
        yield DaskWorkers(client)


def _local_cluster(processes: int, memory: int, folder: Path) -> "LocalCluster":
    from distributed import LocalCluster

    try:
        return LocalCluster(
            n_workers=processes,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # without an address it takes a port of its own choice
            scheduler_kwargs={"dashboard": False},
            memory_limit=memory // (processes + 1) if memory else None,  # this process takes some, too
            local_directory=str(folder),
        )
    except RuntimeError as error:  # one of them was killed before it was there
        raise SchedulerAway("the processes that compute tiles cannot be started") from error


@contextmanager
def _connected(address: str) -> Iterator[DaskWorkers]:
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
        yield DaskWorkers(client)


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
