"""The jobs from raw frames to pixel tables as steps of a plan, before those of the cascade."""

from collections.abc import Sequence
from dataclasses import replace

from archive import reducible
from archive.archive import Archive
from processing.chain.orders import Ordered, orders
from processing.step import Due, Reason, Step, Why
from processing.task import Item, Task
from schema.products import Product

__all__ = ["steps"]


def steps(archive: Archive, names: Sequence[str] = ()) -> list[Step]:
    """Return what is due of the calibrations, pixel tables and sky spectra of the raw exposures that are held.

    Parameters
    ----------
    names
        Galaxies and exposures; none for all.  Other names are no business of this.
    """
    if not reducible.held_objects(archive.database, names):
        return []
    ordered = orders(archive, names)
    return [_step(one, ordered) for one in ordered if one.is_due]


def _step(one: Ordered, ordered: Sequence[Ordered]) -> Step:
    known = {item.product_id: item for item in one.items}
    outputs = tuple(
        known.get(name) or Item(Product(product_id=name, kind="calibration"), 0, parameters)
        for name, parameters in one.order.outputs.items()
    )
    reason = Reason(Why.MISSING)
    task = Task(
        one.order.task,
        version=one.order.version,
        takes=frozenset({"exposure"}),
        makes=lambda _inputs: outputs,
        seconds=lambda _inputs: one.seconds,
        memory=lambda _inputs: one.needs.memory,
        cores=one.needs.cores,
    )
    inputs = tuple(Item(Product(product_id=name, kind="exposure"), 0) for name in one.order.inputs)
    due = tuple(Due(replace(item, parameters=one.order.outputs[item.product_id]), reason) for item in outputs)
    after = tuple(name for place in one.after for name in ordered[place].order.outputs)
    return Step(task, inputs, outputs, due, one.seconds, after)
