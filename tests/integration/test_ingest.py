"""What is offered becomes rows and files once, or a reason; the rest always goes on."""

import gzip
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from click.testing import CliRunner
from sqlalchemy import exc, func, select

from archive import intake, observations, products, provenance
from archive.archive import Archive
from archive.cli import verify
from archive.errors import Refused
from archive.store import Store, Stored
from archive.tasks import installed
from archive.verify import Kind, faults
from ingest.cli import ingest as commands
from ingest.outcome import Became, Outcome
from ingest.products import ingest_products
from ingest.releases import ingest_release
from processing.submission import submit
from schema.exposures import Exposure
from schema.findings import Erratum, Finding
from schema.observations import ObservingBlock, Pointing, Target
from schema.products import Artifact, Header, NamingRule, Product, Release
from schema.provenance import Activity
from tests.support.archives import SURVEY, database_name
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


@pytest.mark.parametrize(
    ("before", "encoding"), [("", "utf-8-sig"), ("Draft of the tables, not to be passed on\n", "utf-8")]
)
def test_a_text_speaks_of_the_release_that_has_its_galaxies_whatever_its_first_line(
    survey: Archive, tmp_path: Path, before: str, encoding: str
) -> None:
    text = tmp_path / "release.txt"
    text.write_text(before + PRINTED.read_text(), encoding=encoding)
    report = ingest_release(survey.database, text)
    assert len(report.tables.corrections) == 3
    assert [release.release_id for release in observations.releases(survey.database)] == ["phangs-muse"]
    with survey.database.reading() as session:
        assert session.get_one(ObservingBlock, "TPL.2019-12-31T04:55:57").pointing_id == "NGC1385-P02"


def test_a_text_with_galaxies_of_two_releases_must_be_told_which_it_is(survey: Archive) -> None:
    with survey.database.transaction() as session:
        session.add(Release(release_id="other", title="t", collection="c", source_sha256=""))
        session.flush()
        session.get_one(Target, "NGC0628").release_id = "other"
    with pytest.raises(Refused, match="belong to the releases other, phangs-muse: say which with --release"):
        ingest_release(survey.database, PRINTED)
    with pytest.raises(Refused, match="not to unheard-of"):
        ingest_release(survey.database, PRINTED, release_id="unheard-of")
    ingest_release(survey.database, PRINTED, release_id="phangs-muse")
    with survey.database.reading() as session:
        assert session.get_one(Target, "NGC0628").release_id == "phangs-muse"


def test_a_first_text_is_the_release_that_it_is_said_to_be_and_a_folder_says_it_itself(archive: Archive) -> None:
    with pytest.raises(Refused, match="is the release phangs-muse, not mine"):
        ingest_release(archive.database, SURVEY, release_id="mine")
    ingest_release(archive.database, PRINTED, release_id="mine")
    assert [release.release_id for release in observations.releases(archive.database)] == ["mine"]


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """The survey's folder, with one piece of one file replaced by another."""
    folder = Path(shutil.copytree(SURVEY, tmp_path / "changed"))

    def change(name: str, old: str, new: str) -> Path:
        content = (folder / name).read_text()
        assert old in content
        (folder / name).write_text(content.replace(old, new))
        return folder

    return change


def test_what_a_folder_no_longer_has_goes(survey: Archive, changed: Callable[[str, str, str], Path]) -> None:
    changed("pointings.csv", "IC5332,2,353.603097,-36.10029,0.80,noAO\n", "")
    changed("observing_blocks.csv", "2018-07-11T06:07:18,IC5332 P02,1-2-3-4\n", "")
    changed("observing_blocks.csv", "2018-06-14T08:00:41,", "2018-06-14T08:00:42,")
    errata = (SURVEY / "errata.csv").read_text().splitlines(keepends=True)
    folder = changed("errata.csv", errata[-1], "")
    assert ingest_release(survey.database, folder).changed
    with survey.database.reading() as session:
        assert session.get(Pointing, "IC5332-P02") is None
        blocks = {b.observing_block_id for b in session.scalars(select(ObservingBlock))}
    assert (count(survey, Pointing), len(blocks), count(survey, Erratum)) == (167, 189, 2)
    assert "TPL.2018-06-14T08:00:42" in blocks
    assert "TPL.2018-06-14T08:00:41" not in blocks
    assert not ingest_release(survey.database, folder).changed


