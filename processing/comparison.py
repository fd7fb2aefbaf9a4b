"""What there is against what the cascade would make: which products are due, and why."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from archive import editions, jobs, products
from archive.archive import Archive
from archive.database import Database
from archive.editions import Edition
from archive.queues import PROCESSING
from processing.chosen import as_chosen
from processing.estimate import factor
from processing.step import Due, Reason, Step, Why
from processing.task import FACTS, Item, Task, own_file
from schema.jobs import ACTIVE
from schema.products import Product

__all__ = ["Comparison"]

MOST_JOBS: Final = 100_000


class Comparison:
    """What is held, and as tasks are gone through in their order, what will be; ``before`` are steps before them."""

    def __init__(self, archive: Archive, before: Sequence[Step] = ()) -> None:
        self._archive: Final = archive
        self.editions: Final = editions.current(archive.database)
        self._ordered: Final = _ordered(archive.database)
        self._held: Final = {product.product_id: product for product in products.latest(archive)}
        self._calibrations: Final = products.checksums(archive, kind="calibration")
        self._due: Final[set[str]] = set()
        self._factors: Final[dict[str, float]] = {}
        self.items: Final = {name: Item(product, _size(product)) for name, product in self._held.items()}
        for due in (due for step in before for due in step.due if due.item.product.kind != "calibration"):
            self.items[due.item.product_id] = due.item
            self._due.add(due.item.product_id)

    def step(self, task: Task, inputs: tuple[Item, ...]) -> Step:
        """Look at what a task makes of some inputs; what is due is an input of later tasks as it will be."""
        outputs = tuple(as_chosen(task, item, self._earlier(item)) for item in task.outputs(inputs))
        if any(self._is_lost(item) for item in inputs):  # nothing can be made of it until it is found
            return Step(task, inputs, outputs, (), 0.0)
        reasons = [(item, self._reason(task, inputs, item)) for item in outputs]
        due = tuple(Due(self._expected(item), reason) for item, reason in reasons if reason is not None)
        for one in due:
            self.items[one.item.product_id] = one.item
            self._due.add(one.item.product_id)
        return Step(task, inputs, outputs, due, self._seconds(task, inputs) if due else 0.0)

    def _earlier(self, item: Item) -> Mapping[str, Any]:
        """Return by which parameters an item is being made or was made: what somebody chose of them holds."""
        edition = self.editions.get(item.product_id)
        return self._ordered.get(item.product_id, {} if edition is None else edition.parameters)

    def _is_lost(self, item: Item) -> bool:
        held = self._held.get(item.product_id)
        return held is not None and item.product_id not in self._due and own_file(held) is None

    def _expected(self, item: Item) -> Item:
        """What is made again will be about as large as it was."""
        known = self.items.get(item.product_id)
        return replace(item, size=known.size) if known is not None and known.size else item

    def _seconds(self, task: Task, inputs: Sequence[Item]) -> float:
        if task.name not in self._factors:
            self._factors[task.name] = factor(self._archive.database, task, self.items)
        return task.seconds(inputs) * self._factors[task.name]

    def _reason(self, task: Task, inputs: Sequence[Item], output: Item) -> Reason | None:
        held, edition = self._held.get(output.product_id), self.editions.get(output.product_id)
        if held is None or (edition is not None and own_file(held) is None):
            return Reason(Why.MISSING)
        return None if edition is None else self._difference(task, inputs, output, edition)  # None: it was ingested

    def _difference(self, task: Task, inputs: Sequence[Item], output: Item, edition: Edition) -> Reason | None:
        """Return in what an edition is not what would be made now."""
        inputs = [item for item in inputs if output.of is None or item.product_id in output.of]
        if (edition.task, edition.version) != (task.name, task.version):
            return Reason(Why.VERSION)
        if _as_kept(edition.parameters) != _as_kept(output.parameters):
            return Reason(Why.PARAMETERS)
        depends = next((item.product_id for item in inputs if item.product_id in self._due), None)
        if depends is not None:
            return Reason(Why.DEPENDS, depends)
        changed = self._changed(task, inputs, edition)
        return None if changed is None else Reason(Why.INPUT, changed)

    def _changed(self, task: Task, inputs: Sequence[Item], edition: Edition) -> str | None:
        """Return an input that is not what it was, if there is one."""
        now = {item.product_id: _checksum(item.product) for item in inputs}
        now |= {name: self._calibrations.get(name) for name in edition.inputs if edition.roles[name] in task.finds}
        for name in sorted(now.keys() | edition.inputs.keys()):
            if name not in now or edition.inputs.get(name) != now[name]:
                return name
        for role, md5 in edition.files.items():
            if role in task.reads and _md5(self._archive.settings.data / task.reads[role]) not in {None, md5}:
                return task.reads[role].name
        recorded = {**edition.files, **edition.parameters.get(FACTS, {})}
        facts = task.facts(self._archive, inputs)
        return next((name for name in facts if name in recorded and facts[name] != recorded[name]), None)


def _ordered(database: Database) -> dict[str, Mapping[str, Any]]:
    """Return the parameters of the products that jobs are to make, or make at this moment."""
    active = [job for job in jobs.latest(database, limit=MOST_JOBS, phases=ACTIVE) if job.queue == PROCESSING]
    return {name: given for job in reversed(active) for name, given in job.parameters.get("outputs", {}).items()}


def _checksum(product: Product) -> str | None:
    file = own_file(product)
    return None if file is None else file.sha256


def _size(product: Product) -> int:
    file = own_file(product)
    return 0 if file is None else file.file_size


def _as_kept(parameters: Mapping[str, Any]) -> Any:
    """Return parameters as the database gives them back: a tuple has become a list; null is as good as none."""
    given = {name: value for name, value in parameters.items() if value is not None and name != FACTS}
    return json.loads(json.dumps(given))


def _md5(path: Path) -> str | None:
    """Return the MD5 of a file that tasks read; one that is not here cannot have changed."""
    try:
        return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    except OSError:
        return None
