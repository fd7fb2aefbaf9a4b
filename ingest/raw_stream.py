"""A raw file as a stream of bytes, however it is compressed: plain, ``.fits.fz``, ``.fits.gz``, ``.fits.Z``.

Of a plain file, or one whose HDUs are compressed inside (``.fz``), only what is asked for is read.  A gzip or compress
file must be unpacked on the way, but never more of it than its headers promise: a bomb ends as soon as it is no FITS.
"""

import gzip
import os
import stat
import subprocess
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from archive.fits_structure import BrokenFits

__all__ = ["RawStream", "opened"]

CHUNK: Final = 1 << 20
GZIP: Final = b"\x1f\x8b"
COMPRESS: Final = b"\x1f\x9d"
GZIP_FAILED: Final = 1
"""Its other statuses are success and warnings."""


class RawStream:
    """Bytes in order; ``skip`` passes over data, cheaply where the file can be entered anywhere.

    Parameters
    ----------
    source
        Where the bytes come from.
    length
        Length of the whole, where it is known.
    is_sound
        Tells, at the end, whether what gave the bytes was content.
    """

    def __init__(self, source: BinaryIO, length: int | None, is_sound: Callable[[], bool] = lambda: True) -> None:
        self._source = source
        self._length = length
        self._is_sound = is_sound
        self._ahead = b""
        self.position = 0

    def read(self, size: int) -> bytes:
        """Return that many bytes, fewer at the end.

        Raises
        ------
        BrokenFits
            What is compressed is damaged or truncated.
        """
        taken, self._ahead = self._ahead[:size], self._ahead[size:]
        if len(taken) < size:
            taken += self._take(size - len(taken))
        self.position += len(taken)
        return taken

    def give_back(self, unread: bytes) -> None:
        """Put back what was read too much."""
        self._ahead = unread + self._ahead
        self.position -= len(unread)

    def skip(self, size: int) -> None:
        """Pass over that many bytes.

        Raises
        ------
        BrokenFits
            There are fewer.
        """
        end = self.position + size
        if self._length is not None:
            if end > self._length:
                raise BrokenFits(f"truncated: data should end at byte {end}, the file has {self._length}")
            beyond = size - len(self._ahead)
            self._ahead = self._ahead[size:]
            if beyond > 0:
                self._source.seek(beyond, os.SEEK_CUR)
            self.position = end
            return
        while self.position < end:
            if not self.read(min(CHUNK, end - self.position)):
                raise BrokenFits(f"truncated: data should end at byte {end}, the file has {self.position}")

    def _take(self, size: int) -> bytes:
        try:
            taken = self._source.read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise BrokenFits(f"the compressed file is damaged: {error}") from error
        if len(taken) < size and not self._is_sound():
            raise BrokenFits("the compressed file is damaged: it cannot be unpacked")
        return taken


@contextmanager
def opened(path: Path) -> Iterator[RawStream]:
    """Open a raw file by what it is, whatever its name says.

    Raises
    ------
    BrokenFits
        It is no file but a pipe or a device, which might never end.
    OSError
        It cannot be read.
    """
    kind = path.stat().st_mode
    if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
        raise BrokenFits("no file but a pipe, a socket or a device")
    # Unbuffered: a header is one read, and what is skipped is not read at all.
    with path.open("rb", buffering=0) as file:
        magic = file.read(2)
        file.seek(0)
        if magic == GZIP:
            with gzip.open(file) as unpacked:
                yield RawStream(unpacked, None)  # type: ignore[arg-type]  # it reads like any binary file
        elif magic == COMPRESS:
            with _uncompressed(file) as stream:
                yield stream
        else:
            yield RawStream(file, os.fstat(file.fileno()).st_size)


@contextmanager
def _uncompressed(file: object) -> Iterator[RawStream]:
    """Unpack Unix compress with the gzip program, which every system has; Python has no LZW."""
    arguments = ["gzip", "--decompress", "--stdout"]
    with subprocess.Popen(arguments, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:  # type: ignore[call-overload]
        try:
            yield RawStream(program.stdout, None, lambda: program.wait() != GZIP_FAILED)
        finally:
            program.kill()
