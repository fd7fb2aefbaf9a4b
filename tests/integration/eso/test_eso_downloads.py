"""Files of the other archive come here whole, or not at all; nothing that is here already is fetched again."""

import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from archive import eso_listing, products
from archive.archive import Archive
from archive.errors import ArchiveError, Refused, StoreError
from archive.runs import alone
from ingest import eso_client, eso_files
from ingest.cli import ingest
from ingest.download import Downloader
from ingest.eso import synchronise
from ingest.exposures import ingest_exposures
from ingest.outcome import Became, Outcome
from ingest.polite import Politeness
from ingest.products import ingest_products
from schema.calibrations import AssociationMember
from schema.eso_listing import EsoProduct
from schema.exposures import Exposure
from schema.findings import Finding
from schema.intake import Intake, Run
from tests.support.cubes import write_cube
from tests.support.network import Eso
from tests.support.raw_frames import frame, write_raw

PROGRAMME = "1100.B-0651"
FRAME = "MUSE.2018-06-05T01:06:58.638"
QUICK = Politeness(tries=3, wait=0, jitter=0, longest=1, connect=5, read=20)
TOKEN = "made-up.token-that-nobody.may-see"


@pytest.fixture
def raw(eso: Eso, tmp_path: Path) -> bytes:
    """The bytes of a frame that the other archive holds."""
    path = write_raw(tmp_path)
    (outcome,) = ingest_exposures(eso.archive, [path])
    assert outcome.became is Became.NEW
    return path.read_bytes()


@pytest.fixture
def files(here: Archive) -> Iterator[Downloader]:
    with eso_files.downloader(here, QUICK) as opened:
        yield opened


