"""From a file to columns and batches, within the limits, in a process of its own where the format or size asks for it.

Small VOTables and CSV are read here and now.  All else is read by ``reader`` in a process with limits of the system's:
it cannot take the service's memory or its time.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import ipc

from schema.published import PublishedColumn
from server.uploads import formats
from server.uploads.columns import arrow_type
from server.uploads.errors import UploadError
from server.uploads.limits import Limits

__all__ = ["Upload", "UploadedTable", "read"]

SMALL: Final = 1 << 20
PLAIN: Final = (b"PAR1", b"ARROW1", b"\xff\xff\xff\xff", b"SIMPLE  =")
"""How files begin whose parsers are not trusted."""


@dataclass(frozen=True)
class Upload:
    """A file that holds a table, and the name of the table.

    Cells of CSV are texts unless they are ``typed`` by what all cells of their column agree on.
    """

    name: str
    path: Path
    typed: bool = True


@dataclass(frozen=True)
class UploadedTable:
    """A table on its way: the types of its batches are those of ``columns.arrow_type``."""

    name: str
    columns: tuple[PublishedColumn, ...]
    batches: Iterator[pa.RecordBatch]


@contextmanager
def read(upload: Upload, limits: Limits) -> Iterator[UploadedTable]:
    """Open an upload; its batches can be read inside the block.

    Raises
    ------
    UploadError
        It cannot be read, now or in the middle of its rows, or is larger than the limits; told with its name.
    """
    try:
        formats.unpack(upload.path, limits)
        with _opened(upload.path, limits, typed=upload.typed) as (columns, batches):
            yield UploadedTable(upload.name, columns, _bounded(batches, columns, limits))
    except UploadError as error:
        raise UploadError(f"upload '{upload.name}': {error}") from error


@contextmanager
def _opened(
    path: Path, limits: Limits, *, typed: bool
) -> Iterator[tuple[tuple[PublishedColumn, ...], Iterator[pa.RecordBatch]]]:
    with path.open("rb") as file:
        is_binary = file.read(9).startswith(PLAIN)
    if is_binary or path.stat().st_size > SMALL:
        with _process(path, limits, typed=typed) as process:
            yield _received(process)
        return
    columns, batches = formats.read(path, limits, typed=typed)
    try:
        yield columns, batches
    finally:
        getattr(batches, "close", lambda: None)()


@contextmanager
def _process(path: Path, limits: Limits, *, typed: bool) -> Iterator[subprocess.Popen[bytes]]:
    given = json.dumps({**asdict(limits), "hosts": [], "trusted": None})
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "server.uploads.reader", str(path), given, *([] if typed else ["texts"])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    try:
        yield process
    finally:
        process.kill()
        if process.stdout is not None:
            process.stdout.close()
        process.wait()


def _received(process: subprocess.Popen[bytes]) -> tuple[tuple[PublishedColumn, ...], Iterator[pa.RecordBatch]]:
    out = process.stdout
    assert out is not None  # noqa: S101  it was asked for
    said = _said(out)
    return tuple(PublishedColumn(**column) for column in said["columns"]), _rows(out)


def _rows(out: IO[bytes]) -> Iterator[pa.RecordBatch]:
    try:
        with closing(pa.PythonFile(out, "r")) as source:
            yield from ipc.open_stream(source)
            _said(out)
    except (pa.ArrowException, OSError, EOFError) as error:
        raise UploadError("it cannot be read: it is broken, or needs too much memory or time") from error


def _said(out: IO[bytes]) -> dict[str, Any]:
    line = out.readline()
    if not line.endswith(b"\n"):
        raise UploadError("it cannot be read: it is broken, or needs too much memory or time")
    said: dict[str, Any] = json.loads(line)
    if "error" in said:
        raise UploadError(said["error"])
    return said


def _bounded(
    batches: Iterator[pa.RecordBatch], columns: tuple[PublishedColumn, ...], limits: Limits
) -> Iterator[pa.RecordBatch]:
    """Yield the batches as long as they keep to the limits, and what PostgreSQL can hold."""
    rows = size = 0
    for batch in batches:
        size += batch.nbytes
        if rows + batch.num_rows > limits.rows:
            raise UploadError(f"it has more than {limits.rows} rows")
        if size > limits.bytes:
            raise UploadError(f"it is larger than {limits.size} as it is read")
        for values, column in zip(batch.columns, columns, strict=True):
            if pa.types.is_string(arrow_type(column)):
                _check_text(values, column, rows)
        rows += batch.num_rows
        yield batch


def _check_text(values: pa.Array, column: PublishedColumn, done: int) -> None:
    row = pc.index(pc.match_substring(values, "\0"), value=True).as_py()
    if row >= 0:
        raise UploadError(f"row {done + row + 1}, column '{column.name}': its text has a NUL character")
