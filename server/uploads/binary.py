"""The rows of VOTable's BINARY and BINARY2, out of a stream in base64."""

import binascii
import struct
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from server.uploads import cells
from server.uploads.cells import ELEMENTS, Places
from server.uploads.columns import elements, row_schema
from server.uploads.errors import BadCell, UploadError
from server.uploads.votable import Field

__all__ = ["BinaryRows"]

LONGEST_ROW: Final = 16 << 20
WHITE: Final = {ord(c): None for c in " \t\r\n"}
COUNT: Final = struct.Struct(">I")


class BinaryRows:
    """Rows cut from the stream as far as they are whole; with ``flagged``, each begins with its flags of NULL."""

    def __init__(self, fields: Sequence[Field], *, flagged: bool) -> None:
        self._fields: Final = fields
        self._flag_bytes: Final = (len(fields) + 7) // 8 if flagged else 0
        self._nulls: Final = [_null(one) for one in fields]
        self._layout: Final = _Layout(fields, self._flag_bytes)
        self._letters: list[str] = []
        self._waiting = ""
        self._bytes = bytearray()
        self._done = 0
        self._inside = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take the beginning of the stream."""
        if tag != "STREAM":
            return
        if attributes.get("href"):
            raise UploadError("rows that lie elsewhere (a STREAM with href) are not fetched")
        if attributes.get("encoding", "").lower() != "base64":
            raise UploadError("a STREAM is in base64")
        self._inside = True

    def text(self, text: str) -> None:
        """Take a piece of the stream."""
        if self._inside:
            self._letters.append(text)

    def end(self, tag: str) -> None:
        """Take the end of the stream."""
        if tag == "STREAM":
            self._inside = False

    def batches(self, *, last: bool) -> Iterator[pa.RecordBatch]:
        """Yield the rows that are whole; at the end nothing may be left over."""
        self._decode(last=last)
        places, used = self._layout.cut(self._bytes)
        count = len(places[0].starts)
        if count:
            yield self._batch(np.frombuffer(bytes(self._bytes[:used]), np.uint8), places)
            self._done += count
            del self._bytes[:used]
        if last and self._bytes:
            raise UploadError(f"the stream ends within row {self._done + 1}")
        if len(self._bytes) > LONGEST_ROW:
            raise UploadError(f"row {self._done + 1} is larger than {LONGEST_ROW >> 20} MB")

    def _decode(self, *, last: bool) -> None:
        letters = self._waiting + "".join(self._letters).translate(WHITE)
        self._letters = []
        end = len(letters) if last else len(letters) - len(letters) % 4
        self._waiting = letters[end:]
        try:
            self._bytes += binascii.a2b_base64(_padded(letters[:end]), strict_mode=True)
        except (binascii.Error, ValueError) as error:
            raise UploadError(f"the stream is not in base64 near row {self._done + 1}") from error

    def _batch(self, buffer: NDArray[np.uint8], places: Sequence[Places]) -> pa.RecordBatch:
        flags = self._layout.flags(buffer, places[-1].starts)
        found = []
        for number, one in enumerate(self._fields):
            missing = flags[:, number] if flags is not None else None
            try:
                if one.is_bits:
                    found.append(cells.bits(buffer, places[number], one.column, missing))
                    continue
                found.append(
                    cells.values(buffer, places[number], one.column, null=self._nulls[number], missing=missing)
                )
            except BadCell as error:
                row = self._done + error.row + 1
                raise UploadError(f"row {row}, column '{one.column.name}': {error}") from error
        return pa.RecordBatch.from_arrays(found, schema=row_schema(one.column for one in self._fields))


class _Layout:
    """How a row lies in the stream: its flags, cells of fixed size, and cells that say their own."""

    def __init__(self, fields: Sequence[Field], flag_bytes: int) -> None:
        self._flag_bytes: Final = flag_bytes
        self._count: Final = len(fields)
        self._widths: Final = [np.dtype(ELEMENTS[one.column.datatype]).itemsize for one in fields]
        self._sizes: Final = [_size(one) for one in fields]
        # Each step: bytes of fixed cells to pass, then the bytes of one element of a cell that says its own size.
        self._steps: Final[list[tuple[int, int]]] = []
        self._column_of_step: Final[list[int]] = []
        passed = flag_bytes
        for number, (width, size) in enumerate(zip(self._widths, self._sizes, strict=True)):
            if size is None:
                self._steps.append((passed, width))
                self._column_of_step.append(number)
                passed = 0
            else:
                passed += width * size
        self._tail: Final = passed
        if not self._steps and passed == 0:
            raise UploadError("its rows have no bytes")

    def cut(self, buffer: bytearray) -> tuple[list[Places], int]:
        """Return where the cells of the whole rows are, column by column, then the rows, and how far they reach."""
        if not self._steps:
            count = len(buffer) // self._tail
            starts = np.arange(count, dtype=np.int64) * self._tail
            return self._placed(starts, [], []), count * self._tail
        rows: list[int] = []
        walked: list[int] = []
        counts: list[int] = []
        used = self._walk(buffer, rows, walked, counts)
        shape = (len(rows), len(self._steps))
        begins = np.array(walked[: len(rows) * len(self._steps)], np.int64).reshape(shape)
        sizes = np.array(counts[: len(rows) * len(self._steps)], np.int64).reshape(shape)
        return self._placed(np.array(rows, np.int64), list(begins.T), list(sizes.T)), used

    def _walk(self, buffer: bytearray, rows: list[int], walked: list[int], counts: list[int]) -> int:
        """Go from row to row; what it finds of a row that is not whole stays at the end of the lists."""
        end, place, read, steps, tail = len(buffer), 0, COUNT.unpack_from, self._steps, self._tail
        while True:
            begin = place
            for passed, width in steps:
                place += passed + 4
                if place > end:
                    return begin
                size = read(buffer, place - 4)[0]
                walked.append(place)
                counts.append(size)
                place += size * width
            place += tail
            if place > end:
                return begin
            rows.append(begin)

    def _placed(
        self, rows: NDArray[np.int64], begins: list[NDArray[np.int64]], sizes: list[NDArray[np.int64]]
    ) -> list[Places]:
        places = []
        at = rows + self._flag_bytes
        step = 0
        for width, size in zip(self._widths, self._sizes, strict=True):
            if size is None:
                places.append(Places(begins[step], sizes[step]))
                at = begins[step] + sizes[step] * width
                step += 1
            else:
                places.append(Places(at, np.full(len(rows), size, np.int64)))
                at = at + width * size
        return [*places, Places(rows, np.ones(len(rows), np.int64))]

    def flags(self, buffer: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        """Return which cells are NULL, shape (rows, columns); None without flags."""
        if not self._flag_bytes:
            return None
        packed = buffer[rows[:, None] + np.arange(self._flag_bytes)]
        return np.unpackbits(packed, axis=1)[:, : self._count].astype(bool)


def _size(one: Field) -> int | None:
    """Return how many elements of a cell lie in the stream: bits lie there by eight."""
    size = elements(one.written)
    return size if size is None or not one.is_bits else (size + 7) // 8


def _null(one: Field) -> int | None:
    if one.null is None or one.column.datatype in {"char", "unicodeChar", "boolean", "float", "double"}:
        return None
    try:
        return int(one.null, 0)
    except ValueError as error:
        raise UploadError(f"column '{one.column.name}': its null value '{one.null}' is none of its type") from error


def _padded(letters: str) -> str:
    return letters + "=" * (-len(letters) % 4)
