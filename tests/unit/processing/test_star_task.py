"""What tiles of the stellar fits kept is put together, whether or not both engines were there for each."""

from pathlib import Path

import numpy as np
import pytest

from archive.checkpoints import Checkpoints
from processing.maps.quality import Differences
from processing.maps.star_task import _gathered


@pytest.mark.parametrize("compared", [[0], [1], [0, 1], []])
def test_some_hosts_may_have_the_other_engine_and_some_not(tmp_path: Path, compared: list[int]) -> None:
    fitted = Checkpoints(tmp_path)
    for number in range(2):
        both = {"differ_velocity": np.array([0.5])} if number in compared else {}
        fitted.keep(number, {"velocity": np.full(3, float(number)), **both})
    values = _gathered(fitted, 2)
    assert values["velocity_found"].tolist() == [0, 0, 0, 1, 1, 1]
    assert [one.count for one in Differences.of(values).told] == ([len(compared)] if compared else [])
