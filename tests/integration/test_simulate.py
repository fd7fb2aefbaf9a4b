"""``musevault simulate`` from the catalogue to files, and what the real pipeline makes of them."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from click.testing import Result
from scipy import optimize

from archive import products
from archive.archive import Archive
from ingest.exposures import ingest_exposures
from ingest.products import ingest_products
from ingest.reference import ingest_reference
from processing.simulate.cli import simulate
from processing.simulate.exposures import Exposure
from processing.simulate.geometry import from_plane, plane
from processing.simulate.observation import Spectral
from processing.simulate.pixel_table import write_tables
from processing.simulate.simulation import Simulation, write
from processing.simulate.static import write_astrometry, write_lsf, write_sky
from tests.support.commands import Types, typing
from tests.support.simulations import GALAXY, simulation

Image = np.ndarray[Any, np.dtype[np.float64]]
QUICK: Final = ("--size", 4.8, "--wavelengths", "6570-6590", "--templates", "analytic")
EXPOSED: Final = Spectral(6520.0, 6600.0)
SECONDS: Final = 60


@pytest.fixture
def types(survey: Archive, monkeypatch: pytest.MonkeyPatch) -> Iterator[Types]:
    with typing(survey, monkeypatch, simulate) as typed:
        monkeypatch.setenv("MUSEVAULT_DATA", str(Path("data").absolute()))
        yield typed


def test_the_command_simulates_what_the_log_says(types: Types, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = types("NGC1385", out, *QUICK, "--exposures", 1, "--seed", 3)
    assert result.exit_code == 0, result.output
    truth = json.loads((out / "truth/truth.json").read_text())
    assert truth["pointings"] == ["NGC1385-P01", "NGC1385-P05"]
    first, second = truth["exposures"]
    assert first["dp_id"].startswith("MUSE.2019-10-06T08:0")
    assert first["observing_block"] == "TPL.2019-10-06T08:06:01"
    assert (first["ins_mode"], first["psf"]["fwhm"], first["psf"]["beta"]) == ("WFM-AO-N", 0.49, 2.3)
    # Small fields lie so close that they overlap.
    east, north = plane(np.array(first["ra"]), np.array(first["dec"]), second["ra"], second["dec"])
    assert 1.0 < np.hypot(east, north) < 4.8
    assert truth["scale"] == pytest.approx(0.064)
    assert "truth/truth.json" in result.output.splitlines()
    header = fits.getheader(next((out / "pixtables").iterdir()))
    assert (header["SIMSCALE"], header["ESO OBS PROG ID"]) == (0.064, "1100.B-0651(A)")


def test_pointings_may_be_named_and_both_tables_asked_for(types: Types, tmp_path: Path) -> None:
    words = ("--pointings", "p02", "--exposures", 1, "--outputs", "object,reduced")
    result = types("NGC1385", tmp_path / "out", *QUICK, *words)
    assert result.exit_code == 0, result.output
    truth = json.loads((tmp_path / "out/truth/truth.json").read_text())
    assert truth["pointings"] == ["NGC1385-P02"]
    assert len(list((tmp_path / "out/reduced").iterdir())) == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("NGC9999",), "NGC9999 is no galaxy of the survey"),
        (("NGC1385", "--pointings", "P01,P77"), "NGC1385 has no pointing P77"),
        (("NGC1385", "--pointings", "0"), "0 cannot be had"),
        (("NGC1385", "--pointings", "99"), "99 cannot be had"),
        (("NGC1385", "--size", "0"), "4 to 60 arcsec wide, not 0"),
        (("NGC1385", "--wavelengths", "red"), "not 'red'"),
        (("NGC1385", "--wavelengths", "6800-6300"), "the lower first"),
        (("NGC1385", "--outputs", "cube"), "no output 'cube'"),
        (("NGC1385", "--filter", "no-such"), "no filter 'no-such'"),
        (("NGC1385", "--templates", "nowhere"), "no stellar population models at nowhere"),
    ],
)
def test_what_cannot_be_done_ends_in_one_clear_line(
    types: Types, tmp_path: Path, words: Sequence[str], reason: str
) -> None:
    target, *options = words
    result: Result = types(target, tmp_path / "out", *QUICK, *options)
    assert result.exit_code == 1
    (line,) = (one for one in result.output.splitlines() if one.startswith("Error"))
    assert reason in line
    assert not (tmp_path / "out").exists()


def test_without_models_nothing_is_made_up(types: Types, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSEVAULT_DATA", str(tmp_path))
    result = types("NGC1385", tmp_path / "out", "--size", "4.8")
    assert result.exit_code == 1
    assert "no stellar population models" in result.output
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def seen() -> Simulation:
    """Three exposures of 60 x 60 spaxels and 64 planes, of which the offset sky was right."""
    made = simulation(size=12.0, spectral=EXPOSED, most=4)
    exposures = tuple(replace(one, sky_taken=one.sky) for one in made.exposures if one.trail is None)
    return replace(made, exposures=exposures)


def run(folder: Path, recipe: str, frames: Mapping[str, str], *options: str) -> None:
    """Run a recipe of the real pipeline in a folder of its own."""
    (folder / "in.sof").write_text("".join(f"{folder / name} {tag}\n" for name, tag in frames.items()))
    words = ["esorex", f"--output-dir={folder}", f"--log-dir={folder}", "--no-checksum", recipe, *options, "in.sof"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    told = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
    assert not told


def offset_list(path: Path, exposures: Sequence[Exposure]) -> None:
    """The truth as the pipeline takes it."""
    columns = [
        fits.Column("DATE_OBS", "23A", array=[one.date.isoformat(timespec="milliseconds") for one in exposures]),
        fits.Column("RA_OFFSET", "D", unit="deg", array=[one.ra_offset for one in exposures]),
        fits.Column("DEC_OFFSET", "D", unit="deg", array=[one.dec_offset for one in exposures]),
        fits.Column("FLUX_SCALE", "D", array=[1 / one.transparency for one in exposures]),
    ]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(path)


def average(path: Path) -> tuple[Image, Image, WCS, float]:
    """A cube's mean over its planes without its ends, where a spaxel is good in nearly all of them."""
    with fits.open(path) as hdus:
        cube, wcs = hdus["DATA"].data[2:-2].astype(float), WCS(hdus["DATA"].header)
    first, last = (float(wcs.spectral.pixel_to_world_values(number)) for number in (2, len(cube) + 1))
    good = np.isfinite(cube).mean(axis=0) > 0.9
    image = np.full(good.shape, np.nan)
    image[good] = np.nanmean(cube[:, good], axis=0)
    return image, good, wcs.celestial, (first + last) / 2 * (1e10 if last < 1 else 1)


