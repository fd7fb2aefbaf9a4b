"""Kernels that turn a Moffat profile into a Gaussian: against pypher, and against the Gaussian itself."""

import csv

import numpy as np
import pytest
from scipy import signal

from processing.science.homogenised_star import homogenised_star
from processing.science.kernels import Engine, Kernels, Recipe, target_fwhm, wiener
from processing.science.psf import AO_BETA, BETAS, NO_AO_BETA, Gaussian, Psf
from tests.support.archives import SURVEY

GRID = np.array([4700.0, 9350.0])
WIDTHS = (0.38, 0.47, 0.5235, 0.60, 0.74, 0.90, 1.05, 1.25)
SURVEYS_OWN = Recipe(regularisation=1e-4, reach=1.5)


def rows(name: str) -> list[dict[str, str]]:
    with (SURVEY / name).open() as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.mark.parametrize("size", [13, 41, 125])
@pytest.mark.parametrize("beta", [AO_BETA, NO_AO_BETA])
def test_kernels_are_those_of_pypher(size: int, beta: float) -> None:
    from pypher import pypher

    for mu in (1e-4, 1e-6):
        source = Psf(0.74, beta).image(4700.0, size=size, pixel=0.2)
        target = Gaussian(0.92).image(size=size, pixel=0.2)
        theirs = pypher.homogenization_kernel(target, source, mu)[0]
        np.testing.assert_allclose(wiener(source, target, mu), theirs, atol=1e-12)


def test_pypher_itself_can_make_them() -> None:
    psf = Psf(0.6, AO_BETA)
    ours, theirs = (Kernels(psf, 0.72, 0.2, Recipe(engine=engine)).at(6000.0) for engine in Engine)
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


@pytest.mark.parametrize("fwhm", WIDTHS)
@pytest.mark.parametrize("beta", [AO_BETA, NO_AO_BETA])
@pytest.mark.parametrize("wavelength", [4700.0, 6500.0, 9350.0])
def test_a_star_becomes_the_gaussian(fwhm: float, beta: float, wavelength: float) -> None:
    psf = Psf(fwhm, beta)
    target = target_fwhm([psf], GRID)
    star = homogenised_star(psf, Kernels(psf, target, 0.2), target, wavelength, pixel=0.2)
    assert star.encircled == pytest.approx(1, abs=0.002)
    assert star.peak == pytest.approx(1, abs=0.003)
    assert star.ellipticity < 0.005
    assert star.fwhm == pytest.approx(target, rel=0.003)


@pytest.mark.parametrize("away", [(0.5, 0.0), (0.5, 0.5), (0.2, 0.35)])
@pytest.mark.parametrize("beta", [AO_BETA, NO_AO_BETA])
@pytest.mark.parametrize(("fwhm", "wavelength"), [(0.5, 6500.0), (0.6, 4700.0), (0.6, 9350.0), (0.9, 4700.0)])
def test_a_star_between_pixels_becomes_the_gaussian_there(
    fwhm: float, wavelength: float, beta: float, away: tuple[float, float]
) -> None:
    psf = Psf(fwhm, beta)
    target = target_fwhm([psf], GRID)
    y, x = np.indices((121, 121)) - 60.0
    radii = 0.2 * np.hypot(x - away[0], y - away[1])
    seen = signal.fftconvolve(0.04 * psf.density(radii, wavelength), Kernels(psf, target, 0.2).at(wavelength), "same")
    wanted = np.exp(-4 * np.log(2) * (radii / target) ** 2)
    wanted *= 0.04 * 4 * np.log(2) / (np.pi * target**2)
    near = radii <= 1
    assert seen.max() == pytest.approx(wanted.max(), rel=0.004)
    assert seen[near].sum() == pytest.approx(wanted[near].sum(), rel=0.002)


@pytest.mark.parametrize("fwhm", WIDTHS)
@pytest.mark.parametrize(("beta", "most"), [(NO_AO_BETA, 1.20), (AO_BETA, 1.25)])
def test_it_costs_little_noise(fwhm: float, beta: float, most: float) -> None:
    psf = Psf(fwhm, beta)
    target = target_fwhm([psf], GRID)
    ours, theirs = (
        homogenised_star(psf, Kernels(psf, target, 0.2, recipe), target, 4700.0, pixel=0.2)
        for recipe in (Recipe(), SURVEYS_OWN)
    )
    assert theirs.noise_gain < ours.noise_gain < most * theirs.noise_gain
    assert theirs.peak < 0.96


def test_between_knots_kernels_are_as_if_they_were_computed() -> None:
    psf = Psf(0.5235, AO_BETA)
    kernels = Kernels(psf, 0.611, 0.2)
    source = psf.image(4725.0, size=kernels.size, pixel=0.2)
    exact = wiener(source, Gaussian(0.611).image(size=kernels.size, pixel=0.2), Recipe().regularisation)
    np.testing.assert_allclose(kernels.at(4725.0), exact / exact.sum(), atol=2e-5 * exact.max())


def test_a_gaussian_narrower_than_the_psf_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a PSF of 0\.801 arcsec at 6450 Angstrom cannot become a Gaussian of 0\.600"):
        Kernels(Psf(0.8, AO_BETA), 0.6, 0.2).at(6460.0)


@pytest.mark.parametrize(("fwhm", "beta"), [(0.0, 2.8), (-1.0, 2.8), (0.7, 1.0), (float("nan"), 2.8)])
def test_what_is_no_psf_is_refused(fwhm: float, beta: float) -> None:
    with pytest.raises(ValueError, match="no point spread function"):
        Psf(fwhm, beta)


def test_the_target_is_the_surveys() -> None:
    """Against the column of Table 1; NGC1385's PSF of 0.69 arcsec in Table 2 contradicts both of its columns there."""
    copt = {row["name"]: float(row["copt_fwhm"]) for row in rows("targets.csv")}
    psfs: dict[str, list[Psf]] = {}
    for row in rows("pointings.csv"):
        psfs.setdefault(row["target"], []).append(Psf(float(row["psf_fwhm"]), BETAS[row["ao_mode"]]))
    predicted = {name: target_fwhm(several, GRID) for name, several in psfs.items()}
    assert len(predicted) == 19
    off = {name for name, fwhm in predicted.items() if abs(fwhm - copt[name]) > 0.01}
    assert off == {"NGC1385"}
    assert target_fwhm([Psf(0.59, NO_AO_BETA)], GRID) == pytest.approx(copt["NGC1385"], abs=0.01)
