"""A finished part is there whole or not at all, is used only where it still holds, and goes when nobody wants it."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from archive.checkpoints import folder_of, open_checkpoints, sweep

DAY = 86400.0


def age(root: Path, work_key: str, *, days: float) -> None:
    folder = folder_of(root, work_key)
    then = time.time() - days * DAY
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (then, then))


def test_what_was_kept_is_read_again_as_it_was(tmp_path: Path) -> None:
    kept = open_checkpoints(tmp_path, "work", ["task", 1])
    arrays = {"flux": np.arange(6.0).reshape(2, 3), "flags": np.array([True, False])}
    kept.keep(3, arrays)
    assert kept.missing(range(5)) == [0, 1, 2, 4]
    again = open_checkpoints(tmp_path, "work", ["task", 1]).read(3)
    assert set(again) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(again[name], array)
        assert again[name].dtype == array.dtype


def test_a_part_that_is_not_finished_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_checkpoints(tmp_path, "work", 1).read(0)


@pytest.mark.parametrize("changed", [["task", 2], ["other", 1], ["task", 1, "more"]])
def test_what_was_made_of_other_things_is_never_used_and_goes(tmp_path: Path, changed: list[object]) -> None:
    open_checkpoints(tmp_path, "work", ["task", 1]).keep(0, {"a": np.zeros(3)})
    assert open_checkpoints(tmp_path, "work", changed).missing(range(1)) == [0]
    assert len(list(folder_of(tmp_path, "work").iterdir())) == 1
    assert open_checkpoints(tmp_path, "work", ["task", 1]).missing(range(1)) == [0]


def test_the_work_of_others_is_left_alone(tmp_path: Path) -> None:
    mine, theirs = (open_checkpoints(tmp_path, key, 1) for key in ("mine", "theirs"))
    for kept in (mine, theirs):
        kept.keep(0, {"a": np.zeros(3)})
    mine.remove()
    assert (mine.folder.exists(), theirs.missing(range(1))) == (False, [])


@pytest.mark.parametrize("place", [0, 100, -1])
def test_a_damaged_part_is_not_finished(tmp_path: Path, place: int) -> None:
    kept = open_checkpoints(tmp_path, "work", 1)
    kept.keep(0, {"a": np.arange(1000.0)})
    (path,) = kept.folder.iterdir()
    content = bytearray(path.read_bytes())
    if place < 0:
        del content[-200:]
    else:
        content[place + 1000 * (place > 0)] ^= 0xFF
    path.write_bytes(content)
    assert kept.missing(range(1)) == [0]
    assert list(kept.folder.iterdir()) == []


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    kept = open_checkpoints(tmp_path, "work", 1)
    (kept.folder / ".7.0123").write_bytes(b"half")
    assert list(open_checkpoints(tmp_path, "work", 1).folder.iterdir()) == []


def test_a_part_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    kept = open_checkpoints(tmp_path, "work", 1)
    with pytest.raises(ValueError, match="Object arrays"):
        kept.keep(0, {"a": np.array([object()])})
    assert list(kept.folder.iterdir()) == []


def test_what_nobody_goes_on_with_is_swept_away_after_some_days(tmp_path: Path) -> None:
    for key in ("old", "young", "taken up"):
        open_checkpoints(tmp_path, key, 1).keep(0, {"a": np.zeros(3)})
    age(tmp_path, "old", days=15)
    age(tmp_path, "taken up", days=15)
    open_checkpoints(tmp_path, "taken up", 1)
    assert sweep(tmp_path, days=14) == 1
    assert {path.name for path in (tmp_path / "work").iterdir()} == {"young", "taken up"}


def test_where_nothing_was_ever_kept_there_is_nothing_to_sweep(tmp_path: Path) -> None:
    assert sweep(tmp_path, days=14) == 0
