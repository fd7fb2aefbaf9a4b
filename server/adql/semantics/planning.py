"""Spatial conditions on one column: only the cheapest may use its index.

With two of them pgSphere's index prepares each polygon anew for every page it reads: a circle and a polygon of 200
vertices took over 20 s together and 0.15 s apart.  The others are written ``(...) IS TRUE``, which no index matches.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from server.adql.semantics import checked
from server.adql.semantics.kinds import constant_number
from server.adql.semantics.meaning import Kind

__all__ = ["planned"]

_JOIN_COST: Final = 100_000


def planned(select: checked.Select) -> checked.Select:
    """Return ``select`` with all but the cheapest spatial condition on each column kept from the index."""
    conjuncts = [one for condition in _conditions(select) for one in _conjuncts(condition)]
    tests = sorted((one for one in conjuncts if _test(one) is not None), key=_cost)
    if len(tests) < 2:
        return select
    claimed: set[checked.Value] = set()
    kept_out: set[checked.Value] = set()
    for test in tests:
        searched = set(_searched(test))
        if searched & claimed:
            kept_out.add(test)
        else:
            claimed |= searched
    return _rewritten(select, kept_out) if kept_out else select


def _conditions(select: checked.Select) -> Iterator[checked.Value]:
    if select.where is not None:
        yield select.where
    for source in select.sources:
        yield from _on_conditions(source)


def _on_conditions(source: checked.Source) -> Iterator[checked.Value]:
    if isinstance(source, checked.Joined):
        yield source.on
        yield from _on_conditions(source.left)
        yield from _on_conditions(source.right)


def _conjuncts(condition: checked.Value) -> tuple[checked.Value, ...]:
    if isinstance(condition, checked.Logic) and condition.operator == "AND":
        return condition.terms
    return (condition,)


def _test(condition: checked.Value) -> checked.SpatialTest | None:
    match condition:
        case checked.SpatialTest():
            return condition
        case checked.Near(circle=circle):
            return circle
        case _:
            return None


def _searched(condition: checked.Value) -> Iterator[checked.Value]:
    """Yield the operands that an index may be on."""
    test = _test(condition)
    if test is None or Kind.MOC in (test.left.meaning.kind, test.right.meaning.kind):
        return
    for side in (test.left, test.right):
        match side:
            case checked.Column():
                yield side
            case checked.Point(longitude=checked.Column(), latitude=checked.Column()):
                yield side


def _cost(condition: checked.Value) -> int:
    """Return how dear a test is for one row: about the number of vertices, more when the shape changes by row."""
    test = _test(condition)
    return sum(_shape_cost(side) for side in (test.left, test.right)) if test else 0


def _shape_cost(shape: checked.Value) -> int:
    match shape:
        case checked.Polygon(vertices=vertices):
            return len(vertices) + (0 if all(map(_is_fixed, vertices)) else _JOIN_COST)
        case checked.Circle(centre=centre, radius=radius):
            return 1 if _is_fixed(centre) and constant_number(radius) is not None else _JOIN_COST
        case checked.Point() if _is_fixed(shape):
            return 0
        case _:
            return _JOIN_COST


def _is_fixed(shape: checked.Value) -> bool:
    return isinstance(shape, checked.Point) and all(
        constant_number(one) is not None for one in (shape.longitude, shape.latitude)
    )


def _rewritten(select: checked.Select, kept_out: set[checked.Value]) -> checked.Select:
    where = None if select.where is None else _without_index(select.where, kept_out)
    return replace(select, where=where, sources=tuple(_rewritten_source(one, kept_out) for one in select.sources))


def _rewritten_source(source: checked.Source, kept_out: set[checked.Value]) -> checked.Source:
    if not isinstance(source, checked.Joined):
        return source
    return replace(
        source,
        left=_rewritten_source(source.left, kept_out),
        right=_rewritten_source(source.right, kept_out),
        on=_without_index(source.on, kept_out),
    )


def _without_index(condition: checked.Value, kept_out: set[checked.Value]) -> checked.Value:
    if condition in kept_out:
        return checked.condition("({0} IS TRUE)", (condition,), condition.at)
    if isinstance(condition, checked.Logic) and condition.operator == "AND":
        return replace(condition, terms=tuple(_without_index(term, kept_out) for term in condition.terms))
    return condition
