"""From an archive to a submission: a folder of files that ESO would take."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from click.testing import CliRunner

from archive import products
from archive.archive import Archive
from archive.errors import Refused, StoreError
from archive.products import NewFile, Publication
from archive.store import Stored
from archive.tasks import installed
from ingest.products import ingest_products
from processing.names import image_id
from processing.phase3 import fitsverify
from processing.phase3.checker import check
from processing.phase3.cli import phase3
from processing.phase3.export import export
from processing.phase3.profiles import RELEASE_2021, SDPS8, Profile
from processing.phase3.sources import exposures_of
from processing.submission import submit
from schema.exposures import Exposure
from schema.products import Product
from schema.provenance import Activity, Used
from tests.support import maps as maps_files
from tests.support.commands import Types, typing
from tests.support.cubes import write_cube
from tests.support.disks import small_disk

FIRST, SECOND = "MUSE.2017-09-04T06:00:00.000", "MUSE.2017-09-05T06:00:00.000"
CUBE = "NGC1365_PHANGS_DATACUBE_native.fits"
BANDS = ("white", "SDSS_g", "SDSS_r", "SDSS_i", "expmap")
IMAGES = [f"NGC1365_PHANGS_IMAGE_{band}_native.fits" for band in BANDS]
MAPS = "NGC1365_MAPS_native.fits"


@pytest.fixture
def cube(survey: Archive, tmp_path: Path) -> str:
    """A cube of two exposures, of each of which the archive knows how long it was."""
    second: dict[str, Any] = {
        "HIERARCH ESO PRO REC1 RAW2 NAME": f"{SECOND}.fits.fz",
        "HIERARCH ESO PRO REC1 RAW2 CATG": "OBJECT",
    }
    path = write_cube(tmp_path / CUBE, **second)
    with fits.open(path, mode="update") as hdus:
        hdus["STAT"].data[:] = 3.27
    (outcome,) = ingest_products(survey, [path], collection="PHANGS")
    with survey.database.transaction() as session:
        session.add(
            Exposure(dp_id=SECOND, exptime=500.0, run_id="1100.B-0651(B)", eso_ob_id=200000002, mjd_obs=58001.25)
        )
    assert outcome.key is not None
    return outcome.key


def publish_image(archive: Archive, cube: str, band: str) -> None:
    """An image in a band as a task makes it, in its own words; 3 in all pixels, or 550 s."""
    with fits.open(archive.store.get(products.get(archive, cube).artifacts[0].sha256)) as hdus:
        header = hdus["DATA"].header
        axes = fits.Header([card for card in header.cards if card.keyword[-1:] in "12" and "NAXIS" not in card.keyword])
        shape = hdus["DATA"].shape[1:]
    axes["RADESYS"] = "ICRS"
    value = 550.0 if band == "expmap" else 3.0
    images = [fits.ImageHDU(np.full(shape, value, np.float32), axes.copy(), name="DATA")]
    if band != "expmap":
        images[0].header["BUNIT"] = header["BUNIT"]
        images.append(fits.ImageHDU(np.full(shape, 0.04, np.float32), axes.copy(), name="STAT"))
        images.append(fits.ImageHDU(np.zeros(shape, np.uint8), axes.copy(), name="DQ"))
    publish(archive, image_id(products.get(archive, cube), band), "image", images, band=band)


def publish(archive: Archive, name: str, kind: str, images: list[fits.ImageHDU], *, band: str | None = None) -> None:
    made = fits.HDUList([fits.PrimaryHDU(), *images])
    stored = archive.store.write(made.writeto)
    product = Product(
        product_id=name, kind=kind, title=name, collection="PHANGS", target="NGC1365", calib_level=3, filter=band,
        resolution="native",
    )  # fmt: skip
    file = NewFile(stored, f"{name}.fits", f"{name}.fits", "application/fits")
    products.publish(archive, Publication(product, [file], Activity(activity_id=name, name="made", parameters={})))


@pytest.fixture
def whole(survey: Archive, cube: str) -> str:
    """The cube with everything that belongs to it."""
    for band in BANDS:
        publish_image(survey, cube, band)
    shape = (6, 5)
    maps = [fits.ImageHDU(image, maps_files.axes(shape), name=name) for name, image in maps_files.images(shape).items()]
    maps[0].header["PRODCATG"] = "ANCILLARY.IMAGE"
    publish(survey, "NGC1365_MAPS_native", "maps", maps)
    return cube


def sums(path: Path) -> list[str]:
    with fits.open(path) as hdus:
        return [hashlib.sha256(hdu.data.tobytes()).hexdigest() for hdu in hdus if hdu.data is not None]


@pytest.mark.usefixtures("whole")
def test_a_galaxy_becomes_a_submission_that_breaks_no_rule(survey: Archive, tmp_path: Path) -> None:
    made = export(survey, ["NGC1365"], tmp_path / "out", SDPS8)
    assert made.files == (CUBE, *IMAGES, MAPS)
    assert made.report.violations == ()
    assert made.lacking == ()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(made.files)
    assert check([tmp_path / "out" / name for name in made.files], SDPS8).violations == ()


@pytest.mark.usefixtures("whole")
def test_the_header_of_the_cube_tells_what_the_archive_knows(survey: Archive, tmp_path: Path) -> None:
    export(survey, ["NGC1365"], tmp_path / "out", SDPS8)
    header = fits.getheader(tmp_path / "out" / CUBE)
    assert [header[f"PROV{n}"] for n in (1, 2)] == [FIRST, SECOND]
    assert [header[f"ASSON{n}"] for n in range(1, 7)] == [*IMAGES, MAPS]
    assert "PROV3" not in header
    assert (header["PROG_ID"], header["PROGID1"], header["PROGID2"]) == ("MULTI", "1100.B-0651(A)", "1100.B-0651(B)")
    assert (header["OBID1"], header["OBID2"], header["NCOMBINE"]) == (200000001, 200000002, 2)
    assert (header["EXPTIME"], header["TEXPTIME"]) == (550.0, 1100.0)
    assert header["MJD-OBS"] == 58000.25
    assert header["MJD-END"] == pytest.approx(58001.25 + 500 / 86400, abs=1e-8)
    assert (header["WAVELMIN"], header["WAVELMAX"]) == (530.0, 727.5)
    assert header["PIXNOISE"] == pytest.approx(1.8055e-20)
    assert (header["RA"], header["DEC"]) == (pytest.approx(53.4015), pytest.approx(-36.1404))
    assert header["REFERENC"] == "2022A&A...659A.191E"
    assert header["ESO TPL START"] == "2017-09-04T05:59:30"
    assert "ARCFILE" not in header


@pytest.mark.usefixtures("whole")
def test_pixels_are_what_they_were_and_checksums_hold(survey: Archive, cube: str, tmp_path: Path) -> None:
    export(survey, ["NGC1365"], tmp_path / "out", SDPS8)
    file = products.get(survey, cube).artifacts[0]
    assert sums(tmp_path / "out" / CUBE) == sums(survey.store.get(file.sha256))
    for path in (tmp_path / "out").iterdir():
        with fits.open(path, checksum=True) as hdus:  # a wrong sum is a warning, and so an error
            hdus.verify("exception")


@pytest.mark.skipif(not fitsverify.is_installed(), reason="fitsverify is not installed")
@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("profile", [RELEASE_2021, SDPS8], ids=lambda profile: profile.name)
def test_fitsverify_has_nothing_to_say(survey: Archive, tmp_path: Path, profile: Profile) -> None:
    made = export(survey, ["NGC1365"], tmp_path / "out", profile)
    said = {name: fitsverify.verify(made.folder / name) for name in made.files}
    assert {name: one.messages for name, one in said.items() if not one.is_clean} == {}


@pytest.mark.usefixtures("whole")
def test_the_release_of_2021_has_no_exposure_map_and_calls_every_image_an_image(
    survey: Archive, tmp_path: Path
) -> None:
    made = export(survey, ["NGC1365"], tmp_path / "out", RELEASE_2021)
    assert made.files == (CUBE, *IMAGES[:4], MAPS)
    assert {fits.getval(made.folder / name, "PRODCATG") for name in made.files[1:]} == {"ANCILLARY.IMAGE"}
    assert fits.getval(made.folder / CUBE, "HDUVERS", 1) == "SDP version 6"
    assert fits.getval(made.folder / CUBE, "EXPTIME") == 550.0


def test_what_the_release_has_and_the_archive_does_not_is_named(survey: Archive, cube: str, tmp_path: Path) -> None:
    publish_image(survey, cube, "white")
    with pytest.raises(Refused, match=r"does not have NGC1365_PHANGS_IMAGE_SDSS_g_native\.fits, .*expmap_native\.fits"):
        export(survey, ["NGC1365"], tmp_path / "out", SDPS8)
    made = export(survey, ["NGC1365"], tmp_path / "out", SDPS8, is_partial=True)
    assert made.files == (CUBE, IMAGES[0])
    assert made.lacking == tuple(IMAGES[1:])
    assert [one.rule_id for one in made.report.violations] == ["expmap"]


@pytest.mark.usefixtures("cube")
def test_images_go_as_the_task_makes_them(survey: Archive, tmp_path: Path) -> None:
    for one in submit(survey):
        installed()[one.job.task](survey, one.job.parameters, one.job.job_id, lambda _fraction, _words: None)
    made = export(survey, ["NGC1365"], tmp_path / "out", SDPS8, is_partial=True)
    assert {IMAGES[0], IMAGES[2]} <= set(made.files)
    assert [one.rule_id for one in made.report.violations] == ["expmap"]
    white = made.folder / IMAGES[0]
    assert fits.getval(white, "PRODCATG") == "ANCILLARY.IMAGE.WHITELIGHT"
    assert fits.getval(white, "PROV1") == CUBE
    assert fits.getval(white, "BUNIT", "STAT").startswith("10**(-40)")


@pytest.mark.usefixtures("cube")
def test_no_cube_goes_without_its_white_image(survey: Archive, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="white image"):
        export(survey, ["NGC1365"], tmp_path / "out", SDPS8, is_partial=True)
    assert list(tmp_path.glob("*out*")) == []


@pytest.mark.parametrize(("target", "reason"), [("NGC1300", "no cube"), ("NGC9999", "no galaxy")])
def test_a_galaxy_without_a_cube_is_refused(survey: Archive, tmp_path: Path, target: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        export(survey, [target], tmp_path / "out", SDPS8)


@pytest.mark.usefixtures("whole")
def test_a_folder_that_is_there_is_left_alone(survey: Archive, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(Refused, match="is there already"):
        export(survey, ["NGC1365"], tmp_path / "out", SDPS8)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.usefixtures("whole")
def test_an_exposure_of_unknown_length_is_named(survey: Archive, tmp_path: Path) -> None:
    with survey.database.transaction() as session:
        session.get_one(Exposure, SECOND).exptime = None
    with pytest.raises(Refused, match=rf"how long {SECOND} was exposed"):
        export(survey, ["NGC1365"], tmp_path / "out", SDPS8)
    assert list(tmp_path.glob("*out*")) == []


def test_a_record_that_names_too_few_exposures_is_refused(survey: Archive, tmp_path: Path) -> None:
    (outcome,) = ingest_products(survey, [write_cube(tmp_path / CUBE)], collection="PHANGS")
    assert outcome.key is not None
    publish_image(survey, outcome.key, "white")
    with pytest.raises(Refused, match="1 of 2 exposures"):
        export(survey, ["NGC1365"], tmp_path / "out", SDPS8, is_partial=True)


def test_an_exposure_map_with_voids_stops_the_submission_and_leaves_nothing(
    survey: Archive, cube: str, tmp_path: Path
) -> None:
    for band in BANDS[:-1]:
        publish_image(survey, cube, band)
    image = fits.ImageHDU(np.full((6, 5), 550.0, np.float32), name="DATA")
    with fits.open(survey.store.get(products.get(survey, cube).artifacts[0].sha256)) as hdus:
        for keyword in ("CTYPE", "CUNIT", "CRVAL", "CRPIX"):
            for axis in (1, 2):
                image.header[f"{keyword}{axis}"] = hdus["DATA"].header[f"{keyword}{axis}"]
        for place in ("1_1", "1_2", "2_1", "2_2"):
            image.header[f"CD{place}"] = hdus["DATA"].header[f"CD{place}"]
    image.data[0, 0] = np.nan
    publish(survey, image_id(products.get(survey, cube), "expmap"), "image", [image], band="expmap")
    with pytest.raises(Refused, match="expmap-voids: DATA: 1 pixels"):
        export(survey, ["NGC1365"], tmp_path / "out", SDPS8)
    assert list(tmp_path.glob("*out*")) == []


@pytest.fixture
def types(survey: Archive, monkeypatch: pytest.MonkeyPatch) -> Iterator[Types]:
    with typing(survey, monkeypatch, phase3) as typed:
        yield typed


@pytest.mark.usefixtures("whole")
def test_an_operator_exports_and_checks(types: Types, tmp_path: Path) -> None:
    done = types("export", "NGC1365", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["errors"], told["lacking"], len(told["files"])) == (0, [], 7)
    done = types("check", *sorted((tmp_path / "out").iterdir()))
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1].endswith("0 errors, 0 warnings")


def test_a_check_that_finds_errors_fails_and_names_rule_and_file(tmp_path: Path) -> None:
    path = write_cube(tmp_path / "cube.fits")
    done = CliRunner().invoke(phase3, ["check", str(path), "--json", "--headers-only"])
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert {"file", "rule", "severity", "message", "asks", "source"} == set(told["violations"][0])
    assert "prodcatg" in {one["rule"] for one in told["violations"]}
    assert CliRunner().invoke(phase3, ["check", str(path), "--profile", "sdps99"]).exit_code == 1


def test_the_rules_can_be_read() -> None:
    told = json.loads(CliRunner().invoke(phase3, ["rules", "--json"]).stdout)
    assert len(told) > 100
    assert {"rule": "expmap-bunit", "files": "exposure map"}.items() <= next(
        one.items() for one in told if one["rule"] == "expmap-bunit"
    )
    of_2021 = CliRunner().invoke(phase3, ["rules", "--profile", "release-2021"]).stdout
    names = {line.split()[0] for line in of_2021.splitlines()}
    assert "hduvers" in names
    assert "white-light" not in names


@pytest.mark.usefixtures("whole")
def test_a_full_disk_is_told_and_nothing_is_left_on_it(survey: Archive, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        (disk / "filling").write_bytes(bytes(1_000_000))
        with pytest.raises(StoreError, match="No space left"):
            export(survey, ["NGC1365"], disk / "out", SDPS8)
        assert [path.name for path in disk.iterdir()] == ["filling"]


@pytest.mark.usefixtures("whole")
def test_an_exposure_of_unknown_run_is_named(survey: Archive, tmp_path: Path) -> None:
    with survey.database.transaction() as session:
        session.get_one(Exposure, SECOND).run_id = None
    with pytest.raises(Refused, match=rf"run and block {SECOND}"):
        export(survey, ["NGC1365"], tmp_path / "out", SDPS8)


@pytest.mark.usefixtures("whole")
def test_two_cubes_of_one_galaxy_are_one_too_many(survey: Archive, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    path = write_cube(tmp_path / "other" / CUBE, value=4.0)
    assert [one.became for one in ingest_products(survey, [path], collection="PHANGS")] == ["new"]
    with pytest.raises(Refused, match="there are 2 native cubes"):
        export(survey, ["NGC1365"], tmp_path / "out", SDPS8)


@pytest.mark.usefixtures("whole")
def test_the_homogenised_cube_goes_with_the_native_one_and_is_made_of_the_same_exposures(
    survey: Archive, cube: str, tmp_path: Path
) -> None:
    copt = homogenised(survey, cube)
    with pytest.raises(Refused, match=r"IMAGE_white_copt_1\.15asec\.fits"):
        export(survey, ["NGC1365"], tmp_path / "out", SDPS8)
    for band in BANDS:
        publish_image(survey, copt, band)
    made = export(survey, ["NGC1365"], tmp_path / "out", SDPS8)
    assert made.report.violations == ()
    assert len(made.files) == 7 + 6
    header = fits.getheader(made.folder / f"{copt}.fits")
    assert [header[f"PROV{n}"] for n in (1, 2)] == [FIRST, SECOND]
    assert header["SKY_RES"] == 1.15
    assert header["ASSON1"] == "NGC1365_PHANGS_IMAGE_white_copt_1.15asec.fits"


def homogenised(archive: Archive, cube: str) -> str:
    """A cube as a task makes it of the native one; its pixels are the same."""
    name = "NGC1365_PHANGS_DATACUBE_copt_1.15asec"
    native = products.get(archive, cube)
    (held,) = native.artifacts
    columns = {column.name for column in Product.__table__.columns} - {"footprint_spoly", "ingested"}
    values = {column: getattr(native, column) for column in columns}
    product = Product(**{**values, "product_id": name, "resolution": "copt"})
    activity = Activity(activity_id="copt", name="homogenise", parameters={})
    used = Used(activity_id="copt", entity=cube, product_id=cube, role="CUBE")
    file = NewFile(Stored(held.sha256, held.file_size), f"{name}.fits", f"{name}.fits", "application/fits")
    products.publish(archive, Publication(product, [file], activity, [used]))
    return name


def test_of_a_mosaic_the_exposures_count_that_went_in_and_not_those_that_were_left_out(survey: Archive) -> None:
    """All three of a block went through the step before it; the mosaic took two."""
    third = "MUSE.2017-09-04T06:12:00.000"
    frames = (FIRST, SECOND, third)
    steps = {
        "mosaic": ("NGC1365_PHANGS_DATACUBE_native", [f"{name}_CUBE" for name in frames[:2]]),
        **{f"cube{n}": (f"{one}_CUBE", [f"{o}_PIXTABLE_OBJECT-07" for o in frames]) for n, one in enumerate(frames)},
    }
    for activity_id, (name, inputs) in reversed(steps.items()):
        product = Product(product_id=name, kind="cube", title=name, collection="PHANGS", calib_level=2, simulated=0)
        activity = Activity(activity_id=activity_id, name="step", parameters={})
        used = [Used(activity_id=activity_id, entity=one, role="X") for one in inputs]
        products.publish(survey, Publication(product, [], activity, used))
    mosaic = products.get(survey, "NGC1365_PHANGS_DATACUBE_native")
    assert exposures_of(survey, mosaic) == [(FIRST, None), (SECOND, None)]
    single = products.get(survey, f"{third}_CUBE")
    assert [name for name, _ in exposures_of(survey, single)] == [FIRST, third, SECOND]


@pytest.mark.usefixtures("whole")
def test_the_moment_of_writing_is_in_the_header(survey: Archive, tmp_path: Path) -> None:
    export(survey, ["NGC1365"], tmp_path / "out", SDPS8)
    written = datetime.fromisoformat(fits.getval(tmp_path / "out" / CUBE, "DATE")).replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - written).total_seconds()) < 300
