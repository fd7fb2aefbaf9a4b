"""What each format costs beside PostgreSQL's own binary COPY of the same query, how soon it begins, in what memory.

One table of 1,000,000 rows and twelve columns, over HTTP to ``musevault serve``.  The reference is ``COPY (the same
query) TO STDOUT (FORMAT binary)`` by psql into /dev/null: what any client must wait for.  Then short queries from
several clients at once, and the peer DaCHS where it is installed.  With ``BENCH_MANY=1`` memory is also taken for ten
times the rows, and short queries are asked of a table of 10,000,000; that takes several minutes.
"""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

from archive.archive import Archive, open_archive
from archive.log import configure
from archive.settings import Settings
from benchmarks import dachs
from benchmarks.clients import CLIENTS, drained
from benchmarks.plain_table import ALL, fill
from benchmarks.report import report
from benchmarks.tap import service, worker_peak
from ingest.releases import ingest_release
from schema.published import catalogue
from server.adql import translate
from tests.support.archives import SURVEY, short_folder

__all__ = ["main"]

ROWS: Final = 1_000_000
FEW: Final = 5_000
TIMES: Final = 3
TARGETS: Final = {
    "arrow": 2.0, "fits": 2.0, "csv": 3.0, "votable/b2": 3.5, "parquet": 3.5, "votable/td": 6.0,
}  # fmt: skip
FIRST_SECONDS: Final = 0.2
PEER_TARGET: Final = 10
GROWTH_MB: Final = 150
TIMES_MANY: Final = 10
MANY_ROWS: Final = f"{ALL}, (SELECT TOP {TIMES_MANY} number FROM survey.pointing) AS again"
"""Every row ten times."""
SHORT: Final = {
    "TOP 10": ALL.format(rows=10),
    "cone of 1 arcmin": (
        "SELECT dp_id, ra, dec FROM survey.exposure WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(185.7, 15.8, 0.016667))"
    ),
}
REQUESTS: Final = 800
REQUESTS_TARGET: Final = 250
MEDIAN_MS: Final = 25


@dataclass(frozen=True)
class Taken:
    """The shortest times of several answers, in seconds: to the first byte and to the last."""

    first: float
    last: float


def main() -> None:
    """Measure and report."""
    configure()
    many = os.environ.get("BENCH_MANY") == "1"
    with short_folder() as root, open_archive(Settings.model_validate({"root": root, "database_url": None})) as archive:
        ingest_release(archive.database, SURVEY)
        fill(archive.database, ROWS)
        with service(root, workers=2) as (port, _):
            formats(archive, port)
            if not many:
                short_queries(port, ROWS)
            if dachs.is_installed():
                with dachs.peer(archive, root, ROWS) as other:
                    beside(port, other)
        for name in TARGETS:
            with service(root, workers=1) as (port, server):
                memory(name, port, server, many=many)
        if many:
            fill(archive.database, ROWS * TIMES_MANY)
            with service(root, workers=2) as (port, _):
                short_queries(port, ROWS * TIMES_MANY)


def formats(archive: Archive, port: int) -> None:
    """Time every format beside COPY, in turn, so that what else the machine does weighs on both."""
    query = ALL.format(rows=ROWS)
    for name, target in TARGETS.items():
        pairs = [(copied(archive, query), fetched(port, query, name)) for _ in range(TIMES)]
        reference, ours = min(each for each, _ in pairs), min(answer.last for _, answer in pairs)
        report(
            f"formats, s for {ROWS} rows of {name} against binary COPY", ours, reference, target, more_is_better=False
        )
        first = min(answer.first for _, answer in pairs)
        report(
            f"formats, s to the first byte of {name} against {FIRST_SECONDS} s",
            first,
            FIRST_SECONDS,
            1,
            more_is_better=False,
        )


def beside(port: int, other: int) -> None:
    """Compare rows a second with those of the peer, in every format that it has."""
    for name, theirs in dachs.FORMATS.items():
        ours = min(fetched(port, ALL.format(rows=ROWS), name).last for _ in range(TIMES))
        reference = fetched(other, dachs.QUERY.format(rows=ROWS), theirs).last
        report(
            f"formats, rows/s of {name} against DaCHS", ROWS / ours, ROWS / reference, PEER_TARGET, more_is_better=True
        )


def memory(name: str, port: int, server: subprocess.Popen[bytes], *, many: bool) -> None:
    """Compare the peak of the server's memory after an answer of few rows and after one of many."""
    fetched(port, ALL.format(rows=FEW), name)
    before = worker_peak(server)
    asked = {ROWS: ALL.format(rows=ROWS)}
    if many:
        asked[ROWS * TIMES_MANY] = MANY_ROWS.format(rows=ROWS * TIMES_MANY)
    for rows, query in asked.items():
        fetched(port, query, name, maxrec=rows)
        grown = max(worker_peak(server) - before, 0.1)
        report(
            f"formats, MB that {rows} rows of {name} take against {GROWTH_MB}",
            grown,
            GROWTH_MB,
            1,
            more_is_better=False,
        )


def short_queries(port: int, rows: int) -> None:
    """Time short queries from several clients at once."""
    for title, query in SHORT.items():
        rate, median = at_once(partial(fetched, port, query, "votable"))
        what = f"{title} of {rows} rows, {CLIENTS} clients"
        report(f"requests/s, {what}, against {REQUESTS_TARGET}", rate, REQUESTS_TARGET, 1, more_is_better=True)
        report(f"median ms, {what}, against {MEDIAN_MS}", median * 1000, MEDIAN_MS, 1, more_is_better=False)


def at_once(ask: Callable[[], Taken]) -> tuple[float, float]:
    """Return how often a second several clients at once are answered, and the median of the seconds it takes."""
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda _: ask(), range(CLIENTS * 4)))
        begin = time.perf_counter()
        times: Sequence[Taken] = list(clients.map(lambda _: ask(), range(REQUESTS)))
        rate = REQUESTS / (time.perf_counter() - begin)
    return rate, statistics.median(taken.last for taken in times)


def fetched(port: int, query: str, name: str, *, maxrec: int = ROWS) -> Taken:
    """Ask the service and throw the answer away."""
    first, last, _ = drained(port, {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": name, "MAXREC": str(maxrec)})
    return Taken(first, last)


def copied(archive: Archive, query: str) -> float:
    """Return how many seconds psql takes for the same rows in PostgreSQL's binary form, as the same role."""
    sql, settings = translate(query, catalogue()).sql, archive.settings
    options = archive.database.reader_options(timeout=600, base_url=settings.base_url, authority=settings.authority)
    command = ["psql", archive.database.url, "-q", "-c", f"COPY ({sql}) TO STDOUT (FORMAT binary)"]
    begin = time.perf_counter()
    subprocess.run(command, env={**os.environ, "PGOPTIONS": options}, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
