"""The process that reads a file which may be hostile: ``python -m server.uploads.reader``, with little to live on.

Parsers of Parquet, Arrow and FITS are not made for enemies: a file of 100 bytes can ask them for 16 GB.  Here that
ends a process of limited memory and time, which holds no secrets and no connections, and nothing else.  Out of its
standard output come a line of JSON with the columns or the error, the rows as an Arrow stream, and a line that says how
it ended: see ``reading``.
"""

import json
import resource
import sys
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
from pyarrow import ipc

from server.uploads import formats
from server.uploads.columns import row_schema
from server.uploads.errors import UploadError
from server.uploads.limits import Limits

__all__ = ["main"]

MEMORY: Final = 3 << 30
"""Bytes of address space: what the libraries reserve at their start is in it."""
SECONDS: Final = 120


def main() -> None:
    """Read the file that the arguments name, within the limits that they give."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    path, given, *texts = sys.argv[1:]
    limits = Limits(**{**json.loads(given), "hosts": frozenset()})
    out = sys.stdout.buffer
    try:
        _send(Path(path), limits, out, typed=not texts)
    except UploadError as error:
        _line(out, {"error": str(error)})
    except MemoryError:
        _line(out, {"error": "it needs too much memory to be read"})
    out.flush()


def _send(path: Path, limits: Limits, out: IO[bytes], *, typed: bool) -> None:
    columns, batches = formats.read(path, limits, typed=typed)
    _line(out, {"columns": [asdict(column) for column in columns]})
    failed: UploadError | None = None
    with ipc.new_stream(out, row_schema(columns)) as writer:
        try:
            for batch in batches:
                writer.write_batch(batch)
        except UploadError as error:
            failed = error
        except (MemoryError, pa.ArrowException):
            failed = UploadError("it needs too much memory to be read")
    _line(out, {"error": str(failed)} if failed else {"end": True})


def _line(out: IO[bytes], said: dict[str, Any]) -> None:
    out.write(json.dumps(said).encode() + b"\n")
    out.flush()


if __name__ == "__main__":
    main()
