"""Commands that take things in: ``musevault ingest release|products``."""

import json
from pathlib import Path

import click

from archive.archive import open_archive
from archive.intake import written
from archive.log import configure
from archive.settings import load

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

    with open_archive(load()) as archive:
        report = ingest_release(archive.database, path, release_id=release_id)
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
@click.argument("paths", type=PATH, nargs=-1, required=True)
@click.option("--collection", default="MUSE", show_default=True, help="Data collection that the products belong to.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file.")
def products(paths: tuple[Path, ...], *, collection: str, as_json: bool) -> None:
    """Take MUSE cubes in: files, or folders of them.  Exit status 1 when a file was refused."""
    from ingest.products import ingest_products

    refused = looked_at = 0
    with open_archive(load()) as archive:
        for outcome in ingest_products(archive, paths, collection=collection):
            looked_at += 1
            refused += outcome.product_id is None
            path = written(outcome.path)
            if as_json:
                click.echo(json.dumps({**vars(outcome), "path": path}))
            elif outcome.product_id is None:
                click.echo(f"refused    {path}: {outcome.reason}")
            else:
                click.echo(f"{'new' if outcome.new else 'known':<10} {path}: {outcome.product_id}")
    if not looked_at:
        click.echo("nothing to take in", err=as_json)
    if refused:
        raise SystemExit(1)


@ingest.command()
def refused() -> None:
    """List the files that were refused, with the reasons."""
    from archive import intake

    with open_archive(load()) as archive:
        for row in intake.refused(archive.database):
            click.echo(f"{row.seen:%Y-%m-%dT%H:%M:%S}  {row.path}: {row.reason}")
