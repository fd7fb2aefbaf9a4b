"""Whether overlapping exposures agree at all wavelengths, as in Figure 4 of the release description.

Pure.  ``overlaps`` compares exposures in units of their noise; here the pairs of many windows of wavelength are brought
together: a bias is how far a pair's median lies from 0, a scatter what is left without it.  Exposures of one field
share most of their sky and were taken one after the other, neighbours share an edge and hardly anything else: they are
told apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from processing.science.mosaic import Footprint
from processing.science.overlaps import Overlap
from processing.science.quality.typical import Typical, Window, typical

__all__ = ["Agreement", "PairAgreement", "agreement", "is_same_field", "pairs"]

SAME: Final = 0.6
"""Part of the smaller of two exposures that both see, from which on they are of one field."""

LEAST: Final = 200
"""Voxels of a pair below which percentiles mean little."""

MOST: Final = 90.0
"""Percent of the pairs."""


@dataclass(frozen=True)
class Agreement:
    """How pairs of exposures agree in a window: the middle of the pairs.

    Parameters
    ----------
    bias
        Without its sign, in sigmas: which of a pair is the first says nothing.
    most_bias
        That of nine tenths of the pairs is less.
    scatter
        Of the differences, in sigmas; 1 if variances tell all of the noise.
    wide, widest
        Half the widths of 95.5 and 99.7 percent of the differences; 2 and 3 if they do and it is Gaussian.
    voxels
        That were compared, over all pairs.
    """

    window: Window
    bias: Typical
    most_bias: float
    scatter: Typical
    wide: Typical
    widest: Typical
    voxels: int


@dataclass(frozen=True)
class PairAgreement:
    """How two exposures agree over all wavelengths: the middle of the windows; ``bias`` is first minus second."""

    first: int
    second: int
    bias: Typical
    scatter: Typical
    voxels: int


def is_same_field(first: Footprint, second: Footprint) -> bool:
    """Tell whether two exposures are of one field."""
    shared = first.shared_with(second)
    smaller = min(first.nx * first.ny, second.nx * second.ny)
    return shared is not None and shared.nx * shared.ny >= SAME * smaller


def agreement(
    compared: Mapping[Window, Sequence[Overlap]], footprints: Sequence[Footprint], *, same_field: bool
) -> tuple[Agreement, ...]:
    """Return how exposures agree in each window in which some were compared.

    Parameters
    ----------
    compared
        The pairs by window.
    same_field
        Whether pairs of one field are asked for, or neighbours.
    """
    found = []
    for window, overlaps in compared.items():
        used = [o for o in _enough(overlaps) if _is_of(o, footprints) == same_field]
        if used:
            bias = np.abs([one.median for one in used])
            found.append(
                Agreement(
                    window=window,
                    bias=typical(bias),
                    most_bias=float(np.percentile(bias, MOST)),
                    scatter=typical(np.array([one.scatter for one in used])),
                    wide=typical(np.array([one.wide for one in used])),
                    widest=typical(np.array([one.widest for one in used])),
                    voxels=sum(one.values for one in used),
                )
            )
    return tuple(found)


def pairs(
    compared: Mapping[Window, Sequence[Overlap]], footprints: Sequence[Footprint], *, same_field: bool
) -> tuple[PairAgreement, ...]:
    """Return how each pair agrees, of one field or of neighbours."""
    by_pair: dict[tuple[int, int], list[Overlap]] = {}
    for overlaps in compared.values():
        for one in _enough(overlaps):
            if _is_of(one, footprints) == same_field:
                by_pair.setdefault((one.first, one.second), []).append(one)
    return tuple(
        PairAgreement(
            *pair,
            bias=typical(np.array([one.median for one in several])),
            scatter=typical(np.array([one.scatter for one in several])),
            voxels=sum(one.values for one in several),
        )
        for pair, several in sorted(by_pair.items())
    )


def _enough(overlaps: Sequence[Overlap]) -> list[Overlap]:
    return [one for one in overlaps if one.values >= LEAST]


def _is_of(one: Overlap, footprints: Sequence[Footprint]) -> bool:
    return is_same_field(footprints[one.first], footprints[one.second])
