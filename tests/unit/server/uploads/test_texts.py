"""Cells that are written as text."""

from typing import Any

import pyarrow as pa
import pytest

from schema.published import PublishedColumn
from server.uploads import texts
from server.uploads.errors import BadCell


def column(datatype: str, arraysize: str | None = None, xtype: str | None = None) -> PublishedColumn:
    return PublishedColumn("x", datatype, arraysize, xtype)


@pytest.mark.parametrize(
    ("what", "written", "expected"),
    [
        (column("int"), ["1", " +2 ", "-3", "0x1F", "", "-99"], [1, 2, -3, 31, None, None]),
        (column("long"), ["9223372036854775807"], [2**63 - 1]),
        (
            column("double"),
            ["1", "1.5e3", " .5", "+Inf", "-Infinity", ""],
            [1, 1500, 0.5, float("inf"), -float("inf"), None],
        ),
        (column("boolean"), ["T", "false", "1", "0", "?", " "], [True, False, True, False, None, None]),
        (column("char", "*"), ["a", " b ", ""], ["a", " b ", None]),
        (column("int", "*"), ["1 2", "", "3", "-99 4"], [[1, 2], None, [3], [None, 4]]),
        (column("float", "2"), ["1 2", "3\n4"], [[1, 2], [3, 4]]),
    ],
    ids=lambda value: value.datatype + (value.arraysize or "") if isinstance(value, PublishedColumn) else "",
)
def test_cells_become_values(what: PublishedColumn, written: list[str], expected: list[Any]) -> None:
    null = "-99" if what.datatype == "int" else None
    assert texts.values(pa.array(written), what, null=null).to_pylist() == expected


def test_moments_are_read_to_the_microsecond() -> None:
    written = ["2020-01-02", "2020-01-02T03:04:05.1234567Z", " 2020-01-02T03:04 ", ""]
    found = texts.values(pa.array(written), column("char", "*", "timestamp"))
    assert [str(moment) for moment in found.to_pylist()] == [
        "2020-01-02 00:00:00",
        "2020-01-02 03:04:05.123456",
        "2020-01-02 03:04:00",
        "None",
    ]


@pytest.mark.parametrize(
    ("what", "written", "row"),
    [
        (column("int"), ["1", "1.5"], 1),
        (column("int"), ["1_0"], 0),
        (column("short"), ["1", "2", "40000"], 2),
        (column("unsignedByte"), ["255", "256"], 1),
        (column("double"), ["1", "٣"], 1),
        (column("boolean"), ["T", "maybe"], 1),
        (column("int", "*"), ["1 2", "3 4 5", "6 x"], 2),
        (column("int", "2"), ["1 2", "", "1"], 2),
        (column("char", "*", "timestamp"), ["2020-01-01", "2020-13-01"], 1),
    ],
)
def test_a_wrong_cell_is_told_with_its_row(what: PublishedColumn, written: list[str], row: int) -> None:
    with pytest.raises(BadCell) as caught:
        texts.values(pa.array(written), what)
    assert caught.value.row == row


def test_bits_may_stand_close_together() -> None:
    assert texts.spaced(pa.array(["101", "1 0", ""])).to_pylist() == ["1 0 1", "1 0", ""]
