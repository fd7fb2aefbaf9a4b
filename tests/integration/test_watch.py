"""One folder into which everything is put; what is taken, what waits, what stays in quarantine."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive import intake, run_listing
from archive.archive import Archive
from archive.errors import StoreError
from archive.runs import recorded
from archive.store import Store, Stored
from ingest.manner import Manner
from ingest.outcome import Became, Outcome
from ingest.products import ingest_products
from ingest.taking import sort_out
from ingest.watch import look_through
from tests.support.commands import Types, typing
from tests.support.cubes import write_cube
from tests.support.raw_frames import raw_bytes, write_raw

REPORT = """General weather conditions
Seeing: 0.5 - 0.9"
-----------------------------
OB: 1989464
Instrument: MUSE
Name: WFM-AO-NGC4254-P06
Run: 1100.B-0651(B)
-----------------------------
Files produced
OBS.ID: 1989464
OBS.START: 2018-06-05T00:50:00
"""
TABLE = """Date time,DIMM Seeing ["]
2018-06-05T01:06:58,0.8
"""


@pytest.fixture
def types(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Iterator[Types]:
    """What an operator or cron types after ``musevault ingest``, on this archive."""
    with typing(archive, monkeypatch) as ready:
        yield ready


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    folder = tmp_path / "incoming"
    folder.mkdir()
    return folder


def age(path: Path, seconds: float = 3600.0) -> Path:
    """Let a file look as if nobody had touched it for long."""
    long_ago = time.time() - seconds
    os.utime(path, (long_ago, long_ago))
    return path


def fill(folder: Path) -> None:
    """A night's raw frame, a bias, a cube, a report, readings, and what is nobody's."""
    (folder / "raw").mkdir()
    write_raw(folder / "raw")
    write_raw(
        folder / "raw",
        ARCFILE="MUSE.2018-06-05T12:00:00.000.fits",
        DATE_OBS="2018-06-05T12:00:00.000",
        MJD_OBS=58274.5,
        ESO_DPR_CATG="CALIB",
        ESO_DPR_TYPE="BIAS",
    )
    write_cube(folder / "cube.fits")
    (folder / "MUSE.2018-06-05T01:06:58.638.NL.txt").write_text(REPORT)
    (folder / "dimm.csv").write_text(TABLE)
    (folder / "readme.txt").write_text("Put files here.\n")
    for path in folder.rglob("*.*"):
        age(path)


def look(archive: Archive, folder: Path) -> list[Outcome]:
    return list(look_through(archive, [folder], Manner()))


def test_each_file_goes_to_the_ingest_of_its_kind_and_the_second_look_finds_nothing_new(
    archive: Archive, types: Types, incoming: Path
) -> None:
    fill(incoming)
    first = types("watch", incoming)
    assert (first.exit_code, first.stdout) == (0, "5 new\n")
    second = types("watch", incoming)
    assert (second.exit_code, second.stdout) == (0, "5 known\n")
    runs = run_listing.latest(archive.database)
    assert [(r.kind, r.seen, r.new, r.error) for r in runs] == [("watch", 5, 0, None), ("watch", 5, 5, None)]
    assert runs[0].source == str(incoming)


def test_a_file_that_has_not_changed_goes_where_it_went_without_being_opened(archive: Archive, incoming: Path) -> None:
    fill(incoming)
    look(archive, incoming)
    files = [path for path in incoming.rglob("*.*") if path.name != "readme.txt"]
    before = sort_out(archive.database, files)
    for path in files:
        path.chmod(0)
        stat = path.stat()
        path.chmod(0o600)
        path.write_bytes(b"?" * stat.st_size)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert sort_out(archive.database, files) == before
    assert {o.became for o in look(archive, incoming)} == {Became.KNOWN}


@pytest.mark.parametrize("half", ["raw.fits", "cube.fits"])
def test_a_file_that_is_still_being_written_is_left_for_the_next_run(
    archive: Archive, types: Types, incoming: Path, half: str
) -> None:
    whole = write_cube(incoming / "whole").read_bytes() if half == "cube.fits" else raw_bytes()
    path = incoming / half
    path.write_bytes(whole[: len(whole) - 3000])
    result = types("watch", incoming)
    assert (result.exit_code, result.stdout) == (0, "1 postponed\n")
    assert intake.refused(archive.database) == []
    path.write_bytes(whole)
    assert types("watch", incoming).stdout == "1 new\n"


def test_what_is_broken_is_told_once_and_stays_in_quarantine_until_it_is_retried(
    archive: Archive, types: Types, incoming: Path
) -> None:
    whole = raw_bytes()
    path = age(write_raw(incoming))
    path.write_bytes(whole[:-2880])
    age(path)
    first = types("watch", incoming)
    assert first.exit_code == 1
    assert "truncated" in first.stdout
    assert first.stdout.splitlines()[-1] == "1 refused"
    again = types("watch", incoming)
    assert (again.exit_code, again.stdout) == (0, "1 refused\n")
    assert f"exposures  {path}: truncated" in types("refused").stdout
    assert types("refused", incoming / "elsewhere").stdout == ""

    status = path.stat()  # mended, though it looks as before: only a retry reads it
    path.write_bytes(whole.ljust(len(whole), b"\0"))
    os.truncate(path, len(whole))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    retried = types("retry", incoming)
    assert (retried.exit_code, retried.stdout.splitlines()[-1]) == (0, "1 new")
    assert types("refused").stdout == ""
    assert [r.kind for r in run_listing.latest(archive.database)] == ["retry", "watch", "watch"]


def test_an_unchanged_product_that_was_refused_is_not_read_again_but_a_retry_reads_it(
    types: Types, incoming: Path
) -> None:
    path = age(write_cube(incoming / "cube.fits", INSTRUME="SINFONI"))
    first, second = (types("products", path) for _ in range(2))
    assert first.exit_code == second.exit_code == 1
    assert first.stdout == second.stdout
    status = path.stat()
    path.write_bytes(path.read_bytes().replace(b"'SINFONI '", b"'MUSE    '"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert "SINFONI" in types("products", path).stdout
    assert types("retry").stdout.splitlines()[-1] == "1 new"


def test_a_retry_forgets_files_that_are_gone_and_knows_odd_names(
    archive: Archive, types: Types, incoming: Path
) -> None:
    gone = incoming / "gone.fits"
    odd = Path(os.fsdecode(bytes(incoming) + b"/caf\xe9.fits"))
    for path in (gone, odd):
        path.write_text("no FITS file")
        age(path)
    assert types("exposures", incoming).exit_code == 1
    gone.unlink()
    result = types("retry")
    assert result.exit_code == 1
    assert f"gone       {gone}" in result.stdout
    assert "refused    " in result.stdout
    (left,) = intake.refused(archive.database)
    assert left.path.endswith("caf\\xe9.fits")
    assert "not a FITS file" in (left.reason or "")


def test_a_full_disk_is_told_and_nobody_is_blamed_for_it(
    archive: Archive, types: Types, incoming: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(write_raw(incoming))
    age(write_cube(incoming / "cube.fits"))

    def put(_store: Store, _source: Path) -> Stored:
        raise StoreError(f"cannot store a file: {os.strerror(errno.ENOSPC)}")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "put", put)
        result = types("watch", incoming)
        assert types("products", incoming / "cube.fits").exit_code == 75
    assert (result.exit_code, result.stdout.count("No space left on device")) == (75, 2)
    assert intake.refused(archive.database) == []
    assert types("watch", incoming).stdout == "2 new\n"


def test_a_second_watch_ends_at_once_and_a_busy_kind_waits_for_the_next(
    archive: Archive, types: Types, incoming: Path
) -> None:
    age(write_raw(incoming))
    age(write_cube(incoming / "cube.fits"))
    with recorded(archive.database, "watch", str(incoming)):
        result = types("watch", incoming)
    assert (result.exit_code, result.stdout) == (0, "another run of watch is at work\n")
    with recorded(archive.database, "exposures", str(incoming)):
        result = types("watch", incoming)
    assert (result.exit_code, result.stdout) == (0, "1 new, 1 postponed\n")
    assert types("watch", incoming).stdout == "1 new, 1 known\n"


def test_the_settings_name_the_folders_and_a_quiet_watch_says_only_what_needs_attention(
    types: Types, incoming: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "which folders?" in types("watch").stderr
    age(write_raw(incoming))
    broken = incoming / "broken.fits"
    broken.write_text("no FITS file")
    age(broken)
    monkeypatch.setenv("MUSEVAULT_WATCH_FOLDERS", str(incoming))
    first, second = types("watch", "--quiet"), types("watch", "--quiet")
    assert first.stdout == f"refused    {broken}: not a FITS file: it does not begin with SIMPLE\n"
    assert (first.exit_code, second.exit_code, second.stdout) == (1, 0, "")


def test_a_folder_that_is_not_there_is_told(types: Types, incoming: Path) -> None:
    result = types("watch", incoming / "nowhere")
    assert (result.exit_code, "there is no such folder" in result.stdout) == (1, True)


def test_a_product_whose_file_was_lost_is_taken_from_the_folder_again(archive: Archive, incoming: Path) -> None:
    from archive.products import get
    from archive.verify import faults

    path = age(write_cube(incoming / "cube.fits"))
    (outcome,) = ingest_products(archive, [path], collection="MUSE")
    artifact = get(archive, outcome.key or "").artifacts[0]
    archive.store.get(artifact.sha256).unlink()
    assert [fault.kind for fault in faults(archive)] == ["missing"]
    assert [o.became for o in look(archive, incoming)] == [Became.KNOWN]
    assert get(archive, outcome.key or "").artifacts[0].lost is None
    assert list(faults(archive)) == []


def test_a_watch_that_goes_on_takes_what_comes_and_ends_when_told(archive: Archive, incoming: Path) -> None:
    settings = archive.settings
    environment = {**os.environ, "MUSEVAULT_ROOT": str(settings.root), "MUSEVAULT_DATABASE_URL": archive.database.url}
    command = [sys.executable, "-m", "musevault.command", "ingest", "watch", str(incoming), "--every", "0.2", "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            while not run_listing.latest(archive.database):
                assert process.poll() is None
                time.sleep(0.05)
            age(write_raw(incoming))
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()
    assert told["became"] == "new"
    assert all(run.ended is not None and run.error is None for run in run_listing.latest(archive.database))
