"""Exposures as pages list them: by target, night, programme, sort and place, the newest first, a page at a time.

Read-only.  A page is found through an index and followed by the next one by its last row, so that it costs the same
among a thousand exposures and a million; nothing is counted further than ``MOST_COUNTED``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, false, func, literal_column, select, text, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, load_only

from archive.database import Database
from schema.exposures import Exposure
from schema.findings import Finding

__all__ = [
    "MOST_COUNTED",
    "MOST_IN_CONE",
    "Choices",
    "Cone",
    "ExposureLine",
    "ExposurePage",
    "Wanted",
    "choices",
    "lines",
    "listing",
    "noticed",
]

MOST_COUNTED: Final = 10_000
"""Counting stops here."""

MOST_IN_CONE: Final = 2_000
"""The search of a cone stops here: it has to see everything in the cone to know what is newest."""

CHOICES: Final = text("""
WITH RECURSIVE walk AS (
  SELECT min(raw_tag) AS tag FROM survey.exposure
  UNION ALL
  SELECT (SELECT min(e.raw_tag) FROM survey.exposure AS e WHERE e.raw_tag > walk.tag) FROM walk WHERE tag IS NOT NULL
)
SELECT
  ARRAY(SELECT name FROM survey.target ORDER BY name),
  ARRAY(SELECT programme_id FROM survey.programme ORDER BY programme_id),
  ARRAY(SELECT tag FROM walk WHERE tag IS NOT NULL)
""")
"""Targets, programmes, and the sorts of frames: for these one step down the index for each, not one for each frame."""

NEVER: Final = -1e9
"""A date before all others, for frames of which the time is not known."""


class ExposureLine(NamedTuple):
    """An exposure in a list: the columns of ``survey.exposure`` that are shown there."""

    dp_id: str
    known_from: str
    object: str | None
    target: str | None
    pointing_id: str | None
    rank: int | None
    in_mosaic: int | None
    raw_tag: str | None
    dp_type: str | None
    night: str | None
    exp_start: datetime | None
    mjd_obs: float | None
    ins_mode: str | None
    exptime: float | None
    airmass_start: float | None
    dimm_fwhm_start: float | None
    sgs_fwhm: float | None
    wind_speed: float | None


@dataclass(frozen=True)
class Cone:
    """A circle on the sky, ICRS, all in degrees."""

    ra: float
    dec: float
    radius: float


@dataclass(frozen=True)
class Wanted:
    """What exposures are asked for; None: any.  ``tag`` is what the pipeline calls the sort of frame."""

    target: str | None = None
    night: str | None = None
    programme: str | None = None
    tag: str | None = None
    cone: Cone | None = None

    @property
    def by_equality(self) -> dict[InstrumentedAttribute[Any], str]:
        """Columns with the value that they must have."""
        named = {
            Exposure.target: self.target,
            Exposure.night: self.night,
            Exposure.programme_id: self.programme,
            Exposure.raw_tag: self.tag,
        }
        return {attribute: value for attribute, value in named.items() if value is not None}

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what is asked for as conditions on exposures."""
        found: list[ColumnElement[bool]] = [name == value for name, value in self.by_equality.items()]
        if self.cone is not None:
            place = func.spoint(func.radians(Exposure.ra), func.radians(Exposure.dec))
            centre = func.spoint(func.radians(self.cone.ra), func.radians(self.cone.dec))
            inside: ColumnElement[bool] = place.op("<@")(func.scircle(centre, func.radians(self.cone.radius)))
            # A night is small: its index is the one to use, which the planner cannot tell from a cone it knows not.
            found.append(inside if self.night is None else func.coalesce(inside, false()))
        return found


@dataclass(frozen=True)
class ExposurePage:
    """Some exposures of a list.

    ``noticed`` are those that findings are about.  ``next`` is what to begin the next page after, None on the last.
    ``total`` is how many there are in all, None where counting would take long; ``more`` says that there are more
    than that, and of a cone that only so many of what it holds were looked at.
    """

    exposures: tuple[ExposureLine, ...]
    noticed: frozenset[str]
    next: str | None
    total: int | None
    more: bool


@dataclass(frozen=True)
class Choices:
    """What there is to choose from: targets, programmes, sorts of frames."""

    targets: tuple[str, ...]
    programmes: tuple[str, ...]
    tags: tuple[str, ...]


