"""Night-log reports are read as they come: blocks missing, times past midnight, comments over several lines."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.errors import Refused
from ingest.nightlog import Execution, Report, parse
from ingest.nightlog_blocks import Constraint
from ingest.nightlog_rows import findings, report_id, rows
from ingest.nightlog_text import decode, looks_like_a_report, night_of_link, span
from tests.support.nightlogs import REPORT, RULE, WEATHER


def execution(report: Report) -> Execution:
    assert report.execution is not None
    return report.execution


def kinds(report: Report) -> list[str]:
    return [oddity.kind for oddity in report.oddities]


def without(start: str) -> str:
    """The report without the block that begins so."""
    return f"{RULE}\n".join(b for b in REPORT.split(f"{RULE}\n") if not b.lstrip().startswith(start))


def test_a_whole_report_is_read() -> None:
    report = parse(REPORT)
    done = execution(report)
    assert report.oddities == ()
    assert report.night == "2018-06-04"
    assert report.ranges == {
        "seeing": (0.41, 1.3),
        "humidity": (4.0, 21.0),
        "wind": (2.5, 9.8),
        "temperature": (-1.5, 3.2),
    }
    assert report.comment == "a good night"
    assert (done.ob_id, done.ob_start) == (1989464, datetime(2018, 6, 5, 0, 49, 12))
    assert (done.ob_name, done.target_name, done.run_id) == ("NGC4254-P06", "NGC4254", "1100.B-0651(B)")
    assert (done.instrument, done.container) == ("MUSE", None)
    assert done.comment == "second exposure: the star was lost\nand found again"
    assert (done.grade, done.completed, done.within_constraints) == ("B", True, True)


def test_times_after_midnight_are_of_the_next_day_and_comments_may_go_on() -> None:
    notes = parse(REPORT).weather
    assert [(n.observed.isoformat(), n.conditions) for n in notes] == [
        ("2018-06-04T22:51:00", "ThinCirrus"),
        ("2018-06-04T23:40:00", "Clear"),
        ("2018-06-05T01:15:00", "Clear"),
        ("2018-06-05T03:02:00", "Photometric"),
    ]
    assert [n.comment for n in notes] == [
        "a veil in the west",
        None,
        "veil is gone",
        "no cloud since an hour\nNew update\nwind is falling",
    ]


def test_constraints_are_kept_or_not_or_not_judged_and_some_rows_are_short() -> None:
    assert execution(parse(REPORT)).constraints == (
        Constraint("Seeing", fulfilled=True, requested="0.8"),
        Constraint("Sky transparency", fulfilled=True, requested="CLEAR"),
        Constraint("Airmass", fulfilled=False, requested="1.5"),
        Constraint("FLI", fulfilled=None, requested="0.5"),
        Constraint("Water Vapour", fulfilled=None, requested="30.0"),
        Constraint("Fringe Quality", fulfilled=None, requested=None),
    )


def test_frames_know_their_template_and_what_was_not_measured_is_none() -> None:
    first, second, sky = execution(parse(REPORT)).frames
    assert (first.dp_id, first.origfile) == ("MUSE.2018-06-05T01:06:59.418", "MUSE_WFM-AO_OBS156_0001.fits")
    assert (first.tpl_expno, first.tpl_nexp, first.exptime, first.airmass, first.dimm_fwhm) == (1, 4, 645, 1.402, 0.62)
    assert (first.data_product, first.ins_mode) == ("SCIENCE/OBJECT/IFU", "WFM-AO-N")
    assert second.dimm_fwhm is None
    assert sky.data_product == "SCIENCE/SKY/IFU"


@pytest.mark.parametrize(
    ("missing", "night"),
    [
        ("See:", "2018-06-04"),
        ("Weather observations", "2018-06-04"),
        ("General weather", "2018-06-04"),
        ("OB:", "2018-06-04"),
        ("OBS.ID", "2018-06-04"),
        ("Constraint", "2018-06-04"),
        ("Original Filename", "2018-06-04"),
        ("OB Grades", "2018-06-04"),
    ],
    ids=lambda value: value.split()[0].strip(":"),
)
def test_any_block_may_be_missing(missing: str, night: str) -> None:
    report = parse(without(missing))
    assert (report.night, report.oddities) == (night, ())
    assert execution(report).ob_id == 1989464


@pytest.mark.parametrize(
    ("removed", "identifier"),
    [
        ((), "OB.1989464.2018-06-05T00:49:12"),
        (("OBS.START: 2018-06-05T00:49:12",), "MUSE.2018-06-05T01:06:59.418"),
        (("OB:         1989464", "OBS.ID: 1989464"), "MUSE.2018-06-05T01:06:59.418"),
    ],
    ids=["whole", "no-start", "no-number"],
)
def test_the_night_and_the_identifier_come_from_what_there_is(removed: tuple[str, ...], identifier: str) -> None:
    text = without("See:")
    for line in removed:
        text = text.replace(line, "")
    report = parse(text)
    assert (report_id(report), report.night) == (identifier, "2018-06-04")


def test_a_night_alone_is_a_report_and_rubbish_is_none() -> None:
    report = parse(f"{WEATHER}{RULE}\nSee: http://x/?night=4+Jun+2018&site=paranal\n")
    assert (report.execution, report.night, len(report.weather)) == (None, "2018-06-04", 4)
    assert report_id(report) == "2018-06-04"
    for text in ("", "hello", f"{RULE}\n{RULE}\n", WEATHER, "OB: none\n"):
        with pytest.raises(Refused, match="no observation block, no frame and no night"):
            parse(text)


def test_an_execution_of_unknown_time_keeps_its_grade_and_tells_that_the_weather_has_no_date() -> None:
    report = parse(f"{WEATHER}{RULE}\nOB: 12\n{RULE}\nGrade: C\n")
    assert (report.night, report.weather, kinds(report)) == (None, (), ["weather"])
    done = execution(report)
    assert (done.grade, done.completed, done.within_constraints) == ("C", False, False)
    assert report_id(report) == "OB.12.undated"


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("0.41 - 1.3", "fine", "range"),
        ("03:02\t", "27:02\t", "weather"),
        ("01:15\t", "23:40\t", "weather"),
        ("22:51\t", "early on\n22:51\t", "weather"),
        ("Seeing:          \tYes", "Seeing:          \tperhaps", "constraint"),
        ("FLI:   ", "Airmass:", "constraint"),
        ("\t \tB", "\t \tQ", "grade"),
        ("OB:         1989464", "OB:         soon", "ob-id"),
        ("OBS.ID: 1989464", "OBS.ID: 1989465", "ob-id"),
        ("2018-06-05T00:49:12", "five past", "ob-start"),
        ("2018-06-05T00:49:12", "2018-06-06T00:49:12", "night"),
        ("MUSE.2018-06-05T01:06:59.418\t", "lost\t", "frame"),
        ("T01:20:00.418\t", "T01:06:59.418\t", "frame"),
        ("Wind:  ", "Draught:  ", "conditions"),
        (f"{RULE}\nOB Grades", f"{RULE}\nAdvertisement\n{RULE}\nOB Grades", "block"),
    ],
)
def test_what_cannot_be_read_is_told_and_the_rest_is_kept(old: str, new: str, kind: str) -> None:
    assert old in REPORT
    report = parse(REPORT.replace(old, new, 1))
    assert kinds(report) == [kind]
    assert execution(report).ob_id == 1989464
    (finding,) = findings(report)
    assert (finding.origin, finding.kind) == (f"nightlog:{report_id(report)}", f"nightlog-{kind}")


def test_a_grade_may_be_missing_or_none() -> None:
    for words in ("\t \t_", "", "-"):
        assert execution(parse(REPORT.replace("\t \tB", words))).grade is None
    assert execution(parse(REPORT.replace("\t \tB", " x"))).completed is False


def test_people_may_draw_lines_in_their_comments() -> None:
    report = parse(REPORT.replace("and found again", f"{RULE}\nand found again"))
    assert execution(report).comment == "second exposure: the star was lost\nand found again"
    assert report.oddities == ()


def test_a_title_may_stand_above_a_line_of_its_own() -> None:
    report = parse(REPORT.replace("Comments:\nsecond", f"Comments:\n{RULE}\nsecond"))
    assert (execution(report).comment or "").startswith("second exposure")


def test_line_ends_and_letters_of_other_systems_are_read_the_same() -> None:
    text = REPORT.replace("a veil", "a v\u00e9il")
    dos = decode(text.replace("\n", "\r\n").encode("latin-1"))
    assert parse(dos) == parse(decode(text.encode())) == parse(decode(b"\xef\xbb\xbf" + text.encode()))
    assert parse(dos).weather[0].comment == "a v\u00e9il in the west"
    assert "\0" not in decode(b"OB: 1\0")


def test_blanks_may_stand_for_tabs() -> None:
    text = REPORT.replace("\t\t", "\t").replace("\t", "   ")
    report = parse(text)
    assert [n.conditions for n in report.weather] == ["ThinCirrus", "Clear", "Clear", "Photometric"]
    assert len(execution(report).frames) == 3


def test_a_report_is_known_by_its_blocks() -> None:
    assert looks_like_a_report(REPORT)
    assert not looks_like_a_report("Dear all,\nOB: the new ones\n-----\nComments: none\n")


@pytest.mark.parametrize(
    ("words", "read"),
    [
        ('0.29 - 1.1"', (0.29, 1.1)),
        ("-3.1 - -0.5 C", (-3.1, -0.5)),
        ("5 %", (5.0, 5.0)),
        ("7.1-0.2 m/s", (0.2, 7.1)),
        ("n/a", None),
        ("", None),
    ],
)
def test_ranges(words: str, read: tuple[float, float] | None) -> None:
    assert span(words) == read


@pytest.mark.parametrize(
    ("link", "night"),
    [
        ("ambient-server?night=15+Jun+2017&site=paranal", "2017-06-15"),
        ("night=1%20January%202020", "2020-01-01"),
        ("night=31+Feb+2017", None),
        ("night=15+Lun+2017", None),
        ("night=15+Jun+0001", None),
    ],
)
def test_nights_of_links(link: str, night: str | None) -> None:
    assert night_of_link(link) == night


def test_a_report_becomes_rows() -> None:
    made = rows(parse(REPORT), text=REPORT, sha256="00")
    assert made.night is not None
    assert made.report is not None
    assert (made.night.night, made.night.seeing_min, made.night.temperature_max) == ("2018-06-04", 0.41, 3.2)
    assert (made.report.completed, made.report.text) == (1, REPORT)
    assert (len(made.weather), len(made.constraints), len(made.exposures)) == (4, 6, 3)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from([*REPORT.splitlines(), RULE, "OB:", "OBS.START: 9999-12-31T23:00:00", "\t\t", ":", "22:61\tx"])
        | st.text(max_size=30),
        max_size=60,
    )
)
def test_no_text_at_all_breaks_the_reader(lines: list[str]) -> None:
    try:
        report = parse("\n".join(lines))
    except Refused:
        return
    rows(report, text="", sha256="")
    findings(report)
