"""What a task of the cascade is: what it takes, what it makes of that, and what it costs.  ``cascade`` has them all."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, Final

from archive.archive import Archive
from archive.needs import Needs
from processing.choices import Choice
from schema.products import Artifact, Product, Role

__all__ = ["CHOSEN", "FACTS", "GIGABYTE", "Item", "Task", "own_file", "per_gigabyte"]

CHOSEN: Final = "chosen"
"""Among the parameters of a product: the names of those that somebody set, if any."""

FACTS: Final = "facts"
"""Among the parameters of an activity: what it depended on beside its inputs, as ``Task.facts`` has them."""

GIGABYTE: Final = 1e9
LEAST_TIMEOUT_SECONDS: Final = 3600.0
TIMEOUT_FACTOR: Final = 20.0
"""A job is ended after so many times what it should take: it hangs, the estimate is not that wrong."""


@dataclass(frozen=True)
class Item:
    """A product as the plan sees it: one that is held, or one as it will be when it is made.

    Parameters
    ----------
    product
        Of one that will be made, what is known beforehand.
    size
        Of its file, bytes.
    parameters
        By which it is made: another value makes another product of it.
    of
        Identifiers of the inputs that it is made of; None: all of its job's.
    """

    product: Product
    size: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    of: frozenset[str] | None = None

    @property
    def product_id(self) -> str:
        """The identifier of the product."""
        return self.product.product_id


Inputs = Sequence[Item]


def _by_itself(product: Product) -> str:
    return product.product_id


def _no_facts(_archive: Archive, _inputs: Inputs) -> Mapping[str, Any]:
    return {}


def per_gigabyte(least: float, rate: float) -> Callable[[Inputs], float]:
    """Return what grows with the size of the inputs: so much at least, and so much more for each gigabyte."""
    return lambda inputs: least + rate * sum(item.size for item in inputs) / GIGABYTE


@dataclass(frozen=True)
class Task:
    """One step from products to products.

    Parameters
    ----------
    name
        Of the task, and of the entry point of ``musevault.tasks`` that does it.
    version
        Raised by hand when what it computes changes: everything that it made is then out of date.
    takes
        Kinds of the products that it takes.
    makes
        From its inputs, the products that it makes of them.
    seconds, memory
        What it takes, from its inputs; memory in bytes.  The seconds are calibrated by earlier jobs, the memory is a
        limit.
    together
        Products for which this gives the same are inputs of one job; those for which it gives None are left alone.  By
        default each goes by itself.
    parameters
        That all it makes has in common.
    choices
        Those of the parameters that somebody may set.
    chosen
        What was set of them this time.
    beside
        Kinds of the products of which every job takes those of its galaxy too, such as a reference image; without one
        of each there is no job.
    finds
        Roles of the calibrations that a job finds by itself, as the catalogue associates them.
    reads
        Files that it may read beside products, by their role, below the folder of the data packages.
    facts
        What else its products depend on, by name: a row of the survey's tables, a checksum of templates.  A product is
        out of date when one differs from what was recorded; what cannot be told here is left out.
    cores
        Processors that it keeps busy.
    insists
        Kinds of those that it takes without which a job is made all the same, and ends with what is lacking: nobody
        would be told otherwise.
    """

    name: str
    version: int
    takes: frozenset[str]
    makes: Callable[[Inputs], Iterable[Item]]
    seconds: Callable[[Inputs], float]
    memory: Callable[[Inputs], float]
    together: Callable[[Product], str | None] = _by_itself
    parameters: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, Choice] = field(default_factory=dict)
    chosen: Mapping[str, Any] = field(default_factory=dict)
    beside: frozenset[str] = frozenset()
    finds: frozenset[str] = frozenset()
    reads: Mapping[str, PurePath] = field(default_factory=dict)
    facts: Callable[[Archive, Inputs], Mapping[str, Any]] = _no_facts
    cores: int = 1
    insists: frozenset[str] = frozenset()

    def groups(self, items: Iterable[Item]) -> list[tuple[Item, ...]]:
        """Return the inputs of each job, of all the products that there are or will be."""
        found: dict[str, list[Item]] = {}
        beside: dict[str | None, list[Item]] = {}
        for item in items:
            if item.product.kind in self.takes and (key := self.together(item.product)) is not None:
                found.setdefault(key, []).append(item)
            if item.product.kind in self.beside:
                beside.setdefault(item.product.target, []).append(item)
        whole = ([*group, *beside.get(group[0].product.target, ())] for group in found.values())
        return [
            tuple(sorted(group, key=lambda item: item.product_id))
            for group in whole
            if (self.takes - self.insists) | self.beside <= {item.product.kind for item in group}
        ]

    def outputs(self, inputs: Inputs) -> list[Item]:
        """Return what it makes of inputs, with all parameters."""
        made = self.makes(inputs)
        return [replace(item, parameters={**self.parameters, **item.parameters}) for item in made]

    def needs(self, inputs: Inputs, seconds: float) -> Needs:
        """Return what a job takes of a machine that should take so many seconds."""
        timeout = max(LEAST_TIMEOUT_SECONDS, TIMEOUT_FACTOR * seconds)
        return Needs(cores=self.cores, memory=int(self.memory(inputs)), timeout=timeout)


def own_file(product: Product) -> Artifact | None:
    """Return the file of a product itself, if it is there."""
    return next((a for a in product.artifacts if a.role == Role.THIS and a.lost is None), None)
