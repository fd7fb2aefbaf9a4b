"""Reports of the night and readings of the monitors come in once, and every exposure sees them, whatever came first."""

import itertools
import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import select, text

from archive import intake, nights
from archive.archive import Archive
from ingest.cli import ingest as commands
from ingest.nights import ingest_ambient, ingest_nightlogs
from ingest.outcome import Became, Outcome
from schema.exposures import Exposure
from schema.findings import Finding
from schema.intake import Run
from schema.nights import BlockReport, Constraint, Night, ReportedExposure, Weather
from tests.support.nightlogs import REPORT, RULE

KEY = "OB.1989464.2018-06-05T00:49:12"
FRAME = "MUSE.2018-06-05T01:06:59.418"
HEADER = (
    'Date time,DIMM Seeing ["],MASS-DIMM Tau0 [s],Relative Humidity at 2m [%],Wind Direction at 30m (0/360) [deg]\n'
)


def expose(archive: Archive, dp_id: str = FRAME, **facts: Any) -> None:
    start = datetime.fromisoformat(dp_id.removeprefix("MUSE."))
    night = (start - timedelta(hours=12)).date().isoformat()
    with archive.database.transaction() as session:
        session.add(Exposure(**{"dp_id": dp_id, "exp_start": start, "exptime": 645.0, "night": night, **facts}))


def report(folder: Path, content: str = REPORT, name: str = f"{FRAME}.NL.txt") -> Path:
    path = folder / name
    path.write_text(content)
    return path


def readings(folder: Path, rows: str, name: str = "dimm.csv") -> Path:
    path = folder / name
    path.write_text(f"# made up\n{HEADER}{rows}\n# 3 rows\n")
    return path


def conditions(archive: Archive, dp_id: str = FRAME) -> dict[str, Any]:
    query = text("SELECT * FROM survey.exposure_conditions WHERE dp_id = :dp_id")
    with archive.database.reading() as session:
        return dict(session.execute(query, {"dp_id": dp_id}).mappings().one())


def became(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return [(outcome.path.name, outcome.became) for outcome in outcomes]


def take_report(archive: Archive, folder: Path) -> None:
    assert [o.became for o in ingest_nightlogs(archive, [report(folder)])] == [Became.NEW]


def take_readings(archive: Archive, folder: Path) -> None:
    # The window is from 01:04:29.418 to 01:20:14.418: the first and the last reading are outside.
    rows = (
        "2018-06-05T01:04:29,9.0,,,\n"
        "2018-06-05T01:04:30,0.6,0.004,10,350\n"
        "2018-06-05T01:12:00,0.7,0.005,,\n"
        "2018-06-05T01:20:14,0.8,0.006,12,10\n"
        "2018-06-05T01:20:15,9.0,,,"
    )
    assert [o.became for o in ingest_ambient(archive, [readings(folder, rows)])] == [Became.NEW]


STEPS: list[Callable[[Archive, Path], None]] = [lambda archive, _: expose(archive), take_report, take_readings]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=lambda order: "".join(map(str, order)))
def test_an_exposure_sees_grade_weather_and_readings_whatever_came_first(
    archive: Archive, tmp_path: Path, order: tuple[int, ...]
) -> None:
    for step in order:
        STEPS[step](archive, tmp_path)
    seen = conditions(archive)
    assert (seen["report_id"], seen["grade"], seen["completed"], seen["within_constraints"]) == (KEY, "B", 1, 1)
    assert (seen["weather"], seen["weather_observed"]) == ("Clear", datetime(2018, 6, 4, 23, 40))
    assert (seen["dimm_seeing"], seen["dimm_readings"]) == (pytest.approx(0.7), 3)
    assert (seen["coherence_time"], seen["humidity"]) == (pytest.approx(0.005), pytest.approx(11.0))
    assert seen["wind_direction"] % 360 == pytest.approx(0.0, abs=1e-6)
    assert seen["wind_speed"] is None


