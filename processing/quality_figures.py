"""What was measured of a mosaic as rows of ``survey.quality``: of the whole, by wavelength, by pair, by star."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final

import numpy as np

from processing.quality_measuring import Exposures, Planes, Sky
from processing.science.quality.agreement import Agreement, PairAgreement, agreement, pairs
from processing.science.quality.typical import Typical, typical, windows
from schema.quality import Figure, Quality

__all__ = ["CONTOUR", "figures"]

SIGMA: Final = "sigma"
CONTOUR: Final = 12.0
"""Signal to noise at which the release draws its contour."""

OVERLAP: Final = (
    Figure.OVERLAP_BIAS,
    Figure.OVERLAP_MOST_BIAS,
    Figure.OVERLAP_SCATTER,
    Figure.OVERLAP_WIDE,
    Figure.OVERLAP_WIDEST,
)
REPEAT: Final = (
    Figure.REPEAT_BIAS,
    Figure.REPEAT_MOST_BIAS,
    Figure.REPEAT_SCATTER,
    Figure.REPEAT_WIDE,
    Figure.REPEAT_WIDEST,
)


@dataclass(frozen=True)
class _Value:
    figure: str
    part: str
    measured: float
    error: float | None
    unit: str | None
    n: int | None


def figures(
    product_id: str, planes: Planes, exposures: Exposures, sky: Sky, *, unit: str | None
) -> tuple[Quality, ...]:
    """Return the rows about a mosaic; what could not be measured has none.

    Parameters
    ----------
    product_id
        Of the mosaic.
    unit
        Of its fluxes.
    """
    values = [*_noise(planes, unit), *_signal(planes), *_exposures(exposures), *_sky(sky)]
    return tuple(
        Quality(
            product_id=product_id,
            figure=str(one.figure),
            part=one.part,
            measured=one.measured,
            error=one.error if one.error is not None and isfinite(one.error) else None,
            unit=one.unit,
            n=one.n,
        )
        for one in values
        if isfinite(one.measured)
    )


def _middle(figure: str, found: Typical, *, part: str = "", unit: str | None = None) -> _Value:
    return _Value(figure, part, found.median, found.error, unit, found.n)


def _noise(planes: Planes, unit: str | None) -> Iterator[_Value]:
    yield _middle(Figure.NOISE, typical(planes.noise), unit=unit)
    yield _middle(Figure.NOISE_RATIO, typical(planes.ratio[planes.free]))
    for window in windows(planes.wavelengths):
        inside = window.of(planes.wavelengths)
        yield _middle(Figure.NOISE, typical(planes.noise[inside]), part=str(window), unit=unit)
        yield _middle(Figure.NOISE_RATIO, typical(planes.ratio[inside & planes.free]), part=str(window))


def _signal(planes: Planes) -> Iterator[_Value]:
    values = planes.continuum.signal_to_noise
    values, part = values[np.isfinite(values)], str(planes.continuum.window)
    if values.size:
        yield _Value(Figure.SIGNAL, part, float(np.median(values)), None, None, values.size)
        yield _Value(Figure.ABOVE_12, part, 100 * float((values > CONTOUR).mean()), None, "percent", values.size)


def _exposures(exposures: Exposures) -> Iterator[_Value]:
    for same_field, names in ((False, OVERLAP), (True, REPEAT)):
        by_window = agreement(exposures.compared, exposures.footprints, same_field=same_field)
        by_pair = pairs(exposures.compared, exposures.footprints, same_field=same_field)
        yield from _agreement(by_window, by_pair, names)
        for pair in by_pair:
            part = f"{exposures.names[pair.first]} {exposures.names[pair.second]}"
            yield _middle(names[0], pair.bias, part=part, unit=SIGMA)
            yield _middle(names[2], pair.scatter, part=part, unit=SIGMA)


def _agreement(
    by_window: Sequence[Agreement],
    by_pair: Sequence[PairAgreement],
    names: tuple[Figure, Figure, Figure, Figure, Figure],
) -> Iterator[_Value]:
    bias, most_bias, scatter, wide, widest = names
    if by_pair:
        whole = np.abs([pair.bias.median for pair in by_pair])
        yield _middle(bias, typical(whole), unit=SIGMA)
        yield _Value(most_bias, "", float(np.percentile(whole, 90)), None, SIGMA, whole.size)
        yield _middle(scatter, typical(np.array([pair.scatter.median for pair in by_pair])), unit=SIGMA)
    for one in by_window:
        yield _middle(bias, one.bias, part=str(one.window), unit=SIGMA)
        yield _Value(most_bias, str(one.window), one.most_bias, None, SIGMA, one.bias.n)
        yield _middle(scatter, one.scatter, part=str(one.window), unit=SIGMA)
        yield _middle(wide, one.wide, part=str(one.window), unit=SIGMA)
        yield _middle(widest, one.widest, part=str(one.window), unit=SIGMA)


def _sky(sky: Sky) -> Iterator[_Value]:
    offset = sky.apertures.offset
    yield _middle(Figure.PHOTOMETRY, offset, unit="mag")
    yield _scatter(Figure.PHOTOMETRY_SCATTER, offset, "mag")
    stars = sky.astrometry
    yield _middle(Figure.ASTROMETRY_RA, stars.east, unit="arcsec")
    yield _scatter(Figure.ASTROMETRY_RA_SCATTER, stars.east, "arcsec")
    yield _middle(Figure.ASTROMETRY_DEC, stars.north, unit="arcsec")
    yield _scatter(Figure.ASTROMETRY_DEC_SCATTER, stars.north, "arcsec")
    yield _Value(Figure.STAR_FWHM, "", stars.fwhm, None, "arcsec", len(stars.stars))
    for star in stars.stars:
        part = f"{star.ra:.6f} {star.dec:+.6f}"
        yield _Value(Figure.STAR_RA, part, star.east, star.error, "arcsec", 1)
        yield _Value(Figure.STAR_DEC, part, star.north, star.error, "arcsec", 1)


def _scatter(figure: str, found: Typical, unit: str) -> _Value:
    measured = found.scatter if found.n > 1 else float("nan")
    return _Value(figure, "", measured, found.scatter_error, unit, found.n)
