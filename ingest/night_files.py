"""Which files below a folder may be of the night: reports and readings, in a settled order."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Offered", "offered"]


@dataclass(frozen=True)
class Offered:
    """A file: ``sure`` when it was named, or its name says what it is."""

    path: Path
    sure: bool


def offered(paths: Iterable[Path], sure: tuple[str, ...], perhaps: tuple[str, ...] = ()) -> Iterator[Offered]:
    """Yield the files that are named, and those below folders whose names end in one of ``sure`` or ``perhaps``.

    Endings are in small letters.  A folder that cannot be read is yielded itself: whoever takes it for a file will
    say so.
    """
    for path in paths:
        if not path.is_dir():
            yield Offered(path, sure=True)
            continue
        for file in _below(path):
            name = file.name.lower()
            if file.is_dir() or name.endswith(sure):
                yield Offered(file, sure=True)
            elif name.endswith(perhaps):
                yield Offered(file, sure=False)


def _below(folder: Path) -> Iterator[Path]:
    unreadable: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=unreadable.append):
        folders.sort()
        yield from (Path(parent, name) for name in sorted(names))
    yield from (Path(error.filename) for error in unreadable)
