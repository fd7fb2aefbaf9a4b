"""How long a task takes here: what the cascade says of it, corrected by how long its earlier jobs took."""

from collections.abc import Iterator, Mapping
from statistics import median

from archive.database import Database
from archive.durations import durations
from processing.task import Item, Task

__all__ = ["factor"]


def factor(database: Database, task: Task, items: Mapping[str, Item]) -> float:
    """Return by how much the jobs of a task took longer than the cascade says: in the middle of the latest ones.

    Without any job whose inputs are still known, that is 1.
    """
    ratios = list(_ratios(database, task, items))
    return median(ratios) if ratios else 1.0


def _ratios(database: Database, task: Task, items: Mapping[str, Item]) -> Iterator[float]:
    for job in durations(database, task.name):
        inputs = [items[name] for name in job.parameters.get("inputs", ()) if name in items]
        if inputs and (expected := task.seconds(inputs)) > 0:
            yield job.seconds / expected
