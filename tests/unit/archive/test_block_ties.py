"""Frames are tied to the log by rank within one start of the template; what disagrees is told with both values."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from archive.block_ties import Disagreement, Frame, LoggedBlock, LoggedPointing, Tie, ties
from archive.pointings_near import Spot, nearest, separation

P06 = LoggedPointing("NGC4254-P06", "NGC4254", 184.691941, 14.39909, "AO")
P05 = LoggedPointing("NGC4254-P05", "NGC4254", 184.708005, 14.39908, "AO")
P01 = LoggedPointing("NGC3627-P01", "NGC3627", 170.072929, 12.98949, "noAO")
POINTINGS = [P01, P05, P06]
START = datetime(2018, 6, 5, 1, 6, 43)
BLOCK = LoggedBlock("TPL.2018-06-05T01:06:43", "NGC4254-P06", START, (1, 3, 4))

OBJECTS = ("2018-06-05T01:06:59.418", "2018-06-05T01:20:00.418", "2018-06-05T01:36:25.418", "2018-06-05T01:52:57.422")


def frame(time: str, tag: str = "OBJECT", **facts: object) -> Frame:
    known = Frame(
        dp_id=f"MUSE.{time}",
        raw_tag=tag,
        tpl_start=START,
        mjd_obs=(datetime.fromisoformat(time) - datetime(1858, 11, 17)) / timedelta(days=1),
        ra=P06.ra,
        dec=P06.dec,
        ins_mode="WFM-AO-N",
        ao_mode="AO",
        programme_id="1100.B-0651",
        programme_known=True,
        science=True,
        from_header=True,
    )
    return replace(known, **facts)  # type: ignore[arg-type]


NIGHT = [
    frame(OBJECTS[3]),
    frame(OBJECTS[0]),
    frame("2018-06-05T01:18:10.001", "SKY", ra=184.9),
    frame(OBJECTS[2]),
    frame("2018-06-05T00:56:30.418", "ILLUM", ra=None, dec=None, ins_mode="WFM-NOAO-N"),
    frame(OBJECTS[1]),
]


def found(*frames: Frame, block: LoggedBlock = BLOCK) -> tuple[dict[str, Tie], list[Disagreement]]:
    tied, odd = ties([block], POINTINGS, frames)
    return {tie.dp_id: tie for tie in tied}, odd


def test_the_exposure_number_is_the_rank_of_objects_in_time_and_sky_frames_do_not_count() -> None:
    tied, odd = found(*NIGHT)
    assert [tied[f"MUSE.{time}"].rank for time in OBJECTS] == [1, 2, 3, 4]
    assert [tied[f"MUSE.{time}"].in_mosaic for time in OBJECTS] == [1, 0, 1, 1]
    assert tied[f"MUSE.{OBJECTS[0]}"] == Tie(
        f"MUSE.{OBJECTS[0]}", "TPL.2018-06-05T01:06:43", "NGC4254-P06", "NGC4254", 1, 1
    )
    assert odd == []


def test_a_sky_frame_belongs_to_the_block_but_to_no_pointing_and_a_lamp_to_nothing() -> None:
    tied, _ = found(*NIGHT)
    sky = "MUSE.2018-06-05T01:18:10.001"
    assert tied[sky] == Tie(sky, "TPL.2018-06-05T01:06:43", None, "NGC4254", None, 0)
    lamp = "MUSE.2018-06-05T00:56:30.418"
    assert tied[lamp] == Tie(lamp)


def test_starts_are_the_same_to_the_second() -> None:
    tied, odd = found(*(replace(f, tpl_start=START + timedelta(milliseconds=873)) for f in NIGHT))
    assert tied[f"MUSE.{OBJECTS[3]}"].rank == 4
    assert odd == []


def test_frames_without_a_time_come_last_in_the_order_of_their_names() -> None:
    tied, _ = found(*(replace(f, mjd_obs=None) if f.dp_id.endswith(OBJECTS[0]) else f for f in NIGHT))
    assert tied[f"MUSE.{OBJECTS[0]}"].rank == 4


@pytest.mark.parametrize(
    ("frames", "kind", "words"),
    [
        (NIGHT[:3], "rank-missing", "exposures 1-3-4, but 2 OBJECT frames are known: none is number 3, 4"),
        (
            [replace(f, dec=P06.dec + 12 / 3600) if f.dp_id.endswith(OBJECTS[0]) else f for f in NIGHT],
            "position",
            "the first frame used, MUSE.2018-06-05T01:06:59.418, is at 184.691941 +14.402423: 12.0 arcsec apart",
        ),
        (
            [replace(f, ins_mode="WFM-AO-E") if f.dp_id.endswith(OBJECTS[2]) else f for f in NIGHT],
            "mode",
            "several instrument modes: WFM-AO-E (1 frame), WFM-AO-N (4 frames)",
        ),
        (
            [replace(f, ao_mode="noAO") for f in NIGHT],
            "ao",
            "NGC4254-P06 as AO, the headers have noAO (4 frames)",
        ),
        (
            [replace(f, programme_id="0101.X-9999", programme_known=False) for f in NIGHT],
            "programme-unknown",
            "does not name: 0101.X-9999 (4 frames)",
        ),
        (
            [replace(f, programme_id="095.C-0473") if f.dp_id.endswith(OBJECTS[1]) else f for f in NIGHT],
            "programmes",
            "several programmes: 095.C-0473 (1 frame), 1100.B-0651 (4 frames)",
        ),
    ],
    ids=["rank", "position", "mode", "ao", "programme", "programmes"],
)
def test_what_disagrees_in_a_block_is_told_with_both_values(frames: list[Frame], kind: str, words: str) -> None:
    _, odd = found(*frames)
    assert [(o.kind, o.subject) for o in odd] == [(kind, "TPL.2018-06-05T01:06:43")]
    assert words in odd[0].message


def test_a_frame_left_out_of_the_mosaic_may_lie_anywhere() -> None:
    _, odd = found(*(replace(f, ra=184.8) if f.dp_id.endswith(OBJECTS[1]) else f for f in NIGHT))
    assert odd == []


def test_a_rank_is_not_missed_before_a_header_was_read() -> None:
    _, odd = found(*(replace(f, from_header=False) for f in NIGHT[:2]))
    assert odd == []
    _, odd = found(replace(NIGHT[0], from_header=False), NIGHT[1])
    assert [o.kind for o in odd] == ["rank-missing"]


@pytest.mark.parametrize(("off", "pointing"), [(5.0, "NGC4254-P06"), (29.0, "NGC4254-P06"), (45.0, None)])
def test_a_start_that_the_log_does_not_know_is_told_and_tied_by_position(off: float, pointing: str | None) -> None:
    later = frame(OBJECTS[0], tpl_start=datetime(2018, 6, 6, 3, 0, 1), dec=P06.dec - off / 3600)
    tied, odd = found(later)
    target = "NGC4254" if pointing else None
    assert tied[later.dp_id] == Tie(later.dp_id, None, pointing, target, None, 0 if pointing else None)
    assert [(o.kind, o.subject) for o in odd] == [("start-unknown", later.dp_id)]
    assert f"{off:.1f} arcsec from NGC4254-P06, but the log has no template that began at 2018-06-06T03:00:01" in (
        odd[0].message
    )


@pytest.mark.parametrize(
    "nobodys",
    [
        frame(OBJECTS[0], tpl_start=None, ra=10.0),
        frame(OBJECTS[0], tpl_start=None, ra=None),
        frame(OBJECTS[0], "SKY", tpl_start=None),
        frame(OBJECTS[0], tpl_start=None, science=False),
    ],
    ids=["far", "nowhere", "sky", "calibration"],
)
def test_frames_elsewhere_and_frames_that_are_no_science_are_nobodys(nobodys: Frame) -> None:
    tied, odd = found(nobodys)
    assert list(tied.values()) == [Tie(nobodys.dp_id)]
    assert odd == []


def test_a_programme_that_the_survey_does_not_name_is_told_of_any_science_frame() -> None:
    _, odd = found(frame(OBJECTS[0], tpl_start=None, ra=10.0, programme_id=None, programme_known=False))
    assert [(o.kind, o.subject) for o in odd] == [("programme-unknown", f"MUSE.{OBJECTS[0]}")]
    assert "none (1 frame)" in odd[0].message


def test_distances_are_great_circles_and_the_nearest_spot_is_found_across_the_origin() -> None:
    assert separation(184.691941, 14.39909, 184.708005, 14.39908) == pytest.approx(56.01, abs=0.01)
    assert separation(0.0, 90.0, 123.0, 90.0) == pytest.approx(0.0, abs=1e-9)
    spots = sorted([Spot(0.0, 359.999, "west"), Spot(0.001, 0.01, "east"), Spot(40.0, 0.0, "north")])
    name, off = nearest(spots, 0.0, 0.0, within=60.0) or ("", 0.0)
    assert (name, round(off, 6)) == ("west", 3.6)
    assert nearest(spots, 180.0, 0.0, within=60.0) is None
