"""Nights as pages show them: the list of nights, and one night with all that was written down in it.  Read-only.

A night is there when a report or an exposure is of it.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.orm import Session, defer

from archive.database import Database
from archive.exposure_listing import ExposureLine, lines, noticed
from schema.exposures import Exposure
from schema.nights import Ambient, BlockReport, Constraint, Night, ReportedExposure, Weather

__all__ = ["NightPage", "NightRecord", "NightSummary", "Reading", "Report", "find", "listing"]

ON_SKY: Final = ("OBJECT", "SKY", "STD", "ILLUM", "ASTROMETRY")
"""Frames that are listed one by one, for they were taken between dusk and dawn; others are counted by their sort."""

MOST_EXPOSURES: Final = 60
PLOTTED: Final = ("dimm_seeing", "wind_speed")
BIN: Final = timedelta(minutes=10)
"""Readings nearer in time than this are shown as their mean: a plot has no room for more."""

AROUND: Final = timedelta(hours=1)
LAST: Final = "9999-12-31"
NO_GRADE: Final = "\N{EN DASH}"
WALK: Final = text("""
WITH RECURSIVE walk AS (
  SELECT max(night) AS night, 1 AS step FROM survey.exposure WHERE night <= :until
  UNION ALL
  SELECT (SELECT max(e.night) FROM survey.exposure AS e WHERE e.night < walk.night), step + 1
  FROM walk WHERE walk.night IS NOT NULL AND step < :most
)
SELECT night FROM walk WHERE night IS NOT NULL
""")
"""The latest nights that there are exposures of: one step down the index a night."""


@dataclass(frozen=True)
class NightSummary:
    """A night in a list; ``log`` is None when no report is of it, ``grades`` are those of its blocks in turn."""

    night: str
    log: Night | None
    exposures: int
    grades: tuple[str, ...]
    weather: tuple[str, ...]


@dataclass(frozen=True)
class NightPage:
    """Some nights, the latest first; ``next`` is the night that the next page begins with, None on the last."""

    nights: tuple[NightSummary, ...]
    next: str | None


@dataclass(frozen=True)
class Report:
    """A report on an observation block, with its constraints and how many frames it lists."""

    report: BlockReport
    constraints: tuple[Constraint, ...]
    frames: int


@dataclass(frozen=True)
class Reading:
    """What a monitor of the site read at a time, UTC: the mean of a few minutes."""

    quantity: str
    observed: datetime
    value: float


@dataclass(frozen=True)
class NightRecord:
    """A night with everything; ``exposures`` are those on the sky in the order of time, ``sorts`` counts all.

    ``more``: and there are others on the sky.  ``grades`` are by exposure, ``noticed`` are the exposures that findings
    are about.
    """

    night: str
    log: Night | None
    weather: tuple[Weather, ...]
    reports: tuple[Report, ...]
    exposures: tuple[ExposureLine, ...]
    more: bool
    sorts: dict[str | None, int]
    grades: dict[str, str | None]
    noticed: frozenset[str]
    readings: tuple[Reading, ...]
    earlier: str | None
    later: str | None


def listing(database: Database, *, until: str | None = None, most: int = 40) -> NightPage:
    """Return nights, the latest first, beginning with ``until`` (YYYY-MM-DD) or the one before it."""
    with database.reading() as session:
        nights = _nights(session, until or LAST, most + 1)
        shown = nights[:most]
        logs = {log.night: log for log in session.scalars(select(Night).where(Night.night.in_(shown)))}
        counted = _exposures_by_night(session, shown)
        grades = _grades_by_night(session, shown)
        weather = _weather_by_night(session, shown)
        summaries = [
            NightSummary(n, logs.get(n), counted.get(n, 0), tuple(grades[n]), tuple(weather[n])) for n in shown
        ]
        return NightPage(tuple(summaries), nights[most] if len(nights) > most else None)


def find(database: Database, night: str) -> NightRecord | None:
    """Return a night (YYYY-MM-DD) with everything known of it, or None."""
    with database.reading() as session:
        log = session.get(Night, night)
        sorts = _sorts(session, night)
        if log is None and not sorts:
            return None
        frames = _frames(session, night)
        earlier, later = _neighbours(session, night)
        exposures = tuple(map(ExposureLine._make, session.execute(_on_sky(night))))
        return NightRecord(
            night=night,
            log=log,
            weather=tuple(session.scalars(select(Weather).where(Weather.night == night).order_by(Weather.observed))),
            reports=_reports(session, night, frames),
            exposures=exposures[:MOST_EXPOSURES],
            more=len(exposures) > MOST_EXPOSURES,
            sorts=sorts,
            grades={dp_id: grade for listed in frames.values() for dp_id, grade in listed.items()},
            noticed=noticed(session, [exposure.dp_id for exposure in exposures]),
            readings=_readings(session, night, exposures),
            earlier=earlier,
            later=later,
        )


def _nights(session: Session, until: str, most: int) -> list[str]:
    exposed = session.scalars(WALK, {"until": until, "most": most})
    reported = session.scalars(select(Night.night).where(Night.night <= until).order_by(Night.night.desc()).limit(most))
    return sorted({*exposed, *reported}, reverse=True)[:most]


def _exposures_by_night(session: Session, nights: Sequence[str]) -> dict[str | None, int]:
    query = select(Exposure.night, func.count()).where(Exposure.night.in_(nights)).group_by(Exposure.night)
    return {night: number for night, number in session.execute(query)}  # noqa: C416  dict() loses the types


def _grades_by_night(session: Session, nights: Sequence[str]) -> defaultdict[str, list[str]]:
    query = select(BlockReport.night, BlockReport.grade).where(BlockReport.night.in_(nights))
    found = defaultdict[str, list[str]](list)
    for night, grade in session.execute(query.order_by(BlockReport.ob_start, BlockReport.report_id)):
        found[night or ""].append(grade or NO_GRADE)
    return found


def _weather_by_night(session: Session, nights: Sequence[str]) -> defaultdict[str, list[str]]:
    """Return the observers' words of each night, each once."""
    query = select(Weather.night, Weather.conditions).where(Weather.night.in_(nights)).order_by(Weather.observed)
    found = defaultdict[str, list[str]](list)
    for night, words in session.execute(query):
        if words not in found[night]:
            found[night].append(words)
    return found


