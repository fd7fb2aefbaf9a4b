"""Points, circles, boxes and polygons made and checked: what pgSphere would silently misread is refused here.

Written-out numbers are checked: declinations stay within 90 degrees, radii are not negative.  A value that comes out
of a column cannot be checked before the query runs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from server.adql.errors import Fault
from server.adql.semantics import checked
from server.adql.semantics.kinds import constant_number
from server.adql.semantics.meaning import DOUBLE, Kind, geometry

__all__ = ["MAX_VERTICES", "accepted_frame", "box", "circle", "constant_circle_radius", "point", "polygon", "sphere"]

MAX_VERTICES: Final = 1000

_FRAMES: Final = frozenset({"", "ICRS", "J2000", "FK5", "UNKNOWNFRAME", "UNKNOWNREFPOS"})
_ORIGINS: Final = frozenset({"GEOCENTER", "BARYCENTER", "HELIOCENTER", "TOPOCENTER", "UNKNOWNREFPOS", "SPHERICAL2"})


def accepted_frame(text: str) -> bool:
    """Whether a coordinate system is the one we have: ICRS, under any of its names, whatever the origin."""
    words = text.upper().split()
    return not words or (words[0] in _FRAMES and set(words[1:]) <= _ORIGINS)


def point(longitude: checked.Value, latitude: checked.Value, *, at: int) -> checked.Value:
    """Return a point; pgSphere would fold a latitude beyond the pole over it."""
    written = constant_number(latitude)
    if written is not None and abs(written) > 90:
        raise Fault(f"latitude {written:g} is not between -90 and 90", latitude.at)
    return checked.Point(longitude, latitude, meaning=geometry(Kind.POINT), at=at)


def sphere(shape: checked.Value) -> checked.Value:
    """Return a geometry as pgSphere sees it."""
    return checked.Sphere(shape, meaning=shape.meaning, at=shape.at)


def circle(centre: checked.Value, radius: checked.Value, *, at: int) -> checked.Value:
    """Return a circle."""
    written = constant_number(radius)
    if written is not None and written < 0:
        raise Fault("a radius cannot be negative", radius.at)
    return checked.Circle(centre, radius, meaning=geometry(Kind.CIRCLE), at=at)


def constant_circle_radius(shape: checked.Value) -> float | None:
    """Return the radius of a circle when it is written out, else None."""
    return constant_number(shape.radius) if isinstance(shape, checked.Circle) else None


def polygon(vertices: Sequence[checked.Value], *, at: int) -> checked.Value:
    """Return a polygon; its edges are great circles."""
    if len(vertices) < 3:
        raise Fault("a polygon needs three vertices or more", at)
    if len(vertices) > MAX_VERTICES:
        raise Fault(f"a polygon has at most {MAX_VERTICES} vertices", at)
    if len(set(vertices)) < 3:
        raise Fault("a polygon needs three different vertices", at)
    return checked.Polygon(tuple(vertices), meaning=geometry(Kind.POLYGON), at=at)


def box(centre: checked.Value, width: checked.Value, height: checked.Value, *, at: int) -> checked.Value:
    """Return the polygon of the four corners; the width is in longitude, not shortened towards the pole."""
    for side in (width, height):
        written = constant_number(side)
        if written is not None and not 0 < written < 180:
            raise Fault("a box is wider and higher than 0 and less than 180 degrees", side.at)
    corners = _Corners(_coordinate(centre, 0), _coordinate(centre, 1), width, height)
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return polygon([corners.corner(east, north, at=at) for east, north in signs], at=at)


@dataclass(frozen=True)
class _Corners:
    longitude: checked.Value
    latitude: checked.Value
    width: checked.Value
    height: checked.Value

    def corner(self, east: int, north: int, *, at: int) -> checked.Value:
        return point(
            _shifted(self.longitude, self.width, east, at=at),
            _shifted(self.latitude, self.height, north, at=at),
            at=at,
        )


def _coordinate(centre: checked.Value, index: int) -> checked.Value:
    if isinstance(centre, checked.Point):
        return (centre.longitude, centre.latitude)[index]
    sql = ("degrees(long({0}))", "degrees(lat({0}))")[index]
    return checked.Apply(sql, (sphere(centre),), meaning=DOUBLE, at=centre.at)


def _shifted(middle: checked.Value, size: checked.Value, sign: int, *, at: int) -> checked.Value:
    """Return ``middle + sign * size / 2``, reckoned here when both are written out."""
    from_, by = constant_number(middle), constant_number(size)
    if from_ is not None and by is not None:
        corner = math.fsum((from_, sign * by / 2))
        return checked.Constant(corner, "float8", meaning=DOUBLE, at=at)
    operator = "+" if sign > 0 else "-"
    return checked.Apply(f"({{0}} {operator} {{1}} / 2.0::float8)", (middle, size), meaning=DOUBLE, at=at)
