"""TAP_SCHEMA 1.1: the tables in which the service describes itself, and the rows that fill them.

The rows are computed from the declarations; ``archive.database`` writes them whenever the declarations changed.
"""

from typing import Any

from sqlalchemy import ForeignKey as Refers
from sqlalchemy.orm import Mapped

from schema.base import Base, column, hidden, table
from schema.published import SCHEMAS, ForeignKey, PublishedTable

__all__ = ["rows"]


class Schemas(Base):
    """The published schemas."""

    __tablename__ = "schemas"
    __table_args__ = (table("tap_schema", "The published schemas."),)

    schema_name: Mapped[str] = column(primary_key=True, doc="Name of the schema.", ucd="meta.id", principal=True)
    utype: Mapped[str | None] = column(doc="Data model of the schema.", ucd="meta.id")
    description: Mapped[str | None] = column(doc="What is in it.", ucd="meta.note", principal=True)
    schema_index: Mapped[int | None] = column(doc="Place in a listing.", ucd="meta.number")


class Tables(Base):
    """The published tables."""

    __tablename__ = "tables"
    __table_args__ = (table("tap_schema", "The published tables and views."),)

    schema_name: Mapped[str] = column(
        None, Refers("tap_schema.schemas.schema_name"), doc="Schema of the table.", ucd="meta.id", principal=True
    )
    table_name: Mapped[str] = column(
        primary_key=True, doc="Name of the table as queries write it.", ucd="meta.id;meta.table", principal=True
    )
    table_type: Mapped[str] = column(doc="table or view.", ucd="meta.code.class", principal=True)
    utype: Mapped[str | None] = column(doc="Data model of the table.", ucd="meta.id")
    description: Mapped[str | None] = column(doc="What is in it.", ucd="meta.note", principal=True)
    table_index: Mapped[int | None] = column(doc="Place in a listing.", ucd="meta.number")
    cat_id: Mapped[int | None] = column(doc="Number of a catalogue at ESO: clients of ESO ask for it.", ucd="meta.id")
    title: Mapped[str | None] = column(doc="Title of a catalogue: clients of ESO ask for it.", ucd="meta.title")
    version: Mapped[int | None] = column(doc="Version of a catalogue: clients of ESO ask for it.", ucd="meta.version")


class Columns(Base):
    """The published columns."""

    __tablename__ = "columns"
    __table_args__ = (table("tap_schema", "The columns of the published tables."),)

    table_name: Mapped[str] = column(
        None,
        Refers("tap_schema.tables.table_name"),
        primary_key=True,
        doc="Table of the column.",
        ucd="meta.id;meta.table",
        principal=True,
    )
    column_name: Mapped[str] = column(primary_key=True, doc="Name of the column.", ucd="meta.id", principal=True)
    datatype: Mapped[str] = column(doc="VOTable data type.", ucd="meta.code.class", principal=True)
    arraysize: Mapped[str | None] = column(doc="VOTable array size.", ucd="meta.number")
    xtype: Mapped[str | None] = column(doc="DALI extended type.", ucd="meta.code.class")
    size: Mapped[int | None] = column(
        doc="Length of a column of fixed length; kept for old clients.", ucd="meta.number"
    )
    description: Mapped[str | None] = column(doc="What it means.", ucd="meta.note", principal=True)
    utype: Mapped[str | None] = column(doc="Path in a data model.", ucd="meta.id")
    unit: Mapped[str | None] = column(doc="Unit, in VOUnit syntax.", ucd="meta.unit", principal=True)
    ucd: Mapped[str | None] = column(doc="UCD1+.", ucd="meta.ucd", principal=True)
    indexed: Mapped[int] = column(doc="1 where an index helps.", ucd="meta.code")
    principal: Mapped[int] = column(doc="1 for what a short listing shows.", ucd="meta.code")
    std: Mapped[int] = column(doc="1 where a standard defines the column.", ucd="meta.code")
    column_index: Mapped[int | None] = column(doc="Place within the table.", ucd="meta.number")


