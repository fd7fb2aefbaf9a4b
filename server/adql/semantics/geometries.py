"""The geometry functions of ADQL, in the old form with a coordinate system and the new one without.

Only ICRS is known: another coordinate system is refused, never ignored.
"""

from collections.abc import Sequence
from typing import Final

from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.coverages import MOC_FUNCTIONS, as_coverage
from server.adql.semantics.frame import Frame, Handler
from server.adql.semantics.healpix import HEALPIX_FUNCTIONS
from server.adql.semantics.kinds import require
from server.adql.semantics.meaning import CONDITION, TEXT, Kind, geometry, number
from server.adql.semantics.near import DISTANCE_SQL
from server.adql.semantics.overlap import overlap
from server.adql.semantics.regions import REGION_NUMBERS, region_shape
from server.adql.semantics.shapes import accepted_frame, box, circle, constant_circle_radius, point, polygon, sphere
from server.adql.syntax import tree

__all__ = ["GEOMETRY_FUNCTIONS"]

_SURFACES: Final = (Kind.CIRCLE, Kind.POLYGON, Kind.REGION)
_SHAPES: Final = (Kind.POINT, *_SURFACES)
_ANY: Final = (*_SHAPES, Kind.MOC)
_WITH_SYSTEM: Final = {"POINT": 3, "CIRCLE": 4, "BOX": 5}
_DISTANCE: Final = number("double", unit="deg", ucd="pos.angDistance")
_AREA: Final = number("double", unit="deg**2", ucd="phys.angArea")


def _coordinates(node: tree.Call, frame: Frame) -> tuple[checked.Value, ...]:
    """Return the arguments of a constructor after its coordinate system, which may be missing or NULL."""
    args = [frame.value(arg) for arg in node.args]
    if args and (args[0].meaning.kind is Kind.TEXT or _is_missing_system(node.name, args)):
        system = args.pop(0)
        if not isinstance(system, checked.Constant):
            raise Fault("a coordinate system is a string literal", system.at)
        if not accepted_frame(str(system.value or "")):
            raise Fault(f"coordinate system '{system.value}' is not supported; use ICRS", system.at)
    return tuple(args)


def _is_missing_system(name: str, args: Sequence[checked.Value]) -> bool:
    """Whether a leading NULL stands for the coordinate system: only then is the number of arguments right."""
    if args[0].meaning.kind is not Kind.NULL or len(args) < 2:
        return False
    if name == "POLYGON":
        return len(args) % 2 == 1
    return args[1].meaning.kind is Kind.POINT or len(args) == _WITH_SYSTEM[name]


def _point(node: tree.Call, frame: Frame) -> checked.Value:
    args = _numbers(_coordinates(node, frame), node.name)
    _count(node, args, 2)
    return point(*args, at=node.at)


def _circle(node: tree.Call, frame: Frame) -> checked.Value:
    centre, rest = _centre(_coordinates(node, frame), node)
    _count(node, rest, 1, "a centre and a radius")
    return circle(centre, *_numbers(rest, node.name), at=node.at)


def _box(node: tree.Call, frame: Frame) -> checked.Value:
    centre, rest = _centre(_coordinates(node, frame), node)
    _count(node, rest, 2, "a centre, a width and a height")
    width, height = _numbers(rest, node.name)
    return box(centre, width, height, at=node.at)


def _polygon(node: tree.Call, frame: Frame) -> checked.Value:
    args = _coordinates(node, frame)
    if args and args[0].meaning.kind is Kind.POINT:
        return polygon([require(arg, Kind.POINT, what=node.name) for arg in args], at=node.at)
    numbers = _numbers(args, node.name)
    if len(numbers) % 2:
        raise Fault("POLYGON takes pairs of coordinates", node.at)
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return polygon([point(longitude, latitude, at=longitude.at) for longitude, latitude in pairs], at=node.at)


def _centre(args: Sequence[checked.Value], node: tree.Call) -> tuple[checked.Value, Sequence[checked.Value]]:
    """Split off the centre: a point, or two coordinates."""
    if args and args[0].meaning.kind is Kind.POINT:
        return args[0], args[1:]
    if len(args) < 2:
        raise Fault(f"{node.name} needs a centre", node.at)
    longitude, latitude = _numbers(args[:2], node.name)
    return point(longitude, latitude, at=longitude.at), args[2:]


def _numbers(args: Sequence[checked.Value], name: str) -> tuple[checked.Value, ...]:
    return tuple(require(arg, Kind.NUMBER, what=name) for arg in args)


def _count(node: tree.Call, args: Sequence[checked.Value], expected: int, what: str = "two coordinates") -> None:
    if len(args) != expected:
        raise Fault(f"{node.name} takes {what}", node.at)


def _region(node: tree.Call, frame: Frame) -> checked.Value:
    (value,) = _shapes(node, frame, (Kind.TEXT,))
    return region_shape(value, at=node.at)


def _shapes(node: tree.Call, frame: Frame, *kinds: tuple[Kind, ...]) -> tuple[checked.Value, ...]:
    """Return the arguments, one of each of these kinds."""
    if len(node.args) != len(kinds):
        plural = "" if len(kinds) == 1 else "s"
        raise Fault(f"{node.name} takes {len(kinds)} argument{plural}, not {len(node.args)}", node.at)
    pairs = zip(node.args, kinds, strict=True)
    return tuple(require(frame.value(arg), *allowed, what=node.name) for arg, allowed in pairs)


