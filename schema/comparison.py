"""What migrations and declarations are compared by: used to write a migration and to prove that none is missing."""

from typing import Any, Final

from sqlalchemy.dialects.postgresql.base import ischema_names

from schema import declarations
from schema.base import SPoly

__all__ = ["SCHEMAS", "comparison_options"]

SCHEMAS: Final = ("archive", "survey", "maps", "provenance", "jobs", "tap_schema", "accounts")
"""Schemas whose tables are declared here; others hold views, functions (``sphere``), the rows of accounts
(``user_tables``), partitions (``maps_rows``) and the queue's own (``queue``)."""


def comparison_options() -> dict[str, Any]:
    """Return what Alembic needs to compare a database with the declarations."""
    ischema_names.setdefault("spoly", SPoly)
    return {
        "target_metadata": declarations.metadata(),
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
