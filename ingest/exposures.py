"""Take raw frames and master calibrations in: folders of files as ESO delivers them, many at a time.

Only headers are read to know a frame; the content is read once, for its checksum and its place in the store.  A file
that was taken, or refused, and has not changed since is not read again.
"""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from archive import intake, raw_frames
from archive.archive import Archive
from archive.errors import ArchiveError, Refused
from archive.fits_structure import BrokenFits
from archive.follow_up import follow_up
from archive.intake import Look, written
from archive.raw_frames import NewFrame
from ingest import headers
from ingest.outcome import Became, Outcome
from ingest.raw_frame import RawFrame, read_raw_frame
from ingest.tree import fits_files

__all__ = ["ingest_exposures", "take_exposures"]

log = structlog.get_logger()

KIND: Final = "exposures"
BATCH_FILES: Final = 128
BATCH_BYTES: Final = 1 << 30
BATCH_SECONDS: Final = 1.0
"""A batch ends with so many files or bytes, or when reading took that long: what is read soon becomes visible.

Who interrupts an ingest waits for the batch that is being written.
"""

MEDIA_TYPES: Final = {
    ".fits": "application/fits",
    ".fits.fz": "application/x-fits-hcompress",
    ".fits.gz": "application/gzip",
    ".fits.z": "application/x-compress",
}


@dataclass(frozen=True)
class Offer:
    """A file as it was found: the frame that it holds, or what became of it already."""

    path: Path
    seen: Look
    frame: RawFrame | None = None
    outcome: Outcome | None = None


def ingest_exposures(
    archive: Archive, paths: Iterable[Path], *, link: bool = False, settle: float = 0.0
) -> Iterator[Outcome]:
    """Take files in, and bring up to date what follows from them; else as ``take_exposures``."""
    yield from take_exposures(archive, paths, link=link, settle=settle)
    follow_up(archive.database)


def take_exposures(
    archive: Archive, paths: Iterable[Path], *, link: bool = False, settle: float = 0.0
) -> Iterator[Outcome]:
    """Take files in; yields what became of each, in order.  Whoever calls this calls ``follow_up`` in the end.

    Parameters
    ----------
    paths
        Files, and folders of them.
    link
        Let the files stay where they are, and keep links to them; else they are copied into the store.
    settle
        A file that is not whole and was changed less than so many seconds ago is left for the next run.
    """
    # While the database writes one batch, the headers of the next are read: to wait for it took a third of the time.
    # One batch at a time is written, so that each finds all of those before.
    with ThreadPoolExecutor(1, "registering") as registering:
        under_way = registering.submit(list[Outcome])
        for batch in _batches(archive, fits_files(paths), settle=settle):
            taken = under_way.result()
            under_way = registering.submit(_take, archive, batch, link=link)
            yield from taken
        yield from under_way.result()


def _batches(archive: Archive, paths: Iterator[Path], *, settle: float) -> Iterator[list[Offer]]:
    """Read headers, so many files or seconds at a time."""
    waiting: list[Path] = []
    for path in paths:
        waiting.append(path)
        if len(waiting) == BATCH_FILES:
            yield from _read_all(archive, waiting, settle=settle)
            waiting = []
    yield from _read_all(archive, waiting, settle=settle)


def _read_all(archive: Archive, paths: list[Path], *, settle: float) -> Iterator[list[Offer]]:
    known = _known(archive, paths)
    offers: list[Offer] = []
    began, waiting = time.monotonic(), 0
    for path in dict.fromkeys(paths):
        seen = intake.look(path)
        earlier = known.get(path)
        if earlier is not None and earlier.look == seen and earlier.counts_for(KIND):
            offers.append(Offer(path, seen, outcome=_again(path, earlier)))
        else:
            offers.append(_read(path, seen, settle))
        waiting += seen.size if offers[-1].frame is not None else 0
        if time.monotonic() - began > BATCH_SECONDS or waiting > BATCH_BYTES:
            yield offers
            offers, began, waiting = [], time.monotonic(), 0
    if offers:
        yield offers


def _known(archive: Archive, paths: list[Path]) -> dict[Path, intake.Known]:
    """Return what became of these files earlier, but for those whose copy has vanished from the store since."""
    known = intake.look_up(archive.database, paths)
    lost = raw_frames.lost_among(archive, [k.product_id for k in known.values() if k.product_id is not None])
    return {path: k for path, k in known.items() if k.product_id not in lost}


def _again(path: Path, earlier: intake.Known) -> Outcome:
    if earlier.product_id is None:
        return Outcome(path, Became.REFUSED, reason=earlier.reason)
    return Outcome(path, Became.KNOWN, earlier.product_id)


