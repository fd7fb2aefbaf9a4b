"""The sources of a request as files in one folder, where the query that uses them finds them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from server.uploads.errors import UploadError
from server.uploads.fetching import fetch
from server.uploads.limits import Limits
from server.uploads.reading import Upload
from server.uploads.sources import Source

__all__ = ["Part", "gather", "keep_parts"]


class Part(Protocol):
    """A part of a request that can be saved: werkzeug's file storage."""

    def save(self, dst: Path, /) -> None:
        """Write it to a file."""


def keep_parts(sources: Sequence[Source], parts: Mapping[str, Part], folder: Path) -> None:
    """Save the parts of a request that the sources name, before the request is gone.

    Raises
    ------
    UploadError
        The request has no such part.
    """
    for number, source in enumerate(sources, 1):
        if source.part is None:
            continue
        if source.part not in parts:
            raise UploadError(f"upload '{source.name}': the request has no part '{source.part[:60]}'")
        parts[source.part].save(_path(folder, number))


def gather(sources: Sequence[Source], folder: Path, limits: Limits) -> tuple[Upload, ...]:
    """Return the uploads of a folder that ``keep_parts`` filled; those that lie elsewhere are fetched now.

    Raises
    ------
    UploadError
        One cannot be fetched, or is too large.
    """
    found = []
    if sources:
        folder.mkdir(parents=True, exist_ok=True)
    for number, source in enumerate(sources, 1):
        path = _path(folder, number)
        try:
            _bring(source, path, limits)
        except UploadError as error:
            raise UploadError(f"upload '{source.name}': {error}") from error
        found.append(Upload(source.name, path))
    return tuple(found)


def _bring(source: Source, path: Path, limits: Limits) -> None:
    if source.part is None:
        fetch(source.uri, path, limits)
    elif not path.is_file():
        raise UploadError(f"the part '{source.part[:60]}' did not come with it")
    elif path.stat().st_size > limits.bytes:
        raise UploadError(f"it is larger than {limits.size}")


def _path(folder: Path, number: int) -> Path:
    return folder / f"upload_{number}"
