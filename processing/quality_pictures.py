"""The pictures of a quality report, in the manner of the release description's Figures 2 to 4.

Each function draws one, as PNG.  matplotlib is loaded by whoever draws, not by whoever imports this.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from processing.drawing import BLUE, BROWN, FLUX, MAP, RULE, SOFT, WAVELENGTH, WIDE, limits, new_figure, png
from processing.quality_figures import CONTOUR
from processing.quality_measuring import Exposures, Planes, Sky
from processing.science.preview import grey
from processing.science.quality.agreement import Agreement, agreement
from processing.science.quality.typical import Typical, typical, windows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_agreement", "draw_field", "draw_noise", "draw_photometry", "draw_signal", "draw_stars"]

Array = NDArray[np.float64]

UNDERSTATED: Final = 1.12
"""The release's noise, in units of what its variances tell."""

RELEASE_OFFSETS: Final = (-0.06, 0.01)
"""The release's median offsets in r of its galaxies, mag."""

WIDER: Final = 1.4
"""Columns for each row from which on maps stand one above the other."""

MARGIN: Final = 1.0
"""Around maps, arcsec."""


def draw_field(planes: Planes, exposures: Exposures, sky: Sky) -> bytes:
    """Draw the mosaic in the reference's band, with its exposures and the stars that were measured."""
    from matplotlib.patches import Rectangle

    figure, (axes,) = new_figure(1, height=_height(planes, 0.75 * WIDE - 0.9), width=0.75 * WIDE)
    covered = np.where(planes.covered, planes.image, np.nan)
    picture = grey(covered, at_least=0)[::-1]
    shades = np.where(picture[..., 1:] > 0, picture[..., :1], 255).repeat(3, axis=2)
    extent = _extent(planes)
    axes.imshow(shades, origin="lower", extent=extent)
    scale, (left, _, low, _) = planes.pixel_scale, extent
    for place in exposures.fields:
        corner = (left - place.x * scale, low + place.y * scale)
        outline = Rectangle(
            corner, -place.nx * scale, place.ny * scale, fill=False, edgecolor="#8cc4e4", linewidth=0.8, alpha=0.8
        )
        axes.add_patch(outline)
    for n, star in enumerate(sky.astrometry.stars):
        at = (left - (star.x + 0.5) * scale, low + (star.y + 0.5) * scale)
        label = "stars measured" if n == 0 else None
        axes.plot(*at, "o", markersize=9, fillstyle="none", color="#e0a85a", markeredgewidth=1.3, label=label)
    axes.set_title(f"Mosaic in {sky.band.replace('_', ' ')}, {len(exposures.footprints)} exposures")
    if sky.astrometry.stars:
        axes.legend(loc="upper right", fontsize=8, framealpha=0.9)
    _sky_axes(axes, planes)
    return png(figure)


def draw_signal(planes: Planes) -> bytes:
    """Draw the maps of noise and of signal to noise: Figure 2."""
    rows, columns = planes.image.shape
    stacked = columns > WIDER * rows
    size = 2 * _height(planes, WIDE - 2.5) - 0.5 if stacked else _height(planes, WIDE / 2 - 1.6)
    figure, axes = new_figure(2, height=size, stacked=stacked)
    continuum, window = planes.continuum, planes.continuum.window
    span = f"{window.low:.0f} to {window.high:.0f} Å"
    for ax, values, title, label in (
        (axes[0], continuum.noise, f"Noise, {span}", f"Noise of a voxel [{FLUX}]"),
        (axes[1], continuum.signal_to_noise, f"Signal to noise, {span}", "Signal to noise of a voxel"),
    ):
        low, high = limits(values)
        drawn = ax.imshow(values, origin="lower", cmap=MAP, vmin=low, vmax=high, extent=_extent(planes))
        figure.colorbar(drawn, ax=ax, label=label, shrink=0.85)
        ax.set_title(title)
        _sky_axes(ax, planes)
    values = np.nan_to_num(continuum.signal_to_noise)
    if values.min() < CONTOUR < values.max():
        axes[1].contour(
            values, levels=[CONTOUR], colors="white", linewidths=0.8, extent=_extent(planes), origin="lower"
        )
    (axes[0].set_xlabel if stacked else axes[1].set_ylabel)("")
    return png(figure)


