"""What is written: pixel tables, sky, statics, the reference image, the truth."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from archive.errors import Refused
from processing.filters import read_curve
from processing.simulate.geometry import from_plane
from processing.simulate.observation import Spectral
from processing.simulate.pixel_table import write_tables
from processing.simulate.reference import band_of, mean_in
from processing.simulate.simulation import Simulation, prepare, write
from tests.support.disks import small_disk
from tests.support.simulations import GALAXY, place, request, simulation

COLUMNS = ["xpos", "ypos", "lambda", "data", "dq", "stat", "origin"]
FLUX = "10**(-20)*erg/s/cm**2/Angstrom"


@pytest.fixture(scope="module")
def small() -> Simulation:
    return simulation()


@pytest.fixture(scope="module")
def out(small: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "out"
    write(small, folder)
    return folder


def table(out: Path, kind: str) -> Path:
    return min(out.rglob(f"*_{kind}.fits"))


def test_the_folder_has_everything_under_its_name(out: Path, small: Simulation) -> None:
    first, second = (one.dp_id for one in small.exposures)
    sky = sorted(path.name.split("_", 1)[1] for path in (out / "sky").iterdir())
    assert sky == ["SKY_CONTINUUM.fits", "SKY_LINES.fits"]
    assert {path.name for path in (out / "pixtables").iterdir()} == {
        f"{first}_PIXTABLE_OBJECT.fits",
        f"{second}_PIXTABLE_OBJECT.fits",
    }
    assert len(list((out / "reduced").iterdir())) == 2
    assert {path.name for path in (out / "static").iterdir()} == {"ASTROMETRY_WCS.fits", "LSF_PROFILE.fits"}
    assert [path.name for path in (out / "reference").iterdir()] == ["NGC1385_Cousins_R.fits"]
    assert {path.name for path in (out / "truth").iterdir()} == {"truth.json", "truth.fits"}


def test_every_header_says_that_it_is_simulated(out: Path) -> None:
    files = sorted(out.rglob("*.fits"))
    assert len(files) == 10
    for path in files:
        header = fits.getheader(path)
        assert header["SIMULATE"] is True
        assert header["ORIGIN"] == "SIM"
        with fits.open(path) as hdus:
            hdus.verify("exception")


def test_a_pixel_table_has_the_pipelines_columns_and_units(out: Path) -> None:
    for kind, unit in (("PIXTABLE_OBJECT", "pix"), ("PIXTABLE_REDUCED", "rad")):
        with fits.open(table(out, kind)) as hdus:
            assert [hdu.header["EXTNAME"] for hdu in hdus[1:]] == COLUMNS
            assert {hdu.data.shape for hdu in hdus[1:]} == {(24 * 24 * 16, 1)}
            assert [hdus[n].header["BUNIT"] for n in (1, 2, 3, 4, 6)] == [unit, unit, "Angstrom", FLUX, f"({FLUX})**2"]
            assert hdus[0].header["ESO PRO CATG"] == kind


def test_numbers_are_written_so_that_the_pipeline_does_not_take_them_for_zero(out: Path) -> None:
    header = fits.getheader(table(out, "PIXTABLE_OBJECT"))
    for keyword in ("RA", "DEC", "EXPTIME", "MJD-OBS", "LST", "EQUINOX", "ESO INS DROT POSANG", "ESO TEL AIRM START"):
        assert isinstance(header[keyword], float), keyword
        assert "." in str(header.cards[keyword])
    dates = [fits.getval(path, "DATE-OBS") for path in out.rglob("*_PIXTABLE_OBJECT.fits")]
    assert len(set(dates)) == len(dates)
    assert all(len(date) == 23 for date in dates)


def test_headers_name_the_exposure_as_the_survey_does(out: Path, small: Simulation) -> None:
    header, exposure = fits.getheader(table(out, "PIXTABLE_OBJECT")), small.exposures[0]
    assert header["ARCFILE"] == f"{exposure.dp_id}.fits"
    assert header["ESO TPL START"] == "2019-10-06T08:06:01"
    assert (header["ESO OBS PROG ID"], header["ESO OBS ID"]) == ("1100.B-0651(A)", 2_000_001)
    assert (header["OBJECT"], header["ESO INS MODE"]) == ("NGC1385", "WFM-NOAO-N")
    assert (header["RA"], header["DEC"]) == (exposure.told.ra, exposure.told.dec)
    assert header["ESO DRS MUSE PIXTABLE MERGED"] == 2


def test_what_is_no_number_is_flagged_in_the_table(out: Path) -> None:
    with fits.open(table(out, "PIXTABLE_OBJECT")) as hdus:
        data, flags = hdus["data"].data, hdus["dq"].data
        assert (flags[~np.isfinite(data)] != 0).all()
        assert np.isfinite(hdus["stat"].data).all()
        assert (hdus["stat"].data > 0).all()


def test_every_row_has_a_place_of_its_own_on_the_detectors(out: Path, small: Simulation) -> None:
    with fits.open(table(out, "PIXTABLE_OBJECT")) as hdus:
        origin = hdus["origin"].data.ravel().view(">u4").astype(np.uint32)
        header = hdus[0].header
    assert np.unique(origin).size == origin.size
    assert set((origin >> 6) & 0x1F) == set(small.layout.ifus)
    assert set(origin & 0x3F) == set(range(1, 49))
    assert header["ESO DRS MUSE PIXTABLE EXP0 IFU12 SLICE48 XOFFSET"] > 0


def test_the_reduced_table_lies_on_the_sky_where_the_header_says(out: Path, small: Simulation) -> None:
    exposure = small.exposures[0]
    with fits.open(table(out, "PIXTABLE_OBJECT")) as before, fits.open(table(out, "PIXTABLE_REDUCED")) as after:
        x = before["xpos"].data.ravel().astype(float) - small.layout.middle[0]
        y = before["ypos"].data.ravel().astype(float) - small.layout.middle[1]
        phi, theta = after["xpos"].data.ravel().astype(float), after["ypos"].data.ravel().astype(float) + np.pi / 2
        shift = after["lambda"].data / before["lambda"].data - 1
        taken = before["data"].data - after["data"].data
    wanted_phi, wanted_theta = exposure.told.native(x, y)
    assert np.abs(np.exp(1j * phi) - np.exp(1j * wanted_phi)).max() < 1e-3  # single precision, near the middle
    assert np.abs(theta - wanted_theta).max() * 206265 < 1e-3
    assert np.median(shift) * 299792.458 == pytest.approx(exposure.velocity, abs=3.0)
    assert np.nanmedian(taken) == pytest.approx(36 * exposure.sky_taken.continuum_factor, rel=0.2)


def test_the_same_seed_gives_the_same_bytes(out: Path, tmp_path: Path) -> None:
    write(simulation(), tmp_path / "again")
    for path in out.rglob("*_PIXTABLE_*.fits"):
        assert (tmp_path / "again" / path.relative_to(out)).read_bytes() == path.read_bytes()
    mine, theirs = ((folder / "truth/truth.json").read_text() for folder in (out, tmp_path / "again"))
    assert mine == theirs


def test_another_realisation_has_other_noise_on_the_same_light(small: Simulation, tmp_path: Path) -> None:
    exposure = small.exposures[0]
    flux = []
    for number in range(2):
        path = tmp_path / f"{number}.fits"
        write_tables(replace(small.observation(exposure), realisation=number), path, None)
        with fits.open(path) as hdus:
            flux.append((hdus["data"].data.ravel(), hdus["stat"].data.ravel(), hdus["dq"].data.ravel()))
    (first, variance, flags), (second, same_variance, more_flags) = flux
    assert np.array_equal(variance, same_variance)
    good = (flags == 0) & (more_flags == 0)
    differences = (first - second)[good] / np.sqrt(2 * variance[good])
    assert 1.4826 * np.median(np.abs(differences)) == pytest.approx(1.0, abs=0.05)


def test_the_pointing_error_is_between_the_light_and_the_header(small: Simulation) -> None:
    exposure = small.exposures[0]
    corrected = replace(
        exposure.told,
        ra=exposure.told.ra - exposure.ra_offset,
        dec=exposure.told.dec - exposure.dec_offset,
        position_angle=exposure.told.position_angle + exposure.rotation,
    )
    assert (corrected.ra, corrected.dec) == pytest.approx((exposure.true.ra, exposure.true.dec), abs=1e-9)
    assert (exposure.told.ra, exposure.told.dec) != pytest.approx((exposure.true.ra, exposure.true.dec), abs=1e-6)
    # The brightest star is seen where the corrected pointing has it.
    star = max(small.scene.stars, key=lambda one: one.flux)
    ra, dec = from_plane(np.array([star.east]), np.array([star.north]), GALAXY.ra, GALAXY.dec)
    x, y = corrected.spaxels(ra, dec)
    at = small.request.spectral.of(small.layout.slices[0])
    around = np.arange(-2.0, 2.1, 0.5)
    seen = small.observation(exposure).noiseless(x + around, np.repeat(y, around.size), at).sum(axis=1)
    assert around[seen.argmax()] == 0.0


def test_the_sky_that_is_told_is_not_the_sky_that_is_there(out: Path, small: Simulation) -> None:
    exposure = small.exposures[0]
    with fits.open(next(out.rglob("*SKY_CONTINUUM.fits"))) as hdus:
        wavelengths, flux = hdus["CONTINUUM"].data["lambda"], hdus["CONTINUUM"].data["flux"]
        header = hdus[0].header
    assert header["ESO PRO CATG"] == "SKY_CONTINUUM"
    assert header["ESO TPL START"] == "2019-10-06T08:06:01"
    assert (wavelengths[0], wavelengths[-1]) == pytest.approx((6565.0, 6595.0), abs=1.5)
    assert abs(flux.mean() / 36 / exposure.sky.continuum_factor - 1) > 0.02
    with fits.open(next(out.rglob("*SKY_LINES.fits"))) as hdus:
        assert "OH 6577" in list(hdus["LINES"].data["name"])
        assert hdus["LINES"].columns["flux"].unit == "10**(-20)*erg/(s cm^2 arcsec^2)"


def test_the_truth_is_told_in_the_reductions_words(out: Path, small: Simulation) -> None:
    truth = json.loads((out / "truth/truth.json").read_text())
    assert (truth["simulated"], truth["target"], truth["seed"], truth["scale"]) == (True, "NGC1385", 1, 0.08)
    assert [one["dp_id"] for one in truth["exposures"]] == [one.dp_id for one in small.exposures]
    for told, exposure in zip(truth["exposures"], small.exposures, strict=True):
        assert told["ra_offset"] == pytest.approx(exposure.told.ra - exposure.true.ra)
        assert told["rotation"] == exposure.rotation
        assert told["a"] * exposure.transparency == pytest.approx(1.0)
        assert told["alpha"] == pytest.approx(1 - told["b"] / (told["a"] * told["sky_continuum_level_taken"]))
        assert abs(told["alpha"] - 1) > 0.02
    assert len(truth["stars"]) >= 2
    with fits.open(out / "truth/truth.fits") as hdus:
        image = hdus["NGC1385-P01"].data
    # The field is 24 spaxels wide, its surroundings are in the image too.
    share = truth["flux_in_field"]["NGC1385-P01"] / np.nansum(image)
    assert 24**2 / np.isfinite(image).sum() < share < 1


def test_the_images_of_the_truth_lie_on_the_galaxys_grid(out: Path) -> None:
    with fits.open(out / "truth/truth.fits") as hdus:
        names = [hdu.name for hdu in hdus[1:]]
        wcs = WCS(hdus["V_GAS"].header)
        velocity = hdus["V_GAS"].data
        flux = hdus["NGC1385-P01"].data
    assert names == ["NGC1385-P01", "NGC1385-P01_HA6562", "V_STARS", "SIGMA_STARS", "V_GAS", "A_V"]
    x, y = (float(each) for each in wcs.world_to_pixel_values(GALAXY.ra, GALAXY.dec))
    assert (x, y) == pytest.approx((round(x), round(y)), abs=1e-6)
    assert velocity[round(y), round(x)] == pytest.approx(GALAXY.velocity, abs=3)
    assert np.nanmax(flux) > 100


def test_the_reference_has_the_flux_of_the_scene_in_its_band(out: Path) -> None:
    with fits.open(next((out / "reference").iterdir())) as hdus:
        image, header = hdus[0].data.astype(float), hdus[0].header
    assert (header["FILTER"], header["BUNIT"]) == ("Cousins_R", FLUX)
    assert (header["SIMFMIN"], header["SIMFMAX"]) == (6570.0, 6590.0)
    assert 0 < header["SIMFFRAC"] < 0.03
    wcs = WCS(header)
    ny, nx = image.shape
    ra, dec = wcs.pixel_to_world_values(*np.meshgrid(np.arange(nx), np.arange(ny)))
    # Against the scene as MUSE sees it, where that is known: the sum over the field's inner part.
    with fits.open(out / "truth/truth.fits") as hdus:
        seen, grid = hdus["NGC1385-P01"].data.astype(float), WCS(hdus["NGC1385-P01"].header)
    sy, sx = np.indices(seen.shape)
    seen_ra, seen_dec = grid.pixel_to_world_values(sx, sy)

    def inside(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
        east = (ra - GALAXY.ra) * np.cos(np.radians(GALAXY.dec)) * 3600
        kept: np.ndarray = np.hypot(east, (dec - GALAXY.dec) * 3600) < 3.0
        return kept

    assert image[inside(ra, dec)].sum() == pytest.approx(np.nansum(seen[inside(seen_ra, seen_dec)]), rel=0.03)
    assert header["PSF_FWHM"] == pytest.approx(0.9, abs=0.1)


def test_a_band_that_is_wholly_inside_is_used_whole() -> None:
    band = band_of(read_curve(Path("data"), "SDSS_r").band, 5000.0, 8000.0)
    assert (band.low, band.high, band.fraction) == pytest.approx((5380.0, 7230.0, 1.0), abs=1e-3)
    assert band.weights.sum() == pytest.approx(1.0)


def test_the_mean_in_a_band_of_flat_light_is_that_light(small: Simulation) -> None:
    star = np.array([0.3]), np.array([0.1])
    light = small.lights["NGC1385-P01"]
    flux = light(*star, small.band.wavelengths)
    assert flux.min() < mean_in(small.band, light, *star)[0] < flux.max()


def test_two_small_pointings_have_one_scene(tmp_path: Path) -> None:
    places = (place("NGC1385-P01"), place("NGC1385-P02", ra=GALAXY.ra + 2.5 / 3600))
    made = simulation(places=places, most=1)
    shared = np.array([1.2]), np.array([0.2])
    at = np.array([6579.0, 6580.0, 6581.0])
    first, second = (made.lights[one.name](*shared, at) for one in places)
    assert first == pytest.approx(second, rel=1e-3)
    write(made, tmp_path / "out", outputs=("object",))
    truth = json.loads((tmp_path / "out/truth/truth.json").read_text())
    assert truth["pointings"] == ["NGC1385-P01", "NGC1385-P02"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"size": 0.0}, "4 to 60 arcsec"),
        ({"spectral": Spectral(6600.0, 6500.0)}, "the lower first"),
        ({"spectral": Spectral(3000.0, 6500.0)}, "between 4000 and 10000"),
        ({"spectral": Spectral(6500.0, 6510.0, 20.0)}, "two or more"),
        ({"spectral": Spectral(6500.0, 6600.0, 0.0)}, "two or more"),
        ({"places": ()}, "no exposure to simulate"),
        ({"band": read_curve(Path("data"), "SDSS_g").band}, "SDSS_g passes no light from 6570 to 6590"),
    ],
)
def test_what_cannot_be_simulated_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(Refused, match=words):
        prepare(request(**changes))


def test_a_folder_that_holds_something_is_left_alone(small: Simulation, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(Refused, match="is there already"):
        write(small, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_table_that_fails_halfway_leaves_no_file(small: Simulation, tmp_path: Path) -> None:
    broken = replace(small.observation(small.exposures[0]), spectral=Spectral(6570.0, 6590.0, 0.0001))
    broken = replace(broken, light=None)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        write_tables(broken, tmp_path / "table.fits", None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("megabytes", [2, 7])  # full in the midst of a calibration, and of a pixel table
def test_a_full_disk_leaves_nothing_behind(small: Simulation, tmp_path: Path, megabytes: int) -> None:
    with small_disk(tmp_path / "disk", megabytes=megabytes) as folder:
        with pytest.raises(Refused, match="cannot be written: (No space left|Not enough space)"):
            write(small, folder / "out")
        assert not list(folder.iterdir())


def test_a_place_that_cannot_be_written_is_refused(small: Simulation, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(Refused, match="cannot be written: Not a directory"):
        write(small, tmp_path / "file" / "out")
