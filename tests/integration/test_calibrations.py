"""Calibrations in the catalogue: found around every frame, kept as rows, brought up to date, shown and linked."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, select, text, update

from archive.archive import Archive
from archive.association import Association as Tree
from archive.association_rules import Mode
from archive.calibrations import affected, associations, refresh
from archive.calibrations_cli import calibrations
from schema.calibrations import Association, AssociationMember
from schema.exposures import Exposure
from tests.support import archives
from tests.support.calibrations import (
    ILLUM,
    MASTERS,
    SCIENCE,
    add,
    add_master,
    add_masters,
    frames,
    master_id,
    mjd,
    publish_file,
)

Musevault = Callable[..., Result]
LATER = (("OBJECT", "2019-03-01T02:00:00.000", 1, 0),)
LATER_ID = "MUSE.2019-03-01T02:00:00.000"
SOME_BIASES = (("BIAS", "2018-06-05T00:10:00.000", 5, 60),)


@pytest.fixture
def night(archive: Archive) -> Archive:
    add(archive.database, *frames())
    return archive


@pytest.fixture(scope="module")
def whole(server: str, empty_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """The night with its masters, the files of frame, ILLUM and masters, and two later frames; to be read only."""
    root = tmp_path_factory.mktemp("whole")
    with archives.fresh_database(server, template=empty_template) as url, archives.opened(url, root) as archive:
        add(archive.database, *frames(), *frames((*LATER, ("OBJECT", "2018-08-20T10:30:00.000", 1, 0))))
        add_masters(archive)
        for dp_id in (SCIENCE, ILLUM):
            publish_file(archive, dp_id, f"{dp_id}.fits.fz", kind="exposure")
        yield archive


@pytest.fixture
def musevault(whole: Archive, monkeypatch: pytest.MonkeyPatch) -> Musevault:
    monkeypatch.setenv("MUSEVAULT_ROOT", str(whole.settings.root))
    monkeypatch.setenv("MUSEVAULT_DATABASE_URL", whole.database.url)
    return lambda *words: CliRunner().invoke(calibrations, [str(word) for word in words])


def tree(archive: Archive, mode: Mode = Mode.RAW, dp_id: str = SCIENCE) -> Tree:
    (found,) = associations(archive.database, [dp_id], mode)
    return found


def counts(found: Tree) -> dict[str, int]:
    return {member.tag: len(member.files) for member in found.members}


def rows(archive: Archive, mode: Mode, dp_id: str = SCIENCE) -> tuple[Association, list[AssociationMember]]:
    with archive.database.reading() as session:
        whole = session.get_one(Association, (dp_id, mode))
        members = select(AssociationMember).where(AssociationMember.dp_id == dp_id, AssociationMember.mode == mode)
        return whole, list(session.scalars(members))


def stamps(archive: Archive) -> list[str]:
    """Which transaction wrote each row."""
    query = """
        SELECT concat_ws(' ', xmin, a) FROM survey.association AS a
        UNION ALL SELECT concat_ws(' ', xmin, m) FROM survey.association_member AS m ORDER BY 1
    """
    with archive.database.reading() as session:
        return list(session.scalars(text(query)))


def test_a_night_has_all_that_its_frames_need(whole: Archive) -> None:
    found = tree(whole)
    assert (found.complete, found.certified, found.lacking) == (True, True, ())
    assert {tag: count for tag, count in counts(found).items() if tag not in MASTERS} == {
        "BIAS": 11,
        "DARK": 5,
        "FLAT": 11,
        "ARC": 15,
        "SKYFLAT": 4,
        "ILLUM": 1,
        "STD": 1,
    }
    assert next(member.files[0].dp_id for member in found.members if member.tag == "ILLUM") == ILLUM


def test_masters_are_the_seventeen_that_eso_gives(night: Archive) -> None:
    add_masters(night)
    for number, tag in enumerate(MASTERS):  # of other times, modes and read-outs there are more
        add_master(night, f"old-{number}", tag, datetime(2018, 5, 1))
        add_master(night, f"other-{number}", tag, datetime(2018, 3, 4), ins_mode="NFM-AO-N", detector_read_name="X")
    found = tree(night, Mode.MASTER)
    assert (found.certified, found.lacking) == (True, ())
    given = {member.tag: [file.dp_id for file in member.files] for member in found.members}
    assert given == {"ILLUM": [ILLUM], **{tag: [master_id(number)] for number, tag in enumerate(MASTERS)}}


def test_a_lone_frame_lacks_everything(archive: Archive) -> None:
    add(archive.database, *frames(LATER))
    found = tree(archive, Mode.MASTER, LATER_ID)
    assert not found.complete
    assert "MASTER_BIAS: none with read-out SCI1.0" in found.lacking
    assert "LSF_PROFILE: none with mode WFM-AO-N and read-out SCI1.0" in found.lacking


def test_what_is_too_far_off_counts_as_not_there(whole: Archive) -> None:
    assert "BIAS: none of 3 frames or more with read-out SCI1.0" in tree(whole, dp_id=LATER_ID).lacking
    near = tree(whole, dp_id="MUSE.2018-08-20T10:30:00.000")
    assert (near.complete, near.certified) == (True, False)
    assert near.faults[0] == "BIAS: nearest is 76.0 d away, the rules allow 3"


def test_templates_that_were_broken_off_are_passed_over_one_by_one(night: Archive) -> None:
    for day in range(1, 5):
        add(night.database, *frames((("BIAS", f"2018-06-05T0{day}:40:00.000", 2, 10),)))
    biases = next(member for member in tree(night).members if member.tag == "BIAS")
    assert len(biases.files) == 11


def test_sky_frames_of_the_same_template_come_with_the_frame(night: Archive) -> None:
    start = next(frame.tpl_start for frame in frames() if frame.dp_id == SCIENCE)
    add(night.database, *frames((("SKY", "2018-06-05T01:30:00.000", 1, 0),), tpl_start=start))
    add(night.database, *frames((("SKY", "2018-06-05T03:30:00.000", 1, 0),)))
    assert counts(tree(night))["SKY"] == 1
    assert "MUSE.2018-06-05T01:30:00.000" in {file for _, file in tree(night).calibrations}


def test_a_frame_without_template_stands_alone(night: Archive) -> None:
    add(night.database, *frames((("STD", "2018-06-05T01:00:00.000", 2, 60),), tpl_start=None))
    assert counts(tree(night))["STD"] == 1


def test_what_is_not_known_to_the_archive_is_not_there(whole: Archive) -> None:
    asked = ["nothing", SCIENCE, "\0", ILLUM, SCIENCE]
    assert [found.files[0].dp_id for found in associations(whole.database, asked, Mode.RAW)] == [SCIENCE, ILLUM]


def test_the_rows_say_what_the_tree_says(night: Archive) -> None:
    add_masters(night)
    assert refresh(night.database, [SCIENCE, ILLUM, "nothing"]) == 1
    for mode in Mode:
        found = tree(night, mode)
        whole, members = rows(night, mode)
        assert (whole.complete, whole.certified, whole.lacking) == (1, 1, None)
        assert {(member.tag, member.file_id) for member in members} == set(found.calibrations)
    bias = next(member for member in members if member.tag == "MASTER_BIAS")
    assert bias.delta_mjd == pytest.approx(mjd(datetime(2018, 6, 4, 10)) - found.files[0].mjd)  # type: ignore[operator]
    assert bias.within_rules == 1


def test_refreshing_twice_writes_nothing(night: Archive) -> None:
    add_masters(night)
    ids = [frame.dp_id for frame in frames()]
    assert refresh(night.database, ids) == 4
    before = stamps(night)
    assert refresh(night.database, ids) == 0
    assert stamps(night) == before
    assert len(before) > 4 * 60


def test_only_what_differs_is_written(night: Archive) -> None:
    refresh(night.database, [SCIENCE])
    before = stamps(night)
    add(night.database, *frames(SOME_BIASES))
    assert refresh(night.database, [SCIENCE]) == 1
    assert len(set(before) & set(stamps(night))) > 0.6 * len(before)
    _, members = rows(night, Mode.RAW)
    assert sum(member.tag == "BIAS" for member in members) == 16  # the next day's flats and arcs keep theirs


def test_a_frame_that_is_no_science_any_more_loses_its_rows(night: Archive) -> None:
    refresh(night.database, [SCIENCE])
    with night.database.transaction() as session:
        session.execute(update(Exposure).where(Exposure.dp_id == SCIENCE).values(raw_tag="ILLUM"))
    assert refresh(night.database, [SCIENCE]) == 1
    assert stamps(night) == []


def test_what_is_lacking_is_kept_in_words(night: Archive) -> None:
    with night.database.transaction() as session:
        session.execute(delete(Exposure).where(Exposure.raw_tag == "STD"))
    refresh(night.database, [SCIENCE])
    whole, _ = rows(night, Mode.RAW)
    assert (whole.complete, whole.certified, whole.lacking) == (0, 0, "STD: none with mode WFM-AO-N")


def is_concerned(archive: Archive, days: float) -> bool:
    """Whether calibrations so many days after the night concern its science frame."""
    moment = mjd(datetime(2018, 6, 5)) + days
    return SCIENCE in affected(archive.database, moment, moment + 0.1)


def test_new_calibrations_concern_the_frames_within_reach(night: Archive) -> None:
    add_masters(night)
    refresh(night.database, [SCIENCE])
    assert [is_concerned(night, days) for days in (-60, -40, 0, 40, 60)] == [False, True, True, True, False]
    assert SCIENCE in affected(night.database, 0.0, 0.0, statics=True)


def test_a_frame_that_lacks_something_may_find_it_further_off(night: Archive) -> None:
    with night.database.transaction() as session:
        session.execute(delete(Exposure).where(Exposure.raw_tag == "STD"))
    refresh(night.database, [SCIENCE])
    assert [is_concerned(night, days) for days in (-60, 60, 900)] == [True, True, False]


def test_a_nearer_standard_star_concerns_frames_far_off(night: Archive) -> None:
    add(night.database, *frames((("OBJECT", "2018-12-01T02:00:00.000", 1, 0),)))
    refresh(night.database, [frame.dp_id for frame in frames()] + ["MUSE.2018-12-01T02:00:00.000"])
    std = (("STD", "2018-08-01T02:00:00.000", 1, 0),)
    add(night.database, *frames(std))
    moment = mjd(datetime(2018, 8, 1, 2))
    assert "MUSE.2018-12-01T02:00:00.000" in affected(night.database, moment, moment)


def test_the_command_lists_calibrations(musevault: Musevault) -> None:
    result = musevault(SCIENCE)
    assert result.exit_code == 0
    assert result.output.splitlines()[0] == f"{SCIENCE}  OBJECT  Raw2Raw  certified"
    assert any(line.split() == ["ILLUM", ILLUM, "-0.007", "d"] for line in result.output.splitlines())


def test_the_command_gives_json(musevault: Musevault) -> None:
    result = musevault(SCIENCE, ILLUM, "--mode", "Raw2Master", "--json")
    answers = [json.loads(line) for line in result.output.splitlines()]
    assert [answer["files"] for answer in answers] == [[SCIENCE], [ILLUM]]
    assert {each["tag"] for each in answers[0]["calibrations"]} == {"ILLUM", *MASTERS}


def test_the_command_gives_xml_of_one_frame(musevault: Musevault) -> None:
    assert musevault(SCIENCE, "--xml").output.startswith("<?xml")
    assert musevault(SCIENCE, ILLUM, "--xml").exit_code == 2


def sof_lines(output: str) -> Sequence[tuple[Path, str]]:
    return [(Path(line.split(" ")[0]), line.split(" ")[1]) for line in output.splitlines()]


def test_a_set_of_frames_has_names_that_esorex_takes(musevault: Musevault, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    asked = (SCIENCE, "--mode", "raw2master", "--sof", "--link", folder)
    result = musevault(*asked)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = sof_lines(result.output)
    assert lines[0] == (folder / f"{SCIENCE}.fits.fz", "OBJECT")
    assert sorted(tag for _, tag in lines) == sorted(["OBJECT", "ILLUM", *MASTERS])
    assert all(path.is_symlink() and path.read_bytes() for path, _ in lines)
    assert musevault(*asked).output == result.output


def test_a_link_to_another_file_is_made_anew(musevault: Musevault, tmp_path: Path) -> None:
    link = tmp_path / f"{SCIENCE}.fits.fz"
    link.symlink_to(tmp_path / "elsewhere")
    musevault(SCIENCE, "--mode", "raw2master", "--sof", "--link", tmp_path)
    assert link.read_bytes() == f"{SCIENCE} {SCIENCE}.fits.fz".encode()


def test_files_that_are_not_held_are_told(musevault: Musevault, tmp_path: Path) -> None:
    result = musevault(SCIENCE, "--sof", "--link", tmp_path / "set")
    assert result.exit_code == 1
    missing = result.stderr.splitlines()
    assert len(missing) == 47  # the raw calibrations but the ILLUM, whose file is there
    assert missing[0].startswith("the archive does not hold the file of MUSE.2018-06-05T10:01")
    assert (tmp_path / "set" / f"{ILLUM}.fits.fz", "ILLUM") in sof_lines(result.stdout)


def test_what_cannot_be_done_is_said(musevault: Musevault) -> None:
    asked: tuple[tuple[tuple[str, ...], int, str], ...] = (
        (("nothing",), 1, "there is no frame nothing"),
        (("no\udcffthing",), 1, "there is no frame no"),
        ((SCIENCE, "--sof"), 2, "--sof needs --link FOLDER"),
        ((SCIENCE, "--link", "x"), 2, "--link goes with --sof"),
        ((SCIENCE, "--sof", "--link", "with blank"), 1, "esorex takes no blanks in paths"),
        ((SCIENCE, "--mode", "raw"), 2, "'raw' is not one of"),
    )
    for words, status, said in asked:
        result = musevault(*words)
        assert (result.exit_code, said in result.output) == (status, True), words


def test_a_file_in_the_way_is_left_alone(musevault: Musevault, tmp_path: Path) -> None:
    mine = tmp_path / f"{SCIENCE}.fits.fz"
    mine.write_text("mine")
    result = musevault(SCIENCE, "--sof", "--link", tmp_path)
    assert (result.exit_code, mine.read_text()) == (1, "mine")
    assert "is in the way" in result.output