def listing(database: Database, wanted: Wanted, *, after: str | None = None, most: int = 50) -> ExposurePage:
    """Return exposures, the newest first, those of which the time is not known last.

    Parameters
    ----------
    after
        Last exposure of the page before; one that the archive does not know begins anew.
    most
        How many to return at most.
    """
    with database.reading() as session:
        last = None if after is None else session.get(Exposure, after, options=[load_only(Exposure.mjd_obs)])
        if wanted.cone is None:
            found, counted, limit = _by_time(session, wanted, last, most + 1), _count(session, wanted), MOST_COUNTED
        else:
            (found, counted), limit = _by_place(session, wanted, last, most + 1), MOST_IN_CONE
        shown = tuple(found[:most])
        return ExposurePage(
            exposures=shown,
            noticed=noticed(session, [exposure.dp_id for exposure in shown]),
            next=shown[-1].dp_id if len(found) > most else None,
            total=None if counted is None else min(counted, limit),
            more=counted is not None and counted > limit,
        )


def lines() -> Select[Any]:
    """Return the query for exposures of a list, to be narrowed and put in order; its rows make ``ExposureLine``."""
    return select(*(getattr(Exposure, name) for name in ExposureLine._fields))


def choices(database: Database) -> Choices:
    """Return what the exposures can be narrowed to."""
    with database.reading() as session:
        targets, programmes, tags = session.execute(CHOICES).one()
    return Choices(tuple(targets), tuple(programmes), tuple(tags))


def _by_time(session: Session, wanted: Wanted, last: Exposure | None, most: int) -> list[ExposureLine]:
    """Walk down the indexes, which end in the time; where the time is missing they are asked again for just that."""
    query = lines().where(*wanted.conditions())
    timed = query.where(Exposure.mjd_obs.is_not(None)).order_by(Exposure.mjd_obs.desc(), Exposure.dp_id.desc())
    untimed = query.where(Exposure.mjd_obs.is_(None)).order_by(Exposure.dp_id.desc())
    found: list[ExposureLine] = []
    if last is None or last.mjd_obs is not None:
        if last is not None:
            timed = timed.where(tuple_(Exposure.mjd_obs, Exposure.dp_id) < (last.mjd_obs, last.dp_id))
        found += map(ExposureLine._make, session.execute(timed.limit(most)))
    else:
        untimed = untimed.where(Exposure.dp_id < last.dp_id)
    if len(found) < most:
        found += map(ExposureLine._make, session.execute(untimed.limit(most - len(found))))
    return found


def _by_place(
    session: Session, wanted: Wanted, last: Exposure | None, most: int
) -> tuple[list[ExposureLine], int | None]:
    """Search the place first and sort by time then: no index has both.  Returns how many are in the place, too."""
    # A bitmap would be of everything in the cone before the first row is seen.
    session.execute(text("SET LOCAL enable_bitmapscan = off"))
    inside = select(Exposure.dp_id, Exposure.mjd_obs).where(*wanted.conditions()).limit(MOST_IN_CONE + 1).subquery()
    counted = select(inside, func.count().over().label("counted")).subquery()
    moment = func.coalesce(counted.c.mjd_obs, NEVER)
    query = select(counted.c.dp_id, counted.c.counted).order_by(moment.desc(), counted.c.dp_id.desc()).limit(most)
    if last is not None:
        begin = NEVER if last.mjd_obs is None else last.mjd_obs
        query = query.where(tuple_(moment, counted.c.dp_id) < (begin, last.dp_id))
    rows = {row.dp_id: row.counted for row in session.execute(query)}
    whole = map(ExposureLine._make, session.execute(lines().where(Exposure.dp_id.in_(rows))))
    found = {line.dp_id: line for line in whole}
    return [found[dp_id] for dp_id in rows if dp_id in found], next(iter(rows.values()), 0 if last is None else None)


def _count(session: Session, wanted: Wanted) -> int | None:
    """Count as far as ``MOST_COUNTED`` where an index alone tells, or where a night bounds the work."""
    if wanted.night is None and len(wanted.by_equality) != 1:
        return None
    some: Select[Any] = (
        select(literal_column("1")).select_from(Exposure).where(*wanted.conditions()).limit(MOST_COUNTED + 1)
    )
    return session.scalar(select(func.count()).select_from(some.subquery()))


def noticed(session: Session, dp_ids: Sequence[str]) -> frozenset[str]:
    """Return those of some exposures that findings are about."""
    return frozenset(session.scalars(select(Finding.subject).where(Finding.subject.in_(dp_ids))))
