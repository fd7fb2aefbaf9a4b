"""A picture of how well a mosaic was homogenised: profiles of a star before and after, and the light within a radius.

matplotlib is loaded by whoever draws, not by whoever imports this.
"""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from processing.drawing import BLUE, BROWN, DOTS_PER_INCH, INK, RULE, SOFT, WIDE
from processing.homogenised_figures import Modelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]

FAINTEST: Final = 1e-6


def draw(models: Sequence[Modelled], fwhm: float) -> bytes:
    """Draw, as PNG, the pointing that comes out worst at each wavelength.

    Parameters
    ----------
    models
        Of all pointings and wavelengths.
    fwhm
        Of the target, arcsec.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    wavelengths = sorted({one.wavelength for one in models})
    figure = Figure(figsize=(WIDE, 5.2), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(wavelengths), sharex=True, sharey="row", squeeze=False)
    for column, wavelength in enumerate(wavelengths):
        own = [one for one in models if one.wavelength == wavelength]
        worst = max(own, key=lambda one: abs(one.star.encircled - 1))
        _profiles(axes[0, column], worst)
        _departures(axes[1, column], own)
    axes[0, 0].set_ylabel("Part of the light in a pixel")
    axes[1, 0].set_ylabel("Light within the radius,\nminus the target's [%]")
    axes[0, 0].legend(frameon=False, fontsize=8)
    figure.suptitle(f"A star before and after, and a Gaussian of {fwhm:.2f} arcsec", color=INK, fontsize=11)
    written = io.BytesIO()
    figure.savefig(written, format="png")
    return written.getvalue()


def _profiles(axes: "Axes", one: Modelled) -> None:
    for values, colour, style, label in (
        (one.star.before, SOFT, ":", "before"),
        (one.star.after, BLUE, "-", "after"),
        (one.star.target, BROWN, "--", "Gaussian"),
    ):
        axes.semilogy(one.star.radii, np.maximum(values, FAINTEST / 10), style, color=colour, label=label, lw=1.3)
    axes.set_ylim(FAINTEST, 1)
    axes.set_title(f"{one.pointing_id}, {one.wavelength:.0f} Å", fontsize=9, color=INK)
    axes.grid(color=RULE, lw=0.5)


def _departures(axes: "Axes", models: Sequence[Modelled]) -> None:
    for one in models:
        within = 100 * (np.cumsum(one.star.after) - np.cumsum(one.star.target))
        axes.plot(one.star.radii, within, color=BLUE, lw=0.9)
    axes.axhline(0, color=INK, lw=0.6)
    axes.set_xlabel("Radius [arcsec]")
    axes.grid(color=RULE, lw=0.5)
