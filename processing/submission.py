"""The plan brought to the queue: a job a step, each after those that make its inputs; nothing is submitted twice."""

from collections.abc import Sequence

from archive.archive import Archive
from archive.batches import Batch, Submitted, batch
from processing.cascade import TASKS
from processing.plan import make_plan
from processing.step import Step
from processing.task import Task

__all__ = ["submit"]


def submit(
    archive: Archive, names: Sequence[str] = (), *, tasks: Sequence[Task] = TASKS, priority: int | None = None
) -> list[Submitted]:
    """Submit what is missing or out of date of products and galaxies, of everything when none is named.

    Returns the jobs of the whole plan in their order, those too that were on their way already.  One whose inputs are
    made by others waits for these; when one fails, those that need it are aborted.

    Raises
    ------
    Refused
        A name is neither.
    """
    submitted: list[Submitted] = []
    makers: dict[str, Submitted | None] = {}
    with batch(archive.database) as together:
        for step in make_plan(archive, names, tasks=tasks).steps:
            needed = (*(item.product_id for item in step.inputs), *step.after)
            earlier = [makers[name] for name in dict.fromkeys(needed) if name in makers]
            one = _submit(together, step, earlier, priority)
            makers.update(dict.fromkeys((due.item.product_id for due in step.due), one))
            if one is not None:
                submitted.append(one)
    return submitted


def _submit(together: Batch, step: Step, earlier: Sequence[Submitted | None], priority: int | None) -> Submitted | None:
    """Submit a step, unless what makes an input of it failed as the plan was made: the next plan will have both."""
    after = {one.job.job_id: one.job for one in earlier if one is not None}
    if None in earlier:
        return None
    return together.submit(
        step.task.name, step.order.to_parameters(), needs=step.needs, priority=priority, after=list(after.values())
    )
