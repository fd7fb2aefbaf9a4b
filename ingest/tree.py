"""Which files a folder offers: everything below it whose name ends as it should, in a settled order.

What cannot be looked at is yielded all the same: whoever takes it for a file says why it is none.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ingest.headers import ENDINGS

__all__ = ["fits_files"]


def fits_files(paths: Iterable[Path], endings: tuple[str, ...] = ENDINGS) -> Iterator[Path]:
    """Yield the files that are named, and the FITS files below the folders that are, one folder after the other.

    Links to folders are followed, each folder once: links that lead in circles end.  A folder whose name is a FITS
    file's is yielded too, and so is one that cannot be read.  ``endings`` in small letters are those of FITS files
    unless others are wanted too.
    """
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if _is_folder(path):
            yield from _below(path, seen, endings)
        else:
            yield path


def _below(top: Path, seen: set[tuple[int, int]], endings: tuple[str, ...]) -> Iterator[Path]:
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            status = folder.stat()
            entries = [Path(entry.path) for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)]
        except OSError:
            yield folder
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        yield from (entry for entry in entries if entry.name.lower().endswith(endings))
        waiting += reversed([entry for entry in entries if _is_folder(entry)])


def _is_folder(path: Path) -> bool:
    """Whether it is one; links that lead in circles and what may not be looked at are none."""
    try:
        return path.is_dir()
    except OSError:
        return False
