"""Keep up with ESO's archive: what it lists of a programme's raw frames and products becomes rows, page by page.

A listing is asked for in the order in which ESO changed its entries, from where the last run came to; so a run may be
killed at any moment, and one that finds nothing new asks once.  The files are ``eso_files``' business.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import structlog

from archive import eso_listing
from archive.archive import Archive
from archive.errors import ArchiveError, Refused
from archive.eso_listing import Mark, Recorded
from archive.follow_up import follow_up
from ingest import eso_rows
from ingest.eso_client import Answer, EsoArchive
from ingest.eso_queries import BEGINNING, Listing, belongs, page
from schema.observations import Programme

__all__ = ["PAGE_ROWS", "Page", "synchronise"]

log = structlog.get_logger()

PAGE_ROWS: Final = 1000

Row = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """One page of a listing that is recorded now, and how far the listing has come: UTC, or None when it is empty."""

    programme_id: str
    listing: Listing
    recorded: Recorded
    reached: datetime | None


def synchronise(
    archive: Archive,
    source: EsoArchive,
    programmes: Sequence[str],
    *,
    since: datetime | None = None,
    rows: int = PAGE_ROWS,
) -> Iterator[Page]:
    """Bring both listings of some programmes up to date; yields each page once it is recorded.

    Parameters
    ----------
    programmes
        As ``check_programme`` lets them pass.
    since
        Begin with what ESO changed then, UTC, wherever the last run came to.
    rows
        How many entries to ask for at once.

    Raises
    ------
    ArchiveError
        ESO's archive does not answer, or in a way that makes no sense.  What was yielded is recorded.
    """
    for programme in programmes:
        for listing in Listing:
            yield from _pages(archive, source, programme, listing, since=since, rows=rows)
    follow_up(archive.database)


def _pages(
    archive: Archive, source: EsoArchive, programme: str, listing: Listing, *, since: datetime | None, rows: int
) -> Iterator[Page]:
    mark = eso_listing.mark(archive.database, programme, listing)
    position = since or mark or BEGINNING
    moves = since is None or (mark is not None and since <= mark)  # else something before it would be left out for good
    most = rows
    counted: set[str] = set()
    while True:
        answer = source.ask(page(listing, programme, since=position, rows=most), rows=most)
        reached = _reached(answer, listing)
        fresh = [row for row in answer.rows if row["dp_id"] not in counted]
        to_set = Mark(programme, listing, reached) if moves and reached is not None else None
        recorded = _record(archive, programme, listing, fresh, to_set)
        yield Page(programme, listing, recorded, reached)
        if reached is None or (len(answer.rows) < most and not answer.cut):
            return
        counted = {row["dp_id"] for row in answer.rows if _moment(row) >= _floor(reached)}
        if _floor(reached) > _floor(position):
            position, most = reached, rows
        elif answer.cut:
            raise ArchiveError(f"ESO's archive gives {len(answer.rows)} rows, and more have the same date {reached}")
        else:
            most *= 2  # so many changed in the same moment


def _reached(answer: Answer, listing: Listing) -> datetime | None:
    """When the last entry was changed; see that every entry has what the others build on."""
    for row in answer.rows:
        if row.get("dp_id") is None or eso_rows.modified(row) is None:
            raise ArchiveError(f"ESO's listing of {listing} has an entry without dp_id or last_mod_date")
    return max(map(_moment, answer.rows), default=None)


def _moment(row: Row) -> datetime:
    return eso_rows.modified(row) or BEGINNING


def _floor(moment: datetime) -> datetime:
    """The moment as queries name it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _record(archive: Archive, programme: str, listing: Listing, rows: Sequence[Row], mark: Mark | None) -> Recorded:
    match listing:
        case Listing.RAW:
            frames, refused = _mapped(rows, eso_rows.frame)
            programmes = _programmes(frames)
            recorded = eso_listing.record_frames(archive.database, frames, programmes=programmes, reached=mark)
        case Listing.PRODUCTS:
            theirs = [row for row in rows if belongs(row.get("proposal_id"), programme)]
            products, refused = _mapped(theirs, eso_rows.product)
            recorded = eso_listing.record_products(archive.database, products, reached=mark)
    for identifier, reason in (*refused, *recorded.refused):
        log.warning("refused", entry=identifier, reason=reason)
    return replace(recorded, refused=(*refused, *recorded.refused))


def _mapped(rows: Sequence[Row], read: Callable[[Row], Row]) -> tuple[list[Row], list[tuple[str, str]]]:
    """Return what rows tell, one an identifier, and the rows that tell nothing, with reasons."""
    told: dict[str, Row] = {}
    refused: list[tuple[str, str]] = []
    for row in rows:
        try:
            found = read(row)
        except Refused as error:
            refused.append((str(row["dp_id"]), error.message))
        else:
            told[found["dp_id"]] = found
    return list(told.values()), refused


def _programmes(frames: Sequence[Row]) -> list[Programme]:
    """The programmes of frames; a name is the survey's to give, not ESO's."""
    found = {f["programme_id"]: f["pi_name"] for f in frames if f["programme_id"] is not None}
    return [Programme(programme_id=programme, pi_name=pi_name) for programme, pi_name in sorted(found.items())]
