"""What a plan is made of: steps, each one job, with what each is to make and why."""

from dataclasses import dataclass
from enum import StrEnum

from archive.needs import Needs
from processing.order import Order
from processing.task import Item, Task

__all__ = ["Due", "Plan", "Reason", "Step", "Why"]


class Why(StrEnum):
    """What can make a product due."""

    MISSING = "missing"
    VERSION = "version changed"
    PARAMETERS = "parameters changed"
    INPUT = "input changed"
    DEPENDS = "depends on"


@dataclass(frozen=True)
class Reason:
    """Why a product is to be made; ``of`` names the input that it is about."""

    why: Why
    of: str | None = None

    def __str__(self) -> str:
        """Return it in words."""
        match self.why:
            case Why.INPUT:
                return f"input changed: {self.of}"
            case Why.DEPENDS:
                return f"depends on {self.of}"
            case _:
                return str(self.why)


@dataclass(frozen=True)
class Due:
    """A product that is to be made, and why."""

    item: Item
    reason: Reason


@dataclass(frozen=True)
class Step:
    """One job: what a task is to make of some inputs, and what it should take; ``after`` are products to wait for."""

    task: Task
    inputs: tuple[Item, ...]
    outputs: tuple[Item, ...]
    due: tuple[Due, ...]
    seconds: float
    after: tuple[str, ...] = ()

    @property
    def order(self) -> Order:
        """What the job is told."""
        outputs = {due.item.product_id: due.item.parameters for due in self.due}
        return Order(self.task.name, self.task.version, tuple(item.product_id for item in self.inputs), outputs)

    @property
    def needs(self) -> Needs:
        """What the job takes of a machine."""
        return self.task.needs(self.inputs, self.seconds)

    @property
    def disk(self) -> int:
        """Bytes that its files will take; earlier editions are not counted against them."""
        return sum(due.item.size for due in self.due)


@dataclass(frozen=True)
class Plan:
    """Everything that is to be made, in an order in which it can be."""

    steps: tuple[Step, ...]

    @property
    def seconds(self) -> float:
        """What it takes one after the other."""
        return sum(step.seconds for step in self.steps)

    @property
    def memory(self) -> int:
        """What the largest step takes."""
        return max((step.needs.memory for step in self.steps), default=0)

    @property
    def disk(self) -> int:
        """What all of it takes."""
        return sum(step.disk for step in self.steps)
