"""Templates as the instrument shows them: widths, places and levels that can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from processing.science.errors import NoOverlap
from processing.science.lsf import FWHM_PER_SIGMA, MUSE_LSF, SPEED_OF_LIGHT, Lsf
from processing.science.splines import sample, sample_slope
from processing.science.stellar_templates import Library, Sight, Templates, prepare

Array = NDArray[np.float64]

AT: Array = np.arange(5000.0, 7000.0, 0.25)
LINES = (5300.0, 6000.0, 6700.0)
OWN = 1.0
"""Sigma of the lines themselves, Angstrom: their templates' resolution."""


def lines(middles: tuple[float, ...] = LINES) -> Library:
    """A template that is 1 with narrow lines on it."""
    flux = 1 + np.exp(-0.5 * ((AT - np.array(middles)[:, np.newaxis]) / OWN) ** 2).sum(axis=0, keepdims=True)
    return Library(("lines",), np.ones(1), np.zeros(1), AT, flux, OWN * FWHM_PER_SIGMA)


def prepared(library: Library, sight: Sight, *, step: float = 10.0) -> Templates:
    return prepare(library, sight, (5200.0, 6800.0), step=step, margin=500.0)


def seen(templates: Templates, at: Array, variance: float = 0.0) -> Array:
    """Return the first template at wavelengths, in the units it had."""
    values = np.empty((1, at.size))
    sample(templates.broadened(templates.spectra, variance), templates.place(at), np.ones(at.size), values)
    flux: Array = values[0] * templates.normal[0]
    return flux


def width_at(middle: float, templates: Templates, variance: float = 0.0) -> float:
    """Return the sigma of a line in km/s, by its moments."""
    v = np.arange(-600.0, 600.0, 2.0)
    line = seen(templates, middle * np.exp(v / SPEED_OF_LIGHT), variance) - 1
    mean = (v * line).sum() / line.sum()
    assert mean == pytest.approx(0, abs=1)
    return float(np.sqrt(((v - mean) ** 2 * line).sum() / line.sum()))


@pytest.mark.parametrize("middle", LINES)
@pytest.mark.parametrize("redshift", [0.0, 0.005])
def test_lines_get_the_width_of_lsf_and_pixel(middle: float, redshift: float) -> None:
    flat = Lsf((0.0, 0.0, 3.5))
    templates = prepared(lines(), Sight(flat, 1.25, redshift))
    observed = middle * (1 + redshift)
    expected = np.hypot(3.5 / FWHM_PER_SIGMA, 1.25 / np.sqrt(12)) / observed * SPEED_OF_LIGHT
    assert width_at(middle, templates) == pytest.approx(expected, rel=0.01)


def test_the_width_follows_the_instrument_along_the_spectrum() -> None:
    sight = Sight(MUSE_LSF, 1.25, 0.0)
    sharper = replace(lines(), fwhm=OWN * FWHM_PER_SIGMA)
    for middle in LINES[:2]:
        expected = np.hypot(MUSE_LSF.fwhm(np.array(middle)) / FWHM_PER_SIGMA, 1.25 / np.sqrt(12))
        assert width_at(middle, prepared(sharper, sight)) == pytest.approx(
            float(expected) / middle * SPEED_OF_LIGHT, rel=0.01
        )


def test_where_templates_are_broader_they_stay_as_they_are() -> None:
    narrow = Sight(Lsf((0.0, 0.0, 1.5)), 1e-3, 0.0)
    templates = prepared(lines(), narrow)
    assert (narrow.lacking(AT, OWN * FWHM_PER_SIGMA) < 0).all()
    for middle in LINES:
        assert width_at(middle, templates) == pytest.approx(OWN / middle * SPEED_OF_LIGHT, rel=0.01)


@pytest.mark.parametrize("sigma", [20.0, 60.0, 120.0])
def test_a_dispersion_adds_in_quadrature(sigma: float) -> None:
    templates = prepared(lines(), Sight(Lsf((0.0, 0.0, 2.6)), 1.25, 0.0))
    without = width_at(6000.0, templates)
    assert width_at(6000.0, templates, sigma**2) == pytest.approx(np.hypot(without, sigma), rel=0.01)


def test_light_is_neither_lost_nor_made() -> None:
    templates = prepared(lines(), Sight(MUSE_LSF, 1.25, 0.0))
    v = np.arange(-800.0, 800.0, 2.0)
    for variance in (0.0, 100.0**2):
        line = seen(templates, 6000.0 * np.exp(v / SPEED_OF_LIGHT), variance) - 1
        area = line.sum() * 2.0 / SPEED_OF_LIGHT * 6000.0
        assert area == pytest.approx(OWN * np.sqrt(2 * np.pi), rel=2e-3)


def test_templates_have_a_mean_of_one_and_say_what_it_was() -> None:
    bright = replace(lines(), flux=lines().flux * 7)
    templates = prepared(bright, Sight(MUSE_LSF, 1.25, 0.0))
    at = np.linspace(5200, 6800, 4001)
    assert (seen(templates, at) / templates.normal[0]).mean() == pytest.approx(1, rel=0.01)
    assert templates.normal[0] == pytest.approx(7, rel=0.02)


def test_slopes_are_those_of_the_splines() -> None:
    templates = prepared(lines(), Sight(MUSE_LSF, 1.25, 0.0))
    coefficients = templates.broadened(templates.spectra, 50.0**2)
    place, weight = templates.place(np.linspace(5990, 6010, 81)), np.full(81, 2.0)
    values, slope, tiny = np.empty((2, 1, 81)), np.empty(81), 1e-4
    for row, shift in enumerate((-tiny, tiny)):
        sample(coefficients, place + shift, weight, values[row])
    sample_slope(coefficients[0], place, weight, slope)
    assert slope == pytest.approx((values[1, 0] - values[0, 0]) / (2 * tiny), abs=1e-6)


def test_templates_that_do_not_reach_are_refused() -> None:
    with pytest.raises(NoOverlap, match="the templates reach from 5000 to 7000"):
        prepare(lines(), Sight(MUSE_LSF, 1.25, 0.0), (4850.0, 6800.0), step=10.0, margin=500.0)


def test_a_template_without_light_is_refused() -> None:
    dark = replace(lines(), flux=np.zeros((1, AT.size)))
    with pytest.raises(NoOverlap, match="template lines has no light"):
        prepared(dark, Sight(MUSE_LSF, 1.25, 0.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ()}, "needs templates"),
        ({"age": np.ones(2)}, "needs templates"),
        ({"wavelength": AT[::-1]}, "must increase"),
        ({"flux": np.ones((2, AT.size))}, "as many finite fluxes"),
        ({"flux": np.full((1, AT.size), np.nan)}, "as many finite fluxes"),
        ({"fwhm": -1.0}, "resolution"),
        ({"fwhm": np.nan}, "resolution"),
    ],
)
def test_a_library_that_is_none_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(lines(), **change)  # type: ignore[arg-type]
