"""Names beside points, where they cover neither one another nor the points.  Pure."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Label", "place_labels"]

LETTER: Final = 7.4
"""Width of a letter in the drawing; a little more than the widest face needs."""

LINE: Final = 13.0
DOT: Final = 6.0
"""Half the width that a point keeps free around itself."""

NEAR: Final = 9.0
RINGS: Final = (NEAR, 18.0, 28.0, 40.0, 54.0, 70.0, 88.0)
ANGLES: Final = (0, 180, -35, 35, 145, -145, -70, 70, 110, -110)


@dataclass(frozen=True)
class Label:
    """A name with the point at which it is anchored (``start`` or ``end``); ``leader`` if a line must lead to it."""

    text: str
    x: float
    y: float
    anchor: str
    leader: bool


Box = tuple[float, float, float, float]


def place_labels(
    points: Sequence[tuple[float, float]], names: Sequence[str], *, bounds: tuple[float, float]
) -> list[Label | None]:
    """Return a label for each name, None for one that finds no room.

    ``names`` belong to the first of the ``points``, which none may cover; ``bounds`` are width and height.
    """
    taken: list[Box] = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in points]
    placed: list[Label | None] = []
    for name, point in zip(names, points, strict=False):
        for label in _candidates(name, point):
            box = _box(label)
            if _inside(box, bounds) and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                placed.append(label)
                break
        else:
            placed.append(None)
    return placed


def _candidates(name: str, point: tuple[float, float]) -> Iterator[Label]:
    for ring in RINGS:
        for angle in ANGLES:
            x = point[0] + ring * math.cos(math.radians(angle))
            y = point[1] + ring * math.sin(math.radians(angle))
            yield Label(name, x, y, "start" if abs(angle) < 90 else "end", leader=ring > NEAR)


def _box(label: Label) -> Box:
    width = LETTER * len(label.text)
    left = label.x if label.anchor == "start" else label.x - width
    return left, label.y - LINE / 2, left + width, label.y + LINE / 2


def _inside(box: Box, bounds: tuple[float, float]) -> bool:
    return box[0] >= 0 and box[1] >= 0 and box[2] <= bounds[0] and box[3] <= bounds[1]


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
