"""Two overlapping pointings that are simulated, through the real MUSE pipeline, to a mosaic: against the truth."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from archive import alignments, jobs, products, provenance
from archive.archive import Archive
from archive.cube import Cube
from archive.follow_up import follow_up
from archive.quality import find as find_quality
from archive.tasks import installed
from archive.worker import drain
from ingest.exposures import ingest_exposures
from ingest.products import ingest_products
from ingest.reference import ingest_reference
from ingest.releases import ingest_release
from processing.filters import read_curve
from processing.phase3.export import export
from processing.phase3.profiles import RELEASE_2021, SDPS8, Profile
from processing.plan import make_plan
from processing.quality_task import QUALITY
from processing.quality_task import quality as measure_quality
from processing.science.bands import plane_weights
from processing.simulate import catalogue, templates
from processing.simulate.observation import Spectral
from processing.simulate.simulation import Request, prepare, write
from processing.submission import submit
from processing.task import own_file
from schema.jobs import Phase
from schema.quality import Figure
from tests.support import archives

TARGET = "NGC1385"
SIZE = 24.0
MOSAIC = f"{TARGET}_DATACUBE_native"
COPT = f"{TARGET}_DATACUBE_copt"

Image = NDArray[np.float64]


@dataclass(frozen=True)
class Reduced:
    """An archive in which a simulation was reduced, and the truth."""

    archive: Archive
    truth: dict[str, Any]
    folder: Path

    def path(self, product_id: str) -> Path:
        file = own_file(products.get(self.archive, product_id))
        assert file is not None
        return self.archive.store.get(file.sha256)

    def exposures(self) -> dict[str, dict[str, Any]]:
        return {one["dp_id"]: one for one in self.truth["exposures"]}


@pytest.fixture(scope="module")
def reduced(server: str, empty_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reduced]:
    folder = tmp_path_factory.mktemp("reduction")
    with (
        archives.fresh_database(server, template=empty_template) as url,
        archives.opened(url, folder / "vault") as archive,
    ):
        ingest_release(archive.database, archives.SURVEY)
        simulate(archive, folder / "sim")
        take_in(archive, folder / "sim")
        submitted = submit(archive, [TARGET])
        drain(archive, installed)
        for one in submitted:
            done = jobs.find(archive.database, one.job.job_id)
            assert done is not None
            assert (done.phase, done.error) == (Phase.COMPLETED, None)
        truth = json.loads((folder / "sim" / "truth" / "truth.json").read_text())
        yield Reduced(archive, truth, folder)
        shutil.rmtree(folder)


def simulate(archive: Archive, out: Path) -> None:
    record = catalogue.find_galaxy(archive, TARGET)
    scale = catalogue.scale_for(SIZE)
    places = catalogue.places_of(archive, record, catalogue.chosen(record, "2"), scale=scale)
    request = Request(
        galaxy=catalogue.galaxy_of(record),
        places=places,
        size=SIZE,
        scale=scale,
        spectral=Spectral(6500.0, 6700.0),
        band=read_curve(archive.settings.data, "Cousins_R").band,
        populations=templates.read_populations(archive.settings.data / templates.MODELS),
        seed=1,
        most=2,
    )
    write(prepare(request), out, outputs=("object",), tell=lambda _words: None)


def take_in(archive: Archive, out: Path) -> None:
    taken = list(ingest_products(archive, [out / "pixtables", out / "sky"], collection="SIM"))
    assert all(one.key is not None for one in taken), [one.reason for one in taken]
    assert all(one.key is not None for one in ingest_exposures(archive, [out / "static"]))
    ingest_reference(archive, out / "reference" / f"{TARGET}_Cousins_R.fits", target=TARGET, collection="SIM")
    follow_up(archive.database)


def test_offsets_rotations_fluxes_and_skies_are_recovered(reduced: Reduced) -> None:
    found = alignments.find_all(reduced.archive.database, target=TARGET)
    assert found.keys() == reduced.exposures().keys()
    for dp_id, true in reduced.exposures().items():
        row = found[dp_id].alignment
        east = (row.ra_offset - true["ra_offset"]) * 3600 * np.cos(np.radians(true["dec"]))
        assert abs(east) < 0.01
        assert abs(row.dec_offset - true["dec_offset"]) * 3600 < 0.01
        assert abs(row.rotation - true["rotation"]) < 0.03
        assert row.flux_scale == pytest.approx(true["a"], rel=0.01)
        assert row.sky_factor == pytest.approx(true["alpha"], rel=0.01)
        assert row.quality == "good"


def test_the_trail_of_the_satellite_is_found_and_left_out(reduced: Reduced) -> None:
    found = alignments.find_all(reduced.archive.database, target=TARGET)
    with_trail = {dp_id for dp_id, true in reduced.exposures().items() if true["trail"] is not None}
    assert with_trail
    assert {dp_id for dp_id, held in found.items() if held.trails} == with_trail
    for dp_id, held in found.items():
        with Cube(reduced.path(f"{dp_id}_CUBE")) as cube:
            middle = cube.slab(80, 81)
            assert middle.mask is not None
            assert (middle.mask[0, 25:-25, 25:-25].mean() > 0.02) == bool(held.trails)


def test_the_mosaic_has_the_right_fluxes_and_stars_in_their_places(reduced: Reduced) -> None:
    image, good, wcs = in_band(reduced, MOSAIC)
    for name in reduced.truth["pointings"]:
        true = on_grid_of(reduced, name, wcs, image.shape)
        inside = good & np.isfinite(true) & seen_by_its_own(reduced, name, wcs, image.shape)
        assert inside.sum() > 5000
        assert image[inside].sum() / true[inside].sum() == pytest.approx(1.0, abs=0.005)
    shifts = [shift for star in reduced.truth["stars"] if (shift := centred(image, good, wcs, star)) is not None]
    assert len(shifts) >= 8
    assert np.abs(shifts).max() * 0.2 < 0.05


def test_the_sky_is_right_after_the_correction(reduced: Reduced) -> None:
    image, good, wcs = in_band(reduced, MOSAIC)
    residuals = []
    for name in reduced.truth["pointings"]:
        true = on_grid_of(reduced, name, wcs, image.shape)
        inside = good & np.isfinite(true) & seen_by_its_own(reduced, name, wcs, image.shape)
        residuals.append(float(np.median(image[inside] - true[inside])))
    sky = next(iter(reduced.exposures().values()))["sky_level"]
    assert max(map(abs, residuals)) < 0.01 * sky


def test_pointings_agree_where_they_overlap(reduced: Reduced) -> None:
    first, second = (
        next(dp_id for dp_id, one in reduced.exposures().items() if one["pointing"] == name and one["trail"] is None)
        for name in reduced.truth["pointings"]
    )
    difference = normalised_difference(reduced, f"{first}_CUBE", f"{second}_CUBE")
    assert difference.size > 20_000
    assert abs(np.median(difference)) < 0.3
    low, high = np.percentile(difference, [15.87, 84.13])
    assert 0.9 < (high - low) / 2 < 1.15


def test_everything_is_marked_as_simulated_and_leads_back_to_its_exposures(reduced: Reduced) -> None:
    for product in products.latest(reduced.archive, target=TARGET):
        assert product.simulated == 1, product.product_id
    assert fits.getheader(reduced.path(MOSAIC))["SIMULATE"] is True
    used = {one.name for step in provenance.history(reduced.archive, MOSAIC) for one in step.used}
    assert {f"{dp_id}_PIXTABLE_OBJECT" for dp_id in reduced.exposures()} <= used


def test_a_second_call_does_nothing(reduced: Reduced) -> None:
    assert make_plan(reduced.archive, [TARGET]).steps == ()


def test_what_is_written_keeps_the_standards(reduced: Reduced) -> None:
    for product in products.latest(reduced.archive, target=TARGET):
        file = own_file(product)
        assert file is not None
        if product.kind in {"cube", "image", "exposure_cube", "field_image", "alignment"}:
            path = reduced.folder / f"{product.kind}.fits"
            path.unlink(missing_ok=True)
            path.symlink_to(reduced.archive.store.get(file.sha256))
            said = subprocess.run(["fitsverify", "-q", path], capture_output=True, text=True, check=False)
            assert "verification OK" in said.stdout, (product.product_id, said.stdout)


@pytest.mark.parametrize("profile", [SDPS8, RELEASE_2021], ids=lambda profile: str(profile.name))
def test_a_submission_of_it_breaks_no_rule(reduced: Reduced, profile: Profile) -> None:
    done = export(reduced.archive, [TARGET], reduced.folder / profile.name, profile, is_partial=True)
    assert f"{TARGET}_PHANGS_DATACUBE_native.fits" in done.files
    fwhm = products.get(reduced.archive, COPT).spatial_resolution
    for name in ("DATACUBE", "IMAGE_white", "IMAGE_SDSS_r"):
        assert f"{TARGET}_PHANGS_{name}_copt_{fwhm:.2f}asec.fits" in done.files
    assert done.report.violations == ()


def in_band(reduced: Reduced, product_id: str) -> tuple[Image, NDArray[np.bool_], WCS]:
    """The cube's image in the reference's band, and where nearly all of its planes are good."""
    band = read_curve(reduced.archive.settings.data, "Cousins_R").band
    with Cube(reduced.path(product_id)) as cube:
        slabs = list(cube.slabs())
        data = np.concatenate([slab.data for slab in slabs]).astype(np.float64)
        weights = plane_weights(band, cube.wavelengths)[:, None, None]
        wcs, held = cube.celestial, np.isfinite(data)
        held &= np.concatenate([np.ones(s.data.shape, np.bool_) if s.mask is None else ~s.mask for s in slabs])
    planes = held.any(axis=(1, 2))
    weights, data, held = weights[planes], data[planes], held[planes]
    total = (held * weights).sum(axis=0)
    image = (np.where(held, data, 0.0) * weights).sum(axis=0) / np.maximum(total, 1e-12)
    return image, held.mean(axis=0) > 0.98, wcs


def on_grid_of(reduced: Reduced, pointing: str, wcs: WCS, shape: tuple[int, ...]) -> Image:
    """The truth of a pointing on the mosaic's pixels: the grids differ by whole pixels."""
    image = np.full(shape, np.nan)
    with fits.open(reduced.folder / "sim" / "truth" / "truth.fits") as hdus:
        true, grid = hdus[pointing].data.astype(np.float64), WCS(hdus[pointing].header)
    x0, y0 = (round(float(each)) for each in grid.world_to_pixel_values(*wcs.pixel_to_world_values(0, 0)))
    rows, columns = np.indices(shape)
    inside = (rows + y0 >= 0) & (rows + y0 < true.shape[0]) & (columns + x0 >= 0) & (columns + x0 < true.shape[1])
    image[inside] = true[rows[inside] + y0, columns[inside] + x0]
    return image


