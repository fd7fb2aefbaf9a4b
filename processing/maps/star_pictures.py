"""Pictures of bins: noise, signal to noise and bins as the release shows them, and spectra with their fits."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from processing.drawing import BLUE, BROWN, FLUX, INK, RULE, SOFT, WAVELENGTH, WIDE, new_figure, png
from processing.maps.sky_map import SkyMap, draw_map
from processing.science.legendre import polynomials
from processing.science.stars import StarSettings, StarSpectra

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_bins", "draw_fits"]

Values = Mapping[str, NDArray[Any]]

CONTOUR: Final = 12.0
"""Signal to noise of single spaxels at which the release draws its contour."""

COLOURS: Final = 20
SHOWN: Final = (99.0, 50.0, 5.0)
"""Percentiles of the bins' signal to noise whose spectra are drawn."""


def draw_bins(values: Values) -> bytes:
    """Draw noise, signal to noise, and which spaxels are in one bin."""
    number = values["number"]
    ratio = values["signal"] / values["noise"]
    shuffled = np.random.default_rng(1).permutation(len(values["spaxels"])) % COLOURS
    bins = np.where(number >= 0, shuffled[np.maximum(number, 0)], np.nan)
    pixel = float(np.sqrt(values["area"].sum() / values["spaxels"].sum()))
    rows, columns = number.shape
    figure, axes = new_figure(3, height=float(np.clip(WIDE / 3 * rows / columns + 0.9, 2.6, 9.0)), width=1.35 * WIDE)
    target = float(values["target"])
    for ax, shown in zip(
        axes,
        (
            SkyMap(values["noise"], "Noise of a voxel", FLUX),
            SkyMap(ratio, "Signal to noise of a voxel", "S/N"),
            SkyMap(bins, f"{len(shuffled)} bins, S/N {target:.3g} aimed at", "any colour", "tab20"),
        ),
        strict=True,
    ):
        draw_map(ax, shown, pixel)
    known = np.nan_to_num(ratio)
    if known.min() < CONTOUR < known.max():
        extent = columns * pixel / 2, -columns * pixel / 2, -rows * pixel / 2, rows * pixel / 2
        axes[2].contour(known, levels=[CONTOUR], colors="black", linewidths=0.8, extent=extent)
    axes[0].set_ylabel("North of the centre [arcsec]", fontsize=8)
    axes[1].set_xlabel("East of the centre [arcsec]", fontsize=8)
    return png(figure)


def draw_fits(values: Values, settings: StarSettings) -> bytes:
    """Draw spectra of some bins with what was fitted to them, and what is left over its noise."""
    order = np.argsort(values["signal_to_noise"])
    chosen = list(dict.fromkeys(int(order[round(p / 100 * (order.size - 1))]) for p in SHOWN))
    figure, axes = new_figure(len(chosen), height=2.4 * len(chosen) + 0.4, width=WIDE, stacked=True)
    for ax, row in zip(axes, chosen, strict=True):
        _draw_fit(ax, values, row, settings)
    axes[-1].set_xlabel(f"{WAVELENGTH.partition(' [')[0]} as observed [Å]")
    return png(figure)


def _draw_fit(ax: "Axes", values: Values, row: int, settings: StarSettings) -> None:
    wavelength = values["wavelength"]
    spectra = StarSpectra(
        wavelength, values["flux"][[row]], values["variance"][[row]], values["good"][[row]], float(values["velocity"])
    )
    usable = settings.usable(spectra) & spectra.good[0]
    flux, noise = spectra.flux[0].astype(np.float64), np.sqrt(spectra.variance[0].astype(np.float64))
    model = _model(values, row, spectra, settings)
    scale = max(float(np.median(flux[usable])), float(np.median(noise[usable]))) if usable.any() else 1.0
    ax.plot(wavelength, flux / scale, color=SOFT, linewidth=0.5, label="bin")
    ax.plot(wavelength, model / scale, color=BROWN, linewidth=1.1, label="stars and polynomial")
    left = np.where(usable, flux - model, np.nan)
    ax.plot(wavelength, left / scale, ".", color=BLUE, markersize=1.2, label="what is left")
    low, high = -1.0, 1.25
    if usable.any():
        low, high = -6 * float(np.median(noise[usable])) / scale, float(np.percentile(flux[usable], 99)) / scale * 1.25
    ax.fill_between(wavelength, low, high, where=~usable, color=RULE, alpha=0.6, linewidth=0, zorder=0)
    ax.set_ylim(low, high)
    ax.set_xlim(float(wavelength[0]), float(wavelength[-1]))
    found = [float(values[name][row]) for name in ("velocity_found", "velocity_error", "sigma", "sigma_error")]
    told = "V {:+.0f} ± {:.0f}, sigma {:.0f} ± {:.0f} km/s".format(*found)
    ratio, size = float(values["signal_to_noise"][row]), int(values["spaxels"][row])
    ax.set_title(f"Bin {row}: {size} spaxels, S/N {ratio:.1f}; {told}", fontsize=9, color=INK)
    ax.set_ylabel("Flux / median", fontsize=8)
    ax.legend(loc="upper right", fontsize=7, ncols=3)


def _model(values: Values, row: int, spectra: StarSpectra, settings: StarSettings) -> NDArray[np.float64]:
    """Return stars and polynomial; NaN where they were not fitted."""
    at_rest, usable = spectra.at_rest, settings.usable(spectra)
    ends = at_rest[usable][[0, -1]]
    added = values["polynomial"][row] @ polynomials(at_rest, (float(ends[0]), float(ends[1])), settings.order)
    inside = (at_rest >= ends[0]) & (at_rest <= ends[1])
    model: NDArray[np.float64] = np.where(inside, values["continuum"][row] + added, np.nan)
    return model
