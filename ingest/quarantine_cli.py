"""Commands on what was refused: ``musevault ingest refused|retry``."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from archive import intake
from archive.archive import Archive, open_archive
from archive.intake import unwritten
from archive.runs import recorded
from archive.settings import load
from ingest.manner import Manner
from ingest.outcome import Outcome
from ingest.telling import JSON, leave, source, tell
from schema.intake import Intake

__all__ = ["refused", "retry"]

SOME_PATHS = click.argument("paths", type=click.Path(path_type=Path), nargs=-1)


@click.command()
@SOME_PATHS
@JSON
def refused(paths: tuple[Path, ...], *, as_json: bool) -> None:
    """List the files that were refused, with the reasons: all, or those below paths."""
    with open_archive(load()) as archive:
        for row in intake.refused(archive.database, below=paths):
            if as_json:
                told = {"path": row.path, "kind": row.kind, "seen": row.seen.isoformat(), "reason": row.reason}
                click.echo(json.dumps(told))
            else:
                click.echo(f"{row.seen:%Y-%m-%dT%H:%M:%S}  {row.kind:<9}  {row.path}: {row.reason}")


@click.command()
@SOME_PATHS
@click.option("--link", is_flag=True, help="Leave raw frames where they are and keep links to them.")
@click.option("--collection", default="MUSE", show_default=True, help="Data collection that products belong to.")
@JSON
def retry(paths: tuple[Path, ...], *, link: bool, collection: str, as_json: bool) -> None:
    """Read the files again that were refused: all, or those below paths.  Those that are no more are forgotten.

    Exit status 1 when a file was refused again.
    """
    with open_archive(load()) as archive:
        with recorded(archive.database, "retry", source(paths)) as tally:
            there = _forget_the_gone(archive, intake.refused(archive.database, below=paths), as_json=as_json)
            outcomes = _again(archive, there, Manner(link=link, collection=collection))
            counted = tell(outcomes, tally, as_json=as_json)
        leave(counted)


def _forget_the_gone(archive: Archive, rows: Sequence[Intake], *, as_json: bool) -> list[Intake]:
    """Drop files that are no more from the quarantine; returns the others."""
    gone = [row for row in rows if not unwritten(row.path).exists()]
    intake.forget(archive.database, gone)
    for row in gone:
        click.echo(f"{'gone':<10} {row.path}", err=as_json)
    return [row for row in rows if row not in gone]


def _again(archive: Archive, rows: Sequence[Intake], manner: Manner) -> Iterator[Outcome]:
    """Offer files again as what they were offered before."""
    from ingest.kinds import Kind
    from ingest.taking import take

    intake.reconsider(archive.database, rows)
    files: dict[str, list[Path]] = defaultdict(list)
    for row in rows:
        files[row.kind].append(unwritten(row.path))
    for kind, paths in files.items():
        yield from take(archive, Kind(kind), paths, manner)
