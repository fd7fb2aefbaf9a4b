"""A tree of raw frames goes in once and whole; what is wrong in it is told and stops nothing else."""

import gzip
import json
import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from astropy.io import fits
from click.testing import CliRunner, Result
from sqlalchemy import func, select, text, update

from archive import intake
from archive.archive import Archive
from archive.calibrations import REFRESH_LOCK
from archive.observations import RECORD_LOCK
from archive.products import PUBLISH_LOCK
from archive.products import headers as kept_headers
from archive.verify import Kind, faults
from ingest.cli import ingest as commands
from ingest.exposures import BATCH_FILES, ingest_exposures
from ingest.outcome import Became, Outcome
from ingest.products import ingest_products
from schema.calibrations import Association, MasterCalibration
from schema.exposures import Exposure
from schema.findings import Finding
from schema.products import Artifact, Product
from tests.acceptance.test_raw_to_tap import MUSEVAULT
from tests.support.archives import REAL_CUBE
from tests.support.broken_frames import BROKEN
from tests.support.cubes import write_cube
from tests.support.lzw import compressed
from tests.support.raw_frames import BLOCK, calibration, frame, raw_bytes, write_raw
from tests.support.tables import everything, versions

NAME = "MUSE.2018-06-05T01:06:58.638"
MASTER: dict[str, Any] = {
    "ARCFILE": "M.MUSE.2014-12-02T10:49:18.173.fits",
    "ESO_PRO_CATG": "MASTER_BIAS",
    "ESO_DPR_TYPE": None,
}
KINDS = (
    "BIAS", "DARK", "FLAT,LAMP", "FLAT,LAMP,ILLUM", "FLAT,LAMP,THRUPUT", "WAVE", "WAVE,LSF", "WAVE,MASK", "FLAT,SKY",
    "STD", "STD,TELLU", "ASTROMETRY",
)  # fmt: skip


def take(archive: Archive, *paths: Path, link: bool = False, settle: float = 0.0) -> list[Outcome]:
    return list(ingest_exposures(archive, paths, link=link, settle=settle))


def count(archive: Archive, table: type) -> int:
    with archive.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def exposure(archive: Archive, dp_id: str = NAME) -> Exposure:
    with archive.database.reading() as session:
        return session.get_one(Exposure, dp_id)


def lines(cards: str) -> list[str]:
    return [line.rstrip() for line in cards.splitlines()]


def names_in(archive: Archive) -> list[str]:
    return sorted(archive.store.names())


def night(folder: Path) -> Path:
    """A tree with frames of all kinds, compressed in all ways but inside."""
    for number, kind in enumerate(KINDS):
        below = folder / "calibrations" / f"{number % 3}"
        below.mkdir(parents=True, exist_ok=True)
        started = f"2018-06-04T19:{number:02d}:45"  # each is of a template of its own
        moment, mjd = f"2018-06-04T20:{number:02d}:00.000", 58273.8333333 + number / 1440
        write_raw(below, channels=2, **calibration(kind, moment, mjd, ESO_TPL_START=started))
    science = folder / "science"
    science.mkdir()
    for number, kind in enumerate(("OBJECT", "SKY", "OBJECT")):
        cards = frame(f"2018-06-05T01:{number:02d}:58.638", 58274.0423453 + number / 1440, ESO_DPR_TYPE=kind)
        write_raw(science, channels=24 if number == 0 else 2, more=300, **cards)
    packers: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".Z": compressed}
    for number, (ending, pack) in enumerate(packers.items()):
        cards = frame(f"2018-06-05T02:{number:02d}:58.638", 58274.084012 + number / 1440)
        name = f"MUSE.2018-06-05T02_{number:02d}_58.638.fits{ending}"
        (science / name).write_bytes(pack(raw_bytes(channels=2, **cards)))
    write_raw(folder, channels=0, **MASTER)
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return night(tmp_path / "tree")


