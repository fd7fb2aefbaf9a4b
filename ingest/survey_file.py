"""Read ``survey.toml``: the release, the programmes and the rules of naming, with the keys of the catalogue's columns.

What it lacks, and what no column would take, is refused with its place: a misspelt key must not be lost in silence.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from archive.errors import Refused
from schema.base import Base
from schema.observations import Programme
from schema.products import NamingRule, Release

__all__ = ["read_survey", "read_utf8"]

Entry = dict[str, Any]

SECTIONS: Final[Mapping[str, type[Base]]] = {"release": Release, "programme": Programme, "naming": NamingRule}
OURS: Final = {"release": {"source_sha256"}, "naming": {"release_id"}}
"""Columns that the archive fills."""

OPTIONAL: Final = frozenset({"filters"})
"""Columns that always have a value, but one that need not be said."""


def read_survey(path: Path) -> tuple[Entry, tuple[Entry, ...], tuple[Entry, ...]]:
    """Return the release, the programmes and the rules of naming.

    Raises
    ------
    Refused
        The file is missing or no TOML; a section or key is missing, unknown or of the wrong type.
    """
    try:
        found = tomllib.loads(read_utf8(path))
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{path}: {error}") from error
    _check_names(path, "the file", set(found), known=set(SECTIONS), required=set(SECTIONS))
    if not isinstance(found["release"], dict):
        raise Refused(f"{path}: [release] should be one table")
    for section in ("programme", "naming"):
        entries = found[section]
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise Refused(f"{path}: [[{section}]] should be a list of tables")
    for section in SECTIONS:
        for entry in [found["release"]] if section == "release" else found[section]:
            _check_entry(path, section, entry)
    return found["release"], tuple(found["programme"]), tuple(found["naming"])


def read_utf8(path: Path) -> str:
    """Read a text, with or without a byte order mark.

    Raises
    ------
    Refused
        The file is missing, cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise Refused(f"{path} is missing") from error
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{path} is not UTF-8: byte {error.start} cannot be") from error


def _check_entry(path: Path, section: str, entry: Entry) -> None:
    columns = {c.name: c for c in SECTIONS[section].__table__.columns if c.name not in OURS.get(section, ())}
    required = {name for name, column in columns.items() if not column.nullable} - OPTIONAL
    _check_names(path, f"[{section}]", set(entry), known=set(columns), required=required)
    for name, value in entry.items():
        wanted = columns[name].type.python_type
        if not isinstance(value, wanted) or (isinstance(value, list) and not all(isinstance(v, str) for v in value)):
            raise Refused(f"{path}: {name} of [{section}] should be of type {wanted.__name__}, not {value!r}")


def _check_names(path: Path, place: str, names: set[str], *, known: set[str], required: set[str]) -> None:
    if missing := sorted(required - names):
        raise Refused(f"{path}: {place} lacks {', '.join(missing)}")
    if unknown := sorted(names - known):
        raise Refused(f"{path}: {place} has the unknown key {', '.join(unknown)}")
