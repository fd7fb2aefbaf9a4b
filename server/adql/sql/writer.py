"""The texts of names and literals, and the three ways to go on that the writers of single nodes need."""

from collections.abc import Callable
from dataclasses import dataclass

from server.adql.semantics import checked

__all__ = ["Writer", "literal", "quoted", "string"]


@dataclass(frozen=True)
class Writer:
    """How the parts of a node are written: as a value, as a geometry of pgSphere, as a query."""

    value: Callable[[checked.Value], str]
    sphere: Callable[[checked.Value], str]
    query: Callable[[checked.Query], str]


def quoted(name: str) -> str:
    """Return a name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def string(text: str) -> str:
    """Return a text in quotes; by ``standard_conforming_strings`` a backslash is a character like any other."""
    return "'" + text.replace("'", "''") + "'"


def literal(constant: checked.Constant) -> str:
    """Return a literal of an explicit type."""
    match constant.value:
        case None:
            return f"NULL::{constant.sql_type}" if constant.sql_type else "NULL"
        case bool():
            return "TRUE" if constant.value else "FALSE"
        case str(text):
            return f"{string(text)}::{constant.sql_type}"
        case int() if constant.sql_type == "integer":
            return f"({constant.value})" if constant.value < 0 else str(constant.value)
        case number:
            return f"({number!r}::{constant.sql_type})" if number < 0 else f"{number!r}::{constant.sql_type}"
