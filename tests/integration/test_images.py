"""From a cube to its images, through the queue, with provenance."""

import io
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from archive import jobs, products, provenance
from archive.archive import Archive
from archive.errors import Refused
from archive.tasks import installed
from archive.worker import drain
from ingest.products import ingest_products
from processing.order import Order
from processing.submission import submit
from processing.tasks import BAND_IMAGES, band_images
from schema.jobs import Phase
from schema.products import Role
from tests.support.cubes import write_cube


@pytest.fixture
def cube(archive: Archive, tmp_path: Path) -> str:
    (outcome,) = ingest_products(archive, [write_cube(tmp_path / "cube.fits", value=3.0)], collection="MUSE")
    assert outcome.key is not None
    return outcome.key


def process(archive: Archive) -> list[str]:
    submitted = submit(archive)
    drain(archive, installed)
    for one in submitted:
        done = jobs.find(archive.database, one.job.job_id)
        assert done is not None
        assert done.phase == Phase.COMPLETED, done.error
    return [one.job.job_id for one in submitted]


def file_of(archive: Archive, product_id: str, role: Role) -> bytes:
    (artifact,) = [a for a in products.get(archive, product_id).artifacts if a.role == role]
    return archive.store.get(artifact.sha256).read_bytes()


@pytest.mark.usefixtures("cube")
def test_a_cube_gets_its_images_and_a_second_call_does_nothing(archive: Archive) -> None:
    assert len(process(archive)) == 1
    made = [p.filter for p in products.latest(archive, kind="image")]
    assert sorted(map(str, made)) == ["SDSS_g", "SDSS_i", "SDSS_r", "white"]
    assert process(archive) == []


def test_an_image_is_the_mean_of_the_planes_with_its_variance(archive: Archive, cube: str) -> None:
    process(archive)
    with fits.open(io.BytesIO(file_of(archive, f"{cube}_IMAGE_white", Role.THIS)), checksum=True) as hdus:
        assert [h.name for h in hdus] == ["PRIMARY", "DATA", "STAT", "DQ"]
        np.testing.assert_allclose(hdus["DATA"].data, 3.0, rtol=1e-6)
        np.testing.assert_allclose(hdus["STAT"].data, 0.25 / 80, rtol=1e-6)
        assert not hdus["DQ"].data.any()
        assert hdus["DATA"].header["CD1_1"] == pytest.approx(-0.2 / 3600)
        assert hdus[0].header["PRODCATG"] == "ANCILLARY.IMAGE.WHITELIGHT"
        assert hdus[0].header["PROV1"] == "cube.fits"
        assert hdus[0].header["ESO TPL START"] == "2017-09-04T05:59:30"


def test_an_image_inherits_where_and_when_from_its_cube(archive: Archive, cube: str) -> None:
    process(archive)
    source, image = products.get(archive, cube), products.get(archive, f"{cube}_IMAGE_SDSS_r")
    for name in ("ra", "dec", "footprint", "mjd_start", "exptime", "programme_id", "collection", "n_x"):
        assert getattr(image, name) == getattr(source, name), name
    assert (image.kind, image.n_wavelength, image.filter) == ("image", 1, "SDSS_r")


def test_the_pictures_are_pictures_and_the_cube_has_one_too(archive: Archive, cube: str) -> None:
    process(archive)
    for product_id in (cube, f"{cube}_IMAGE_white"):
        with Image.open(io.BytesIO(file_of(archive, product_id, Role.PREVIEW))) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) >= 300


def test_the_history_of_an_image_leads_back_to_the_raw_frame(archive: Archive, cube: str) -> None:
    (job_id,) = process(archive)
    steps = provenance.history(archive, f"{cube}_IMAGE_SDSS_r")
    assert [s.activity.name for s in steps] == ["band_images", "muse_scipost", "muse_scibasic"]
    made = steps[0].activity
    assert (made.job_id, made.parameters["filter"]) == (job_id, "SDSS_r")
    assert made.software is not None
    assert made.software.startswith("musevault/")
    assert {u.role for u in steps[0].used} == {"CUBE", "FILTER_LIST"}
    assert provenance.made_of(archive, cube) == [
        f"{cube}_IMAGE_{band}" for band in ("SDSS_g", "SDSS_i", "SDSS_r", "white")
    ]


def test_a_half_done_job_makes_only_what_is_missing(archive: Archive, cube: str) -> None:
    order = Order("band_images", BAND_IMAGES, (cube,), {f"{cube}_IMAGE_white": {"filter": "white"}})
    band_images(archive, order.to_parameters(), "first", lambda _fraction, _words: None)
    before = products.get(archive, f"{cube}_IMAGE_white").ingested
    assert len(process(archive)) == 1
    assert products.get(archive, f"{cube}_IMAGE_white").ingested == before
    assert products.find(archive, f"{cube}_IMAGE_SDSS_r") is not None


def test_a_band_that_the_cube_does_not_reach_is_not_made(archive: Archive, tmp_path: Path) -> None:
    path = write_cube(tmp_path / "red.fits")
    with fits.open(path, mode="update") as hdus:
        for hdu in hdus[1:3]:
            hdu.header["CRVAL3"] = 7300.0
    list(ingest_products(archive, [path], collection="MUSE"))
    process(archive)
    assert [p.filter for p in products.latest(archive, kind="image")] == ["SDSS_i", "white"]


def test_without_filter_curves_the_job_says_what_is_missing(archive: Archive, cube: str, tmp_path: Path) -> None:
    poor = Archive(archive.settings.model_copy(update={"data": tmp_path}), archive.database, archive.store)
    (one,) = submit(poor, [cube])
    drain(poor, installed)
    done = jobs.find(archive.database, one.job.job_id)
    assert done is not None
    assert done.phase == Phase.ERROR
    assert "MUSEVAULT_DATA" in (done.error or "")
    assert products.latest(archive, kind="image") == []


def test_a_job_that_was_begun_before_goes_on_where_it_died(archive: Archive, cube: str) -> None:
    (one,) = submit(archive)
    made = one.job.parameters["outputs"]
    first = {**one.job.parameters, "outputs": {f"{cube}_IMAGE_white": made[f"{cube}_IMAGE_white"]}}
    band_images(archive, first, one.job.job_id, lambda _fraction, _words: None)
    before = products.get(archive, f"{cube}_IMAGE_white").ingested
    drain(archive, installed)
    assert products.get(archive, f"{cube}_IMAGE_white").ingested == before
    assert products.find(archive, f"{cube}_IMAGE_SDSS_r") is not None


def test_a_worker_that_is_older_than_what_is_asked_of_it_says_so(archive: Archive, cube: str) -> None:
    order = Order("band_images", BAND_IMAGES + 1, (cube,), {f"{cube}_IMAGE_white": {"filter": "white"}})
    with pytest.raises(Refused, match="update it"):
        band_images(archive, order.to_parameters(), "job", lambda _fraction, _words: None)
    assert products.latest(archive, kind="image") == []
