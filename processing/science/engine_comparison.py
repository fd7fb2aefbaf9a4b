"""By how many errors two programs differ that fit the same spectra.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.science.emission import LineFits
from processing.science.lines import Group
from processing.science.star_flags import StarFlag
from processing.science.stars import StarFits
from processing.science.tile import FitSettings

__all__ = ["Difference", "line_differences", "star_differences", "summary"]

Array = NDArray[np.float64]
Rows = NDArray[np.integer]


@dataclass(frozen=True)
class Difference:
    """How far apart the values of one quantity are, in units of our error: of all those that both could fit."""

    name: str
    median: float
    percentile_99: float
    largest: float
    count: int


def star_differences(fits: StarFits, reference: StarFits, rows: Rows | None = None) -> dict[str, Array]:
    """Return by how many errors velocities and dispersions differ, shape (rows); NaN where one of them has none.

    Of spectra with a signal alone: where it is low, each may find another minimum, and a flag says so.

    Parameters
    ----------
    fits, reference
        Ours and the other's.
    rows
        Which of ours the other has; by default all.
    """
    held = slice(None) if rows is None else rows
    clear, found = fits.flags[held] & StarFlag.LOW_SN == 0, {}
    for name in ("velocity", "sigma"):
        ours, error = (getattr(fits, each)[held] for each in (name, f"{name}_error"))
        found[name] = np.where(clear, np.abs(ours - getattr(reference, name)) / error, np.nan)
    return found


def line_differences(
    fits: LineFits, reference: LineFits, rows: Rows | None = None, *, settings: FitSettings | None = None
) -> dict[str, Array]:
    """Return the same of fluxes, by line, and of velocities and dispersions, by group; only of lines without a flag."""
    settings = settings or FitSettings()
    held = slice(None) if rows is None else rows
    found = {}
    for number, line in enumerate(settings.lines):
        if line.tied_to is None:
            difference = np.abs(fits.flux[held, number] - reference.flux[:, number]) / fits.flux_error[held, number]
            found[f"flux {line.name}"] = np.where(fits.flags[held, number] == 0, difference, np.nan)
    for number, group in enumerate(Group):
        free = fits.group_flags[held, number] == 0
        for name in ("velocity", "sigma"):
            ours, error = (getattr(fits, each)[held, number] for each in (name, f"{name}_error"))
            difference = np.abs(ours - getattr(reference, name)[:, number]) / error
            found[f"{name} {group}"] = np.where(free, difference, np.nan)
    return found


def summary(differences: Mapping[str, Array]) -> tuple[Difference, ...]:
    """Return what is told of differences; nothing of what no two values were held against each other."""
    told = []
    for name, values in differences.items():
        known = values[np.isfinite(values)]
        if known.size:
            median, most = np.percentile(known, (50, 99))
            told.append(Difference(name, float(median), float(most), float(known.max()), int(known.size)))
    return tuple(told)
