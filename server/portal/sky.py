"""A map of the whole sky, in Hammer's equal-area form of Aitoff's projection.  Pure: positions in, geometry out.

North is up and east is left, as on the sky.  The template ``_sky.html`` draws what is computed here, so that names
are escaped in one place only.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from server.portal.labels import Label, place_labels

__all__ = ["Mark", "Place", "SkyMap", "best_centre", "draw", "project"]

WIDTH: Final = 960.0
HEIGHT: Final = 480.0
MARGIN: Final = 26.0
"""Room around the map for the names of the parallels."""

MOST_LABELS: Final = 40
GALACTIC_POLE: Final = (192.85948, 27.12825)
GALACTIC_NODE: Final = 32.93192
"""Galactic longitude at which the Milky Way's plane crosses the equator northwards, degrees."""


@dataclass(frozen=True)
class Place:
    """Something at a position (degrees): ``href`` leads to it, ``note`` says more, ``kind`` is its style."""

    name: str
    href: str
    ra: float
    dec: float
    kind: str
    note: str


@dataclass(frozen=True)
class Mark:
    """A place on the map, with its label where there was room for one."""

    place: Place
    x: float
    y: float
    label: Label | None


@dataclass(frozen=True)
class Tick:
    """A number at a line of the grid."""

    text: str
    x: float
    y: float
    anchor: str


@dataclass(frozen=True)
class SkyMap:
    """Everything that is to be drawn; lines are SVG path data."""

    width: float
    height: float
    outline: str
    grid: tuple[str, ...]
    milky_way: str
    ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]


def project(ra: float, dec: float, *, centre: float = 0.0) -> tuple[float, float]:
    """Return where a position (degrees) falls in the drawing, x to the right and y down.

    ``centre`` is the right ascension in the middle; the sky is cut open opposite to it, and a position on the cut
    falls on the right edge.
    """
    return _flat((ra - centre + 180) % 360 - 180, dec)


def best_centre(right_ascensions: Iterable[float]) -> float:
    """Return 0, 90, 180 or 270 degrees: the middle for which the cut is farthest from everything on the map."""
    there = list(right_ascensions)

    def clearance(centre: float) -> float:
        return min((180 - abs((ra - centre + 180) % 360 - 180) for ra in there), default=180.0)

    return max((0.0, 90.0, 180.0, 270.0), key=clearance)


def draw(places: Sequence[Place]) -> SkyMap:
    """Lay out the map; the first places get their labels first."""
    centre = best_centre(place.ra for place in places)
    points = [project(place.ra, place.dec, centre=centre) for place in places]
    ticks = tuple(_ticks(centre))
    names = [place.name for place in places[:MOST_LABELS]]
    obstacles = points + [(tick.x + 8, tick.y - 4) for tick in ticks if tick.anchor == "start"]
    labels = place_labels(obstacles, names, bounds=(WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN))
    labels += [None] * (len(places) - len(labels))
    return SkyMap(
        width=WIDTH + 2 * MARGIN,
        height=HEIGHT + 2 * MARGIN,
        outline=_outline(),
        grid=_grid(),
        milky_way=_milky_way(centre),
        ticks=ticks,
        marks=tuple(Mark(p, x, y, label) for p, (x, y), label in zip(places, points, labels, strict=True)),
    )


def _flat(longitude: float, dec: float) -> tuple[float, float]:
    """Project a longitude in [-180, 180], counted from the middle eastwards, and a declination."""
    half, latitude = math.radians(longitude) / 2, math.radians(dec)
    stretch = math.sqrt(1 + math.cos(latitude) * math.cos(half))
    x = -math.cos(latitude) * math.sin(half) / stretch
    y = -math.sin(latitude) / stretch
    return MARGIN + WIDTH / 2 * (1 + x), MARGIN + HEIGHT / 2 * (1 + y)


@cache
def _outline() -> str:
    return _path([_flat(180.0, d) for d in range(-90, 91, 3)] + [_flat(-180.0, d) for d in range(90, -91, -3)])


@cache
def _grid() -> tuple[str, ...]:
    meridians = [_path([_flat(longitude, d) for d in range(-90, 91, 5)]) for longitude in range(-150, 151, 30)]
    parallels = [[_flat(longitude, latitude) for longitude in range(-180, 181, 5)] for latitude in range(-60, 61, 30)]
    return (*meridians, *map(_path, parallels))


def _ticks(centre: float) -> Iterable[Tick]:
    for longitude in range(-120, 121, 60):
        x, y = _flat(longitude, 0)
        yield Tick(f"{(centre + longitude) % 360 / 15:.0f}h", x + 4, y - 4, "start")
    for latitude in (-60, -30, 30, 60):
        x, y = _flat(180, latitude)
        yield Tick(f"{latitude:+d}\N{DEGREE SIGN}".replace("-", "\N{MINUS SIGN}"), x - 6, y + 4, "end")


def _milky_way(centre: float) -> str:
    """Return the galactic plane, lifted where the cut of the map goes through it."""
    pole_ra, pole_dec = map(math.radians, GALACTIC_POLE)
    pieces: list[list[tuple[float, float]]] = [[]]
    last = 0.0
    for step in range(0, 361, 3):
        angle = math.radians(step - GALACTIC_NODE)
        dec = math.asin(math.cos(pole_dec) * math.sin(angle))
        ra = pole_ra + math.atan2(math.cos(angle), -math.sin(pole_dec) * math.sin(angle))
        longitude = (math.degrees(ra) - centre + 180) % 360 - 180
        if abs(longitude - last) > 180 and pieces[-1]:
            pieces.append([])
        pieces[-1].append(_flat(longitude, math.degrees(dec)))
        last = longitude
    return " ".join(_path(piece) for piece in pieces if len(piece) > 1)


def _path(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
