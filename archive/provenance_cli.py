"""``musevault provenance``: how a product was made, which raw frames are behind it, what must be redone."""

import json
from collections.abc import Iterator
from dataclasses import asdict

import click

from archive.archive import Archive, open_archive
from archive.log import configure
from archive.settings import load

__all__ = ["provenance"]


@click.command()
@click.argument("product")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["rows", "json", "provn", "svg"]),
    default="rows",
    show_default=True,
    help="Rows for humans; PROV-JSON, or JSON lines with --raw and --affected; PROV-N; a drawing.",
)
@click.option("--raw", "question", flag_value="raw", help="List the raw frames that it was made from.")
@click.option(
    "--affected",
    "question",
    flag_value="affected",
    help="List what must be redone if it is bad, in that order; PRODUCT may be a raw frame or the name of a file.",
)
def provenance(*, product: str, shape: str, question: str | None) -> None:
    """Show how a product was made, down to raw exposures and calibrations."""
    configure()
    if question is not None and shape in {"provn", "svg"}:
        raise click.UsageError(f"--{question} is told as rows or json")
    with open_archive(load()) as archive:
        if question == "raw":
            lines = _raw_frames(archive, product, as_json=shape == "json")
        elif question == "affected":
            lines = _affected(archive, product, as_json=shape == "json")
        else:
            lines = _history(archive, product, shape)
        for line in lines:
            click.echo(line)


def _raw_frames(archive: Archive, product_id: str, *, as_json: bool) -> Iterator[str]:
    from archive.products import get
    from archive.provenance import raw_frames

    get(archive, product_id)
    for frame in raw_frames(archive, product_id):
        held = "" if frame.is_held else "  not held"
        row = f"{frame.dp_id}  {frame.roles:<16} {frame.object or '':<16}{held}".rstrip()
        yield json.dumps(asdict(frame)) if as_json else row


def _affected(archive: Archive, entity: str, *, as_json: bool) -> Iterator[str]:
    from archive.provenance import affected

    for one in affected(archive, entity):
        if as_json:
            yield json.dumps(asdict(one))
            continue
        for made in one.products:
            yield f"{one.stage:>3}  {one.name:<20} {made.kind:<8} {made.product_id}"
        if not one.products:
            yield f"{one.stage:>3}  {one.name}"


def _history(archive: Archive, product_id: str, shape: str) -> Iterator[str]:
    from archive.products import get
    from archive.provenance import history

    product, steps = get(archive, product_id), history(archive, product_id)
    address = archive.settings.base_url
    if shape == "svg":
        from archive.lineage import lineage
        from archive.lineage_drawing import draw
        from archive.lineage_svg import to_svg

        drawing = draw(lineage(product, steps))
        yield to_svg(drawing, f"How {product_id} was made", lambda other: f"{address}/products/{other}").rstrip()
    elif shape == "rows":
        for step in steps:
            made = step.activity
            when = "" if made.started is None else f"  {made.started:%Y-%m-%dT%H:%M:%S}"
            yield f"{made.name}  {made.software or 'software not recorded'}{when}  for {step.made}"
            yield from (f"  {one.role:<20} {one.name}" for one in step.used)
    else:
        from archive.prov_document import Names, document, to_json, to_provn

        told = document(product, steps, Names(archive.settings.authority, address))
        yield (to_json if shape == "json" else to_provn)(told).rstrip()
