"""What a night-log report tells, as rows of the archive.  Pure."""

from collections import defaultdict
from typing import Any

from archive.nights import NightLog
from ingest.nightlog import Execution, Report
from schema.findings import Finding
from schema.nights import BlockReport, Constraint, Night, ReportedExposure, Weather

__all__ = ["findings", "report_id", "rows"]


def report_id(report: Report) -> str:
    """Return the identifier of a report: that of its execution, or the night where it is on a night alone."""
    done = report.execution
    if done is None:
        return report.night or ""
    if done.ob_id is not None and done.ob_start is not None:
        return f"OB.{done.ob_id}.{done.ob_start.isoformat()}"
    return done.frames[0].dp_id if done.frames else f"OB.{done.ob_id}.{report.night or 'undated'}"


def rows(report: Report, *, text: str, sha256: str) -> NightLog:
    """Make the rows of a report; ``text`` is the whole of it, ``sha256`` that of its bytes."""
    key = report_id(report)
    done = report.execution
    return NightLog(
        night=_night(report),
        weather=[
            Weather(night=report.night, observed=n.observed, conditions=n.conditions, comment=n.comment)
            for n in report.weather
        ],
        report=None if done is None else _block_report(key, report.night, done, text=text, sha256=sha256),
        constraints=[
            Constraint(report_id=key, name=c.name, fulfilled=_flag(c.fulfilled), requested=c.requested)
            for c in (() if done is None else done.constraints)
        ],
        exposures=[ReportedExposure(report_id=key, **vars(frame)) for frame in (() if done is None else done.frames)],
    )


def findings(report: Report) -> list[Finding]:
    """Make findings of what could not be read, one a sort."""
    key = report_id(report)
    said = defaultdict[str, list[str]](list)
    for oddity in report.oddities:
        said[oddity.kind].append(oddity.message)
    return [
        Finding(origin=f"nightlog:{key}", kind=f"nightlog-{kind}", subject=key, message="; ".join(messages))
        for kind, messages in said.items()
    ]


def _night(report: Report) -> Night | None:
    if report.night is None:
        return None
    limits: dict[str, Any] = {}
    for quantity, (low, high) in report.ranges.items():
        limits |= {f"{quantity}_min": low, f"{quantity}_max": high}
    return Night(night=report.night, comment=report.comment, **limits)


def _block_report(key: str, night: str | None, done: Execution, *, text: str, sha256: str) -> BlockReport:
    return BlockReport(
        report_id=key,
        night=night,
        eso_ob_id=done.ob_id,
        ob_start=done.ob_start,
        ob_name=done.ob_name,
        target_name=done.target_name,
        run_id=done.run_id,
        instrument=done.instrument,
        container=done.container,
        grade=done.grade,
        completed=_flag(done.completed),
        within_constraints=_flag(done.within_constraints),
        comment=done.comment,
        source_sha256=sha256,
        text=text,
    )


def _flag(value: bool | None) -> int | None:  # noqa: FBT001  a truth value is all there is to it
    return None if value is None else int(value)