def test_a_galaxy_and_a_rule_that_a_folder_no_longer_has_go_but_a_text_takes_nothing_away(
    survey: Archive, changed: Callable[[str, str, str], Path], tmp_path: Path
) -> None:
    for name in ("targets.csv", "pointings.csv", "observing_blocks.csv"):
        lines = (SURVEY / name).read_text().splitlines(keepends=True)
        for line in (line for line in lines if "IC5332" in line):
            changed(name, line, "")
    rule = "[[naming]]\n" + (SURVEY / "survey.toml").read_text().split("[[naming]]\n")[-1]
    folder = changed("survey.toml", rule, "")
    text = tmp_path / "release.txt"
    text.write_text("".join(s for s in PRINTED.read_text().splitlines(keepends=True) if "IC5332" not in s))
    ingest_release(survey.database, text)
    assert count(survey, Target) == 19
    ingest_release(survey.database, folder)
    assert (count(survey, Target), count(survey, NamingRule)) == (18, 5)


def test_a_galaxy_with_products_does_not_go(
    survey: Archive, changed: Callable[[str, str, str], Path], tmp_path: Path
) -> None:
    take(survey, write_cube(tmp_path / "cube.fits"))
    for name in ("targets.csv", "pointings.csv", "observing_blocks.csv"):
        lines = (SURVEY / name).read_text().splitlines(keepends=True)
        for line in (line for line in lines if "NGC1365" in line):
            folder = changed(name, line, "")
    with pytest.raises(Refused, match="no longer has target NGC1365, but rows of product refer to it"):
        ingest_release(survey.database, folder)
    assert (count(survey, Target), count(survey, Pointing)) == (19, 168)


def test_a_row_that_would_overwrite_another_is_refused_by_its_key(
    archive: Archive, changed: Callable[[str, str, str], Path]
) -> None:
    folder = changed("observing_blocks.csv", "2018-07-11T06:07:18,", "2018-06-14T08:00:41,")
    with pytest.raises(Refused, match="more than once: start 2018-06-14T08:00:41"):
        ingest_release(archive.database, folder)
    assert count(archive, Target) == 0


def test_a_cube_becomes_a_product_with_everything_its_headers_tell(survey: Archive, tmp_path: Path) -> None:
    (outcome,) = take(survey, write_cube(tmp_path / "cube.fits"))
    assert outcome.became is Became.NEW
    product = products.get(survey, outcome.key or "")
    assert (product.target, product.programme_id, product.n_exposures) == ("NGC1365", "1100.B-0651", 2)
    (artifact,) = product.artifacts
    assert survey.store.is_whole(artifact.sha256)
    assert [h.extname for h in products.headers(survey, artifact.artifact_id)] == [None, "DATA", "STAT", "DQ"]
    assert "HIERARCH ESO TPL START = '2017-09-04T05:59:30'" in products.headers(survey, artifact.artifact_id)[0].cards
    steps = provenance.history(survey, product.product_id)
    assert [step.activity.name for step in steps] == ["muse_scipost", "muse_scibasic"]
    assert "MUSE.2017-09-04T06:00:00.000" in [u.name for u in steps[1].used]
    with survey.database.reading() as session:
        assert session.get_one(Exposure, "MUSE.2017-09-04T06:00:00.000").ins_mode == "WFM-NOAO-N"


