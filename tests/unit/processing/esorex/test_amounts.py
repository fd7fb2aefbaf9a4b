"""What the pipeline takes, against what was measured."""

import pytest

from archive.errors import Refused
from processing.esorex import amounts

WHOLE_FIELD = 377_000_000
BASE = 28 << 20
"""Bytes of the pipeline with nothing to do."""


@pytest.mark.parametrize(
    ("rows", "voxels", "measured"),
    [
        (4_608_000, 8_633_616, 332),
        (4_608_000, 40_682_256, 695),
        (4_608_000, 162_729_024, 2027),
        (18_000_000, None, 845),
    ],
)
def test_the_memory_is_enough_and_not_twice_of_what_was_measured(rows: int, voxels: int | None, measured: int) -> None:
    taken = amounts.memory(rows, voxels) - amounts.BASE_BYTES + BASE
    assert measured < taken / 2**20 < 2 * measured


def test_a_whole_field_takes_minutes_and_hangs_after_hours() -> None:
    assert 15 < amounts.seconds(WHOLE_FIELD) / 60 < 60
    assert amounts.limit(WHOLE_FIELD) == 20 * amounts.seconds(WHOLE_FIELD)
    assert amounts.limit(1000) == 300


def test_the_largest_cube_of_a_field_takes_gigabytes_on_the_disk() -> None:
    assert amounts.disk(WHOLE_FIELD, 332 * 332 * 3761) == pytest.approx(3.3e9, rel=0.01)
    assert amounts.disk(0) == 0


def test_what_no_machine_has_is_refused() -> None:
    amounts.check_memory(1000)
    with pytest.raises(Refused, match="MB of memory, this machine has"):
        amounts.check_memory(10**12)
