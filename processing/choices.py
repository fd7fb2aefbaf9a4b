"""What may be set of a task's parameters: which values will do, and the words for who gave another one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Choice", "fact", "name_among", "number", "realisations", "whole", "yes_or_no"]

MOST: Final = 1_000_000


@dataclass(frozen=True)
class Choice:
    """A parameter that somebody may set.

    Parameters
    ----------
    holds
        Tells whether a value, as JSON has it, will do.
    words
        What will do.
    of_one
        Whether it is a fact about one galaxy, which nobody means for all of them.
    """

    holds: Callable[[Any], bool]
    words: str
    of_one: bool = False


def number(least: float, most: float, *, above: bool = False) -> Choice:
    """Return the choice of a number between two; with ``above`` the least one is none of them."""

    def holds(value: Any) -> bool:
        return _is_number(value) and least <= value <= most and not (above and value == least)

    words = f"a number above {least:g}, at most {most:.0f}" if above else f"a number from {least:g} to {most:.0f}"
    return Choice(holds, words)


def fact(least: float, most: float, unit: str) -> Choice:
    """Return the choice of a number about one galaxy, or of null, with which the task finds it out."""
    within = number(least, most)
    return Choice(lambda value: value is None or within.holds(value), f"{within.words} {unit}, or null", of_one=True)


def whole(least: int) -> Choice:
    """Return the choice of a whole number, such a one at least."""
    return Choice(lambda value: _is_whole(value) and least <= value <= MOST, f"a whole number from {least} to {MOST}")


def realisations() -> Choice:
    """Return the choice of how many realisations errors come from: a single one has no scatter."""
    return Choice(lambda value: _is_whole(value) and (value == 0 or 2 <= value <= MOST), f"0, or from 2 to {MOST}")


def name_among(names: Iterable[str]) -> Choice:
    """Return the choice of one of some names."""
    known = [str(name) for name in names]
    return Choice(lambda value: isinstance(value, str) and value in known, " or ".join(known))


def yes_or_no() -> Choice:
    """Return the choice of true or false."""
    return Choice(lambda value: isinstance(value, bool), "true or false")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_whole(value) or isinstance(value, float)