def test_the_same_cube_again_under_its_own_or_another_name_is_the_same_product(
    archive: Archive, tmp_path: Path
) -> None:
    path = write_cube(tmp_path / "cube.fits")
    (first,) = take(archive, path)
    copied = Path(shutil.copy(path, tmp_path / "copy.fits"))
    again, copy = take(archive, path, copied)
    assert (again.became, copy.became) == (Became.KNOWN, Became.KNOWN)
    assert again.key == copy.key == first.key
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
    reasons = {name: o.reason for name, o in outcomes.items() if o.key is None}
    assert outcomes["whole.fits"].became is Became.NEW
    assert set(reasons) == set(outcomes) - {"whole.fits"}
    for name, words in {
        "empty.fits": "empty",
        "truncated.fits": "truncated",
        "text.fits": "not a FITS file",
        "packed.fits.gz": "gzip",
        "flat.fits": "three axes",
        "foreign.fits": "SINFONI",
        "nowhere.fits": "celestial",
        "absent.fits": "No such file",
    }.items():
        assert words in (reasons[name] or ""), (name, reasons[name])
    assert {Path(r.path).name for r in intake.refused(archive.database)} == set(reasons) - {"absent.fits"}
    assert count(archive, Product) == 1


def with_cards(path: Path, *changes: tuple[str, str | bytes]) -> Path:
    """A cube whose cards of these keywords are other bytes."""
    content = write_cube(path).read_bytes()
    for keyword, card in changes:
        start = content.index(f"{keyword:<8}".encode() + (b" =" if " " in keyword else b"="))
        raw = card.encode() if isinstance(card, str) else card
        content = content[:start] + raw.ljust(80) + content[start + 80 :]
    path.write_bytes(content)
    return path


def test_cards_that_cannot_be_read_are_left_out_and_told_and_kept_as_they_stand(
    archive: Archive, tmp_path: Path
) -> None:
    changes = ("ORIGIN", "ORIGIN  = 12 34"), ("OBJECT", "OBJECT  = 'NGC"), ("TELESCOP", b"TELESCOP= 'a\x00b\xff'")
    (outcome,) = take(archive, with_cards(tmp_path / "odd.fits", *changes))
    assert outcome.became is Became.NEW, outcome.reason
    product = products.get(archive, outcome.key or "")
    assert (product.facility, product.target_name) == (None, "NGC 1365")
    with archive.database.reading() as session:
        message = session.scalars(select(Finding.message).where(Finding.kind == "card")).one()
    assert "ORIGIN, TELESCOP, OBJECT" in message
    cards = products.headers(archive, product.artifacts[0].artifact_id)[0].cards.splitlines()
    assert {"ORIGIN  = 12 34", "OBJECT  = 'NGC", "TELESCOP= 'a\\x00b\\xff'"} <= set(cards)


def test_numbers_that_are_none_are_no_facts(archive: Archive, tmp_path: Path) -> None:
    block = "HIERARCH ESO OBS ID"
    endless = with_cards(tmp_path / "endless.fits", (block, f"{block} = 1E999"), ("EXPTIME", "EXPTIME = 1E400"))
    unsaid = with_cards(tmp_path / "unsaid.fits", ("HIERARCH ESO PRO DATANCOM", "HIERARCH ESO PRO DATANCOM = 'NaN'"))
    for outcome in take(archive, endless, unsaid):
        assert outcome.became is Became.NEW, outcome.reason
    of_endless, of_unsaid = (products.latest(archive)[n] for n in (1, 0))
    assert (of_endless.eso_ob_id, of_endless.exptime) == (None, None)
    assert of_unsaid.n_exposures is None


def test_a_keyword_without_value_is_as_good_as_absent(archive: Archive, tmp_path: Path) -> None:
    target = "HIERARCH ESO OBS TARG NAME"
    (outcome,) = take(archive, with_cards(tmp_path / "c.fits", (target, f"{target} ="), ("OBJECT", "OBJECT  =")))
    product = products.get(archive, outcome.key or "")
    assert (product.target_name, product.title) == (None, "unnamed target, MUSE cube (WFM-NOAO-N)")


