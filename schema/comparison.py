"""What migrations and declarations are compared by: used to write a migration and to prove that none is missing."""

from typing import Any, Final

from sqlalchemy import MetaData
from sqlalchemy.dialects.postgresql.base import ischema_names

from schema import (  # noqa: F401  they fill the metadata
    findings,
    intake,
    jobs,
    observations,
    products,
    provenance,
    tap_schema,
)
from schema.base import Base, SPoly

__all__ = ["SCHEMAS", "comparison_options", "metadata"]

SCHEMAS: Final = ("archive", "survey", "provenance", "jobs", "tap_schema")
"""Schemas whose tables are declared here; ``ivoa`` holds a view, ``sphere`` functions, ``queue`` the queue's own."""


def metadata() -> MetaData:
    """Return every declared table."""
    return Base.metadata


def comparison_options() -> dict[str, Any]:
    """Return what Alembic needs to compare a database with the declarations."""
    ischema_names.setdefault("spoly", SPoly)
    return {
        "target_metadata": metadata(),
        "include_schemas": True,
        "include_name": _is_ours,
        "compare_type": True,
        "compare_server_default": True,
    }


def _is_ours(name: str | None, kind: str, parents: Any) -> bool:
    if kind == "schema":
        return name in SCHEMAS
    if kind == "table":
        return not (parents.get("schema_name") == "archive" and name == "alembic_version")
    return True
