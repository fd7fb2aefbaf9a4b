"""``musevault ingest eso``: keep up with what ESO's archive has of some programmes, and fetch its files."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import click

from archive.archive import Archive, open_archive
from archive.intake import written
from archive.runs import Tally, recorded
from archive.settings import load
from ingest.outcome import Became, Outcome
from ingest.telling import leave

__all__ = ["eso"]

KIND: Final = "eso"


@click.command()
@click.option("--programme", "programmes", metavar="NUMBER", multiple=True, help="Such as 1100.B-0651; else those set.")
@click.option("--since", type=click.DateTime(), help="Begin with what ESO changed then, wherever the last run came to.")
@click.option("--download", is_flag=True, help="Fetch the raw frames and cubes that the archive does not hold.")
@click.option(
    "--calibrations",
    type=click.Choice(["raw", "processed"]),
    help="With --download: also what ESO says are the calibrations of the science frames.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a listing and a file.")
def eso(
    programmes: tuple[str, ...], *, since: datetime | None, download: bool, calibrations: str | None, as_json: bool
) -> None:
    """Take in what ESO's archive lists of programmes.

    Exit status 1 when something was refused, else 75 when a file was left for the next run.
    """
    from ingest.eso_queries import check_programme

    if calibrations is not None and not download:
        raise click.UsageError("--calibrations goes with --download")
    settings = load()
    checked = [check_programme(programme) for programme in dict.fromkeys(programmes or settings.sync_programmes)]
    if not checked:
        raise click.UsageError("which programmes? name some, or set MUSEVAULT_SYNC_PROGRAMMES")
    with open_archive(settings) as archive, recorded(archive.database, KIND, ", ".join(checked)) as tally:
        _listings(archive, checked, tally, since=since, as_json=as_json)
        if download:
            _files(archive, checked, tally, calibrations=calibrations, as_json=as_json)
    leave(Counter({Became(became): number for became, number in tally.counts.items()}))


def _listings(
    archive: Archive, programmes: Sequence[str], tally: Tally, *, since: datetime | None, as_json: bool
) -> None:
    """Bring the listings up to date and tell what they brought."""
    from ingest.eso import synchronise
    from ingest.eso_client import connect
    from ingest.polite import Politeness

    counts: dict[tuple[str, str], Counter[str]] = {}
    with connect(archive.settings, Politeness()) as source:
        for page in synchronise(archive, source, programmes, since=since):
            brought = page.recorded.counts()
            counts.setdefault((page.programme_id, page.listing), Counter()).update(brought)
            for became, number in brought.items():
                tally.count(became, number)
            if sys.stderr.isatty():
                until = "" if page.reached is None else f", up to {page.reached:%Y-%m-%d %H:%M}"
                click.echo(f"{page.programme_id} {page.listing}: {sum(brought.values())} entries{until}", err=True)
            for identifier, reason in page.recorded.refused:
                _tell({"dp_id": identifier, "became": Became.REFUSED, "reason": reason}, as_json=as_json)
    for (programme, listing), count in counts.items():
        if as_json:
            click.echo(json.dumps({"programme": programme, "listing": listing, **count}))
        else:
            click.echo(f"{programme} {listing}: " + ", ".join(f"{number} {what}" for what, number in count.items()))


def _files(
    archive: Archive, programmes: Sequence[str], tally: Tally, *, calibrations: str | None, as_json: bool
) -> None:
    """Fetch what is lacking and tell what became of each file."""
    for outcome in _fetched(archive, programmes, calibrations=calibrations):
        tally.count(outcome.became)
        told = {"path": written(outcome.path), "became": outcome.became, "key": outcome.key, "reason": outcome.reason}
        _tell(told, as_json=as_json)


def _fetched(archive: Archive, programmes: Sequence[str], *, calibrations: str | None) -> Iterator[Outcome]:
    from ingest import eso_files
    from ingest.eso_client import connect
    from ingest.polite import Politeness

    manners = Politeness()
    with eso_files.downloader(archive, manners, _progress) as files:
        yield from eso_files.fetch_frames(archive, files, programmes)
        if calibrations is not None:
            with connect(archive.settings, manners) as source:
                yield from eso_files.fetch_calibrations(archive, source, files, programmes, mode=calibrations)
        yield from eso_files.fetch_products(archive, files, programmes)


def _progress(identifier: str, done: int, size: int | None) -> None:
    """Rewrite one line of a terminal."""
    if sys.stderr.isatty():
        of = "" if size is None else f" of {size / 1e6:.0f}"
        end = "\n" if done == size else ""
        click.echo(f"\r{identifier}: {done / 1e6:.0f}{of} MB{end}", err=True, nl=False)


def _tell(told: dict[str, str | None], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(told))
    else:
        words = told.get("reason") or told.get("key")
        click.echo(f"{told['became']:<10} {told.get('path') or told.get('dp_id')}: {words}")
