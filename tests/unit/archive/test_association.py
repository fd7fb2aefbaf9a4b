"""Which calibrations a frame gets, what makes its association complete and certified, and what is said otherwise."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from archive.association import Association, Cascade, Frame, Group
from archive.association_rules import REACH_DAYS, RULES, SCIENCE, Mode, rules

NIGHT = 58274.0
"""MJD of a midnight."""

START = datetime(2018, 6, 5, 1, 6)
SCIENCE_FRAME = Frame("science", "OBJECT", NIGHT, "WFM-AO-N", "WFM", "SCI1.0", START, 12.0)


def group(tag: str, days: float, count: int = 1, **facts: object) -> Group:
    """So many frames of a template that began so many days after the frame's night."""
    first = replace(SCIENCE_FRAME, tag=tag, tpl_start=START + timedelta(days=days), **facts)  # type: ignore[arg-type]
    return tuple(
        replace(first, dp_id=f"{tag}{days:+g}-{number}", mjd=NIGHT + days + number / 1440) for number in range(count)
    )


def master(tag: str, days: float | None = 0.0, **facts: object) -> Group:
    mjd = None if days is None else NIGHT + days
    made = replace(SCIENCE_FRAME, dp_id=f"{tag}{days}", tag=tag, mjd=mjd, tpl_start=None)
    return (replace(made, **facts),)  # type: ignore[arg-type]


def raw_night() -> list[Group]:
    return [
        group("BIAS", 0.4, 11),
        group("DARK", 0.5, 5),
        group("FLAT", 0.42, 11),
        group("ARC", 0.45, 15),
        group("SKYFLAT", -0.2, 4),
        group("STD", -0.15),
        group("ILLUM", -0.01),
    ]


def masters() -> list[Group]:
    return [group("ILLUM", -0.01)] + [
        master(rule.tag) for rule in rules(Mode.MASTER, "OBJECT") if not rule.raw and rule.only is None
    ]


def associated(groups: Sequence[Group], mode: Mode = Mode.RAW, frame: Frame = SCIENCE_FRAME) -> Association:
    return Cascade(mode, lambda _need: groups).associate(frame)


def given(tree: Association) -> dict[str, str]:
    """The first file of each calibration that the frame itself is given, by tag."""
    return {member.tag: member.files[0].dp_id for member in tree.members}


def without(groups: Sequence[Group], *tags: str) -> list[Group]:
    return [each for each in groups if each[0].tag not in tags]


def test_a_whole_night_of_calibrations_makes_a_certified_association() -> None:
    tree = associated(raw_night())
    assert (tree.complete, tree.certified, tree.lacking) == (True, True, ())
    assert {member.tag: len(member.files) for member in tree.members} == {
        "BIAS": 11,
        "DARK": 5,
        "FLAT": 11,
        "ARC": 15,
        "SKYFLAT": 4,
        "STD": 1,
        "ILLUM": 1,
    }


def test_calibrations_bring_their_own_down_the_cascade() -> None:
    by_tag = {member.tag: [own.tag for own in member.members] for member in associated(raw_night()).members}
    assert by_tag == {
        "BIAS": [],
        "DARK": ["BIAS"],
        "FLAT": ["BIAS", "DARK"],
        "ARC": ["BIAS", "DARK", "FLAT"],
        "SKYFLAT": ["BIAS", "DARK", "FLAT", "ARC", "ILLUM"],
        "STD": ["BIAS", "DARK", "FLAT", "ARC", "SKYFLAT", "ILLUM"],
        "ILLUM": [],
    }


def test_a_calibration_of_another_night_is_reduced_with_that_nights_own() -> None:
    early = [group("BIAS", -20, 11), group("FLAT", -20.1, 11), group("ARC", -20.2, 15), group("SKYFLAT", -20.3, 4)]
    tree = associated([*without(raw_night(), "SKYFLAT"), *early])
    (twilight,) = (member for member in tree.members if member.tag == "SKYFLAT")
    assert given(twilight) == {"BIAS": "BIAS-20-0", "FLAT": "FLAT-20.1-0", "ARC": "ARC-20.2-0"}
    assert given(tree)["BIAS"] == "BIAS+0.4-0"
    assert tree.certified