@pytest.mark.parametrize(
    ("start", "observed", "words"),
    [
        ("2018-06-04T22:10:00.000", "2018-06-04T22:51:00", "ThinCirrus"),
        ("2018-06-04T23:59:59.000", "2018-06-04T23:40:00", "Clear"),
        ("2018-06-05T00:10:00.000", "2018-06-04T23:40:00", "Clear"),
        ("2018-06-05T09:00:00.000", "2018-06-05T03:02:00", "Photometric"),
    ],
    ids=["before-all", "before-midnight", "after-midnight", "morning"],
)
def test_the_weather_of_an_exposure_is_the_last_before_it(
    archive: Archive, tmp_path: Path, start: str, observed: str, words: str
) -> None:
    take_report(archive, tmp_path)
    expose(archive, f"MUSE.{start}")
    seen = conditions(archive, f"MUSE.{start}")
    assert (seen["weather"], seen["weather_observed"]) == (words, datetime.fromisoformat(observed))
    assert seen["grade"] is None


def test_a_frame_that_the_report_does_not_list_is_graded_by_its_block(archive: Archive, tmp_path: Path) -> None:
    take_report(archive, tmp_path)
    later = "MUSE.2018-06-05T01:52:57.422"
    expose(archive, later, eso_ob_id=1989464, ob_start=datetime(2018, 6, 5, 0, 49, 12))
    assert conditions(archive, later)["grade"] == "B"


def rows_written(archive: Archive) -> list[tuple[Any, ...]]:
    """The transactions that wrote the rows: whoever writes one again leaves a trace."""
    tables = ("night", "weather", "block_report", "block_constraint", "reported_exposure", "ambient", "finding")
    query = " UNION ALL ".join(f"SELECT '{t}', ctid::text, xmin::text FROM survey.{t}" for t in tables)
    with psycopg.connect(archive.database.url) as connection:
        return sorted(connection.execute(query + " UNION ALL SELECT 'intake', '', xmin::text FROM archive.intake"))


def test_the_same_folder_twice_reads_no_file_and_changes_no_row(archive: Archive, tmp_path: Path) -> None:
    report(tmp_path, REPORT.replace("Wind:  ", "Draught:"))
    readings(tmp_path, "2018-06-05T01:06:00,0.6,x,,")
    first = [*ingest_nightlogs(archive, [tmp_path]), *ingest_ambient(archive, [tmp_path])]
    assert [o.became for o in first] == [Became.NEW, Became.NEW]
    before = rows_written(archive)
    second = [*ingest_nightlogs(archive, [tmp_path]), *ingest_ambient(archive, [tmp_path])]
    assert [o.became for o in second] == [Became.KNOWN, Became.KNOWN]
    assert [o.key for o in second] == [o.key for o in first] == [KEY, FIRST_TABLE]
    assert rows_written(archive) == before


FIRST_TABLE = "1 readings of dimm_seeing, coherence_time, humidity, wind_direction"


def test_the_same_content_under_other_names_changes_nothing_but_the_memory(archive: Archive, tmp_path: Path) -> None:
    take_report(archive, tmp_path)
    take_readings(archive, tmp_path)
    before = [row for row in rows_written(archive) if row[0] not in {"intake", "finding"}]
    report(tmp_path, name="MUSE.2018-06-05T01:20:00.418.NL")
    (tmp_path / "again.csv").write_text((tmp_path / "dimm.csv").read_text())
    again = [*ingest_nightlogs(archive, [tmp_path]), *ingest_ambient(archive, [tmp_path])]
    assert {o.became for o in again} == {Became.KNOWN}
    assert len(again) == 4
    assert [row for row in rows_written(archive) if row[0] not in {"intake", "finding"}] == before


def test_a_later_report_replaces_the_block_and_widens_the_night(archive: Archive, tmp_path: Path) -> None:
    take_report(archive, tmp_path)
    later = REPORT.replace("\t \tB", "\t \tC").replace("0.41 - 1.3", "0.5 - 2.0").replace("a good night", "not so good")
    later = later.replace("FLI:             \tn/a\t\t0.5\n", "").replace("23:40\tClear", "23:40\tCloudy")
    later = "\n".join(line for line in later.split("\n") if "SKY156" not in line)
    assert [o.became for o in ingest_nightlogs(archive, [report(tmp_path, later)])] == [Became.CHANGED]
    with archive.database.reading() as session:
        night = session.get_one(Night, "2018-06-04")
        block = session.get_one(BlockReport, KEY)
        names = set(session.scalars(select(Constraint.name)))
        frames = set(session.scalars(select(ReportedExposure.dp_id)))
        weather = session.get_one(Weather, ("2018-06-04", datetime(2018, 6, 4, 23, 40)))
    assert (night.seeing_min, night.seeing_max, night.comment) == (0.41, 2.0, "a good night\n\nnot so good")
    assert (block.grade, block.completed, block.text) == ("C", 0, later)
    assert "FLI" not in names
    assert frames == {FRAME, "MUSE.2018-06-05T01:20:00.418"}
    assert weather.conditions == "Cloudy"


