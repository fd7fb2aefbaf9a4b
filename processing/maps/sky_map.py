"""One map drawn on axes: arcsec from the centre of the field, scales that suit what it shows, a bar with its unit."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from processing.drawing import limits

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SkyMap", "draw_map"]

Array = NDArray[np.float64]

EMPTY: Final = "#eceae4"
"""Where there is no value."""

DECADES: Final = 2.5
"""Of fluxes that are drawn, by their logarithm."""


@dataclass(frozen=True)
class SkyMap:
    """What is drawn: values of shape (ny, nx), a title, a label with the unit, and how.

    ``about_zero`` values, such as velocities, get colours of both signs; ``logarithmic`` ones, such as fluxes, decades.
    """

    values: Array
    title: str
    label: str
    colours: str = "viridis"
    about_zero: bool = False
    logarithmic: bool = False


def draw_map(axes: "Axes", shown: SkyMap, pixel: float) -> None:
    """Draw a map; ``pixel`` is the side of a spaxel in arcsec."""
    from matplotlib.colors import LogNorm, Normalize

    rows, columns = shown.values.shape
    values = np.where(shown.values > 0, shown.values, np.nan) if shown.logarithmic else shown.values
    low, high = limits(values)
    norm = Normalize(low, high)
    if shown.about_zero:
        reach = max(abs(low), abs(high))
        norm = Normalize(-reach, reach)
    elif shown.logarithmic and high > 0:
        norm = LogNorm(max(low, high / 10**DECADES), high)
    axes.set_facecolor(EMPTY)
    extent = columns * pixel / 2, -columns * pixel / 2, -rows * pixel / 2, rows * pixel / 2
    drawn = axes.imshow(values, origin="lower", cmap=shown.colours, norm=norm, extent=extent, interpolation="nearest")
    bar = axes.figure.colorbar(drawn, cax=axes.inset_axes((1.03, 0.0, 0.05, 1.0)))
    bar.set_label(shown.label, fontsize=8)
    bar.ax.tick_params(which="both", labelsize=7)
    axes.set_title(shown.title, fontsize=9)
    axes.tick_params(labelsize=7)
