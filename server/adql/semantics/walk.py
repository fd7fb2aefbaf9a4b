"""Going through a checked tree: the parts of a value, and what is used anywhere in it."""

from collections.abc import Iterator

from server.adql.semantics import checked

__all__ = ["children", "columns_in", "columns_of", "has_aggregate"]


def children(value: checked.Value) -> Iterator[checked.Value]:
    """Yield the values directly under this one; what stands in subqueries is not of this level."""
    match value:
        case checked.Apply(args=args):
            yield from args
        case checked.Chain(operands=operands):
            yield from operands
        case checked.Logic(terms=terms):
            yield from terms
        case checked.Flag(condition=condition):
            yield condition
        case checked.Case():
            yield from _of_case(value)
        case checked.InList(value=inner, items=items):
            yield from (inner, *items)
        case checked.InQuery(value=inner):
            yield inner
        case _:
            yield from _of_shape(value)


def _of_case(case: checked.Case) -> Iterator[checked.Value]:
    yield from (one for one in (case.operand, case.otherwise) if one is not None)
    for test, result in case.whens:
        yield from (test, result)


def _of_shape(value: checked.Value) -> Iterator[checked.Value]:
    match value:
        case checked.Point(longitude=longitude, latitude=latitude):
            yield from (longitude, latitude)
        case checked.Circle(centre=centre, radius=radius):
            yield from (centre, radius)
        case checked.Polygon(vertices=vertices):
            yield from vertices
        case checked.Sphere(shape=shape):
            yield shape
        case checked.SpatialTest(left=left, right=right):
            yield from (left, right)
        case checked.Near(circle=circle, exact=exact):
            yield from (circle, exact)


def has_aggregate(value: checked.Value) -> bool:
    """Whether there is an aggregate function in ``value``."""
    return isinstance(value, checked.Aggregate) or any(has_aggregate(child) for child in children(value))


def columns_in(value: checked.Value) -> Iterator[checked.Column]:
    """Yield every column that is used in ``value``, in subqueries as well."""
    if isinstance(value, checked.Column):
        yield value
    for child in children(value):
        yield from columns_in(child)
    if isinstance(value, checked.Scalar | checked.Exists | checked.InQuery):
        yield from columns_of(value.query)


def columns_of(query: checked.Query) -> Iterator[checked.Column]:
    """Yield every column that is used in a query."""
    if isinstance(query, checked.SetOperation):
        yield from columns_of(query.left)
        yield from columns_of(query.right)
        return
    for value in _values(query):
        yield from columns_in(value)
    for source in query.sources:
        yield from _columns_of_source(source)


def _values(select: checked.Select) -> Iterator[checked.Value]:
    yield from (output.value for output in select.outputs)
    yield from (value for value in (select.where, select.having) if value is not None)
    yield from select.groups
    yield from (key.key for key in select.order if not isinstance(key.key, int))


def _columns_of_source(source: checked.Source) -> Iterator[checked.Column]:
    match source:
        case checked.SubquerySource(query=query):
            yield from columns_of(query)
        case checked.Joined(left=left, right=right, on=on):
            yield from columns_in(on)
            yield from _columns_of_source(left)
            yield from _columns_of_source(right)
        case _:
            pass
