"""Rules about one keyword each, made of what may stand there: texts, numbers, words of a list."""

import re
from collections.abc import Iterator

from processing.phase3.profiles import Profile
from processing.phase3.rule import CUBES, S8, Rule, Severity
from processing.phase3.submitted import SubmittedFile

__all__ = ["absent", "number", "one_of", "text", "whole"]


def text(keyword: str, asks: str, *, form: str = r".+", source: str = S8, optional: bool = False) -> Rule:
    """Return the rule that a cube has a text of a form."""
    pattern = re.compile(form)

    def finds(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
        value = file.primary.cards.get(keyword)
        if value is None and keyword not in file.primary.keywords:
            if not optional:
                yield f"there is no {keyword}"
        elif not isinstance(value, str) or not pattern.fullmatch(value):
            yield f"{keyword} is {value!r}"

    return Rule(_rule_id(keyword), asks, source, CUBES, finds)


def one_of(keyword: str, *words: str, source: str = S8, optional: bool = False) -> Rule:
    """Return the rule that a cube has one of some words."""
    asks = f"{keyword} is {' or '.join(words)}" + (", where it is given" if optional else "")
    return text(keyword, asks, form="|".join(map(re.escape, words)), source=source, optional=optional)


def number(
    keyword: str,
    low: float,
    high: float = float("inf"),
    *,
    above: bool = False,
    optional: bool = False,
    source: str = S8,
) -> Rule:
    """Return the rule that a cube has a number between two; with ``above``, more than the lower one."""
    bounds = f"{'above' if above else 'from'} {low:g}" + (f" to {high:g}" if high != float("inf") else "")
    asks = f"{keyword} is a number {bounds}" + (", where it is given" if optional else "")

    def finds(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
        if keyword not in file.primary.keywords:
            if not optional:
                yield f"there is no {keyword}"
            return
        value = file.primary.number(keyword)
        if value is None or not low <= value <= high or (above and value == low):
            yield f"{keyword} is {file.primary.cards.get(keyword)!r}"

    return Rule(_rule_id(keyword), asks, source, CUBES, finds)


def whole(keyword: str, low: int) -> Rule:
    """Return the rule that a cube has a whole number, so much at least."""

    def finds(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
        value = file.primary.cards.get(keyword)
        if value is None:
            yield f"there is no {keyword}"
        elif type(value) is not int or value < low:
            yield f"{keyword} is {value!r}"

    return Rule(_rule_id(keyword), f"{keyword} is a whole number, {low} at least", S8, CUBES, finds)


def absent(rule_id: str, asks: str, *keywords: str, severity: Severity = Severity.ERROR) -> Rule:
    """Return the rule that no HDU of a cube has certain keywords."""

    def finds(file: SubmittedFile, _profile: Profile) -> Iterator[str]:
        for hdu in file.hdus:
            found = [keyword for keyword in keywords if keyword in hdu.keywords]
            if found:
                yield f"{hdu.label} has {', '.join(found)}"

    return Rule(rule_id, asks, S8, CUBES, finds, severity)


def _rule_id(keyword: str) -> str:
    return keyword.lower().replace("_", "-")
