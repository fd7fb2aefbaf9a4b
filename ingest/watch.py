"""One look through folders into which others put files of every kind: for cron and for the workers."""

from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from archive.archive import Archive
from ingest.kinds import WATCHED
from ingest.manner import Manner
from ingest.outcome import Became, Outcome
from ingest.taking import sort_out, take
from ingest.tree import fits_files

__all__ = ["KIND", "look_through"]

KIND: Final = "watch"
AT_ONCE: Final = 2000
"""Files that are sorted before the first of them is taken."""


def look_through(archive: Archive, folders: Iterable[Path], manner: Manner) -> Generator[Outcome]:
    """Take in what is new below the folders; yields what became of every file that is of a known kind."""
    for folder in folders:
        if not folder.exists():
            yield Outcome(folder, Became.REFUSED, reason="there is no such folder")
            continue
        files = fits_files([folder], WATCHED)
        while some := list(islice(files, AT_ONCE)):
            yield from _take(archive, some, manner)


def _take(archive: Archive, paths: list[Path], manner: Manner) -> Iterator[Outcome]:
    files = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
        elif not path.name.lower().endswith(WATCHED):  # else only its name is a file's, and what is in it comes too
            yield Outcome(path, Became.REFUSED, reason="the folder cannot be read")
    for kind, of_it in sort_out(archive.database, files).items():
        yield from take(archive, kind, of_it, manner)
