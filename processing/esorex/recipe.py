"""What is asked of the pipeline: a recipe, its parameters, and the products without which it did not succeed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Limits", "Recipe"]


@dataclass(frozen=True)
class Recipe:
    """A recipe of the pipeline.

    Parameters
    ----------
    name
        As ``esorex --recipes`` lists it.
    makes
        How many products of each category (PRO CATG) it must make: its return code alone proves nothing.
    parameters
        Those that differ from the recipe's defaults, by name.
    ifus
        How many each exposure among its pixel tables must have; None for those that there are.
    """

    name: str
    makes: Mapping[str, int]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    ifus: int | None = None

    def arguments(self) -> list[str]:
        """Return the recipe and its parameters as esorex takes them."""
        return [self.name, *(f"--{name}={_text(value)}" for name, value in self.parameters.items())]


@dataclass(frozen=True)
class Limits:
    """Seconds after which a run is ended, and how many processors it may keep busy."""

    seconds: float = 3600.0
    threads: int = 1


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