def test_reports_of_one_night_fill_what_the_others_leave_out(archive: Archive, tmp_path: Path) -> None:
    other = REPORT.replace("1989464", "1989465").replace('Seeing:          0.41 - 1.3"', "").replace("a good night", "")
    report(tmp_path, other, name="a.NL.txt")
    report(tmp_path, name="b.NL.txt")
    assert became(list(ingest_nightlogs(archive, [tmp_path]))) == [("a.NL.txt", "new"), ("b.NL.txt", "new")]
    with archive.database.reading() as session:
        (night,) = session.scalars(select(Night))
    assert (night.seeing_min, night.seeing_max, night.comment) == (0.41, 1.3, "a good night")


def test_a_report_on_the_night_alone_brings_its_weather(archive: Archive, tmp_path: Path) -> None:
    alone = REPORT[: REPORT.index("OB:  ")]
    (first,) = ingest_nightlogs(archive, [report(tmp_path, alone)])
    (second,) = ingest_nightlogs(archive, [report(tmp_path, alone + "\n", name="again.NL.txt")])
    assert (first.key, first.became, second.became) == ("2018-06-04", Became.NEW, Became.KNOWN)
    with archive.database.reading() as session:
        assert len(list(session.scalars(select(Weather)))) == 4
        assert list(session.scalars(select(BlockReport))) == []


def test_what_could_not_be_read_is_a_finding_until_it_is_mended(archive: Archive, tmp_path: Path) -> None:
    odd = REPORT.replace("\t \tB", "\t \tQ").replace("03:02\t", "27:02\t").replace("01:15\t", "25:15\t")
    list(ingest_nightlogs(archive, [report(tmp_path, odd)]))
    table = readings(tmp_path, "2018-06-05T01:06:00,0.6,x,,\n2018-06-05T01:07:00,y,z,,")
    table.write_text(table.read_text().replace("MASS-DIMM Tau0 [s]", "Flux RMS"))
    list(ingest_ambient(archive, [table]))
    assert found(archive) == {
        ("nightlog-grade", KEY, "'Q' is no grade"),
        ("nightlog-weather", KEY, "25:15 is no time of the day; 27:02 is no time of the day"),
        ("ambient-columns", "dimm.csv", "columns that mean nothing here: Flux RMS"),
        ("ambient-rows", "dimm.csv", "1 places cannot be read: line 4: 'y' is no dimm_seeing"),
    }
    list(ingest_nightlogs(archive, [report(tmp_path)]))
    list(ingest_ambient(archive, [readings(tmp_path, "2018-06-05T01:06:00,0.6,,,")]))
    assert found(archive) == set()


def found(archive: Archive) -> set[tuple[str, str, str]]:
    with archive.database.reading() as session:
        return {(f.kind, f.subject, f.message) for f in session.scalars(select(Finding))}


