"""The command for cron: ``musevault ingest watch``."""

import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Self

import click

from archive import intake
from archive.archive import Archive, open_archive
from archive.intake import written
from archive.runs import TEMPORARY, AtWork, recorded
from archive.settings import load
from ingest.manner import Manner
from ingest.outcome import Became, Outcome
from ingest.telling import JSON, source, tell

__all__ = ["watch"]


@click.command()
@click.argument("paths", type=click.Path(path_type=Path), nargs=-1)
@click.option(
    "--settle",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="What is not whole and was changed less than so long ago is left for the next run; else as set, or 60.",
)
@click.option("--link", is_flag=True, help="Leave raw frames where they are and keep links to them.")
@click.option("--collection", default="MUSE", show_default=True, help="Data collection that products belong to.")
@click.option("--every", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Look again and again until stopped.")
@click.option("--quiet", is_flag=True, help="Print no summary: nothing but what needs somebody's attention.")
@JSON
def watch(*, every: float | None, **asked: Any) -> None:
    """Look through folders, as named or as set, and take in what is new.

    Raw frames, master calibrations, products, night logs and ambient data are known by what is in them.  Exit status
    1 when something was refused that was not before, 75 when something could not be stored; 0 when all is well, or
    when another run is at work.
    """
    settings = load()
    stop = threading.Event()
    with open_archive(settings) as archive:
        look = _Look.asked(archive, stop, **asked)
        if every is None:
            raise SystemExit(look.once())
        with _stopped_by_signals(stop):
            while not stop.is_set():
                look.once()
                stop.wait(every)


@dataclass(frozen=True)
class _Look:
    """One look through the folders: what it needs."""

    archive: Archive
    stop: threading.Event
    folders: tuple[Path, ...]
    manner: Manner
    as_json: bool
    quiet: bool

    @classmethod
    def asked(
        cls,
        archive: Archive,
        stop: threading.Event,
        *,
        paths: tuple[Path, ...],
        settle: float | None,
        link: bool,
        collection: str,
        as_json: bool,
        quiet: bool,
    ) -> Self:
        """Take what was asked for, and the rest from the settings."""
        settings = archive.settings
        folders = paths or settings.watch_folders
        if not folders:
            raise click.UsageError("which folders? name some, or set MUSEVAULT_WATCH_FOLDERS")
        settle = settings.watch_settle if settle is None else settle
        return cls(archive, stop, folders, Manner(link or settings.watch_link, settle, collection), as_json, quiet)

    def once(self) -> int:
        """Do it; returns the exit status."""
        from ingest.watch import KIND, look_through

        news = _News(self.archive, self.manner.settle)
        try:
            with (
                recorded(self.archive.database, KIND, source(self.folders)) as tally,
                closing(look_through(self.archive, self.folders, self.manner)) as outcomes,
            ):
                going = takewhile(lambda _: not self.stop.is_set(), outcomes)
                tell(going, tally, as_json=self.as_json, worth=news.has, summed=not self.quiet)
        except AtWork as error:
            if not self.quiet:
                click.echo(error.message, err=self.as_json)
            return 0
        return news.status


class _News:
    """Tells what an operator does not know yet, or must do something about."""

    def __init__(self, archive: Archive, settle: float) -> None:
        self._refused = {row.path: row.reason for row in intake.refused(archive.database)}
        self._settle = settle
        self.status = 0

    def has(self, outcome: Outcome) -> bool:
        """Tell whether it is news; files that are still being written, or in quarantine already, are not."""
        match outcome.became:
            case Became.NEW | Became.CHANGED:
                return False  # many, and in the sums
            case Became.KNOWN:
                return False
            case Became.REFUSED:
                told = self._refused.get(written(outcome.path.absolute())) == outcome.reason
                self.status = self.status if told else 1
                return not told
            case Became.POSTPONED:
                stuck = not self._is_expected(outcome)
                self.status = self.status or (TEMPORARY if stuck else 0)
                return stuck

    def _is_expected(self, outcome: Outcome) -> bool:
        from ingest.taking import BUSY

        young = intake.is_young(intake.look(outcome.path), self._settle)
        return young or outcome.reason in BUSY


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Let signals end the watch after the file that it is at, instead of at once."""
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
