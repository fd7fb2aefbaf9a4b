"""Where the nodes of a history stand on a drawing: in columns, what was used to the left of what came of it.  Pure.

A node stands as far from the product as the longest way to it; a line that passes a column gets room there.
``lineage_svg`` writes it down.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Final

from archive.layering import layers
from archive.lineage import Lineage, Node

__all__ = ["Box", "Drawing", "draw"]

MARGIN: Final = 12.0
ACROSS: Final = 40.0
"""Between columns: room for the lines."""

BETWEEN: Final = 10.0
TALL: Final = 40.0
LOW: Final = 26.0
"""Of a box with one line of text."""

PASSAGE: Final = 8.0
"""Height that a line needs in a column that it passes."""

LETTER: Final = 7.2
PADDING: Final = 20.0
NARROWEST: Final = 70.0
LONGEST: Final = 30
"""Letters of a label; longer ones are cut in their middle, since names differ at their ends."""

HEAD: Final = 7.0


@dataclass(frozen=True)
class Box:
    """A node with its place; ``label`` is what of its name has room."""

    node: Node
    label: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Drawing:
    """Everything that is to be drawn; lines and arrow heads as SVG paths."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[str, ...]
    heads: tuple[str, ...]


@dataclass(frozen=True)
class _Place:
    """A node, or the passage of a line where ``node`` is None, in its column."""

    key: str
    column: int
    node: Node | None

    @property
    def height(self) -> float:
        if self.node is None:
            return PASSAGE
        return TALL if self.node.note else LOW


def draw(lineage: Lineage) -> Drawing:
    """Lay out a history with the product at the right."""
    layer = layers([node.key for node in lineage.nodes], ((end, begin) for begin, end in lineage.arrows))
    last = max(layer.values())
    places = {node.key: _Place(node.key, last - layer[node.key], node) for node in lineage.nodes}
    routes = [_route(places, begin, end) for begin, end in lineage.arrows]
    columns = [[place for place in places.values() if place.column == number] for number in range(last + 1)]
    middle = _heights(columns, routes)
    widths = [max((_width(place) for place in column), default=0.0) for column in columns]
    left = [MARGIN + sum(widths[:number]) + ACROSS * number for number in range(last + 1)]
    boxes = {
        place.key: Box(
            place.node,
            _shortened(place.node.label),
            left[place.column],
            middle[place.key] - place.height / 2,
            widths[place.column],
            place.height,
        )
        for place in places.values()
        if place.node is not None
    }
    spans = {place.key: (left[place.column], left[place.column] + widths[place.column]) for place in places.values()}
    return Drawing(
        width=left[-1] + widths[-1] + MARGIN,
        height=max(box.y + box.height for box in boxes.values()) + MARGIN,
        boxes=tuple(boxes.values()),
        lines=tuple(_line(route, spans, middle) for route in routes),
        heads=tuple(_head(spans[route[-1]][0], middle[route[-1]]) for route in routes),
    )


def _route(places: dict[str, _Place], begin: str, end: str) -> list[str]:
    """Make passages in the columns between; an arrow that closes a circle goes straight back."""
    passages = [
        _Place(f"{begin} to {end} at {number}", number, None)
        for number in range(places[begin].column + 1, places[end].column)
    ]
    places |= {passage.key: passage for passage in passages}
    return [begin, *(passage.key for passage in passages), end]


def _heights(columns: Sequence[Sequence[_Place]], routes: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the middle of each place, from the product's column on: beside what they lead to."""
    leads_to = defaultdict[str, list[str]](list)
    for route in routes:
        for begin, end in pairwise(route):
            leads_to[begin].append(end)
    middle: dict[str, float] = {}
    for column in reversed(columns):
        wanted = {
            place.key: fmean([middle[end] for end in leads_to[place.key] if end in middle] or [0.0]) for place in column
        }
        middle |= _stacked(sorted(column, key=lambda place: wanted[place.key]), wanted)
    top = min(middle[place.key] - place.height / 2 for column in columns for place in column)
    return {key: y - top + MARGIN for key, y in middle.items()}


def _stacked(column: Sequence[_Place], wanted: Mapping[str, float]) -> dict[str, float]:
    """Move each below the one before it, then all together to where they want to be on average."""
    found: dict[str, float] = {}
    floor = -float("inf")
    for place in column:
        found[place.key] = max(wanted[place.key], floor + place.height / 2)
        floor = found[place.key] + place.height / 2 + BETWEEN
    shift = fmean(wanted[key] - y for key, y in found.items()) if found else 0.0
    return {key: y + shift for key, y in found.items()}


def _width(place: _Place) -> float:
    if place.node is None:
        return 0.0
    letters = max(len(_shortened(place.node.label)), len(_shortened(place.node.note)) * 0.9)
    return max(LETTER * letters + PADDING, NARROWEST)


def _shortened(label: str) -> str:
    kept = (LONGEST - 1) // 2
    return label if len(label) <= LONGEST else f"{label[:kept]}\N{HORIZONTAL ELLIPSIS}{label[-kept:]}"


def _line(route: Sequence[str], spans: Mapping[str, tuple[float, float]], middle: Mapping[str, float]) -> str:
    """Go straight through a passage, and in a curve from column to column."""
    x, y = spans[route[0]][1], middle[route[0]]
    path = f"M{x:.1f} {y:.1f}"
    for key in route[1:]:
        begin, end = spans[key]
        is_last = key == route[-1]
        to_x, to_y = begin - (HEAD if is_last else 0.0), middle[key]
        half = (x + to_x) / 2
        path += f"C{half:.1f} {y:.1f} {half:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
        if not is_last:
            path += f"H{end:.1f}"
        x, y = end, to_y
    return path


def _head(x: float, y: float) -> str:
    return f"M{x:.1f} {y:.1f}l{-HEAD:.1f} {-HEAD / 2:.1f}v{HEAD:.1f}z"
