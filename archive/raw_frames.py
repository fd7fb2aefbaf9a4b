"""Raw frames and master calibrations: many files a transaction, each a product with its exposure or calibration.

A raw file is only the first product: its identifier is ESO's, its file is in the store before its rows are made.
The first content that comes under an identifier stays; another one is a conflict, which is told and recorded.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import exc, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from archive.archive import Archive
from archive.bulk import among, copy_rows
from archive.errors import ArchiveError, Refused
from archive.products import HeaderText, lock_publishing
from archive.store import Stored
from schema.calibrations import MasterCalibration
from schema.exposures import Exposure, KnownFrom
from schema.findings import Finding
from schema.observations import Programme
from schema.products import Artifact, Header, Product, Role

__all__ = ["NewFrame", "held_among", "lost_among", "register"]

log = structlog.get_logger()

CALIB_LEVEL: Final = 1
"""Of ObsCore: instrumental data in a standard format, uncalibrated."""

OF_THE_FORM: Final = ("CHECKSUM", "DATASUM", "ZHECKSUM", "ZDATASUM", "SIMPLE  =", "BITPIX  =", "NAXIS   =", "EXTEND  =")
"""How cards begin that whoever compresses a file may write anew."""


SIMULATED: Final = re.compile(r"^SIMULATE= +T\b", re.MULTILINE)
"""The card by which simulated files are known."""


@dataclass(frozen=True)
class NewFrame:
    """A raw frame or master calibration whose file is in the store or, with a ``location``, there.

    ``facts`` are the columns of its exposure or master calibration but the identifier; ``oddities`` what is odd of it,
    kinds and messages, which become findings; ``form`` is how the file is
    compressed, as the ending of its name tells.
    """

    dp_id: str
    master: bool
    stored: Stored
    file_name: str
    form: str
    media_type: str
    facts: Mapping[str, Any]
    headers: Sequence[HeaderText]
    oddities: Sequence[tuple[str, str]] = ()
    location: str | None = None


def register(archive: Archive, frames: Sequence[NewFrame]) -> list[str | None]:
    """Make frames visible, all in one transaction; those that are there already stay as they are.

    Returns
    -------
    list
        One entry a frame: None when it is new, an empty text when it was there, else the conflict in words.

    Raises
    ------
    Refused
        The database does not take them; nothing was written.
    ArchiveError
        The database cannot be reached any more.
    """
    try:
        with archive.database.transaction() as session:
            lock_publishing(session)
            held = _held(session, [f.dp_id for f in frames])
            fresh: dict[str, NewFrame] = {}
            results: list[str | None] = []
            for frame in frames:
                results.append(_judged(archive, session, frame, held.get(frame.dp_id), fresh.get(frame.dp_id)))
                if results[-1] is None:
                    fresh[frame.dp_id] = frame
            _add(session, list(fresh.values()))
            return results
    except exc.OperationalError as error:
        raise ArchiveError(f"the database does not answer: {str(error.orig).strip().splitlines()[0]}") from error
    except exc.DBAPIError as error:
        raise Refused(f"the database does not take it: {str(error.orig).strip().splitlines()[0]}") from error


def held_among(archive: Archive, dp_ids: Iterable[str]) -> set[str]:
    """Return those of the frames that the archive holds, file and all: another copy of theirs is not needed."""
    query = select(Artifact).where(among(Artifact.product_id, dp_ids), Artifact.role == Role.THIS)
    with archive.database.reading() as session:
        return {artifact.product_id for artifact in session.scalars(query) if not _is_gone(artifact)}


def lost_among(archive: Archive, dp_ids: Iterable[str]) -> set[str]:
    """Return those of the frames whose file has vanished from the store."""
    query = select(Artifact.product_id).where(among(Artifact.product_id, dp_ids), Artifact.lost.is_not(None))
    with archive.database.reading() as session:
        return set(session.scalars(query))


def _held(session: Session, dp_ids: list[str]) -> dict[str, Artifact]:
    query = select(Artifact).where(among(Artifact.product_id, dp_ids), Artifact.role == Role.THIS)
    return {artifact.product_id: artifact for artifact in session.scalars(query)}


def _judged(
    archive: Archive, session: Session, frame: NewFrame, held: Artifact | None, earlier: NewFrame | None
) -> str | None:
    if earlier is not None:
        same = earlier.stored.sha256 == frame.stored.sha256
        return "" if same or _same_frame(frame, earlier.form, earlier.headers[0].cards) else _conflict(session, frame)
    if held is None:
        return None
    if held.sha256 == frame.stored.sha256:
        if _is_gone(held) and _is_there(archive, frame):  # it is offered again, perhaps from another place
            held.lost, held.location = None, frame.location
        return ""
    kept = session.get(Header, (held.artifact_id, 0))
    if kept is None or not _same_frame(frame, held.artifact_id.removeprefix(frame.dp_id), kept.cards):
        return _conflict(session, frame)
    if _is_gone(held):
        return f"the archive has lost {held.artifact_id}, and what is compressed otherwise cannot take its place"
    return ""


def _is_gone(held: Artifact) -> bool:
    """Whether the file is known to be lost, or was left where it lay and is not there any more."""
    return held.lost is not None or (held.location is not None and not Path(held.location).is_file())


def _is_there(archive: Archive, frame: NewFrame) -> bool:
    """Whether the file is where the frame says; a frame that was held a moment ago was not stored again."""
    return Path(frame.location or archive.store.path(frame.stored.sha256)).is_file()


def _same_frame(frame: NewFrame, form: str, cards: str) -> bool:
    """Whether two files differ in how they are compressed only, as far as their primary headers tell."""
    return frame.form != form and _telling(frame.headers[0].cards) == _telling(cards)


def _telling(cards: str) -> list[str]:
    return [line for line in cards.splitlines() if not line.startswith(OF_THE_FORM)]


def _conflict(session: Session, frame: NewFrame) -> str:
    message = (
        f"another content than the archive holds under {frame.dp_id}: "
        f"{frame.file_name}, SHA-256 {frame.stored.sha256[:16]}...; the first is kept"
    )
    row = {"origin": "conflict", "kind": "content", "subject": frame.dp_id, "message": message}
    session.execute(
        insert(Finding).values(row).on_conflict_do_update(index_elements=["origin", "kind", "subject"], set_=row)
    )
    log.warning("conflict", dp_id=frame.dp_id, sha256=frame.stored.sha256)
    return message


def _add(session: Session, frames: Sequence[NewFrame]) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    raw = [frame for frame in frames if not frame.master]
    _add_programmes(session, {f.facts["programme_id"] for f in raw} - {None})
    _add_exposures(session, raw, now)
    copy_rows(session, Product, [_product(frame, now) for frame in frames])
    copy_rows(session, Artifact, [_artifact(frame, now) for frame in frames])
    copy_rows(session, MasterCalibration, [{"dp_id": f.dp_id, **f.facts} for f in frames if f.master])
    copy_rows(session, Header, [_header(frame, text) for frame in frames for text in frame.headers])
    copy_rows(session, Finding, [_finding(frame, *oddity) for frame in frames for oddity in frame.oddities])


def _add_programmes(session: Session, programme_ids: set[str]) -> None:
    if programme_ids:
        rows = [{"programme_id": programme_id} for programme_id in sorted(programme_ids)]
        session.execute(insert(Programme).values(rows).on_conflict_do_nothing())


def _add_exposures(session: Session, frames: Sequence[NewFrame], now: datetime) -> None:
    """A frame that was only heard of learns everything that its header says."""
    facts = {f.dp_id: {"known_from": KnownFrom.HEADER, "modified": now, **f.facts} for f in frames}
    heard_of = set(session.scalars(select(Exposure.dp_id).where(among(Exposure.dp_id, facts))))
    for dp_id in heard_of:
        session.execute(update(Exposure).where(Exposure.dp_id == dp_id).values(**facts[dp_id]))
    copy_rows(session, Exposure, [{"dp_id": d, **found} for d, found in facts.items() if d not in heard_of])


def _product(frame: NewFrame, now: datetime) -> dict[str, Any]:
    facts = frame.facts
    return {
        "product_id": frame.dp_id,
        "kind": "calibration" if frame.master else "exposure",
        "title": _title(frame),
        "collection": "MUSE",
        "target_name": facts.get("object"),
        "calib_level": CALIB_LEVEL,
        "ra": facts.get("ra"),
        "dec": facts.get("dec"),
        "mjd_start": facts["mjd_obs"],
        "exptime": facts.get("exptime"),
        "facility": facts.get("telescope"),
        "instrument": "MUSE",
        "ins_mode": facts["ins_mode"],
        "run_id": facts.get("run_id"),
        "programme_id": facts.get("programme_id"),
        "eso_ob_id": facts.get("eso_ob_id"),
        "tpl_start": facts.get("tpl_start"),
        "simulated": int(SIMULATED.search(frame.headers[0].cards) is not None),
        "ingested": now,
    }


def _title(frame: NewFrame) -> str:
    if frame.master:
        return f"{frame.facts['tag']} {frame.dp_id}"
    facts = frame.facts
    what = facts["object"] or facts["dp_type"]
    return f"{facts['dp_type']} frame of {what}, {facts['exptime']:g} s"


def _artifact(frame: NewFrame, now: datetime) -> dict[str, Any]:
    return {
        "artifact_id": _artifact_id(frame),
        "product_id": frame.dp_id,
        "role": Role.THIS,
        "file_name": frame.file_name,
        "media_type": frame.media_type,
        "file_size": frame.stored.size,
        "sha256": frame.stored.sha256,
        "stored": now,
        "location": frame.location,
    }


def _header(frame: NewFrame, text: HeaderText) -> dict[str, Any]:
    return {
        "artifact_id": _artifact_id(frame),
        "extension": text.extension,
        "extname": text.extname,
        "cards": text.cards,
    }


def _finding(frame: NewFrame, kind: str, message: str) -> dict[str, Any]:
    return {"origin": f"product:{frame.dp_id}", "kind": kind, "subject": frame.dp_id, "message": message}


def _artifact_id(frame: NewFrame) -> str:
    return f"{frame.dp_id}{frame.form}"
