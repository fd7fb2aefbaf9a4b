"""What may be set of a task's parameters, and how long it holds."""

from typing import Any

import pytest

from archive.errors import Refused
from processing.cascade import TASKS
from processing.chosen import as_chosen, check, choose
from processing.maps.map_task import MAPS_OF_CUBES
from processing.maps.star_task import STARS
from processing.task import CHOSEN, Item, Task
from schema.products import Product

GALAXY = ("NGC1385",)


def set_by(*written: str) -> Task:
    """The stars as somebody wants them."""
    return next(task for task in choose(TASKS, written, GALAXY) if task.name == "stars")


def made(task: Task, earlier: dict[str, Any] | None = None) -> dict[str, Any]:
    """By which parameters a product is made that was made by others before."""
    item = Item(Product(product_id="x", kind="stars"), 0, dict(task.parameters))
    return dict(as_chosen(task, item, earlier or {}).parameters)


def test_what_is_set_is_recorded_as_chosen() -> None:
    given = made(set_by("stars.monte_carlo=20", "stars.engine=ppxf", "stars.velocity=1480.5"))
    assert (given["monte_carlo"], given["engine"], given["velocity"]) == (20, "ppxf", 1480.5)
    assert given[CHOSEN] == ["engine", "monte_carlo", "velocity"]
    assert CHOSEN not in made(STARS)


def test_what_was_chosen_holds_until_it_is_set_otherwise() -> None:
    earlier = made(set_by("stars.monte_carlo=20", "stars.ebv=0.1"))
    assert made(STARS, earlier) == earlier
    other = made(set_by("stars.monte_carlo=30"), earlier)
    assert (other["monte_carlo"], other["ebv"], other[CHOSEN]) == (30, 0.1, ["ebv", "monte_carlo"])
    assert made(set_by("stars.monte_carlo=0", "stars.ebv=null"), earlier) == dict(STARS.parameters)


def test_what_nobody_chose_follows_the_task() -> None:
    assert made(STARS, {**STARS.parameters, "signal_to_noise": 60.0}) == dict(STARS.parameters)


def test_a_choice_that_the_task_has_no_more_is_forgotten() -> None:
    earlier = {**STARS.parameters, "old": 1, "engine": "abacus", CHOSEN: ["old", "engine", "gone"]}
    assert made(STARS, earlier) == dict(STARS.parameters)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("stars.monte_carlo", "write TASK.PARAMETER=VALUE"),
        ("monte_carlo=20", "write TASK.PARAMETER=VALUE"),
        ("star.monte_carlo=20", r"star.monte_carlo cannot be set; what can is .*stars.monte_carlo.* maps.model"),
        ("stars.model=true", "stars.model cannot be set"),
        ("stars.chosen=[]", "stars.chosen cannot be set"),
        ("stars.monte_carlo=1", "stars.monte_carlo is 0, or from 2 to 1000000, not 1"),
        ("stars.monte_carlo=-2", "stars.monte_carlo is 0, or"),
        ("stars.monte_carlo=2.5", "stars.monte_carlo is 0, or"),
        ("stars.monte_carlo=true", "stars.monte_carlo is 0, or"),
        ("stars.engine=abacus", 'stars.engine is batch or ppxf, not "abacus"'),
        ("stars.engine=", "stars.engine is batch or ppxf"),
        ("stars.signal_to_noise=0", "stars.signal_to_noise is a number above 0"),
        ("stars.signal_to_noise=NaN", "stars.signal_to_noise is a number above 0"),
        ("stars.signal_to_noise=high", "stars.signal_to_noise is a number above 0"),
        ("stars.least_bins=0", "stars.least_bins is a whole number from 1"),
        ("stars.ebv=-0.1", "stars.ebv is a number from 0 to 10 mag, or null, not -0.1"),
        ("stars.ebv=Infinity", "stars.ebv is a number from 0 to 10"),
        ("stars.velocity=300000", "stars.velocity is a number from -1000 to 100000 km/s"),
        ("stars.velocity=1" + 400 * "0", "stars.velocity is a number from -1000"),
        ("maps.model=1", "maps.model is true or false, not 1"),
    ],
)
def test_what_cannot_be_set_is_refused_in_one_line(written: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as refused:
        choose(TASKS, [written], GALAXY)
    assert "\n" not in str(refused.value)


def test_facts_about_one_galaxy_are_not_set_for_all() -> None:
    with pytest.raises(Refused, match=r"stars\.velocity is of one galaxy: name it"):
        choose(TASKS, ["stars.velocity=1500"], ())
    assert choose(TASKS, ["stars.monte_carlo=20"], ())


def test_a_job_with_wrong_parameters_is_refused() -> None:
    check(MAPS_OF_CUBES, MAPS_OF_CUBES.parameters)
    with pytest.raises(Refused, match=r"maps\.monte_carlo is 0, or from 2"):
        check(MAPS_OF_CUBES, {**MAPS_OF_CUBES.parameters, "monte_carlo": 1})