def _read(path: Path, seen: Look, settle: float) -> Offer:
    """Read the headers; what cannot be taken ends here."""
    try:
        return Offer(path, seen, frame=read_raw_frame(path))
    except BrokenFits as error:
        reason = str(error)
    except IsADirectoryError:
        named_so = path.name.lower().endswith(headers.ENDINGS)
        reason = "a folder, though its name is a file's" if named_so else "the folder cannot be read"
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
    except Exception as error:  # one odd file must not stop the rest
        log.exception("failed", path=written(path))
        reason = f"a fault of ours: {' '.join(f'{type(error).__name__}: {error}'.split())}"
    became = Became.POSTPONED if intake.is_young(seen, settle) else Became.REFUSED
    return Offer(path, seen, outcome=Outcome(path, became, reason=reason))


def _take(archive: Archive, offers: list[Offer], *, link: bool) -> list[Outcome]:
    """Store and register the frames of a batch, and remember what became of each file."""
    outcomes = {offer.path: offer.outcome for offer in offers if offer.outcome is not None}
    outcomes |= _keep(archive, [(offer, offer.frame) for offer in offers if offer.frame is not None], link=link)
    _remember(archive, offers, outcomes)
    return [outcomes[offer.path] for offer in offers]


def _keep(archive: Archive, offers: list[tuple[Offer, RawFrame]], *, link: bool) -> dict[Path, Outcome]:
    """Store and register; of files of one frame the first, and only when it was taken or not the next."""
    first = {frame.dp_id: offer for offer, frame in reversed(offers)}
    held = set() if link else raw_frames.held_among(archive, first)  # what stays where it is is never copied
    outcomes: dict[Path, Outcome] = {}
    frames: list[tuple[Offer, NewFrame]] = []
    for offer, frame in offers:
        if first[frame.dp_id] is not offer:
            continue
        try:
            frames.append((offer, _stored(archive, offer, frame, link=link, held=frame.dp_id in held)))
        except Refused as error:
            outcomes[offer.path] = Outcome(offer.path, Became.REFUSED, reason=error.message)
        except ArchiveError as error:
            outcomes[offer.path] = _not_stored(offer.path, error)
    outcomes |= _register(archive, frames)
    later = [(offer, frame) for offer, frame in offers if first[frame.dp_id] is not offer]
    return outcomes | _keep(archive, later, link=link) if later else outcomes


def _stored(archive: Archive, offer: Offer, frame: RawFrame, *, link: bool, held: bool) -> NewFrame:
    """Keep the file; of a frame that is held already only the checksum is wanted, to see whether it is the same."""
    stored = archive.store.checksum(offer.path) if link or held else archive.store.put(offer.path)
    if intake.look(offer.path) != offer.seen:
        raise ArchiveError("changed while it was read")
    form = offer.path.name.lower().removeprefix(headers.strip_ending(offer.path.name).lower()) or ".fits"
    return NewFrame(
        dp_id=frame.dp_id,
        master=frame.master,
        stored=stored,
        file_name=written(offer.path.name),
        form=form,
        media_type=MEDIA_TYPES.get(form, "application/fits"),
        facts=frame.facts,
        headers=frame.headers,
        location=_location(offer.path) if link else None,
        oddities=[(oddity.kind, oddity.message) for oddity in frame.oddities],
    )


def _location(path: Path) -> str:
    location = str(path.absolute())
    if written(location) != location:
        raise Refused("its path is no UTF-8: it cannot stay where it is")
    return location


def _not_stored(path: Path, error: ArchiveError) -> Outcome:
    """What failed for the disk's sake, or because somebody writes to the file, is for the next run."""
    log.warning("not stored", path=written(path), reason=error.message)
    return Outcome(path, Became.POSTPONED, reason=error.message)


def _register(archive: Archive, frames: list[tuple[Offer, NewFrame]]) -> dict[Path, Outcome]:
    """Register a batch or, when the database does not take it, its frames one by one."""
    try:
        results: list[str | None] = raw_frames.register(archive, [frame for _, frame in frames])
    except Refused as error:
        if len(frames) == 1:
            return {frames[0][0].path: Outcome(frames[0][0].path, Became.REFUSED, reason=error.message)}
        return {path: outcome for one in frames for path, outcome in _register(archive, [one]).items()}
    return {
        offer.path: _registered(offer.path, frame, result)
        for (offer, frame), result in zip(frames, results, strict=True)
    }


def _registered(path: Path, frame: NewFrame, conflict: str | None) -> Outcome:
    if conflict is None:
        return Outcome(path, Became.NEW, frame.dp_id)
    if not conflict:
        return Outcome(path, Became.KNOWN, frame.dp_id)
    return Outcome(path, Became.REFUSED, reason=conflict)


def _remember(archive: Archive, offers: list[Offer], outcomes: dict[Path, Outcome]) -> None:
    """Note what became of the files that were read; what is postponed is forgotten, so that it is read again."""
    looks = [
        intake.Seen(offer.path, offer.seen, outcomes[offer.path].key, outcomes[offer.path].reason)
        for offer in offers
        if offer.outcome is None or offer.outcome.became is Became.REFUSED
        if outcomes[offer.path].became is not Became.POSTPONED
    ]
    intake.remember_all(archive.database, looks, kind=KIND)