@pytest.fixture
def started(files: Downloader, raw: bytes) -> Path:
    """Half of a file, as a run that was killed leaves it."""
    files.folder.mkdir(parents=True)
    part = files.folder / f"{FRAME}.part"
    part.write_bytes(raw[: len(raw) // 2])
    offer = {"name": f"{FRAME}.fits", "size": len(raw), "validator": f'"{sha256(raw)}"', "checksums": {}}
    part.with_suffix(".offer").write_text(json.dumps(offer))
    return part


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def synchronised(archive: Archive) -> None:
    with eso_client.connect(archive.settings, QUICK) as source:
        assert all(not page.recorded.refused for page in synchronise(archive, source, [PROGRAMME]))


def ranges(eso: Eso) -> list[str | None]:
    return [asked.range for asked in eso.network.files()]


def left(files: Downloader) -> list[str]:
    return sorted(str(path.relative_to(files.folder)) for path in files.folder.rglob("*"))


def test_frames_are_fetched_once_and_taken_in(eso: Eso, here: Archive, files: Downloader, raw: bytes) -> None:
    synchronised(here)
    (outcome,) = eso_files.fetch_frames(here, files, [PROGRAMME])
    assert (outcome.became, outcome.key) == (Became.NEW, FRAME)
    held = products.get(here, FRAME).artifacts[0]
    assert here.store.get(held.sha256).read_bytes() == raw
    with here.database.reading() as session:
        assert session.get_one(Exposure, FRAME).known_from == "header"
    assert left(files) == []
    eso.network.asked.clear()
    synchronised(here)
    assert list(eso_files.fetch_frames(here, files, [PROGRAMME])) == []
    assert eso.network.files() == []


def test_cubes_are_fetched_and_tied_to_what_eso_lists(
    eso: Eso, here: Archive, files: Downloader, tmp_path: Path
) -> None:
    (cube,) = ingest_products(eso.archive, [write_cube(tmp_path / "NGC1365.fits")], collection="PHANGS")
    synchronised(here)
    (outcome,) = eso_files.fetch_products(here, files, [PROGRAMME])
    assert (outcome.became, outcome.key) == (Became.NEW, cube.key)
    assert products.get(here, cube.key or "").collection == "PHANGS"
    with here.database.reading() as session:
        assert session.scalars(select(EsoProduct.product_id)).all() == [cube.key]
    assert list(eso_files.fetch_products(here, files, [PROGRAMME])) == []


def test_calibrations_come_with_the_science_frames(
    eso: Eso, here: Archive, files: Downloader, raw: bytes, tmp_path: Path
) -> None:
    del raw
    bias: dict[str, Any] = {
        "OBJECT": "BIAS",
        "ESO_DPR_CATG": "CALIB",
        "ESO_DPR_TYPE": "BIAS",
        "ESO_OBS_PROG_ID": "60.A-9100(A)",
    }
    times = [f"2018-06-05T11:0{n}:00.000" for n in range(3)]
    starts: dict[str, Any] = {"ESO_TPL_START": "2018-06-05T10:59:50", "ESO_TPL_NEXP": 3}
    cards: list[Any] = [frame(t, 58274.46 + n / 1440, **bias, **starts) for n, t in enumerate(times)]
    paths = [write_raw(tmp_path, **changed) for changed in cards]
    assert [o.became for o in ingest_exposures(eso.archive, paths)] == [Became.NEW] * 3
    synchronised(here)
    with eso_client.connect(here.settings, QUICK) as source:
        fetched = list(eso_files.fetch_calibrations(here, source, files, [PROGRAMME], mode="raw"))
        again = list(eso_files.fetch_calibrations(here, source, files, [PROGRAMME], mode="raw"))
    assert [(o.became, o.key) for o in fetched] == [(Became.NEW, f"MUSE.{time}") for time in times]
    assert again == []
    assert len(calibrations_of(here, "MUSE.2018-06-05T01:06:58.638")) == 3


def test_master_calibrations_are_tied_to_the_frames_as_soon_as_they_are_here(
    eso: Eso, here: Archive, files: Downloader, raw: bytes, tmp_path: Path
) -> None:
    del raw
    master: dict[str, Any] = {"ESO_PRO_CATG": "MASTER_BIAS", "ESO_DPR_TYPE": None}
    path = write_raw(tmp_path, ARCFILE="M.MUSE.2018-06-05T10:49:18.173.fits", **master)
    assert [o.became for o in ingest_exposures(eso.archive, [path])] == [Became.NEW]
    synchronised(here)
    with eso_client.connect(here.settings, QUICK) as source:
        (fetched,) = eso_files.fetch_calibrations(here, source, files, [PROGRAMME], mode="processed")
    assert calibrations_of(here, FRAME) == [fetched.key]


def calibrations_of(archive: Archive, dp_id: str) -> list[str]:
    recorded = select(AssociationMember.file_id).where(AssociationMember.dp_id == dp_id)
    with archive.database.reading() as session:
        return list(session.scalars(recorded))


def test_many_identifiers_are_asked_for_at_once(here: Archive) -> None:
    many = [f"MUSE.{n:06d}" for n in range(70_000)]  # more than a statement may have parameters
    assert eso_listing.not_held(here.database, many) == many


def test_what_a_killed_run_left_of_a_file_that_is_held_is_swept(here: Archive, raw: bytes, tmp_path: Path) -> None:
    assert [o.key for o in ingest_exposures(here, [tmp_path / f"{FRAME}.fits"])] == [FRAME]
    folder = here.settings.root / "incoming" / "eso"
    for name in (f"{FRAME}/{FRAME}.fits", "MUSE.another/another.fits"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(raw)
    (folder / f"{FRAME}.part").touch()
    (folder / f"{FRAME}.offer").touch()
    with eso_files.downloader(here, QUICK) as files:
        assert left(files) == ["MUSE.another", "MUSE.another/another.fits"]


def test_half_a_file_is_gone_on_with(eso: Eso, files: Downloader, raw: bytes, started: Path) -> None:
    half = started.stat().st_size
    path = files.fetch(FRAME)
    assert (path, path.read_bytes()) == (files.folder / FRAME / f"{FRAME}.fits", raw)
    assert ranges(eso) == [f"bytes={half}-"]
    assert left(files) == [FRAME, f"{FRAME}/{FRAME}.fits"]


def test_half_a_file_of_which_nothing_is_known_is_gone_on_with(
    eso: Eso, files: Downloader, raw: bytes, started: Path
) -> None:
    started.with_suffix(".offer").unlink()
    assert files.fetch(FRAME).read_bytes() == raw
    assert ranges(eso) == [f"bytes={len(raw) // 2}-"]


def test_a_whole_part_is_not_asked_for_again(eso: Eso, files: Downloader, raw: bytes, started: Path) -> None:
    started.write_bytes(raw)
    assert files.fetch(FRAME).read_bytes() == raw
    assert eso.network.files() == []


def test_a_file_that_became_another_begins_anew(files: Downloader, raw: bytes, started: Path) -> None:
    started.write_bytes(b"x" * 1000)
    offer = {"name": "old", "size": 4000, "validator": '"another"', "checksums": {}}
    started.with_suffix(".offer").write_text(json.dumps(offer))
    assert files.fetch(FRAME).read_bytes() == raw


@pytest.mark.parametrize("begun", ["damaged", "too long"])
def test_a_part_that_is_wrong_is_thrown_away_and_fetched_anew(
    eso: Eso, files: Downloader, raw: bytes, started: Path, begun: str
) -> None:
    if begun == "damaged":
        started.write_bytes(b"\0" * (len(raw) // 2))
    else:
        started.write_bytes(raw + raw)
    assert files.fetch(FRAME).read_bytes() == raw
    assert ranges(eso)[-1] is None


def test_a_file_that_is_wrong_twice_is_refused(eso: Eso, files: Downloader, raw: bytes) -> None:
    eso.network.garbles = 2
    with pytest.raises(Refused, match=f"its sha256 checksum is not {sha256(raw)}, also when fetched anew"):
        files.fetch(FRAME)
    assert (len(eso.network.files()), left(files)) == (2, [])
    assert files.fetch(FRAME).read_bytes() == raw


def test_a_line_that_breaks_is_mended_where_it_broke(eso: Eso, files: Downloader, raw: bytes) -> None:
    eso.network.breaks_after = 100_000
    assert files.fetch(FRAME).read_bytes() == raw
    assert ranges(eso) == [None, "bytes=100000-"]


def test_a_server_that_knows_no_ranges_sends_all_again(eso: Eso, files: Downloader, raw: bytes, started: Path) -> None:
    del started
    eso.network.knows_ranges = False
    assert files.fetch(FRAME).read_bytes() == raw


def test_a_busy_server_is_asked_again_and_not_for_ever(eso: Eso, files: Downloader, raw: bytes) -> None:
    eso.network.busy = 2
    assert files.fetch(FRAME).read_bytes() == raw
    eso.network.busy = 100
    with pytest.raises(ArchiveError, match=r"too busy \(503\)"):
        files.fetch("MUSE.another")


def test_a_file_that_cannot_be_had_now_keeps_none_back_but_two_in_a_row_end_the_run(
    eso: Eso, here: Archive, files: Downloader, raw: bytes, tmp_path: Path
) -> None:
    del raw
    times = ("2018-06-05T01:20:00.000", "2018-06-05T01:30:00.000", "2018-06-05T01:40:00.000")
    cards = [frame(time, 58274.0556 + n / 144) for n, time in enumerate(times)]
    list(ingest_exposures(eso.archive, [write_raw(tmp_path, **changed) for changed in cards]))
    synchronised(here)
    eso.network.busy = 1 + QUICK.tries
    first, *others = eso_files.fetch_frames(here, files, [PROGRAMME])
    assert (first.became, "too busy (503)" in (first.reason or "")) == (Became.POSTPONED, True)
    assert [outcome.became for outcome in others] == [Became.NEW] * 3
    assert [o.became for o in eso_files.fetch_frames(here, files, [PROGRAMME])] == [Became.NEW]
    with here.database.transaction() as session:
        heard_of = {"known_from": "eso", "programme_id": PROGRAMME}
        session.add_all(Exposure(dp_id=f"MUSE.2018-06-0{day}T01:00:00.000", **heard_of) for day in (6, 7, 8))
    eso.network.busy = 100
    eso.network.asked.clear()
    with pytest.raises(ArchiveError, match=r"too busy \(503\)"):
        list(eso_files.fetch_frames(here, files, [PROGRAMME]))
    assert len(eso.network.asked) == 2 * (1 + QUICK.tries)


def test_a_full_disk_ends_the_run_and_the_part_stays(files: Downloader, raw: bytes) -> None:
    files.folder.mkdir(parents=True)
    part = files.folder / f"{FRAME}.part"
    part.symlink_to("/dev/full")
    with pytest.raises(StoreError, match="No space left on device; what there is stays"):
        files.fetch(FRAME)
    part.unlink()
    assert files.fetch(FRAME).read_bytes() == raw


def test_what_is_not_there_is_refused_and_the_rest_goes_on(
    eso: Eso, here: Archive, files: Downloader, raw: bytes
) -> None:
    del raw
    eso.add(
        Exposure(
            dp_id="MUSE.2018-06-04T00:00:00.000",
            instrument="MUSE",
            programme_id=PROGRAMME,
            run_id=f"{PROGRAMME}(A)",
            modified="2020-01-01T00:00:00",
        )
    )
    synchronised(here)
    outcomes = list(eso_files.fetch_frames(here, files, [PROGRAMME]))
    assert sorted(o.became for o in outcomes) == [Became.NEW, Became.REFUSED]
    assert [o.reason for o in outcomes if o.reason] == [
        "MUSE.2018-06-04T00:00:00.000: the service answers 404 NOT FOUND"
    ]


def test_proprietary_files_need_the_token(eso: Eso, here: Archive, raw: bytes) -> None:
    synchronised(here)
    eso.network.token = TOKEN

    def fetched(token: str | None) -> Outcome:
        settings = type(here.settings).model_validate({**here.settings.model_dump(), "eso_token": token})
        with eso_files.downloader(replace(here, settings=settings), QUICK) as files:
            (outcome,) = eso_files.fetch_frames(here, files, [PROGRAMME])
        return outcome

    assert fetched(None).reason == f"{FRAME}: proprietary: needs a token (MUSEVAULT_ESO_TOKEN)"
    assert fetched("of.somebody.else").reason == f"{FRAME}: proprietary: the token does not open it"
    assert fetched(TOKEN).key == FRAME
    assert here.store.get(sha256(raw)).is_file()


def test_the_token_is_nowhere_to_be_read(
    eso: Eso,
    here: Archive,
    raw: bytes,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    del raw
    caplog.set_level(logging.DEBUG)
    eso.network.token = "another"
    variables = {name: str(value) for name, value in here.settings.model_dump().items() if value is not None}
    for name, value in {**variables, "eso_token": TOKEN}.items():
        monkeypatch.setenv(f"MUSEVAULT_{name.upper()}", value)
    ran = CliRunner().invoke(ingest, ["eso", "--programme", PROGRAMME, "--download"])
    assert ran.exit_code == 1
    assert "the token does not open it" in ran.output
    assert eso.network.files()[0].authorization == f"Bearer {TOKEN}"
    assert {asked.authorization for asked in eso.network.asked if asked not in eso.network.files()} == {None}
    out, err = capfd.readouterr()
    with here.database.reading() as session:
        records = [vars(record) for table in (Run, Finding, Intake) for record in session.scalars(select(table))]
    said = "".join((out, err, ran.output, caplog.text, str(records)))
    for path in here.settings.root.rglob("*"):
        if path.is_file():
            said += path.read_text(errors="replace")
    assert [record["refused"] for record in records] == [1]
    assert TOKEN not in said


def test_the_command_tells_what_it_did_and_is_safe_to_repeat(
    here: Archive, raw: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    del raw
    variables = {name: str(value) for name, value in here.settings.model_dump().items() if value is not None}
    for name, value in variables.items():
        monkeypatch.setenv(f"MUSEVAULT_{name.upper()}", value)

    def run(*options: str) -> list[str]:
        ran = CliRunner().invoke(ingest, ["eso", "--programme", PROGRAMME, *options], catch_exceptions=False)
        assert ran.exit_code == 0, ran.output
        return [line for line in ran.stdout.splitlines() if line.startswith(("{", "1100", "new", "known"))]

    raw_line, products_line, file_line = run("--download")
    assert raw_line == f"{PROGRAMME} raw: 1 new, 0 changed, 0 known, 0 refused"
    assert products_line == f"{PROGRAMME} products: 0 new, 0 changed, 0 known, 0 refused"
    assert file_line.split() == ["new", f"{here.settings.root}/incoming/eso/{FRAME}/{FRAME}.fits:", FRAME]
    told: list[dict[str, Any]] = [json.loads(line) for line in run("--download", "--json") if line[0] == "{"]
    assert [(t["listing"], t["new"], t["known"]) for t in told if "listing" in t] == [("raw", 0, 1), ("products", 0, 0)]
    with alone(here.database, "eso"):
        assert CliRunner().invoke(ingest, ["eso", "--programme", PROGRAMME]).exit_code == 75
    refused = CliRunner().invoke(ingest, ["eso", "--programme", "x' or '1'='1"])
    assert (refused.exit_code, len(refused.output.splitlines())) == (1, 1)
