"""Figures as a page writes them: those of the whole first, with the decimals that their errors deserve."""

import pytest

from archive.quality import Told
from schema.quality import Figure, Quality
from server.portal.quality_facts import quality_section


def row(figure: str, part: str = "", measured: float = 1.0, error: float | None = None, n: int | None = 1) -> Quality:
    return Quality(product_id="p", figure=figure, part=part, measured=measured, error=error, unit=None, n=n)


def test_figures_of_the_whole_stand_before_those_of_parts() -> None:
    rows = [row(Figure.NOISE), row(Figure.NOISE, "5000-5200"), row(Figure.SIGNAL, "5300-5500")]
    section = quality_section(Told("p", rows, None))
    assert [(line.label[:5], line.part) for line in section.whole] == [("Noise", ""), ("Signa", "5300-5500")]
    assert [line.part for line in section.parts] == ["5000-5200"]
    assert section.pictures == []


@pytest.mark.parametrize(
    ("measured", "error", "written"),
    [
        (1.12345, 0.0123, "1.123 \N{PLUS-MINUS SIGN} 0.012"),
        (-0.00001, 0.002, "0.0000 \N{PLUS-MINUS SIGN} 0.0020"),
        (-0.0263, 0.01, "\N{MINUS SIGN}0.026 \N{PLUS-MINUS SIGN} 0.010"),
        (10.18444, None, "10.2"),
        (12345.6, None, "12346"),
        (3.0, 0.0, "3"),
    ],
)
def test_a_number_has_the_decimals_that_its_error_deserves(measured: float, error: float | None, written: str) -> None:
    (line,) = quality_section(Told("p", [row(Figure.NOISE, measured=measured, error=error)], None)).whole
    assert line.value == written


def test_a_figure_that_nobody_named_is_shown_by_its_own_name() -> None:
    (line,) = quality_section(Told("p", [row("new_figure", n=None)], None)).whole
    assert (line.label, line.count) == ("new_figure", "")
