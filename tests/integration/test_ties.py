"""Frames and the survey's log come together, whatever came first, and what disagrees is on record."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select, update

from archive import ties
from archive.archive import Archive
from archive.ties import Refreshed
from ingest.releases import ingest_release
from schema.exposures import Exposure
from schema.findings import Finding
from schema.observations import ObservingBlock, Programme
from tests.support.archives import SURVEY

P06 = datetime(2018, 6, 5, 1, 6, 43)
P06_TIMES = ("2018-06-05T01:06:59.418", "2018-06-05T01:20:00.418", "2018-06-05T01:36:25.418", "2018-06-05T01:52:57.422")
P01 = datetime(2018, 1, 25, 7, 19, 9)
P01_TIMES = ("2018-01-25T07:19:50.461", "2018-01-25T07:36:07.461", "2018-01-25T07:48:51.461", "2018-01-25T08:05:08.461")


def raw(time: str, tpl_start: datetime, **facts: Any) -> dict[str, Any]:
    """A science frame of NGC4254's sixth pointing as its header has it, unless told otherwise."""
    start = datetime.fromisoformat(time)
    return {
        "dp_id": f"MUSE.{time}",
        "known_from": "header",
        "raw_tag": "OBJECT",
        "dp_cat": "SCIENCE",
        "tpl_start": tpl_start,
        "exp_start": start,
        "mjd_obs": (start - datetime(1858, 11, 17)) / timedelta(days=1),
        "ra": 184.691941,
        "dec": 14.39909,
        "ins_mode": "WFM-AO-N",
        "ao_mode": "AO",
        "programme_id": "1100.B-0651",
        "eso_ob_id": 1989464,
        **facts,
    }


def of_p01(time: str) -> dict[str, Any]:
    return raw(time, P01, ra=170.072929, dec=12.98949, ins_mode="WFM-NOAO-N", ao_mode="noAO", eso_ob_id=1851234)


def add(archive: Archive, *frames: dict[str, Any]) -> set[datetime | None]:
    with archive.database.transaction() as session:
        for programme in {frame["programme_id"] for frame in frames} - {None}:
            session.merge(Programme(programme_id=programme))
        session.flush()
        session.add_all(Exposure(**frame) for frame in frames)
    return {frame["tpl_start"] for frame in frames}


def seen(archive: Archive, time: str) -> tuple[str | None, str | None, str | None, int | None, int | None]:
    with archive.database.reading() as session:
        frame = session.get_one(Exposure, f"MUSE.{time}")
        return (frame.observing_block_id, frame.pointing_id, frame.target, frame.rank, frame.in_mosaic)


def findings(archive: Archive) -> set[tuple[str, str]]:
    query = select(Finding.kind, Finding.subject).where(Finding.origin == ties.ORIGIN)
    with archive.database.reading() as session:
        return {(kind, subject) for kind, subject in session.execute(query)}


def test_frames_find_their_block_and_the_block_learns_its_programme(survey: Archive) -> None:
    starts = add(survey, *(raw(time, P06) for time in P06_TIMES), *(of_p01(time) for time in P01_TIMES))
    assert ties.refresh(survey.database, starts) == Refreshed(exposures=8, blocks=2, findings=0)
    assert [seen(survey, time)[3:] for time in P06_TIMES] == [(1, 1), (2, 0), (3, 1), (4, 1)]
    assert seen(survey, P01_TIMES[0]) == ("TPL.2018-01-25T07:19:09", "NGC3627-P01", "NGC3627", 1, 1)
    with survey.database.reading() as session:
        block = session.get_one(ObservingBlock, "TPL.2018-06-05T01:06:43")
    assert (block.programme_id, block.eso_ob_id) == ("1100.B-0651", 1989464)
    assert findings(survey) == set()


def test_a_second_time_changes_no_row(survey: Archive) -> None:
    starts = add(survey, raw(P06_TIMES[0], P06), raw(P06_TIMES[1], P06, ao_mode="noAO"))
    first = ties.refresh(survey.database, starts)
    assert first == Refreshed(exposures=2, blocks=1, findings=2)
    before = written(survey)
    assert ties.refresh(survey.database, starts) == ties.refresh(survey.database, None) == Refreshed()
    assert written(survey) == before


def written(archive: Archive) -> list[tuple[Any, ...]]:
    """The transactions that wrote the rows: whoever writes one again leaves a trace."""
    query = """
        SELECT dp_id, xmin::text FROM survey.exposure
        UNION ALL SELECT observing_block_id, xmin::text FROM survey.observing_block
        UNION ALL SELECT kind || subject, xmin::text FROM survey.finding ORDER BY 1
    """
    with psycopg.connect(archive.database.url) as connection:
        return connection.execute(query).fetchall()


