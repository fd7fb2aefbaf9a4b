"""``musevault calibrations``: the calibrations of frames as rows, as ESO's XML, or as a set of frames for esorex."""

import json

import click

from archive.archive import open_archive
from archive.association import Association, Frame
from archive.association_rules import Mode
from archive.errors import Refused
from archive.log import configure
from archive.settings import load

__all__ = ["calibrations"]


@click.command()
@click.argument("dp_ids", nargs=-1, required=True, metavar="DP_ID...")
@click.option(
    "--mode",
    type=click.Choice(["raw2raw", "raw2master"], case_sensitive=False),
    default="raw2raw",
    show_default=True,
    help="Raw calibrations or master calibrations.",
)
@click.option("--sof", "shape", flag_value="sof", help="Print a set of frames for esorex; needs --link.")
@click.option("--xml", "shape", flag_value="xml", help="Print the association of one frame as ESO writes it.")
@click.option("--json", "shape", flag_value="json", help="Print one JSON object a frame.")
@click.option(
    "--link",
    type=click.Path(file_okay=False),
    help="Folder in which links to the files of the set are made, named as esorex wants them.",
)
def calibrations(*, dp_ids: tuple[str, ...], mode: str, shape: str | None, link: str | None) -> None:
    """Show which calibrations belong to frames.

    Exit status 1 when --sof lacks files: those that the archive knows of but does not hold are named on stderr.
    """
    from archive.association_xml import to_xml
    from archive.calibrations import associations

    configure()
    _check(dp_ids, shape, link)
    asked = next(each for each in Mode if each.lower() == mode.lower())
    with open_archive(load()) as archive:
        trees = associations(archive.database, dp_ids, asked)
        unknown = sorted({*dp_ids} - {tree.files[0].dp_id for tree in trees})
        if unknown:
            raise Refused(f"there is no frame {', '.join(unknown)}")
        if shape == "sof":
            from archive.set_of_frames import link_files

            written = link_files(archive, trees, link or "")
            for path, tag in written.lines:
                click.echo(f"{path} {tag}")
            for missing in written.missing:
                click.echo(f"the archive does not hold the file of {missing}", err=True)
            if written.missing:
                raise SystemExit(1)
        elif shape == "xml":
            click.echo(to_xml(trees[0], asked), nl=False)
        else:
            for tree in trees:
                click.echo(json.dumps(_nested(tree)) if shape == "json" else "\n".join(_rows(tree, asked)))


def _check(dp_ids: tuple[str, ...], shape: str | None, link: str | None) -> None:
    if shape == "sof" and link is None:
        raise click.UsageError("--sof needs --link FOLDER: files of the store have no names that esorex takes")
    if link is not None and shape != "sof":
        raise click.UsageError("--link goes with --sof")
    if shape == "xml" and len(set(dp_ids)) > 1:
        raise click.UsageError("--xml is one document: name one frame")


def _rows(tree: Association, mode: Mode) -> list[str]:
    (frame,) = tree.files
    state = "certified" if tree.certified else "complete" if tree.complete else "incomplete"
    rows = [f"{frame.dp_id}  {tree.tag}  {mode}  {state}"]
    for (tag, file_id), (file, within) in tree.calibrations.items():
        rows.append(f"  {tag:<20} {file_id:<40} {_apart(file, frame):>12}{'' if within else '  outside the rules'}")
    return rows + [f"  lacks {words}" for words in tree.lacking]


def _apart(file: Frame, frame: Frame) -> str:
    return "" if file.mjd is None or frame.mjd is None else f"{file.mjd - frame.mjd:+.3f} d"


def _nested(tree: Association) -> dict[str, object]:
    return {
        "tag": tree.tag,
        "files": [file.dp_id for file in tree.files],
        "within_rules": tree.within_rules,
        "complete": tree.complete,
        "certified": tree.certified,
        "lacking": tree.lacking,
        "calibrations": [_nested(member) for member in tree.members],
    }
