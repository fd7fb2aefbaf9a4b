"""Take in what was written down at night: reports of observation blocks, readings of the site's monitors.

A file that cannot be taken is remembered with the reason and never stops the rest.  A file that was offered before
and has not changed since is not read again.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

import structlog
from sqlalchemy import exc

from archive import intake, nights
from archive.archive import Archive
from archive.database import Database
from archive.errors import ArchiveError, Refused
from archive.intake import Known, Seen, written
from ingest.ambient import BadRow, Layout, Reading, read
from ingest.night_files import Offered, offered
from ingest.nightlog import parse
from ingest.nightlog_rows import findings, report_id, rows
from ingest.nightlog_text import decode, looks_like_a_report
from ingest.outcome import Became, Outcome
from schema.findings import Finding

__all__ = ["AMBIENT", "NIGHTLOG", "ingest_ambient", "ingest_nightlogs"]

log = structlog.get_logger()

NIGHTLOG: Final = "nightlog"
AMBIENT: Final = "ambient"
"""Kinds under which files are remembered and runs are recorded."""

REPORTS: Final = (".nl.txt", ".nl")
TEXTS: Final = (".txt",)
TABLES: Final = (".csv",)

LARGEST_REPORT: Final = 1 << 20
"""Bytes; a report has some thousand."""
LONGEST_LINE: Final = 1 << 16
FILES_AT_ONCE: Final = 200
EXAMPLES: Final = 3

Take = Callable[[Database, Offered], Outcome | None]


def ingest_nightlogs(archive: Archive, paths: Iterable[Path], *, settle: float = 0.0) -> Iterator[Outcome]:
    """Take reports in: ``*.NL.txt``, ``*.NL``, and other texts that are reports; yields what became of each.

    A file that was changed less than ``settle`` seconds ago is left for the next run.
    """
    files = offered(paths, REPORTS, TEXTS)
    return _take_all(archive.database, files, kind=NIGHTLOG, take=_take_report, settle=settle)


def ingest_ambient(archive: Archive, paths: Iterable[Path], *, settle: float = 0.0) -> Iterator[Outcome]:
    """Take readings in: ``*.csv`` as the ambient server writes them; yields what became of each file.

    A file that was changed less than ``settle`` seconds ago is left for the next run.
    """
    return _take_all(archive.database, offered(paths, TABLES), kind=AMBIENT, take=_take_table, settle=settle)


def _take_all(
    database: Database, files: Iterator[Offered], *, kind: str, take: Take, settle: float
) -> Iterator[Outcome]:
    while some := list(islice(files, FILES_AT_ONCE)):
        known = intake.look_up(database, [file.path for file in some])
        for file in some:
            outcome = _unchanged(file, known.get(file.path), kind) or _once(database, file, kind, take, settle)
            if outcome is not None:
                yield outcome


def _unchanged(file: Offered, known: Known | None, kind: str) -> Outcome | None:
    """Tell what became of a file when it was last offered as one of this kind, if it is as it was."""
    if known is None or known.kind != kind or known.look != intake.look(file.path):
        return None
    became = Became.REFUSED if known.product_id is None else Became.KNOWN
    return Outcome(file.path, became, key=known.product_id, reason=known.reason)


def _once(database: Database, file: Offered, kind: str, take: Take, settle: float) -> Outcome | None:
    seen = intake.look(file.path)
    if seen != intake.NOT_THERE and time.time() - seen.modified_ns / 1e9 < settle:
        return Outcome(file.path, Became.POSTPONED, reason="changed just now")
    outcome = _attempt(database, file, take)
    if outcome is None or outcome.became is Became.POSTPONED or file.path.is_dir():
        return outcome
    if intake.look(file.path) != seen:
        return Outcome(file.path, Became.POSTPONED, reason="changed while it was read")
    intake.remember_all(database, [Seen(file.path, seen, outcome.key, outcome.reason)], kind=kind)
    return outcome


def _attempt(database: Database, file: Offered, take: Take) -> Outcome | None:
    try:
        _check(file.path)
        return take(database, file)
    except Refused as error:
        reason = error.message
    except ArchiveError as error:  # not the file's fault
        return Outcome(file.path, Became.POSTPONED, reason=error.message)
    except exc.OperationalError:  # the database is away
        raise
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
    except Exception as error:  # one odd file must not stop the rest
        log.exception("failed", path=written(file.path))
        reason = " ".join(f"a fault of ours: {type(error).__name__}: {error}".split())
    log.warning("refused", path=written(file.path), reason=reason)
    return Outcome(file.path, Became.REFUSED, reason=reason)


def _check(path: Path) -> None:
    """Make sure that there is something to read, and that reading it ends."""
    if path.is_dir():
        raise Refused("the folder cannot be read")
    if not path.is_file():
        raise Refused("no file" if path.exists() else "there is no such file")


def _take_report(database: Database, file: Offered) -> Outcome | None:
    """Take a report in; returns None for a text that is none and whose name did not say that it was."""
    with file.path.open("rb") as opened:
        content = opened.read(LARGEST_REPORT + 1)
    text = decode(content)
    if not file.sure and not looks_like_a_report(text):
        return None
    if len(content) > LARGEST_REPORT:
        raise Refused(f"more than {LARGEST_REPORT} bytes: no night-log report")
    report = parse(text)
    key = report_id(report)
    log_rows = rows(report, text=text, sha256=hashlib.sha256(content).hexdigest())
    recorded = nights.record(database, log_rows, origin=f"nightlog:{key}", findings=findings(report))
    return Outcome(file.path, Became(recorded.value), key=key)


@dataclass
class _Count:
    """What came by while a table was read."""

    readings: int = 0
    bad: list[BadRow] = field(default_factory=list)
    bad_rows: int = 0

    def good(self, items: Iterable[Reading | BadRow]) -> Iterator[Reading]:
        """Let the readings pass, and keep the first rows that are none."""
        for item in items:
            if isinstance(item, Reading):
                self.readings += 1
                yield item
            else:
                self.bad_rows += 1
                self.bad += [item] if len(self.bad) < EXAMPLES else []

    def words(self) -> str:
        """Tell of the bad rows, the first with their reasons."""
        examples = "; ".join(f"line {row.line}: {row.reason}" for row in self.bad)
        return f"{self.bad_rows} places cannot be read: {examples}" + ("; ..." if self.bad_rows > EXAMPLES else "")


def _take_table(database: Database, file: Offered) -> Outcome:
    count = _Count()
    with file.path.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        layout, items = read(_lines(opened))
        tally = nights.record_readings(database, count.good(items))
    if count.bad_rows and not count.readings:
        raise Refused(f"no reading in it: {count.words()}")
    name = written(file.path.name)
    nights.record_findings(database, f"ambient:{name}", _findings(name, layout, count))
    log.info("readings", path=written(file.path), new=tally.new, changed=tally.changed, bad=count.bad_rows)
    quantities = ", ".join(column.quantity for _, column in layout.columns)
    became = Became.NEW if tally.new else Became.CHANGED if tally.changed else Became.KNOWN
    return Outcome(file.path, became, key=f"{count.readings} readings of {quantities}")


def _lines(opened: TextIO) -> Iterator[str]:
    """Lines, of which none is so long that it would fill the memory."""
    while line := opened.readline(LONGEST_LINE):
        yield line


def _findings(name: str, layout: Layout, count: _Count) -> list[Finding]:
    told = []
    if layout.unknown:
        told.append(("ambient-columns", f"columns that mean nothing here: {', '.join(layout.unknown)}"))
    if count.bad_rows:
        told.append(("ambient-rows", count.words()))
    return [Finding(origin=f"ambient:{name}", kind=kind, subject=name, message=words) for kind, words in told]