def compared(path: Path, simulation: Simulation) -> tuple[Image, Image, WCS]:
    """A cube's mean beside that of the scene without noise at its pixels, NaN where there is no cube."""
    image, good, wcs, middle = average(path)
    y, x = np.nonzero(good)
    ra, dec = wcs.pixel_to_world_values(x.astype(float), y.astype(float))
    east, north = plane(ra, dec, GALAXY.ra, GALAXY.dec)
    planes = EXPOSED.count - 4
    wavelengths = middle + EXPOSED.step * (np.arange(planes, dtype=np.float64) - (planes - 1) / 2)
    wanted = np.full(image.shape, np.nan)
    wanted[y, x] = simulation.lights["NGC1385-P01"](east, north, wavelengths).mean(axis=1)
    return image, wanted, wcs


def star_errors(image: Image, wanted: Image, wcs: WCS, simulation: Simulation) -> Image:
    """By how many pixels a Gaussian that is fitted to each star lies off where it lies without noise: shape (n, 2)."""
    found = []
    for star in simulation.scene.stars:
        ra, dec = from_plane(np.array(star.east), np.array(star.north), GALAXY.ra, GALAXY.dec)
        x, y = (round(float(each)) for each in wcs.world_to_pixel_values(ra, dec))
        part = np.s_[y - 4 : y + 5, x - 4 : x + 5]
        if star.flux > 4000 and np.isfinite(image[part]).all() and image[part].size == 81:
            places = [_centre(one[part]) for one in (image, wanted)]
            found.append(places[0] - places[1])
    return np.array(found)


def _centre(stamp: Image) -> Image:
    y, x = np.indices(stamp.shape)

    def model(_: None, peak: float, x0: float, y0: float, sigma: float, level: float) -> Image:
        values: Image = (peak * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / 2 / sigma**2) + level).ravel()
        return values

    fitted, _ = optimize.curve_fit(model, None, stamp.ravel(), p0=[np.ptp(stamp), 4, 4, 1.5, np.median(stamp)])
    return np.asarray(fitted[1:3])


