"""Which names a query may use, and what they stand for.  An unknown name is told with the nearest known one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from schema.published import SCHEMAS, PublishedColumn, PublishedTable
from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.meaning import of_column
from server.adql.syntax.tree import Column, Name

__all__ = ["Catalogue", "JoinedRow", "Relation", "Row", "Scope", "did_you_mean"]

Entry = tuple[str, checked.Value]
"""A column that ``*`` gives: its name and its value."""


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """Return the end of an error message: the known name nearest to a wrong one, if any is near."""
    names = {name.lower(): name for name in known}
    near = get_close_matches(wrong.lower(), list(names), n=1, cutoff=0.6)
    return f"; did you mean '{names[near[0]]}'?" if near else ""


@dataclass
class Relation:
    """A table, derived table or WITH query in FROM.

    ``alias`` is its name in SQL; ``names`` is how the query may call it.
    """

    alias: str
    names: tuple[str, ...]
    members: Sequence[PublishedColumn | checked.Output]
    _index: dict[str, list[PublishedColumn | checked.Output]] = field(default_factory=dict)

    def is_called(self, parts: tuple[Name, ...]) -> bool:
        """Whether these qualifiers mean this relation."""
        own = self.names[-len(parts) :]
        return len(own) == len(parts) and all(part.matches(name) for part, name in zip(parts, own, strict=True))

    def find(self, name: Name) -> list[checked.Value]:
        """Return the columns of that name: none, one, or more where a derived table repeats a name."""
        if not self._index:
            for member in self.members:
                self._index.setdefault(member.name.lower(), []).append(member)
        found = self._index.get(name.text.lower(), ())
        return [self._column(member, name.at) for member in found if name.matches(member.name)]

    def entries(self, at: int) -> list[Entry]:
        """Return all columns."""
        return [(member.name, self._column(member, at)) for member in self.members]

    def _column(self, member: PublishedColumn | checked.Output, at: int) -> checked.Value:
        if isinstance(member, PublishedColumn):
            name = member.stored or member.name
            return checked.Column(self.alias, name, member.geometry, meaning=of_column(member), at=at)
        return checked.Column(self.alias, member.sql_name, member.geometry, meaning=member.meaning, at=at)

    def relations(self) -> "list[Relation]":
        """Return itself, as a row of one."""
        return [self]

    def column_names(self) -> list[str]:
        """Return the names of all columns."""
        return [member.name for member in self.members]


@dataclass
class JoinedRow:
    """The columns of two rows side by side; those that USING or NATURAL merged come once, and first."""

    left: "Row"
    right: "Row"
    merged: Sequence[Entry] = ()

    def find(self, name: Name) -> list[checked.Value]:
        """Return the columns of that name, a merged one once."""
        once = [value for merged, value in self.merged if name.matches(merged)]
        return once or [*self.left.find(name), *self.right.find(name)]

    def entries(self, at: int) -> list[Entry]:
        """Return all columns in the order that SQL gives them."""
        gone = {name.lower() for name, _ in self.merged}
        rest = [*self.left.entries(at), *self.right.entries(at)]
        return [*self.merged, *(entry for entry in rest if entry[0].lower() not in gone)]

    def relations(self) -> list[Relation]:
        """Return the relations that were joined."""
        return [*self.left.relations(), *self.right.relations()]

    def column_names(self) -> list[str]:
        """Return the names of all columns."""
        return [*self.left.column_names(), *self.right.column_names()]


Row = Relation | JoinedRow


@dataclass
class Scope:
    """The columns that a query sees: those of its own FROM, then those of the queries around it."""

    row: Row | None
    outer: "Scope | None" = None

    def find(self, column: Column) -> checked.Value | None:
        """Return the column that is meant, or None; more than one is a fault."""
        found = self._qualified(column) if len(column.parts) > 1 else self._plain(column.parts[0])
        if len(found) > 1:
            hint = "; say of which table" if len(column.parts) == 1 else ": the table has more than one"
            raise Fault(f"column {_written(column)} is ambiguous{hint}", column.at)
        if found:
            return found[0]
        return self.outer.find(column) if self.outer else None

    def get(self, column: Column) -> checked.Value:
        """Return the column that is meant; none is a fault."""
        found = self.find(column)
        if found is None:
            raise self._unknown(column)
        return found

    def relation(self, parts: tuple[Name, ...]) -> Relation | None:
        """Return the relation of this FROM that is called so, or None."""
        found = [one for one in self.relations() if one.is_called(parts)]
        if len(found) > 1:
            raise Fault(f"'{'.'.join(part.text for part in parts)}' names more than one table here", parts[0].at)
        return found[0] if found else None

    def relations(self) -> list[Relation]:
        """Return the relations of this FROM."""
        return self.row.relations() if self.row else []

    def _plain(self, name: Name) -> list[checked.Value]:
        return self.row.find(name) if self.row else []

    def _qualified(self, column: Column) -> list[checked.Value]:
        relation = self.relation(column.parts[:-1])
        if relation is None:
            return []
        found = relation.find(column.parts[-1])
        if not found:
            raise _no_such_column(column, relation)
        return found

    def _unknown(self, column: Column) -> Fault:
        if len(column.parts) > 1:
            qualifier = ".".join(part.text for part in column.parts[:-1])
            known = [one.names[-1] for one in self.relations()]
            return Fault(f"no table '{qualifier}' in FROM{did_you_mean(qualifier, known)}", column.at)
        relations = self.relations()
        if len(relations) == 1:
            return _no_such_column(column, relations[0])
        name = column.parts[0].text
        return Fault(f"unknown column '{name}'{did_you_mean(name, self._names())}", column.at)

    def _names(self) -> list[str]:
        own = self.row.column_names() if self.row else []
        return own + (self.outer._names() if self.outer else [])  # noqa: SLF001  the same class, one query further out


def _written(column: Column) -> str:
    return "'" + ".".join(part.text for part in column.parts) + "'"


def _no_such_column(column: Column, relation: Relation) -> Fault:
    name = column.parts[-1]
    hint = did_you_mean(name.text, relation.column_names())
    return Fault(f"unknown column '{name.text}' in {'.'.join(relation.names)}{hint}", name.at)


class Catalogue:
    """The published tables by name, and the queries of WITH."""

    def __init__(self, tables: Sequence[PublishedTable]) -> None:
        self._tables = tables
        self._by_name: dict[str, list[PublishedTable]] = {}
        for table in tables:
            self._by_name.setdefault(table.name.lower(), []).append(table)
        self._ctes: list[tuple[Name, str, checked.Query]] = []

    def add_cte(self, name: Name, query: checked.Query) -> str:
        """Make a query of WITH known to what comes after it; return its name in SQL."""
        if self.cte((name,)) is not None:
            raise Fault(f"'{name.text}' is twice in WITH", name.at)
        sql_name = f"w{len(self._ctes) + 1}"
        self._ctes.append((name, sql_name, query))
        return sql_name

    def cte(self, parts: tuple[Name, ...]) -> tuple[str, str, checked.Query] | None:
        """Return the query of WITH of that name as written, as in SQL, and itself; or None."""
        if len(parts) != 1:
            return None
        found = ((name.text, sql, query) for name, sql, query in self._ctes if parts[0].matches(name.text))
        return next(found, None)

    def get(self, parts: tuple[Name, ...]) -> PublishedTable:
        """Return the table of that name, with or without its schema; none or several is a fault."""
        found = [table for table in self._by_name.get(parts[-1].text.lower(), ()) if _is_named(table, parts)]
        if len(parts) == 1 and len(found) > 1:  # a name alone means what is published, whatever else is called so
            found = [table for table in found if table.stored is None or table.schema in SCHEMAS] or found
        written = ".".join(part.text for part in parts)
        if not found:
            known = [table.qualified for table in self._tables]
            if len(parts) == 1:
                known += [*(table.name for table in self._tables), *(name.text for name, _, _ in self._ctes)]
            raise Fault(f"unknown table '{written}'{did_you_mean(written, known)}", parts[0].at)
        if len(found) > 1:
            names = ", ".join(table.qualified for table in found)
            raise Fault(f"table '{written}' is ambiguous: {names}", parts[0].at)
        return found[0]


def _is_named(table: PublishedTable, parts: tuple[Name, ...]) -> bool:
    names = (table.schema, table.name)[-len(parts) :]
    return len(names) == len(parts) and all(part.matches(name) for part, name in zip(parts, names, strict=True))
