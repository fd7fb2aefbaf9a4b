"""Seeing and wind over one night, one above the other, with the exposures below.  Pure: readings in, geometry out.

The template ``_night_plot.html`` draws what is computed here.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

__all__ = ["Bar", "Panel", "Plot", "Sample", "draw"]

WIDTH: Final = 960.0
LEFT: Final = 46.0
RIGHT: Final = 14.0
HEIGHT: Final = 130.0
"""Of one panel."""

BETWEEN: Final = 34.0
TOP: Final = 26.0
STRIP: Final = 18.0
"""Height of the bars of the exposures."""

HOUR: Final = timedelta(hours=1)
STEPS: Final = tuple(timedelta(minutes=minutes) for minutes in (15, 30, 60, 120, 180, 360))
MOST_HOURS: Final = 14
"""Numbers below the plot: more would touch each other on a small screen."""

GAP: Final = timedelta(minutes=20)
"""A line is broken where nothing was read for longer."""

SHORTEST: Final = timedelta(hours=2)
"""The plot spans at least this, so that a single exposure does not fill it."""


@dataclass(frozen=True)
class Sample:
    """A value at a time; ``kind`` is what it is drawn as: line, monitor or guiding."""

    moment: datetime
    value: float
    kind: str


@dataclass(frozen=True)
class Bar:
    """An exposure: when it began, how long it took in seconds, and what it is drawn as: science or other."""

    moment: datetime
    seconds: float
    kind: str


@dataclass(frozen=True)
class Tick:
    """A number at a line of the grid."""

    text: str
    at: float


@dataclass(frozen=True)
class Shape:
    """SVG path data of everything of one kind: lines, bars, or points of no length for a round pen."""

    kind: str
    path: str


@dataclass(frozen=True)
class Panel:
    """One quantity; ``top`` and ``base`` are where its scale ends and begins."""

    title: str
    top: float
    base: float
    ticks: tuple[Tick, ...]
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class Plot:
    """Everything that is to be drawn."""

    width: float
    height: float
    left: float
    right: float
    panels: tuple[Panel, ...]
    hours: tuple[Tick, ...]
    strip: float
    bars: tuple[Shape, ...]
    kinds: frozenset[str]


@dataclass(frozen=True)
class _Axis:
    """From a time to the picture."""

    begin: datetime
    end: datetime

    def place(self, moment: datetime) -> float:
        return LEFT + (moment - self.begin) / (self.end - self.begin) * (WIDTH - LEFT - RIGHT)

    def has(self, moment: datetime) -> bool:
        return self.begin <= moment <= self.end


def draw(quantities: Sequence[tuple[str, Sequence[Sample]]], bars: Sequence[Bar]) -> Plot | None:
    """Lay out one panel for each quantity (title with unit, values); None when there is nothing to draw.

    The plot spans the time of the exposures and an hour around it, or, where there are none, that of the values.
    """
    axis = _axis([s.moment for _, samples in quantities for s in samples], bars)
    shown = [(title, [s for s in samples if axis is not None and axis.has(s.moment)]) for title, samples in quantities]
    shown = [(title, samples) for title, samples in shown if samples]
    if axis is None or not (shown or bars):
        return None
    panels = tuple(
        _panel(title, samples, axis, TOP + n * (HEIGHT + BETWEEN)) for n, (title, samples) in enumerate(shown)
    )
    strip = (panels[-1].base if panels else 0.0) + 10
    return Plot(
        width=WIDTH,
        height=strip + STRIP + 22,
        left=LEFT,
        right=WIDTH - RIGHT,
        panels=panels,
        hours=tuple(_hours(axis)),
        strip=strip,
        bars=tuple(_bars(bars, axis, strip)),
        kinds=frozenset(s.kind for _, samples in shown for s in samples) | {bar.kind for bar in bars},
    )


def _axis(moments: Sequence[datetime], bars: Sequence[Bar]) -> _Axis | None:
    if bars:
        begin = min(bar.moment for bar in bars) - HOUR / 2
        end = max(bar.moment + timedelta(seconds=bar.seconds) for bar in bars) + HOUR / 2
    elif moments:
        begin, end = min(moments), max(moments)
    else:
        return None
    missing = max(SHORTEST - (end - begin), timedelta(0))
    return _Axis(begin - missing / 2, end + missing / 2)


def _panel(title: str, samples: Sequence[Sample], axis: _Axis, top: float) -> Panel:
    step, most = _scale(max(sample.value for sample in samples))
    base = top + HEIGHT

    def height(value: float) -> float:
        return base - max(value, 0.0) / most * HEIGHT

    ticks = [Tick(f"{n * step:g}", height(n * step)) for n in range(round(most / step) + 1)]
    shapes = [
        Shape(kind, write([s for s in samples if s.kind == kind], axis, height))
        for kind, write in (("line", _line), ("monitor", _dots), ("guiding", _dots))
    ]
    return Panel(title, top, base, tuple(ticks), tuple(shape for shape in shapes if shape.path))


def _scale(largest: float) -> tuple[float, float]:
    """Return the step of a scale from nought and its end: round numbers, and four steps at most."""
    rough = max(largest, 0.1) / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough * 0.999)
    return step, step * math.ceil(max(largest, 0.1) / step * 0.999)


def _line(samples: Sequence[Sample], axis: _Axis, height: Callable[[float], float]) -> str:
    pieces: list[str] = []
    before: datetime | None = None
    for sample in samples:
        letter = "M" if before is None or sample.moment - before > GAP else "L"
        pieces.append(f"{letter}{axis.place(sample.moment):.1f} {height(sample.value):.1f}")
        before = sample.moment
    return "".join(pieces)


def _hours(axis: _Axis) -> Iterator[Tick]:
    step = next((step for step in STEPS if (axis.end - axis.begin) / step <= MOST_HOURS), STEPS[-1])
    moment = axis.begin.replace(hour=0, minute=0, second=0, microsecond=0)
    moment += math.ceil((axis.begin - moment) / step) * step
    while moment <= axis.end:
        yield Tick(f"{moment:%H:%M}", axis.place(moment))
        moment += step


def _dots(samples: Sequence[Sample], axis: _Axis, height: Callable[[float], float]) -> str:
    return "".join(f"M{axis.place(sample.moment):.1f} {height(sample.value):.1f}h0" for sample in samples)


def _bars(bars: Sequence[Bar], axis: _Axis, top: float) -> Iterator[Shape]:
    for kind in sorted({bar.kind for bar in bars}):
        yield Shape(kind, "".join(_bar(bar, axis, top) for bar in bars if bar.kind == kind))


def _bar(bar: Bar, axis: _Axis, top: float) -> str:
    """A bias takes no time: it is drawn as wide as can be seen."""
    x = axis.place(bar.moment)
    width = max(axis.place(bar.moment + timedelta(seconds=bar.seconds)) - x, 1.5)
    return f"M{x:.1f} {top:.1f}h{width:.1f}v{STRIP:.1f}h{-width:.1f}z"