@pytest.mark.parametrize(("days", "chosen"), [((-1.0, 0.9), 0.9), ((-0.4, 0.5), -0.4), ((2.0, 1.0, -1.5), 1.0)])
def test_the_nearest_is_taken_before_or_after(days: tuple[float, ...], chosen: float) -> None:
    tree = associated([*without(raw_night(), "BIAS"), *(group("BIAS", each, 11) for each in days)])
    assert given(tree)["BIAS"] == f"BIAS{chosen:+g}-0"


@pytest.mark.parametrize("tag", ["FLAT", "ARC", "STD"])
def test_the_mode_must_be_the_same(tag: str) -> None:
    near = group(tag, 0.01, 20, ins_mode="WFM-NOAO-N")
    assert given(associated([*raw_night(), near])) == given(associated(raw_night()))


@pytest.mark.parametrize("tag", ["BIAS", "DARK", "FLAT", "ARC", "ILLUM"])
def test_the_read_out_must_be_the_same(tag: str) -> None:
    near = group(tag, 0.001, 20, read_out="SCI2.0")
    assert given(associated([*raw_night(), near])) == given(associated(raw_night()))


@pytest.mark.parametrize("tag", ["BIAS", "DARK", "ILLUM"])
def test_where_the_mode_does_not_matter_any_will_do(tag: str) -> None:
    near = group(tag, 0.001, 20, ins_mode="NFM-AO-N")
    assert given(associated([*raw_night(), near]))[tag] == f"{tag}+0.001-0"


@pytest.mark.parametrize(
    ("unknown", "words"),
    [
        ({"read_out": None}, "BIAS: the frame's read-out is not known"),
        ({"ins_mode": None}, "FLAT: the frame's mode is not known"),
        ({"mjd": None}, "BIAS: the time of the frame is not known"),
    ],
)
def test_what_is_not_known_of_a_frame_matches_nothing(unknown: dict[str, None], words: str) -> None:
    alike = [tuple(replace(f, read_out=None, ins_mode=None) for f in each) for each in raw_night()]
    tree = associated([*raw_night(), *alike], frame=replace(SCIENCE_FRAME, **unknown))  # type: ignore[arg-type]
    assert not tree.complete
    assert words in tree.lacking


def test_what_is_not_known_of_a_calibration_matches_nothing() -> None:
    tree = associated([*without(raw_night(), "BIAS"), group("BIAS", 0.1, 11, read_out=None)])
    assert "BIAS: none of 3 frames or more with read-out SCI1.0" in tree.lacking


def test_a_frame_of_an_unknown_sort_needs_nobody_knows_what() -> None:
    tree = associated(raw_night(), frame=replace(SCIENCE_FRAME, tag=None))
    assert (tree.complete, tree.certified, tree.members) == (False, False, ())


@pytest.mark.parametrize(("tag", "few", "enough"), [("BIAS", 2, 3), ("FLAT", 2, 3), ("SKYFLAT", 2, 3), ("ARC", 8, 9)])
def test_a_template_with_too_few_frames_is_passed_over(tag: str, few: int, enough: int) -> None:
    others = without(raw_night(), tag)
    assert given(associated([*others, group(tag, 0.1, few), group(tag, 0.6, 20)]))[tag] == f"{tag}+0.6-0"
    assert given(associated([*others, group(tag, 0.1, enough), group(tag, 0.6, 20)]))[tag] == f"{tag}+0.1-0"


def test_something_needed_that_is_too_old_is_given_but_not_certified() -> None:
    tree = associated([*without(raw_night(), "BIAS"), group("BIAS", -4.0, 11)])
    assert (tree.complete, tree.certified) == (True, False)
    assert tree.faults[0] == "BIAS: nearest is 4.0 d away, the rules allow 3"
    assert given(tree)["BIAS"] == "BIAS-4-0"
    assert not next(member for member in tree.members if member.tag == "BIAS").within_rules
    assert tree.calibrations["BIAS", "BIAS-4-0"][1] is False


