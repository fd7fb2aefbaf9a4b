"""How two engines agree on the fits that both did, as rows of ``survey.quality``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from processing.science.engine_comparison import Difference, summary
from schema.quality import Figure, Quality

__all__ = ["Differences", "agreement_rows"]

MARK: Final = "differ_"


@dataclass(frozen=True)
class Differences:
    """By how many errors they differ, of each quantity."""

    told: tuple[Difference, ...]

    @classmethod
    def of(cls, values: Mapping[str, NDArray[Any]]) -> Self:
        """Find them among what tiles kept."""
        marked = {name.removeprefix(MARK): each for name, each in values.items() if name.startswith(MARK)}
        return cls(summary(marked))

    @classmethod
    def of_parts(cls, parts: Iterable[Mapping[str, NDArray[Any]]]) -> Self:
        """Find them among what each of many tiles kept."""
        found: dict[str, list[NDArray[Any]]] = {}
        for part in parts:
            for name, values in part.items():
                if name.startswith(MARK):
                    found.setdefault(name, []).append(values)
        return cls.of({name: np.concatenate(values) for name, values in found.items()})


def agreement_rows(product_id: str, differences: Differences) -> list[Quality]:
    """Return the rows; none where only one engine fitted."""
    return [
        Quality(product_id=product_id, figure=str(figure), part=one.name, measured=measured, unit="sigma", n=one.count)
        for one in differences.told
        for figure, measured in (
            (Figure.ENGINE_MEDIAN, one.median),
            (Figure.ENGINE_MOST, one.percentile_99),
            (Figure.ENGINE_LARGEST, one.largest),
        )
    ]