def test_a_name_that_is_no_text_is_taken_with_its_bytes_shown(archive: Archive, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.fits"))
    (outcome,) = take(archive, write_cube(tmp_path / "cube.fits").rename(path))
    assert outcome.became is Became.NEW, outcome.reason
    assert products.get(archive, outcome.key or "").artifacts[0].file_name == "caf\\xe9.fits"
    assert take(archive, path) == [replace(outcome, became=Became.KNOWN)]


def test_an_odd_name_and_odd_cards_do_not_keep_a_cube_from_its_images(archive: Archive, tmp_path: Path) -> None:
    odd = with_cards(
        tmp_path / "w\N{LATIN SMALL LETTER U WITH DIAERESIS}rfel\n.fits", ("ORIGIN", b"ORIGIN  = 'a\x00b'")
    )
    (outcome,) = take(archive, odd)
    (one,) = submit(archive)
    installed()[one.job.task](archive, one.job.parameters, one.job.job_id, lambda _fraction, _words: None)
    white = products.get(archive, f"{outcome.key}_IMAGE_white")
    (cards,) = (h.cards for h in products.headers(archive, f"{white.product_id}.fits") if h.extension == 0)
    assert "PROV1   = 'w\\xfcrfel\\n.fits'" in cards
    assert "ORIGIN" not in cards


def test_a_fault_of_ours_does_not_stop_the_rest(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(store: Store, source: Path) -> Stored:
        if source.name == "a.fits":
            raise ZeroDivisionError("what nobody thought of")
        return Store(store.folder).write(lambda target: target.write(source.read_bytes()))

    monkeypatch.setattr(Store, "put", put)
    one, other = take(archive, write_cube(tmp_path / "a.fits"), write_cube(tmp_path / "b.fits", value=4.0))
    assert one.reason == "a fault of ours: ZeroDivisionError: what nobody thought of"
    assert other.became is Became.NEW
    assert [r.reason for r in intake.refused(archive.database)] == [one.reason]


class Meddled(Store):
    """A store beside which somebody else changes the file: before it is copied, or when the copy is looked at."""

    before: Callable[[], object] = staticmethod(lambda: None)
    after: Callable[[], object] = staticmethod(lambda: None)

    def put(self, source: Path) -> Stored:
        type(self).before()
        return super().put(source)

    def get(self, sha256: str, location: str | None = None) -> Path:
        type(self).after()
        return super().get(sha256, location)


def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_run(archive: Archive, tmp_path: Path) -> None:
    path = write_cube(tmp_path / "cube.fits")
    other = write_cube(tmp_path / "other.fits", OBJECT="NGC 1366")
    meddled = type("Before", (Meddled,), {"before": staticmethod(lambda: shutil.copy(other, path))})
    (outcome,) = take(replace(archive, store=meddled(archive.store.folder)), path)
    assert (outcome.became, outcome.reason) == (Became.POSTPONED, "changed while it was read")
    assert intake.refused(archive.database) == []
    assert count(archive, Product) == 0


def test_a_database_that_goes_away_is_no_fault_of_the_file(archive: Archive, server: str, tmp_path: Path) -> None:
    path = write_cube(tmp_path / "cube.fits")
    name = database_name(archive.database.url)

    def let_in(allowed: str) -> None:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {allowed}')
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))

    meddled = type("Before", (Meddled,), {"before": staticmethod(lambda: let_in("false"))})
    with pytest.raises(exc.OperationalError):
        take(replace(archive, store=meddled(archive.store.folder)), path)
    let_in("true")
    assert intake.refused(archive.database) == []
    assert take(archive, path)[0].became is Became.NEW


def test_what_is_published_is_what_the_stored_file_says(archive: Archive, tmp_path: Path) -> None:
    path = write_cube(tmp_path / "cube.fits")
    status = path.stat()

    def meddle() -> None:
        with_cards(path.with_name("other.fits"), ("EXPTIME", "EXPTIME = 700.0")).replace(path)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    meddled = type("Before", (Meddled,), {"before": staticmethod(meddle)})
    (outcome,) = take(replace(archive, store=meddled(archive.store.folder)), path)
    assert products.get(archive, outcome.key or "").exptime == 1400.0


