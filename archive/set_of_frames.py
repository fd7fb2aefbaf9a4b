"""Frames and their calibrations as esorex takes them: files under names that end in .fits, and a tag each.

The store names files by their checksums, so links are made, named by identifier: two masters may have come under the
same name, and identifiers are never the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from archive.archive import Archive
from archive.association import Association
from archive.errors import Refused, StoreError
from schema.products import Artifact, Role

__all__ = ["SetOfFrames", "link_files"]


@dataclass(frozen=True)
class SetOfFrames:
    """Lines of a set of frames, path and tag, and the identifiers of files that the archive does not hold."""

    lines: tuple[tuple[Path, str], ...]
    missing: tuple[str, ...]


def link_files(archive: Archive, trees: Sequence[Association], folder: str) -> SetOfFrames:
    """Make links in a folder to the files of frames and of their calibrations, each once; safe to repeat.

    Raises
    ------
    Refused
        The folder's path has blanks, which esorex does not take, or a file is in the way.
    """
    place = Path(folder).absolute()
    if any(c.isspace() for c in str(place)):
        raise Refused(f"{place}: esorex takes no blanks in paths")
    own = {(tree.tag, tree.files[0].dp_id) for tree in trees}
    wanted = dict.fromkeys([*sorted(own), *(key for tree in trees for key in tree.calibrations)])
    artifacts = _artifacts(archive, sorted({dp_id for _, dp_id in wanted}))
    place.mkdir(parents=True, exist_ok=True)
    lines: list[tuple[Path, str]] = []
    missing: dict[str, None] = {}
    for tag, dp_id in wanted:
        path = _link(archive, artifacts.get(dp_id), dp_id, place)
        if path is None:
            missing[dp_id] = None
        else:
            lines.append((path, tag))
    return SetOfFrames(tuple(lines), tuple(missing))


def _artifacts(archive: Archive, dp_ids: Sequence[str]) -> dict[str, Artifact]:
    query = select(Artifact).where(Artifact.product_id.in_(dp_ids), Artifact.role == Role.THIS)
    with archive.database.reading() as session:
        return {artifact.product_id: artifact for artifact in session.scalars(query)}


def _link(archive: Archive, artifact: Artifact | None, dp_id: str, place: Path) -> Path | None:
    if artifact is None:
        return None
    try:
        file = archive.store.get(artifact.sha256, artifact.location).absolute()
    except StoreError:
        return None
    link = place / f"{dp_id.replace('/', '_')}{_ending(artifact.file_name)}"
    if link.is_symlink():
        if link.readlink() == file:
            return link
        link.unlink()
    elif link.exists():
        raise Refused(f"{link} is in the way: it is no link")
    link.symlink_to(file)
    return link


def _ending(file_name: str) -> str:
    """Return ``.fits`` and what follows it; ``.fits`` where the name has none."""
    start = file_name.lower().rfind(".fits")
    return file_name[start:] if start >= 0 else ".fits"
