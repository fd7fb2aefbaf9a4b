"""What the engine takes for jobs that do nothing: from submission to completed, and to drain a full queue.

A real archive in a temporary folder, with workers in processes of their own.  Both figures are held against their
limits: 50 ms with a worker that waits, 100 jobs/s by two.  Before anything is measured each worker has done some jobs,
so that what it does them in is up.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Final

import psycopg

from archive import attendance, jobs
from archive.archive import Archive, open_archive
from archive.batches import batch
from archive.log import configure
from archive.settings import Settings
from benchmarks.report import report
from schema.jobs import Phase
from tests.support.archives import short_folder
from tests.support.staff import worker

LIMIT_MILLISECONDS: Final = 50.0
LEAST_PER_SECOND: Final = 100.0
ONE_BY_ONE: Final = 100
QUEUED: Final = 1000
WARMING: Final = 40


def main() -> None:
    """Measure and report."""
    configure()
    with short_folder() as root, open_archive(Settings.model_validate({"root": root, "database_url": None})) as archive:
        with workers(archive, 1):
            name = "jobs, ms from submission to completed, median, against the limit"
            report(name, latency(archive), LIMIT_MILLISECONDS, 1.0, more_is_better=False)
        with workers(archive, 2):
            name = f"jobs, empty ones/s of {QUEUED} by two workers against the limit"
            report(name, QUEUED / drained(archive, QUEUED), LEAST_PER_SECOND, 1.0, more_is_better=True)


@contextmanager
def workers(archive: Archive, number: int) -> Iterator[None]:
    """So many workers, each with what it does jobs in."""
    with ExitStack() as stack:
        for _ in range(number):
            stack.enter_context(worker(archive))
        while len(attendance.present(archive.database)) < number:
            drained(archive, WARMING)
        drained(archive, WARMING * number)
        yield


def latency(archive: Archive) -> float:
    """Return the median of milliseconds from just before a job is submitted until it is heard to be completed."""
    taken = []
    with psycopg.connect(archive.database.url, autocommit=True) as connection:
        connection.execute(f"LISTEN {jobs.CHANNEL}")
        for number in range(ONE_BY_ONE):
            begin = time.perf_counter()
            job = jobs.submit(archive.database, "nothing", {"number": number})
            for heard in connection.notifies():
                if heard.payload == f"{job.job_id} {Phase.COMPLETED}":
                    break
            taken.append((time.perf_counter() - begin) * 1000)
    return median(taken)


def drained(archive: Archive, number: int) -> float:
    """Return the seconds in which so many jobs, queued all at once, are completed."""
    with psycopg.connect(archive.database.url, autocommit=True) as connection:
        connection.execute(f"LISTEN {jobs.CHANNEL}")
        with batch(archive.database) as together:
            given = [together.submit("nothing", {"number": n, "of": number}) for n in range(number)]
        begin = time.perf_counter()
        outstanding = {f"{one.job.job_id} {Phase.COMPLETED}" for one in given if one is not None}
        for heard in connection.notifies():
            outstanding.discard(heard.payload)
            if not outstanding:
                break
        return time.perf_counter() - begin
