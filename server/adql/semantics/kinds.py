"""Which kinds of value may meet, and strings that become timestamps because they meet one."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.meaning import (
    GEOMETRIES,
    SQL_TYPES,
    TEXT,
    TIMESTAMP,
    Kind,
    Meaning,
    computed,
    number,
    shared,
)

__all__ = ["as_timestamp", "cast_to", "comparable", "constant_number", "merged", "require", "same_kind"]

_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?Z?", re.ASCII)

_INCOMPARABLE: Final = GEOMETRIES | {Kind.ARRAY}
_SCALARS: Final = frozenset({Kind.NUMBER, Kind.TEXT, Kind.REGION, Kind.MOC})
_NULLS: Final = {
    Kind.NUMBER: ("integer", number("int")),
    Kind.TEXT: ("text", TEXT),
    Kind.TIME: ("timestamp", TIMESTAMP),
}


def require(value: checked.Value, *kinds: Kind, what: str) -> checked.Value:
    """Return ``value``, which must be of one of these kinds; NULL becomes one of them."""
    if value.meaning.kind in kinds:
        return value
    if value.meaning.kind is Kind.NULL and kinds[0] in _NULLS:
        sql_type, meaning = _NULLS[kinds[0]]
        return checked.Constant(None, sql_type, meaning=meaning, at=value.at)
    if Kind.TIME in kinds and _is_text_constant(value):
        return as_timestamp(value)
    expected = " or ".join(kind.value for kind in kinds)
    raise Fault(f"{what} needs {expected}, not {value.meaning.kind.value}", value.at)


def comparable(values: Sequence[checked.Value], *, at: int) -> tuple[checked.Value, ...]:
    """Return values that are to be compared, strings made timestamps where they meet one."""
    for value in values:
        if value.meaning.kind in _INCOMPARABLE:
            raise Fault(f"{value.meaning.kind.value} cannot be compared; use CONTAINS, INTERSECTS or DISTANCE", at)
    return same_kind(values, at=at, what="compare")


def same_kind(values: Sequence[checked.Value], *, at: int, what: str) -> tuple[checked.Value, ...]:
    """Return values of one kind, NULL aside; strings become timestamps where they meet one."""
    if any(value.meaning.kind is Kind.TIME for value in values):
        values = [as_timestamp(value) if _is_text_constant(value) else value for value in values]
    known = [value for value in values if value.meaning.kind is not Kind.NULL]
    for value in known[1:]:
        if value.meaning.kind is not known[0].meaning.kind:
            raise Fault(_mismatch(what, known[0], value), at)
    return tuple(_untyped(value) if value.meaning.kind is Kind.NULL else value for value in values)


def _untyped(value: checked.Value) -> checked.Value:
    """Return NULL without a type, for a column that can be nothing else."""
    return checked.Constant(None, "", meaning=value.meaning, at=value.at)


def merged(values: Sequence[checked.Value], *, at: int, what: str) -> tuple[tuple[checked.Value, ...], Meaning]:
    """Return alternatives of one value (CASE, COALESCE) and what the result means: constants have no say in it."""
    values = same_kind(values, at=at, what=what)
    known = [value for value in values if value.meaning.kind is not Kind.NULL]
    if not known:
        return values, values[0].meaning
    full = shared([value.meaning for value in known])
    telling = [value.meaning for value in known if not isinstance(value, checked.Constant)]
    said = computed(shared(telling) if telling else full)
    return values, replace(full, unit=said.unit, ucd=said.ucd, utype=None, description=None)


def as_timestamp(value: checked.Value) -> checked.Value:
    """Return a string constant as the timestamp that it spells, in the form of DALI."""
    text = str(value.value) if isinstance(value, checked.Constant) else ""
    if _ISO.fullmatch(text) is None or not _is_date(text):
        raise Fault(f"'{text}' is no timestamp; write it like 2019-08-30T23:59:59.5", value.at)
    return checked.Constant(text.removesuffix("Z"), "timestamp", meaning=TIMESTAMP, at=value.at)


def _is_date(text: str) -> bool:
    whole = text.removesuffix("Z").split(".")[0]
    try:
        return datetime.fromisoformat(whole).year > 0
    except ValueError:
        return False


def cast_to(value: checked.Value, meaning: Meaning) -> checked.Value:
    """Return ``value`` as the numeric or other type of ``meaning``, for columns that must agree."""
    sql_type = SQL_TYPES.get(meaning.datatype, "text") if meaning.kind in _SCALARS else None
    sql_type = {Kind.TIME: "timestamp", Kind.BOOLEAN: "boolean"}.get(meaning.kind, sql_type or "double precision[]")
    return checked.Apply(f"({{0}})::{sql_type}", (value,), meaning=meaning, at=value.at)


def constant_number(value: checked.Value) -> float | None:
    """Return the number that a literal is, or None for all that is no literal number."""
    if isinstance(value, checked.Constant) and value.meaning.kind is Kind.NUMBER and value.value is not None:
        return float(value.value)
    return None


def _is_text_constant(value: checked.Value) -> bool:
    return isinstance(value, checked.Constant) and value.meaning.kind is Kind.TEXT


def _mismatch(what: str, left: checked.Value, right: checked.Value) -> str:
    kinds = {left.meaning.kind, right.meaning.kind}
    message = f"cannot {what} {left.meaning.kind.value} with {right.meaning.kind.value}"
    if Kind.BOOLEAN in kinds:
        message += "; booleans are TRUE or FALSE"
    return message
