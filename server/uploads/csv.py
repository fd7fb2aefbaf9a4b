"""CSV and TSV with a header line.  It says nothing of types: a first pass over the file finds what all cells agree on.

Whole numbers become ``long``, other numbers ``double``, ``true`` and ``false`` booleans, moments with a T timestamps,
all else texts: also numbers with leading zeros or too many digits, which would not come back as they were.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from schema.published import PublishedColumn
from server.uploads import texts
from server.uploads.columns import checked, row_schema
from server.uploads.errors import BadCell, UploadError
from server.uploads.limits import Limits

__all__ = ["read"]

BLOCK: Final = 1 << 20
NUMBER: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^(?i:[+-]?inf(inity)?|nan)$"
KINDS: Final = {
    "long": r"^[+-]?(0|[1-9]\d{0,18})$",
    "double": NUMBER,
    "timestamp": r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?$",
    "boolean": r"^(?i:true|false)$",
}
KEPT: Final = r"^[+-]?0\d|^[+-]?\d{17,}$"
"""Numbers that a double would not give back."""


def read(
    path: Path, limits: Limits, *, typed: bool = True
) -> tuple[tuple[PublishedColumn, ...], Iterator[pa.RecordBatch]]:
    """Read a table; unless ``typed`` its cells are left as the texts that they are.

    Raises
    ------
    UploadError
        It is no text in UTF-8, has no header, or a row has too many cells or too few.
    """
    names, delimiter = _header(path)
    named = tuple(PublishedColumn(name, "char", "*") for name in names)
    checked(named, most=limits.columns)
    if not typed:
        return named, _batches(path, named, delimiter)
    kinds = [set(KINDS) for _ in names]
    filled = [False] * len(names)
    rows = 0
    for batch in _written(path, len(names), delimiter):
        rows += batch.num_rows
        if rows > limits.rows:
            raise UploadError(f"it has more than {limits.rows} rows")
        for place, cells in enumerate(batch.columns):
            filled[place] = filled[place] or cells.null_count < len(cells)
            kinds[place] -= {kind for kind in kinds[place] if not _are(cells, kind)}
    columns = tuple(
        _column(name, found if some else set()) for name, found, some in zip(names, kinds, filled, strict=True)
    )
    return columns, _batches(path, columns, delimiter)


def _header(path: Path) -> tuple[list[str], str]:
    with path.open("rb") as file:
        beginning = file.read(BLOCK)
    try:
        lines = beginning.decode("utf-8-sig", "ignore" if len(beginning) == BLOCK else "strict")
    except UnicodeDecodeError as error:
        raise UploadError("it is none of the formats that are taken, or text that is not in UTF-8") from error
    first = lines.split("\n", 1)[0]
    delimiter = "\t" if "\t" in first and "," not in first else ","
    try:
        names = next(csv.reader(io.StringIO(lines), delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise UploadError(f"its header cannot be read: {error}") from error
    if not any(names) or "\0" in first:
        raise UploadError("it is empty, or none of the formats that are taken")
    return [name.strip() for name in names], delimiter


def _written(path: Path, count: int, delimiter: str) -> Iterator[pa.RecordBatch]:
    """Yield the rows as strings; only cells that are empty and not quoted are NULL."""
    names = [f"c{n}" for n in range(1, count + 1)]
    try:
        with arrow_csv.open_csv(
            path,
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=names),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        ) as reader:
            first = True
            for batch in reader:
                if rows := batch.slice(int(first)):
                    yield rows
                first = False
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise UploadError(f"no CSV: {str(error).splitlines()[0][:200]}") from error


def _are(cells: pa.Array, kind: str) -> bool:
    given = cells if kind == "boolean" else pc.utf8_trim_whitespace(cells)
    if pc.all(pc.match_substring_regex(given, KINDS[kind])).as_py() is False:
        return False
    return kind != "double" or pc.any(pc.match_substring_regex(given, KEPT)).as_py() is not True


def _column(name: str, kinds: set[str]) -> PublishedColumn:
    if "long" in kinds:
        return PublishedColumn(name, "long")
    kind = next((kind for kind in KINDS if kind in kinds), "char")
    if kind in {"char", "timestamp"}:
        return PublishedColumn(name, "char", "*", "timestamp" if kind == "timestamp" else None)
    return PublishedColumn(name, kind)


def _batches(path: Path, columns: Sequence[PublishedColumn], delimiter: str) -> Iterator[pa.RecordBatch]:
    schema = row_schema(columns)
    done = 0
    for batch in _written(path, len(columns), delimiter):
        found = []
        for cells, column in zip(batch.columns, columns, strict=True):
            try:
                as_text = column.datatype == "char" and column.xtype is None
                found.append(cells if as_text else texts.values(cells, column))
            except BadCell as error:
                raise UploadError(f"row {done + error.row + 1}, column '{column.name}': {error}") from error
        yield pa.RecordBatch.from_arrays(found, schema=schema)
        done += batch.num_rows
