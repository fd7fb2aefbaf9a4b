"""What is known of a value: its kind for checks, its VOTable type for encoders, its unit and UCD for people."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from schema.published import PublishedColumn

__all__ = ["BOOLEAN", "CONDITION", "DOUBLE", "GEOMETRIES", "INTEGERS", "NULL", "SQL_TYPES", "TEXT", "TIMESTAMP"]
__all__ += ["Kind", "Meaning", "computed", "geometry", "number", "of_column", "promoted", "shared", "with_statistic"]


class Kind(Enum):
    """What can be done with a value; the text is how an error calls it."""

    NUMBER = "a number"
    TEXT = "a string"
    TIME = "a timestamp"
    BOOLEAN = "a boolean"
    POINT = "a point"
    CIRCLE = "a circle"
    POLYGON = "a polygon"
    REGION = "a region"
    MOC = "a MOC"
    ARRAY = "an array"
    NULL = "NULL"
    CONDITION = "a condition"


@dataclass(frozen=True, slots=True)
class Meaning:
    """The kind of a value and everything that VOTable says of a column, except its name."""

    kind: Kind
    datatype: str
    arraysize: str | None = None
    xtype: str | None = None
    unit: str | None = None
    ucd: str | None = None
    utype: str | None = None
    description: str | None = None


GEOMETRIES: Final = frozenset({Kind.POINT, Kind.CIRCLE, Kind.POLYGON, Kind.REGION, Kind.MOC})
INTEGERS: Final = frozenset({"unsignedByte", "short", "int", "long"})

TEXT: Final = Meaning(Kind.TEXT, "char", "*")
DOUBLE: Final = Meaning(Kind.NUMBER, "double")
BOOLEAN: Final = Meaning(Kind.BOOLEAN, "boolean")
TIMESTAMP: Final = Meaning(Kind.TIME, "char", "*", "timestamp")
NULL: Final = Meaning(Kind.NULL, "char", "*")
CONDITION: Final = Meaning(Kind.CONDITION, "boolean")

SQL_TYPES: Final = {
    "unsignedByte": "smallint",
    "short": "smallint",
    "int": "integer",
    "long": "bigint",
    "float": "real",
    "double": "double precision",
}
"""The PostgreSQL types of numbers, from the narrowest to the widest."""

_WIDTH: Final = {name: rank for rank, name in enumerate(SQL_TYPES)}
_SHAPES: Final = {
    Kind.POINT: Meaning(Kind.POINT, "double", "2", "point", unit="deg", ucd="pos.eq"),
    Kind.CIRCLE: Meaning(Kind.CIRCLE, "double", "3", "circle", unit="deg", ucd="pos.outline"),
    Kind.POLYGON: Meaning(Kind.POLYGON, "double", "*", "polygon", unit="deg", ucd="pos.outline"),
    Kind.MOC: Meaning(Kind.MOC, "char", "*", "moc", ucd="pos.outline"),
}
_XTYPES: Final = {"point": Kind.POINT, "circle": Kind.CIRCLE, "polygon": Kind.POLYGON}
_SEARCHED: Final = {**_XTYPES, "adql:REGION": Kind.REGION}
"""The kinds of columns that have a pgSphere column beside them; without one a region is but a text."""


def number(datatype: str, *, unit: str | None = None, ucd: str | None = None) -> Meaning:
    """Return the meaning of a number."""
    return Meaning(Kind.NUMBER, datatype, unit=unit, ucd=ucd)


def geometry(kind: Kind) -> Meaning:
    """Return the meaning of a point, circle, polygon or MOC as DALI serialises it."""
    return _SHAPES[kind]


def of_column(column: PublishedColumn) -> Meaning:
    """Return all that is published of a column."""
    return Meaning(
        kind=_kind(column),
        datatype=column.datatype,
        arraysize=column.arraysize,
        xtype=column.xtype,
        unit=column.unit,
        ucd=column.ucd,
        utype=column.utype,
        description=column.description,
    )


def _kind(column: PublishedColumn) -> Kind:
    shapes = _XTYPES if column.geometry is None else _SEARCHED
    if column.geometry is not None or (column.xtype in shapes and column.datatype == "double"):
        return shapes.get(column.xtype or "", Kind.POLYGON)
    if column.datatype in {"char", "unicodeChar"}:
        return Kind.TIME if column.xtype == "timestamp" else Kind.TEXT
    if column.arraysize not in {None, "1"}:
        return Kind.ARRAY
    if column.datatype == "boolean":
        return Kind.BOOLEAN
    return Kind.NUMBER if column.datatype in SQL_TYPES else Kind.ARRAY


def promoted(datatypes: Iterable[str]) -> str:
    """Return the numeric type that holds all of these; whole numbers and ``float`` need ``double``."""
    found = set(datatypes)
    widest = max(found, key=_WIDTH.__getitem__)
    return "double" if widest == "float" and len(found) > 1 else widest


def shared(meanings: Sequence[Meaning]) -> Meaning:
    """Return what is true of all of these, which are of one kind: for CASE, COALESCE, sums and set operations."""
    first = meanings[0]
    kept = {
        field: getattr(first, field) if all(getattr(one, field) == getattr(first, field) for one in meanings) else None
        for field in ("arraysize", "xtype", "unit", "ucd", "utype", "description")
    }
    if first.kind is Kind.NUMBER:
        return Meaning(first.kind, promoted(one.datatype for one in meanings), **kept)
    if first.kind in {Kind.TEXT, Kind.TIME}:
        wide = any(one.datatype == "unicodeChar" for one in meanings)
        kept["arraysize"] = kept["arraysize"] or "*"
        return Meaning(first.kind, "unicodeChar" if wide else "char", **kept)
    return Meaning(first.kind, first.datatype, **kept)


def computed(meaning: Meaning) -> Meaning:
    """Return what stays true of a value reckoned from such values: it is no longer the column itself."""
    words = [word for word in (meaning.ucd or "").split(";") if word and word != "meta.main"]
    return replace(meaning, ucd=";".join(words) or None, utype=None, description=None)


def with_statistic(meaning: Meaning, word: str) -> Meaning:
    """Return the meaning of a statistic over such values: ``pos.eq.ra;meta.main`` becomes ``pos.eq.ra;stat.max``."""
    kept = computed(meaning)
    words = [one for one in (kept.ucd or "").split(";") if one and one != word]
    return replace(kept, ucd=";".join([*words, word]))
