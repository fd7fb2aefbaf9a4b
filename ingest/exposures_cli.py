"""The command that takes raw frames in: ``musevault ingest exposures``."""

from pathlib import Path

import click

from archive.archive import open_archive
from archive.runs import recorded
from archive.settings import load
from ingest.telling import JSON, PATHS, leave, source, tell

__all__ = ["exposures"]


@click.command()
@PATHS
@click.option("--link", is_flag=True, help="Leave the files where they are and keep links to them.")
@JSON
def exposures(paths: tuple[Path, ...], *, link: bool, as_json: bool) -> None:
    """Take raw frames and master calibrations in: files, or folders of them.  Exit status 1 when a file was refused."""
    from ingest.exposures import KIND, ingest_exposures

    with open_archive(load()) as archive:
        with recorded(archive.database, KIND, source(paths)) as tally:
            counted = tell(ingest_exposures(archive, paths, link=link), tally, as_json=as_json)
        leave(counted)