def test_a_change_right_after_the_copy_is_noticed_the_next_time(archive: Archive, tmp_path: Path) -> None:
    path = write_cube(tmp_path / "cube.fits")
    other = write_cube(tmp_path / "other.fits", value=4.0)
    meddled = type("After", (Meddled,), {"after": staticmethod(lambda: shutil.copy(other, path))})
    (first,) = take(replace(archive, store=meddled(archive.store.folder)), path)
    (second,) = take(archive, path)
    assert first.became is Became.NEW
    assert second.became is Became.NEW
    assert second.key != first.key


def test_cubes_of_one_programme_taken_at_once_are_all_taken(archive: Archive, tmp_path: Path) -> None:
    paths = [write_cube(tmp_path / f"cube{n}.fits", value=float(n)) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = [outcome for (outcome,) in pool.map(lambda path: take(archive, path), paths)]
    assert [outcome.reason for outcome in outcomes] == [None] * 8
    assert count(archive, Product) == 8


def test_the_same_content_under_many_names_at_once_is_one_product(archive: Archive, tmp_path: Path) -> None:
    path = write_cube(tmp_path / "cube.fits")
    paths = [Path(shutil.copy(path, tmp_path / f"copy{n}.fits")) for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        outcomes = [outcome for (outcome,) in pool.map(lambda path: take(archive, path), paths)]
    assert len({outcome.key for outcome in outcomes}) == count(archive, Product) == 1
    assert sum(outcome.became is Became.NEW for outcome in outcomes) == 1


def test_a_release_recorded_by_many_at_once_is_recorded_once(archive: Archive) -> None:
    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(lambda _: ingest_release(archive.database, SURVEY), range(3)))
    assert sum(report.changed for report in reports) == 1


def test_endings_in_capitals_count_and_a_folder_that_cannot_be_read_is_told(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cube(tmp_path / "CUBE.FITS")
    closed = tmp_path / "closed"
    closed.mkdir()
    scandir = os.scandir

    def forbidding(path: str) -> object:  # root reads every folder, and tests may run as root
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidding)
    taken, refused = take(archive, tmp_path)
    assert (taken.key or "").startswith("CUBE-")
    assert (refused.path, refused.reason) == (closed, "the folder cannot be read")
    assert intake.refused(archive.database) == []


def test_a_refused_file_that_was_mended_is_taken(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "cube.fits"
    path.write_bytes(write_cube(tmp_path / "whole.fits").read_bytes()[:-3000])
    assert take(archive, path)[0].reason
    shutil.copy(tmp_path / "whole.fits", path)
    assert take(archive, path)[0].became is Became.NEW
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
    missing, damaged = (products.get(archive, o.key or "").artifacts[0].sha256 for o in (one, other))
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


def test_a_vanished_file_is_marked_lost_and_no_longer_when_it_is_back(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (outcome,) = take(archive, write_cube(tmp_path / "cube.fits"))

    def artifact() -> Artifact:
        return products.get(archive, outcome.key or "").artifacts[0]

    path = archive.store.path(artifact().sha256)
    path.rename(tmp_path / "away")
    (missing,) = faults(archive)
    (still,) = faults(archive)
    assert (missing.kind, missing.lost) == (Kind.MISSING, artifact().lost)
    assert still == missing  # since when it is lost stays
    monkeypatch.setenv("MUSEVAULT_ROOT", str(tmp_path))
    monkeypatch.setenv("MUSEVAULT_DATABASE_URL", archive.database.url)
    said = CliRunner().invoke(verify)
    assert (said.exit_code, f"lost since {artifact().lost:%Y-%m-%dT%H:%M}" in said.stdout) == (1, True)
    (tmp_path / "away").rename(path)
    (found,) = faults(archive)
    assert (found.kind, found.kind.is_bad, artifact().lost) == (Kind.FOUND, False, None)
    assert list(faults(archive)) == []


def test_an_empty_folder_has_nothing_to_take_in(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSEVAULT_ROOT", str(tmp_path))
    monkeypatch.setenv("MUSEVAULT_DATABASE_URL", archive.database.url)
    empty = tmp_path / "empty"
    empty.mkdir()
    result = CliRunner().invoke(commands, ["products", str(empty)])
    assert (result.exit_code, result.output) == (0, "nothing to take in\n")
