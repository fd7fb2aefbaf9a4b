"""Our fits against pPXF's of the same spectra, of stars and of lines: one result, in units of its error."""

import sys
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from processing.science.emission import fit_tile
from processing.science.engine_comparison import Difference, line_differences, star_differences, summary
from processing.science.lines import LINES
from processing.science.reference_engine import NotInstalled
from processing.science.reference_fits import lines_by_ppxf, stars_by_ppxf
from processing.science.stars import StarFits, StarFlag, StarSettings, fit_stars
from tests.support import line_spectra, star_spectra

pytest.importorskip("ppxf")


def agree(differences: Iterable[Difference]) -> bool:
    """Tell whether half differ by less than a tenth of an error, 99 percent by less than a half, and none by two."""
    return all(one.median < 0.1 and one.percentile_99 < 0.5 and one.largest < 2 for one in differences)


def test_stars_agree() -> None:
    spectra, _ = star_spectra.simulate(30, seed=1)
    fits = fit_stars(spectra, star_spectra.library())
    reference = stars_by_ppxf(spectra, star_spectra.library())
    found = summary(star_differences(fits, reference))
    assert [each.count for each in found] == [30, 30]
    assert agree(found)
    assert np.median(reference.velocity_error / fits.velocity_error) == pytest.approx(1, abs=0.03)
    assert np.median(reference.sigma_error / fits.sigma_error) == pytest.approx(1, abs=0.03)
    assert reference.chi2 == pytest.approx(fits.chi2, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("sn", [20, 35, 100])
def test_stars_agree_by_the_hundred(sn: float) -> None:
    spectra, _ = star_spectra.simulate(170, seed=2, sn=sn, sigma=(40.0, 200.0))
    fits = fit_stars(spectra, star_spectra.library())
    found = summary(star_differences(fits, stars_by_ppxf(spectra, star_spectra.library())))
    assert agree(found)
    assert min(each.count for each in found) > 160


@pytest.mark.parametrize("velocity_scale", [30.0, 64.0])
def test_the_steps_of_the_reference_hardly_matter(velocity_scale: float) -> None:
    spectra, _ = star_spectra.simulate(8, seed=3)
    fits = fit_stars(spectra, star_spectra.library())
    reference = stars_by_ppxf(spectra, star_spectra.library(), velocity_scale=velocity_scale)
    assert all(each.median < 0.25 for each in summary(star_differences(fits, reference)))


def test_stars_agree_where_pixels_are_bad() -> None:
    spectra, _ = star_spectra.simulate(10, seed=4)
    rng = np.random.default_rng(5)
    bad = rng.random(spectra.flux.shape) < 0.02
    bad[:, 600:640] = True
    holed = replace(spectra, good=~bad, flux=np.where(bad, np.nan, spectra.flux))
    fits = fit_stars(holed, star_spectra.library())
    found = summary(star_differences(fits, stars_by_ppxf(holed, star_spectra.library())))
    assert all(each.largest < 0.5 for each in found)


def test_weights_are_in_the_unit_of_flux() -> None:
    spectra, _ = star_spectra.simulate(5, seed=6, sn=300)
    fits = fit_stars(spectra, star_spectra.library())
    reference = stars_by_ppxf(spectra, star_spectra.library())
    assert reference.weights.sum(axis=1) == pytest.approx(fits.weights.sum(axis=1), rel=0.02)


def test_spectra_without_data_or_stars_have_no_values() -> None:
    spectra, _ = star_spectra.simulate(4, seed=7)
    flux, good = spectra.flux.copy(), spectra.good.copy()
    flux[0], good[1] = np.nan, False
    flux[2] = 0
    reference = stars_by_ppxf(replace(spectra, flux=flux, good=good), star_spectra.library())
    for values in (reference.velocity, reference.velocity_error, reference.sigma):
        assert np.isnan(values[:3]).all()
        assert np.isfinite(values[3])
    assert (reference.flags[:3] & (StarFlag.NO_DATA | StarFlag.NO_STARS) == [1, 1, 8]).all()


def test_errors_grow_with_chi2_only_when_asked() -> None:
    spectra, _ = star_spectra.simulate(3, seed=8)
    rough = replace(spectra, variance=spectra.variance / 4)
    scaled, formal = (
        stars_by_ppxf(rough, star_spectra.library(), StarSettings(scaled_errors=each)) for each in (True, False)
    )
    assert scaled.velocity_error / formal.velocity_error == pytest.approx(np.sqrt(scaled.chi2))


@pytest.mark.parametrize("peak", [30.0, 8.0])
def test_lines_agree(peak: float) -> None:
    tile, _ = line_spectra.simulate(8, seed=9, peak=peak)
    found = summary(line_differences(fit_tile(tile), lines_by_ppxf(tile)))
    assert len(found) == sum(line.tied_to is None for line in LINES) + 6
    assert agree(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("peak", "sigma"), [(30.0, 20.0), (8.0, 20.0), (4.0, 20.0), (100.0, 45.0), (30.0, 45.0), (8.0, 45.0), (4.0, 45.0)]
)
def test_lines_agree_by_the_hundred(peak: float, sigma: float) -> None:
    # lines narrower than a pixel at hundreds of sigmas are beyond logarithmic steps: 0.1 km/s of dispersion
    tile, _ = line_spectra.simulate(50, seed=10, peak=peak, sigma=sigma, systemic=1500.0)
    assert agree(summary(line_differences(fit_tile(tile), lines_by_ppxf(tile))))


def test_tied_lines_are_tied_in_the_reference_too() -> None:
    tile, _ = line_spectra.simulate(2, seed=11, peak=20)
    reference = lines_by_ppxf(tile)
    names = [line.name for line in LINES]
    for line in LINES:
        if line.tied_to is not None:
            ours, other = names.index(line.name), names.index(line.tied_to)
            assert reference.flux[:, ours] == pytest.approx(reference.flux[:, other] * line.ratio)


def test_lines_of_spectra_without_data_have_no_values() -> None:
    tile, _ = line_spectra.simulate(2, seed=12, peak=20)
    reference = lines_by_ppxf(replace(tile, flux=np.where([[True], [False]], np.nan, tile.flux)))
    assert np.isnan(reference.flux[0]).all()
    assert np.isfinite(reference.flux[1]).all()


def test_without_ppxf_there_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ppxf.ppxf", None)
    spectra, _ = star_spectra.simulate(1, seed=13)
    tile, _ = line_spectra.simulate(1, seed=13, peak=10)
    with pytest.raises(NotInstalled, match="pip install"):
        stars_by_ppxf(spectra, star_spectra.library())
    with pytest.raises(NotInstalled, match="pip install"):
        lines_by_ppxf(tile)


def test_differences_are_in_units_of_our_error_and_of_values_that_both_have() -> None:
    spectra, _ = star_spectra.simulate(6, seed=14)
    fits: StarFits = fit_stars(spectra, star_spectra.library())
    reference = stars_by_ppxf(spectra, star_spectra.library())
    reference.velocity[:] = fits.velocity + np.array([1, 2, 3, 4, 5, np.nan]) * fits.velocity_error
    velocity, _ = summary(star_differences(fits, reference))
    assert (velocity.name, velocity.count) == ("velocity", 5)
    assert velocity.median == pytest.approx(3)
    assert velocity.largest == pytest.approx(5)
    faint = replace(fits, flags=fits.flags | np.uint16(StarFlag.LOW_SN))
    assert summary(star_differences(faint, reference)) == ()
    some = np.array([4, 2])
    chosen = stars_by_ppxf(
        replace(spectra, flux=spectra.flux[some], variance=spectra.variance[some], good=spectra.good[some]),
        star_spectra.library(),
    )
    assert (star_differences(fits, chosen, some)["sigma"] < 0.5).all()
