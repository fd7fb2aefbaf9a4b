"""What was written down at night, recorded: reports of observation blocks, weather, readings of the site's monitors.

The same input twice changes nothing.  How pages find it again is in ``night_record``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import psycopg
from sqlalchemy import delete, exc, func, select, text
from sqlalchemy.orm import Session

from archive.database import Database
from archive.errors import ArchiveError, Refused
from schema.findings import Finding
from schema.nights import BlockReport, Constraint, Night, ReportedExposure, Weather

__all__ = ["NightLog", "Recorded", "Tally", "record", "record_findings", "record_readings"]

NIGHT_LOCK: Final = 0x6D75736E
"""Key of the advisory lock under which one report at a time is recorded: reports of one night share it."""

LOWEST: Final = ("seeing_min", "humidity_min", "wind_min", "temperature_min")
HIGHEST: Final = ("seeing_max", "humidity_max", "wind_max", "temperature_max")


class Recorded(StrEnum):
    """What became of a report."""

    NEW = "new"
    CHANGED = "changed"
    KNOWN = "known"


@dataclass(frozen=True)
class NightLog:
    """A report as rows: the night may be unknown, and the report may be on the night alone."""

    night: Night | None
    weather: Sequence[Weather] = ()
    report: BlockReport | None = None
    constraints: Sequence[Constraint] = ()
    exposures: Sequence[ReportedExposure] = ()


@dataclass(frozen=True)
class Tally:
    """How many readings were new to the archive, and how many were there with another value."""

    new: int
    changed: int


def record(database: Database, log: NightLog, *, origin: str, findings: Sequence[Finding]) -> Recorded:
    """Write what a report tells, in one transaction.

    A report whose text is recorded is known.  Another text on the same execution replaces the earlier one whole; what
    it says of the night fills gaps and widens ranges, for other reports speak of the night too.

    Raises
    ------
    Refused
        The database does not take it; nothing was written.
    """
    try:
        with database.transaction() as session:
            session.execute(select(func.pg_advisory_xact_lock(NIGHT_LOCK)))
            held = None if log.report is None else session.get(BlockReport, log.report.report_id)
            if held is not None and log.report is not None and held.source_sha256 == log.report.source_sha256:
                return Recorded.KNOWN
            fresh = log.night is not None and session.get(Night, log.night.night) is None
            changed = _merge_night(session, log)
            if log.report is not None:
                _replace(session, log, held)
            changed = _replace_findings(session, origin, findings) or changed
    except exc.OperationalError:  # the database is away: nothing of the report's
        raise
    except exc.DBAPIError as error:
        raise Refused(f"the database does not take it: {str(error.orig).strip().splitlines()[0]}") from error
    if log.report is not None:
        return Recorded.NEW if held is None else Recorded.CHANGED
    return Recorded.NEW if fresh else Recorded.CHANGED if changed else Recorded.KNOWN


def record_readings(database: Database, readings: Iterable[tuple[str, datetime, float, str]]) -> Tally:
    """Write readings (quantity, time, value, unit), however many, in one transaction and flat memory.

    Of readings of one quantity at one time the last one stands.

    Raises
    ------
    ArchiveError
        The database was lost while they were copied; nothing was written.
    """
    try:
        with database.transaction() as session:
            session.execute(text(OFFERED))
            connection = session.connection().connection.driver_connection
            assert connection is not None  # noqa: S101  it was just used
            with connection.cursor().copy("COPY offered FROM STDIN") as copy:
                for place, reading in enumerate(readings):
                    copy.write_row((place, *reading))
            new, changed = session.execute(text(TAKE)).one()
    except psycopg.Error as error:  # COPY does without SQLAlchemy
        raise ArchiveError(f"readings were not written: {str(error).strip().splitlines()[0]}") from error
    return Tally(new, changed)


OFFERED: Final = """
CREATE TEMPORARY TABLE offered (place bigint, quantity text, observed timestamp, reading float8, unit text)
ON COMMIT DROP
"""

# In the order of the key, so that two who write the same readings wait for each other and never deadlock.
TAKE: Final = """
WITH taken AS (
  INSERT INTO survey.ambient AS a (quantity, observed, reading, unit)
  SELECT DISTINCT ON (quantity, observed) quantity, observed, reading, unit
  FROM offered ORDER BY quantity, observed, place DESC
  ON CONFLICT (quantity, observed) DO UPDATE SET reading = excluded.reading, unit = excluded.unit
  WHERE (a.reading, a.unit) IS DISTINCT FROM (excluded.reading, excluded.unit)
  RETURNING xmax = 0 AS new  -- a row that was never deleted or replaced
)
SELECT count(*) FILTER (WHERE new), count(*) FILTER (WHERE NOT new) FROM taken
"""


def record_findings(database: Database, origin: str, findings: Sequence[Finding]) -> None:
    """Bring the findings of an origin to these."""
    with database.transaction() as session:
        _replace_findings(session, origin, findings)


def _merge_night(session: Session, log: NightLog) -> bool:
    """Fill what the night lacks, widen its ranges, add to its comment; write the weather anew."""
    if log.night is None:
        return False
    held = session.get(Night, log.night.night)
    if held is None:
        session.add(log.night)
        session.flush()
        for note in log.weather:
            session.add(note)
        session.flush()
        return True
    for names, widest in ((LOWEST, min), (HIGHEST, max)):
        for name in names:
            said = [value for value in (getattr(held, name), getattr(log.night, name)) if value is not None]
            if said and getattr(held, name) != widest(said):
                setattr(held, name, widest(said))
    held.comment = _both(held.comment, log.night.comment)
    changed = session.is_modified(held)
    for note in log.weather:
        merged = session.merge(note)
        changed = changed or merged in session.new or session.is_modified(merged)
    session.flush()
    return changed


def _both(held: str | None, said: str | None) -> str | None:
    """Comments of several reports one after the other, each once."""
    if held is None or said is None:
        return held or said
    return held if said in held.split("\n\n") else f"{held}\n\n{said}"


def _replace(session: Session, log: NightLog, held: BlockReport | None) -> None:
    if held is not None:
        session.delete(held)
        session.flush()
    session.add(log.report)
    session.flush()
    session.add_all([*log.constraints, *log.exposures])
    session.flush()


def _replace_findings(session: Session, origin: str, findings: Sequence[Finding]) -> bool:
    query = select(Finding).where(Finding.origin == origin)
    held = {(f.kind, f.subject): f.message for f in session.scalars(query)}
    if held == {(f.kind, f.subject): f.message for f in findings}:
        return False
    session.execute(delete(Finding).where(Finding.origin == origin))
    session.add_all(findings)
    return True
