"""The tables of one request: its parts and addresses as files, for as long as the query is being started."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from flask import request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from server import dali
from server.query import ServiceBusy
from server.uploads.errors import UploadError
from server.uploads.gathering import gather, keep_parts
from server.uploads.limits import Limits
from server.uploads.reading import Upload
from server.uploads.sources import Source

__all__ = ["RequestUploads"]

MOST_AT_ONCE: Final = 6
"""Requests of one process whose tables are fetched and read at a time: few of its threads."""

TURN_SECONDS: Final = 5.0
FORM_BYTES: Final = 4 << 20
BLOCK: Final = 1 << 18


class RequestUploads:
    """The uploads of the requests of one service."""

    def __init__(self, limits: Limits) -> None:
        self.limits: Final = limits
        self._turns: Final = threading.BoundedSemaphore(MOST_AT_ONCE)

    def parameters(self) -> MultiDict[str, str]:
        """Return the request's parameters, names in capitals; it may be as large as an upload.

        Raises
        ------
        UsageError
            It is larger.
        """
        request.max_content_length = self.limits.bytes + FORM_BYTES
        try:
            return dali.parameters()
        except RequestEntityTooLarge as error:
            raise dali.UsageError(f"the request is larger than {self.limits.size}") from error

    def keep(self, sources: Sequence[Source], folder: Path) -> None:
        """Save the parts of the request that the sources name.

        Raises
        ------
        UploadError
            The request has no such part.
        """
        keep_parts(sources, _parts(), folder)

    @contextmanager
    def files(self, sources: Sequence[Source]) -> Iterator[tuple[Upload, ...]]:
        """Return the tables as files, which are gone after the block.

        Raises
        ------
        UploadError
            One cannot be had.
        ServiceBusy
            Too many requests with tables are being dealt with.
        """
        if not sources:
            yield ()
            return
        with self._folder() as folder:
            self.keep(sources, folder)
            yield gather(sources, folder, self.limits)

    @contextmanager
    def body(self) -> Iterator[Path]:
        """Return the body of the request as a file, which is gone after the block.

        Raises
        ------
        UploadError
            It is too large, or within a form.
        ServiceBusy
            Too many requests with tables are being dealt with.
        """
        if request.mimetype.startswith("multipart/"):
            raise UploadError("it comes as a part of a form; the table alone must be the body of the request")
        request.max_content_length = self.limits.bytes
        with self._folder() as folder:
            path = folder / "body"
            try:
                with path.open("wb") as file:
                    while block := request.stream.read(BLOCK):
                        file.write(block)
            except RequestEntityTooLarge as error:
                raise UploadError(f"it is larger than {self.limits.size}") from error
            yield path

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        if not self._turns.acquire(timeout=TURN_SECONDS):
            raise ServiceBusy("the service is reading as many tables as it can; try again in a while")
        try:
            with TemporaryDirectory(prefix="musevault-upload-") as name:
                yield Path(name)
        finally:
            self._turns.release()


def _parts() -> dict[str, FileStorage]:
    """Return the parts with files; a part without a file name is a text, which is one too."""
    import io

    texts = {name: FileStorage(io.BytesIO(value.encode())) for name, value in request.form.items()}
    return {**texts, **dict(request.files.items())}
