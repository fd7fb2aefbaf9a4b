"""The cascade is what workers can do, in an order in which it can be done."""

from archive.tasks import installed
from processing.cascade import TASKS
from processing.plan_text import to_table
from processing.step import Plan


def test_each_task_is_installed_under_its_name_once() -> None:
    names = [task.name for task in TASKS]
    assert len(set(names)) == len(names)
    for name in names:
        assert callable(installed()[name])


def test_each_task_has_a_version_and_asks_for_a_processor() -> None:
    assert all(task.version >= 1 and task.cores >= 1 for task in TASKS)


def test_an_empty_plan_says_that_there_is_nothing_to_do() -> None:
    assert to_table(Plan(())) == "nothing to do"