def _contains(node: tree.Call, frame: Frame) -> checked.Value:
    inner, outer = _shapes(node, frame, _ANY, _ANY)
    if outer.meaning.kind is Kind.POINT:
        raise Fault("a point contains nothing; the second argument of CONTAINS is the larger one", outer.at)
    return _flag("<@", inner, outer, node.at)


def _intersects(node: tree.Call, frame: Frame) -> checked.Value:
    left, right = _shapes(node, frame, _ANY, _ANY)
    if left.meaning.kind is right.meaning.kind is Kind.POINT:
        raise Fault("INTERSECTS of two points; use DISTANCE", node.at)
    if right.meaning.kind is Kind.POINT:
        return _flag("<@", right, left, node.at)
    return _flag("<@" if left.meaning.kind is Kind.POINT else "&&", left, right, node.at)


def _flag(operator: str, left: checked.Value, right: checked.Value, at: int) -> checked.Value:
    in_circle = operator == "<@" and left.meaning.kind is Kind.POINT
    for shape in (left, right):
        radius = constant_circle_radius(shape)
        if radius is not None and radius > 90 and not (in_circle and shape is right):
            raise Fault("a circle over 90 degrees can only be asked which points it contains", shape.at)
    if Kind.MOC in (left.meaning.kind, right.meaning.kind):
        left, right = as_coverage(left), as_coverage(right)
    test = checked.SpatialTest(operator, left, right, meaning=CONDITION, at=at)
    return checked.Flag(test, meaning=number("int"), at=at)


def _distance(node: tree.Call, frame: Frame) -> checked.Value:
    args = tuple(frame.value(arg) for arg in node.args)
    if len(args) == 4:
        first, second, third, fourth = _numbers(args, node.name)
        args = (point(first, second, at=first.at), point(third, fourth, at=third.at))
    if len(args) != 2:
        raise Fault("DISTANCE takes two points or four coordinates", node.at)
    spheres = tuple(sphere(require(arg, Kind.POINT, what=node.name)) for arg in args)
    return checked.Apply(DISTANCE_SQL, spheres, meaning=_DISTANCE, at=node.at)


def _area(node: tree.Call, frame: Frame) -> checked.Value:
    (shape,) = _shapes(node, frame, _ANY)
    return _area_of(shape, node.at)


def _shared_area(node: tree.Call, frame: Frame) -> checked.Value:
    shapes = _shapes(node, frame, _SURFACES, _SURFACES)
    return overlap(tuple(map(sphere, shapes)), tuple(_area_of(shape, node.at) for shape in shapes), _AREA)


def _area_of(shape: checked.Value, at: int) -> checked.Value:
    if isinstance(shape, checked.Circle):
        # pgSphere loses small circles: this does not
        sql = "(4 * pi() * power(sin(radians({0}) / 2), 2) * power(degrees(1), 2))"
        return checked.Apply(sql, (shape.radius,), meaning=_AREA, at=at)
    sql = "0::float8" if shape.meaning.kind is Kind.POINT else "(area({0}) * power(degrees(1), 2))"
    return checked.Apply(sql, (sphere(shape),), meaning=_AREA, at=at)


def _centroid(node: tree.Call, frame: Frame) -> checked.Value:
    (shape,) = _shapes(node, frame, _SHAPES)
    match shape:
        case checked.Circle(centre=centre):
            return centre
        case checked.Value() if shape.meaning.kind is Kind.POINT:
            return shape
        case checked.Value() if shape.meaning.kind is Kind.CIRCLE:
            sql = "({0})[1:2]"
        case checked.Value() if shape.meaning.kind is Kind.REGION:
            sql = f"sphere.centroid({REGION_NUMBERS})"
        case _:
            sql = "sphere.centroid({0})"
    return checked.Apply(sql, (shape,), meaning=geometry(Kind.POINT), at=node.at)


def _coordinate(node: tree.Call, frame: Frame) -> checked.Value:
    (where,) = _shapes(node, frame, (Kind.POINT,))
    sql, ucd = {"COORD1": ("long", "pos.eq.ra"), "COORD2": ("lat", "pos.eq.dec")}[node.name]
    meaning = number("double", unit="deg", ucd=ucd)
    return checked.Apply(f"degrees({sql}({{0}}))", (sphere(where),), meaning=meaning, at=node.at)


def _system(node: tree.Call, frame: Frame) -> checked.Value:
    _shapes(node, frame, _SHAPES)
    return checked.Constant("ICRS", "text", meaning=TEXT, at=node.at)


GEOMETRY_FUNCTIONS: Final[dict[str, Handler]] = {
    "AREA": _area,
    "BOX": _box,
    "CENTROID": _centroid,
    "CIRCLE": _circle,
    "CONTAINS": _contains,
    "COORD1": _coordinate,
    "COORD2": _coordinate,
    "COORDSYS": _system,
    "DISTANCE": _distance,
    "ESO_INTERSECTION": _shared_area,
    "INTERSECTS": _intersects,
    "POINT": _point,
    "POLYGON": _polygon,
    "REGION": _region,
    **HEALPIX_FUNCTIONS,
    **MOC_FUNCTIONS,
}
