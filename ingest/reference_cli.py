"""The command that takes reference images in: ``musevault ingest reference``."""

from pathlib import Path

import click

from archive.archive import open_archive
from archive.errors import Refused
from archive.settings import load

__all__ = ["reference"]


@click.command()
@click.argument("image", type=click.Path(path_type=Path))
@click.option("--target", required=True, help="Galaxy of the survey that it shows.")
@click.option("--filter", "band", help="Name of its filter (default: FILTER of its header).")
@click.option("--collection", default="MUSE", show_default=True, help="Data collection that it belongs to.")
def reference(image: Path, *, target: str, band: str | None, collection: str) -> None:
    """Take the broad-band image in to which the exposures of a galaxy are aligned and scaled.

    Another content takes the place of the one before; what was made with that is then out of date.
    """
    from ingest.reference import ingest_reference

    with open_archive(load()) as archive:
        try:
            outcome = ingest_reference(archive, image, target=target, band=band, collection=collection)
        except Refused as error:
            raise click.ClickException(f"{image}: {error.message}") from error
    click.echo(f"{outcome.became}  {outcome.key or outcome.reason}")
