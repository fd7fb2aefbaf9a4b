"""Geometries as SQL: in the form of pgSphere for tests and indexes, as DALI's arrays of degrees for readers.

The form ``spoint(radians(ra),radians(dec))`` is that of the expression indexes: another one, however equal in value,
would not find them.  Two functions of the database are called: ``sphere.polygon`` makes a polygon of such an array,
``sphere.centroid`` (in ``semantics.geometries``) finds the array of its centre.
"""

from decimal import Decimal

from server.adql.semantics import checked
from server.adql.semantics.kinds import constant_number
from server.adql.semantics.meaning import Kind
from server.adql.semantics.regions import REGION_NUMBERS
from server.adql.sql.writer import Writer, quoted

__all__ = ["array", "spatial_test", "write_sphere"]


def write_sphere(shape: checked.Value, writer: Writer) -> str:
    """Return a geometry as pgSphere has it."""
    match shape:
        case checked.Column(geometry=str(hidden)):
            return f"{quoted(shape.relation)}.{quoted(hidden)}"
        case checked.Point():
            return f"spoint(radians({writer.value(shape.longitude)}),radians({writer.value(shape.latitude)}))"
        case checked.Circle():
            return f"scircle({writer.sphere(shape.centre)},radians({_radius(shape, writer)}))"
        case checked.Polygon():
            return _constant_polygon(shape) or _whole_polygon(array(shape, writer))
        case checked.Coverage():
            return "(" + shape.sql.format(*map(writer.value, shape.args)) + ")"
        case _:
            return _from_value(shape, writer.value(shape))


def _from_value(shape: checked.Value, text: str) -> str:
    """Return the geometry that DALI's form of it describes."""
    match shape.meaning.kind:
        case Kind.MOC:
            return f"({text})::smoc"
        case Kind.REGION:
            return _whole_polygon(REGION_NUMBERS.format(text))
        case _:
            return _from_array(shape, text)


def _from_array(shape: checked.Value, numbers: str) -> str:
    """Return the geometry that an array of degrees describes."""
    centre = f"spoint(radians(({numbers})[1]),radians(({numbers})[2]))"
    if shape.meaning.kind is Kind.POINT:
        return centre
    if shape.meaning.kind is Kind.CIRCLE:
        return f"scircle({centre},radians({_within_range(f'({numbers})[3]')}))"
    return _whole_polygon(numbers)


def _whole_polygon(numbers: str) -> str:
    """Return the polygon of an array of degrees, or NULL when a number is missing: pgSphere would end the server."""
    return f"sphere.polygon(CASE WHEN array_position({numbers}, NULL) IS NULL THEN {numbers} END)"


def _radius(circle: checked.Circle, writer: Writer) -> str:
    radius = writer.value(circle.radius)
    return radius if constant_number(circle.radius) is not None else _within_range(radius)


def _within_range(radius: str) -> str:
    """Make NULL of a radius that pgSphere has an error for."""
    return f"CASE WHEN {radius} BETWEEN 0 AND 90 THEN {radius} END"


def _constant_polygon(polygon: checked.Polygon) -> str | None:
    """Return a polygon of written-out numbers as a literal, else None."""
    corners = []
    for vertex in polygon.vertices:
        if not isinstance(vertex, checked.Point):
            return None
        longitude, latitude = constant_number(vertex.longitude), constant_number(vertex.latitude)
        if longitude is None or latitude is None:
            return None
        corners.append(f"({_degrees(longitude)},{_degrees(latitude)})")
    return "spoly '{" + ",".join(corners) + "}'"


def _degrees(value: float) -> str:
    return f"{Decimal(repr(value)):f}d"


def array(shape: checked.Value, writer: Writer) -> str:
    """Return the numbers of a geometry in degrees; NULL when any of a point or circle is."""
    match shape:
        case checked.Point():
            numbers = [writer.value(shape.longitude), writer.value(shape.latitude)]
        case checked.Circle():
            numbers = [*_coordinates(shape.centre, writer), writer.value(shape.radius)]
        case checked.Polygon():
            numbers = [number for vertex in shape.vertices for number in _coordinates(vertex, writer)]
        case _:
            return writer.value(shape)
    return "ARRAY[" + ",".join(numbers) + "]::float8[]"


def _coordinates(point: checked.Value, writer: Writer) -> list[str]:
    if isinstance(point, checked.Point):
        return [writer.value(point.longitude), writer.value(point.latitude)]
    numbers = writer.value(point)
    return [f"({numbers})[1]", f"({numbers})[2]"]


def spatial_test(test: checked.Value, writer: Writer) -> str:
    """Return the SQL of CONTAINS, INTERSECTS, or DISTANCE below a constant."""
    match test:
        case checked.Near(circle=circle, exact=exact):
            return f"({spatial_test(circle, writer)} AND {writer.value(exact)})"
        case checked.SpatialTest(operator="<@", left=left, right=checked.Circle() as circle) if (
            left.meaning.kind is Kind.POINT
        ):
            return _in_circle(left, circle, writer)
        case checked.SpatialTest(operator=operator, left=left, right=right):
            return f"({writer.sphere(left)} {operator} {writer.sphere(right)})"
        case _:
            raise TypeError(f"no spatial test: {type(test).__name__}")


def _in_circle(point: checked.Value, circle: checked.Circle, writer: Writer) -> str:
    """Return whether a point is in a circle of any size, which pgSphere knows up to 90 degrees only."""
    where = writer.sphere(point)
    radius = constant_number(circle.radius)
    if radius is None:
        return f"(({where} <-> {writer.sphere(circle.centre)}) <= radians({writer.value(circle.radius)}))"
    if radius <= 90:
        return f"({where} <@ {writer.sphere(circle)})"
    if radius >= 180:
        return f"(({where} <-> {writer.sphere(circle.centre)}) IS NOT NULL)"
    centre = writer.sphere(circle.centre)
    opposite = f"spoint(long({centre}) + pi(), -lat({centre}))"
    return f"(NOT ({where} <@ scircle({opposite},radians({180 - radius!r}::float8))))"
