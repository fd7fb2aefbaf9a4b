"""What is offered becomes rows and files once, or a reason; the rest always goes on."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from sqlalchemy import func, select

from archive import intake, observations, products, provenance
from archive.archive import Archive
from archive.errors import Refused
from archive.verify import Kind, faults
from ingest.products import Outcome, ingest_products
from ingest.releases import ingest_release
from schema.findings import Erratum, Finding
from schema.observations import Exposure, ObservingBlock, Pointing, Target
from schema.products import Artifact, Header, Product
from schema.provenance import Activity
from tests.support.archives import SURVEY
from tests.support.cubes import write_cube

PRINTED = Path("tests/golden/release-tables.txt")


def count(archive: Archive, table: type) -> int:
    with archive.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def take(archive: Archive, *paths: Path) -> list[Outcome]:
    return list(ingest_products(archive, paths, collection="MUSE"))


def test_the_survey_is_loaded_once_and_a_second_time_changes_nothing(archive: Archive) -> None:
    first = ingest_release(archive.database, SURVEY)
    assert (first.changed, first.counts()["pointings"]) == (True, 168)
    assert not ingest_release(archive.database, SURVEY).changed
    counts = observations.counts(archive.database)
    assert (counts.targets, counts.pointings, counts.ao_pointings) == (19, 168, 81)
    assert (counts.observing_blocks, counts.exposures_used, counts.programmes) == (190, 676, 8)


def test_the_text_of_the_description_gives_the_same_survey(archive: Archive) -> None:
    report = ingest_release(archive.database, PRINTED)
    assert report.counts()["exposures"] == 676
    assert observations.counts(archive.database).observing_blocks == 190
    assert not ingest_release(archive.database, PRINTED).changed


def test_the_text_after_the_folder_keeps_corrections_and_what_only_the_folder_knows(survey: Archive) -> None:
    ingest_release(survey.database, PRINTED)
    with survey.database.reading() as session:
        block = session.get_one(ObservingBlock, "TPL.2019-12-31T04:55:57")
        target = session.get_one(Target, "NGC0628")
        release = session.scalars(select(Erratum.release_id).distinct()).one()
    assert (block.pointing_id, block.printed_pointing_id) == ("NGC1385-P02", "NGC1385-P03")
    assert target.systemic_velocity == 650.75
    assert observations.releases(survey.database)[0].collection == "PHANGS"
    assert release == "phangs-muse"


def test_corrections_and_disagreements_can_be_asked_for(survey: Archive) -> None:
    with survey.database.reading() as session:
        moved = session.scalars(
            select(ObservingBlock).where(ObservingBlock.pointing_id != ObservingBlock.printed_pointing_id)
        )
        assert len(list(moved)) == count(survey, Erratum) == 3
        kinds = set(session.scalars(select(Finding.kind)))
        footprint = session.get_one(Pointing, "NGC0628-P01").footprint
    assert {"psf-mean", "same-position", "exposure-left-out"} <= kinds
    assert footprint is not None
    assert len(footprint) == 8


def test_a_finding_that_no_longer_holds_goes(survey: Archive, tmp_path: Path) -> None:
    before = count(survey, Finding)
    shutil.copytree(SURVEY, tmp_path / "mended")
    pointings = tmp_path / "mended" / "pointings.csv"
    pointings.write_text(
        pointings.read_text().replace("NGC1385,3,54.369803,-24.48441", "NGC1385,3,54.360994,-24.51653")
    )
    assert ingest_release(survey.database, tmp_path / "mended").changed
    assert count(survey, Finding) == before - 1


def test_a_contradictory_release_is_refused_and_nothing_is_written(archive: Archive, tmp_path: Path) -> None:
    shutil.copytree(SURVEY, tmp_path / "broken")
    blocks = tmp_path / "broken" / "observing_blocks.csv"
    blocks.write_text(blocks.read_text().replace("2018-07-11T06:07:18,IC5332 P02", "2018-07-11T06:07:18,IC5332 P99"))
    with pytest.raises(Refused, match="release:phangs-muse cannot be recorded"):
        ingest_release(archive.database, tmp_path / "broken")
    assert count(archive, Target) == 0


def test_a_cube_becomes_a_product_with_everything_its_headers_tell(survey: Archive, tmp_path: Path) -> None:
    (outcome,) = take(survey, write_cube(tmp_path / "cube.fits"))
    assert outcome.new
    product = products.get(survey, outcome.product_id or "")
    assert (product.target, product.programme_id, product.n_exposures) == ("NGC1365", "1100.B-0651", 2)
    (artifact,) = product.artifacts
    assert survey.store.is_whole(artifact.sha256)
    assert [h.extname for h in products.headers(survey, artifact.artifact_id)] == [None, "DATA", "STAT", "DQ"]
    assert "HIERARCH ESO TPL START = '2017-09-04T05:59:30'" in products.headers(survey, artifact.artifact_id)[0].cards
    steps = provenance.history(survey, product.product_id)
    assert [step.activity.name for step in steps] == ["muse_scipost", "muse_scibasic"]
    assert "MUSE.2017-09-04T06:00:00.000" in [u.entity for u in steps[1].used]
    with survey.database.reading() as session:
        assert session.get_one(Exposure, "MUSE.2017-09-04T06:00:00.000").ins_mode == "WFM-NOAO-N"


def test_the_same_cube_again_under_its_own_or_another_name_is_the_same_product(
    archive: Archive, tmp_path: Path
) -> None:
    path = write_cube(tmp_path / "cube.fits")
    (first,) = take(archive, path)
    copied = Path(shutil.copy(path, tmp_path / "copy.fits"))
    again, copy = take(archive, path, copied)
    assert (again.new, copy.new) == (False, False)
    assert again.product_id == copy.product_id == first.product_id
    assert (count(archive, Product), count(archive, Artifact), count(archive, Header)) == (1, 1, 4)


def test_bad_files_are_refused_with_a_reason_each_and_the_good_one_is_taken(archive: Archive, tmp_path: Path) -> None:
    whole = write_cube(tmp_path / "whole.fits").read_bytes()
    (tmp_path / "empty.fits").write_bytes(b"")
    (tmp_path / "truncated.fits").write_bytes(whole[:-3000])
    (tmp_path / "text.fits").write_text("this is no FITS file")
    (tmp_path / "packed.fits.gz").write_bytes(gzip.compress(whole))
    fits.writeto(tmp_path / "flat.fits", np.zeros((4, 4)))
    write_cube(tmp_path / "foreign.fits", INSTRUME="SINFONI")
    write_cube(tmp_path / "nowhere.fits", value=1.0).write_bytes(
        whole.replace(b"CTYPE1  = 'RA---TAN'", b"CTYPE1  = 'PIXEL   '")
    )
    outcomes = {o.path.name: o for o in take(archive, tmp_path, tmp_path / "absent.fits")}
    reasons = {name: o.reason for name, o in outcomes.items() if o.product_id is None}
    assert outcomes["whole.fits"].new
    assert set(reasons) == set(outcomes) - {"whole.fits"}
    for name, words in {
        "empty.fits": "empty",
        "truncated.fits": "truncated",
        "text.fits": "not a FITS file",
        "packed.fits.gz": "",
        "flat.fits": "three axes",
        "foreign.fits": "SINFONI",
        "nowhere.fits": "celestial",
        "absent.fits": "No such file",
    }.items():
        assert words in (reasons[name] or ""), (name, reasons[name])
    assert {Path(r.path).name for r in intake.refused(archive.database)} == set(reasons)
    assert count(archive, Product) == 1


def test_a_refused_file_that_was_mended_is_taken(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "cube.fits"
    path.write_bytes(write_cube(tmp_path / "whole.fits").read_bytes()[:-3000])
    assert take(archive, path)[0].reason
    shutil.copy(tmp_path / "whole.fits", path)
    assert take(archive, path)[0].new
    assert intake.refused(archive.database) == []


def test_a_product_with_an_impossible_footprint_is_refused_whole(archive: Archive) -> None:
    stored = archive.store.write(lambda target: target.write(b"whatever"))
    product = Product(
        product_id="p",
        kind="cube",
        title="its outline crosses itself",
        collection="MUSE",
        calib_level=2,
        simulated=1,
        footprint=[0.0, 0.0, 10.0, 10.0, 10.0, 0.0, 0.0, 10.0],
    )
    file = products.NewFile(stored=stored, artifact_id="p.fits", file_name="p.fits", media_type="application/fits")
    activity = Activity(activity_id="a", name="test", parameters={})
    with pytest.raises(Refused, match="p: .*overlap"):
        products.publish(archive, products.Publication(product=product, files=[file], activity=activity))
    assert count(archive, Product) == count(archive, Artifact) == count(archive, Activity) == 0


def test_verify_tells_missing_damaged_and_unknown_files(archive: Archive, tmp_path: Path) -> None:
    one, other = take(archive, write_cube(tmp_path / "one.fits"), write_cube(tmp_path / "other.fits", value=4.0))
    assert list(faults(archive)) == []
    missing, damaged = (products.get(archive, o.product_id or "").artifacts[0].sha256 for o in (one, other))
    archive.store.path(missing).unlink()
    path = archive.store.path(damaged)
    path.chmod(0o644)
    path.write_bytes(b"x")
    unknown = archive.store.write(lambda target: target.write(b"nobody's"))
    assert {(f.kind, f.sha256) for f in faults(archive)} == {
        (Kind.MISSING, missing),
        (Kind.DAMAGED, damaged),
        (Kind.UNKNOWN, unknown.sha256),
    }
