"""What there is to be seen: dust, PSF, stars of all kinds, gas, and the whole scene."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from archive.errors import Refused
from processing.science.lines import LINES, Group
from processing.science.lsf import SPEED_OF_LIGHT
from processing.science.psf import Psf
from processing.simulate.extinction import extinction, transmission
from processing.simulate.galaxy import Galaxy
from processing.simulate.gas import DISPERSIONS, REGIONS, add_lines, line_ratio
from processing.simulate.scene import SPAXEL_AREA, Disc, make_scene
from processing.simulate.stars import APART, EACH, Star, scatter
from processing.simulate.stellar import SpectrumTable
from processing.simulate.templates import MODELS, Population, analytic, read_populations
from tests.support.simulations import GALAXY, grid

Array = np.ndarray[Any, np.dtype[np.float64]]


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_dust_reddens_as_published() -> None:
    wavelengths = np.array([4861.0, 5007.0, 5500.0, 6563.0, 9350.0])
    assert extinction(wavelengths) == pytest.approx([1.1817, 1.1360, 0.9987, 0.8124, 0.4502], abs=2e-3)


def test_a_magnitude_of_dust_at_v_dims_by_a_magnitude() -> None:
    passed = transmission(np.array([5494.5]), np.array([0.0, 1.0]))[:, 0]
    assert passed == pytest.approx([1.0, 10**-0.4], rel=2e-3)


@pytest.mark.parametrize("beta", [2.3, 2.8])
def test_the_psf_spreads_all_the_light_and_is_as_wide_as_it_says(beta: float) -> None:
    psf = Psf(0.7, beta)
    east, north = grid(30.0, 0.1)
    density = psf.density(np.hypot(east, north), psf.pivot)
    assert density.sum() * 0.01 == pytest.approx(1.0, abs=4e-3)  # the wings of 2.3 reach far
    assert psf.density(np.array(0.35), psf.pivot) == pytest.approx(psf.density(np.array(0.0), psf.pivot) / 2)


def test_the_psf_is_sharper_in_the_red() -> None:
    assert Psf(0.7, 2.8).fwhm_at(np.array([5483.58, 7483.58])) == pytest.approx([0.73, 0.67])


def model(folder: Path, name: str, flux: Array | None = None) -> None:
    hdu = fits.PrimaryHDU(np.ones(7000) if flux is None else flux)
    hdu.header.update({"CRVAL1": 3500.0, "CDELT1": 0.9, "CRPIX1": 1})
    hdu.writeto(folder / name)


def test_the_models_nearest_to_bulge_disk_and_young_stars_are_read(tmp_path: Path) -> None:
    for age in ("00.0631", "03.1623", "12.5893"):
        for metallicity in ("m0.40", "p0.00"):
            model(tmp_path, f"Eun1.30Z{metallicity}T{age}_iPp0.00_baseFe.fits")
    found = read_populations(tmp_path)
    assert [(round(one.age, 4), one.metallicity) for one in found] == [(12.5893, 0.0), (3.1623, -0.4), (0.0631, 0.0)]
    assert found[0].wavelength[0] == pytest.approx(4000.4)


def test_a_folder_without_models_is_refused_and_nothing_stands_in(tmp_path: Path) -> None:
    (tmp_path / "notes.fits").write_text("no model")
    with pytest.raises(Refused, match="no stellar population models at"):
        read_populations(tmp_path)
    with pytest.raises(Refused, match="no stellar population models at"):
        read_populations(tmp_path / "nowhere")


def test_a_model_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "Eun1.30Zp0.00T10.0000.fits").write_text("no model")
    with pytest.raises(Refused, match=r"Eun1.30Zp0.00T10.0000.fits is no model"):
        read_populations(tmp_path)


def test_a_model_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    model(tmp_path, "Eun1.30Zp0.00T10.0000.fits", np.ones(2000))
    with pytest.raises(Refused, match="does not reach 6400 to 6600"):
        read_populations(tmp_path)


def test_the_data_package_has_models() -> None:
    bulge, disk, young = read_populations(Path("data") / MODELS)
    blue = [np.interp(5000.0, one.wavelength, one.flux) for one in (bulge, disk, young)]
    assert blue[0] < blue[1] < blue[2]


def line_at(wavelength: float) -> Population:
    """Stars of which everything is known: one narrow line."""
    at = np.arange(5800.0, 7000.0, 0.05)
    return Population("line", 1.0, 0.0, at, np.exp(-0.5 * ((at - wavelength) / 0.3) ** 2), 10.0)


def moments(at: Array, flux: Array) -> tuple[float, float]:
    mean = float((at * flux).sum() / flux.sum())
    return mean, float(np.sqrt(((at - mean) ** 2 * flux).sum() / flux.sum()))


@pytest.mark.parametrize(("velocity", "dispersion"), [(1500.0, 40.0), (1650.0, 90.0), (1300.0, 130.0)])
def test_stars_are_shifted_and_broadened(velocity: float, dispersion: float) -> None:
    table = SpectrumTable([line_at(6400.0)], (6300.0, 6600.0), 1500.0)
    at = np.arange(6380.0, 6480.0, 0.25)
    (flux,) = table(at, np.array([velocity]), np.array([dispersion]))[0]
    mean, sigma = moments(at, flux)
    assert (mean / 6400 - 1) * SPEED_OF_LIGHT == pytest.approx(velocity, abs=1.0)
    wanted = np.hypot(dispersion * 6400 / SPEED_OF_LIGHT * (1 + velocity / SPEED_OF_LIGHT), 0.3)
    assert sigma == pytest.approx(wanted, rel=0.03)


def test_stars_get_the_resolution_of_muse_that_their_models_lack() -> None:
    sharp = replace(line_at(5900.0), fwhm=0.0)
    at = np.arange(5880.0, 5920.0, 0.1)
    (flux,) = SpectrumTable([sharp], (5850.0, 6000.0), 0.0)(at, np.zeros(1), np.array([20.0]))[0]
    _, sigma = moments(at, flux)
    lsf = 5.866e-8 * 5900**2 - 9.187e-4 * 5900 + 6.040
    assert sigma == pytest.approx(np.sqrt((lsf / 2.3548) ** 2 + 0.3**2 + (20 * 5900 / SPEED_OF_LIGHT) ** 2), rel=0.02)


def test_the_side_at_the_position_angle_recedes() -> None:
    galaxy = Galaxy("X", 10.0, 0.0, 1000.0, 60.0, 50.0, 10.3, 80.0, 0.0)
    east, north = 30 * np.sin(np.radians(60.0)), 30 * np.cos(np.radians(60.0))
    places = np.array([east, -east]), np.array([north, -north])
    for velocity in (galaxy.stellar_velocity(*places), galaxy.gas_velocity(*places)):
        assert velocity[0] > 1050
        assert velocity[1] < 950
    assert galaxy.gas_velocity(*places)[0] > galaxy.stellar_velocity(*places)[0]


def test_a_place_of_the_disk_is_found_again_on_the_sky() -> None:
    east, north = np.array([3.0, -10.0, 25.0]), np.array([8.0, 2.0, -20.0])
    assert np.allclose(GALAXY.sky(*GALAXY.disk(east, north)), (east, north))


@pytest.mark.parametrize("width", [1.25, 10.0])
def test_a_line_has_its_flux_however_wide_the_pixels_are(width: float) -> None:
    at = np.arange(6500.0, 6800.0, width)
    spectra = np.zeros((1, at.size))
    fluxes = np.zeros((2, 1, at.size))
    fluxes[REGIONS] = 1000.0
    add_lines(spectra, at, width, fluxes=fluxes, radius=np.ones(1), velocity=np.array([600.0]))
    wanted = sum(float(line_ratio(line, REGIONS, np.ones(1))[0]) for line in LINES if 6540 < line.wavelength < 6740)
    assert spectra.sum() * width == pytest.approx(1000 * wanted, rel=1e-6)


def test_ratios_that_atoms_fix_are_fixed_everywhere() -> None:
    lines = {line.name: line for line in LINES}
    radius = np.linspace(0, 3, 5)
    for name, leader, ratio in (("OIII4958", "OIII5006", 0.35), ("NII6548", "NII6583", 0.34)):
        for kind in (0, 1):
            found = line_ratio(lines[name], kind, radius) / line_ratio(lines[leader], kind, radius)
            assert found == pytest.approx(ratio)


def test_groups_of_lines_have_kinematics_of_their_own() -> None:
    assert len({DISPERSIONS[group] for group in Group}) == len(Group)


def test_stars_keep_apart_and_inside_their_field() -> None:
    stars = scatter([(0.0, 0.0), (9.0, 0.0)], 12.0, rng())
    assert len(stars) == 2 * EACH[0]
    places = np.array([[star.east, star.north] for star in stars])
    distances = np.hypot(*(places[:, np.newaxis] - places).T)
    assert distances[distances > 0].min() > APART
    assert np.hypot(*places[: EACH[0]].T).max() < 6.0


def test_a_star_seen_through_the_psf_has_all_its_flux_at_its_place() -> None:
    star = Star(0.37, -0.81, 5000.0, 5500.0)
    scene = replace(
        make_scene(GALAXY, analytic(), fields=[(0, 0)], size=12.0, wavelengths=(6000.0, 7000.0), rng=rng()),
        stars=(star,),
    )
    east, north = grid(14.0, 0.2)
    light = scene.through(Psf(0.7, 2.8), Disc(0.0, 0.0, 5.0))
    (flux,) = light.stars(east, north, np.array([6500.0])).T
    assert flux.sum() == pytest.approx(5000.0, rel=2e-3)
    assert (flux * east).sum() / flux.sum() == pytest.approx(0.37, abs=0.01)
    assert (flux * north).sum() / flux.sum() == pytest.approx(-0.81, abs=0.01)


def test_the_psf_moves_the_galaxys_light_but_loses_none() -> None:
    scene = replace(
        make_scene(GALAXY, analytic(), fields=[(0, 0)], size=12.0, wavelengths=(6400.0, 6700.0), rng=rng()), stars=()
    )
    east, north = grid(4.0, 0.2)
    at = np.arange(6450.0, 6650.0, 5.0)
    sharp, blurred = (scene.through(Psf(fwhm, 2.8), Disc(0.0, 0.0, 6.0))(east, north, at) for fwhm in (0.5, 1.0))
    assert blurred.sum() == pytest.approx(sharp.sum(), rel=0.03)  # at the edges light comes and goes
    assert blurred.max() < 0.8 * sharp.max()
    assert (sharp > 0).all()


def test_light_between_the_nodes_is_as_if_the_psf_were_applied_there() -> None:
    made = make_scene(GALAXY, analytic(), fields=[(0, 0)], size=12.0, wavelengths=(4700.0, 9400.0), rng=rng())
    psf, disc = Psf(0.6, 2.3), Disc(0.0, 0.0, 3.0)
    east, north = grid(2.0, 0.5)
    wide = made.through(psf, disc)(east, north, np.array([5349.0, 5350.0, 5351.0]))[:, 1]
    narrow = replace(made, wavelengths=(5340.0, 5360.0)).through(psf, disc)
    assert wide == pytest.approx(narrow(east, north, np.array([5349.0, 5350.0, 5351.0]))[:, 1], rel=2e-3)


def test_the_spaxel_is_a_twenty_fifth_of_a_square_arcsec() -> None:
    assert pytest.approx(0.2**2) == SPAXEL_AREA


def test_the_map_of_h_alpha_is_what_the_spectra_have_of_it() -> None:
    dark = [replace(one, flux=np.zeros_like(one.flux)) for one in analytic()]
    made = make_scene(GALAXY, dark, fields=[(0, 0)], size=12.0, wavelengths=(6500.0, 6700.0), rng=rng())
    light = replace(made, stars=()).through(Psf(0.7, 2.8), Disc(0.0, 0.0, 5.0))
    east, north = grid(1.5, 0.5)
    at = np.arange(6588.0, 6602.0, 0.5)  # H alpha at 1477 km/s is at 6595, and no other line
    line = light(east, north, at).sum(axis=1) * 0.5
    assert line == pytest.approx(light.h_alpha(east, north), rel=0.03)
