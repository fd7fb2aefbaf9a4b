"""Commands that take in what was written down at night: ``musevault ingest nightlog|ambient``."""

from pathlib import Path

import click

from archive.archive import open_archive
from archive.runs import recorded
from archive.settings import load
from ingest.telling import JSON, PATHS, leave, source, tell

__all__ = ["ambient", "nightlog"]


@click.command()
@PATHS
@JSON
def nightlog(paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Take ESO's night-log reports in: files, or folders of them.  Exit status 1 when a file was refused."""
    from ingest.nights import NIGHTLOG, ingest_nightlogs

    with open_archive(load()) as archive:
        with recorded(archive.database, NIGHTLOG, source(paths)) as tally:
            counted = tell(ingest_nightlogs(archive, paths), tally, as_json=as_json)
        leave(counted)


@click.command()
@PATHS
@JSON
def ambient(paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Take readings of the site's monitors in: CSV files, or folders of them.  Exit status 1 when one was refused."""
    from ingest.nights import AMBIENT, ingest_ambient

    with open_archive(load()) as archive:
        with recorded(archive.database, AMBIENT, source(paths)) as tally:
            counted = tell(ingest_ambient(archive, paths), tally, as_json=as_json)
        leave(counted)
