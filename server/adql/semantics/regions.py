"""Regions written as text: the common subset of STC-S for REGION, and DALI's lists of numbers for CAST.

Circles, boxes, polygons and positions in ICRS; no unions, no ellipses, no units but degrees.
"""

import re
from collections.abc import Sequence
from typing import Final

from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.meaning import DOUBLE, Kind, number
from server.adql.semantics.shapes import accepted_frame, box, circle, point, polygon

__all__ = ["REGION_NUMBERS", "dali_shape", "region_shape"]

REGION_NUMBERS: Final = "(string_to_array({0}, ' '))[3:]::float8[]"
"""The numbers of a region as our own columns have it: ``POLYGON ICRS 1 2 3 4 5 0``."""

_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_NUMBERS: Final = {"POSITION": 2, "CIRCLE": 3, "BOX": 4}
_IGNORED: Final = frozenset({"SPHERICAL2", "UNIT", "DEG", "TOPOCENTER", "GEOCENTER", "BARYCENTER"})


def region_shape(value: checked.Value, *, at: int) -> checked.Value:
    """Return the geometry that a string literal in STC-S describes: ``POLYGON J2000 10 20 30 40 50 60``."""
    words = _text(value, "REGION").replace(",", " ").split()
    kind = words[0].upper() if words else ""
    if kind not in {*_NUMBERS, "POLYGON"}:
        raise Fault("REGION knows POSITION, CIRCLE, BOX and POLYGON", value.at)
    numbers = _after_frame(words[1:], value.at)
    expected = _NUMBERS.get(kind, len(numbers))
    if len(numbers) != expected:
        raise Fault(f"{kind} in REGION has {expected} numbers, not {len(numbers)}", value.at)
    return _shape(kind, numbers, at)


def _after_frame(words: Sequence[str], at: int) -> list[float]:
    """Return the numbers after the words for frame, origin and flavour, of which there may be none."""
    rest = list(words)
    while rest and not _NUMBER.fullmatch(rest[0]):
        word = rest.pop(0).upper()
        if word not in _IGNORED and not accepted_frame(word):
            raise Fault(f"REGION in '{word}' is not supported; use ICRS", at)
    if len(rest) > 2 and [word.lower() for word in rest[-2:]] == ["unit", "deg"]:
        rest = rest[:-2]
    return [_number(word, at) for word in rest]


def dali_shape(value: checked.Value, kind: Kind, *, at: int) -> checked.Value:
    """Return the geometry that a string literal spells as DALI does: ``10 20 0.5`` for a circle."""
    numbers = [_number(word, value.at) for word in _text(value, f"CAST AS {kind.name}").split()]
    expected = {Kind.POINT: 2, Kind.CIRCLE: 3}.get(kind, len(numbers))
    if len(numbers) != expected:
        raise Fault(f"{kind.value} is {expected} numbers, not {len(numbers)}", value.at)
    return _shape({Kind.POINT: "POSITION"}.get(kind, kind.name), numbers, at)


def _shape(kind: str, numbers: list[float], at: int) -> checked.Value:
    values = [_constant(one, at) for one in numbers]
    if kind == "POSITION":
        return point(values[0], values[1], at=at)
    if kind == "CIRCLE":
        return circle(point(values[0], values[1], at=at), values[2], at=at)
    if kind == "BOX":
        return box(point(values[0], values[1], at=at), values[2], values[3], at=at)
    if len(values) % 2 or len(values) < 6:
        raise Fault("a polygon needs an even number of coordinates, six or more", at)
    pairs = zip(values[::2], values[1::2], strict=True)
    return polygon([point(longitude, latitude, at=at) for longitude, latitude in pairs], at=at)


def _constant(value: float, at: int) -> checked.Value:
    return checked.Constant(value, "float8", meaning=number(DOUBLE.datatype), at=at)


def _number(word: str, at: int) -> float:
    if not _NUMBER.fullmatch(word):
        raise Fault(f"'{word}' is not a number", at)
    return float(word)


def _text(value: checked.Value, what: str) -> str:
    if isinstance(value, checked.Constant) and value.meaning.kind is Kind.TEXT:
        return str(value.value)
    raise Fault(f"{what} needs a string literal", value.at)