def _sorts(session: Session, night: str) -> dict[str | None, int]:
    query = select(Exposure.raw_tag, func.count()).where(Exposure.night == night).group_by(Exposure.raw_tag)
    return {tag: number for tag, number in session.execute(query.order_by(Exposure.raw_tag))}  # noqa: C416


def _on_sky(night: str) -> Select[Any]:
    """What the pipeline has no name for may be on the sky too."""
    on_sky = or_(Exposure.raw_tag.in_(ON_SKY), Exposure.raw_tag.is_(None))
    query = lines().where(Exposure.night == night, on_sky)
    return query.order_by(Exposure.mjd_obs, Exposure.dp_id).limit(MOST_EXPOSURES + 1)


def _reports(session: Session, night: str, frames: Mapping[str, Collection[str]]) -> tuple[Report, ...]:
    query = select(BlockReport).options(defer(BlockReport.text)).where(BlockReport.night == night)
    reports = session.scalars(query.order_by(BlockReport.ob_start, BlockReport.report_id)).all()
    keys = [report.report_id for report in reports]
    constraints = defaultdict[str, list[Constraint]](list)
    for one in session.scalars(select(Constraint).where(Constraint.report_id.in_(keys)).order_by(Constraint.name)):
        constraints[one.report_id].append(one)
    return tuple(Report(r, tuple(constraints[r.report_id]), len(frames.get(r.report_id, ()))) for r in reports)


def _frames(session: Session, night: str) -> dict[str, dict[str, str | None]]:
    """Return the frames that the night's reports list: by report, then by frame, the grade."""
    query = (
        select(ReportedExposure.report_id, ReportedExposure.dp_id, BlockReport.grade)
        .join(BlockReport, BlockReport.report_id == ReportedExposure.report_id)
        .where(BlockReport.night == night)
        .order_by(ReportedExposure.report_id, ReportedExposure.dp_id)
    )
    found: dict[str, dict[str, str | None]] = {}
    for report, dp_id, grade in session.execute(query):
        found.setdefault(report, {})[dp_id] = grade
    return found


def _readings(session: Session, night: str, exposures: Sequence[ExposureLine]) -> tuple[Reading, ...]:
    """Return what was read around the exposures, or from noon to noon where there are none."""
    moments = [exposure.exp_start for exposure in exposures if exposure.exp_start is not None]
    noon = datetime.fromisoformat(night) + timedelta(hours=12)
    begin, end = min(moments, default=noon), max(moments, default=noon + timedelta(days=1))
    begin, end = begin.replace(minute=0, second=0, microsecond=0) - AROUND, end + AROUND
    moment = func.date_bin(BIN, Ambient.observed, begin).label("moment")
    query = (
        select(Ambient.quantity, moment, func.avg(Ambient.reading))
        .where(Ambient.quantity.in_(PLOTTED), Ambient.observed.between(begin, end))
        .group_by(Ambient.quantity, moment)
        .order_by(Ambient.quantity, moment)
    )
    return tuple(Reading(*row) for row in session.execute(query))


def _neighbours(session: Session, night: str) -> tuple[str | None, str | None]:
    """Return the night of which something is known before this one, and that after it."""
    columns = (Exposure.night, Night.night)
    before = [select(func.max(column)).where(column < night).scalar_subquery() for column in columns]
    after = [select(func.min(column)).where(column > night).scalar_subquery() for column in columns]
    earlier, later = session.execute(select(func.greatest(*before), func.least(*after))).one()
    return earlier, later
