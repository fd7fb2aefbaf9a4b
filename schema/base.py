"""How a table and its columns are declared: once, with everything that anyone will ever ask of them.

DDL, database comments, TAP_SCHEMA and VOTable fields are all read off these declarations.  Read ``observations``
next for how it looks in use, ``published`` for how it is read back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, Double, Integer, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, MappedColumn, mapped_column
from sqlalchemy.types import TypeEngine, UserDefinedType

__all__ = ["Base", "ColumnMeaning", "SPoly", "big_integer", "column", "hidden", "region", "table"]

NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class SPoly(UserDefinedType[str]):
    """The spherical polygon of pgSphere.  It is searched, never sent: pgSphere has no binary form for clients."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Return the type's name in SQL."""
        return "spoly"


class Base(DeclarativeBase):
    """The mapped classes are the domain objects of the archive."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy reads this attribute from the class
        str: Text(),
        float: Double(),
        int: Integer(),
        datetime: TIMESTAMP(timezone=False),  # always UTC, as the VO writes it: no zone to convert, none to forget
        list[float]: ARRAY(Double()),
        list[int]: ARRAY(Integer()),
        list[str]: ARRAY(Text()),
        dict[str, Any]: JSONB(),
    }


@dataclass(frozen=True)
class ColumnMeaning:
    """What the Virtual Observatory wants to know of a column, beside its name and type."""

    unit: str | None = None
    ucd: str | None = None
    utype: str | None = None
    xtype: str | None = None
    principal: bool = False
    geometry: str | None = None


def column(
    type_: TypeEngine[Any] | None = None,
    *constraints: Any,
    doc: str,
    unit: str | None = None,
    ucd: str | None = None,
    utype: str | None = None,
    xtype: str | None = None,
    principal: bool = False,
    **options: Any,
) -> MappedColumn[Any]:
    """Declare a column that is published: the only way to do so.

    Parameters
    ----------
    type_
        SQL type, when the annotation does not say it.
    constraints
        What SQLAlchemy's ``mapped_column`` takes: foreign keys, computed values.
    doc
        One sentence for a human: becomes the database comment and the TAP description.
    unit
        In VOUnit syntax, no scale factor in front: ``deg``, ``Mpc``, ``km/s``.
    ucd, utype, xtype
        IVOA semantics: UCD1+ words, data-model path, DALI extended type.
    principal
        Whether a client should show the column when it shows few.
    """
    meaning = ColumnMeaning(unit=unit, ucd=ucd, utype=utype, xtype=xtype, principal=principal)
    return _mapped(type_, constraints, doc=doc, meaning=meaning, options=options)


def region(*, doc: str, ucd: str, geometry: str, utype: str | None = None) -> MappedColumn[Any]:
    """Declare a DALI polygon: ``float8[]`` of longitudes and latitudes in degrees, ICRS.

    ``geometry`` names the hidden pgSphere column that is searched in its stead.
    """
    meaning = ColumnMeaning(unit="deg", ucd=ucd, utype=utype, xtype="polygon", geometry=geometry)
    return _mapped(None, (), doc=doc, meaning=meaning, options={})


def hidden(type_: TypeEngine[Any] | None = None, *constraints: Any, doc: str, **options: Any) -> MappedColumn[Any]:
    """Declare a column that the archive keeps for itself."""
    return _mapped(type_, constraints, doc=doc, meaning=None, options=options)


def big_integer() -> BigInteger:
    """64 bits: ESO's observation block numbers have nine digits and grow; file sizes are larger still."""
    return BigInteger()


def table(schema: str, comment: str, *, published: bool = True, utype: str | None = None) -> dict[str, Any]:
    """Return the last entry of ``__table_args__``: schema, description, and whether TAP shows the table."""
    return {"schema": schema, "comment": comment, "info": {"published": published, "utype": utype}}


def _mapped(
    type_: TypeEngine[Any] | None,
    constraints: Sequence[Any],
    *,
    doc: str,
    meaning: ColumnMeaning | None,
    options: dict[str, Any],
) -> MappedColumn[Any]:
    arguments = [*([type_] if type_ is not None else []), *constraints]
    return mapped_column(*arguments, comment=doc, info={"meaning": meaning}, **options)
