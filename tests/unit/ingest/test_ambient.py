"""Readings of the site's monitors are read as a stream; what means nothing is told, and stops nothing."""

import csv
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from archive.errors import Refused
from ingest.ambient import COLUMNS, BadRow, Reading, read
from schema.conditions import SOURCE

DIMM = """\
# readings of one night
Date time,DIMM Seeing ["],DIMM Airmass
2018-06-05T01:06:00,0.61,1.1
2018-06-05T01:07:00,0.63,1.1

# 2 rows
# a total of 2 rows
"""


def taken(text: str) -> list[Reading | BadRow]:
    return list(read(text.splitlines(keepends=True))[1])


def test_comments_stand_before_and_after_and_unknown_columns_are_told() -> None:
    layout, items = read(DIMM.splitlines(keepends=True))
    assert layout.unknown == ("DIMM Airmass",)
    assert list(items) == [
        Reading("dimm_seeing", datetime(2018, 6, 5, 1, 6), 0.61, "arcsec"),
        Reading("dimm_seeing", datetime(2018, 6, 5, 1, 7), 0.63, "arcsec"),
    ]


@pytest.mark.parametrize(
    "names",
    ['Date time,DIMM Seeing ["]', 'Date time,"DIMM Seeing [""]"', 'date  Time , dimm seeing ["]'],
    ids=["bare", "quoted", "careless"],
)
def test_names_may_be_quoted_and_careless(names: str) -> None:
    assert taken(f"\n{names}\n2018-06-05T01:06:00,0.6\n") == [
        Reading("dimm_seeing", datetime(2018, 6, 5, 1, 6), 0.6, "arcsec")
    ]


def test_units_are_made_the_archives() -> None:
    (item,) = taken("Date time,Tau0 [ms]\n2015-01-01 04:00:00,3.4\n")
    assert isinstance(item, Reading)
    assert (item.quantity, item.unit) == ("coherence_time", "s")
    assert item.value == pytest.approx(0.0034)


def test_a_monitor_of_many_columns_gives_many_readings_and_an_empty_place_gives_none() -> None:
    names = ["Date time", 'MASS-DIMM Seeing ["]', "MASS-DIMM Tau0 [s]", "Relative Humidity at 2m [%]"]
    items = taken(f"{','.join(names)}\n2018-06-05T01:06:00,0.7,0.0041,\n2018-06-05T01:07:00,,,12\n")
    assert [(i.quantity, i.value) for i in items if isinstance(i, Reading)] == [
        ("mass_dimm_seeing", 0.7),
        ("coherence_time", 0.0041),
        ("humidity", 12.0),
    ]
    assert len(items) == 3


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2018-06-05T01:06:00,x,3", "'x' is no dimm_seeing"),
        ("2018-06-05T01:06:00,nan,3", "'nan' is no dimm_seeing"),
        ("2018-06-05T01:06:00,-1,3", "'-1' is no dimm_seeing"),
        ("2018-06-05T01:06:00,1e999,3", "'1e999' is no dimm_seeing"),
        ("2018-06-05T01:06:00,0.5", "too short"),
        ("2018-13-05T01:06:00,0.5,3", "no time"),
        ("2018-06-05,0.5,3", "no time"),
        ("0001-01-01T00:00:00,0.5,3", "no time"),
        ("2018-06-0", "no time"),
    ],
)
def test_bad_rows_are_told_by_their_line_and_the_others_are_kept(row: str, reason: str) -> None:
    names = 'Date time,DIMM Seeing ["],Wind Speed at 30m [m/s]'
    items = taken(f"# c\n{names}\n{row}\n2018-06-05T01:08:00,0.5,3\n")
    assert [item for item in items if isinstance(item, BadRow)] == [BadRow(3, reason)]
    assert {i.observed.minute for i in items if isinstance(i, Reading)} >= {8}


def test_cold_is_no_mistake_and_the_time_may_stand_anywhere_in_any_zone() -> None:
    assert taken("Air Temperature at 30m [C],Date time\n-1,2018-06-05T01:06:00Z\n-999,2018-06-05T03:07:00+02:00\n") == [
        Reading("air_temperature", datetime(2018, 6, 5, 1, 6), -1.0, "Celsius"),
        BadRow(3, "'-999' is no air_temperature"),
    ]


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", "Date time,Flux RMS\n2018-06-05T01:06:00,1\n", 'DIMM Seeing ["]\n0.5\n', "\0" * 1000, '"' * 200_000],
    ids=["empty", "blank", "unknown", "timeless", "nul", "quotes"],
)
def test_a_file_without_a_known_column_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="no line names a time and a quantity"):
        read(text.splitlines(keepends=True))


def test_of_two_columns_of_one_quantity_the_first_counts_and_the_other_is_told() -> None:
    layout, items = read(["Date time,Tau0 [s],MASS-DIMM Tau0 [s]\n", "2018-06-05T01:06:00,0.002,0.003\n"])
    assert layout.unknown == ("MASS-DIMM Tau0 [s]",)
    assert [i.value for i in items if isinstance(i, Reading)] == [0.002]


def test_every_quantity_that_exposures_are_shown_with_can_be_read() -> None:
    shown = {part.split("'")[0] for part in SOURCE.split("quantity = '")[1:]}
    assert shown <= {column.quantity for column in COLUMNS.values()}
    assert all(next(csv.reader([name])) for name in COLUMNS)


def test_a_long_file_passes_without_filling_the_memory() -> None:
    def minutes() -> Iterator[str]:
        yield 'Date time,DIMM Seeing ["],Wind Speed at 30m [m/s]\n'
        for minute in range(30_000):
            yield f"{datetime(2018, 1, 1) + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%S},0.7,4.5\n"

    tracemalloc.start()
    count = sum(1 for _ in read(minutes())[1])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (count, most < 1_000_000) == (60_000, True)
