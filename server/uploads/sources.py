"""The UPLOAD parameter of TAP: ``name,uri`` once or more, with semicolons between.

A URI is ``param:part``, a part of the same request, or an address by http or https.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from server.uploads.errors import UploadError

__all__ = ["Source", "parse"]

MOST: Final = 10
"""Tables in one request."""
LONGEST_NAME: Final = 128
LONGEST_URI: Final = 8190

_REGULAR: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_ITEM: Final = re.compile(r"""\s*(?P<name>"(?:[^"]|"")*"|[^",;]*?)\s*,\s*(?P<uri>[^;]*?)\s*(?:;|\Z)""", re.DOTALL)


@dataclass(frozen=True)
class Source:
    """A table to come: the name that queries use after ``tap_upload.``, as it is meant, and where it comes from."""

    name: str
    uri: str

    @property
    def part(self) -> str | None:
        """The name of the part of the request that holds the table, or None when it comes from elsewhere."""
        return self.uri[len("param:") :] if self.uri.lower().startswith("param:") else None


def parse(values: Iterable[str]) -> tuple[Source, ...]:
    """Read all values of UPLOAD.

    Raises
    ------
    UploadError
        They are no list of names and URIs, a name is none or comes twice, there are too many.
    """
    sources = tuple(source for value in values for source in _sources(value))
    seen: set[str] = set()
    for source in sources:
        if source.name.lower() in seen:
            raise UploadError(f"UPLOAD names the table '{source.name}' twice")
        seen.add(source.name.lower())
    if len(sources) > MOST:
        raise UploadError(f"UPLOAD takes at most {MOST} tables at once, not {len(sources)}")
    return sources


def _sources(value: str) -> Iterable[Source]:
    place = 0
    while value[place:].strip():
        item = _ITEM.match(value, place)
        if item is None:
            raise UploadError(f"UPLOAD is name,uri with semicolons between, not {value[place : place + 60]!r}")
        place = item.end()
        yield Source(_name(item["name"]), _uri(item["uri"]))


def _name(written: str) -> str:
    """Return a table's name, as ADQL's rules for identifiers read it."""
    name = written[1:-1].replace('""', '"') if written.startswith('"') else written
    delimited = written.startswith('"') and bool(name.strip()) and name.isprintable()
    if not delimited and _REGULAR.fullmatch(name) is None:
        raise UploadError(
            f"UPLOAD: {written[:60]!r} is no name for a table; use letters, digits and underscores, or double quotes"
        )
    if len(name) > LONGEST_NAME:
        raise UploadError(f"UPLOAD: a table's name has at most {LONGEST_NAME} characters")
    return name


def _uri(written: str) -> str:
    scheme = written.partition(":")[0].lower()
    if scheme not in {"param", "http", "https"} or len(written) > LONGEST_URI:
        raise UploadError(f"UPLOAD takes param:, http: and https: URIs, not {written[:60]!r}")
    return written
