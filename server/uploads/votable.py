"""VOTable read as a stream: the fields of its first table with data, then the rows as they come.

The parser is expat, hardened: no entity is ever expanded, no document type brings declarations of its own, nothing
is fetched, nesting and single tags are bounded.  Rows: ``tabledata`` and ``binary``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import IO, Any, Final, Protocol
from xml.parsers import expat

import pyarrow as pa

from schema.published import PublishedColumn
from server.uploads.columns import TEXTS, checked
from server.uploads.errors import UploadError
from server.uploads.limits import Limits

__all__ = ["XTYPES", "Field", "Listener", "Rows", "fields", "parsed", "read"]

BLOCK: Final = 1 << 18
DEEPEST: Final = 64
LONGEST_TOKEN: Final = 4 << 20
XTYPES: Final = {"adql:TIMESTAMP": "timestamp", "iso8601": "timestamp"}


@dataclass(frozen=True)
class Field:
    """A FIELD: the column, the value that stands for NULL as it is written, whether its booleans are VOTable's bits.

    ``written`` is the column as the document has it: a timestamp may have a fixed width there, to queries it has none.
    """

    column: PublishedColumn
    written: PublishedColumn
    null: str | None = None
    is_bits: bool = False


class Listener(Protocol):
    """Is told of a document as it is parsed; names come with their prefixes."""

    def start(self, qualified: str, attributes: dict[str, str]) -> None:
        """Take a start tag."""

    def text(self, text: str) -> None:
        """Take text."""

    def end(self, qualified: str) -> None:
        """Take an end tag."""


class Rows(Protocol):
    """Reads the rows of one serialization, fed by the parser with what is inside DATA."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take a start tag."""

    def text(self, text: str) -> None:
        """Take text."""

    def end(self, tag: str) -> None:
        """Take an end tag."""

    def batches(self, *, last: bool) -> Iterator[pa.RecordBatch]:
        """Yield the rows that are whole."""


@dataclass
class _Making:
    """A FIELD while it is read."""

    attributes: dict[str, str]
    description: str = ""
    null: str | None = None


@dataclass
class Document:
    """What the parser has met so far."""

    limits: Limits
    path: list[str] = field(default_factory=list)
    making: list[_Making] = field(default_factory=list)
    fields: tuple[Field, ...] | None = None
    rows: Rows | None = None
    is_over: bool = False

    def start(self, qualified: str, attributes: dict[str, str]) -> None:
        """Take a start tag."""
        tag = qualified.rpartition(":")[2]
        self.path.append(tag)
        if len(self.path) > DEEPEST:
            raise UploadError("its elements are nested too deeply")
        if len(self.path) == 1 and tag != "VOTABLE":
            raise UploadError(f"it is XML, but no VOTable: its root is {tag[:40]}")
        if self.is_over:
            return
        if self.rows is not None:
            self.rows.start(tag, attributes)
        elif tag == "TABLE":
            self.making = []
        elif tag == "FIELD":
            self._start_field(attributes)
        elif tag == "VALUES" and self._in("TABLE", "FIELD") and "null" in attributes:
            self.making[-1].null = attributes["null"].strip()
        elif tag in {"TABLEDATA", "BINARY", "BINARY2", "FITS"} and self._in("TABLE", "DATA"):
            self._start_rows(tag)

    def text(self, text: str) -> None:
        """Take text."""
        if self.rows is not None and not self.is_over:
            self.rows.text(text)
        elif self._at("TABLE", "FIELD", "DESCRIPTION"):
            self.making[-1].description += text

    def end(self, qualified: str) -> None:
        """Take an end tag."""
        tag = qualified.rpartition(":")[2]
        self.path.pop()
        if self.is_over:
            return
        if self.rows is not None:
            if tag == "DATA":
                self.is_over = True
            else:
                self.rows.end(tag)
        elif tag == "TABLE" and self.making:
            self._finish_fields()
            self.is_over = True

    def _in(self, *parents: str) -> bool:
        return tuple(self.path[-len(parents) - 1 : -1]) == parents

    def _at(self, *path: str) -> bool:
        return tuple(self.path[-len(path) :]) == path

    def _start_field(self, attributes: dict[str, str]) -> None:
        if len(self.making) > self.limits.columns:
            raise UploadError(f"a table has at most {self.limits.columns} columns")
        self.making.append(_Making(dict(attributes)))

    def _finish_fields(self) -> tuple[Field, ...]:
        made = [_field(one) for one in self.making]
        checked([one.written for one in made], most=self.limits.columns)
        self.fields = tuple(made)
        return self.fields

    def _start_rows(self, tag: str) -> None:
        from server.uploads.binary import BinaryRows
        from server.uploads.tabledata import TabledataRows

        found = self._finish_fields()
        if tag == "FITS":
            raise UploadError("a VOTable around FITS is not taken; send the FITS file itself")
        self.rows = TabledataRows(found) if tag == "TABLEDATA" else BinaryRows(found, flagged=tag == "BINARY2")


