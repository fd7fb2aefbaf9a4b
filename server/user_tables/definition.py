"""What a table is to be: as VOSI describes tables (VODataService), without rows; or any file that holds a table."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from archive.user_rows import Layout
from schema.published import PublishedColumn
from server.uploads import formats, votable
from server.uploads.columns import checked, sql_type
from server.uploads.errors import UploadError
from server.uploads.limits import Limits
from server.uploads.positions import positions
from server.uploads.reading import Upload, read

__all__ = ["defined"]

ROOTS: Final = frozenset({"table", "tableset"})
LONGEST_TEXT: Final = 10_000
TAP_TYPES: Final = {
    "SMALLINT": ("short", None, None),
    "INTEGER": ("int", None, None),
    "BIGINT": ("long", None, None),
    "REAL": ("float", None, None),
    "DOUBLE": ("double", None, None),
    "BOOLEAN": ("boolean", None, None),
    "TIMESTAMP": ("char", "*", "timestamp"),
    "CHAR": ("char", "*", None),
    "VARCHAR": ("char", "*", None),
    "CLOB": ("char", "*", None),
    "POINT": ("double", "2", "point"),
}
"""VODataService's TAPType as VOTable has it: datatype, arraysize, xtype."""


@contextmanager
def defined(path: Path, name: str, limits: Limits) -> Iterator[tuple[Layout, Iterator[pa.RecordBatch]]]:
    """Read what a new table is to be, and the rows that came with it, if any.

    Raises
    ------
    UploadError
        The file tells no table, or one that cannot be kept.
    """
    formats.unpack(path, limits)
    described = _described(path, limits)
    if described is not None:
        yield _layout(described.checked(), " ".join(described.description.split()) or None), iter(())
        return
    with read(Upload(name, path), limits) as table:
        yield _layout(table.columns, None), table.batches


def _layout(columns: Sequence[PublishedColumn], description: str | None) -> Layout:
    kept = tuple(replace(column, stored=f"c{n}") for n, column in enumerate(columns, 1))
    return Layout(kept, tuple(map(sql_type, kept)), tuple(positions(kept)), description)


def _described(path: Path, limits: Limits) -> "_Described | None":
    """Return what VOSI's document says, or None when the file is another."""
    with path.open("rb") as file:
        if not file.read(512).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
            return None
        file.seek(0)
        found = _Described(limits)
        for _ in votable.parsed(file, found):
            if found.root is not None and found.root not in ROOTS:
                return None
    return found


@dataclass
class _Column:
    """A column while it is read."""

    texts: dict[str, str] = field(default_factory=dict)
    type_name: str = ""
    attributes: dict[str, str] = field(default_factory=dict)

    def finished(self) -> PublishedColumn:
        """Return it as VOTable would have it."""
        said = {tag: " ".join(words.split()) or None for tag, words in self.texts.items()}
        name = said.get("name") or ""
        if name.startswith('"') and name.endswith('"') and len(name) > 2:
            name = name[1:-1].replace('""', '"')
        datatype, size, xtype = self._type((said.get("dataType") or "").split("(")[0])
        return PublishedColumn(
            name,
            datatype,
            size,
            xtype,
            unit=said.get("unit"),
            ucd=said.get("ucd"),
            utype=said.get("utype"),
            description=said.get("description"),
        )

    def _type(self, written: str) -> tuple[str, str | None, str | None]:
        if self.type_name.startswith("TAP"):
            return TAP_TYPES.get(written.upper(), (written, None, None))
        size = self.attributes.get("arraysize", "").replace(" ", "") or None
        xtype = self.attributes.get("extendedType") or self.attributes.get("xtype") or None
        if written in {"char", "unicodeChar"}:
            xtype = votable.XTYPES.get(xtype or "", xtype)
            return written, "*" if xtype == "timestamp" else size, xtype
        return written, None if size == "1" else size, xtype


@dataclass
class _Described:
    """The first table of the document; the parser's errors are those of VOTables."""

    limits: Limits
    root: str | None = None
    description: str = ""
    columns: list[_Column] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    is_over: bool = False

    def checked(self) -> tuple[PublishedColumn, ...]:
        """Return the columns.

        Raises
        ------
        UploadError
            There are none, or one cannot be kept.
        """
        return checked([column.finished() for column in self.columns], most=self.limits.columns)

    def start(self, qualified: str, attributes: dict[str, str]) -> None:
        """Take a start tag."""
        tag = _local(qualified)
        self.root = self.root or tag
        self.path.append(tag)
        if len(self.path) > votable.DEEPEST:
            raise UploadError("its elements are nested too deeply")
        if self.is_over or self.root not in ROOTS:
            return
        if self.path[-2:] == ["table", "column"]:
            if len(self.columns) > self.limits.columns:
                raise UploadError(f"a table has at most {self.limits.columns} columns")
            self.columns.append(_Column())
        elif self.path[-2:] == ["column", "dataType"] and self.columns:
            given = {_local(key): value for key, value in attributes.items()}
            self.columns[-1].type_name = _local(given.get("type", ""))
            self.columns[-1].attributes = given

    def text(self, text: str) -> None:
        """Take text."""
        if self.is_over or self.root not in ROOTS:
            return
        if self.path[-3:-1] == ["table", "column"] and self.columns:
            texts, tag = self.columns[-1].texts, self.path[-1]
            texts[tag] = texts.get(tag, "") + text
            self._check_length(texts[tag])
        elif self.path[-2:] == ["table", "description"]:
            self.description += text
            self._check_length(self.description)

    def end(self, qualified: str) -> None:
        """Take an end tag."""
        self.path.pop()
        self.is_over = self.is_over or _local(qualified) == "table"

    def _check_length(self, text: str) -> None:
        if len(text) > LONGEST_TEXT:
            raise UploadError(f"a text in it is longer than {LONGEST_TEXT} characters")


def _local(qualified: str) -> str:
    return qualified.rpartition(":")[2]
