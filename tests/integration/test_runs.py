"""Every run of an ingest leaves a record, and no two of one kind are at work at once."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive import jobs_cli, run_listing, runs
from archive.archive import Archive
from archive.errors import Refused
from archive.runs import AtWork, alone, bury, recorded
from schema.intake import Run
from tests.support.commands import Types, typing
from tests.support.cubes import write_cube

RUN_THAT_LASTS = """
import json, sys, time
from archive.archive import open_archive
from archive.runs import recorded
from archive.settings import Settings

with open_archive(Settings.model_validate(json.loads(sys.argv[1]))) as archive:
    with recorded(archive.database, "exposures", "/data") as tally:
        while True:
            tally.count("new")
            time.sleep(0.01)
"""


def last(archive: Archive) -> Run:
    return run_listing.latest(archive.database)[0]


@pytest.fixture
def types(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Iterator[Types]:
    """What an operator or cron types after ``musevault ingest``, on this archive."""
    with typing(archive, monkeypatch) as ready:
        yield ready


def test_a_run_tells_what_it_saw_and_how_long_it_took(archive: Archive) -> None:
    with recorded(archive.database, "exposures", "/data/night") as tally:
        for became in ("new", "new", "known", "changed", "refused", "postponed"):
            tally.count(became)
    run = last(archive)
    assert (run.kind, run.source, run.seen) == ("exposures", "/data/night", 6)
    assert (run.new, run.changed, run.refused, run.postponed) == (2, 1, 1, 1)
    assert (run.error, run.ended is None, (run.seconds or 0.0) > 0) == (None, False, True)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Refused("no such folder"), "no such folder"),
        (Refused("/home/me/b.part cannot be written; see /x"), "b.part cannot be written; see x"),
        (OSError(5, "bad", "/data/raw/a.fits"), "a fault of ours: OSError: [Errno 5] bad: 'a.fits'"),
        (Refused("https://eso.org/tap answers 1/2 and/or nothing"), "https://eso.org/tap answers 1/2 and/or nothing"),
        (SystemExit(143), "stopped before its end"),
        (KeyError("x"), "a fault of ours: KeyError: 'x'"),
    ],
    ids=["refused", "path", "quoted", "address", "stopped", "fault"],
)
def test_a_run_that_fails_says_why_and_how_far_it_came(archive: Archive, error: BaseException, words: str) -> None:
    with pytest.raises(type(error)):
        _fail(archive, error)
    run = last(archive)
    assert (run.seen, run.error, run.ended is None) == (1, words, False)


def _fail(archive: Archive, error: BaseException) -> None:
    with recorded(archive.database, "products", "/data") as tally:
        tally.count("new")
        raise error


def test_the_second_of_two_runs_of_a_kind_does_nothing_but_other_kinds_go_on(archive: Archive) -> None:
    with recorded(archive.database, "exposures", "/data"):
        with pytest.raises(AtWork, match="another run of exposures is at work") as caught:
            recorded(archive.database, "exposures", "/data").__enter__()
        with recorded(archive.database, "products", "/data"):
            pass
    with recorded(archive.database, "exposures", "/data"):
        pass
    assert caught.value.exit_code == 75
    assert sorted(r.kind for r in run_listing.latest(archive.database)) == ["exposures", "exposures", "products"]


def test_a_killed_run_is_recognised_by_its_lock_and_not_while_it_lives(archive: Archive) -> None:
    settings = json.dumps(archive.settings.model_dump(mode="json"))
    process = subprocess.Popen([sys.executable, "-c", RUN_THAT_LASTS, settings])
    try:
        while not (found := run_listing.latest(archive.database)) or not found[0].seen:
            assert process.poll() is None
            time.sleep(0.05)
        bury(archive.database)
        alive = last(archive)
        assert (alive.ended, alive.error) == (None, None)
        with pytest.raises(AtWork), alone(archive.database, "exposures"):
            pass
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    seen = last(archive).seen
    while last(archive).error is None:  # PostgreSQL takes a moment to notice
        bury(archive.database)
        time.sleep(0.02)
    died = last(archive)
    assert (died.ended, died.error, died.seen) == (None, "ended before its time: the process died", seen)
    with recorded(archive.database, "exposures", "/data"):
        pass


def test_a_command_leaves_a_record_that_jobs_lists(types: Types, tmp_path: Path) -> None:
    (tmp_path / "night").mkdir()
    write_cube(tmp_path / "night" / "cube.fits")
    (tmp_path / "night" / "text.fits").write_text("no FITS file")
    result = types("products", tmp_path / "night")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "1 new, 1 refused"
    shown = CliRunner().invoke(jobs_cli.jobs, ["--runs", "--json"])
    (run,) = map(json.loads, shown.output.splitlines())
    assert (run["kind"], run["seen"], run["new"], run["refused"]) == ("products", 2, 1, 1)
    assert run["source"] == str(tmp_path / "night")
    assert "products" in CliRunner().invoke(jobs_cli.jobs, []).output


def test_a_command_by_hand_is_to_be_tried_again_later_while_another_is_at_work(
    archive: Archive, types: Types, tmp_path: Path
) -> None:
    with recorded(archive.database, "products", "/data"):
        result = types("products", tmp_path)
    assert (result.exit_code, result.stdout) == (75, "")
    assert result.stderr.splitlines()[-1] == "Error: another run of products is at work"


def test_the_last_run_and_the_last_success_of_each_kind_are_known(archive: Archive) -> None:
    with recorded(archive.database, "eso", "1100.B-0651"):
        pass
    good = last(archive)
    with pytest.raises(Refused), recorded(archive.database, "eso", "1100.B-0651"):
        raise Refused("ESO is away")
    with archive.database.reading() as session:
        (latest,) = runs.last_of_each_kind(session)
        assert latest.error == "ESO is away"
        assert runs.last_success(session) == {"eso": good.ended}
