"""The geometry of a mosaic: how its fields are turned, inferred from where they stand, and what they cover.

Pure.  The release's tables give positions but no rotator angles; neighbouring fields stand side by side along the
edges of the field of view, so their directions, modulo 90 degrees, give the angle until raw headers tell it.
"""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Final

__all__ = ["FIELD_SIZE", "footprint", "position_angle", "separation"]

FIELD_SIZE: Final = 60.0
"""Edge of the MUSE wide field, arcsec."""

NEIGHBOURS: Final = (50.0, 61.0)
"""Distance, in arcsec, of fields that stand edge to edge with some overlap; those at a corner are farther."""


def position_angle(fields: Sequence[tuple[float, float]]) -> float | None:
    """Infer the position angle of a mosaic's fields, modulo 90 degrees, east of north.

    The angle is the circular median of the directions between neighbours: a few fields out of step do not turn it.

    Parameters
    ----------
    fields
        Positions (ra, dec) in degrees.

    Returns
    -------
    float or None
        Degrees in [0, 90); None when no two fields stand edge to edge.
    """
    offsets = [_offset(one, other) for one, other in combinations(fields, 2)]
    near = [(x, y) for x, y in offsets if NEIGHBOURS[0] <= math.hypot(x, y) <= NEIGHBOURS[1]]
    angles: list[float] = [math.degrees(math.atan2(x, y)) % 90 for x, y in near]
    if not angles:
        return None
    median: float = min(angles, key=lambda angle: sum(_apart(angle, other) for other in angles))
    return round(median, 2) % 90


def footprint(ra: float, dec: float, angle: float, *, size: float = FIELD_SIZE) -> list[float]:
    """Return the outline of a square field as a DALI polygon: eight numbers in degrees, counter-clockwise.

    Parameters
    ----------
    ra, dec
        Centre in degrees.
    angle
        Position angle in degrees, east of north.
    size
        Edge in arcsec.
    """
    half = math.radians(size / 3600 / 2)
    turn = math.radians(angle)
    outline: list[float] = []
    for east, north in ((half, half), (half, -half), (-half, -half), (-half, half)):
        x = east * math.cos(turn) + north * math.sin(turn)
        y = -east * math.sin(turn) + north * math.cos(turn)
        outline += _deproject(ra, dec, x, y)
    return outline


def separation(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the angle between two positions (degrees) in arcsec."""
    (ra1, dec1), (ra2, dec2) = (tuple(map(math.radians, position)) for position in (one, other))
    half = math.sin((dec2 - dec1) / 2) ** 2 + math.cos(dec1) * math.cos(dec2) * math.sin((ra2 - ra1) / 2) ** 2
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(half)))) * 3600


def _apart(one: float, other: float) -> float:
    """Return how far two angles, known modulo 90 degrees, are apart."""
    return abs((one - other + 45) % 90 - 45)


def _offset(origin: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Return the offset east and north in arcsec, on the plane that is good enough within a galaxy."""
    east = (other[0] - origin[0] + 180) % 360 - 180
    return east * math.cos(math.radians(origin[1])) * 3600, (other[1] - origin[1]) * 3600


def _deproject(ra: float, dec: float, x: float, y: float) -> tuple[float, float]:
    """Return the sky position (degrees) of gnomonic offsets (radians) east and north of a centre (degrees)."""
    dec0 = math.radians(dec)
    away = math.cos(dec0) - y * math.sin(dec0)  # from the axis of the sphere; negative beyond a pole
    longitude = math.atan2(x, away)
    latitude = math.atan2(math.sin(dec0) + y * math.cos(dec0), math.hypot(x, away))
    return (ra + math.degrees(longitude)) % 360, math.degrees(latitude)