def read(file: IO[bytes], limits: Limits) -> tuple[tuple[PublishedColumn, ...], Iterator[pa.RecordBatch]]:
    """Read the first table of a VOTable.

    Raises
    ------
    UploadError
        It is no VOTable, one that attacks its reader, or has no table; while the rows are read: a cell is wrong.
    """
    document = Document(limits)
    blocks = parsed(file, document)
    while document.fields is None and next(blocks, False):
        pass
    if document.fields is None:
        raise UploadError("the VOTable has no table")
    return tuple(one.column for one in document.fields), _batches(document, blocks)


def fields(document: bytes, limits: Limits) -> tuple[Field, ...]:
    """Read the fields of a VOTable, its rows left aside."""
    import io

    found = Document(limits)
    for _ in parsed(io.BytesIO(document), found):
        if found.fields is not None:
            break
    return found.fields or ()


def _batches(document: Document, blocks: Iterator[bool]) -> Iterator[pa.RecordBatch]:
    if document.rows is not None:
        yield from document.rows.batches(last=document.is_over)
    for _ in blocks:
        if document.rows is not None:
            yield from document.rows.batches(last=False)
    if document.rows is not None:
        yield from document.rows.batches(last=True)


def parsed(file: IO[bytes], document: Listener) -> Iterator[bool]:
    """Parse block by block; a tag, comment or attribute that does not end is not waited for.

    Raises
    ------
    UploadError
        It is no XML, or attacks its reader.
    """
    parser = _parser(document)
    given = 0
    try:
        while block := file.read(BLOCK):
            parser.Parse(block, False)  # noqa: FBT003  expat's own order
            given += len(block)
            if given - parser.CurrentByteIndex > LONGEST_TOKEN:
                raise UploadError(f"a single tag or comment is larger than {LONGEST_TOKEN >> 20} MB")
            yield True
        parser.Parse(b"", True)  # noqa: FBT003
    except expat.ExpatError as error:
        words = expat.ErrorString(error.code)
        raise UploadError(f"not well-formed XML: line {error.lineno}, column {error.offset + 1}: {words}") from error
    except (LookupError, UnicodeError) as error:
        raise UploadError("its encoding is unknown or not kept to") from error
    yield True


def _parser(document: Listener) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.buffer_size = 1 << 16
    parser.StartElementHandler = document.start
    parser.EndElementHandler = document.end
    parser.CharacterDataHandler = document.text
    parser.StartDoctypeDeclHandler = _doctype
    parser.EntityDeclHandler = _refuse
    parser.UnparsedEntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    return parser


def _doctype(_name: str, _system: str | None, _public: str | None, has_subset: int) -> None:
    """The document types of early VOTables only name a file, which is not read; one with declarations is an attack."""
    if has_subset:
        _refuse()


def _refuse(*_: Any) -> int:
    raise UploadError("XML with declarations of its own (a DOCTYPE with entities) is not taken")


def _field(made: _Making) -> Field:
    written = _written(made)
    if written.datatype != "bit":
        return Field(_column(written), written, made.null or None)
    if written.arraysize is not None and written.arraysize.endswith("*"):
        raise UploadError(f"column '{written.name}': bits in varying number cannot be taken")
    truths = replace(written, datatype="boolean")
    return Field(truths, truths, is_bits=True)


def _column(written: PublishedColumn) -> PublishedColumn:
    """Return a column as queries see it."""
    if written.datatype not in TEXTS:
        return written
    xtype = XTYPES.get(written.xtype or "", written.xtype)
    return replace(written, xtype=xtype, arraysize="*" if xtype == "timestamp" else written.arraysize)


def _written(made: _Making) -> PublishedColumn:
    given = made.attributes
    size = given.get("arraysize", "").replace(" ", "") or None
    return PublishedColumn(
        name=(given.get("name") or given.get("ID") or "").strip(),
        datatype=given.get("datatype", "").strip(),
        arraysize=None if size == "1" else size,
        xtype=given.get("xtype", "").strip() or None,
        unit=given.get("unit", "").strip() or None,
        ucd=given.get("ucd", "").strip() or None,
        utype=given.get("utype", "").strip() or None,
        description=" ".join(made.description.split()) or None,
    )
