"""What a file is, told by its first bytes: names and declared types of uploads are too often wrong."""

import gzip
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from schema.published import PublishedColumn
from server.uploads import arrow, csv, votable
from server.uploads.errors import UploadError
from server.uploads.limits import Limits

__all__ = ["read", "unpack"]

GZIP = b"\x1f\x8b"
BLOCK = 1 << 18


def unpack(path: Path, limits: Limits) -> None:
    """Replace a file that is packed with gzip by what is in it, up to the limit.

    Raises
    ------
    UploadError
        It is broken, or too large.
    """
    with path.open("rb") as file:
        if file.read(2) != GZIP:
            return
    unpacked = path.with_suffix(".unpacked")
    try:
        with gzip.open(path) as packed, unpacked.open("wb") as plain:
            left = limits.bytes
            while block := packed.read(BLOCK):
                left -= len(block)
                if left < 0:
                    raise UploadError(f"it is larger than {limits.size} unpacked")
                plain.write(block)
    except (OSError, EOFError, zlib.error) as error:
        raise UploadError(f"broken gzip: {error}") from error
    shutil.move(unpacked, path)


def read(
    path: Path, limits: Limits, *, typed: bool = True
) -> tuple[tuple[PublishedColumn, ...], Iterator[pa.RecordBatch]]:
    """Read an unpacked file: its columns, then its rows as they are asked for; CSV as texts unless ``typed``.

    Raises
    ------
    UploadError
        It is in no format that is taken, or broken.
    """
    with path.open("rb") as file:
        beginning = file.read(512)
    if not beginning:
        raise UploadError("it is empty")
    if beginning.startswith(b"PAR1"):
        return arrow.read_parquet(path, limits)
    if beginning.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return arrow.read_ipc(path, limits)
    if beginning.startswith(b"SIMPLE  ="):
        from server.uploads import fits  # astropy takes its time

        return fits.read(path, limits)
    if _is_xml(beginning):
        return _votable(path, limits)
    return csv.read(path, limits, typed=typed)


def _is_xml(beginning: bytes) -> bool:
    wide = beginning.startswith((b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<"))
    return wide or beginning.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def _votable(path: Path, limits: Limits) -> tuple[tuple[PublishedColumn, ...], Iterator[pa.RecordBatch]]:
    file = path.open("rb")
    try:
        columns, batches = votable.read(file, limits)
    except BaseException:
        file.close()
        raise

    def closing() -> Iterator[pa.RecordBatch]:
        with file:
            yield from batches

    return columns, closing()