@pytest.mark.parametrize(
    ("tag", "inside", "outside", "words"),
    [
        ("DARK", 4.9, 5.2, "DARK: nearest is 5.2 d away, the rules allow 5"),
        ("SKYFLAT", -29.0, -41.2, "SKYFLAT: nearest is 41.2 d away, the rules allow 30"),
        ("ILLUM", -0.9, -1.1, "ILLUM: nearest is 1.1 d away, the rules allow 1"),
    ],
)
def test_something_that_can_be_done_without_is_left_out_when_it_is_too_old(
    tag: str, inside: float, outside: float, words: str
) -> None:
    around = [group(each, days, 15) for each in ("BIAS", "FLAT", "ARC") for days in (-29.1, 4.5)]
    others = [*without(raw_night(), tag), *around]
    near, far = (associated([*others, group(tag, days, 5)]) for days in (inside, outside))
    assert tag in given(near)
    assert tag not in given(far)
    assert far.certified
    assert words in far.left_out


def test_something_that_can_be_done_without_is_not_missed() -> None:
    tree = associated(without(raw_night(), "DARK", "SKYFLAT", "ILLUM"))
    assert (tree.certified, tree.lacking) == (True, ())


def test_what_could_not_be_reduced_itself_is_left_out_with_the_reason() -> None:
    tree = associated([*without(raw_night(), "SKYFLAT"), group("SKYFLAT", -20, 4)])
    assert "SKYFLAT" not in given(tree)
    assert "SKYFLAT > BIAS: nearest is 20.4 d away, the rules allow 3" in tree.left_out
    assert tree.certified


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("BIAS", "BIAS: none of 3 frames or more with read-out SCI1.0"),
        ("FLAT", "FLAT: none of 3 frames or more with mode WFM-AO-N and read-out SCI1.0"),
        ("ARC", "ARC: none of 9 frames or more with mode WFM-AO-N and read-out SCI1.0"),
        ("STD", "STD: none with mode WFM-AO-N"),
    ],
)
def test_something_needed_that_is_missing_is_named_once(tag: str, words: str) -> None:
    tree = associated(without(raw_night(), tag))
    assert (tree.complete, tree.certified) == (False, False)
    assert tree.faults == (words,)


def test_what_a_needed_calibration_lacks_the_frame_lacks() -> None:
    tree = associated([*without(raw_night(), "STD"), group("STD", 200.0)])
    assert (tree.complete, tree.certified) == (True, False)
    assert "STD > BIAS: nearest is 199.6 d away, the rules allow 3" in tree.faults


def test_a_standard_star_has_no_time_limit() -> None:
    around = [group(tag, 200.1, 15) for tag in ("BIAS", "FLAT", "ARC")]
    assert associated([*without(raw_night(), "STD"), *around, group("STD", 200.0)]).certified


def test_sky_is_taken_from_the_same_template_only() -> None:
    own = group("SKY", 0.0, 2)
    tree = associated([*raw_night(), own, group("SKY", 0.001, 2)])
    assert given(tree)["SKY"] == own[0].dp_id
    assert "SKY" not in given(associated([*raw_night(), group("SKY", 0.001, 2)]))


def test_an_illumination_of_the_same_quarter_of_an_hour_is_chosen_by_temperature() -> None:
    others = without(raw_night(), "ILLUM")
    colder, alike = group("ILLUM", -0.010, temperature=10.0), group("ILLUM", 0.011, temperature=12.1)
    assert given(associated([*others, colder, alike]))["ILLUM"] == alike[0].dp_id
    later = group("ILLUM", 0.05, temperature=12.0)
    assert given(associated([*others, colder, later]))["ILLUM"] == colder[0].dp_id


@pytest.mark.parametrize(("tag", "allowed"), [("OBJECT", 0.9), ("STD", 0.4), ("SKY", 0.4), ("ASTROMETRY", 0.4)])
def test_an_illumination_may_be_further_from_science_than_from_the_rest(tag: str, allowed: float) -> None:
    frame = replace(SCIENCE_FRAME, tag=tag)
    others = without(raw_night(), "ILLUM")
    assert "ILLUM" in given(associated([*others, group("ILLUM", allowed)], frame=frame))
    assert "ILLUM" not in given(associated([*others, group("ILLUM", allowed + 0.2)], frame=frame))


