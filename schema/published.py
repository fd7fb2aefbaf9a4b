"""The published tables, read off the declarations: what TAP_SCHEMA lists, ADQL resolves and VOTable describes.

Nothing here talks to the database.  ``catalogue()`` is the whole answer; ADQL sees no table that is not in it.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from sqlalchemy import ARRAY, BigInteger, Column, Double, Integer, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.types import TypeEngine

from schema.base import ColumnMeaning
from schema.views import View

__all__ = ["SCHEMAS", "ForeignKey", "PublishedColumn", "PublishedTable", "catalogue", "votable_type"]

SCHEMAS: Final = {
    "ivoa": "Tables that the IVOA defines.",
    "survey": "The survey: programmes, galaxies, pointings, observing blocks, exposures, products and releases.",
    "maps": "What was measured in cubes, a spaxel or a bin a row: stellar kinematics and emission lines.",
    "dbo": "Raw frames under ESO's names.",
    "ist": "Raw frames of one instrument under ESO's names.",
    "phase3v2": "The files of products under ESO's names.",
    "provenance": "How products came to be, in the shape of the IVOA Provenance Data Model.",
    "tap_schema": "The tables in which this service describes itself.",
}


@dataclass(frozen=True)
class PublishedColumn:
    """One column as the outside world sees it.

    ``datatype``, ``arraysize`` and ``xtype`` are VOTable's; ``unit`` is VOUnit; ``geometry`` names the pgSphere
    column of the same table that stands for this one inside CONTAINS and its like, or is None; ``stored`` is the
    column's name in the database where it is another.
    """

    name: str
    datatype: str
    arraysize: str | None = None
    xtype: str | None = None
    unit: str | None = None
    ucd: str | None = None
    utype: str | None = None
    description: str | None = None
    principal: bool = False
    indexed: bool = False
    std: bool = False
    geometry: str | None = None
    stored: str | None = None


@dataclass(frozen=True)
class ForeignKey:
    """A join that the data model knows of: ``columns`` of one table refer to ``target_columns`` of ``target``."""

    target: str
    columns: tuple[str, ...]
    target_columns: tuple[str, ...]


@dataclass(frozen=True)
class PublishedTable:
    """One table or view as the outside world sees it; ``qualified`` is the name that queries use.

    ``stored`` is its schema and name in the database where they are others; with ``argument`` that is a function,
    called with this text.
    """

    schema: str
    name: str
    columns: tuple[PublishedColumn, ...]
    description: str | None = None
    utype: str | None = None
    kind: str = "table"
    foreign_keys: tuple[ForeignKey, ...] = field(default=())
    stored: tuple[str, str] | None = None
    argument: str | None = None

    @property
    def qualified(self) -> str:
        """The table's name with its schema's, as queries write it."""
        return f"{self.schema}.{self.name}"


@cache
def catalogue() -> tuple[PublishedTable, ...]:
    """Return every published table, schemas in the order of ``SCHEMAS``, tables by name."""
    from schema import declarations

    declared = [_published(t) for t in declarations.metadata().tables.values() if t.info["published"]]
    views = [_published_view(v) for v in declarations.VIEWS]
    order = list(SCHEMAS)
    return tuple(sorted([*views, *declared], key=lambda t: (order.index(t.schema), t.name)))


def votable_type(sql_type: TypeEngine[object]) -> tuple[str, str | None]:
    """Return VOTable datatype and arraysize of a column of this SQL type.

    Raises
    ------
    TypeError
        The type has no VOTable form: such a column cannot be published.
    """
    match sql_type:
        case TIMESTAMP() | Text():
            return "char", "*"
        case BigInteger():
            return "long", None
        case SmallInteger():
            return "short", None
        case Integer():
            return "int", None
        case Double():
            return "double", None
        case ARRAY() if not isinstance(sql_type.item_type, Text):
            return votable_type(sql_type.item_type)[0], "*"
        case _:
            raise TypeError(f"a column of type {sql_type!r} cannot be published")


def _published(declared: Table) -> PublishedTable:
    schema = declared.schema
    if schema is None:
        raise TypeError(f"table {declared.name} has no schema")
    indexed = _indexed(declared)
    return PublishedTable(
        schema=schema,
        name=declared.name,
        columns=tuple(
            _published_column(c, indexed=indexed, std=schema == "tap_schema")
            for c in declared.columns
            if c.info["meaning"] is not None
        ),
        description=declared.comment,
        utype=declared.info["utype"],
        foreign_keys=tuple(
            ForeignKey(f"{key.column.table.schema}.{key.column.table.name}", (key.parent.name,), (key.column.name,))
            for key in sorted(declared.foreign_keys, key=lambda key: key.parent.name)
        ),
    )


def _published_view(view: View) -> PublishedTable:
    columns = tuple(
        PublishedColumn(
            name=c.name,
            datatype=c.datatype,
            arraysize=c.arraysize,
            xtype=c.xtype,
            unit=c.unit,
            ucd=c.ucd,
            utype=c.utype,
            description=c.description,
            principal=c.name in view.standard,
            indexed=c.name in view.indexed,
            std=c.name in view.standard,
            geometry=c.geometry,
        )
        for c in view.columns
    )
    return PublishedTable(view.schema, view.name, columns, view.description, view.utype, kind="view")


def _indexed(declared: Table) -> frozenset[str]:
    """Return the columns that some index begins with or, as a position, is computed from."""
    expressions = [str(e) for index in declared.indexes for e in index.expressions]
    words = {word for e in expressions for word in re.findall(r"\w+", e)}
    return frozenset(words | {c.name for c in declared.primary_key})


def _published_column(declared: Column[object], *, indexed: frozenset[str], std: bool) -> PublishedColumn:
    meaning: ColumnMeaning = declared.info["meaning"]
    datatype, arraysize = votable_type(declared.type)
    return PublishedColumn(
        name=declared.name,
        datatype=datatype,
        arraysize=arraysize,
        xtype=meaning.xtype,
        unit=meaning.unit,
        ucd=meaning.ucd,
        utype=meaning.utype,
        description=declared.comment,
        principal=meaning.principal,
        indexed=declared.name in indexed or meaning.geometry in indexed,
        std=std,
        geometry=meaning.geometry,
    )
