"""What is told of a product's quality, as lines to show: figures of the whole first, then of its parts.  Pure."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from archive.quality import Told
from schema.products import Artifact, Product
from schema.quality import LABELS, Figure, Quality

__all__ = ["QualityLine", "QualitySection", "quality_section"]

PICTURE: Final = "image/png"
MOST_DECIMALS: Final = 4


@dataclass(frozen=True)
class QualityLine:
    """A figure, in words ready to show."""

    label: str
    part: str
    value: str
    unit: str
    count: str


@dataclass(frozen=True)
class QualitySection:
    """What a page shows of the quality of a product, and the report that says more."""

    about: str
    whole: Sequence[QualityLine]
    parts: Sequence[QualityLine]
    report: Product | None
    pictures: Sequence[Artifact]


def quality_section(told: Told) -> QualitySection:
    """Return what to show; a figure that is told of one part only stands with those of the whole."""
    count = Counter(row.figure for row in told.figures)
    whole = [row for row in told.figures if not row.part or count[row.figure] == 1]
    parts = [row for row in told.figures if row not in whole]
    pictures = sorted((a for a in told.shown if a.media_type == PICTURE), key=lambda a: a.role != "preview")
    return QualitySection(told.product_id, _lines(whole), _lines(parts), told.report, pictures)


def _lines(rows: Sequence[Quality]) -> list[QualityLine]:
    return [
        QualityLine(
            label=LABELS[Figure(row.figure)] if row.figure in set(Figure) else row.figure,
            part=row.part,
            value=_value(row.measured, row.error),
            unit=row.unit or "",
            count="" if row.n is None else f"{row.n:,}",
        )
        for row in rows
    ]


def _value(measured: float, error: float | None) -> str:
    """Write a number with as many decimals as its error deserves, and a minus sign for reading."""
    if error is None or not error > 0:
        written = f"{measured:.3g}" if abs(measured) < 1000 else f"{measured:.0f}"
    else:
        decimals = min(MOST_DECIMALS, max(0, 1 - math.floor(math.log10(error))))
        written = f"{round(measured, decimals) + 0.0:.{decimals}f} \N{PLUS-MINUS SIGN} {error:.{decimals}f}"
    return written.replace("-", "\N{MINUS SIGN}")
