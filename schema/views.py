"""Views: a list of columns with the SQL that fills each, read by DDL and by TAP_SCHEMA alike."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NamedTuple

__all__ = ["SETTING", "View", "ViewColumn"]

SETTING: Final = "COALESCE(current_setting('musevault.{}', true), '')"
"""SQL for a setting of the session: ``base_url`` or ``authority`` of the service that asks."""


class ViewColumn(NamedTuple):
    """One column: what it means, and the SQL that fills it.

    ``datatype``, ``arraysize`` and ``xtype`` are VOTable's; ``geometry`` names the hidden pgSphere column of the view
    that is searched in its stead.
    """

    name: str
    datatype: str
    arraysize: str | None
    unit: str | None
    ucd: str | None
    utype: str | None
    description: str
    sql: str
    xtype: str | None = None
    geometry: str | None = None


@dataclass(frozen=True)
class View:
    """A published view: ``source`` is everything from FROM on, ``hidden`` are columns that are searched only."""

    schema: str
    name: str
    description: str
    columns: tuple[ViewColumn, ...]
    source: str
    hidden: tuple[tuple[str, str], ...] = ()
    utype: str | None = None
    standard: Collection[str] = frozenset()
    indexed: Collection[str] = frozenset()

    @property
    def qualified(self) -> str:
        """The name that queries use."""
        return f"{self.schema}.{self.name}"

    def create(self) -> str:
        """Return the statement that makes the view."""
        filled = [*((c.sql, c.name) for c in self.columns), *((sql, name) for name, sql in self.hidden)]
        columns = ",\n  ".join(f'{sql} AS "{name}"' for sql, name in filled)
        return f"CREATE VIEW {self.qualified} AS\nSELECT\n  {columns}\n{self.source.strip()}"
