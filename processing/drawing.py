"""What all pictures share: colours, sizes, the look of axes, and how a figure becomes a PNG.

matplotlib is loaded by whoever draws, not by whoever imports this.
"""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BLUE",
    "BROWN",
    "DOTS_PER_INCH",
    "FLUX",
    "INK",
    "MAP",
    "RULE",
    "SOFT",
    "WAVELENGTH",
    "WIDE",
    "limits",
    "new_figure",
    "png",
]

Array = NDArray[np.float64]

BLUE: Final = "#17597d"
BROWN: Final = "#9a5b06"
INK: Final = "#1c2128"
SOFT: Final = "#596270"
RULE: Final = "#dedad1"
MAP: Final = "viridis"
FLUX: Final = r"$10^{-20}$ erg s$^{-1}$ cm$^{-2}$ Å$^{-1}$"
WAVELENGTH: Final = "Wavelength [Å]"
WIDE: Final = 9.0
"""Inches."""

DOTS_PER_INCH: Final = 120

SMALL: Final = 1e-9


def new_figure(
    panels: int, *, height: float, width: float = WIDE, stacked: bool = False
) -> tuple["Figure", Sequence["Axes"]]:
    """Return a figure of so many panels side by side, or one above the other; inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained", facecolor="white")
    grid: Any = figure.subplots(
        panels if stacked else 1, 1 if stacked else panels, squeeze=False, sharex="col" if stacked else False
    )
    every = list(grid.ravel())
    for axes in every:
        axes.locator_params(nbins=7)
        axes.tick_params(colors=SOFT, labelsize=9, labelcolor=INK)
        axes.xaxis.label.set_color(INK)
        axes.yaxis.label.set_color(INK)
        axes.title.set_color(INK)
        axes.title.set_fontsize(11)
        for spine in axes.spines.values():
            spine.set_color(SOFT)
            spine.set_linewidth(0.7)
    return figure, every


def png(figure: "Figure") -> bytes:
    """Return a figure as PNG, without the name of the program."""
    target = io.BytesIO()
    figure.savefig(target, format="png", metadata={"Software": None})
    return target.getvalue()


def limits(values: Array) -> tuple[float, float]:
    """Return between which values nearly all lie."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(each) for each in np.percentile(finite, [1, 99]))
    return low, max(high, low + SMALL)
