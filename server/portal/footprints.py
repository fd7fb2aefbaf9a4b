"""The fields of a galaxy's mosaic on the plane that touches the sky at its centre.  Pure: positions in, geometry out.

North is up and east is left.  The template ``_footprints.html`` draws what is computed here.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Disk", "Drawing", "Field", "Ring", "ScaleBar", "draw", "tangent"]

SIZE: Final = 640.0
"""Length of the longer edge of the picture."""

MARGIN: Final = 24.0
FARTHEST: Final = 1800.0
"""Fields farther than this from the centre, in arcsec, are listed instead of drawn: they would shrink all others."""

SMALLEST: Final = 90.0
"""The picture spans at least this, in arcsec, so that a single field does not fill it."""

TOO_NEAR: Final = 18.0
"""Numbers nearer than this in the picture would cover one another: they are written as one."""

BARS: Final = (5, 10, 20, 30, 60, 120, 300, 600)
RADII: Final = (0.5, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30)

Point = tuple[float, float]


@dataclass(frozen=True)
class Field:
    """One pointing: position in degrees, outline as a DALI polygon (longitudes and latitudes), if it is known."""

    number: int
    ra: float
    dec: float
    outline: Sequence[float] | None
    ao: bool
    note: str


@dataclass(frozen=True)
class Disk:
    """How a galaxy's disk lies: angles in degrees, the position angle counted from north to east."""

    position_angle: float
    inclination: float


@dataclass(frozen=True)
class DrawnField:
    """A field in the picture: SVG ``points``, and their middle."""

    field: Field
    points: str
    x: float
    y: float


@dataclass(frozen=True)
class Number:
    """The number of a field, or the numbers of fields that stand on one another."""

    text: str
    x: float
    y: float


@dataclass(frozen=True)
class Ring:
    """A circle in the plane of the disk as we see it: half axes, and the turn that SVG wants (clockwise)."""

    kiloparsec: float
    x: float
    y: float
    across: float
    along: float
    turn: float


@dataclass(frozen=True)
class ScaleBar:
    """A length of ``arcsec`` in the picture, and what it spans at the galaxy."""

    arcsec: int
    kiloparsec: float
    length: float


@dataclass(frozen=True)
class Drawing:
    """Everything that is to be drawn, and the numbers of the fields that are too far away for it."""

    width: float
    height: float
    fields: tuple[DrawnField, ...]
    numbers: tuple[Number, ...]
    centre: Point
    ring: Ring | None
    bar: ScaleBar
    left_out: tuple[int, ...]


@dataclass(frozen=True)
class _Frame:
    """From arcsec east and north of the centre to the picture."""

    west: float
    north: float
    zoom: float

    def place(self, offset: Point) -> Point:
        east, north = offset
        return MARGIN + (self.west - east) * self.zoom, MARGIN + (self.north - north) * self.zoom


def tangent(ra: float, dec: float, *, centre: Point) -> Point:
    """Return arcsec east and north of a centre in gnomonic projection; all arguments in degrees.

    A position that the plane does not show, a quarter of the sky away or more, is infinitely far.
    """
    turn, latitude, latitude0 = math.radians(ra - centre[0]), math.radians(dec), math.radians(centre[1])
    depth = math.sin(latitude0) * math.sin(latitude) + math.cos(latitude0) * math.cos(latitude) * math.cos(turn)
    if depth <= 1e-9:
        return math.inf, math.inf
    east = math.cos(latitude) * math.sin(turn) / depth
    north = math.cos(latitude0) * math.sin(latitude) - math.sin(latitude0) * math.cos(latitude) * math.cos(turn)
    return math.degrees(east) * 3600, math.degrees(north / depth) * 3600