def test_what_comes_later_mends_what_was_found(survey: Archive) -> None:
    ties.refresh(survey.database, add(survey, *(raw(time, P06) for time in P06_TIMES[:2])))
    assert findings(survey) == {("rank-missing", "TPL.2018-06-05T01:06:43")}
    ties.refresh(survey.database, add(survey, *(raw(time, P06) for time in P06_TIMES[2:])))
    assert findings(survey) == set()


def test_an_earlier_frame_that_comes_late_moves_the_ranks(survey: Archive) -> None:
    ties.refresh(survey.database, add(survey, *(of_p01(time) for time in P01_TIMES[1:])))
    assert seen(survey, P01_TIMES[3])[3] == 3
    ties.refresh(survey.database, add(survey, of_p01(P01_TIMES[0])))
    assert [seen(survey, time)[3] for time in P01_TIMES] == [1, 2, 3, 4]


def test_findings_on_other_blocks_stay(survey: Archive) -> None:
    ties.refresh(survey.database, add(survey, raw(P06_TIMES[0], P06)))
    ties.refresh(survey.database, add(survey, of_p01(P01_TIMES[0])))
    assert {subject for _, subject in findings(survey)} == {"TPL.2018-06-05T01:06:43", "TPL.2018-01-25T07:19:09"}
    with survey.database.reading() as session:
        others = session.scalar(select(func.count()).where(Finding.origin != ties.ORIGIN))
    assert others


def test_frames_may_come_before_the_log(archive: Archive) -> None:
    starts = add(
        archive, *(raw(time, P06) for time in P06_TIMES), raw("2018-06-05T03:00:00.000", P06, programme_id="x")
    )
    assert ties.refresh(archive.database, starts) == Refreshed()
    ingest_release(archive.database, SURVEY)
    assert seen(archive, P06_TIMES[2]) == ("TPL.2018-06-05T01:06:43", "NGC4254-P06", "NGC4254", 3, 1)
    assert findings(archive) == {
        ("programme-unknown", "TPL.2018-06-05T01:06:43"),
        ("programmes", "TPL.2018-06-05T01:06:43"),
    }


def test_a_corrected_log_ties_anew(survey: Archive, tmp_path: Path) -> None:
    ties.refresh(survey.database, add(survey, *(raw(time, P06) for time in P06_TIMES)))
    folder = Path(shutil.copytree(SURVEY, tmp_path / "corrected"))
    blocks = folder / "observing_blocks.csv"
    blocks.write_text(blocks.read_text().replace("01:06:43,NGC4254 P06,1-3-4", "01:06:43,NGC4254 P05,1-2-4"))
    assert ingest_release(survey.database, folder).changed
    assert [seen(survey, time)[4] for time in P06_TIMES] == [1, 1, 0, 1]
    assert seen(survey, P06_TIMES[0])[1] == "NGC4254-P05"
    assert findings(survey) == {("position", "TPL.2018-06-05T01:06:43")}


def test_a_frame_beside_a_pointing_and_frames_that_tell_little(survey: Archive) -> None:
    beside = raw("2019-01-01T05:00:00.000", datetime(2019, 1, 1, 4, 59), dec=14.40009)
    bare = {"dp_id": "MUSE.2019-01-02T05:00:00.000", "raw_tag": "OBJECT", "tpl_start": None, "programme_id": None}
    lamp = raw("2019-01-03T15:00:00.000", datetime(2019, 1, 3, 14), raw_tag="FLAT", programme_id="60.A-9100")
    done = ties.refresh(survey.database, add(survey, beside, bare, lamp))
    assert done == Refreshed(exposures=1, findings=2)
    assert seen(survey, "2019-01-01T05:00:00.000") == (None, "NGC4254-P06", "NGC4254", None, 0)
    assert findings(survey) == {("start-unknown", beside["dp_id"]), ("programme-unknown", bare["dp_id"])}
    assert ties.refresh(survey.database, None) == Refreshed()


def test_a_frame_that_turns_out_to_be_no_science_is_let_go(survey: Archive) -> None:
    starts = add(survey, raw(P06_TIMES[0], P06), raw("2019-01-01T05:00:00.000", datetime(2019, 1, 1, 4, 59)))
    ties.refresh(survey.database, starts)
    with survey.database.transaction() as session:
        session.execute(update(Exposure).values(raw_tag="STD"))
    assert ties.refresh(survey.database, None).findings == 2
    assert seen(survey, P06_TIMES[0]) == seen(survey, "2019-01-01T05:00:00.000") == (None,) * 5
    assert findings(survey) == set()


@pytest.mark.parametrize("starts", [set(), {datetime(1999, 1, 1)}], ids=["none", "unheard-of"])
def test_nothing_touched_is_nothing_done(survey: Archive, starts: set[datetime | None]) -> None:
    assert ties.refresh(survey.database, starts) == Refreshed()
