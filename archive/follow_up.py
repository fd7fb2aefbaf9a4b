"""What follows from new exposures: their ties to the survey's log, and the calibrations of all whom they concern.

Done at the end of an ingest, for everything that was learnt since it was last done: a run that dies before leaves it
to the next one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from archive import calibrations, ties
from archive.association_rules import REACH_DAYS, RULES, SCIENCE
from archive.block_ties import OBJECT, SKY
from archive.database import Database
from schema.calibrations import MasterCalibration
from schema.eso_listing import Sync
from schema.exposures import Exposure
from schema.products import Product

__all__ = ["follow_up"]

MARK: Final = ("", "follow-up")
STATIC: Final = frozenset(rule.tag for rule in RULES if rule.is_static)
MARGIN: Final = timedelta(minutes=10)
"""A transaction that began earlier may commit later: so far back is looked again."""


@dataclass(frozen=True)
class _News:
    """What was learnt: frames of science, the templates that they belong to, and when calibrations were taken."""

    latest: datetime
    dp_ids: list[str]
    tpl_starts: set[datetime | None]
    spans: list[tuple[float, float]]
    statics: bool


def follow_up(database: Database) -> None:
    """Bring ties and associations up to date; safe to repeat, and quick when nothing is new."""
    with database.reading() as session:
        mark = session.get(Sync, MARK)
        news = _news(session, datetime(1, 1, 1) if mark is None else mark.last_modified - MARGIN)  # noqa: DTZ001
    if news is None:
        return
    ties.refresh(database, news.tpl_starts)
    concerned = set(news.dp_ids)
    for first, last in news.spans:
        concerned.update(calibrations.affected(database, first, last, statics=news.statics))
    calibrations.refresh(database, sorted(concerned))
    if mark is None or mark.last_modified != news.latest:
        _move_mark(database, news.latest)


def _news(session: Session, since: datetime) -> _News | None:
    frames = session.execute(
        select(Exposure.dp_id, Exposure.raw_tag, Exposure.tpl_start, Exposure.mjd_obs, Exposure.modified).where(
            Exposure.modified >= since
        )
    ).all()
    masters = session.execute(
        select(MasterCalibration.tag, MasterCalibration.mjd_obs, Product.ingested)
        .join(Product, Product.product_id == MasterCalibration.dp_id)
        .where(Product.kind == "calibration", Product.ingested >= since)
    ).all()
    moments = [f.modified for f in frames] + [m.ingested for m in masters]
    if not moments:
        return None
    statics = any(m.mjd_obs is None or m.tag in STATIC for m in masters)
    mjds = [f.mjd_obs for f in frames if f.raw_tag != OBJECT] + [m.mjd_obs for m in masters]
    return _News(
        latest=max(moments),
        dp_ids=[f.dp_id for f in frames if f.raw_tag in SCIENCE],
        tpl_starts={f.tpl_start for f in frames if f.raw_tag in {OBJECT, SKY}},
        spans=_spans([mjd for mjd in mjds if mjd is not None]) or ([(0.0, 0.0)] if statics else []),
        statics=statics,
    )


def _spans(mjds: list[float]) -> list[tuple[float, float]]:
    """Return first and last of each stretch of time without a gap longer than the calibrations' reach."""
    found: list[tuple[float, float]] = []
    for mjd in sorted(mjds):
        if found and mjd - found[-1][1] <= REACH_DAYS:
            found[-1] = (found[-1][0], mjd)
        else:
            found.append((mjd, mjd))
    return found


def _move_mark(database: Database, latest: datetime) -> None:
    """Move it forward, whoever else does at the same time."""
    moved = {"last_modified": latest, "updated": datetime.now(UTC).replace(tzinfo=None)}
    row = insert(Sync).values(programme_id=MARK[0], listing=MARK[1], **moved)
    further = row.on_conflict_do_update(
        index_elements=["programme_id", "listing"], set_=moved, where=Sync.last_modified < latest
    )
    with database.transaction() as session:
        session.execute(further)
