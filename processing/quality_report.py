"""The quality report of a mosaic: one page of HTML that holds its pictures and needs nothing else."""

import base64
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from processing.quality_measuring import Exposures, Planes, Sky
from processing.quality_pictures import (
    draw_agreement,
    draw_field,
    draw_noise,
    draw_photometry,
    draw_signal,
    draw_stars,
)
from schema.products import Product
from schema.quality import LABELS, Figure, Quality

__all__ = ["Picture", "pictures", "report"]

MOST_DECIMALS: Final = 5
STYLE: Final = """
body { margin: 2rem auto; max-width: 62rem; padding: 0 1.5rem; color: #1c2128; background: #fff;
  font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }
h1, h2 { font-family: Charter, "Iowan Old Style", Cambria, Georgia, serif; line-height: 1.2; }
h2 { margin-top: 2.5rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 1.2rem 0.35rem 0; text-align: left; border-bottom: 1px solid #dedad1; }
td.number, th.number { text-align: right; }
td { white-space: nowrap; }
tbody th { font-weight: 400; }
img { max-width: 100%; height: auto; }
figure { margin: 0; }
figcaption, .soft { color: #596270; font-size: 0.92rem; max-width: 46rem; }
details table { font-size: 0.9rem; }
summary { cursor: pointer; }
"""

CAPTIONS: Final = {
    "field": "The mosaic in the band of its reference image, its exposures as they lie on it, and the stars that were "
    "measured.",
    "signal": "Noise and flux of single voxels, averaged over the wavelengths that are told; the white line is a "
    "signal to noise of 12. Where pointings overlap the noise is less. As Figure 2 of the release's description.",
    "noise": "Above: the median of the noise that STAT tells. Below: the scatter of second differences along "
    "wavelength over the field, in units of what STAT lets expect, so 1 is right. Shaded wavelengths, which emission "
    "lines of the galaxy reach, are left out.",
    "overlaps": "Exposures compared where they overlap, pair by pair. Above: the median difference. Below: the scatter "
    "of differences without that bias, its shade the scatter from pair to pair. As Figure 4 of the release's "
    "description, which finds 1.12, and biases of 0.3 to 0.5 for nine tenths of its spectra.",
    "photometry": "Magnitudes in apertures that cover the field, against the reference image. As Figure 3 of the "
    "release's description, which finds medians from -0.06 to 0.01 mag, and a scatter of 0.04 mag within a galaxy.",
    "stars": "Places of stars in the mosaic against those in the reference image, each measured on its own pixels. The "
    "release's description finds 0.026 +- 0.047 arcsec in right ascension and -0.013 +- 0.044 in declination.",
}
TITLES: Final = {
    "field": "Field",
    "signal": "Noise and signal",
    "noise": "Noise by wavelength",
    "overlaps": "Overlaps",
    "photometry": "Photometry",
    "stars": "Astrometry",
}
"""Of the pictures, in their order."""

MISSING: Final = {
    "overlaps": "No two exposures overlap enough to be compared.",
    "photometry": "No aperture is bright enough for a magnitude.",
    "stars": "No star was found in both images.",
}


@dataclass(frozen=True)
class Picture:
    """A picture of the report, and what it shows."""

    name: str
    png: bytes


def pictures(planes: Planes, exposures: Exposures, sky: Sky) -> tuple[Picture, ...]:
    """Draw all of which there is something to show."""
    drawn = {
        "field": draw_field(planes, exposures, sky),
        "signal": draw_signal(planes),
        "noise": draw_noise(planes),
        "overlaps": draw_agreement(exposures),
        "photometry": draw_photometry(sky),
        "stars": draw_stars(sky),
    }
    return tuple(Picture(name, png) for name, png in drawn.items() if png is not None)


def report(cube: Product, rows: Sequence[Quality], shown: Sequence[Picture]) -> str:
    """Return the page.

    Parameters
    ----------
    cube
        The mosaic.
    rows
        What was measured of it.
    shown
        The pictures.
    """
    title = escape(f"Quality of {cube.product_id}")
    simulated = '<p class="soft">Made from simulated exposures.</p>' if cube.simulated else ""
    sections = "".join(_section(name, {one.name: one for one in shown}.get(name)) for name in TITLES)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{escape(cube.title)}</p>\n{simulated}"
        f"<h2>Figures</h2>\n{_table(_whole(rows))}\n{sections}"
        f"<h2>All figures</h2>\n<details><summary>{len(rows)} figures, by wavelength, by pair of exposures, by star"
        f"</summary>\n{_table(rows)}\n</details>\n</body>\n</html>\n"
    )


def _section(name: str, picture: Picture | None) -> str:
    title = TITLES[name]
    if picture is None:
        return f"<h2>{title}</h2>\n<p>{MISSING[name]}</p>\n"
    data = base64.b64encode(picture.png).decode()
    return (
        f'<h2>{title}</h2>\n<figure><img src="data:image/png;base64,{data}" alt="{title}">\n'
        f"<figcaption>{escape(CAPTIONS[name])}</figcaption></figure>\n"
    )


def _whole(rows: Sequence[Quality]) -> list[Quality]:
    """Return the rows about the whole mosaic, or of the one part for which a figure is told."""
    count: dict[str, int] = {}
    for row in rows:
        count[row.figure] = count.get(row.figure, 0) + 1
    single = {Figure.SIGNAL, Figure.ABOVE_12}
    return [row for row in rows if not row.part or (row.figure in single and count[row.figure] == 1)]


def _table(rows: Sequence[Quality]) -> str:
    head = (
        '<tr><th>Figure</th><th></th><th class="number">Value</th><th class="number">Error</th>'
        '<th>Unit</th><th class="number">From</th></tr>'
    )
    return f"<table><thead>{head}</thead>\n<tbody>\n{''.join(_lines(rows))}</tbody></table>"


def _lines(rows: Sequence[Quality]) -> Iterator[str]:
    for row in rows:
        label = LABELS[Figure(row.figure)]
        value, error = _numbers(row.measured, row.error)
        yield (
            f'<tr><th scope="row">{escape(label)}</th><td>{escape(row.part)}</td>'
            f'<td class="number">{value}</td><td class="number">{error}</td>'
            f'<td>{escape(row.unit or "")}</td><td class="number">{row.n or ""}</td></tr>\n'
        )


def _numbers(measured: float, error: float | None) -> tuple[str, str]:
    """Write a value and its error with as many decimals as the error deserves."""
    if error is None or not error > 0:
        return f"{measured:.4g}", ""
    decimals = min(MOST_DECIMALS, max(0, 1 - math.floor(math.log10(error))))
    return f"{round(measured, decimals) + 0.0:.{decimals}f}", f"{error:.{decimals}f}"
