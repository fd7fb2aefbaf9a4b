"""GROUP BY and ORDER BY: places, names of output columns, and expressions."""

from collections.abc import Sequence

from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.frame import Frame
from server.adql.semantics.meaning import GEOMETRIES, Kind
from server.adql.semantics.scope import did_you_mean
from server.adql.semantics.walk import has_aggregate
from server.adql.syntax import tree

__all__ = ["group_values", "set_order", "sort_keys"]


def group_values(
    nodes: Sequence[tree.Expression], outputs: Sequence[checked.Output], frame: Frame
) -> tuple[checked.Value, ...]:
    """Return what a query groups by: columns of FROM, then names and places of output columns, and expressions."""
    found = [_group_value(node, outputs, frame) for node in nodes]
    return tuple({id(value): value for value in found}.values())


def _group_value(node: tree.Expression, outputs: Sequence[checked.Output], frame: Frame) -> checked.Value:
    if isinstance(node, tree.Number) and isinstance(node.value, int):
        return _groupable(outputs[_place(node.value, node.at, outputs) - 1].value, node.at)
    if isinstance(node, tree.Column) and len(node.parts) == 1 and frame.scope.find(node) is None:
        place = _named_place(node, outputs)
        if place is not None:
            return _groupable(outputs[place - 1].value, node.at)
    return frame.value(node)


def _groupable(value: checked.Value, at: int) -> checked.Value:
    if has_aggregate(value):
        raise Fault("an aggregate function cannot stand in GROUP BY", at)
    return value


def sort_keys(
    terms: Sequence[tree.OrderTerm], outputs: Sequence[checked.Output], frame: Frame, *, distinct: bool
) -> tuple[checked.SortKey, ...]:
    """Return what a SELECT is ordered by; the name of an output column goes before that of a column of FROM."""
    if not terms:
        return ()
    places = {output.value: place for place, output in reversed([*enumerate(outputs, start=1)])}
    keys = []
    for term in terms:
        key = _sort_key(term.value, outputs, frame)
        key = key if isinstance(key, int) else places.get(key, key)
        if distinct and not isinstance(key, int):
            raise Fault("with SELECT DISTINCT only output columns can be in ORDER BY", term.value.at)
        keys.append(checked.SortKey(key, term.descending))
    return tuple(keys)


def _sort_key(node: tree.Expression, outputs: Sequence[checked.Output], frame: Frame) -> int | checked.Value:
    place = _named_place(node, outputs)
    if place is not None:
        _sortable(outputs[place - 1].value, node.at)
        return place
    value = frame.value(node)
    _sortable(value, node.at)
    return value


def set_order(terms: Sequence[tree.OrderTerm], outputs: Sequence[checked.Output]) -> tuple[checked.SortKey, ...]:
    """Return what the result of a set operation is ordered by: names and places of its columns only."""
    keys = []
    for term in terms:
        place = _named_place(term.value, outputs)
        if place is None:
            raise Fault(_no_output(term.value, outputs), term.value.at)
        _sortable(outputs[place - 1].value, term.value.at)
        keys.append(checked.SortKey(place, term.descending))
    return tuple(keys)


def _no_output(node: tree.Expression, outputs: Sequence[checked.Output]) -> str:
    message = "the result of a set operation is ordered by its columns' names or places"
    if isinstance(node, tree.Column):
        name = node.parts[-1].text
        return f"no output column '{name}': {message}{did_you_mean(name, (one.name for one in outputs))}"
    return message


def _named_place(node: tree.Expression, outputs: Sequence[checked.Output]) -> int | None:
    """Return the place of the output column that a number or a bare name means, if any."""
    if isinstance(node, tree.Number) and isinstance(node.value, int):
        return _place(node.value, node.at, outputs)
    if not isinstance(node, tree.Column) or len(node.parts) != 1:
        return None
    name = node.parts[0]
    found = [place for place, output in enumerate(outputs, start=1) if name.matches(output.name)]
    if len({outputs[place - 1].value for place in found}) > 1:
        raise Fault(f"'{name.text}' names more than one output column", node.at)
    return found[0] if found else None


def _place(place: int, at: int, outputs: Sequence[checked.Output]) -> int:
    if not 1 <= place <= len(outputs):
        raise Fault(f"there is no output column {place}; there are {len(outputs)}", at)
    return place


def _sortable(value: checked.Value, at: int) -> None:
    if value.meaning.kind in GEOMETRIES or value.meaning.kind is Kind.ARRAY:
        raise Fault(f"{value.meaning.kind.value} has no order", at)