def draw(centre: Point, fields: Sequence[Field], *, parsec_per_arcsec: float, disk: Disk | None = None) -> Drawing:
    """Lay out the fields around a galaxy's centre (degrees)."""
    offsets = [tangent(field.ra, field.dec, centre=centre) for field in fields]
    near = [math.hypot(*offset) <= FARTHEST for offset in offsets]
    shown = [field for field, is_near in zip(fields, near, strict=True) if is_near]
    corners = {field.number: _corners(field, centre) for field in shown}
    frame, width, height = _frame([(0.0, 0.0), *(c for corner in corners.values() for c in corner)])
    x, y = frame.place((0.0, 0.0))
    drawn = tuple(_drawn(field, corners[field.number], frame) for field in shown)
    return Drawing(
        width=width,
        height=height,
        fields=drawn,
        numbers=tuple(_numbers(drawn, centre=(x, y))),
        centre=(x, y),
        ring=None if disk is None else _ring(disk, (x, y), min(width, height), frame.zoom / parsec_per_arcsec * 1000),
        bar=_bar(parsec_per_arcsec, width, frame.zoom),
        left_out=tuple(field.number for field, is_near in zip(fields, near, strict=True) if not is_near),
    )


def _corners(field: Field, centre: Point) -> list[Point]:
    """Corners of the outline, or of a small diamond where only the position is known."""
    if field.outline:
        pairs = zip(field.outline[::2], field.outline[1::2], strict=True)
        corners = [tangent(ra, dec, centre=centre) for ra, dec in pairs]
        if all(math.hypot(*corner) <= 2 * FARTHEST for corner in corners):
            return corners
    east, north = tangent(field.ra, field.dec, centre=centre)
    return [(east + 10, north), (east, north - 10), (east - 10, north), (east, north + 10)]


def _frame(points: Sequence[Point]) -> tuple[_Frame, float, float]:
    """Return the frame that shows all points, with the width and height of its picture."""
    easts, norths = [p[0] for p in points], [p[1] for p in points]
    spans = (max(max(easts) - min(easts), SMALLEST), max(max(norths) - min(norths), SMALLEST))
    zoom = (SIZE - 2 * MARGIN) / max(spans)
    frame = _Frame((max(easts) + min(easts) + spans[0]) / 2, (max(norths) + min(norths) + spans[1]) / 2, zoom)
    return frame, spans[0] * zoom + 2 * MARGIN, spans[1] * zoom + 2 * MARGIN


def _drawn(field: Field, corners: Sequence[Point], frame: _Frame) -> DrawnField:
    placed = [frame.place(corner) for corner in corners]
    x = sum(p[0] for p in placed) / len(placed)
    y = sum(p[1] for p in placed) / len(placed)
    return DrawnField(field, " ".join(f"{px:.1f},{py:.1f}" for px, py in placed), x, y)


def _numbers(drawn: Sequence[DrawnField], *, centre: Point) -> Iterator[Number]:
    groups: list[list[DrawnField]] = []
    for one in drawn:
        same = [g for g in groups if math.hypot(g[0].x - one.x, g[0].y - one.y) < TOO_NEAR]
        if same:
            same[0].append(one)
        else:
            groups.append([one])
    for group in groups:
        x, y = group[0].x, group[0].y
        covers_centre = math.hypot(x - centre[0], y - centre[1]) < TOO_NEAR
        yield Number(", ".join(str(one.field.number) for one in group), x, y - 1.4 * TOO_NEAR if covers_centre else y)


def _ring(disk: Disk, centre: Point, room: float, zoom: float) -> Ring:
    """Return the largest round circle of the disk that the picture has room for; ``zoom`` is per kiloparsec."""
    radius = max((r for r in RADII if r * zoom <= 0.42 * room), default=RADII[0])
    across = radius * zoom * abs(math.cos(math.radians(disk.inclination)))
    return Ring(radius, *centre, across=max(across, 0.5), along=radius * zoom, turn=-disk.position_angle)


def _bar(parsec_per_arcsec: float, width: float, zoom: float) -> ScaleBar:
    arcsec = max((bar for bar in BARS if bar * zoom <= width / 3), default=BARS[0])
    return ScaleBar(arcsec, arcsec * parsec_per_arcsec / 1000, arcsec * zoom)
