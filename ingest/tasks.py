"""What the workers do for ingest by the clock; the worker finds these under the entry points ``musevault.tasks``.

Each leaves a record as the command does.  Where another run is at work there is nothing to do.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from archive.archive import Archive
from archive.execution import Progress
from archive.runs import AtWork, Tally, recorded
from ingest import eso_files
from ingest.eso import synchronise
from ingest.eso_cli import KIND as ESO
from ingest.eso_client import connect
from ingest.eso_queries import check_programme
from ingest.manner import Manner
from ingest.outcome import Outcome
from ingest.polite import Politeness
from ingest.telling import source
from ingest.watch import KIND as WATCH
from ingest.watch import look_through

__all__ = ["eso", "watch"]


def watch(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Look through the folders: parameters ``folders``, ``link``, ``settle``."""
    del job_id
    folders = [Path(folder) for folder in parameters["folders"]]
    manner = Manner(link=parameters["link"], settle=parameters["settle"])
    try:
        with recorded(archive.database, WATCH, source(folders)) as tally:
            _count(look_through(archive, folders, manner), tally)
    except AtWork as error:
        progress(1.0, error.message)
    else:
        progress(1.0, _words(tally))


def eso(archive: Archive, parameters: Mapping[str, Any], job_id: str, progress: Progress) -> None:
    """Keep up with ESO's archive: parameters ``programmes``, ``download``."""
    del job_id
    programmes = [check_programme(programme) for programme in parameters["programmes"]]
    try:
        with recorded(archive.database, ESO, ", ".join(programmes)) as tally:
            _synchronise(archive, programmes, tally, download=parameters["download"])
    except AtWork as error:
        progress(1.0, error.message)
    else:
        progress(1.0, _words(tally))


def _synchronise(archive: Archive, programmes: list[str], tally: Tally, *, download: bool) -> None:
    manners = Politeness()
    with connect(archive.settings, manners) as there:
        for page in synchronise(archive, there, programmes):
            for became, number in page.recorded.counts().items():
                tally.count(became, number)
    if download:
        with eso_files.downloader(archive, manners) as files:
            _count(eso_files.fetch_frames(archive, files, programmes), tally)
            _count(eso_files.fetch_products(archive, files, programmes), tally)


def _count(outcomes: Iterator[Outcome], tally: Tally) -> None:
    for outcome in outcomes:
        tally.count(outcome.became)


def _words(tally: Tally) -> str:
    return ", ".join(f"{number} {became}" for became, number in tally.counts.items() if number) or "nothing new"
