"""The table of lines against the release's, against atoms, and against itself."""

import pytest

from processing.science.lines import LINES, EmissionLine, Group

TABLE_4 = """
HB4861 4861.35 13.60 no
HA6562 6562.79 13.60 no
NII6548 6548.05 14.53 0.34 NII6583
NII6583 6583.45 14.53 no
SII6716 6716.44 10.36 no
SII6730 6730.82 10.36 no
OIII4958 4958.91 35.12 0.35 OIII5006
OIII5006 5006.84 35.12 no
"""


def line(name: str) -> EmissionLine:
    return next(each for each in LINES if each.name == name)


def test_the_published_lines_are_those_of_the_release() -> None:
    rows = [row.split() for row in TABLE_4.split("\n") if row]
    assert {each.name for each in LINES if each.published} == {row[0] for row in rows}
    for name, wavelength, _, *ratio in rows:
        assert line(name).wavelength == float(wavelength)
        expected = (None, 1.0) if ratio == ["no"] else (ratio[1], float(ratio[0]))
        assert (line(name).tied_to, line(name).ratio) == expected


def test_groups_follow_the_potential_that_ionises() -> None:
    for row in filter(None, TABLE_4.split("\n")):
        name, _, potential, *_ = row.split()
        expected = Group.HYDROGEN if name[0] == "H" else Group.LOW if float(potential) < 15 else Group.HIGH
        assert line(name).group == expected


def test_hydrogen_lies_where_its_levels_put_it() -> None:
    for name, level in (("HA6562", 3), ("HB4861", 4)):
        in_vacuum = 1e10 / (1.0967758e7 * (1 / 4 - 1 / level**2))
        assert line(name).wavelength == pytest.approx(in_vacuum / 1.000277, abs=0.15)


def test_the_upper_level_that_two_lines_share_is_one() -> None:
    # the difference of wave numbers of two lines is the splitting of the lower level, in air as in vacuum
    for red, blue, splitting in (
        ("OIII5006", "OIII4958", 193.0),
        ("NII6583", "NII6548", 82.1),
        ("OI6363", "OI6300", 158.3),
    ):
        assert 1e8 / line(blue).wavelength - 1e8 / line(red).wavelength == pytest.approx(splitting, abs=0.5)


def test_lines_stand_in_order_under_names_that_say_where() -> None:
    wavelengths = [each.wavelength for each in LINES]
    assert wavelengths == sorted(set(wavelengths))
    assert all(each.name.endswith(str(int(each.wavelength))) for each in LINES)


def test_a_tied_line_moves_with_the_free_one_that_it_is_tied_to() -> None:
    for each in LINES:
        if each.tied_to is not None:
            assert line(each.tied_to).tied_to is None
            assert line(each.tied_to).group == each.group
            assert 0 < each.ratio < 1