def test_the_pipeline_makes_the_true_cube_of_a_table(seen: Simulation, tmp_path: Path) -> None:
    exposure = next(one for one in seen.exposures if not one.rotation)
    write_tables(seen.observation(exposure), tmp_path / "table.fits", None)
    block, mode = exposure.block, exposure.place.ins_mode
    write_astrometry(tmp_path / "astrometry.fits", block, mode, seed=1)
    write_lsf(tmp_path / "lsf.fits", block, mode, seed=1)
    continuum, lines = write_sky(tmp_path, exposure, "NGC1385", EXPOSED, seed=1)
    offset_list(tmp_path / "offsets.fits", [exposure])
    frames = {
        "table.fits": "PIXTABLE_OBJECT",
        "astrometry.fits": "ASTROMETRY_WCS",
        "lsf.fits": "LSF_PROFILE",
        continuum.name: "SKY_CONTINUUM",
        lines.name: "SKY_LINES",
        "offsets.fits": "OFFSET_LIST",
    }
    run(tmp_path, "muse_scipost", frames, "--skymethod=subtract-model", "--lambdaref=-1", "--save=cube")
    image, wanted, wcs = compared(tmp_path / "DATACUBE_FINAL.fits", seen)
    assert np.nansum(image) == pytest.approx(np.nansum(wanted), rel=0.005)
    errors = star_errors(image, wanted, wcs, seen)
    assert len(errors) >= 3
    assert np.abs(errors).max() < 0.15
    # The sky is gone, line by line: what is left beside the scene is below a percent of a bright line.
    with fits.open(tmp_path / "DATACUBE_FINAL.fits") as hdus:
        cube = hdus["DATA"].data[2:-2]
    middle = np.nanmedian(cube, axis=(1, 2))
    assert middle.min() > 0
    assert np.nanmedian(image - wanted) == pytest.approx(0.0, abs=0.01 * 36)


def test_the_pipeline_combines_the_reduced_tables_of_exposures(seen: Simulation, tmp_path: Path) -> None:
    exposures = [one for one in seen.exposures if not one.rotation][:2]
    frames = {f"{n}.fits": "PIXTABLE_REDUCED" for n in range(len(exposures))}
    for name, exposure in zip(frames, exposures, strict=True):
        write_tables(seen.observation(exposure), None, tmp_path / name)
    offset_list(tmp_path / "offsets.fits", exposures)
    run(tmp_path, "muse_exp_combine", {**frames, "offsets.fits": "OFFSET_LIST"}, "--save=cube")
    image, wanted, wcs = compared(tmp_path / "DATACUBE_FINAL.fits", seen)
    assert np.nansum(image) == pytest.approx(np.nansum(wanted), rel=0.005)
    assert np.abs(star_errors(image, wanted, wcs, seen)).max() < 0.15
    assert fits.getval(tmp_path / "DATACUBE_FINAL.fits", "ESO PRO DATANCOM") == 2


def test_the_archive_takes_in_all_that_is_written_and_knows_it_as_simulated(
    types: Types, survey: Archive, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert types("NGC1385", out, *QUICK, "--exposures", 1, "--pointings", 1).exit_code == 0
    taken = list(ingest_products(survey, [out / "pixtables", out / "sky"], collection="SIM"))
    assert [str(outcome.became) for outcome in taken] == ["new"] * 3, taken
    image = next((out / "reference").iterdir())
    assert ingest_reference(survey, image, target="NGC1385", collection="SIM").became == "new"
    held = [products.get(survey, str(outcome.key)) for outcome in taken]
    held.append(products.get(survey, "NGC1385_REFERENCE_Cousins_R"))
    assert sorted(one.kind for one in held) == ["pixtable", "reference", "sky_continuum", "sky_lines"]
    assert {(one.target, one.simulated) for one in held} == {("NGC1385", 1)}
    assert len({one.tpl_start for one in held if one.kind != "reference"}) == 1
    became = [str(outcome.became) for outcome in ingest_exposures(survey, [out / "static"])]
    assert became == ["new", "new"]


@pytest.mark.slow  # 20 frames of 17 million pixels
def test_raw_frames_of_chosen_ifus_come_with_the_calibrations_of_their_night(tmp_path: Path) -> None:
    simulated = simulation(most=1, ifus=(24,))
    write(simulated, tmp_path / "out", outputs=("raw",))
    kinds = sorted(fits.getheader(path)["ESO DPR TYPE"] for path in (tmp_path / "out" / "raw").rglob("*.fits.fz"))
    assert {kind: kinds.count(kind) for kind in ("BIAS", "OBJECT", "SKY", "STD")} == {
        "BIAS": 3, "OBJECT": 1, "SKY": 1, "STD": 1,
    }  # fmt: skip
    assert not (tmp_path / "out" / "pixtables").exists()