def draw_noise(planes: Planes) -> bytes:
    """Draw the noise by wavelength: told, and seen in units of told."""
    figure, (above, below) = new_figure(2, height=5.2, stacked=True)
    above.plot(planes.wavelengths, planes.noise, color=BLUE, linewidth=0.9)
    above.set_ylabel(f"Noise told by STAT\n[{FLUX}]")
    above.set_ylim(bottom=0)
    above.set_title("Noise of single voxels: what the variances tell, and what the data show")
    kept = np.where(planes.free, planes.ratio, np.nan)
    below.plot(planes.wavelengths, kept, color=BLUE, linewidth=0.6, alpha=0.45, label="each plane")
    middles = [(w.middle, typical(kept[w.of(planes.wavelengths)]).median) for w in windows(planes.wavelengths)]
    below.plot(*np.array(middles).T, "o-", color=BLUE, markersize=4, linewidth=1.3, label="windows")
    _level(below, 1.0, "as told")
    below.set_ylabel("Noise seen / told")
    _spectral(below, planes.wavelengths)
    finite = kept[np.isfinite(kept)]
    if finite.size:
        low, high = np.percentile(finite, [0.5, 99.5])
        below.set_ylim(min(0.85, low - 0.05), max(1.3, high + 0.05))
    below.legend(loc="upper right", fontsize=8, ncols=3)
    _shade_lines(below, planes)
    return png(figure)


def draw_agreement(exposures: Exposures) -> bytes | None:
    """Draw how exposures agree by wavelength: Figure 4; None where none overlap."""
    kinds = (
        ("neighbouring pointings", BLUE, agreement(exposures.compared, exposures.footprints, same_field=False)),
        ("exposures of one pointing", BROWN, agreement(exposures.compared, exposures.footprints, same_field=True)),
    )
    if not any(found for _, _, found in kinds):
        return None
    figure, (above, below) = new_figure(2, height=5.6, stacked=True)
    for name, color, found in kinds:
        if found:
            _draw_kind(above, below, found, name, color)
    above.set_title("Differences of overlapping exposures, in units of their noise")
    above.set_ylabel("Bias, without sign [sigma]")
    above.set_ylim(0, max(0.5, 1.35 * above.get_ylim()[1]))
    above.legend(loc="upper right", fontsize=8, ncols=2)
    for sigmas in (1, 2, 3):
        _level(below, sigmas, "as told" if sigmas == 1 else "_")
        _level(below, sigmas * UNDERSTATED, "release 2021" if sigmas == 1 else "_", ":")
    below.set_ylabel("Half widths of 68.3, 95.5\nand 99.7 percent [sigma]")
    below.set_xlabel(WAVELENGTH)
    below.set_ylim(0, max(4.4, 1.2 * below.get_ylim()[1]))
    below.legend(loc="upper right", fontsize=8, ncols=4)
    return png(figure)


def draw_photometry(sky: Sky) -> bytes | None:
    """Draw magnitudes in apertures against those of the reference: Figure 3; None without any."""
    differences, offset = sky.apertures.differences, sky.apertures.offset
    if offset.n == 0:
        return None
    figure, (left, right) = new_figure(2, height=3.8)
    magnitudes = sky.zero_point - 2.5 * np.log10(sky.apertures.reference * sky.aperture_pixels)
    reach = max(0.1, 1.2 * float(np.abs(differences).max()), 0.0)
    reach = min(reach, max(0.1, abs(offset.median) + 8 * offset.scatter))
    bins = np.linspace(-reach, reach, 31)
    left.hist(np.clip(differences, -reach, reach), bins=bins.tolist(), color=BLUE, alpha=0.8)
    left.axvline(offset.median, color=BROWN, linestyle="--", linewidth=1.5, label=f"median {offset.median:+.3f} mag")
    left.axvspan(*RELEASE_OFFSETS, color=RULE, zorder=0, label="medians in release 2021")
    left.set_xlabel("Mosaic minus reference [mag]")
    left.set_ylabel("Apertures of 5″ x 5″")
    left.set_title(f"Magnitudes in {sky.band.replace('_', ' ')}")
    left.margins(y=0.25)
    left.locator_params(axis="x", nbins=5)
    left.legend(loc="upper left", fontsize=8)
    right.plot(magnitudes, differences, "o", color=BLUE, markersize=3.5, alpha=0.7)
    right.axhline(offset.median, color=BROWN, linestyle="--", linewidth=1.5)
    right.set_ylim(-reach, reach)
    right.set_xlabel("Reference, AB magnitude of an aperture [mag]")
    right.set_ylabel("Mosaic minus reference [mag]")
    right.set_title(f"{offset.n} apertures, scatter {_told(offset.scatter, 3)} mag")
    return png(figure)


