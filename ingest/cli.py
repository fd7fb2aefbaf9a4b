"""Commands that take things in: ``musevault ingest release|products``; the others come from files of their own."""

import json
from pathlib import Path

import click

from archive.archive import open_archive
from archive.follow_up import follow_up
from archive.log import configure
from archive.runs import recorded
from archive.settings import load
from ingest.eso_cli import eso
from ingest.exposures_cli import exposures
from ingest.nights_cli import ambient, nightlog
from ingest.quarantine_cli import refused, retry
from ingest.reference_cli import reference
from ingest.telling import JSON, PATHS, leave, source, tell
from ingest.watch_cli import watch

__all__ = ["ingest"]

PATH = click.Path(path_type=Path)


@click.group()
def ingest() -> None:
    """Take releases, products and logs into the archive; safe to repeat."""
    configure()


@ingest.command()
@click.argument("path", type=PATH)
@click.option("--release", "release_id", metavar="ID", help="The release that a text describes, if in doubt.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def release(path: Path, *, release_id: str | None, as_json: bool) -> None:
    """Load a survey's release: its folder, or the text of its description."""
    from ingest.releases import ingest_release

    with open_archive(load()) as archive, recorded(archive.database, "release", source([path])) as tally:
        report = ingest_release(archive.database, path, release_id=release_id)
        tally.count("changed" if report.changed else "known")
    if as_json:
        found = [{"kind": f.kind, "subject": f.subject, "message": f.message} for f in report.findings]
        corrections = [vars(c) for c in report.tables.corrections]
        summary = {**report.counts(), "changed": report.changed, "corrections": corrections, "findings": found}
        click.echo(json.dumps(summary, indent=2))
        return
    counts = report.counts()
    click.echo(
        f"{counts['targets']} targets, {counts['pointings']} pointings ({counts['noAO']} noAO, {counts['AO']} AO), "
        f"{counts['observing_blocks']} observing blocks, {counts['exposures']} exposures expected in the mosaics"
        + ("" if report.changed else "; nothing changed")
    )
    for correction in report.tables.corrections:
        click.echo(f"corrected  {correction.row_key}: {correction.printed} -> {correction.corrected}")
    for finding in report.findings:
        click.echo(f"{finding.kind:<18} {finding.subject}: {finding.message}")


@ingest.command()
@PATHS
@click.option("--collection", default="MUSE", show_default=True, help="Data collection that the products belong to.")
@JSON
def products(paths: tuple[Path, ...], *, collection: str, as_json: bool) -> None:
    """Take MUSE cubes and pixel tables in: files, or folders of them.  Exit status 1 when a file was refused."""
    from ingest.products import KIND, ingest_products

    with open_archive(load()) as archive:
        with recorded(archive.database, KIND, source(paths)) as tally:
            counted = tell(ingest_products(archive, paths, collection=collection), tally, as_json=as_json)
            follow_up(archive.database)  # headers tell of exposures
        leave(counted)


ingest.add_command(exposures)
ingest.add_command(eso)
ingest.add_command(nightlog)
ingest.add_command(ambient)
ingest.add_command(reference)
ingest.add_command(refused)
ingest.add_command(retry)
ingest.add_command(watch)