def overwrite_unseen(path: Path) -> None:
    """Change a content so that size and time of modification stay."""
    status = path.stat()
    path.write_bytes(b"\xff" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


# The same tree again.


def test_a_tree_is_taken_once_and_the_second_time_nothing_is_written_nor_read(survey: Archive, tree: Path) -> None:
    first = take(survey, tree)
    assert {o.became for o in first} == {Became.NEW}, [o for o in first if o.became is not Became.NEW]
    assert len(first) == count(survey, Product) == len(KINDS) + 6
    assert count(survey, Exposure) == len(KINDS) + 5
    before, files = versions(survey.database), names_in(survey)
    for path in tree.rglob("*.fits*"):
        overwrite_unseen(path)
    second = take(survey, tree)
    assert [(o.path, o.became, o.key) for o in second] == [(o.path, Became.KNOWN, o.key) for o in first]
    assert versions(survey.database) == before
    assert names_in(survey) == files
    assert [f for f in faults(survey) if f.kind is not Kind.UNKNOWN] == []


def test_a_moved_tree_is_known_and_makes_no_new_rows_but_of_what_was_seen(survey: Archive, tree: Path) -> None:
    first = take(survey, tree)
    before = {n: rows for n, rows in everything(survey.database).items() if n != "archive.intake"}
    moved = tree.rename(tree.with_name("moved"))
    again = take(survey, moved, moved / "science")
    assert [(o.became, o.key) for o in again] == [(Became.KNOWN, o.key) for o in first]
    assert {n: rows for n, rows in everything(survey.database).items() if n != "archive.intake"} == before


def test_a_file_named_twice_is_taken_once(archive: Archive, tmp_path: Path) -> None:
    path = write_raw(tmp_path, channels=2)
    assert [o.became for o in take(archive, path, path)] == [Became.NEW]


def test_of_more_files_than_a_batch_each_is_visible_when_it_is_told_and_they_are_told_in_order(
    archive: Archive, tmp_path: Path
) -> None:
    moments = [f"2018-06-05T{n // 60:02d}:{n % 60:02d}:58.638" for n in range(2 * BATCH_FILES + 3)]
    files = [
        write_raw(tmp_path, channels=1, **frame(moment, 58274.0006789 + number / 1440))
        for number, moment in enumerate(moments)
    ]
    told = []
    for outcome in ingest_exposures(archive, [*files, *files[:1]], link=True):
        assert exposure(archive, outcome.path.stem).dp_id == outcome.key
        told.append((outcome.path, outcome.became))
    assert told == [*((path, Became.NEW) for path in files), (files[0], Became.KNOWN)]


def test_raw_frames_are_no_products_of_science(archive: Archive, tree: Path) -> None:
    take(archive, tree)
    with archive.database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM ivoa.obscore")) == 0
        assert set(session.scalars(select(Product.kind))) == {"exposure", "calibration"}


def test_the_header_is_kept_whole_and_can_be_asked(archive: Archive, tmp_path: Path) -> None:
    path = write_raw(tmp_path, more=1400, channels=2, OBJECT="O''Neill / a = b", ESO_INS_SHUT1_ST=True)
    (outcome,) = take(archive, path)
    theirs = fits.getheader(path)
    asked = ("OBJECT", "ESO INS MODE", "MJD-OBS", "ESO OBS ID", "ESO OCS FILL1399 VAL", "ESO INS SHUT1 ST", "EXPTIME")
    with archive.database.reading() as session:
        for keyword in (*asked, "ABSENT"):
            (said,) = session.execute(select(func.survey.header_value(outcome.key, keyword))).one()
            expected = theirs.get(keyword)
            match expected:
                case None | str():
                    assert said == expected, keyword
                case bool():
                    assert said == "FT"[expected], keyword
                case _:
                    assert float(said) == expected, keyword
    kept = kept_headers(archive, f"{outcome.key}.fits")
    with fits.open(path) as hdus:
        for row, hdu in zip(kept, hdus, strict=True):
            assert lines(row.cards) == [str(written).rstrip() for written in hdu.header.cards]


# What is wrong.

ODD_PLACES = {
    "folder.fits": "a folder",
    "dangling.fits": "No such file",
    "circle.fits": "symbolic links",
    "socket.fits": "a socket",
    "pipe.fits": "a pipe",
    "bomb.fits.gz": "not a FITS file",
    "bomb2.fits.gz": "no FITS extension",
    "short.fits.gz": "damaged",
    "crc.fits.gz": "damaged",
    "no.fits.Z": "not a FITS file",
    "rubbish.fits.Z": "damaged",
    "n\\xe9.fits": "not a FITS file",
}


def bomb(path: Path, content: bytes) -> None:
    with gzip.open(path, "wb", compresslevel=1) as packed:
        packed.write(content)
        for _ in range(256):
            packed.write(bytes(1 << 20))


def make_odd_places(folder: Path) -> None:
    (folder / "folder.fits").mkdir()
    (folder / "dangling.fits").symlink_to("nowhere")
    (folder / "circle.fits").symlink_to("circle.fits")
    (folder / "round").symlink_to(folder)
    (folder / "plain-circle").symlink_to("plain-circle")
    os.mkfifo(folder / "pipe.fits")
    here = os.open(folder, os.O_RDONLY)  # a path short enough for a socket
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"/proc/self/fd/{here}/socket.fits")
    os.close(here)
    bomb(folder / "bomb.fits.gz", b"")
    bomb(folder / "bomb2.fits.gz", raw_bytes(channels=1))
    packed = gzip.compress(raw_bytes(channels=2))
    (folder / "short.fits.gz").write_bytes(packed[: len(packed) // 2])
    (folder / "crc.fits.gz").write_bytes(packed[:-8] + bytes(4) + packed[-4:])
    (folder / "no.fits.Z").write_bytes(b"no compress\n")
    (folder / "rubbish.fits.Z").write_bytes(b"\x1f\x9d\xff" + b"\x07\xe3\x91" * 99)
    Path(os.fsdecode(os.fsencode(folder) + b"/n\xe9.fits")).write_bytes(b"text")


@pytest.fixture
def command(archive: Archive, tmp_path: Path) -> dict[str, str]:
    """The environment of a command on this archive."""
    cleared = {k: v for k, v in os.environ.items() if not k.startswith("MUSEVAULT_")}
    return {**cleared, "MUSEVAULT_ROOT": str(tmp_path), "MUSEVAULT_DATABASE_URL": archive.database.url}


def run(environment: dict[str, str], *words: str | Path) -> subprocess.CompletedProcess[str]:
    typed = [MUSEVAULT, "ingest", *map(str, words)]
    return subprocess.run(typed, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_everything_that_is_wrong_is_refused_by_its_name_and_the_good_ones_beside_go_in(
    archive: Archive, command: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    expected = dict(ODD_PLACES)
    make_odd_places(folder)
    for name, (content, words) in BROKEN.items():
        expected[f"{name}.fits"] = words
        (folder / f"{name}.fits").write_bytes(content)
    whole = raw_bytes(channels=8)
    for length in [*range(BLOCK, len(whole), BLOCK), 7 * BLOCK + 1234, len(whole) - 1]:
        expected[f"cut-{length}.fits"] = "truncated|no channel"
        (folder / f"cut-{length}.fits").write_bytes(whole[:length])
    moments = {
        name: frame(f"2019-01-01T00:00:0{n}.000", 58484.0 + n / 86400) for n, name in enumerate(("0", "m", "zz"))
    }
    good = [write_raw(folder, name=f"{name}.fits", channels=1, **cards) for name, cards in moments.items()]
    done = run(command, "exposures", folder, "--json")
    assert done.returncode == 1, done.stderr[-2000:]
    assert "Traceback" not in done.stdout + done.stderr
    told = {Path(o["path"]).name: o for o in map(json.loads, done.stdout.splitlines())}
    assert {name for name, o in told.items() if o["became"] == "new"} == {path.name for path in good}
    refused = {name: o["reason"] for name, o in told.items() if o["became"] == "refused"}
    assert set(refused) == set(expected)
    for name, words in expected.items():
        assert re.search(words, refused[name]), (name, refused[name])
    assert not [reason for reason in refused.values() if "fault of ours" in reason]
    listed = run(command, "refused")
    assert (listed.returncode, len(listed.stdout.splitlines())) == (0, len(expected))
    for name in expected:
        assert f"/{name}: " in listed.stdout, name
    assert count(archive, Product) == len(good) == len(names_in(archive))


def test_the_exit_status_is_0_when_all_is_fine(command: dict[str, str], tmp_path: Path) -> None:
    path = write_raw(tmp_path, channels=2)
    for words in ("1 new", "1 known"):
        done = run(command, "exposures", path)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, words), done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_or_folder_that_may_not_be_read_is_told(archive: Archive, tmp_path: Path) -> None:
    write_raw(tmp_path, channels=1).chmod(0)
    for name, mode in (("closed", 0), ("listed", 0o444)):
        (tmp_path / name).mkdir()
        write_raw(tmp_path / name, channels=1)
        (tmp_path / name).chmod(mode)
    reasons = [o.reason or "" for o in take(archive, tmp_path)]
    assert len(reasons) == 3
    assert all("cannot be read" in reason for reason in reasons)


def test_a_number_that_the_database_cannot_hold_is_refused_alone(archive: Archive, tmp_path: Path) -> None:
    write_raw(tmp_path, channels=1, **frame("2018-06-05T01:00:00.000", 58274.041666))
    write_raw(tmp_path, channels=1, **frame("2018-06-05T02:00:00.000", 58274.083333, ESO_TPL_EXPNO=99999999999))
    write_raw(tmp_path, channels=1, **frame("2018-06-05T03:00:00.000", 58274.125, ESO_OBS_ID=10**30))
    write_raw(tmp_path, channels=1, **frame("2018-06-05T04:00:00.000", 58274.166666))
    found = take(archive, tmp_path)
    assert [o.became for o in found] == [Became.NEW, Became.REFUSED, Became.REFUSED, Became.NEW]
    assert ["range" in (o.reason or "") for o in found[1:3]] == [True, True], found


@pytest.mark.parametrize("place", [(0.0, 90.0), (359.9999, -90.0), (0.0, 0.0), (12.0, 89.9999)])
def test_a_field_at_a_pole_or_across_zero_has_its_footprint(
    archive: Archive, tmp_path: Path, place: tuple[float, float]
) -> None:
    (outcome,) = take(archive, write_raw(tmp_path, channels=1, RA=place[0], DEC=place[1]))
    assert outcome.became is Became.NEW, outcome.reason
    with archive.database.reading() as session:
        spot = f"spoint(radians({place[0]}), radians({place[1]}))"
        assert session.scalar(text(f"SELECT {spot} <@ footprint_spoly FROM survey.exposure"))


# Other contents.


def served(service: tuple[Archive, str], artifact_id: str) -> bytes:
    return requests.get(f"{service[1]}/files/{artifact_id}", timeout=10).content


def test_another_content_under_the_same_name_is_a_conflict_and_the_first_is_kept(
    service: tuple[Archive, str], tmp_path: Path
) -> None:
    archive, _ = service
    path = write_raw(tmp_path, channels=2)
    content = path.read_bytes()
    (first,) = take(archive, path)
    other = write_raw(tmp_path, name="other.fits", channels=2, EXPTIME=700.0)
    (conflict,) = take(archive, other)
    assert (conflict.became, conflict.key) == (Became.REFUSED, None)
    assert "the first is kept" in (conflict.reason or "")
    shutil.copy(other, path)
    (changed,) = take(archive, path)
    assert changed.became is Became.REFUSED
    with archive.database.reading() as session:
        found = session.scalars(select(Finding).where(Finding.origin == "conflict")).one()
    assert (found.subject, found.kind) == (NAME, "content")
    assert served(service, f"{first.key}.fits") == content
    assert (exposure(archive).exptime, len(names_in(archive))) == (645.0, 1)
    assert {Path(r.path).name for r in intake.refused(archive.database)} == {"other.fits", f"{NAME}.fits"}
    assert [o.became for o in take(archive, path, other)] == [Became.REFUSED] * 2


def test_two_contents_of_one_name_at_once_are_a_conflict_too(archive: Archive, tmp_path: Path) -> None:
    write_raw(tmp_path, name="a.fits", channels=2)
    write_raw(tmp_path, name="b.fits", channels=2, EXPTIME=700.0)
    write_raw(tmp_path, name="c.fits", channels=2)
    assert [o.became for o in take(archive, tmp_path)] == [Became.NEW, Became.REFUSED, Became.KNOWN]
    assert list(faults(archive)) == []


def test_when_the_first_of_two_is_not_taken_the_second_is_taken_whole(archive: Archive, tmp_path: Path) -> None:
    write_raw(tmp_path, name="a.fits", channels=2, ESO_TPL_EXPNO=99999999999)
    write_raw(tmp_path, name="b.fits", channels=2)
    assert [o.became for o in take(archive, tmp_path)] == [Became.REFUSED, Became.NEW]
    assert [f.kind for f in faults(archive) if f.artifact_id is not None] == []


def test_the_same_frame_compressed_otherwise_is_known(archive: Archive, tmp_path: Path) -> None:
    path = write_raw(tmp_path, name=f"{NAME}.fits", channels=2)
    (tmp_path / f"{NAME}.fits.gz").write_bytes(gzip.compress(path.read_bytes()))
    with fits.open(path) as hdus:
        packed = [hdus[0].copy(), *(fits.CompImageHDU(h.data, h.header, compression_type="RICE_1") for h in hdus[1:])]
        fits.HDUList(packed).writeto(tmp_path / f"{NAME}.fits.fz")
    found = take(archive, path, tmp_path / f"{NAME}.fits.fz", tmp_path / f"{NAME}.fits.gz")
    assert [o.became for o in found] == [Became.NEW, Became.KNOWN, Became.KNOWN], found
    with archive.database.reading() as session:
        assert session.scalars(select(Finding).where(Finding.origin == "conflict")).all() == []
    assert [o.became for o in take(archive, tmp_path)] == [Became.KNOWN] * 3
    assert count(archive, Artifact) == 1


# What was heard of before.


def test_a_frame_heard_of_from_a_product_is_then_known_from_its_header(archive: Archive, tmp_path: Path) -> None:
    assert all(o.became is Became.NEW for o in ingest_products(archive, [REAL_CUBE], collection="MUSE"))
    heard = "MUSE.2014-12-08T02:48:56.798"
    assert exposure(archive, heard).known_from == "product"
    cards = frame(heard.removeprefix("MUSE."), 56999.11732405, EXPTIME=901.0)
    take(archive, write_raw(tmp_path, channels=2, **cards))
    found = exposure(archive, heard)
    assert (found.known_from, found.exptime, found.channels_present) == ("header", 901.0, 2)


def test_a_frame_heard_of_from_eso_is_then_known_from_its_header_and_stays_so(archive: Archive, tmp_path: Path) -> None:
    with archive.database.transaction() as session:
        session.add(Exposure(dp_id=NAME, known_from="eso", exptime=1.0, access_estsize=280000))
    take(archive, write_raw(tmp_path, channels=2))
    found = exposure(archive)
    assert (found.known_from, found.exptime, found.access_estsize) == ("header", 645.0, 280000)


def test_master_calibrations_become_products_and_rows(archive: Archive, tmp_path: Path) -> None:
    (outcome,) = take(archive, write_raw(tmp_path, channels=0, **MASTER))
    with archive.database.reading() as session:
        row = session.get_one(MasterCalibration, outcome.key)
        product = session.get_one(Product, outcome.key)
    assert (row.tag, row.detector_read_name, product.kind) == ("MASTER_BIAS", "SCI1.0", "calibration")
    assert count(archive, Exposure) == 0


# Files that stay where they are.


def test_linked_files_stay_and_are_served_and_missed_when_they_vanish(
    service: tuple[Archive, str], tmp_path: Path
) -> None:
    archive, _ = service
    path = write_raw(tmp_path, channels=2)
    content = path.read_bytes()
    (outcome,) = take(archive, path, link=True)
    assert served(service, f"{outcome.key}.fits") == content
    assert sum(p.stat().st_size for p in archive.store.folder.rglob("*") if p.is_file()) == 0
    assert list(faults(archive)) == []
    moved = path.rename(tmp_path / "moved.fits")
    assert [f.kind for f in faults(archive)] == [Kind.MISSING]
    assert take(archive, moved)[0].became is Became.KNOWN
    assert served(service, f"{outcome.key}.fits") == content
    assert list(faults(archive)) == []


@pytest.mark.parametrize("link", [True, False], ids=["linked", "copied"])
def test_a_linked_file_that_moved_is_found_where_it_is_offered_next(
    service: tuple[Archive, str], tmp_path: Path, *, link: bool
) -> None:
    archive, _ = service
    path = write_raw(tmp_path, channels=2)
    content = path.read_bytes()
    (outcome,) = take(archive, path, link=True)
    moved = path.rename(tmp_path / "moved.fits")
    assert take(archive, moved, link=link)[0].became is Became.KNOWN
    assert served(service, f"{outcome.key}.fits") == content
    assert list(faults(archive)) == []


@pytest.mark.parametrize(
    ("place", "kind"), [("/proc/self/mem", Kind.DAMAGED), ("/" + "x" * 300, Kind.MISSING)], ids=["unread", "too-long"]
)
def test_a_file_that_the_system_does_not_give_stops_neither_verify_nor_the_service(
    service: tuple[Archive, str], tmp_path: Path, place: str, kind: Kind
) -> None:
    archive, base = service
    (outcome,) = take(archive, write_raw(tmp_path, channels=2), link=True)
    with archive.database.transaction() as session:
        session.execute(update(Artifact).values(location=place))
    assert [fault.kind for fault in faults(archive)] == [kind]
    if kind is Kind.MISSING:
        answer = requests.get(f"{base}/dataPortal/file/{outcome.key}", timeout=30)
        assert answer.status_code == 503
        assert "/" not in re.sub(r"(?s).*<h1>.*?</h1>\s*<p>(.*?)</p>.*", r"\1", answer.text)


def test_a_lost_file_is_not_replaced_by_one_that_is_compressed_otherwise(archive: Archive, tmp_path: Path) -> None:
    path = write_raw(tmp_path, channels=2)
    (outcome,) = take(archive, path)
    (name,) = names_in(archive)
    archive.store.path(name).unlink()
    assert [f.kind for f in faults(archive)] == [Kind.MISSING]
    packed = tmp_path / "packed.fits.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    (refused,) = take(archive, packed)
    assert (refused.became, refused.reason) == (
        Became.REFUSED,
        f"the archive has lost {outcome.key}.fits, and what is compressed otherwise cannot take its place",
    )


def test_a_path_that_no_database_takes_is_refused_as_a_link_and_taken_as_a_copy(
    archive: Archive, tmp_path: Path
) -> None:
    path = write_raw(tmp_path, channels=2).rename(os.fsdecode(os.fsencode(tmp_path) + b"/fr\xe4me.fits"))
    (outcome,) = take(archive, path, link=True)
    assert (outcome.became, outcome.reason) == (Became.REFUSED, "its path is no UTF-8: it cannot stay where it is")
    (row,) = intake.refused(archive.database)
    intake.reconsider(archive.database, [row])
    assert [o.became for o in take(archive, path)] == [Became.NEW]


def test_a_name_that_nothing_bears_is_refused_and_not_remembered(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "dangling.fits").symlink_to(tmp_path / "nowhere")
    outcomes = take(archive, tmp_path / "mistyped.fits", tmp_path / "dangling.fits")
    assert [o.became for o in outcomes] == [Became.REFUSED] * 2
    assert [Path(row.path).name for row in intake.refused(archive.database)] == ["dangling.fits"]


def test_what_one_kind_refused_another_takes(archive: Archive, tmp_path: Path) -> None:
    cube, raw = write_cube(tmp_path / "cube.fits"), write_raw(tmp_path, channels=2)
    assert [o.became for o in take(archive, cube)] == [Became.REFUSED]
    assert [o.became for o in ingest_products(archive, [raw], collection="MUSE")] == [Became.REFUSED]
    assert [o.became for o in ingest_products(archive, [cube], collection="MUSE")] == [Became.NEW]
    assert [o.became for o in take(archive, raw)] == [Became.NEW]
    assert intake.refused(archive.database) == []
    assert [o.became for o in take(archive, cube, raw)] == [Became.KNOWN] * 2


def test_a_copy_that_vanished_from_the_store_is_made_again(archive: Archive, tmp_path: Path) -> None:
    path = write_raw(tmp_path, channels=2)
    take(archive, path)
    (name,) = names_in(archive)
    archive.store.path(name).unlink()
    assert [f.kind for f in faults(archive)] == [Kind.MISSING]
    assert [o.became for o in take(archive, tmp_path)] == [Became.KNOWN]
    assert list(faults(archive)) == []


# Files that are being written, and more than one ingest.


def test_a_file_that_grows_is_left_for_the_next_run(archive: Archive, tmp_path: Path) -> None:
    path = write_raw(tmp_path, channels=2)
    content = path.read_bytes()
    path.write_bytes(content[: 3 * BLOCK])
    (young,) = take(archive, path, settle=3600)
    assert young.became is Became.POSTPONED
    assert intake.refused(archive.database) == []
    assert take(archive, path)[0].became is Became.REFUSED
    path.write_bytes(content)
    assert take(archive, path, settle=3600)[0].became is Became.NEW
    assert intake.refused(archive.database) == []


def test_a_file_that_is_written_to_all_the_time_never_goes_in_half(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / f"{NAME}.fits"
    content = raw_bytes(channels=24)
    stop = threading.Event()

    def write() -> None:
        for place in range(0, len(content), 4 * BLOCK):
            with path.open("ab") as growing:
                growing.write(content[place : place + 4 * BLOCK])
            if not stop.wait(0.01):
                continue

    path.touch()
    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        for outcome in take(archive, path):
            assert outcome.became is not Became.NEW or path.read_bytes() == content, outcome
    writer.join()
    assert take(archive, path)[0].became in {Became.NEW, Became.KNOWN}
    assert exposure(archive).channels_present == 24


def test_two_ingests_at_once_end_as_one_would(survey: Archive, archive: Archive, tree: Path) -> None:
    take(archive, tree)
    with ThreadPoolExecutor(4) as pool:
        orders = [(tree,), (tree / "science", tree), tuple(sorted(tree.rglob("*.fits*"), reverse=True)), (tree,)]
        outcomes = [o for run in pool.map(lambda paths: take(survey, *paths), orders) for o in run]
    assert {o.became for o in outcomes} == {Became.NEW, Became.KNOWN}, outcomes
    assert sum(o.became is Became.NEW for o in outcomes) == count(survey, Product)
    alone, together = (everything(a.database) for a in (archive, survey))
    for name in ("survey.product", "survey.artifact", "archive.header", "archive.intake", "survey.master_calibration"):
        assert together[name] == alone[name]
    assert names_in(survey) == names_in(archive)
    assert list(faults(survey)) == []


STEPS = {
    "registering": f"SELECT pg_advisory_lock({PUBLISH_LOCK})",
    "copying": "LOCK TABLE archive.header IN SHARE MODE",
    "remembering": "LOCK TABLE archive.intake IN SHARE MODE",
    "tying": f"SELECT pg_advisory_lock({RECORD_LOCK})",
    "associating": f"SELECT pg_advisory_lock({REFRESH_LOCK})",
}
WAITING = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.mark.parametrize("step", STEPS)
def test_a_connection_lost_at_any_step_ends_the_command_with_one_line_and_the_next_run_completes(
    survey: Archive, tree: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setenv("MUSEVAULT_ROOT", str(survey.settings.root))
    monkeypatch.setenv("MUSEVAULT_DATABASE_URL", survey.database.url)

    def ingest() -> Result:
        return CliRunner().invoke(commands, ["exposures", str(tree)])

    with (
        psycopg.connect(survey.database.url) as other,
        psycopg.connect(survey.database.url, autocommit=True) as watching,
        ThreadPoolExecutor(1) as pool,
    ):
        other.execute(STEPS[step].encode())
        going = pool.submit(ingest)
        while not watching.execute(WAITING).fetchall():
            assert not going.done(), going.result().output
        other.close()
        first = going.result()
    assert first.exit_code == 1
    assert isinstance(first.exception, SystemExit)
    assert [line for line in first.output.splitlines() if line.startswith("Error: the database")] != []
    second = ingest()
    assert second.exit_code == 0, second.output
    assert count(survey, Product) == len(names_in(survey)) == len(KINDS) + 6
    assert count(survey, Association) > 0
    with survey.database.reading() as session:
        ranked = session.execute(select(Exposure.rank, Exposure.dp_type).where(Exposure.rank.is_not(None)))
        assert sorted((rank, kind) for rank, kind in ranked) == [(rank, "OBJECT") for rank in (1, 2, 3, 4)]
    assert list(faults(survey)) == []
