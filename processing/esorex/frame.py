"""What a recipe takes: files with tags, as lines of a set of frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archive.errors import Refused

__all__ = ["Frame", "set_of_frames"]


@dataclass(frozen=True)
class Frame:
    """A file and the tag that tells the recipe what it is; the tag counts, not what the header says."""

    path: Path
    tag: str


def set_of_frames(frames: Sequence[Frame]) -> str:
    """Return the text of a set of frames: an absolute path and a tag a line.

    Raises
    ------
    Refused
        A path has blanks, which esorex does not take, a tag is empty, which it would overlook, or a file is not there.
    """
    lines = []
    for frame in frames:
        path = str(frame.path.absolute())
        if any(c.isspace() for c in path) or "$" in path:
            raise Refused(f"{path}: esorex takes no blanks and no $ in paths")
        if not frame.tag or any(c.isspace() for c in frame.tag):
            raise Refused(f"{path}: {frame.tag!r} is no tag")
        if not frame.path.is_file():
            raise Refused(f"{path}: there is no such file")
        lines.append(f"{path} {frame.tag}\n")
    return "".join(lines)