class Keys(Base):
    """Joins that the data model knows of."""

    __tablename__ = "keys"
    __table_args__ = (table("tap_schema", "Foreign keys between published tables."),)

    key_id: Mapped[str] = column(primary_key=True, doc="Identifier of the key.", ucd="meta.id", principal=True)
    from_table: Mapped[str] = column(
        None,
        Refers("tap_schema.tables.table_name"),
        doc="Table that refers.",
        ucd="meta.id;meta.table",
        principal=True,
    )
    target_table: Mapped[str] = column(
        None,
        Refers("tap_schema.tables.table_name"),
        doc="Table that is referred to.",
        ucd="meta.id;meta.table",
        principal=True,
    )
    utype: Mapped[str | None] = column(doc="Relation in a data model.", ucd="meta.id")
    description: Mapped[str | None] = column(doc="What the key relates.", ucd="meta.note")


class KeyColumns(Base):
    """The columns of the keys."""

    __tablename__ = "key_columns"
    __table_args__ = (table("tap_schema", "Columns of the foreign keys."),)

    key_id: Mapped[str] = column(
        None, Refers("tap_schema.keys.key_id"), primary_key=True, doc="Key.", ucd="meta.id", principal=True
    )
    from_column: Mapped[str] = column(primary_key=True, doc="Column that refers.", ucd="meta.id", principal=True)
    target_column: Mapped[str] = column(doc="Column that is referred to.", ucd="meta.id", principal=True)


class Digest(Base):
    """Which declarations the rows were computed from."""

    __tablename__ = "tap_schema_digest"
    __table_args__ = (table("archive", "Which declarations TAP_SCHEMA was filled from.", published=False),)

    digest: Mapped[str] = hidden(primary_key=True, doc="SHA-256 of the declarations.")


def rows(tables: tuple[PublishedTable, ...]) -> dict[type[Base], list[dict[str, Any]]]:
    """Compute the rows of every table of TAP_SCHEMA."""
    names = list(dict.fromkeys(t.schema for t in tables))
    return {
        Schemas: [
            {"schema_name": name, "utype": None, "description": SCHEMAS[name], "schema_index": index}
            for index, name in enumerate(names)
        ],
        Tables: [_table_row(t, index) for index, t in enumerate(tables)],
        Columns: [row for t in tables for row in _column_rows(t)],
        Keys: [
            {"key_id": _key_id(t, key), "from_table": t.qualified, "target_table": key.target}
            | {"utype": None, "description": None}
            for t in tables
            for key in t.foreign_keys
        ],
        KeyColumns: [
            {"key_id": _key_id(t, key), "from_column": source, "target_column": target}
            for t in tables
            for key in t.foreign_keys
            for source, target in zip(key.columns, key.target_columns, strict=True)
        ],
    }


def _table_row(published: PublishedTable, index: int) -> dict[str, Any]:
    return {
        "schema_name": published.schema,
        "table_name": published.qualified,
        "table_type": published.kind,
        "utype": published.utype,
        "description": published.description,
        "table_index": index,
    }


def _column_rows(published: PublishedTable) -> list[dict[str, Any]]:
    return [
        {
            "table_name": published.qualified,
            "column_name": f'"{c.name}"' if c.name == "size" else c.name,  # a reserved word of ADQL
            "datatype": c.datatype,
            "arraysize": c.arraysize,
            "xtype": c.xtype,
            "size": None,
            "description": c.description,
            "utype": c.utype,
            "unit": c.unit,
            "ucd": c.ucd,
            "indexed": int(c.indexed),
            "principal": int(c.principal),
            "std": int(c.std),
            "column_index": index,
        }
        for index, c in enumerate(published.columns)
    ]


def _key_id(published: PublishedTable, key: ForeignKey) -> str:
    return f"{published.qualified}({','.join(key.columns)})"
