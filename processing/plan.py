"""The plan: the cascade against what the archive holds, and what is missing or out of date.

A product that was made here is out of date when its task has another version, its parameters or the content of an input
differ from what its activity recorded, or when an input of it is itself to be made (see ``comparison``).  What was
ingested is taken as it is: it is never made again.  Before the cascade come the steps from raw frames to pixel tables
(``chain``).  The plan changes nothing; ``submission`` brings it to the queue.
"""

from collections.abc import Mapping, Sequence

from archive.archive import Archive
from archive.errors import Refused
from processing.cascade import TASKS
from processing.chain import steps as chain
from processing.comparison import Comparison
from processing.resolution import with_held
from processing.step import Plan, Step
from processing.task import Item, Task

__all__ = ["make_plan"]


def make_plan(archive: Archive, names: Sequence[str] = (), *, tasks: Sequence[Task] = TASKS) -> Plan:
    """Return what is to be made.

    Parameters
    ----------
    names
        Products or galaxies, none for all.  What is due of them, of what is made from them, and of what they are made
        from, is planned.
    tasks
        The cascade.  With it come the mosaics of other resolutions that were made before.

    Raises
    ------
    Refused
        A name is neither.
    """
    raw = chain.steps(archive, names)
    found = Comparison(archive, raw)
    whole = with_held(tasks, found.editions, found.items)
    made = [found.step(task, inputs) for task in whole for inputs in task.groups(found.items.values())]
    steps = [*raw, *made]
    chosen = steps if not names else _chosen(steps, found.items, names)
    return Plan(tuple(step for step in chosen if step.due))


def _chosen(steps: Sequence[Step], items: Mapping[str, Item], names: Sequence[str]) -> list[Step]:
    """Return the steps that make what is named, or anything from it, and the due ones that those need."""
    raw = {item.product_id for step in steps if step.task.takes == {"exposure"} for item in step.inputs}
    reached = {product_id for name in names for product_id in ([name] if name in raw else _named(items, name))}
    for step in steps:
        outputs = {item.product_id for item in step.outputs}
        if outputs & reached or any(item.product_id in reached for item in step.inputs):
            reached |= outputs
    chosen = []
    for step in reversed(steps):
        if any(due.item.product_id in reached for due in step.due):
            chosen.append(step)
            reached.update(item.product_id for item in step.inputs)
            reached.update(step.after)
    return chosen[::-1]


def _named(items: Mapping[str, Item], name: str) -> list[str]:
    found = [item.product_id for item in items.values() if name in (item.product_id, item.product.target)]
    if not found:
        raise Refused(f"{name} is neither a product nor a galaxy with products")
    return found
