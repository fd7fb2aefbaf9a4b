"""Raw frames tied to the survey's log: what ``block_ties`` finds, kept up to date.

Whatever comes first, log or frames, ``refresh`` brings frames, blocks and findings to what both together say.  It is
to be called after frames or blocks were recorded; a second call changes nothing.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    TIMESTAMP,
    ColumnElement,
    Row,
    Select,
    and_,
    column,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from archive.block_ties import KINDS, OBJECT, SKY, Disagreement, Frame, LoggedBlock, LoggedPointing, Tie, ties
from archive.database import Database
from archive.observations import RECORD_LOCK
from schema.exposures import Exposure, KnownFrom
from schema.findings import Finding
from schema.observations import ObservingBlock, Pointing, Programme

__all__ = ["ORIGIN", "Refreshed", "refresh"]

ORIGIN: Final = "exposures"
"""Origin of the findings."""

STARTS_AT_ONCE: Final = 500
FACTS: Final = tuple(field.name for field in fields(Frame))
TIED: Final = ("observing_block_id", "pointing_id", "target", "rank", "in_mosaic")
SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True)
class Refreshed:
    """How many rows were not as they should be."""

    exposures: int = 0
    blocks: int = 0
    findings: int = 0

    def __add__(self, other: "Refreshed") -> "Refreshed":
        return Refreshed(self.exposures + other.exposures, self.blocks + other.blocks, self.findings + other.findings)


def refresh(database: Database, tpl_starts: Collection[datetime | None] | None) -> Refreshed:
    """Tie frames to the log anew, in one transaction; returns what changed.

    Parameters
    ----------
    database
        Where frames and log are.
    tpl_starts
        The starts of templates whose frames or blocks were touched; None among them stands for frames without one.
        None instead of a set: everything.
    """
    with database.transaction() as session:
        session.execute(select(func.pg_advisory_xact_lock(RECORD_LOCK)))
        pointings = [LoggedPointing(*row) for row in session.execute(_POINTINGS)]
        done = Refreshed()
        for starts in _chunks(_all_starts(session) if tpl_starts is None else tpl_starts):
            seconds = [start for start in starts if start is not None]
            rows = list(session.execute(_frames_of(seconds)))
            if None in starts:
                rows += session.execute(_frames_without_start())
            done += _refresh(session, seconds, pointings, rows)
        if tpl_starts is None:
            done += Refreshed(findings=_drop_stale(session))
        return done


def _chunks(starts: Collection[datetime | None]) -> Iterator[list[datetime | None]]:
    """Seconds in order, some at a time; None comes last."""
    seconds = {start and start.replace(microsecond=0) for start in starts}
    ordered = sorted(seconds, key=lambda s: (s is None, s or datetime.min))  # noqa: DTZ901  never compared
    for place in range(0, len(ordered), STARTS_AT_ONCE):
        yield ordered[place : place + STARTS_AT_ONCE]


def _all_starts(session: Session) -> list[datetime | None]:
    second = func.date_trunc("second", Exposure.tpl_start)
    starts = select(second).where(_concerned()).union(select(ObservingBlock.tpl_start))
    return list(session.scalars(starts))


def _concerned() -> ColumnElement[bool]:
    """Frames that are tied or could be."""
    return or_(
        Exposure.raw_tag.in_([OBJECT, SKY]),
        Exposure.observing_block_id.is_not(None),
        Exposure.pointing_id.is_not(None),
    )


def _frames() -> Select[Any]:
    """Frames as ``Frame`` wants them, with what they are tied to and their observation block."""
    named = aliased(Programme)
    # Where no log was loaded, every programme is as good as the other.
    known = or_(Programme.role.is_not(None), Programme.name.is_not(None), ~exists().where(named.role.is_not(None)))
    told = {
        "programme_known": known,
        "science": func.coalesce(Exposure.dp_cat, "SCIENCE") != "CALIB",
        "from_header": Exposure.known_from == KnownFrom.HEADER,
    }
    plain = [getattr(Exposure, name) for name in (*FACTS, *TIED, "eso_ob_id") if name not in told]
    return (
        select(*plain, *(expression.label(name) for name, expression in told.items()))
        .outerjoin(Programme, Programme.programme_id == Exposure.programme_id)
        .where(_concerned())
    )


def _frames_of(starts: Sequence[datetime]) -> Select[Any]:
    second = func.unnest(literal(list(starts), ARRAY(TIMESTAMP()))).table_valued(column("start", TIMESTAMP()))
    second = second.render_derived(name="second")
    same = and_(Exposure.tpl_start >= second.c.start, Exposure.tpl_start < second.c.start + literal(SECOND))
    return _frames().join(second, same)


def _frames_without_start() -> Select[Any]:
    return _frames().where(Exposure.tpl_start.is_(None))


_POINTINGS: Final = select(Pointing.pointing_id, Pointing.target, Pointing.ra, Pointing.dec, Pointing.ao_mode)


def _refresh(
    session: Session, starts: Sequence[datetime], pointings: Sequence[LoggedPointing], rows: Sequence[Row[Any]]
) -> Refreshed:
    blocks = list(session.scalars(select(ObservingBlock).where(ObservingBlock.tpl_start.in_(starts))))
    logged = [LoggedBlock(b.observing_block_id, b.pointing_id, b.tpl_start, _ranks(b)) for b in blocks]
    frames = {row.dp_id: Frame(**{name: getattr(row, name) for name in FACTS}) for row in rows}
    found, odd = ties(logged, pointings, frames.values())
    return Refreshed(
        exposures=_tie(session, found, rows),
        blocks=_fill_blocks(session, blocks, found, rows),
        findings=_record(session, odd, [b.block_id for b in logged] + list(frames)),
    )


def _ranks(block: ObservingBlock) -> tuple[int, ...]:
    return tuple(int(number) for number in block.exposure_numbers.split("-") if number)


def _tie(session: Session, found: Sequence[Tie], rows: Sequence[Row[Any]]) -> int:
    """Write the ties that are not there yet."""
    held = {row.dp_id: tuple(getattr(row, name) for name in TIED) for row in rows}
    changed = []
    for tie in sorted(found, key=lambda t: t.dp_id):
        wanted = (tie.block_id, tie.pointing_id, tie.target, tie.rank, tie.in_mosaic)
        if held[tie.dp_id] != wanted:
            changed.append({"dp_id": tie.dp_id, **dict(zip(TIED, wanted, strict=True))})
    if changed:
        session.execute(update(Exposure), changed)
    return len(changed)


def _fill_blocks(
    session: Session, blocks: Sequence[ObservingBlock], found: Sequence[Tie], rows: Sequence[Row[Any]]
) -> int:
    """Programme and observation block of a block are those of its first exposure that tells them."""
    first = sorted((tie for tie in found if tie.rank is not None), key=lambda tie: tie.rank or 0)
    facts = {row.dp_id: row for row in rows}
    for block in blocks:
        members = [facts[tie.dp_id] for tie in first if tie.block_id == block.observing_block_id]
        for name in ("programme_id", "eso_ob_id"):
            said = next((getattr(m, name) for m in members if getattr(m, name) is not None), None)
            if said is not None and getattr(block, name) != said:
                setattr(block, name, said)
    changed = sum(session.is_modified(block) for block in blocks)
    session.flush()
    return changed


def _record(session: Session, odd: Sequence[Disagreement], subjects: Sequence[str]) -> int:
    """Bring the findings on these subjects, and no others, to what was found."""
    wanted = {(d.kind, d.subject): d.message for d in odd}
    query = select(Finding).where(Finding.origin == ORIGIN, Finding.kind.in_(KINDS), Finding.subject.in_(subjects))
    changed = 0
    for finding in session.scalars(query):
        message = wanted.pop((finding.kind, finding.subject), None)
        if message is None:
            session.delete(finding)
        elif message != finding.message:
            finding.message = message
        else:
            continue
        changed += 1
    session.add_all(Finding(origin=ORIGIN, kind=k, subject=s, message=m) for (k, s), m in wanted.items())
    session.flush()
    return changed + len(wanted)


def _drop_stale(session: Session) -> int:
    """Delete findings on blocks and frames that are no more, or are of a sort that is not judged."""
    block = exists().where(ObservingBlock.observing_block_id == Finding.subject)
    frame = exists().where(Exposure.dp_id == Finding.subject, Exposure.raw_tag == OBJECT)
    stale = delete(Finding).where(Finding.origin == ORIGIN, ~block, ~frame).returning(Finding.finding_id)
    return len(session.scalars(stale).all())