def seen_by_its_own(reduced: Reduced, pointing: str, wcs: WCS, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where the exposures of a pointing lie, and those of no other, whose seeing differs."""
    seen = {name: np.zeros(shape, np.bool_) for name in reduced.truth["pointings"]}
    for dp_id, one in reduced.exposures().items():
        with Cube(reduced.path(f"{dp_id}_CUBE")) as cube:
            x0, y0 = (round(float(e)) for e in wcs.world_to_pixel_values(*cube.celestial.pixel_to_world_values(0, 0)))
            good = np.isfinite(cube.slab(80, 81).data[0])
            seen[one["pointing"]][y0 : y0 + good.shape[0], x0 : x0 + good.shape[1]] |= good
    others = [mask for name, mask in seen.items() if name != pointing]
    alone: NDArray[np.bool_] = seen[pointing] & ~np.any(others, axis=0)
    return alone


def centred(image: Image, good: NDArray[np.bool_], wcs: WCS, star: dict[str, float]) -> tuple[float, float] | None:
    """How far a star's Gaussian lies from its place, pixels; None for one that is faint or at an edge."""
    x, y = (float(each) for each in wcs.world_to_pixel_values(star["ra"], star["dec"]))
    column, row = round(x), round(y)
    window = (slice(row - 5, row + 6), slice(column - 5, column + 6))
    ny, nx = image.shape
    if star["flux_in_band"] < 4000 or not (8 < column < nx - 8 and 8 < row < ny - 8) or not good[window].all():
        return None
    rows, columns = np.mgrid[window]

    def gaussian(_: Any, height: float, x0: float, y0: float, width: float, level: float) -> Image:
        inside = np.exp(-((columns - x0) ** 2 + (rows - y0) ** 2) / (2 * width**2))
        return np.ravel(height * inside + level)

    start = (image[row, column], x, y, 1.5, float(np.median(image[window])))
    fitted, _ = curve_fit(gaussian, None, image[window].ravel(), p0=start)
    return float(fitted[1] - x), float(fitted[2] - y)


def normalised_difference(reduced: Reduced, first: str, second: str) -> Image:
    """Differences of two cubes where both have values, in sigmas; every fifth plane."""
    with Cube(reduced.path(first)) as one, Cube(reduced.path(second)) as other:
        x0, y0 = (
            round(float(e)) for e in one.celestial.world_to_pixel_values(*other.celestial.pixel_to_world_values(0, 0))
        )
        found = []
        for number in range(5, one.shape[0] - 5, 5):
            mine, its = one.slab(number, number + 1), other.slab(number, number + 1)
            assert mine.variance is not None
            assert its.variance is not None
            a, b = overlap(mine.data[0], its.data[0], x0, y0)
            va, vb = overlap(mine.variance[0], its.variance[0], x0, y0)
            good = np.isfinite(a) & np.isfinite(b) & np.isfinite(va) & np.isfinite(vb)
            found.append(((a - b) / np.sqrt(va + vb))[good])
    return np.concatenate(found).astype(np.float64)


def overlap(a: Any, b: Any, x0: int, y0: int) -> tuple[Any, Any]:
    """The common part of two images, the second of which begins at a pixel of the first."""
    top, right = min(a.shape[0], y0 + b.shape[0]), min(a.shape[1], x0 + b.shape[1])
    bottom, left = max(0, y0), max(0, x0)
    return a[bottom:top, left:right], b[bottom - y0 : top - y0, left - x0 : right - x0]


def test_the_report_tells_of_a_mosaic_without_faults(reduced: Reduced) -> None:
    for step in make_plan(reduced.archive, [TARGET], tasks=(QUALITY,)).steps:
        measure_quality(reduced.archive, step.order.to_parameters(), "quality", lambda _fraction, _words: None)
    told = find_quality(reduced.archive.database, products.get(reduced.archive, MOSAIC))
    assert told is not None
    assert told.report is not None
    assert len(told.report.artifacts) == 7
    found = {row.figure: row.measured for row in told.figures if not row.part}
    assert 0.95 < found[Figure.NOISE_RATIO] < 1.05
    assert found[Figure.OVERLAP_BIAS] < 0.3
    for figure in (Figure.OVERLAP_SCATTER, Figure.REPEAT_SCATTER):
        assert 0.9 < found[figure] < 1.15
    assert abs(found[Figure.PHOTOMETRY]) < 0.01
    assert found[Figure.PHOTOMETRY_SCATTER] < 0.04
    for figure in (Figure.ASTROMETRY_RA, Figure.ASTROMETRY_DEC):
        assert abs(found[figure]) < 0.03
        assert found[f"{figure}_scatter"] < 0.03