def test_what_is_refused_is_remembered_and_stops_nothing(archive: Archive, tmp_path: Path) -> None:
    report(tmp_path, "nothing of the sort", name="a.NL.txt")
    report(tmp_path, name="b.txt")
    report(tmp_path, "dear reader", name="readme.txt")
    report(tmp_path, REPORT + "x" * (1 << 20), name="c.NL.txt")
    os.mkfifo(tmp_path / "pipe.NL.txt")
    (tmp_path / "gone.NL.txt").symlink_to(tmp_path / "nowhere")
    outcomes = list(ingest_nightlogs(archive, [tmp_path, tmp_path / "absent.txt"]))
    reasons = {o.path.name: o.reason for o in outcomes}
    assert became(outcomes) == [
        ("a.NL.txt", "refused"),
        ("b.txt", "new"),
        ("c.NL.txt", "refused"),
        ("gone.NL.txt", "refused"),
        ("pipe.NL.txt", "refused"),
        ("absent.txt", "refused"),
    ]
    assert reasons["gone.NL.txt"] == reasons["absent.txt"] == "there is no such file"
    assert reasons["pipe.NL.txt"] == "no file"
    again = {o.path.name: (o.became, o.reason) for o in ingest_nightlogs(archive, [tmp_path])}
    assert again["a.NL.txt"] == (Became.REFUSED, reasons["a.NL.txt"])
    assert {Path(row.path).name for row in intake.refused(archive.database)} == {
        "a.NL.txt",
        "c.NL.txt",
        "gone.NL.txt",
        "pipe.NL.txt",
    }


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no line names a time and a quantity"),
        (b"\xff\xfe\x00" * 50_000, "no line names a time and a quantity"),
        (b"Date time,Flux RMS\n2018-06-05T01:06:00,1\n", "no line names a time and a quantity"),
        (HEADER.encode() + b"2018-06-05T01:06:00,x,,,\n", "no reading in it: 1 places cannot be read"),
    ],
    ids=["empty", "bytes", "unknown", "unread"],
)
def test_a_table_without_readings_is_refused(archive: Archive, tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    (outcome,) = ingest_ambient(archive, [tmp_path])
    assert outcome.became is Became.REFUSED
    assert reason in (outcome.reason or "")


def test_a_corrected_reading_takes_the_place_of_the_first(archive: Archive, tmp_path: Path) -> None:
    list(ingest_ambient(archive, [readings(tmp_path, "2018-06-05T01:06:00,0.6,,,\n2018-06-05T01:06:00,0.7,,,")]))
    expose(archive)
    assert conditions(archive)["dimm_seeing"] == pytest.approx(0.7)
    corrected = readings(tmp_path, "2018-06-05T01:06:00,0.8,,,", name="corrected.csv")
    assert [o.became for o in ingest_ambient(archive, [corrected])] == [Became.CHANGED]
    assert conditions(archive)["dimm_seeing"] == pytest.approx(0.8)


def test_readings_of_one_table_come_in_all_or_none(archive: Archive) -> None:
    def broken() -> Any:
        yield ("dimm_seeing", datetime(2018, 6, 5), 0.6, "arcsec")
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="went away"):
        nights.record_readings(archive.database, broken())
    assert nights.record_readings(archive.database, []) == nights.Tally(0, 0)
    with archive.database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM survey.ambient")) == 0


def test_a_file_that_was_changed_just_now_is_left_for_the_next_run(archive: Archive, tmp_path: Path) -> None:
    path = report(tmp_path)
    assert [o.became for o in ingest_nightlogs(archive, [tmp_path], settle=3600)] == [Became.POSTPONED]
    os.utime(path, (0, 0))
    assert [o.became for o in ingest_nightlogs(archive, [tmp_path], settle=3600)] == [Became.NEW]


def test_the_commands_tell_what_became_of_each_file(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSEVAULT_ROOT", str(tmp_path))
    monkeypatch.setenv("MUSEVAULT_DATABASE_URL", archive.database.url)
    folder = tmp_path / "night"
    folder.mkdir()
    path = report(folder)
    told = CliRunner().invoke(commands, ["nightlog", str(folder)])
    assert (told.exit_code, told.stdout) == (0, f"new        {path}: {KEY}\n1 new\n")
    told = CliRunner().invoke(commands, ["nightlog", "--json", str(folder)])
    assert json.loads(told.stdout) == {"path": str(path), "became": "known", "key": KEY, "reason": None}
    table = folder / "odd.csv"
    table.write_text(RULE)
    told = CliRunner().invoke(commands, ["ambient", str(folder)])
    assert told.exit_code == 1
    assert told.stdout.startswith(f"refused    {table}: no readings of the site's monitors")
    (tmp_path / "empty").mkdir()
    told = CliRunner().invoke(commands, ["nightlog", str(tmp_path / "empty")])
    assert (told.exit_code, told.stdout) == (0, "nothing to take in\n")
    with archive.database.reading() as session:
        runs = [(run.kind, run.seen, run.new, run.refused) for run in session.scalars(select(Run).order_by(Run.run_id))]
    assert runs == [("nightlog", 1, 1, 0), ("nightlog", 1, 0, 0), ("ambient", 1, 0, 1), ("nightlog", 0, 0, 0)]
