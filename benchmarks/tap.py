"""How fast, how soon and in how much memory TAP answers over HTTP, against psycopg's COPY of the same SQL to CSV.

A real archive with the survey's log in a temporary folder, served by ``musevault serve`` in processes of its own; the
rows are a cross join of published tables.  The targets for rows are what a process that only reads Arrow batches and
encodes them reached beside such a COPY.  For scale, on two cores as well: DaCHS 2.7 sent 24,000 rows/s of 12 columns,
began after half a minute, and answered 7.8 short queries a second.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from archive.archive import Archive, open_archive
from archive.log import configure
from archive.settings import Settings
from benchmarks.clients import CLIENTS, Answer, copied, fetched, per_second
from benchmarks.report import report
from ingest.releases import ingest_release
from musevault.selfcheck import await_health
from tests.support.archives import SURVEY, short_folder

MANY: Final = 500_000
FEW: Final = 5_000
ROWS: Final = """
SELECT TOP {count} p.pointing_id, p.ra, p.dec, p.number, p.psf_fwhm, p.ao_mode, q.ra AS other_ra, q.dec AS other_dec,
    b.tpl_start, t.name, t.dist, t.ebv
FROM survey.pointing AS p, survey.pointing AS q, survey.observing_block AS b, survey.target AS t
"""
SHORT: Final = "SELECT TOP 10 * FROM survey.pointing"
FORMATS: Final = {"VOTable": "votable", "CSV": "csv"}
ROWS_TARGETS: Final = {"VOTable": 0.4, "CSV": 0.6}


def main() -> None:
    """Measure and report."""
    configure()
    with short_folder() as root, open_archive(Settings.model_validate({"root": root, "database_url": None})) as archive:
        ingest_release(archive.database, SURVEY)
        with service(root, workers=2) as (port, _):
            rows_and_first_byte(archive, port)
            requests(archive, port)
        for title, name in FORMATS.items():
            with service(root, workers=1) as (port, server):
                memory(title, name, port, server)


def rows_and_first_byte(archive: Archive, port: int) -> None:
    """Time answers of many rows in each format."""
    query = ROWS.format(count=MANY)
    for title, name in FORMATS.items():
        reference, ours = best(partial(copied, archive, query)), best(partial(fetched, port, query, name))
        rows = f"TAP, rows/s of {title} against COPY to CSV"
        report(rows, MANY / ours.last, MANY / reference.last, ROWS_TARGETS[title], more_is_better=True)
        first = f"TAP, ms to the first byte of {title} against COPY"
        report(first, ours.first * 1000, reference.first * 1000, 5, more_is_better=False)


def requests(archive: Archive, port: int) -> None:
    """Time short queries from several clients at once, each on a connection of its own, as COPY has it too."""
    ours, reference = per_second(partial(fetched, port, SHORT, "votable")), per_second(partial(copied, archive, SHORT))
    report(f"TAP, requests/s of {CLIENTS} clients against COPY", ours, reference, 0.5, more_is_better=True)


def memory(title: str, name: str, port: int, server: subprocess.Popen[bytes]) -> None:
    """Compare the worker's peak after answers of few rows and after one of many."""
    peaks = []
    for count in (FEW, FEW, MANY):
        fetched(port, ROWS.format(count=count), name)
        peaks.append(worker_peak(server))
    report(f"TAP, peak MB for {MANY} rows of {title} against {FEW}", peaks[2], peaks[1], 1.2, more_is_better=False)


@contextmanager
def service(root: Path, *, workers: int) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run ``musevault serve`` on a free port; yields the port and the process that the workers are children of.

    The operator's own settings are kept from it: they may lead to a real archive.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("musevault")), "serve", "--port", str(port)]
    others = {name: value for name, value in os.environ.items() if not name.startswith("MUSEVAULT_")}
    settings = root / "empty.toml"
    settings.touch()
    environment = {**others, "MUSEVAULT_ROOT": str(root), "MUSEVAULT_CONFIG": str(settings)}
    server = subprocess.Popen([*command, "--workers", str(workers)], env=environment)
    try:
        await_health(f"http://127.0.0.1:{port}", server)
        yield port, server
    finally:
        server.terminate()
        server.wait()


def best(ask: Callable[[], Answer]) -> Answer:
    """Return the least of both times over three answers of many rows."""
    answers = [ask() for _ in range(3)]
    assert all(answer.lines >= MANY for answer in answers)
    return Answer(min(a.first for a in answers), min(a.last for a in answers), MANY)


def worker_peak(server: subprocess.Popen[bytes]) -> float:
    """Return the largest peak of resident memory among the workers that answer, in MB."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text(encoding="ascii").split()
    workers = [pid for pid in children if b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]
    peaks = [Path(f"/proc/{pid}/status").read_text(encoding="ascii").partition("VmHWM:")[2] for pid in workers]
    return max(int(peak.split()[0]) for peak in peaks) / 1024
