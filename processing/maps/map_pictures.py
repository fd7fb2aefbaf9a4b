"""Pictures of maps: one page of them, the diagram of Baldwin, Phillips and Terlevich, and spectra with their fits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from processing.drawing import BLUE, BROWN, INK, SOFT, WIDE, new_figure, png
from processing.maps.assembly import Maps
from processing.maps.sky_map import SkyMap, draw_map
from processing.science.lines import LINES
from processing.science.lsf import SPEED_OF_LIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Shown", "draw_bpt", "draw_maps", "draw_spectra"]

Array = NDArray[np.float64]

HYDROGEN: Final = r"H$\alpha$"
LEAST_AN: Final = 3.0
"""Peak over noise of lines that are drawn."""

LINE_FLUX: Final = r"$10^{-20}$ erg s$^{-1}$ cm$^{-2}$"
VELOCITY: Final = "RdBu_r"
MAP_WIDTH: Final = 2.4
"""Inches, of one of the page."""

WINDOWS: Final = ((4820.0, 5050.0), (6500.0, 6780.0))
"""Angstrom at rest that spectra are shown at beside the whole."""


@dataclass(frozen=True)
class Shown:
    """A spaxel that is shown: where it is, how its hydrogen stands out, its spectrum and what was fitted."""

    x: int
    y: int
    height: float
    wavelength: Array
    flux: Array
    model: Array
    velocity: float


def draw_maps(maps: Maps, pixel: float) -> bytes:
    """Draw what is looked at first: light, bins, both velocities and dispersions, lines."""
    from matplotlib.ticker import MaxNLocator

    shown = _page(maps)
    rows, columns = maps.shape
    figure, every = new_figure(12, height=1.0, width=1.5 * WIDE)
    figure.clear()
    figure.set_size_inches(1.5 * WIDE, float(np.clip(3 * (MAP_WIDTH * rows / columns + 0.7), 5.0, 22.0)))
    every = list(figure.subplots(3, 4, squeeze=False).ravel())
    for ax, each in zip(every, shown, strict=True):
        draw_map(ax, each, pixel)
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.yaxis.set_major_locator(MaxNLocator(4))
    every[8].set_xlabel("East [arcsec]", fontsize=8)
    every[8].set_ylabel("North [arcsec]", fontsize=8)
    return png(figure)


def _page(maps: Maps) -> list[SkyMap]:
    hydrogen = _sure(maps, "HA6562")
    bins = maps["BIN_ID"]
    shuffled = np.random.default_rng(1).permutation(int(np.nanmax(bins, initial=0)) + 1) % 20
    coloured = np.where(bins >= 0, shuffled[np.nan_to_num(np.maximum(bins, 0)).astype(int)], np.nan)
    width = np.sqrt(np.maximum(maps["HA6562_SIGMA"] ** 2 - maps["HA6562_SIGMA_INST"] ** 2, 0))
    ratio = maps["NII6583_FLUX"] / maps["HA6562_FLUX"]
    oxygen, sulphur = _sure(maps, "OIII5006"), _sure(maps, "SII6716")
    sure = {
        "flux": np.where(hydrogen, maps["HA6562_FLUX"], np.nan),
        "velocity": _centred(np.where(hydrogen, maps["HA6562_VEL"], np.nan)),
        "width": np.where(hydrogen, width, np.nan),
        "oxygen": np.where(oxygen, maps["OIII5006_FLUX"], np.nan),
        "sulphur": np.where(sulphur, maps["SII6716_FLUX"], np.nan),
        "ratio": np.where(hydrogen & _sure(maps, "NII6583"), ratio, np.nan),
    }
    density, speed = f"{LINE_FLUX} Å$^{{-1}}$", "velocity, about the median"
    return [
        SkyMap(maps["STARS_FLUX"], "Stars: flux, 5300-5500 Å", density, "magma", logarithmic=True),
        SkyMap(coloured, "Bins", "any colour", "tab20"),
        SkyMap(_centred(maps["V_STARS"]), f"Stars: {speed}", "km/s", VELOCITY, about_zero=True),
        SkyMap(maps["SIGMA_STARS"], "Stars: dispersion", "km/s", "inferno"),
        SkyMap(sure["flux"], f"{HYDROGEN} flux", LINE_FLUX, "magma", logarithmic=True),
        SkyMap(maps["HA6562_AN"], f"{HYDROGEN} peak over noise", "A/N", logarithmic=True),
        SkyMap(sure["velocity"], f"{HYDROGEN} {speed}", "km/s", VELOCITY, about_zero=True),
        SkyMap(sure["width"], f"{HYDROGEN} dispersion, intrinsic", "km/s", "inferno"),
        SkyMap(sure["oxygen"], "[O III] 5007 flux", LINE_FLUX, "magma", logarithmic=True),
        SkyMap(sure["sulphur"], "[S II] 6716 flux", LINE_FLUX, "magma", logarithmic=True),
        SkyMap(sure["ratio"], f"[N II] 6583 / {HYDROGEN}", "ratio"),
        SkyMap(maps["LINES_CHI2"], "Line fits: reduced chi2", "chi2", "cividis"),
    ]


def _centred(values: Array) -> Array:
    return values - np.nanmedian(values) if np.isfinite(values).any() else values


def _sure(maps: Maps, line: str) -> NDArray[np.bool_]:
    return maps[f"{line}_AN"] >= LEAST_AN


def draw_bpt(maps: Maps) -> bytes | None:
    """Draw line ratios against each other; None where not all four lines stand out anywhere."""
    from matplotlib.colors import LogNorm

    names = ("HB4861", "OIII5006", "HA6562", "NII6583")
    sure = np.logical_and.reduce([_sure(maps, name) for name in names])
    flux = {name: maps[f"{name}_FLUX"][sure] for name in names}
    held = np.logical_and.reduce([each > 0 for each in flux.values()])
    if not held.any():
        return None
    x = np.log10(flux["NII6583"][held] / flux["HA6562"][held])
    y = np.log10(flux["OIII5006"][held] / flux["HB4861"][held])
    figure, (ax,) = new_figure(1, height=5.2, width=6.2)
    if x.size > 500:
        drawn = ax.hexbin(x, y, gridsize=70, cmap="viridis", norm=LogNorm(), mincnt=1)
        figure.colorbar(drawn, ax=ax, label="spaxels")
    else:
        ax.plot(x, y, "o", markersize=3, color=BLUE, alpha=0.6)
    low, high = min(-1.6, float(x.min())), max(0.6, float(x.max()))
    pure = np.linspace(low, 0.0, 200)[:-1]
    most = np.linspace(low, 0.44, 200)[:-1]
    ax.plot(pure, 0.61 / (pure - 0.05) + 1.3, "--", color=BROWN, linewidth=1.2, label="Kauffmann et al. 2003")
    ax.plot(most, 0.61 / (most - 0.47) + 1.19, "-", color=BROWN, linewidth=1.2, label="Kewley et al. 2001")
    ax.set_xlim(low - 0.1, high + 0.1)
    ax.set_ylim(min(-1.5, float(y.min()) - 0.1), max(1.5, float(y.max()) + 0.1))
    ax.set_xlabel(f"log [N II] 6583 / {HYDROGEN}")
    ax.set_ylabel(r"log [O III] 5007 / H$\beta$")
    ax.set_title(f"{x.size} spaxels with four lines of A/N {LEAST_AN:g} or more")
    ax.legend(loc="lower left", fontsize=8)
    return png(figure)


def draw_spectra(shown: Sequence[Shown]) -> bytes | None:
    """Draw spectra of spaxels with what was fitted to them; None without any."""
    if not shown:
        return None
    figure, _ = new_figure(1, height=2.6 * len(shown) + 0.4, width=1.4 * WIDE)
    figure.clear()
    grid: Any = figure.subplots(len(shown), 3, squeeze=False, width_ratios=(2, 1, 1))
    for row, one in zip(grid, shown, strict=True):
        at_rest = one.wavelength / (1 + one.velocity / SPEED_OF_LIGHT)
        for ax, window in zip(row, ((at_rest[0], at_rest[-1]), *WINDOWS), strict=True):
            _draw_window(ax, one, at_rest, window)
        row[0].set_title(
            f"Spaxel x {one.x}, y {one.y}: {HYDROGEN} {one.height:.1f} times the noise", fontsize=9, color=INK
        )
        row[0].set_ylabel(f"{LINE_FLUX} Å$^{{-1}}$", fontsize=8)
        row[0].legend(loc="upper left", fontsize=7, ncols=2)
    for ax in grid[-1]:
        ax.set_xlabel("Wavelength at rest [Å]", fontsize=8)
    return png(figure)


def _draw_window(ax: "Axes", one: Shown, at_rest: Array, window: tuple[float, float]) -> None:
    within = (at_rest >= window[0]) & (at_rest <= window[1])
    ax.plot(at_rest[within], one.flux[within], color=SOFT, linewidth=0.6, label="spaxel", drawstyle="steps-mid")
    ax.plot(at_rest[within], one.model[within], color=BROWN, linewidth=1.1, label="stars and lines")
    seen = np.concatenate((one.flux[within], one.model[within]))
    seen = seen[np.isfinite(seen)]
    if seen.size:
        low, high = np.percentile(seen, (0.5, 99.9))
        ax.set_ylim(low - 0.1 * (high - low), high + 0.25 * (high - low))
    ax.set_xlim(*window)
    ax.tick_params(labelsize=7)
    if window[1] - window[0] < 500:
        for line in LINES:
            if line.published and window[0] < line.wavelength < window[1]:
                ax.axvline(line.wavelength, color=BLUE, linewidth=0.5, linestyle=":")
