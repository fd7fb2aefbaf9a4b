"""``musevault alignment``: offsets, rotations, fluxes and trails of exposures, to look at and to set by hand."""

from typing import TYPE_CHECKING, TextIO

import click

from archive.archive import Archive, open_archive
from archive.log import configure
from archive.settings import load

if TYPE_CHECKING:
    from archive.alignments import Held

__all__ = ["alignment"]


@click.group()
def alignment() -> None:
    """Show and set how exposures lie on the reference image of their galaxy."""


@alignment.command("export")
@click.argument("target", required=False)
def export_table(target: str | None) -> None:
    """Print the alignments of a galaxy (default: all) as CSV, for `import` to take back."""
    from processing.alignment_csv import write
    from processing.alignment_edits import exported

    configure()
    with open_archive(load()) as archive:
        for line in write(exported(archive, target)):
            click.echo(line)


@alignment.command("import")
@click.argument("table", type=click.File(encoding="utf-8"))
@click.option("--note", help="Why, for lines whose note says nothing new.")
def import_table(table: TextIO, note: str | None) -> None:
    """Set alignments by hand from CSV (- is standard input), all of it or, if a line is wrong, nothing.

    Only lines that differ from what is held make a new edition; `process` then makes anew what depends on it, and
    measures none of these exposures again until `reset`.
    """
    from archive.errors import Refused
    from processing.alignment_edits import take

    configure()
    try:
        text = table.read()
    except UnicodeDecodeError as error:
        raise Refused(f"{table.name} is no text in UTF-8: {error.reason} at byte {error.start}") from error
    with open_archive(load()) as archive:
        for dp_id in take(archive, text, note=note):
            click.echo(f"{dp_id}  set by hand")


@alignment.command()
@click.argument("dp_id")
def show(dp_id: str) -> None:
    """Show the alignment of an exposure, with errors and trails."""
    from processing.alignment_text import to_text

    configure()
    with open_archive(load()) as archive:
        click.echo(to_text(*_found(archive, dp_id)))


@alignment.command()
@click.argument("dp_ids", nargs=-1, required=True)
def reset(dp_ids: tuple[str, ...]) -> None:
    """Give up what was set by hand: the next `process` measures these exposures again."""
    from archive.alignments import forget_hand

    configure()
    with open_archive(load()) as archive:
        found = [_found(archive, dp_id)[0].alignment for dp_id in dp_ids]
        for one in found:
            forgotten = forget_hand(archive.database, one.product_id)
            click.echo(f"{one.dp_id}  {'is to be measured again' if forgotten else 'was not set by hand'}")


def _found(archive: Archive, dp_id: str) -> "tuple[Held, float]":
    """Return an alignment with the declination of its field."""
    from archive import alignments, products
    from archive.errors import Refused

    held = alignments.find(archive.database, dp_id)
    if held is None:
        raise Refused(f"{dp_id} has no alignment")
    return held, products.get(archive, held.alignment.product_id).dec or 0.0
