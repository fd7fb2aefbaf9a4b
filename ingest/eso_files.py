"""Fetch the files that ESO lists and the archive does not hold, and take each in as any other file.

A file waits in ``incoming/eso`` below the archive's root until the store has it; one that was refused stays there, so
that it is not fetched again and ``musevault ingest retry`` finds it.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from archive import eso_listing
from archive.archive import Archive
from archive.errors import Refused
from archive.follow_up import follow_up
from ingest.download import Bearer, Downloader, Progress, Unavailable
from ingest.eso_client import EsoArchive
from ingest.eso_queries import check_identifier
from ingest.exposures import take_exposures
from ingest.outcome import Became, Outcome
from ingest.polite import Politeness, session
from ingest.products import ingest_products

__all__ = ["downloader", "fetch_calibrations", "fetch_frames", "fetch_products"]

log = structlog.get_logger()

CUBE: Final = "cube"
"""The only products that the archive takes in."""

MOST_IN_A_ROW: Final = 2
"""So many files in a row that cannot be had now, and it is the service that is away."""

TAKEN: Final = frozenset({Became.NEW, Became.KNOWN, Became.CHANGED})

Take = Callable[[Path], Outcome]


@contextmanager
def downloader(archive: Archive, politeness: Politeness, progress: Progress = lambda *_: None) -> Iterator[Downloader]:
    """Open what fetches files from ESO, with the token of the settings if there is one.

    One at a time: two would spoil each other's parts.  Runs of one kind exclude each other (``archive.runs``).
    """
    settings = archive.settings
    folder = settings.root / "incoming" / "eso"
    _sweep(archive, folder)
    with session(politeness) as opened:
        yield Downloader(
            session=opened,
            address=settings.eso_download_url.rstrip("/") + "/",
            folder=folder,
            politeness=politeness,
            token=None if settings.eso_token is None else Bearer(settings.eso_token.get_secret_value()),
            progress=progress,
        )


def fetch_frames(archive: Archive, files: Downloader, programmes: Sequence[str]) -> Iterator[Outcome]:
    """Fetch the raw frames of the programmes that are not here, and bring up to date what follows from them.

    Yields what became of each.

    Raises
    ------
    StoreError
        The disk is full or not writable.
    ArchiveError
        The service cannot be reached, or is too busy.
    """
    yield from _fetch_frames(archive, files, eso_listing.frames_not_held(archive.database, programmes))


def fetch_calibrations(
    archive: Archive, source: EsoArchive, files: Downloader, programmes: Sequence[str], *, mode: str
) -> Iterator[Outcome]:
    """Fetch what ESO says are the calibrations of the science frames, ``raw`` or ``processed``, and is not here."""
    frames = eso_listing.science_frames(archive.database, programmes)
    named = source.calibrations(frames, mode=mode) if frames else []
    yield from _fetch_frames(archive, files, eso_listing.not_held(archive.database, named))


def fetch_products(archive: Archive, files: Downloader, programmes: Sequence[str]) -> Iterator[Outcome]:
    """Fetch the cubes of the programmes that are not here; yields what became of each, raises as ``fetch_frames``."""
    lacking = eso_listing.products_not_held(archive.database, programmes, kind=CUBE)
    wanted = ((dp_id, partial(_take_product, archive, collection=name or "MUSE")) for dp_id, name in lacking)
    for dp_id, outcome in _fetch_all(files, wanted):
        if outcome.became in TAKEN and outcome.key is not None:
            eso_listing.attach_product(archive.database, dp_id, outcome.key)
        yield outcome


def _sweep(archive: Archive, folder: Path) -> None:
    """Remove what a run that was killed left of files that the store has."""
    waiting = {path: path.name if path.is_dir() else path.stem for path in folder.glob("*")}
    lacking = set(eso_listing.not_held(archive.database, list(waiting.values())))
    for path, identifier in waiting.items():
        if identifier in lacking:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _fetch_all(files: Downloader, wanted: Iterable[tuple[str, Take]]) -> Iterator[tuple[str, Outcome]]:
    """Fetch one after the other: a file that cannot be had now is left for the next run, and keeps none back."""
    in_a_row = 0
    for dp_id, take in wanted:
        try:
            outcome = _fetch(files, dp_id, take)
            in_a_row = 0
        except Unavailable as error:
            in_a_row += 1
            if in_a_row == MOST_IN_A_ROW:
                raise
            log.warning("postponed", file=dp_id, reason=error.message)
            outcome = Outcome(files.folder / dp_id, Became.POSTPONED, reason=error.message)
        yield dp_id, outcome


def _fetch(files: Downloader, dp_id: str, take: Take) -> Outcome:
    """Fetch one file, hand it over, and remove it once the archive has it."""
    try:
        path = files.find(check_identifier(dp_id)) or files.fetch(dp_id)
    except Refused as error:
        log.warning("refused", file=dp_id, reason=error.message)
        return Outcome(files.folder / dp_id, Became.REFUSED, reason=error.message)
    outcome = take(path)
    if outcome.became in TAKEN:
        shutil.rmtree(path.parent, ignore_errors=True)
    return outcome


def _fetch_frames(archive: Archive, files: Downloader, dp_ids: Sequence[str]) -> Iterator[Outcome]:
    take = partial(_take_frame, archive)
    for _, outcome in _fetch_all(files, ((dp_id, take) for dp_id in dp_ids)):
        yield outcome
    if dp_ids:
        follow_up(archive.database)


def _take_frame(archive: Archive, path: Path) -> Outcome:
    (outcome,) = take_exposures(archive, [path])
    return outcome


def _take_product(archive: Archive, path: Path, *, collection: str) -> Outcome:
    (outcome,) = ingest_products(archive, [path], collection=collection)
    return outcome