def test_masters_are_taken_as_they_are() -> None:
    tree = associated(masters(), Mode.MASTER)
    assert tree.certified
    assert all(not member.members for member in tree.members)
    assert {"MASTER_FLAT", "TRACE_TABLE", "STD_RESPONSE", "STD_TELLURIC", "ILLUM"} <= set(given(tree))


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("MASTER_BIAS", "MASTER_BIAS: none with read-out SCI1.0"),
        ("ASTROMETRY_WCS", "ASTROMETRY_WCS: none with field WFM"),
        ("GEOMETRY_TABLE", "GEOMETRY_TABLE: none"),
    ],
)
def test_a_missing_master_is_named(tag: str, words: str) -> None:
    assert associated(without(masters(), tag), Mode.MASTER).faults == (words,)


def test_a_master_without_date_cannot_be_certified() -> None:
    tree = associated([*without(masters(), "MASTER_BIAS"), master("MASTER_BIAS", None)], Mode.MASTER)
    assert tree.faults == ("MASTER_BIAS: its date is not known, the rules allow 3",)
    assert tree.complete


@pytest.mark.parametrize(
    ("days", "chosen"),
    [((-900.0, -30.0, 2.0), -30.0), ((5.0, 2.0), 2.0), ((None, 2.0), 2.0), ((None,), None)],
    ids=["newest not after", "nearest of later ones", "dated first", "undated at last"],
)
def test_what_is_static_holds_from_its_date_on(days: tuple[float | None, ...], chosen: float | None) -> None:
    tables = [master("GEOMETRY_TABLE", each) for each in days]
    tree = associated([*without(masters(), "GEOMETRY_TABLE"), *tables], Mode.MASTER)
    assert given(tree)["GEOMETRY_TABLE"] == f"GEOMETRY_TABLE{chosen}"
    assert tree.certified


@pytest.mark.parametrize(("mjd", "there"), [(57822.9, True), (57823.0, False)])
def test_the_vignetting_mask_belongs_to_the_early_frames(mjd: float, there: bool) -> None:  # noqa: FBT001
    frame = replace(SCIENCE_FRAME, mjd=mjd)
    tree = associated([*masters(), master("VIGNETTING_MASK", -1300.0)], Mode.MASTER, frame)
    assert ("VIGNETTING_MASK" in given(tree)) is there


@pytest.mark.parametrize(("mode", "there"), [("WFM-AO-N", True), ("NFM-AO-N", True), ("WFM-NOAO-E", False)])
def test_raman_lines_belong_to_adaptive_optics(mode: str, there: bool) -> None:  # noqa: FBT001
    tree = associated([master("RAMAN_LINES")], Mode.MASTER, replace(SCIENCE_FRAME, ins_mode=mode))
    assert ("RAMAN_LINES" in given(tree)) is there


def test_files_of_the_pipeline_go_with_raw_frames_too_but_are_not_asked_for() -> None:
    tree = associated([*raw_night(), master("GEOMETRY_TABLE"), master("LINE_CATALOG")])
    assert given(tree)["GEOMETRY_TABLE"] == "GEOMETRY_TABLE0.0"
    assert ("LINE_CATALOG", "LINE_CATALOG0.0") in tree.calibrations
    assert associated(raw_night()).certified


def test_a_bias_needs_nothing() -> None:
    (frame, *_) = group("BIAS", 0.0, 3)
    tree = associated([], frame=frame)
    assert (tree.complete, tree.certified) == (True, True)


@pytest.mark.parametrize("mode", Mode)
def test_the_cascade_comes_to_an_end(mode: Mode) -> None:
    def depth(tag: str, above: tuple[str, ...] = ()) -> int:
        assert tag not in above
        return 1 + max((depth(rule.tag, (*above, tag)) for rule in rules(mode, tag)), default=0)

    assert max(depth(tag) for tag in SCIENCE) <= 9


def test_the_reach_is_the_sum_of_the_windows_down_the_cascade() -> None:
    def reach(tag: str) -> float:
        return max(
            (reach(rule.tag) + (rule.days or 0.0) for rule in rules(Mode.RAW, tag) if rule.raw and rule.tag != "STD"),
            default=0.0,
        )

    assert max(reach(tag) for tag in SCIENCE) <= REACH_DAYS
    assert max(rule.days or 0.0 for rule in RULES) == 30.0
