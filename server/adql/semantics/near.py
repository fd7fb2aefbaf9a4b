"""DISTANCE below a constant, so that the index can answer it: a circle finds the candidates, the distance decides."""

from server.adql.semantics import checked
from server.adql.semantics.kinds import constant_number
from server.adql.semantics.meaning import CONDITION, Kind, geometry

__all__ = ["DISTANCE_SQL", "near"]

DISTANCE_SQL = "degrees({0} <-> {1})"


def near(distance: checked.Value, operator: str, limit: checked.Value, exact: checked.Value) -> checked.Value | None:
    """Return ``distance < limit`` in the form for the index, or None when it is something else."""
    radius = constant_number(limit)
    if operator not in {"<", "<="} or radius is None or not 0 < radius <= 90:
        return None
    if not isinstance(distance, checked.Apply) or distance.sql != DISTANCE_SQL:
        return None
    left, right = (arg.shape for arg in distance.args if isinstance(arg, checked.Sphere))
    centre, point = (left, right) if _is_fixed(left) else (right, left)
    circle = checked.Circle(centre, limit, meaning=geometry(Kind.CIRCLE), at=exact.at)
    test = checked.SpatialTest("<@", point, circle, meaning=CONDITION, at=exact.at)
    return checked.Near(test, exact, meaning=CONDITION, at=exact.at)


def _is_fixed(value: checked.Value) -> bool:
    """Whether a point is written out in numbers."""
    return isinstance(value, checked.Point) and all(
        constant_number(one) is not None for one in (value.longitude, value.latitude)
    )
