"""The output columns of a SELECT: their values, their names, and the geometries that go along with them unseen."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.frame import Frame
from server.adql.semantics.meaning import GEOMETRIES
from server.adql.semantics.scope import Entry, did_you_mean
from server.adql.semantics.walk import has_aggregate
from server.adql.syntax import tree

__all__ = ["MAX_COLUMNS", "select_outputs", "with_geometries"]

MAX_COLUMNS: Final = 800
"""PostgreSQL has room for 1664, and a geometry takes two."""


def select_outputs(items: Sequence[tree.Item | tree.Star], frame: Frame) -> tuple[checked.Output, ...]:
    """Return the output columns of a select list.

    A column is called as the query spells it; an expression without a name after its function, or ``col3``.
    """
    found: list[tuple[str | None, str, checked.Value]] = []
    for item in items:
        if isinstance(item, tree.Star):
            found += [(name, name, value) for name, value in _star(item, frame)]
        else:
            found.append((_own_name(item), _default_name(item.value), frame.value(item.value)))
        if len(found) > MAX_COLUMNS:
            raise Fault(f"more than {MAX_COLUMNS} columns", _at(item))
    taken = {name.lower() for name, _, _ in found if name is not None}
    return tuple(
        checked.Output(value, name or _free_name(default, place, taken), f"c{place}")
        for place, (name, default, value) in enumerate(found, start=1)
    )


def _star(star: tree.Star, frame: Frame) -> list[Entry]:
    if not star.qualifier:
        row = frame.scope.row
        return row.entries(star.at) if row is not None else []
    relation = frame.scope.relation(star.qualifier)
    if relation is None:
        written = ".".join(part.text for part in star.qualifier)
        known = [one.names[-1] for one in frame.scope.relations()]
        raise Fault(f"no table '{written}' in FROM{did_you_mean(written, known)}", star.at)
    return relation.entries(star.at)


def _at(item: tree.Item | tree.Star) -> int:
    return item.at if isinstance(item, tree.Star) else item.value.at


def _own_name(item: tree.Item) -> str | None:
    if item.alias is not None:
        return item.alias.text
    return item.value.parts[-1].text if isinstance(item.value, tree.Column) else None


def _default_name(node: tree.Expression) -> str:
    match node:
        case tree.Call(name=name):
            return name.lower()
        case tree.CountRows():
            return "count"
        case _:
            return ""


def _free_name(default: str, place: int, taken: set[str]) -> str:
    """Return a name that no other column has."""
    name = default or f"col{place}"
    suffix = 1
    while name in taken:
        suffix += 1
        name = f"{default or f'col{place}'}_{suffix}"
    taken.add(name)
    return name


def with_geometries(query: checked.Query) -> checked.Query:
    """Return a query with each geometry twice, for readers and for pgSphere, so that the query around it uses indexes.

    Only where rows are not merged: a second column would change what DISTINCT or GROUP BY mean.
    """
    if not isinstance(query, checked.Select) or query.distinct or query.groups:
        return query
    if any(has_aggregate(output.value) for output in query.outputs):
        return query
    outputs = tuple(
        replace(output, geometry=f"{output.sql_name}g") if output.meaning.kind in GEOMETRIES else output
        for output in query.outputs
    )
    return replace(query, outputs=outputs)