def draw_stars(sky: Sky) -> bytes | None:
    """Draw offsets of stars from the reference; None without any."""
    stars, east, north = sky.astrometry.stars, sky.astrometry.east, sky.astrometry.north
    if not stars:
        return None
    figure, (axes,) = new_figure(1, height=4.8, width=5.2)
    reach = max(0.1, 1.25 * max(max(abs(one.east) + one.error, abs(one.north) + one.error) for one in stars))
    reach = min(reach, 1.0)
    for one in stars:
        axes.errorbar(
            one.east, one.north, xerr=one.error, yerr=one.error, fmt="o", color=BLUE, markersize=4, elinewidth=0.8
        )
    axes.axhline(0, color=SOFT, linewidth=0.7)
    axes.axvline(0, color=SOFT, linewidth=0.7)
    axes.errorbar(
        east.median,
        north.median,
        xerr=_known(east),
        yerr=_known(north),
        fmt="D",
        color=BROWN,
        markersize=7,
        elinewidth=2,
        label="median with its error",
        zorder=5,
    )
    axes.set_xlim(reach, -reach)
    axes.set_ylim(-reach, reach)
    axes.set_aspect("equal")
    axes.locator_params(nbins=5)
    axes.set_xlabel("Right ascension, mosaic minus reference [arcsec]")
    axes.set_ylabel("Declination, mosaic minus reference [arcsec]")
    axes.set_title(f"Places of {len(stars)} star{'s' if len(stars) > 1 else ''}")
    axes.legend(loc="upper right", fontsize=8)
    return png(figure)


def _draw_kind(above: "Axes", below: "Axes", found: Sequence[Agreement], name: str, color: str) -> None:
    at = [one.window.middle for one in found]
    above.plot(at, [one.bias.median for one in found], "o-", color=color, markersize=4, label=f"{name}, median")
    above.plot(
        at, [one.most_bias for one in found], ":", color=color, linewidth=1.4, label=f"{name}, 90 percent have less"
    )
    for kind in ("scatter", "wide", "widest"):
        widths = [getattr(one, kind) for one in found]
        width, spread = np.array([each.median for each in widths]), np.nan_to_num([each.scatter for each in widths])
        below.plot(at, width, "o-", color=color, markersize=4, label=name if kind == "scatter" else "_")
        below.fill_between(at, width - spread, width + spread, color=color, alpha=0.15, linewidth=0)


def _extent(planes: Planes) -> tuple[float, float, float, float]:
    """Return the limits of the picture in arcsec from its centre, east to the left."""
    rows, columns = planes.image.shape
    width, height = columns * planes.pixel_scale / 2, rows * planes.pixel_scale / 2
    return width, -width, -height, height


def _height(planes: Planes, width: float) -> float:
    """Return how high a figure is whose map is so wide, inches."""
    rows, columns = np.nonzero(planes.covered)
    ratio = float(np.ptp(rows) + 1) / float(np.ptp(columns) + 1) if rows.size else 1.0
    return float(np.clip(width * ratio + 1.0, 2.5, 12.0))


def _sky_axes(axes: "Axes", planes: Planes) -> None:
    """Tell what the axes are, and leave out what the mosaic does not cover."""
    axes.set_xlabel("East of the centre [arcsec]")
    axes.set_ylabel("North of the centre [arcsec]")
    rows, columns = np.nonzero(planes.covered)
    if rows.size:
        left, _, low, _ = _extent(planes)
        scale = planes.pixel_scale
        axes.set_xlim(left - columns.min() * scale + MARGIN, left - (columns.max() + 1) * scale - MARGIN)
        axes.set_ylim(low + rows.min() * scale - MARGIN, low + (rows.max() + 1) * scale + MARGIN)


def _level(axes: "Axes", value: float, name: str, style: str = "--") -> None:
    axes.axhline(value, color=SOFT, linewidth=0.9, linestyle=style, zorder=0, label=name)


def _spectral(axes: "Axes", wavelengths: Array) -> None:
    axes.set_xlabel(WAVELENGTH)
    axes.set_xlim(float(wavelengths[0]), float(wavelengths[-1]))


def _shade_lines(axes: "Axes", planes: Planes) -> None:
    """Shade the wavelengths that lines of the galaxy reach."""
    low, high = axes.get_ylim()
    axes.fill_between(planes.wavelengths, low, high, where=~planes.free, color=RULE, alpha=0.7, linewidth=0, zorder=0)
    axes.set_ylim(low, high)


def _known(found: Typical) -> float | None:
    return found.error if np.isfinite(found.error) else None


def _told(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if np.isfinite(value) else "unknown"
