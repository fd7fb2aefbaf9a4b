"""From files of any kind to the ingest that takes each: what ``watch`` and ``retry`` share."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from archive import intake
from archive.archive import Archive
from archive.database import Database
from archive.fits_structure import BLOCK, BrokenFits
from archive.runs import AtWork, alone, at_work
from ingest.exposures import ingest_exposures
from ingest.kinds import Kind, is_whole_beginning, kind_of
from ingest.manner import Manner
from ingest.nights import ingest_ambient, ingest_nightlogs
from ingest.outcome import Became, Outcome
from ingest.products import ingest_products
from ingest.raw_stream import opened

__all__ = ["BUSY", "sort_out", "take"]

AT_ONCE: Final = 48 * BLOCK
BUSY: Final = frozenset(at_work(kind) for kind in Kind)
"""Why files are postponed while another run of their kind is at work."""


def take(archive: Archive, kind: Kind, paths: Sequence[Path], manner: Manner) -> Iterator[Outcome]:
    """Offer files to the ingest of their kind; while another run of that kind is at work they are postponed."""
    try:
        with alone(archive.database, kind):
            yield from _ingest(archive, kind, paths, manner)
    except AtWork as error:
        yield from (Outcome(path, Became.POSTPONED, reason=error.message) for path in paths)


def sort_out(database: Database, paths: Sequence[Path]) -> dict[Kind, list[Path]]:
    """Sort files by kind, in the order in which the kinds are best taken; what is nobody's is left out.

    A file that was offered before and has not changed since goes where it went then, without being opened.
    """
    known = intake.look_up(database, paths)
    sorted_out: dict[Kind, list[Path]] = {kind: [] for kind in Kind}
    for path in paths:
        earlier = known.get(path)
        if earlier is not None and earlier.look == intake.look(path):
            sorted_out[Kind(earlier.kind)].append(path)
        elif (kind := kind_of(path.name, _beginning(path))) is not None:
            sorted_out[kind].append(path)
    return {kind: files for kind, files in sorted_out.items() if files}


def _ingest(archive: Archive, kind: Kind, paths: Iterable[Path], manner: Manner) -> Iterator[Outcome]:
    match kind:
        case Kind.EXPOSURES:
            return ingest_exposures(archive, paths, link=manner.link, settle=manner.settle)
        case Kind.PRODUCTS:
            return ingest_products(archive, paths, collection=manner.collection, settle=manner.settle)
        case Kind.NIGHTLOG:
            return ingest_nightlogs(archive, paths, settle=manner.settle)
        case Kind.AMBIENT:
            return ingest_ambient(archive, paths, settle=manner.settle)


def _beginning(path: Path) -> bytes:
    """Read as much as tells the kind; of what cannot be read, nothing: its ingest will say why."""
    beginning = b""
    if not path.is_file():  # to open a pipe would be to wait for ever
        return beginning
    try:
        with opened(path) as stream:
            while not is_whole_beginning(path.name, beginning) and (more := stream.read(AT_ONCE)):
                beginning += more
    except (OSError, BrokenFits):
        return b""
    return beginning
