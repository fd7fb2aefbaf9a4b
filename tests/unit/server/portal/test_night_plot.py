"""The plot of a night: where things fall, and what happens at its edges."""

import re
from datetime import datetime, timedelta

import pytest

from server.portal.night_plot import Bar, Sample, draw

BEGIN = datetime(2018, 6, 5, 1, 0)


def samples(*values: float, minutes: int = 5) -> list[Sample]:
    return [Sample(BEGIN + timedelta(minutes=minutes * n), value, "line") for n, value in enumerate(values)]


def test_nothing_read_and_nothing_exposed_is_no_plot() -> None:
    assert draw([("Seeing", []), ("Wind", [])], []) is None


def test_a_scale_begins_at_nought_and_reaches_the_largest_value() -> None:
    for largest in (0.01, 0.3, 0.99, 1.0, 1.7, 9.5, 40.0, 1e6):
        plot = draw([("Wind", samples(0.0, largest))], [])
        assert plot is not None
        ticks = plot.panels[0].ticks
        assert ticks[0].text == "0"
        assert float(ticks[-1].text) >= largest * 0.999
        assert 2 <= len(ticks) <= 6


def test_a_line_is_broken_where_nothing_was_read() -> None:
    late = [Sample(BEGIN + timedelta(hours=3), 1.0, "line")]
    plot = draw([("Seeing", samples(1.0, 1.1, 1.2) + late)], [])
    assert plot is not None
    (line,) = plot.panels[0].shapes
    assert re.sub(r"[^ML]", "", line.path) == "MLLM"


def test_the_exposures_bound_the_time_that_is_shown() -> None:
    bars = [Bar(BEGIN, 600.0, "science"), Bar(BEGIN + timedelta(hours=4), 0.0, "other")]
    far = [Sample(BEGIN + timedelta(hours=h), 1.0, "line") for h in (-9, 1, 9)]
    plot = draw([("Seeing", far)], bars)
    assert plot is not None
    (line,) = plot.panels[0].shapes
    assert line.path.count("M") == 1
    assert {shape.kind for shape in plot.bars} == {"science", "other"}
    assert plot.hours[0].text == "00:30"
    assert all(plot.left <= hour.at <= plot.right for hour in plot.hours)
    assert 3 <= len(plot.hours) <= 20


@pytest.mark.parametrize("seconds", [0.0, 36_000.0])
def test_a_single_exposure_is_drawn(seconds: float) -> None:
    plot = draw([], [Bar(BEGIN, seconds, "science")])
    assert plot is not None
    assert plot.bars[0].path.startswith("M")
    assert not plot.panels
